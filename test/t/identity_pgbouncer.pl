# pgbouncer in transaction mode (T24): two clients share one server connection,
# and the identity of one never reaches the other, whatever went wrong; a SET of
# the session does reach it, unless the connection is reset.
# At least 57 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use PgBouncer;
use Test::More;

my $node = start_node('pooled', conf => ["session_preload_libraries = 'jwt_auth'"]);

$node->safe_psql('postgres', q{
	CREATE ROLE regress_pool_gateway LOGIN NOINHERIT;
	CREATE ROLE regress_pool_app;
	GRANT regress_pool_app TO regress_pool_gateway;
	SELECT jwt_create_key();
	SELECT jwt_create_user(name, 'correct horse of ' || name, role => 'regress_pool_app') FROM unnest('{alice,bob}'::text[]) AS name;
	CREATE TABLE document AS SELECT n AS id, u.id AS owner FROM generate_series(1, 4) AS n
		JOIN jwt_auth.users AS u ON u.username = CASE n % 2 WHEN 0 THEN 'alice' ELSE 'bob' END;
	ALTER TABLE document ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON document USING (owner = jwt_user_id());
	GRANT SELECT ON document TO PUBLIC});
my %token = map { $_ => value_of($node, "SELECT jwt_login('$_', 'correct horse of $_') ->> 'access_token'") } qw(alice bob);
my $rows = q{SELECT string_agg(id::text, ',' ORDER BY id), current_user, session_user FROM document};
my %seen = (alice => '2,4|regress_pool_gateway|regress_pool_gateway', bob => '1,3|regress_pool_gateway|regress_pool_gateway',
	nobody => '|regress_pool_gateway|regress_pool_gateway');

# What a client may do in its transactions, and how they end
my @transactions = (
	[ 'COMMIT', 'BEGIN', 'SELECT jwt_authenticate(\'$token\', true)', 'COMMIT' ],
	[ 'ROLLBACK', 'BEGIN', 'SELECT jwt_authenticate(\'$token\', true)', 'ROLLBACK' ],
	[ 'an error', 'BEGIN', 'SELECT jwt_authenticate(\'$token\', true)', 'SELECT 1 / 0', 'COMMIT' ],
	[ 'SET LOCAL', 'BEGIN', 'SET LOCAL jwt_auth.token = \'$token\'', 'SET LOCAL ROLE regress_pool_app', 'COMMIT' ],
	[ 'a local set_config', 'BEGIN', 'SELECT set_config(\'jwt_auth.token\', \'$token\', true)', 'COMMIT' ],
	[ 'a request', 'BEGIN', 'SELECT set_config(\'request.headers\', \'{"authorization":"Bearer $token"}\', true)', 'SELECT jwt_pre_request()', 'COMMIT' ],
	[ 'a bad request', 'BEGIN', 'SELECT set_config(\'request.headers\', \'{"authorization":"Bearer $token.x"}\', true)', 'SELECT jwt_pre_request()', 'COMMIT' ],
	[ 'a savepoint', 'BEGIN', 'SAVEPOINT s', 'SELECT jwt_authenticate(\'$token\', true)', 'RELEASE s', 'COMMIT' ],
	[ 'a cursor', 'BEGIN', 'SELECT jwt_authenticate(\'$token\')', 'DECLARE c CURSOR WITH HOLD FOR SELECT jwt_user_id()', 'COMMIT', 'CLOSE c' ],
	[ 'outside of a transaction', 'SELECT jwt_authenticate(\'$token\', true)' ],
	[ 'a SET that is rolled back', 'BEGIN', 'SET jwt_auth.token = \'$token\'', 'ROLLBACK' ]);

my $pool = PgBouncer->new($node, role => 'regress_pool_gateway');
check_transactions();
check_turns();
check_session_setting(0);
check_options();
$pool->stop;
$pool = PgBouncer->new($node, role => 'regress_pool_gateway', lines => 'server_reset_query_always = 1');
check_session_setting(1);
$pool->stop;
done_testing();

sub new_client { return JwtAuthSession->new($pool, role => 'regress_pool_gateway'); }

sub backend_of
{
	my ($client) = @_;

	return scalar $client->query('SELECT pg_backend_pid()');
}

sub check_transactions
{
	my ($one, $two) = (new_client(), new_client());

	is(backend_of($one), backend_of($two), 'two clients share a server connection');
	for my $transaction (@transactions)
	{
		my ($name, @statements) = @$transaction;

		$one->query(s/\$token/$token{alice}/r) for @statements;
		is($two->query($rows), $seen{nobody}, "$name: the other client has no identity");
		is($two->query('SELECT jwt_user_id(), jwt_claims(), current_setting(\'jwt_auth.token\')'), '||', "$name: the other client has no claims and no token");
		is($one->query($rows), $seen{nobody}, "$name: the client itself has no identity afterwards");
		is($two->query("BEGIN; SELECT jwt_authenticate('$token{bob}') IS NULL; $rows; COMMIT"), "f\n$seen{bob}",
			"$name: the other client gets its own identity");
	}
	is(backend_of($one), backend_of($two), 'the clients still share a server connection');

	# A client that goes in the middle
	my $gone = new_client();
	$gone->query("BEGIN; SELECT jwt_authenticate('$token{alice}', true)");
	$gone->close;
	is($two->query($rows), $seen{nobody}, 'a client that disconnects in its transaction leaves no identity');
	$_->close for $one, $two;
	return;
}

# Turn by turn, each always only itself
sub check_turns
{
	my %client = map { $_ => new_client() } qw(alice bob nobody);
	my $wrong = 0;

	for my $turn (1 .. 30)
	{
		my $who = (sort keys %client)[ $turn * 7 % 3 ];
		my $begin = $who eq 'nobody' ? 'SELECT jwt_pre_request()' : "SELECT jwt_authenticate('$token{$who}') IS NULL";
		my $answer = $client{$who}->query("BEGIN; $begin; $rows; COMMIT");

		$wrong++ if $answer !~ /\n\Q$seen{$who}\E$/;
	}
	is($wrong, 0, 'in thirty alternating transactions, three clients keep their identities');
	$_->close for values %client;
	return;
}

# A SET of the session stays on the server connection, as pgbouncer says
sub check_session_setting
{
	my ($resets) = @_;
	my ($one, $two) = (new_client(), new_client());
	my $when = $resets ? 'with server_reset_query_always' : 'without server_reset_query_always';

	is(backend_of($one), backend_of($two), "$when: two clients share a server connection");
	$one->query("SET jwt_auth.token = '$token{alice}'");
	is($two->query($rows), $resets ? $seen{nobody} : $seen{alice}, "$when: a SET of the session " . ($resets ? 'is gone' : 'leaks'));
	is($two->query("BEGIN; SELECT jwt_pre_request(); $rows; COMMIT"), "\n$seen{nobody}", "$when: a request without credentials has no identity");
	is($two->query("BEGIN; SELECT jwt_authenticate('$token{bob}') IS NULL; $rows; COMMIT"), "f\n$seen{bob}", "$when: a request with credentials has its own identity");
	$two->query('RESET jwt_auth.token');
	$_->close for $one, $two;
	return;
}

sub check_options
{
	local $ENV{PGOPTIONS} = "-c jwt_auth.token=$token{alice}";
	my $errors = '';

	IPC::Run::run([ 'psql', '-XqAt', '-d', $pool->connstr('postgres') . ' user=regress_pool_gateway', '-c', 'SELECT 1' ],
		'>', \my $output, '2>', \$errors);
	like($errors, qr/unsupported startup parameter/, 'pgbouncer refuses connection options');
	return;
}
