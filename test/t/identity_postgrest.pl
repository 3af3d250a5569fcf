# PostgREST's transactions, replayed statement by statement (T24, T48, T83, T84):
# GET and POST, one pooled connection after the other's request, its
# configuration and the notice of new keys. What PostgREST would make of an error
# follows from its SQLSTATE, message and detail.
# At least 182 assertions

use strict;
use warnings;

use JSON::PP;
use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(decode_base64url);
use Test::More;

my $node = start_node('postgrest', conf => ["session_preload_libraries = 'jwt_auth'"]);

$node->safe_psql('postgres', q{
	CREATE ROLE regress_rest_authenticator LOGIN NOINHERIT;
	CREATE ROLE regress_rest_anon;
	CREATE ROLE regress_rest_user;
	GRANT regress_rest_anon, regress_rest_user TO regress_rest_authenticator;
	GRANT EXECUTE ON FUNCTION jwt_login, jwt_refresh TO regress_rest_anon;
	SELECT jwt_create_user(name, 'correct horse of ' || name, role => 'regress_rest_user', claims => '{"scope":"read"}')
	FROM unnest('{alice,bob}'::text[]) AS name;
	CREATE TABLE document AS SELECT n AS id, u.id AS owner, u.username AS name FROM generate_series(1, 4) AS n
		JOIN jwt_auth.users AS u ON u.username = CASE n % 2 WHEN 0 THEN 'alice' ELSE 'bob' END;
	ALTER TABLE document ENABLE ROW LEVEL SECURITY;
	ALTER TABLE document ALTER COLUMN owner SET DEFAULT jwt_user_id();
	CREATE POLICY p ON document USING (owner = jwt_user_id());
	GRANT SELECT, INSERT, DELETE ON document TO regress_rest_anon, regress_rest_user;
	CREATE FUNCTION with_scope(scope text) RETURNS text LANGUAGE plpgsql AS
	$$ BEGIN PERFORM jwt_require_scope(scope); RETURN 'done'; END $$});

# All requests go over one connection, as if the pool had no other
my $connection = JwtAuthSession->new($node, role => 'regress_rest_authenticator');
my $json = JSON::PP->new->canonical->allow_nonref;

check_configuration();
check_login();
check_get();
check_refusals();
check_post();
$connection->close;
done_testing();

# What PostgREST hands over of the token that it took the role from.
sub claims_of
{
	my ($authorization, $role) = @_;
	my ($payload) = ($authorization // '') =~ /^Bearer +[\w-]+\.([\w-]+)\.[\w-]+$/i;
	my $claims = defined $payload ? eval { $json->decode(decode_base64url($payload)) } : undef;

	return $json->encode({ %{ $claims // {} }, role => $role });
}

# What PostgREST would answer: status, headers and body. Options: token,
# authorization, headers, body, role.
sub request
{
	my ($method, $path, $query, %options) = @_;
	my %headers = (accept => '*/*', host => 'localhost', %{ $options{headers} // {} });

	$headers{authorization} = "Bearer $options{token}" if defined $options{token};
	$headers{authorization} = $options{authorization} if defined $options{authorization};
	my $role = $options{role} // (defined $options{token} ? 'regress_rest_user' : 'regress_rest_anon');
	my %setting = (
		'search_path' => '"public"',
		'role' => $role,
		'request.jwt.claims' => claims_of($headers{authorization}, $role),
		'request.method' => $method,
		'request.path' => $path,
		'request.headers' => $json->encode(\%headers),
		'request.cookies' => '{}');
	my @statements = (
		'BEGIN ISOLATION LEVEL READ COMMITTED ' . ($method =~ /^(?:GET|HEAD)$/ ? 'READ ONLY' : 'READ WRITE'),
		'SELECT ' . join(', ', map { "set_config('$_', " . quote($setting{$_}) . ', true)' } sort keys %setting),
		'SELECT "public"."jwt_pre_request"()',
		"WITH pgrst_source AS ($query) "
		  . q{SELECT pg_catalog.count(_postgrest_t), coalesce(json_agg(_postgrest_t), '[]'),
			nullif(current_setting('response.headers', true), ''), nullif(current_setting('response.status', true), '')
			FROM (SELECT * FROM pgrst_source) AS _postgrest_t},
		'COMMIT');
	my @answers;

	$connection->query('\set VERBOSITY verbose');
	$connection->query('\pset fieldsep \'\t\'');
	for my $statement (@statements)
	{
		my ($answer, $messages) = $connection->query($statement);

		if ($messages =~ /ERROR:/)
		{
			$connection->query('ROLLBACK');
			return answer_of_error($messages);
		}
		push @answers, $answer;
	}
	my (undef, $body, $response_headers, $status) = split /\t/, $answers[3], -1;

	return {
		status => $status || 200,
		headers => { map { %$_ } @{ $json->decode($response_headers || '[]') } },
		body => $json->decode($body)
	};
}

sub answer_of_error
{
	my ($messages) = @_;
	my ($state, $message) = $messages =~ /ERROR:\s+(\w{5}): (.*)/ or die "no error: $messages\n";
	my ($detail) = $messages =~ /DETAIL:\s+(.*)/;

	if ($state eq 'PGRST')
	{
		my $answer = $json->decode($detail);

		return { %$answer, body => $json->decode($message) };
	}
	return { status => 405, headers => {}, body => { code => $state } } if $state eq '25006';
	return { status => $state =~ /^28/ ? 403 : 400, headers => {}, body => { code => $state } };
}

sub rows
{
	my (%options) = @_;
	my $answer = request('GET', '/document', 'SELECT "public"."document".* FROM "public"."document"', %options);

	return "$answer->{status} " . ($answer->{body}{code} // '') if ref $answer->{body} ne 'ARRAY';
	return join ' ', $answer->{status}, map { $_->{name} } @{ $answer->{body} };
}

sub rpc
{
	my ($name, $arguments, %options) = @_;
	my $answer = request('POST', "/rpc/$name", "SELECT \"public\".\"$name\"($arguments) AS pgrst_scalar", %options);

	$answer->{body} = $answer->{body}[0]{pgrst_scalar} if ref $answer->{body} eq 'ARRAY';
	return $answer;
}

sub login
{
	my ($name) = @_;

	return rpc('jwt_login', "'$name', 'correct horse of $name'")->{body};
}

# db-pre-config, and the notices that make PostgREST call it again
sub check_configuration
{
	my $admin = JwtAuthSession->new($node);
	my $listener = JwtAuthSession->new($node, role => 'regress_rest_authenticator');

	# The first login makes keys for refresh tokens
	$admin->query(q{SELECT jwt_create_key('HS256', 'h0'); SELECT jwt_login('alice', 'correct horse of alice')});
	$listener->query('LISTEN pgrst');
	is($connection->state_of('SELECT jwt_postgrest_config()'), '55000', 'without a key, jwt_postgrest_config is refused');
	for my $case (
		[ q{SELECT jwt_create_key('HS256', 'h1')}, 1 ], [ q{SELECT jwt_create_key('ES256', 'e1')}, 1 ],
		[ 'SELECT jwt_rotate_key()', 1 ], [ q{SELECT jwt_import_key(jwk_generate('RS256', 'r1'))}, 1 ],
		[ q{SELECT jwt_revoke_key('r1')}, 1 ],
		[ q{BEGIN; SELECT jwt_rotate_key(); ROLLBACK}, 0 ], [ q{SELECT jwt_create_user('carol')}, 0 ],
		[ q{SELECT jwt_login('alice', 'correct horse of alice')}, 0 ], [ q{SELECT jwt_revoke('x')}, 0 ])
	{
		my ($statement, $notifies) = @$case;

		is($admin->state_of($statement), '', "$statement: done");
		my $notices = () = $listener->query('SELECT 1') =~ /notification "pgrst" with payload "reload config"/g;
		is($notices > 0 ? 1 : 0, $notifies, "$statement: " . ($notifies ? 'PostgREST is told' : 'PostgREST is not bothered'));
	}
	my $keys = $connection->query("BEGIN; SELECT jwt_postgrest_config() IS NULL; SELECT current_setting('pgrst.jwt_secret', true); COMMIT");

	$keys =~ s/^f\n//;
	my $token = $admin->query(q{SELECT jwt_sign('{"sub":"x"}', kid => 'e1')});
	is($admin->query("SELECT jwt_verify_with('$token', " . quote($keys) . ") ->> 'sub'"), 'x', 'with the secret of the configuration, tokens of this database verify');
	unlike($keys, qr/"(?:d|p|q|k)"/, 'the configured keys have no private member');
	is((grep { $_->{kty} eq 'oct' } @{ $json->decode($keys)->{keys} }), 0, 'the configured keys have no secret');
	is($connection->query("SELECT current_setting('pgrst.jwt_secret', true)"), '', 'outside of the configuring transaction, pgrst.jwt_secret is empty');
	$_->close for $admin, $listener;
	return;
}

sub check_login
{
	my $answer = rpc('jwt_login', q{'alice', 'correct horse of alice'});

	is($answer->{status}, 200, 'a login has status 200');
	is_deeply([ sort keys %{ $answer->{body} } ], [qw(access_token expires_in refresh_expires_in refresh_token token_type)], 'a login returns five members');
	is($answer->{headers}{'Cache-Control'}, 'no-store', 'a login is not to be stored');
	is($answer->{headers}{Pragma}, 'no-cache', 'a login is not to be cached');
	my $token = $answer->{body}{access_token};
	is(rows(token => $token), '200 alice alice', 'the token of a login sees the rows of its user');
	$answer = rpc('jwt_refresh', quote($answer->{body}{refresh_token}));
	is($answer->{status}, 200, 'a refresh has status 200');
	is(rows(token => $answer->{body}{access_token}), '200 alice alice', 'the token of a refresh sees the rows of its user');

	for my $case ([ 'jwt_login', q{'alice', 'wrong'}, 'invalid_grant' ], [ 'jwt_login', q{'', ''}, 'invalid_request' ],
		[ 'jwt_refresh', q{'x'}, 'invalid_grant' ])
	{
		my ($function, $arguments, $error) = @$case;
		$answer = rpc($function, $arguments);

		is($answer->{status}, 400, "a denial: $function($arguments)");
		is($answer->{body}{error}, $error, "says $error: $function($arguments)");
		is($answer->{headers}{'Cache-Control'}, 'no-store', "is not to be stored: $function($arguments)");
	}
	rpc('jwt_login', q{'bob', 'wrong'}) for 1 .. 5;
	$answer = rpc('jwt_login', q{'bob', 'wrong'});
	is($answer->{status}, 429, 'after too many failures, a login has status 429');
	like($answer->{headers}{'Retry-After'}, qr/^\d+$/, 'after too many failures, a login names a time to retry');
	$node->safe_psql('postgres', q{SELECT jwt_unlock_user(id) FROM jwt_auth.users});

	is(request('GET', '/rpc/jwt_login', q{SELECT jwt_login('alice', 'correct horse of alice') AS pgrst_scalar})->{status}, 405,
		'a login with GET has status 405');
	is(request('GET', '/rpc/jwt_refresh', q{SELECT jwt_refresh('x') AS pgrst_scalar})->{status}, 405, 'a refresh with GET has status 405');
	return;
}

sub check_get
{
	my %token = map { $_ => login($_)->{access_token} } qw(alice bob);

	is(rows(token => $token{alice}), '200 alice alice', "alice's token sees her rows");
	is(rows(), '200', 'the next request without token on the connection sees no row');
	is(rows(token => $token{bob}), '200 bob bob', "the next request with bob's token sees his rows");
	is(rows(authorization => 'Basic YWxpY2U6eA=='), '200', 'the next request with other credentials sees no row');
	is(rows(authorization => "bearer $token{alice}"), '200 alice alice', 'the next request with "bearer" in lower case sees alice\'s rows');
	is(rows(authorization => ''), '200', 'the next request with an empty header sees no row');
	is($connection->query(q{SELECT current_user, current_setting('request.headers'), current_setting('request.method'), jwt_user_id()}),
		"regress_rest_authenticator\t\t\t", 'between requests, settings are empty and there is no identity');
	$connection->query("SET jwt_auth.token = '$token{alice}'");
	is(rows(), '200', 'a token left on the connection gives a request without token no identity');
	is(rows(token => $token{bob}), '200 bob bob', "a token left on the connection does not change bob's identity");
	$connection->query('RESET jwt_auth.token');
	is(rows(token => $token{alice}, role => 'regress_rest_anon'), '200 alice alice', "alice's token sees her rows in another role");
	is(rows(headers => { 'x-authorization' => "Bearer $token{alice}" }), '200', 'a token in another header sees no row');
	is(request('HEAD', '/document', 'SELECT id FROM document', token => $token{alice})->{status}, 200, "HEAD with alice's token has status 200");
	return;
}

sub check_refusals
{
	my $session = login('alice');
	my $token = $session->{access_token};
	my $ended = login('alice')->{access_token};
	my $expired = value_of($node, q{SELECT jwt_sign(jsonb_build_object('exp', 1))});

	is(rpc('jwt_logout', '', token => $ended)->{status}, 200, 'a logout has status 200');
	for my $case (
		[ 'tampered', tampered($token), '28J00' ], [ 'junk', 'x', '28J00' ], [ 'nothing', '', '28J00' ], [ 'two', "$token $token", '28J00' ],
		[ 'a list', "$token, Bearer $token", '28J00' ], [ 'a refresh token', $session->{refresh_token}, '28J00' ],
		[ 'expired', $expired, '28J01' ], [ 'after logout', $ended, '28J02' ])
	{
		my ($name, $bad, $code) = @$case;

		for my $method (qw(GET POST))
		{
			my $answer = request($method, '/document', 'SELECT id FROM document', token => $bad);

			is($answer->{status}, 401, "$name: 401 for $method");
			is($answer->{body}{code}, $code, "$name: code for $method");
			is_deeply([ sort keys %{ $answer->{body} } ], [qw(code details hint message)], "$name: PostgREST's members for $method");
			is_deeply($answer->{headers}, { 'WWW-Authenticate' => 'Bearer error="invalid_token"' }, "$name: challenge for $method");
			unlike($json->encode($answer), qr/segment|signature|base64|kid/i, "$name: no reason for $method");
		}
		is(rows(), '200', "$name: the next request without token sees no row");
		is(rows(token => $token), '200 alice alice', "$name: the next request with alice's token sees her rows");
	}

	# Scopes
	is(rpc('with_scope', q{'read'}, token => $token)->{body}, 'done', 'a function that requires a scope runs with a token that has it');
	for my $scope ('write', '', 'read write')
	{
		my $answer = rpc('with_scope', quote($scope), token => $token);

		is($answer->{status}, 403, "no scope '$scope': 403");
		is_deeply($answer->{headers}, { 'WWW-Authenticate' => 'Bearer error="insufficient_scope"' }, "no scope '$scope': challenge");
		is($answer->{body}{code}, '42501', "no scope '$scope': code");
	}
	for my $case ([ 'with_scope', q{'read'} ], [ 'jwt_logout', '' ], [ 'jwt_sessions', '' ])
	{
		my $answer = rpc(@$case);

		is($answer->{status}, 401, "$case->[0] of nobody: 401");
		is_deeply($answer->{headers}, { 'WWW-Authenticate' => 'Bearer' }, "$case->[0] of nobody: challenge");
		is($answer->{body}{code}, '28J03', "$case->[0] of nobody: code");
	}
	is(rpc('jwt_sign', q{'{}'}, token => $token)->{body}{code}, '42501', "a missing right is PostgreSQL's error");
	return;
}

# Writing: rows of one's own
sub check_post
{
	my %token = map { $_ => login($_)->{access_token} } qw(alice bob);
	my $insert = sub {
		my ($values, %options) = @_;

		return request('POST', '/document', "INSERT INTO \"public\".\"document\" (id, name$values RETURNING *", %options);
	};
	my $bob = value_of($node, q{SELECT id FROM jwt_auth.users WHERE username = 'bob'});

	is($insert->(q{) VALUES (10, 'new')}, token => $token{alice})->{body}[0]{name}, 'new', 'alice can insert a row');
	is(rows(token => $token{alice}), '200 alice alice new', 'alice sees the row that she inserted');
	is(rows(token => $token{bob}), '200 bob bob', 'bob does not see the row that alice inserted');
	is($insert->(qq{, owner) VALUES (11, 'for bob', '$bob')}, token => $token{alice})->{body}{code}, '42501', "alice cannot insert a row of bob's");
	is($insert->(q{) VALUES (12, 'nobody')})->{body}{code}, '42501', 'a request without token cannot insert a row');
	is($insert->(qq{, owner) VALUES (13, 'for bob', '$bob')})->{body}{code}, '42501', "a request without token cannot insert a row of bob's");
	is(scalar @{ request('DELETE', '/document', 'DELETE FROM document RETURNING *', token => $token{bob})->{body} }, 2, "bob's DELETE removes his two rows");
	is(scalar @{ request('DELETE', '/document', 'DELETE FROM document RETURNING *')->{body} }, 0, 'a DELETE without token removes no row');
	is(rows(token => $token{alice}), '200 alice alice new', "after the DELETEs of others, alice's rows are there");
	is(request('GET', '/document', 'DELETE FROM document RETURNING *', token => $token{alice})->{status}, 405, 'a DELETE sent with GET has status 405');
	return;
}
