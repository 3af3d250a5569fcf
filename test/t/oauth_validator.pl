# A token opens the connection (T187), from PostgreSQL 18 on: whom the validator
# lets in as what, and for which reason the server log says that it does not;
# the identity that the connection begins with; the file of keys and the issuer
# in all states; pg_ident.conf; sessions that have ended; a standby.
# At least 444 assertions

use strict;
use warnings;

use Encode qw(encode);
use IPC::Run qw(start finish);
use JSON::PP ();
use JwtAuthTest;
use MIME::Base64 qw(encode_base64url);
use OAuthClient;
use Pages qw(pages slurp write_file);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $ISSUER = 'https://api.example.com';
my $APP = 'regress_oauth_app';
my $json = JSON::PP->new->canonical->ascii;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $path = "$dir/keys.json";
my $node = start_node(
	'oauth',
	cluster => { allows_streaming => 1 },
	conf => [
		"jwt_auth.oauth_jwks_file = '$path'", "jwt_auth.issuer = '$ISSUER'", "jwt_auth.audience = 'api'",
		'jwt_auth.leeway = 300', 'jwt_auth.argon2_memory = 8', 'jwt_auth.argon2_iterations = 1',
		'log_min_messages = debug2', 'log_statement = none', 'log_connections = on'
	]);

plan skip_all => 'PostgreSQL has validators for OAuth since 18'
  if value_of($node, 'SHOW server_version_num') < 180000;

# What the end of each refused connection's log says
my %REASON = (
	key => 'no key fits the header', signature => 'signature is wrong', algorithm => '"alg" is not the algorithm of the key',
	alg => 'no supported "alg"', kid => 'has no "kid"', type => 'only access tokens open connections',
	use => 'token_use', confirmation => 'cnf', issuer => '"iss" is not the expected issuer',
	audience => '"aud" does not contain', expired => 'expired', future => 'in the future', no_expiry => '"exp" is missing',
	time => 'a time claim is not', scope => 'lacks the required scope', role => 'another role than the requested one',
	powerful => 'bypasses row-level security, or accesses files or programs', actor => 'somebody else acts', anonymous => 'is anonymous',
	subject => 'names no subject', size => 'longer than jwt_auth.max_token_size', segments => 'not three segments',
	json => 'not valid JSON', duplicate => 'duplicate member', crit => 'has "crit"',
	file => 'the file of keys for connections cannot be read', rights => 'can be written by others',
	form => 'is not a set as jwt_jwks', unset => 'nobody publishes keys for connections, and there is no file', unknown => 'is not known',
	other => 'of the line of pg_hba.conf is not jwt_auth.issuer', none => undef);

my $admin = prepare();
my %id = map { $_ => value_of($admin, "SELECT id FROM jwt_auth.users WHERE username = '$_'") } qw(alice bob carol);
my %token = map { $_ => log_in($_) } qw(alice bob carol);

my $client = OAuthClient->new($dir, issuer => $ISSUER, user => $APP);

# A key that nothing but the file knows, to sign whatever a test needs
my $key = value_of($admin, q{SELECT jwk_generate('ES256', 'crafted')});
my @secrets = values %token;

write_keys($key);
for my $preload ('no library', 'session_preload_libraries', 'shared_preload_libraries')
{
	preload($preload);
	check_identity($preload);
}
check_refused_tokens();
check_refused_headers();
check_roles();
check_scopes_and_maps();
check_text();
check_algorithms();
check_file();
check_issuer();
check_sessions();
check_standby();
check_log();
done_testing();

# Roles, users, databases, and who comes in how
sub prepare
{
	my $superuser = value_of($node, 'SELECT current_user');

	$node->safe_psql('postgres', q{
		CREATE ROLE regress_oauth_app LOGIN;
		CREATE ROLE regress_oauth_other LOGIN;
		CREATE ROLE regress_oauth_boss LOGIN SUPERUSER;
		CREATE ROLE regress_oauth_bypass LOGIN BYPASSRLS;
		CREATE ROLE regress_oauth_replica LOGIN REPLICATION;
		CREATE ROLE regress_oauth_group IN ROLE regress_oauth_boss;
		CREATE ROLE regress_oauth_member LOGIN NOINHERIT IN ROLE regress_oauth_group;
		CREATE ROLE regress_oauth_nobody;
		CREATE ROLE regress_oauth_machine LOGIN;
		SELECT jwt_create_key();
		SELECT jwt_create_user(name, 'correct horse of ' || name, role => 'regress_oauth_app') FROM unnest('{alice,bob}'::text[]) AS name;
		SELECT jwt_create_user('carol', 'correct horse of carol', role => 'regress_oauth_app', claims => '{"scope": "db read"}');
		CREATE TABLE document AS SELECT n AS id, u.id AS owner FROM generate_series(1, 300) AS n
			JOIN jwt_auth.users AS u ON u.username = CASE n % 3 WHEN 0 THEN 'alice' ELSE 'bob' END;
		ALTER TABLE document ENABLE ROW LEVEL SECURITY;
		CREATE POLICY p ON document USING (owner = jwt_user_id());
		GRANT SELECT ON document TO PUBLIC;
		ANALYZE document});
	$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(scoped mapped unmapped wellknown foreigner);
	$node->safe_psql('postgres', q{CREATE DATABASE latin1 ENCODING LATIN1 LOCALE 'C' TEMPLATE template0});
	my $alice = value_of($node, "SELECT id FROM jwt_auth.users WHERE username = 'alice'");
	my $oauth = qq{oauth issuer="$ISSUER"};

	write_file($node->data_dir . '/pg_hba.conf', <<"END");
local all         "$superuser" trust
local replication "$superuser" trust
local scoped      all $oauth scope="db read" delegate_ident_mapping=1
local mapped      all $oauth scope="db" map=jwt
local unmapped    all $oauth scope=""
local wellknown   all oauth issuer="$ISSUER/.well-known/openid-configuration" scope="" delegate_ident_mapping=1
local foreigner   all oauth issuer="https://other.example" scope="" delegate_ident_mapping=1
local all,replication all $oauth scope="" delegate_ident_mapping=1
END
	write_file($node->data_dir . '/pg_ident.conf', <<"END");
jwt "$alice" regress_oauth_other
jwt /^client:.*\$ regress_oauth_machine
jwt /^.*\$ regress_oauth_boss
jwt /^.*\$ regress_oauth_bypass
END
	$node->append_conf('postgresql.conf', "oauth_validator_libraries = 'jwt_auth'");
	$node->restart;
	return connect_to($node);
}

sub preload
{
	my ($where) = @_;

	undef $admin;
	$node->append_conf('postgresql.conf', "session_preload_libraries = 'jwt_auth'") if $where =~ /^session/;
	$node->append_conf('postgresql.conf', "session_preload_libraries = ''\nshared_preload_libraries = 'jwt_auth'") if $where =~ /^shared/;
	$node->restart;
	$admin = connect_to($node);
	return;
}

sub log_in
{
	my ($name) = @_;

	return value_of($admin, "SELECT jwt_login('$name', 'correct horse of $name') ->> 'access_token'");
}

# The published keys and those of the test, as a server that writes the file again
sub write_keys
{
	my @more = @_;
	my $keys = $json->decode(value_of($admin, 'SELECT jwt_jwks()'))->{keys};

	push @$keys, map { $json->decode(value_of($admin, 'SELECT jwk_public(' . quote($_) . ')')) } @more;
	write_file($path, $json->encode({ keys => $keys }));
	chmod 0644, $path or die "could not change $path: $!\n";
	return;
}

# The claims of an access token of alice; undef leaves one out.
sub claims
{
	my %changes = @_;
	my $now = int time;
	my %claims = (
		iss => $ISSUER, aud => 'api', sub => $id{alice}, role => $APP,
		iat => $now, exp => $now + 600, jti => 'crafted', %changes);

	delete @claims{ grep { !defined $claims{$_} } keys %claims };
	return $json->encode(\%claims);
}

# A token with these claims; options: key, header.
sub signed
{
	my ($payload, %options) = @_;
	my $token = value_of($admin, sprintf "SELECT jws_sign(decode('%s', 'hex'), %s, %s) FROM set_config('jwt_auth.max_token_size', '65536', true)", unpack('H*', $payload),
		quote($options{key} // $key), quote($json->encode($options{header} // { typ => 'at+jwt' })));

	push @secrets, $token;
	return $token;
}

sub crafted { return signed(claims(@_)); }

# What the statements say in a connection that a token opens; options: where, and
# those of OAuthClient.
sub say_in
{
	my ($token, $statements, %options) = @_;

	return $client->answers($options{where} // $node, $token, $statements, %options);
}

sub lets_in
{
	my ($name, $token, %options) = @_;

	is(say_in($token, ['SELECT current_user'], %options), $options{user} // $APP, $name) or diag($client->errors);
	return;
}

# Refused, and the log says why; the client is told nothing of it.
sub refuses
{
	my ($name, $reason, $token, %options) = @_;
	my $where = $options{where} // $node;
	my $offset = -s $where->logfile;
	my $why = $REASON{$reason};

	is(say_in($token, ['SELECT current_user'], %options), 'refused', "refused: $name");
	like($client->errors, qr/OAuth bearer authentication failed for user/, "its client is told no more: $name");
	my $log = substr slurp($where->logfile), $offset;
	my ($said) = $log =~ /jwt_auth: connection refused: (.*)/;

	ok(defined $why ? ($said // '') =~ /\Q$why\E/ : !defined $said, "the log says why: $name") or diag($said // 'nothing');
	return;
}

sub check_identity
{
	my ($preload) = @_;
	my @who = ('SELECT jwt_user_id()');
	my $me = "$id{alice}\n";

	is(say_in($token{alice}, [ 'SELECT current_user', 'SELECT session_user', 'SELECT system_user', 'SELECT jwt_role()', @who, 'SELECT count(*) FROM document' ]),
		"$APP\n$APP\noauth:$id{alice}\n$APP\n${me}100", "$preload: the token is the identity");
	for my $statement (q{SET jwt_auth.token = ''}, "SET jwt_auth.token = '$token{bob}'")
	{
		for my $reset ('RESET jwt_auth.token', 'RESET ALL', 'DISCARD ALL', 'SET jwt_auth.token TO DEFAULT')
		{
			is((split /\n/, say_in($token{alice}, [ $statement, @who, $reset, @who ]))[-1], $id{alice},
				"$preload: $reset brings it back");
		}
	}
	is(say_in($token{alice}, [ q{SET jwt_auth.token = ''}, @who, 'SELECT count(*) FROM document' ]), "\n\n0", "$preload: the session may act for nobody");
	is(say_in($token{alice}, [ "SET jwt_auth.token = '$token{bob}'", @who, 'BEGIN', q{SET LOCAL jwt_auth.token = ''}, @who, 'COMMIT', @who ]),
		"\n$id{bob}\n\n\n\n\n$id{bob}", "$preload: another token takes its place");
	for my $option ('junk', '', $token{bob})
	{
		is(say_in($token{alice}, [ @who, 'RESET ALL', @who ], more => "options='-c jwt_auth.token=$option'"), "${me}\n$id{alice}",
			"$preload: no option of the client's takes its place: " . substr $option, 0, 4);
	}
	execute($admin, "ALTER ROLE $APP SET jwt_auth.token = '$token{bob}'");
	is(say_in($token{alice}, \@who), $id{alice}, "$preload: nor does a setting of the role");
	execute($admin, "ALTER ROLE $APP RESET jwt_auth.token");
	for my $option ('issuer=x', 'check_revocation=off', 'oauth_jwks_file=/x')
	{
		is(say_in($token{alice}, \@who, more => "options='-c jwt_auth.$option'"), 'refused', "$preload: the client does not set $option");
	}
	is(say_in($token{alice}, [ 'SET debug_parallel_query = on', @who, 'SELECT system_user', 'SET parallel_setup_cost = 0', 'SET parallel_tuple_cost = 0',
				'SET min_parallel_table_scan_size = 0', 'SELECT count(*) FROM document' ]),
		"\n${me}oauth:$id{alice}\n\n\n\n100", "$preload: parallel workers have it");
	unlike(say_in($token{alice}, [ 'SHOW jwt_auth.token', 'SELECT a::text FROM pg_stat_activity AS a WHERE pid = pg_backend_pid()',
				q{SELECT string_agg(s::text, '') FROM pg_settings AS s} ]), qr/\Q@{[ $token{alice} =~ s{.*\.}{}r ]}\E/,
		"$preload: its signature is nowhere to be seen");
	refuses("$preload: a tampered token", 'signature', tampered($token{alice}));
	return;
}

sub check_refused_tokens
{
	my $now = int time;
	my $other_key = value_of($admin, q{SELECT jwk_generate('ES256', 'other')});
	my $kid = $json->decode(value_of($admin, 'SELECT jwt_jwks()'))->{keys}[0]{kid};

	lets_in('a crafted token', crafted());
	lets_in('several audiences', crafted(aud => [qw(web api)]));
	lets_in('claims of the operator', crafted(tenant => 'acme', nested => { a => [1] }));
	lets_in('token_use access', crafted(token_use => 'access'));
	for my $case (
		[ 'by a key that is not there', 'key', signed(claims(), key => $other_key) ],
		[ 'by another key under a kid of ours', 'signature', signed(claims(), key => $json->encode({ %{ $json->decode($other_key) }, kid => $kid })) ],
		[ 'signed by jwt_sign', 'type', value_of($admin, 'SELECT jwt_sign(' . quote(claims(jti => undef, exp => $now + 60)) . ')') ],
		[ 'an ID token by its use', 'use', crafted(token_use => 'id') ],
		[ 'a refresh token by its use', 'use', crafted(token_use => 'refresh') ],
		[ 'bound to a key', 'confirmation', crafted(cnf => { jkt => 'x' }) ],
		[ 'of another issuer', 'issuer', crafted(iss => 'https://other.example') ],
		[ 'of an issuer that begins like ours', 'issuer', crafted(iss => "$ISSUER/") ],
		[ 'without iss', 'issuer', crafted(iss => undef) ],
		[ 'with two issuers', 'issuer', crafted(iss => [$ISSUER]) ],
		[ 'for another audience', 'audience', crafted(aud => 'web') ],
		[ 'without aud', 'audience', crafted(aud => undef) ],
		[ 'for an empty list', 'audience', crafted(aud => []) ],
		[ 'expired beyond the leeway', 'expired', crafted(iat => $now - 900, exp => $now - 301) ],
		[ 'not valid yet', 'future', crafted(nbf => $now + 900, exp => $now + 1800) ],
		[ 'issued in the future', 'future', crafted(iat => $now + 900, exp => $now + 1800) ],
		[ 'without an end', 'no_expiry', crafted(exp => undef) ],
		[ 'with an end that is a text', 'time', crafted(exp => "$now") ],
		[ 'without a role', 'role', crafted(role => undef) ],
		[ 'with an empty role', 'role', crafted(role => '') ],
		[ 'with a role of which ours is the beginning', 'role', crafted(role => "${APP}x") ],
		[ 'with several roles', 'role', crafted(role => [$APP]) ],
		[ 'with the role in capitals', 'role', crafted(role => uc $APP) ],
		[ 'of somebody who acts as the user', 'actor', crafted(act => { sub => 'x' }) ],
		[ 'with an empty act', 'actor', crafted(act => {}) ],
		[ 'of a visitor', 'anonymous', crafted(anonymous => JSON::PP::true) ],
		[ 'of a program, without a scope', 'scope', crafted(api_token => 'backup') ],
		[ 'of a machine, without a scope', 'scope', crafted(client_id => 'x', sub => 'client:x') ],
		[ 'without sub', 'subject', crafted(sub => undef) ],
		[ 'with an empty sub', 'subject', crafted(sub => '') ],
		[ 'with a sub that is a number', 'subject', crafted(sub => 7) ],
		[ 'that is too long', 'size', crafted(padding => 'x' x 17000) ],
		[ 'with a claim twice', 'duplicate', signed(claims() =~ s/\}$/,"role":"$APP"}/r) ],
		[ 'with a payload that is no JSON', 'json', signed('{"iss":') ],
		[ 'of one segment', 'segments', 'junk' ],
		[ 'of four segments', 'segments', "$token{alice}.x" ],
		[ 'with padding', 'signature', "$token{alice}=" ],
		[ 'without a signature', 'signature', $token{alice} =~ s/[^.]+$//r ])
	{
		refuses(@$case);
	}
	check_real_tokens();
	return;
}

# What the extension hands out for something else
sub check_real_tokens
{
	my $login = $json->decode(value_of($admin, q{SELECT jwt_login('carol', 'correct horse of carol')}));
	my $acting = value_of($admin, "SELECT jwt_impersonate('$id{alice}', 'a test') ->> 'access_token'");

	execute($admin, "SET jwt_auth.token = '$login->{access_token}'");
	my $api_token = value_of($admin, q{SELECT jwt_create_api_token('backup', 'db', '1 day') ->> 'token'});
	my $exchanged = value_of($admin, "SELECT jwt_login_api_token('$api_token') ->> 'access_token'");
	execute($admin, 'RESET jwt_auth.token');
	execute($admin, "SET jwt_auth.anonymous_sign_up = on; SET jwt_auth.anonymous_role = '$APP'");
	my $visitor = value_of($admin, q{SELECT jwt_sign_up_anonymous() ->> 'access_token'});

	push @secrets, $acting, $api_token, $exchanged, $visitor, $login->{refresh_token};
	refuses('a refresh token', 'segments', $login->{refresh_token});
	refuses('an API token', 'segments', $api_token);
	refuses('an access token of an API token', 'scope', $exchanged);
	refuses('an access token of who acts as a user', 'actor', $acting);
	refuses('an access token of a visitor', 'anonymous', $visitor);
	return;
}

sub check_refused_headers
{
	my ($head, $payload, $signature) = split /\./, crafted();
	my $encoded = sub { return encode_base64url($json->encode({ typ => 'at+jwt', kid => 'crafted', @_ })) };
	my $secret = encode_base64url(value_of($admin, 'SELECT jwk_public(' . quote($key) . ')'));
	my $hmac = signed(claims(), key => $json->encode({ kty => 'oct', alg => 'HS256', kid => 'crafted', k => $secret }));

	for my $case (
		[ 'an HMAC with the public key as secret', 'algorithm', $hmac ],
		[ 'alg none', 'alg', $encoded->(alg => 'none') . ".$payload." ],
		[ 'alg none with a signature', 'alg', $encoded->(alg => 'none') . ".$payload.$signature" ],
		[ 'another algorithm of the family', 'algorithm', $encoded->(alg => 'ES384') . ".$payload.$signature" ],
		[ 'no kid', 'kid', encode_base64url('{"alg":"ES256","typ":"at+jwt"}') . ".$payload.$signature" ],
		[ 'another kid', 'key', $encoded->(alg => 'ES256', kid => 'x') . ".$payload.$signature" ],
		[ 'crit', 'crit', $encoded->(alg => 'ES256', crit => ['exp']) . ".$payload.$signature" ],
		[ 'a key in the header', 'signature', $encoded->(alg => 'ES256', jwk => $json->decode($key)) . ".$payload.$signature" ],
		[ 'typ JWT', 'type', signed(claims(), header => { typ => 'JWT' }) ],
		[ 'typ of an ID token', 'type', signed(claims(), header => { typ => 'id+jwt' }) ],
		[ 'typ of a log-out', 'type', signed(claims(), header => { typ => 'logout+jwt' }) ],
		[ 'a payload exchanged', 'signature', "$head." . encode_base64url(claims(role => $APP, jti => 'x')) . ".$signature" ])
	{
		refuses(@$case);
	}
	return;
}

# No token connects as a role that policies do not bind.
sub check_roles
{
	for my $role (map { "regress_oauth_$_" } qw(boss bypass replica member))
	{
		refuses("as $role, with the token of $APP", 'role', $token{alice}, user => $role);
		refuses("as $role, with a token for it", 'powerful', crafted(role => $role), user => $role);
	}
	refuses('as another role', 'role', $token{alice}, user => 'regress_oauth_other');
	lets_in('as another role, with a token for it', crafted(role => 'regress_oauth_other'), user => 'regress_oauth_other');
	is(say_in(crafted(role => 'regress_oauth_nobody'), ['SELECT 1'], user => 'regress_oauth_nobody'), 'refused', 'refused: as a role that may not log in');
	like($client->errors, qr/not permitted to log in/, 'its client is told so');
	is(say_in(crafted(role => 'regress_oauth_none'), ['SELECT 1'], user => 'regress_oauth_none'), 'refused', 'refused: as a role that does not exist');
	for my $kind (qw(true database))
	{
		refuses("replication=$kind as a role that may", 'powerful', crafted(role => 'regress_oauth_replica'),
			user => 'regress_oauth_replica', more => "replication=$kind");
		is(say_in($token{alice}, ['IDENTIFY_SYSTEM'], more => "replication=$kind"), 'refused', "refused: replication=$kind as a role that may not");
	}
	execute($admin, 'REVOKE regress_oauth_boss FROM regress_oauth_group');
	lets_in('as a former member', crafted(role => 'regress_oauth_member'), user => 'regress_oauth_member');
	execute($admin, 'GRANT regress_oauth_bypass TO regress_oauth_group WITH INHERIT FALSE, SET FALSE, ADMIN TRUE');
	refuses('as a member who may let itself in', 'powerful', crafted(role => 'regress_oauth_member'), user => 'regress_oauth_member');
	execute($admin, 'GRANT regress_oauth_app TO regress_oauth_member');
	execute($admin, 'REVOKE regress_oauth_bypass FROM regress_oauth_group');
	execute($admin, 'GRANT regress_oauth_replica TO regress_oauth_member');
	refuses('as a member of a role that replicates', 'powerful', crafted(role => 'regress_oauth_member'), user => 'regress_oauth_member');
	execute($admin, 'REVOKE regress_oauth_replica FROM regress_oauth_member');
	execute($admin, 'GRANT pg_execute_server_program TO regress_oauth_member');
	refuses('as a member of a role that runs programs', 'powerful', crafted(role => 'regress_oauth_member'), user => 'regress_oauth_member');
	execute($admin, 'REVOKE pg_execute_server_program FROM regress_oauth_member');
	lets_in('as a member of roles without power', crafted(role => 'regress_oauth_member'), user => 'regress_oauth_member');
	return;
}

sub check_scopes_and_maps
{
	my $client = $json->decode(value_of($admin, q{SELECT jwt_create_client('robot', '{"role": "regress_oauth_machine", "scope": "db read"}')}));
	my $machine = value_of($admin, 'SELECT jwt_token(' . quote($json->encode({ grant_type => 'client_credentials', %$client })) . q{) ->> 'access_token'});

	push @secrets, $machine;
	lets_in('with the scopes of the line', $token{carol}, dbname => 'scoped');
	lets_in('with more scopes, in another order', crafted(scope => 'x read db'), dbname => 'scoped');
	lets_in('with scopes in scp', crafted(scp => [qw(read db)]), dbname => 'scoped');
	lets_in('a program with the scopes', crafted(api_token => 'backup', scope => 'db read'), dbname => 'scoped');
	lets_in('a machine with the scopes', $machine, dbname => 'scoped', user => 'regress_oauth_machine');
	for my $case (
		[ 'without a scope', $token{alice} ], [ 'with one of two scopes', crafted(scope => 'db') ],
		[ 'with a scope that begins like it', crafted(scope => 'dbx read') ], [ 'with scopes in capitals', crafted(scope => 'DB READ') ],
		[ 'with scopes that are an object', crafted(scope => { db => 1, read => 1 }) ])
	{
		refuses($case->[0], 'scope', $case->[1], dbname => 'scoped');
	}
	is(say_in(crafted(scope => 'db', role => undef), [ 'SELECT current_user', 'SELECT system_user' ], dbname => 'mapped', user => 'regress_oauth_other'),
		"regress_oauth_other\noauth:$id{alice}", 'pg_ident.conf decides by sub, whatever the role of the token');
	lets_in('a machine by its sub', $machine, dbname => 'mapped', user => 'regress_oauth_machine');
	refuses('a sub that pg_ident.conf does not name', 'none', crafted(scope => 'db', sub => $id{bob}), dbname => 'mapped', user => 'regress_oauth_other');
	refuses('as a role that pg_ident.conf does not name', 'none', crafted(scope => 'db'), dbname => 'mapped');
	refuses('as a user, by the map of machines', 'none', $token{carol}, dbname => 'mapped', user => 'regress_oauth_machine');
	refuses('a map without the scope', 'scope', $token{alice}, dbname => 'mapped', user => 'regress_oauth_other');
	refuses("as $_, which pg_ident.conf allows", 'powerful', crafted(scope => 'db', role => $_), dbname => 'mapped', user => $_)
	  for qw(regress_oauth_boss regress_oauth_bypass);
	refuses('without a map, and a sub that is no role', 'none', $token{alice}, dbname => 'unmapped');
	lets_in('without a map, and a sub that is the role', crafted(sub => $APP), dbname => 'unmapped');
	refuses('without a map, and a sub that is a superuser', 'powerful', crafted(sub => 'regress_oauth_boss', role => 'regress_oauth_boss'),
		dbname => 'unmapped', user => 'regress_oauth_boss');
	return;
}

# There is no encoding of a database yet; claims are UTF-8.
sub check_text
{
	for my $dbname (qw(postgres latin1))
	{
		lets_in("escapes in a claim, $dbname", crafted(name => "caf\x{e9} \x{1f600}"), dbname => $dbname);
		lets_in("UTF-8 in a claim, $dbname", signed(encode('UTF-8', claims(name => '@') =~ s/\@/caf\x{e9} \x{1f600}/r)), dbname => $dbname);
		refuses("half an escape in a claim, $dbname", 'json', signed(claims(name => '@') =~ s/\@/\\ud83d/r), dbname => $dbname);
		refuses("a NUL in a claim, $dbname", 'json', signed(claims(name => '@') =~ s/\@/\\u0000/r), dbname => $dbname);
	}
	return;
}

sub check_algorithms
{
	for my $alg (available_algs($admin, qw(RS256 PS256 ES384 ES512 EdDSA ML-DSA-44)))
	{
		my $other = value_of($admin, "SELECT jwk_generate('$alg', 'other')");

		write_keys($key, $other);
		lets_in("a token by $alg", signed(claims(), key => $other));
		refuses("a tampered token by $alg", 'signature', tampered(signed(claims(), key => $other)));
	}
	write_keys($key);
	return;
}

# Each connection reads the file, and one that is not right opens nothing.
sub check_file
{
	my $keys = slurp($path);
	my $secret = value_of($admin, q{SELECT jwk_generate('HS256', 'secret')});

	for my $case (
		[ 'a file that is empty', 'form', '' ], [ 'half a file', 'form', substr($keys, 0, 100) ], [ 'a file without keys', 'form', '{"keys":[]}' ],
		[ 'a file with a secret', 'form', $keys =~ s/\]\}$/,$secret]}/r ], [ 'a file of secrets', 'form', qq({"keys":[$secret]}) ],
		[ 'a file with a private key', 'form', qq({"keys":[$key]}) ])
	{
		my ($name, $reason, $text) = @$case;

		write_file($path, $text);
		refuses($name, $reason, crafted());
		refuses("an HMAC, and $name", $reason, signed(claims(), key => $secret)) if $name =~ /secret/;
	}
	unlink $path or die;
	refuses('no file', 'file', crafted());
	write_file($path, $keys);
	chmod 0664, $path or die;
	refuses('a file that its group may write', 'rights', crafted());
	chmod 0644, $path or die;
	lets_in('the file is right again', crafted());
	configure('oauth_jwks_file', '');
	refuses('no setting', 'unset', crafted());
	execute($node, "COPY (SELECT jwt_jwks()) TO '$dir/copied.json'");
	configure('oauth_jwks_file', "$dir/copied.json");
	lets_in('a file that COPY wrote, after a reload', $token{alice});
	refuses('a key that was in the former file', 'key', crafted());
	configure('oauth_jwks_file', $path);
	check_revoked_key();
	return;
}

# A revoked key goes on to open connections until the file is written again,
# but it is nobody's identity any more.
sub check_revoked_key
{
	my ($former) = $json->decode(value_of($admin, 'SELECT jwt_jwks()'))->{keys}[0]{kid};
	my $old = $token{alice};

	execute($admin, "SELECT jwt_create_key(); SELECT jwt_revoke_key('$former')");
	is(say_in($old, [ 'SELECT current_user', 'SELECT jwt_user_id()', 'SELECT count(*) FROM document' ]), "$APP\n28J00\n28J00",
		'a token of a revoked key is no identity, whatever the file says');
	write_keys($key);
	refuses('a token of a revoked key that the file lacks', 'key', $old);
	%token = map { $_ => log_in($_) } qw(alice bob carol);
	push @secrets, values %token;
	lets_in('a token of the next key', $token{alice});
	return;
}

# The issuer of the line and that of the server, which is that of tokens
sub check_issuer
{
	my $other = 'https://other.example';

	lets_in('a line with the address of the discovery document', $token{alice}, dbname => 'wellknown');
	refuses('a line with that address, and another issuer', 'issuer', crafted(iss => $other), dbname => 'wellknown');
	refuses('a line with another issuer than the server', 'other', $token{alice}, dbname => 'foreigner', issuer => "$other/.well-known/openid-configuration");
	refuses('a token of that other issuer', 'other', crafted(iss => $other), dbname => 'foreigner', issuer => "$other/.well-known/openid-configuration");
	lets_in('a client that looks for the issuer first', $token{alice}, issuer => $ISSUER);
	configure('issuer', '');
	lets_in('a server without an issuer, by that of the line', crafted());
	lets_in('the issuer of another line', crafted(iss => $other), dbname => 'foreigner', issuer => "$other/.well-known/openid-configuration");
	refuses('the issuer of another line', 'issuer', crafted(iss => $other));
	refuses('a server without an issuer, and a token without iss', 'issuer', crafted(iss => undef));
	refuses('a server without an issuer, and a line with an address', 'unknown', crafted(), dbname => 'wellknown');
	configure('issuer', $ISSUER);
	configure('audience', '');
	lets_in('a server without an audience, and a token without aud', crafted(aud => undef));
	refuses('a server without an audience, and a token with aud', 'audience', crafted());
	refuses('a server without an audience, and a token with an empty aud', 'audience', crafted(aud => ''));
	execute($admin, q{ALTER DATABASE postgres SET jwt_auth.audience = 'api'});
	refuses('an audience of the database, which cannot be seen', 'audience', crafted());
	execute($admin, 'ALTER DATABASE postgres RESET jwt_auth.audience');
	configure('audience', 'api');
	return;
}

# The server has read a setting when new sessions have it.
sub configure
{
	my ($name, $value, $where) = @_;
	my $end = time + 60;

	$node->append_conf('postgresql.conf', "jwt_auth.$name = '$value'");
	$node->reload;
	until (value_of($node, "SHOW jwt_auth.$name") eq $value)
	{
		die "the server did not read its configuration\n" if time > $end;
		sleep 0.05;
	}
	return;
}

# Sessions that have ended connect, but for the trigger of the guide.
sub check_sessions
{
	my ($trigger) = {pages()}->{'doc/connections.md'} =~ /```sql\n(CREATE FUNCTION [^`]*?EVENT TRIGGER[^`]*?)```/s;
	my $who = 'SELECT jwt_user_id()';
	my %ended = map { $_ => log_in('alice') } qw(before during);

	push @secrets, values %ended;
	execute($admin, "SELECT jwt_revoke('$ended{before}')");
	is(say_in($ended{before}, [ 'SELECT current_user', $who, 'SELECT count(*) FROM document', 'SELECT 1' ]), "$APP\n28J02\n28J02\n1",
		'a session that has ended opens a connection, and is nobody');
	is(say_in(crafted(), [ 'SELECT current_user', $who ]), "$APP\n28J00", 'a token that the database does not know is nobody');
	check_end_during($ended{during});
	check_expired();
	ok(defined $trigger, 'the guide has a trigger');
	execute($node, $trigger);
	is(say_in($token{alice}, [$who]), $id{alice}, 'with the trigger, a live session connects');
	for my $case ([ 'a session that has ended', $ended{before}, 'token revoked' ], [ 'a token that the database does not know', crafted(), 'invalid token' ])
	{
		is(say_in($case->[1], [$who]), 'refused', "with the trigger, refused: $case->[0]");
		like($client->errors, qr/FATAL: +$case->[2]/, "with the trigger, the client is told: $case->[0]");
		is(say_in($case->[1], [$who], more => q{options='-c event_triggers=off'}), 'refused', "the client does not switch the trigger off: $case->[0]");
	}
	is(say_in($token{alice}, [$who], more => q{options='-c jwt_auth.token='}), $id{alice}, 'with the trigger, options change nothing');
	is(value_of($node, 'SELECT 1'), '1', 'with the trigger, others connect without a token');
	lets_in('with the trigger, in a database without it', crafted(), dbname => 'latin1');
	return;
}

# The client waits for a lock while its session ends.
sub check_end_during
{
	my ($token) = @_;
	my ($output, $messages) = ('', '');
	my $who = 'SELECT jwt_user_id()';
	my $end = time + 60;

	execute($admin, 'SELECT pg_advisory_lock(187)');
	my $run = start([ $client->command($node, $token), $who, 'SELECT pg_advisory_lock(187)', $who, 'SELECT 1', "SET jwt_auth.token = '$token{bob}'", $who ],
		'>', \$output, '2>', \$messages);
	until (value_of($admin, q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}) eq '1')
	{
		die "the client does not wait\n" if time > $end;
		sleep 0.05;
	}
	execute($admin, "SELECT jwt_revoke('$token')");
	execute($admin, 'SELECT pg_advisory_unlock(187)');
	finish($run);
	is($output, "$id{alice}\n\n28J02\n1\n\n$id{bob}\n", 'a session that ends is nobody at the next statement; the connection stays, and takes another token');
	return;
}

# The validator's leeway is that of the server, so that an expired token connects.
sub check_expired
{
	my $login = "SELECT jwt_login('alice', 'correct horse of alice') ->> 'access_token' FROM set_config('jwt_auth.access_token_ttl', '1s', true)";
	my $token = value_of($admin, $login);
	my $end = time + 60;

	push @secrets, $token;
	execute($admin, "ALTER ROLE $APP SET jwt_auth.leeway = 0");
	until (say_in($token, ['SELECT jwt_user_id()']) eq '28J01')
	{
		die "the token does not expire\n" if time > $end;
		sleep 0.1;
	}
	is(say_in($token, [ 'SELECT jwt_user_id()', 'SELECT 1', "SET jwt_auth.token = '$token{alice}'", 'SELECT jwt_user_id()' ]), "28J01\n1\n\n$id{alice}",
		'a token that expires is nobody; the connection stays, and takes another token');
	execute($admin, "ALTER ROLE $APP RESET jwt_auth.leeway");
	return;
}

sub check_standby
{
	my $standby = PostgreSQL::Test::Cluster->new('oauth_standby');
	my $who = 'SELECT jwt_user_id()';

	$node->backup('base');
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->append_conf('postgresql.conf', "jwt_auth.oauth_jwks_file = '$dir/standby.json'");
	$standby->start;
	refuses('on a standby without the file', 'file', $token{alice}, where => $standby);
	$standby->safe_psql('postgres', "COPY (SELECT jwt_jwks()) TO '$dir/standby.json'");
	is(say_in($token{alice}, [ $who, 'SELECT system_user', 'SELECT pg_is_in_recovery()' ], where => $standby), "$id{alice}\noauth:$id{alice}\nt",
		'on a standby, the token is the identity');
	refuses('on a standby: a tampered token', 'signature', tampered($token{alice}), where => $standby);
	refuses('on a standby: a superuser', 'role', $token{alice}, user => 'regress_oauth_boss', where => $standby);
	execute($admin, "SELECT jwt_revoke('$token{alice}')");
	$node->wait_for_catchup($standby);
	is(say_in($token{alice}, [$who], where => $standby), 'refused', 'refused on a standby: a session that has ended, with the trigger');
	like($client->errors, qr/FATAL: +token revoked/, 'on a standby, its client is told');
	$standby->stop;
	return;
}

# Whatever was tried, the server runs on, and no token is in its log.
sub check_log
{
	my $log = slurp($node->logfile);
	my @signatures = grep { length > 20 } map { s/.*\.//r } @secrets;

	cmp_ok(scalar @signatures, '>', 100, 'many tokens were tried');
	is(join(' ', grep { index($log, $_) >= 0 } @signatures), '', 'no token is in the log');
	unlike($log, qr/terminated by signal|PANIC|TRAP/, 'no process was harmed');
	like($log, qr/connection authenticated: identity="\Q$id{alice}\E" method=oauth/, 'the log says who connected');
	return;
}
