# Identity in parallel workers (T26, T93, T139): the workers alone read the rows,
# and each verifies for itself, with stored keys of every kind; what the leader
# may not see, no worker returns.
# At least 100 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_node('parallel', conf => [
	'max_parallel_workers_per_gather = 2',
	'max_parallel_workers = 8',
	'max_worker_processes = 16',
	'parallel_setup_cost = 0',
	'parallel_tuple_cost = 0',
	'min_parallel_table_scan_size = 0',
	'min_parallel_index_scan_size = 0',
	'parallel_leader_participation = off'
]);

$node->safe_psql('postgres', q{
	CREATE ROLE regress_parallel_app LOGIN;
	SELECT jwt_create_key(alg, alg) FROM unnest('{ES256,HS256,RS256,EdDSA}'::text[]) AS alg;
	SELECT jwt_create_user(name, 'correct horse of ' || name, claims => jsonb_build_object('tenant', name))
	FROM unnest('{alice,bob}'::text[]) AS name;
	CREATE TABLE document AS
		SELECT n AS id, u.id AS owner, u.username AS tenant FROM generate_series(1, 10000) AS n
		LEFT JOIN jwt_auth.users AS u ON u.username = CASE n % 4 WHEN 0 THEN 'alice' WHEN 1 THEN 'bob' END;
	ALTER TABLE document SET (parallel_workers = 2);
	ALTER TABLE document ENABLE ROW LEVEL SECURITY;
	GRANT SELECT ON document TO PUBLIC;
	ANALYZE document;
	CREATE FUNCTION in_worker(integer) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS
		$$ BEGIN RETURN pg_backend_pid() <> current_setting('test.leader')::integer; END $$});
my %id = map { $_ => value_of($node, "SELECT id FROM jwt_auth.users WHERE username = '$_'") } qw(alice bob);
my %token = map { $_ => login($_) } qw(alice bob);
# Counts what a worker let through, and nothing that the leader did
my $count = q{SELECT count(*), min(tenant), max(tenant) FROM document WHERE in_worker(id)};
my %rows = (alice => '2500|alice|alice', bob => '2500|bob|bob', nobody => '0||');

for my $condition ('owner = jwt_user_id()', 'tenant = jwt_claim(\'tenant\')', 'owner = (SELECT jwt_user_id())',
	'tenant = jwt_claims() ->> \'tenant\'',
	q{owner = jwt_user_id() AND jwt_has_aal(1, '1 h') AND NOT jwt_has_aal(2) AND jwt_aal() = 1 AND jwt_amr() = '{pwd}' AND jwt_auth_time() <= now()},
	'owner = jwt_user_id() AND NOT jwt_has_role(tenant) AND NOT jwt_has_scope(tenant) AND jwt_session_id() IS DISTINCT FROM owner'
	  . ' AND coalesce(jwt_issuer(), tenant) = tenant AND coalesce(jwt_role(), tenant) = tenant')
{
	$node->safe_psql('postgres', "DROP POLICY IF EXISTS p ON document; CREATE POLICY p ON document USING ($condition)");
	check($condition);
}
check_algs();
check_revoked();
done_testing();

sub login
{
	my ($name) = @_;

	return value_of($node, "SELECT jwt_login('$name', 'correct horse of $name') ->> 'access_token'");
}

sub new_session
{
	my $session = JwtAuthSession->new($node, role => 'regress_parallel_app');

	$session->query("SELECT set_config('test.leader', pg_backend_pid()::text, false)");
	return $session;
}

sub check
{
	my ($what) = @_;
	my $session = new_session();

	$session->query("SET jwt_auth.token = '$token{alice}'");
	like($session->query('EXPLAIN SELECT count(*) FROM document'), qr/Gather.*Parallel Seq Scan/s, "the plan is parallel: $what");
	is($session->query($count), $rows{alice}, "alice's token shows her rows in the first query: $what");
	$session->query("SET jwt_auth.token = '$token{bob}'");
	is($session->query($count), $rows{bob}, "bob's token shows his rows: $what");
	$session->query('RESET jwt_auth.token');
	is($session->query($count), $rows{nobody}, "without a token, no rows of users are shown: $what");
	$session->query("BEGIN; SELECT jwt_authenticate('$token{alice}')");
	is($session->query($count), $rows{alice}, "jwt_authenticate shows the user's rows: $what");
	$session->query("SAVEPOINT s; SET LOCAL jwt_auth.token = '$token{bob}'");
	is($session->query($count), $rows{bob}, "a token set in a savepoint counts: $what");
	$session->query('ROLLBACK TO SAVEPOINT s');
	is($session->query($count), $rows{alice}, "after ROLLBACK TO SAVEPOINT, the earlier token counts: $what");
	$session->query("SAVEPOINT s; SELECT jwt_authenticate('$token{bob}'); RELEASE s");
	is($session->query($count), $rows{bob}, "after RELEASE SAVEPOINT, the later token counts: $what");
	$session->query('COMMIT');
	is($session->query($count), $rows{nobody}, "after COMMIT, no token counts: $what");

	$session->query("SET jwt_auth.token = 'x'");
	is($session->state_of($count), '28J00', "a malformed token is refused: $what");
	$session->close;

	# Prepared once for everybody
	$session = new_session();
	$session->query("SET plan_cache_mode = force_generic_plan; PREPARE p AS $count");
	for my $who (qw(alice bob alice))
	{
		$session->query("SET jwt_auth.token = '$token{$who}'");
		is($session->query('EXECUTE p'), $rows{$who}, "a prepared statement shows the rows of $who: $what");
	}
	$session->query('RESET jwt_auth.token');
	is($session->query('EXECUTE p'), $rows{nobody}, "a prepared statement shows no rows without a token: $what");
	$session->close;
	return;
}

# The workers verify with every kind of key
sub check_algs
{
	my $session = new_session();

	for my $alg (qw(ES256 HS256 RS256 EdDSA))
	{
		my $token = value_of($node, "SELECT jwt_sign(jsonb_build_object('sub', '$id{bob}', 'tenant', 'bob'), kid => '$alg')");

		$session->query("SET jwt_auth.token = '$token'");
		is($session->query($count), $rows{bob}, "$alg: workers verify a token");
		$session->query("SET jwt_auth.token = '" . tampered($token) . "'");
		is($session->state_of($count), '28J00', "$alg: a changed token is refused");
	}
	$session->close;
	return;
}

# The workers look for themselves, also where the leader looked before
sub check_revoked
{
	my $session = new_session();
	my $token = login('alice');

	$session->query("SET jwt_auth.token = '$token'");
	is($session->query($count), $rows{alice}, 'before a logout, the rows of the user are shown');
	$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
	is($session->query($count), $rows{alice}, 'under a snapshot, the rows of the user are shown');
	$node->safe_psql('postgres', "SELECT jwt_revoke('$token')");
	is($session->state_of($count), '28J02', 'after a logout, a new worker does not use the old snapshot');
	$session->query('ROLLBACK');
	is($session->state_of($count), '28J02', 'after a logout, workers refuse the token') for 1, 2;
	is($session->state_of('SELECT jwt_user_id()'), '28J02', 'after a logout, the leader refuses the token');

	$token = value_of($node, "SELECT jwt_sign(jsonb_build_object('sub', '$id{alice}', 'tenant', 'alice'), kid => 'HS256')");
	$session->query("SET jwt_auth.token = '$token'");
	is($session->query($count), $rows{alice}, 'before its key is revoked, a token shows rows');
	$node->safe_psql('postgres', "SELECT jwt_revoke_key('HS256')");
	is($session->state_of($count), '28J00', 'after its key was revoked, a token is refused');
	$session->close;
	return;
}
