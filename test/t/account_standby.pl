# Hot standby (T48, T56, T57, T111, T114): what must write is 25006 before anything else,
# tokens are verified, a revocation arrives, and a session that did not is
# unknown, not accepted.
# At least 73 assertions

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
	"session_preload_libraries = 'jwt_auth'\njwt_auth.sign_up = on\njwt_auth.argon2_memory = 8\njwt_auth.argon2_iterations = 1");
$primary->start;
$primary->safe_psql('postgres', 'CREATE EXTENSION jwt_auth');
$primary->safe_psql('postgres', "SELECT jwt_create_key(), jwt_create_user('alice', '$PASSWORD')");
$primary->backup('backup');

my $standby = PostgreSQL::Test::Cluster->new('standby');

$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my $first = log_in($primary, 'alice');

catch_up();
is(state_of($standby, "SELECT jwt_verify('$first->{access_token}')"), '', 'an access token is valid on the standby');
is(value_of($standby, "BEGIN; SELECT jwt_authenticate('$first->{access_token}') IS NOT NULL; SELECT jwt_user_id() IS NOT NULL; COMMIT"),
	"t\nt", 'an access token gives an identity on the standby');
is(value_of($standby, "SET jwt_auth.token = '$first->{access_token}'; SELECT count(*) FROM jwt_sessions()"), 1, 'sessions are listed on the standby');

my $findings = q{SELECT string_agg(finding, ', ') FROM jwt_check()};

like(value_of($standby, $findings), qr/no next key is published/, 'what is set up weakly is told on the standby');
is(value_of($standby, $findings), value_of($primary, $findings), 'the standby tells what the primary tells');

# Everything that writes
for my $call (
	"jwt_login('alice', '$PASSWORD')", "jwt_login('nobody', 'x')", "jwt_login('', '')", "jwt_refresh('$first->{refresh_token}')", "jwt_refresh('x')",
	"jwt_change_password('$PASSWORD', 'another horse battery')", "jwt_revoke('$first->{refresh_token}')", 'jwt_logout()',
	'jwt_revoke_session(gen_random_uuid())', "jwt_create_user('x')", 'jwt_purge()', 'jwt_disable_user(gen_random_uuid())')
{
	is(state_of($standby, "SET jwt_auth.token = '$first->{access_token}'; SELECT $call"), '25006', substr "standby: a call is refused: $call", 0, 70);
}
is(error_of(refresh_with($primary, $first->{refresh_token})), 'ok', 'a refresh refused by the standby does not consume the token');

# Messages: whoever asks, or has what was sent, is refused alike, before anything is looked
# at; and the rows that arrive hold nothing that was sent
execute($primary, q{SELECT jwt_create_user(NULL, email => 'carl@known.example')});
my %flow = (recovery => value_of($primary, q{SELECT jwt_request_recovery('carl@known.example') ->> 'flow'}));

execute($primary, 'TRUNCATE jwt_auth.login_throttle');
$flow{login} = value_of($primary, q{SELECT jwt_request_login('carl@known.example') ->> 'flow'});
$flow{sign_up} = value_of($primary, "SELECT jwt_sign_up('signs-up\@known.example', '$PASSWORD') ->> 'flow'");
execute($primary, q{SELECT jwt_invite('invited@known.example')});
my $owner = connect_to($primary);

execute($owner, "SELECT set_config('jwt_auth.token', '$first->{access_token}', false)");
execute($primary, q{INSERT INTO jwt_auth.identifiers SELECT 'alice@known.example', jwt_find_user('alice'), 'email', 'alice@known.example', now(), now()});
$flow{identifier} = value_of($owner, q{SELECT jwt_add_identifier('alice@other.example') ->> 'flow'});
my %message = map { $_->{kind} => $_ } @{ JSON::PP::decode_json(value_of($primary, 'SELECT jwt_outbox_claim()')) };
execute($owner, q{SELECT jwt_add_identifier('alicia')});
($message{undo}) = @{ JSON::PP::decode_json(value_of($primary, 'SELECT jwt_outbox_claim()')) };
execute($owner, q{SELECT jwt_add_identifier('alice')});

catch_up();
my %refused = map { $_ => refusal_of($_) } (
	(map { ("jwt_request_recovery('$_')", "jwt_request_login('$_')") } 'carl@known.example', 'carl@other.example', 'alice', 'x', ''),
	(map { ("jwt_login_code('$message{login}{$_}', '$flow{login}')", "jwt_recover('$message{recovery}{$_}', 'another horse battery', '$flow{recovery}')") } qw(token code)),
	(map { ("jwt_confirm_sign_up('$message{sign_up}{$_}', '$flow{sign_up}')", "jwt_confirm_identifier('$message{identifier}{$_}', '$flow{identifier}')") } qw(token code)),
	"jwt_accept_invitation('$message{invitation}{token}')", "jwt_undo_change('$message{undo}{token}')", "jwt_sign_up('x\@other.example')", "jwt_invite('x\@other.example')",
	"jwt_add_identifier('x\@other.example')", "jwt_remove_identifier('x')", "jwt_undo_change('x')", "jwt_login_code('$message{login}{token}', 'x')", "jwt_login_code('x')", "jwt_login_code('')", "jwt_recover('x', 'y')", 'jwt_outbox_claim()', 'jwt_outbox_sent(gen_random_uuid())',
	"jwt_create_link(gen_random_uuid(), 'login')", "jwt_create_link(jwt_find_user('alice'), 'recovery')");

is($refused{$_}, '25006: cannot execute ' . (/^(\w+)/)[0] . '() in a read-only transaction', "standby: a call is refused with the same message: " . substr($_, 0, 40)) for sort keys %refused;
my @secrets = (values %flow, map { ($_->{token}, $_->{code} // (), substr($_->{token}, -40)) } values %message);
my $rows = join "\n", map { value_of($standby, "SELECT string_agg(t::text, chr(10)) FROM jwt_auth.$_ AS t") } qw(one_time_tokens outbox audit_log users identifiers login_throttle);

is(join(' ', sort keys %message), 'identifier invitation login recovery sign_up undo', 'standby: a message of each purpose was sent');
like($rows, qr/,$_,/, "standby: rows of tokens are replicated: $_") for sort keys %message;
is(scalar(grep { index($rows, $_) >= 0 } @secrets), 0, 'standby: rows hold no token, code or flow');
is(error_of(JSON::PP::decode_json(value_of($primary, "SELECT jwt_login_code('$message{login}{code}', '$flow{login}')"))), 'ok', 'a login refused by the standby succeeds on the primary');

# A session that was not replayed yet
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
wait_for($standby, 'SELECT pg_get_wal_replay_pause_state()', 'paused');
my $second = log_in($primary, 'alice');

$primary->safe_psql('postgres', "SELECT jwt_revoke('$first->{access_token}')");
is(state_of($standby, "SELECT jwt_verify('$second->{access_token}')"), '28J00', 'a session that is not yet replicated is unknown');
is(value_of($standby, "SELECT jwt_explain('$second->{access_token}') ->> 'valid'"), 'false', 'jwt_explain denies a session that is not yet replicated');
like(value_of($standby, "SELECT jwt_explain('$second->{access_token}')"), qr/replication lag/, 'jwt_explain names replication lag as a possible reason');
is(state_of($standby, "SELECT jwt_verify('$first->{access_token}')"), '', 'a revocation that is not yet replicated does not count');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
catch_up();
is(state_of($standby, "SELECT jwt_verify('$second->{access_token}')"), '', 'a replicated session is valid');
is(state_of($standby, "SELECT jwt_verify('$first->{access_token}')"), '28J02', 'a replicated revocation counts');

# In a session of the standby that had accepted the token
my $third = log_in($primary, 'alice');

catch_up();
my $session = JwtAuthSession->new($standby);

is($session->state_of("SELECT jwt_verify('$third->{access_token}')"), '', 'an open session on the standby accepts a token') for 1 .. 2;
$primary->safe_psql('postgres', "SELECT jwt_end_sessions(id) FROM jwt_auth.users");
catch_up();
is($session->state_of("SELECT jwt_verify('$third->{access_token}')"), '28J02', 'an open session on the standby refuses a token that was revoked');
$session->close;

# After a failover it is the primary
my $fourth = log_in($primary, 'alice');

catch_up();
$primary->stop('immediate');
$standby->promote;
my $next = refresh_with($standby, $fourth->{refresh_token});

is(error_of($next), 'ok', 'promoted: a session can be refreshed');
is(state_of($standby, "SELECT jwt_verify('$next->{access_token}')"), '', 'promoted: a refreshed token is valid');
is(error_of(log_in($standby, 'alice')), 'ok', 'promoted: a user logs in');
is(error_of(refresh_with($standby, $third->{refresh_token})), 'invalid_grant', 'promoted: an ended session cannot be refreshed');

done_testing();

# What a call on the standby raises: SQLSTATE and message.
sub refusal_of
{
	my ($call) = @_;
	my $session = connect_to($standby);

	return 'nothing' if defined $session->do("SELECT $call");
	my ($message) = $session->errstr =~ /ERROR:\s+([^\n]+)/;

	return $session->state . ': ' . ($message // $session->errstr);
}

sub catch_up { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')); return; }
