# Hot standby (T48, T56, T57): what must write is 25006 before anything else,
# tokens are verified, a revocation arrives, and a session that did not is
# unknown, not accepted.
# At least 29 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');

$primary->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$primary->append_conf('postgresql.conf',
	"session_preload_libraries = 'jwt_auth'\njwt_auth.argon2_memory = 8\njwt_auth.argon2_iterations = 1");
$primary->start;
$primary->safe_psql('postgres', 'CREATE EXTENSION jwt_auth');
$primary->safe_psql('postgres', "SELECT jwt_create_key(), jwt_create_user('alice', '$PASSWORD')");
$primary->backup('backup');

my $standby = PostgreSQL::Test::Cluster->new('standby');

$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my $first = log_in($primary, 'alice');

catch_up();
is(state_of($standby, "SELECT jwt_verify('$first->{access_token}')"), '', 'an access token is good on the standby');
is(value_of($standby, "BEGIN; SELECT jwt_authenticate('$first->{access_token}') IS NOT NULL; SELECT jwt_user_id() IS NOT NULL; COMMIT"),
	"t\nt", 'and an identity');
is(value_of($standby, "SET jwt_auth.token = '$first->{access_token}'; SELECT count(*) FROM jwt_sessions()"), 1, 'its sessions are listed');

# Everything that writes
for my $call (
	"jwt_login('alice', '$PASSWORD')", "jwt_login('nobody', 'x')", "jwt_login('', '')", "jwt_refresh('$first->{refresh_token}')", "jwt_refresh('x')",
	"jwt_change_password('$PASSWORD', 'another horse battery')", "jwt_revoke('$first->{refresh_token}')", 'jwt_logout()',
	'jwt_revoke_session(gen_random_uuid())', "jwt_create_user('x')", 'jwt_purge()', 'jwt_disable_user(gen_random_uuid())')
{
	is(state_of($standby, "SET jwt_auth.token = '$first->{access_token}'; SELECT $call"), '25006', substr "standby: $call", 0, 60);
}
is(error_of(refresh_with($primary, $first->{refresh_token})), 'ok', 'the token is what it was');

# A session that was not replayed yet
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
wait_for($standby, 'SELECT pg_get_wal_replay_pause_state()', 'paused');
my $second = log_in($primary, 'alice');

$primary->safe_psql('postgres', "SELECT jwt_revoke('$first->{access_token}')");
is(state_of($standby, "SELECT jwt_verify('$second->{access_token}')"), '28J00', 'a session that did not arrive yet is unknown');
is(value_of($standby, "SELECT jwt_explain('$second->{access_token}') ->> 'valid'"), 'false', 'and explained');
like(value_of($standby, "SELECT jwt_explain('$second->{access_token}')"), qr/replication lag/, 'with what may be the reason');
is(state_of($standby, "SELECT jwt_verify('$first->{access_token}')"), '', 'a revocation that did not arrive yet is not known');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
catch_up();
is(state_of($standby, "SELECT jwt_verify('$second->{access_token}')"), '', 'the session is there');
is(state_of($standby, "SELECT jwt_verify('$first->{access_token}')"), '28J02', 'and so is the revocation');

# In a session of the standby that had accepted the token
my $third = log_in($primary, 'alice');

catch_up();
my $session = JwtAuthSession->new($standby);

is($session->state_of("SELECT jwt_verify('$third->{access_token}')"), '', 'accepted') for 1 .. 2;
$primary->safe_psql('postgres', "SELECT jwt_end_sessions(id) FROM jwt_auth.users");
catch_up();
is($session->state_of("SELECT jwt_verify('$third->{access_token}')"), '28J02', 'refused by the session that remembers it');
$session->close;

# After a failover it is the primary
my $fourth = log_in($primary, 'alice');

catch_up();
$primary->stop('immediate');
$standby->promote;
my $next = refresh_with($standby, $fourth->{refresh_token});

is(error_of($next), 'ok', 'promoted: a session goes on');
is(state_of($standby, "SELECT jwt_verify('$next->{access_token}')"), '', 'promoted: its token is good');
is(error_of(log_in($standby, 'alice')), 'ok', 'promoted: login');
is(error_of(refresh_with($standby, $third->{refresh_token})), 'invalid_grant', 'promoted: what ended stays so');

done_testing();

sub catch_up { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')); return; }
