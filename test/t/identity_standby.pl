# Identity on a streaming standby (T57, T93, T135, T139): tokens, accessors and policies
# work there; what ends a session on the primary acts once it is replayed; what
# would write says that it cannot; and after promotion all goes on.
# At least 56 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');

$primary->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION jwt_auth;
	CREATE ROLE regress_standby_gateway LOGIN;
	CREATE ROLE regress_standby_app;
	GRANT regress_standby_app TO regress_standby_gateway;
	SELECT jwt_create_key();
	SELECT jwt_create_user(name, 'correct horse of ' || name, role => 'regress_standby_app') FROM unnest('{alice,bob}'::text[]) AS name;
	GRANT EXECUTE ON FUNCTION jwt_login, jwt_refresh, jwt_change_password TO regress_standby_gateway;
	CREATE TABLE document AS SELECT n AS id, u.id AS owner, u.username AS name
		FROM generate_series(1, 1000) AS n JOIN jwt_auth.users AS u ON u.username = CASE n % 2 WHEN 0 THEN 'alice' ELSE 'bob' END;
	ALTER TABLE document ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON document USING (owner = jwt_user_id());
	GRANT SELECT, INSERT ON document TO PUBLIC;
	ANALYZE document});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');

$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', $_)
  for 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0', 'parallel_leader_participation = off';
$standby->start;

my $here = JwtAuthSession->new($primary);
my $there = JwtAuthSession->new($standby, role => 'regress_standby_gateway');
my %id = map { $_ => scalar $here->query("SELECT id FROM jwt_auth.users WHERE username = '$_'") } qw(alice bob);
my $rows = q{SELECT jwt_user_id(), count(*), min(name), max(name) FROM document};

sub login
{
	my ($name) = @_;
	my %answer;

	@answer{qw(token refresh)} = split /\|/, $here->query(
		"SELECT l ->> 'access_token', l ->> 'refresh_token' FROM jwt_login('$name', 'correct horse of $name') AS l");
	$primary->wait_for_catchup($standby);
	return %answer;
}

sub replayed
{
	my ($statement) = @_;

	is($here->state_of($statement), '', 'on the primary: ' . $statement =~ s/'[^']{40,}'/'...'/r);
	$primary->wait_for_catchup($standby);
	return;
}

# Reading
my %alice = login('alice');
my %bob = login('bob');

for my $who ([ 'alice', \%alice ], [ 'bob', \%bob ])
{
	my ($name, $session) = @$who;

	$there->query("SET jwt_auth.token = '$session->{token}'");
	is($there->query($rows), "$id{$name}|500|$name|$name", "$name: on the standby, SET, accessors and policies have the identity");
	like($there->query('EXPLAIN SELECT count(*) FROM document'), qr/Gather/, "$name: on the standby, the query runs in parallel");
	is($there->query("BEGIN; SELECT jwt_authenticate('$session->{token}', true) ->> 'sub', current_user; $rows; COMMIT; RESET jwt_auth.token"),
		"$id{$name}|regress_standby_app\n$id{$name}|500|$name|$name", "$name: on the standby, jwt_authenticate assumes the role");
	is($there->query("SELECT jwt_verify('$session->{token}') ->> 'sub'"), $id{$name}, "$name: on the standby, jwt_verify returns the claims");
	is( $there->query("BEGIN; SET LOCAL request.headers = '{\"authorization\":\"Bearer $session->{token}\"}'; "
			  . "SELECT set_config('request.jwt.claims', (jwt_decode('$session->{token}')).claims::text, true) IS NULL; "
			  . "SELECT jwt_pre_request(); $rows; COMMIT"),
		"f\n\n$id{$name}|500|$name|$name", "$name: on the standby, jwt_pre_request sets the identity");
}
is($there->query($rows), '|0||', 'without a token, no row is seen on the standby');
for my $bad ('x', tampered($alice{token}), $alice{refresh})
{
	is($there->state_of("BEGIN; SET LOCAL jwt_auth.token = '$bad'; $rows"), '28J00', 'an invalid token is refused on the standby');
	$there->query('ROLLBACK');
}
is($there->query(q{BEGIN; SELECT jwt_postgrest_config(); SELECT current_setting('pgrst.jwt_secret')::jsonb = jwt_jwks(); COMMIT}),
	"\nt", 'jwt_postgrest_config works on the standby');

# How surely alice was authenticated, and that it was taken back
my $level = 'SELECT jwt_aal(), jwt_has_aal(2), jwt_has_aal(1), jwt_amr()';
my $strong = $here->query("SELECT jwt_start_session('$id{alice}', '{pwd,mfa}') ->> 'access_token'");

$primary->wait_for_catchup($standby);
is($there->query($level), '|f|f|', 'without a token, no level on the standby');
$there->query("SET jwt_auth.token = '$strong'");
is($there->query($level), '2|t|t|{pwd,mfa}', 'a session of two proofs is level 2 on the standby');
replayed("UPDATE jwt_auth.sessions SET aal = 1, amr = '{pwd}' WHERE aal = 2");
is($there->query($level), '1|f|t|{pwd}', 'a level lost on the primary counts no more on the standby');
is($there->state_of('SELECT jwt_require_aal(2)'), '28J04', 'jwt_require_aal refuses it on the standby');
$there->query('RESET jwt_auth.token');

# Writing
$there->query("SET jwt_auth.token = '$alice{token}'");
for my $statement (
	"SELECT jwt_login('alice', 'correct horse of alice')", "SELECT jwt_login('alice', 'wrong')", "SELECT jwt_login('', '')",
	"SELECT jwt_refresh('$alice{refresh}')", "SELECT jwt_refresh('x')", "SELECT jwt_logout()", "SELECT jwt_logout('global')",
	"SELECT jwt_revoke('$alice{token}')", "SELECT jwt_change_password('correct horse of alice', 'another horse battery')",
	"INSERT INTO document VALUES (0, jwt_user_id())")
{
	is($there->state_of($statement), '25006', 'read only: ' . $statement =~ s/'[^']{40,}'/'...'/r);
}
$there->query("\\set VERBOSITY verbose");
for my $statement ("SELECT jwt_login('alice', 'x')", "SELECT jwt_refresh('$alice{refresh}')")
{
	my (undef, $messages) = $there->query($statement);

	like($messages, qr/25006.*HINT:/s, 'with a hint: ' . $statement =~ s/'[^']{40,}'/'...'/r);
}
$there->query("\\set VERBOSITY sqlstate");
is($there->query($rows), "$id{alice}|500|alice|alice", 'after refused writes, alice is the identity on the standby');

# What is replayed
is($there->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT jwt_user_id()'), $id{alice}, 'a transaction that began before the logout has the identity');
replayed("SELECT jwt_revoke('$alice{token}')");
$there->query('COMMIT');
is($there->state_of($rows), '28J02', 'after a logout on the primary, the token is refused on the standby') for 1, 2;
%alice = login('alice');
$there->query("SET jwt_auth.token = '$alice{token}'");
is($there->query($rows), "$id{alice}|500|alice|alice", 'the token of a new login is accepted on the standby');
replayed('SELECT jwt_rotate_key()');
is($there->query($rows), "$id{alice}|500|alice|alice", 'after a rotation of keys, the former token is accepted on the standby');
%bob = login('bob');
is($there->query("SELECT jwt_verify('$bob{token}') ->> 'sub'"), $id{bob}, 'after a rotation of keys, a new token is accepted on the standby');
replayed("SELECT jwt_refresh('$alice{refresh}')");
is($there->query($rows), "$id{alice}|500|alice|alice", 'after a refresh, the former access token is accepted on the standby');
replayed("SELECT jwt_disable_user('$id{alice}')");
is($there->state_of($rows), '28J02', 'while the user is disabled, the token is refused on the standby');
replayed("SELECT jwt_revoke_key((jwt_decode('$bob{token}')).header ->> 'kid')");
is($there->state_of("SELECT jwt_verify('$bob{token}')"), '28J00', 'after its key was revoked, a token is refused on the standby');
replayed("SELECT jwt_enable_user('$id{alice}')");

# Ahead of its session
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
my $early = $here->query(q{SELECT jwt_login('alice', 'correct horse of alice') ->> 'access_token'});
$there->query("SET jwt_auth.token = '$early'");
is($there->state_of($rows), '28J00', 'a session that is not replayed yet is unknown on the standby');
like($standby->safe_psql('postgres', "SELECT jwt_explain('$early')"), qr/replica/, 'jwt_explain names replication as the possible reason');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
$primary->wait_for_catchup($standby);
is($there->query($rows), "$id{alice}|500|alice|alice", 'once its session is replayed, the token is accepted on the standby');

# Promotion, in a session that goes on
$here->close;
$primary->stop;
$standby->promote;
is($there->query($rows), "$id{alice}|500|alice|alice", 'after promotion, the token of a former session is accepted');
is($there->query('SELECT jwt_logout()'), '', 'after promotion, jwt_logout ends a former session');
is($there->state_of($rows), '28J02', 'after promotion and a logout, the token is refused');
my ($token, $refresh) = split /\|/, $there->query(
	q{SELECT l ->> 'access_token', l ->> 'refresh_token' FROM jwt_login('bob', 'correct horse of bob') AS l});
$there->query("SET jwt_auth.token = '$token'");
is($there->query($rows), "$id{bob}|500|bob|bob", 'after promotion, the token of a new login is accepted');
like($there->query("SELECT jwt_refresh('$refresh') ->> 'access_token'"), qr/^ey/, 'after promotion, a refresh succeeds');
$there->close;
done_testing();
