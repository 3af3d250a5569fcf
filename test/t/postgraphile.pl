# A real HTTP stack: PostGraphile hands each request's bearer token to the
# database, where policies decide the rows (T24, T27, T93), and takes the role
# from the token once that is verified (F29).  Version 5 does so as the guide has
# it, version 4 with postgraphile/server.cjs.
#
# Time limit: 1500 s
# At least 348 assertions

use strict;
use warnings;

use HTTP::Tiny;
use IPC::Run qw(start timeout);
use JSON::PP;
use JwtAuthTest;
use NpmPeer qw(install_peer node_of);
use Pages qw(block_of write_file);
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

# For each version: its packages, the first Node.js that runs it, what differs in its
# GraphQL, and what it says of a denied token in place of the SQLSTATE.  Version 5 comes
# with the page of GraphiQL, whose packages are most of what there is to install: a small
# one of the others stands in for it.
my %VERSION = (
	5 => {
		packages => [qw(--legacy-peer-deps postgraphile@5.1.5 pg@8.23.1)],
		without => { graphiql => 'npm:iterall@1.3.0' },
		node => '22.0',
		program => 'server.mjs',
		schema => {
			'documentById(id:' => 'documentById: documentByRowId(rowId:',
			'deleteDocumentById(input: {id:' => 'deleteDocumentById: deleteDocumentByRowId(input: {rowId:',
			'(orderBy: ID_ASC)' => '(orderBy: ROW_ID_ASC)',
			'{ json }' => '{ json: result }',
			'{ boolean }' => '{ boolean: result }' },
		says => { '28J00' => 'invalid token', '28J01' => 'token expired', '28J02' => 'token revoked' } },
	4 => {
		packages => [qw(postgraphile@4.14.1 pg@8.11.3)],
		without => {},
		node => '18.0',
		program => 'server.cjs',
		schema => {},
		says => {} });

my $dir = PostgreSQL::Test::Utils::tempdir();
my $json = JSON::PP->new->canonical->utf8;
my $http = HTTP::Tiny->new(timeout => 60);
my $node = start_node('postgraphile', conf => ["session_preload_libraries = 'jwt_auth'"]);

$node->safe_psql('postgres', q{
	CREATE ROLE regress_graph_gateway LOGIN NOINHERIT;
	CREATE ROLE regress_graph_app;
	CREATE ROLE regress_graph_anon;
	GRANT regress_graph_app, regress_graph_anon TO regress_graph_gateway;
	SELECT jwt_create_key();
	SELECT jwt_create_user(name, 'correct horse of ' || name, 'regress_graph_app') FROM unnest('{alice,bob}'::text[]) AS name;
	GRANT EXECUTE ON FUNCTION jwt_login, jwt_refresh TO regress_graph_anon;

	CREATE SCHEMA api;
	GRANT USAGE ON SCHEMA api TO regress_graph_app, regress_graph_anon;
	CREATE TABLE api.document (id serial PRIMARY KEY, owner uuid NOT NULL DEFAULT jwt_user_id(), title text NOT NULL);
	ALTER TABLE api.document ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON api.document USING (owner = jwt_user_id());
	GRANT SELECT, INSERT, UPDATE, DELETE ON api.document TO regress_graph_app, regress_graph_anon;
	GRANT USAGE ON SEQUENCE api.document_id_seq TO regress_graph_app, regress_graph_anon;
	CREATE TABLE api.notice (id serial PRIMARY KEY, title text NOT NULL);
	INSERT INTO api.notice (title) VALUES ('for members');
	GRANT SELECT ON api.notice TO regress_graph_app;
	CREATE FUNCTION api.login(username text, password text) RETURNS jsonb LANGUAGE sql VOLATILE AS
		'SELECT public.jwt_login(username, password)';
	CREATE FUNCTION api.refresh(refresh_token text) RETURNS jsonb LANGUAGE sql VOLATILE AS
		'SELECT public.jwt_refresh(refresh_token)';
	CREATE FUNCTION api.logout() RETURNS boolean LANGUAGE sql VOLATILE AS
		'SELECT public.jwt_logout() IS NULL';
	CREATE FUNCTION api.me() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT public.jwt_user_id()'});
my %id = map { $_ => value_of($node, "SELECT id FROM jwt_auth.users WHERE username = '$_'") } qw(alice bob);

my ($version, $server, $port, $output, %session, %token);

for my $number (5, 4)
{
	$version = $VERSION{$number};
	my $runtime = node_of($version->{node}, $dir);

  SKIP:
	{
		skip("PostGraphile $number needs Node.js $version->{node}, which neither the path nor npm has", 174) unless $runtime;
		note("PostGraphile $number");
		check_version($number, $runtime);
	}
}
done_testing();

sub check_version
{
	my ($number, $runtime) = @_;

	execute($node, q{TRUNCATE api.document RESTART IDENTITY;
		INSERT INTO api.document (owner, title) SELECT id, username || ' ' || n
		FROM jwt_auth.users, generate_series(1, 2) AS n ORDER BY username, n});
	start_server($number, $runtime);
	%session = map { $_ => login($_) } qw(alice bob);
	%token = map { $_ => $session{$_}{access_token} } qw(alice bob);
	check_reading();
	check_role();
	check_refusals();
	check_writing();
	check_turns();
	check_sessions();
	check_connections();
	return;
}

# The packages, the guide's preset, and the program, which finds them beside itself
sub start_server
{
	my ($number, $runtime) = @_;
	my $place = "$dir/$number";
	my $connection = 'postgres://regress_graph_gateway@/postgres?host=' . $node->host . '&port=' . $node->port;

	mkdir $place or die "mkdir: $!\n";
	write_file("$place/package.json", $json->encode({ overrides => $version->{without} }));
	my $program = install_peer($place, "postgraphile/$version->{program}", '--ignore-scripts', @{ $version->{packages} });
	write_file("$place/graphile.config.mjs", block_of('doc/drivers.md', 'PostGraphile', 'js') =~ s/web_anon/regress_graph_anon/r);
	$output = '';
	local $ENV{DATABASE_URL} = $connection;
	$server = start([ $runtime, $program, 'api', 'regress_graph_anon' ], '>', \$output, '2>', "$place/log", my $timer = timeout(300));
	$server->pump until $output =~ /^(\d+)$/m;
	$port = $1;
	$timer->reset;
	return;
}

# Status, and body as data.  The token may be undefined: no header.
sub ask
{
	my ($token, $query, %options) = @_;
	my %headers = ('content-type' => 'application/json');
	my $schema = $version->{schema};

	$query =~ s/(\Q$_\E)/$schema->{$1}/ for keys %$schema;
	$headers{authorization} = "Bearer $token" if defined $token;
	$headers{authorization} = $options{authorization} if defined $options{authorization};
	my $answer = $http->post("http://127.0.0.1:$port/graphql",
		{ headers => \%headers, content => $json->encode({ query => $query }) });

	return { status => $answer->{status}, headers => $answer->{headers}, body => eval { $json->decode($answer->{content}) } };
}

sub titles_of
{
	my ($answer) = @_;
	my @titles = map { $_->{title} } @{ $answer->{body}{data}{allDocuments}{nodes} };

	return join ', ', $answer->{status}, @titles;
}

sub titles
{
	my ($token, %options) = @_;

	return titles_of(ask($token, '{ allDocuments(orderBy: ID_ASC) { nodes { title } } }', %options));
}

sub login
{
	my ($name, $password) = @_;
	my $answer = ask(undef, sprintf 'mutation { login(input: {username: %s, password: %s}) { json } }',
		map { $json->allow_nonref->encode($_) } $name, $password // "correct horse of $name");
	my $result = $answer->{body}{data}{login}{json};

	return ref $result ? $result : $json->decode($result);
}

# The code of a refused request, whatever it would have done
sub code_of
{
	my ($answer) = @_;
	my $error = $answer->{body}{errors}[0];

	return $error->{code} // $error->{extensions}{code} // 'none';
}

# Whether a request was refused for its token, and how that is told
sub check_denial
{
	my ($answer, $code, $name) = @_;

	is($answer->{status}, 401, "$name: 401");
	is($answer->{headers}{'www-authenticate'}, 'Bearer error="invalid_token"', "$name: challenge");
	if ($version->{says}{$code})
	{
		is($answer->{body}{errors}[0]{message}, $version->{says}{$code}, "$name: the reason");
	}
	else
	{
		is(code_of($answer), $code, "$name: $code");
	}
	return;
}

sub check_reading
{
	is(titles($token{alice}), '200, alice 1, alice 2', "alice's token sees her rows");
	is(titles(undef), '200', 'a request without token sees no row');
	is(titles($token{bob}), '200, bob 1, bob 2', "bob's token sees his rows");
	is(titles(undef, authorization => "bearer $token{bob}"), '200, bob 1, bob 2', '"bearer" in lower case is accepted');
	is(titles(undef, authorization => 'Basic YWxpY2U6eA=='), '200', 'other credentials see no row');
	is(ask($token{alice}, '{ me }')->{body}{data}{me}, $id{alice}, "alice's request has her id");
	is(ask(undef, '{ me }')->{body}{data}{me}, undef, 'a request without token has no id');
	is(ask($token{bob}, '{ documentById(id: 1) { title } }')->{body}{data}{documentById}, undef, "bob cannot read a row of alice's");
	is(ask($token{alice}, '{ documentById(id: 1) { title } }')->{body}{data}{documentById}{title}, 'alice 1', 'alice can read her row');
	return;
}

# A table that its role alone protects: no policy asks for the token.
sub check_role
{
	my $query = '{ allNotices { nodes { title } } }';
	my $revoked = login('alice')->{access_token};
	my $without_role = value_of($node, q{SELECT jwt_sign('{"sub":"x"}')});

	is(ask($token{alice}, $query)->{body}{data}{allNotices}{nodes}[0]{title}, 'for members', 'the role of a valid token is assumed');
	is(ask($revoked, 'mutation { logout(input: {}) { boolean } }')->{status}, 200, 'a token is revoked by a mutation');
	for my $case ([ 'a revoked token', $revoked ], [ 'a tampered one', tampered($token{alice}) ], [ 'junk', 'x' ])
	{
		my $answer = ask($case->[1], $query);

		is($answer->{status}, 401, "$case->[0]: refused before anything runs");
		is($answer->{body}{data}, undef, "$case->[0]: no row");
	}
	is(code_of(ask(undef, $query)), '42501', 'a request without token does not have the role');
	is(code_of(ask($without_role, $query)), '42501', 'a token without role does not have the role');
	is(code_of(ask(undef, $query, authorization => $_)), '42501', "other credentials do not have the role: $_")
	  for 'Basic YWxpY2U6eA==', 'x', 'Bearer', 'Bearer a b';
	return;
}

sub check_refusals
{
	my $expired = value_of($node, "SELECT jwt_sign(jsonb_build_object('sub', '$id{alice}', 'exp', 1))");
	my $forged = value_of($node, "SELECT jwt_sign_with(jsonb_build_object('sub', '$id{alice}', 'exp', 4102444800), jwk_generate('ES256'))");
	my ($header, $payload, $signature) = split /\./, $token{alice};

	for my $case (
		[ 'tampered', tampered($token{alice}), '28J00' ], [ 'junk', 'x', '28J00' ], [ 'bob\'s signature', "$header.$payload." . (split /\./, $token{bob})[2], '28J00' ],
		[ 'no signature', "$header.$payload.", '28J00' ], [ 'another key', $forged, '28J00' ], [ 'a refresh token', $session{alice}{refresh_token}, '28J00' ],
		[ 'expired', $expired, '28J01' ])
	{
		my ($name, $token, $code) = @$case;

		for my $query ('{ me }', '{ allDocuments { nodes { title } } }',
			'mutation { createDocument(input: {document: {title: "x"}}) { document { id } } }', 'mutation { logout(input: {}) { boolean } }')
		{
			my $answer = ask($token, $query);

			check_denial($answer, $code, "$name, for $query");
			unlike($json->encode($answer->{body}), qr/alice|bob/, "$name: no row for $query");
		}
	}
	is(login('alice', 'wrong')->{error}, 'invalid_grant', 'a login with a wrong password is denied');
	is(login('mallory', 'wrong')->{error}, 'invalid_grant', 'a login with an unknown name is denied');
	return;
}

sub check_writing
{
	my $create = 'mutation { createDocument(input: {document: {title: "new"%s}}) { document { owner } } }';

	is(ask($token{alice}, sprintf $create, '')->{body}{data}{createDocument}{document}{owner}, $id{alice}, 'alice can insert a row');
	is(titles($token{alice}), '200, alice 1, alice 2, new', 'alice sees the row that she inserted');
	is(titles($token{bob}), '200, bob 1, bob 2', 'bob does not see the row that alice inserted');
	is(code_of(ask($token{alice}, sprintf $create, ", owner: \"$id{bob}\"")), '42501', "alice cannot insert a row of bob's");
	like(code_of(ask(undef, sprintf $create, '')), qr/^(?:42501|23502)$/, 'a request without token cannot insert a row');
	is(code_of(ask(undef, sprintf $create, ", owner: \"$id{bob}\"")), '42501', "a request without token cannot insert a row of bob's");
	is(ask($token{bob}, 'mutation { deleteDocumentById(input: {id: 1}) { deletedDocumentId } }')->{body}{data}{deleteDocumentById}, undef,
		'bob deletes no row of alice\'s');
	is(titles($token{alice}), '200, alice 1, alice 2, new', "after bob's attempt to delete it, alice's row is there");
	return;
}

# Clients at the same time, more of them than connections
sub check_turns
{
	my %expected = (
		alice => '200, alice 1, alice 2, new',
		bob => '200, bob 1, bob 2',
		nobody => '200',
		forger => '401');
	my %sent = (alice => $token{alice}, bob => $token{bob}, forger => tampered($token{alice}));
	my @children;

	for my $who (sort keys %expected)
	{
		my $pid = fork // die "could not fork: $!\n";

		if (!$pid)
		{
			my $wrong = grep { titles($sent{$who}) ne $expected{$who} } 1 .. 25;

			# Ends without what the parent has to do at its end
			POSIX::_exit($wrong ? 1 : 0);
		}
		push @children, [ $who, $pid ];
	}
	for my $child (@children)
	{
		waitpid $child->[1], 0;
		is($?, 0, "twenty-five requests beside others: $child->[0]");
	}
	return;
}

sub check_sessions
{
	my $logout = 'mutation { logout(input: {}) { boolean } }';
	my $other = login('alice')->{access_token};
	my $answer = ask(undef, sprintf 'mutation { refresh(input: {refreshToken: "%s"}) { json } }', $session{alice}{refresh_token});
	my $refreshed = $answer->{body}{data}{refresh}{json};

	$refreshed = $json->decode($refreshed) if !ref $refreshed;
	is(titles($refreshed->{access_token}), '200, alice 1, alice 2, new', 'a refreshed token sees the rows of its user');
	is(code_of(ask(undef, $logout)), '28J03', 'a logout without token is refused');
	is(ask($token{alice}, $logout)->{status}, 200, "alice's logout succeeds");
	for my $token ($token{alice}, $refreshed->{access_token})
	{
		for my $turn (1 .. 3)
		{
			check_denial(ask($token, '{ allDocuments { nodes { title } } }'), '28J02', "after the logout, alice's token is refused on every connection");
		}
	}
	is(titles($other), '200, alice 1, alice 2, new', "after the logout, alice's other session goes on");
	is(titles($token{bob}), '200, bob 1, bob 2', "after the logout, bob's session goes on");
	is(titles(undef), '200', 'after the logout, a request without token sees no row');
	return;
}

# What requests have left on the connections of the pool: nobody's identity.
sub check_connections
{
	$server->signal('TERM');
	$server->finish;
	is($output =~ /^\d+\n(.*)/s ? $1 : undef, "regress_graph_gateway,\n" x 2, 'no connection keeps an identity or a role');
	return;
}
