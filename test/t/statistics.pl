# The view jwt_auth.statistics (T78): counts of each kind, also of backends that
# have ended and of transactions that were rolled back; for each database; for
# those who monitor the server, and nobody else. Without preloading it is empty.
#
# At least 60 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_account_node(
	'counted',
	conf => [ "shared_preload_libraries = 'jwt_auth'", 'max_connections = 20', 'jwt_auth.login_max_failures = 2' ]);

$node->safe_psql('postgres', q{
	CREATE ROLE regress_statistics_monitor; GRANT pg_monitor TO regress_statistics_monitor;
	CREATE ROLE regress_statistics_nobody});

# What a statement counts, as "name value" in order, times left out
sub counted_by
{
	my (@statements) = @_;
	my $session = connect_to($node);

	execute($node, 'SELECT jwt_reset_statistics()');
	my $pid = value_of($session, 'SELECT pg_backend_pid()');

	state_of($session, $_) for @statements;
	$session->disconnect;
	wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", 0);
	return value_of($node, q{
		SELECT string_agg(name || ' ' || value, ', ' ORDER BY name COLLATE "C") FROM jwt_auth.statistics
		WHERE database = current_database() AND value <> 0 AND name NOT LIKE '%microseconds'});
}

my $alice = log_in($node, 'alice');
my $token = $alice->{access_token};
my $verify = "SELECT jwt_verify('$token')";
my $now = time;

is(counted_by($verify, $verify), 'tokens_new 1, tokens_remembered 1', 'a token used twice in one backend is counted as new and as remembered');
is(counted_by($verify), 'tokens_shared 1', 'a token used in another backend is counted as shared');
my $large = value_of($node, q{SELECT jwt_sign(jsonb_build_object('x', repeat('x', 70000))) FROM set_config('jwt_auth.max_token_size', '131072', false)});

is(counted_by('SET jwt_auth.max_token_size = 131072', ("SELECT jwt_verify('$large')") x 2), 'tokens_new 1, tokens_shared 1', 'a token too large to be remembered is checked again');
is(counted_by('BEGIN', $verify, 'ROLLBACK'), 'tokens_shared 1', 'a rollback does not undo the count');
is(counted_by("SELECT jwt_verify('$_')"), 'tokens_denied_malformed 1', "no token: $_") for 'x', 'a.b.c', "$token.";
is(counted_by("SELECT $_(NULL)"), 'tokens_denied_malformed 1', "none at all: $_") for qw(jwt_verify jwt_consume jwt_introspect jwt_explain);
is(counted_by($_), '', "nobody was asked: $_") for 'SELECT jwt_authenticate(NULL)', q{SELECT jwt_verify_with(NULL, '{}')};
is(counted_by(q{SELECT jwt_verify('} . tampered($token) . q{')}), 'tokens_denied_signature 1', 'a token with a wrong signature is counted');
is(counted_by("SELECT jwt_verify('$token', 'api')"), 'tokens_denied_audience 1', 'a token for another audience is counted');
is(counted_by("SELECT jwt_verify('$token', issuer => 'me')"), 'tokens_denied_issuer 1', 'a token of another issuer is counted');
is(counted_by(q{SELECT jwt_verify(jwt_sign_with('{}', jwk_generate('ES256', 'x')))}), 'tokens_denied_key 1', 'a token by an unknown key is counted');
is(counted_by(q{SELECT jwt_verify(jwt_sign('{"nbf":4000000000}'))}), 'tokens_denied_time 1', 'a token that is not yet valid is counted');
is(counted_by('SET jwt_auth.leeway = 0', "SELECT jwt_verify(jwt_sign(jsonb_build_object('iat', $now - 9, 'exp', $now - 5)))"),
	'tokens_denied_expired 1', 'an expired token');
is(counted_by('SELECT jwt_authenticate(jwt_sign(\'{"token_use":"id"}\'))'), 'tokens_denied_use 1, tokens_new 1', 'a token for another use is counted');

my $fails = q{SELECT jwt_login('bob', 'wrong')};

is(counted_by($fails), 'attempts_denied 1, password_hashes 1', 'a wrong password is counted');
is(counted_by("SELECT jwt_login('alice', '$PASSWORD')"), 'logins 1, password_hashes 1', 'the right password is counted');
is(counted_by($fails, $fails), 'attempts_denied 1, attempts_throttled 1, password_hashes 1', 'an attempt that must wait is counted');

is(counted_by('BEGIN', "SELECT jwt_login('$_->[0]', 'wrong')", @$_[ 1 .. $#$_ ]), 'attempts_denied 1, attempts_undone 1, password_hashes 1', "undone: $_->[1]")
  for [ 'carla', 'ROLLBACK' ], [ 'dora', 'SELECT pg_terminate_backend(pg_backend_pid())' ];
is(counted_by('BEGIN', q{SELECT jwt_login('erwin', 'wrong')}), 'attempts_denied 1, attempts_undone 1, password_hashes 1', 'an attempt undone by the end of the connection is counted');

my $refresh = "SELECT jwt_refresh('$alice->{refresh_token}')";

is(counted_by($refresh), 'refreshes 1', 'a refresh is counted');
is(counted_by($refresh), 'refreshes 1, refreshes_repeated 1', 'a repeated refresh is counted');
is(counted_by('SET jwt_auth.refresh_grace = 0', $refresh), 'refreshes_replayed 1', 'a replay is counted');
is(counted_by($refresh), 'refreshes_denied 1', 'a refresh in an ended session is counted');
is(counted_by(q{SELECT jwt_refresh('jar_x')}), 'refreshes_denied 1', 'a malformed refresh token is counted');
is(counted_by($verify), 'tokens_denied_revoked 1', 'a revoked token is counted');
is(counted_by(), '', 'an idle backend counts nothing');

execute($node, q{SELECT jwt_create_user('frida', email => 'frida@example.org')});
is(counted_by(q{SELECT jwt_request_recovery('frida@example.org')}), 'messages 1', 'a message is counted');
is(counted_by(q{SELECT jwt_request_recovery('nobody@example.org')}), 'messages 1', 'a message to an unknown address is counted');
is(counted_by(q{SELECT jwt_request_recovery('frida@example.org')}), '', 'a message too soon after another is not counted');

execute($node, "SELECT jwt_set_password(id, '$PASSWORD'), jwt_update_user(id, mfa_enrollment => 'required') FROM jwt_find_user('frida') AS id");
my $ticket = value_of($node, "SELECT jwt_login('frida', '$PASSWORD') ->> 'mfa_token'");
my $factor = value_of($node, "SELECT jwt_enroll_totp(NULL, '$ticket') ->> 'factor_id'");

is(counted_by("SELECT jwt_confirm_totp('$factor', '$_', '$ticket')"), 'attempts_denied 1', "a wrong code of a factor is counted: $_") for qw(000000 x);
is(counted_by("SELECT jwt_confirm_totp('$factor', 'x', '$ticket')"), 'attempts_throttled 1', 'an attempt with a factor that must wait is counted');

# A backend that lives, one that was ended, and another database
my $session = JwtAuthSession->new($node);

execute($node, 'SELECT jwt_reset_statistics()');
$session->query(q{SELECT jwt_verify(jwt_sign('{}'))}) for 1 .. 3;
is(counter('tokens_new'), 3, 'of a backend that lives');
execute($node, 'SELECT pg_terminate_backend(' . $session->query('SELECT pg_backend_pid()') . ')');
eval { $session->close; };
is(counter('tokens_new'), 3, 'of one that was ended');
execute($node, 'CREATE DATABASE other');
execute($node, 'CREATE EXTENSION jwt_auth', dbname => 'other');
state_of($node, q{SELECT jwt_verify('x')}, dbname => 'other');
is(counter('tokens_denied_malformed', 'other'), 1, 'another database has its own');
is(counter('tokens_denied_malformed'), 0, 'which is not ours');
execute($node, 'SELECT jwt_reset_statistics()');
is(counter('tokens_denied_malformed', 'other'), 1, 'a reset is for one database');
is(value_of($node, q{SELECT count(DISTINCT since), max(since) > min(since) FROM jwt_auth.statistics WHERE database IS NOT NULL}),
	'2|t', 'and shows');
is(value_of($node, q{SELECT count(*) = count(DISTINCT (database, name)) FROM jwt_auth.statistics}), 't', 'each counter once');
execute($node, 'DROP DATABASE other');
is(value_of($node, q{SELECT value FROM jwt_auth.statistics WHERE database IS NULL AND name = 'tokens_denied_malformed'}), 1,
	'what a dropped database counted stays, without a name');

# More backends than there are slots for at a time
for my $round (1 .. 30)
{
	state_of($node, q{SELECT jwt_verify('x')});
}
is(counter('tokens_denied_malformed'), 30, 'of thirty backends, one after the other');

# Who may read the statistics
for my $statement ('SELECT count(*) > 0 FROM jwt_auth.statistics', 'SELECT count(*) > 0 FROM jwt_statistics()')
{
	is(state_of($node, "SET ROLE regress_statistics_nobody; $statement"), '42501', "not anyone: $statement");
	is(state_of($node, "SET ROLE regress_statistics_monitor; $statement"), '', "a monitor: $statement");
}
is(state_of($node, "SET ROLE $_; SELECT jwt_reset_statistics()"), '42501', "$_ may not reset")
  for qw(regress_statistics_nobody regress_statistics_monitor);
is(state_of($node, "SET ROLE regress_statistics_monitor; SELECT FROM jwt_auth.$_"), '42501', "nor read $_")
  for qw(users sessions refresh_tokens keys audit_log login_throttle);

# Without preloading
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->append_conf('postgresql.conf', "session_preload_libraries = 'jwt_auth'");
$node->restart;
is(value_of($node, 'SELECT count(*) FROM jwt_auth.statistics'), 0, 'without preloading it is empty');
is(state_of($node, 'SELECT jwt_reset_statistics()'), '', 'and there is nothing to reset');
is(state_of($node, $_), '', 'while all else works') for q{SELECT jwt_verify(jwt_sign('{}'))}, $fails;

done_testing();

sub counter
{
	my ($name, $database) = @_;

	return value_of($node, "SELECT value FROM jwt_auth.statistics WHERE name = '$name' AND database = '" . ($database // 'postgres') . q{'});
}
