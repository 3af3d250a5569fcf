# Second factors among many (T58, T128, T129, T137): of one ticket, or one code, that
# many show at once one counts; a step-up and refreshes at once leave one token that
# is current, and it is of the session that was stepped up.
# At least 34 assertions

use strict;
use warnings;

use AccountTest;
use Authenticator;
use JSON::PP;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_account_node('factor_races', conf => [ "shared_preload_libraries = 'jwt_auth'" ]);
my $session = JwtAuthSession->new($node);
my @others = map { JwtAuthSession->new($node) } 1 .. 8;
my $secret = enroll();

# One ticket and one code; then several tickets and one code; then one ticket and several codes
for my $case ([ 'one ticket, one code', 1, 0 ], [ 'eight tickets, one code', 8, 0 ], [ 'one ticket, recovery codes', 1, 1 ])
{
	my ($what, $tickets, $by_recovery) = @$case;
	my @codes = $by_recovery ? recovery_codes() : ();
	my @tickets = map { log_in($node, 'alice')->{mfa_token} } 1 .. $tickets;
	my $before = sessions();

	pass_time();
	await_step(5);
	my $code = code_of($secret);
	for my $number (0 .. $#others)
	{
		my $ticket = $tickets[ $number % $tickets ];
		my $response = $by_recovery ? $codes[$number] : $code;
		my $method = $by_recovery ? 'recovery_code' : 'totp';

		$others[$number]->begin_query("SELECT coalesce(a ->> 'error', 'ok') FROM jwt_mfa_verify('$ticket', '$method', '{\"code\":\"$response\"}') AS a");
	}
	my %count;
	$count{ answer_of($_) }++ for @others;
	is($count{ok}, 1, "$what: one of eight concurrent attempts signs in");
	is(($count{invalid_grant} // 0) + ($count{temporarily_unavailable} // 0), 7, "$what: seven of eight concurrent attempts are denied");
	is(sessions(), $before + 1, "$what: one session starts");
	is(value_of($node, 'SELECT count(*) FROM jwt_auth.recovery_codes'), 9, "$what: one recovery code is used") if $by_recovery;
}

# A step-up among refreshes
for my $round (1 .. 3)
{
	pass_time();
	my $weak = decode_json(value_of($node, "SELECT jwt_start_session(jwt_find_user('alice'), '{pwd}')"));
	$session->query("SET jwt_auth.token = '$weak->{access_token}'");
	my $ticket = decode_json($session->query('SELECT jwt_step_up()'))->{mfa_token};

	await_step(5);
	my $code = code_of($secret);
	$others[$_]->begin_query("SELECT jwt_refresh('$weak->{refresh_token}')") for 0 .. 3;
	$session->begin_query("SELECT jwt_mfa_verify('$ticket', 'totp', '{\"code\":\"$code\"}')");
	$others[$_]->begin_query("SELECT jwt_refresh('$weak->{refresh_token}')") for 4 .. 7;
	my $stepped = decode_json($session->answer);
	my @refreshed = map { decode_json($_->answer) } @others;
	my @levels = map { level_of($_) } grep { $_->{access_token} } @refreshed;
	is(level_of($stepped), 2, "round $round: the step-up gives a token of level 2");
	is(scalar(grep { $_ == 2 } @levels), 0, "round $round: no refresh of an older token gives level 2");
	is(level_of(refresh_with($node, $stepped->{refresh_token})), 2, "round $round: the new token keeps level 2 at a refresh");
	is(value_of($node, "SELECT count(*) FROM jwt_auth.sessions WHERE revoked_at IS NOT NULL AND revoke_reason ~ 'replay'"), 0, "round $round: no session is ended by a replay");
}

# A step-up that commits after a refresh has found its token in its grace, and before it answers
{
	pass_time();
	my ($refresher, $holder) = @others;
	my $pid = $refresher->query('SELECT pg_backend_pid()');
	my $weak = decode_json(value_of($node, "SELECT jwt_start_session(jwt_find_user('alice'), '{pwd}')"));

	is(level_of(refresh_with($node, $weak->{refresh_token})), 1, 'a token is rotated before the step-up');
	$session->query("SET jwt_auth.token = '$weak->{access_token}'");
	my $ticket = decode_json($session->query('SELECT jwt_step_up()'))->{mfa_token};

	await_step(5);
	my $code = code_of($secret);
	$holder->query('BEGIN; LOCK TABLE jwt_auth.refresh_tokens');
	$refresher->begin_query("SELECT jwt_refresh('$weak->{refresh_token}')");
	await_process($pid, "wait_event_type = 'Lock'");
	$session->query('BEGIN; LOCK TABLE jwt_auth.sessions');
	$holder->query('COMMIT');
	await_process($pid, "(state <> 'active' OR wait_event_type = 'Lock')");
	my $stepped = decode_json($session->query("SELECT jwt_mfa_verify('$ticket', 'totp', '{\"code\":\"$code\"}')"));

	$session->query('COMMIT');
	is(level_of($stepped), 2, 'a step-up beside a refresh that is looking up its token gives level 2');
	is(level_of(decode_json($refresher->answer)), 1, 'a refresh that found its token in its grace before a step-up gives level 1 after it');
}

# Nobody waits without limit for a transaction that holds the session and stays open, nor
# holds up the user's other logins for longer than that
for my $held ('SELECT jwt_logout()', 'a refresh')
{
	my ($holder, $other) = @others;
	my $weak = decode_json(value_of($node, "SELECT jwt_start_session(jwt_find_user('alice'), '{pwd}')"));
	my $refresh = "SELECT jwt_refresh('$weak->{refresh_token}') ->> 'error'";

	pass_time();
	$session->query("SET jwt_auth.token = '$weak->{access_token}'");
	my $ticket = decode_json($session->query('SELECT jwt_step_up()'))->{mfa_token};
	$holder->query("BEGIN; SET LOCAL jwt_auth.token = '$weak->{access_token}'; " . ($held eq 'a refresh' ? $refresh : $held));
	$_->query(q{SET statement_timeout = '60 s'}) for $session, $other;
	await_step(12);
	my $code = code_of($secret);

	is($session->state_of("SELECT jwt_mfa_verify('$ticket', 'totp', '{\"code\":\"$code\"}')"), '55P03', "$held stays open: a step-up gives up by itself");
	is($other->state_of($refresh), $held eq 'a refresh' ? '55P03' : '', "$held stays open: a refresh does, or need not wait");
	$holder->query('ROLLBACK');
	is(level_of(decode_json($session->query("SELECT jwt_mfa_verify('$ticket', 'totp', '{\"code\":\"$code\"}')"))), 2, "$held was rolled back: ticket and code are still good");
}

# Nor for one that has the user's turn
{
	my ($holder) = @others;
	my $ticket = log_in($node, 'alice')->{mfa_token};

	pass_time();
	$holder->query(q{BEGIN; SELECT jwt_start_session(jwt_find_user('alice'), '{pwd}')});
	await_step(12);
	my $attempt = "SELECT coalesce(a ->> 'error', 'ok') FROM jwt_mfa_verify('$ticket', 'totp', '{\"code\":\"" . code_of($secret) . "\"}') AS a";

	is($session->query($attempt), 'temporarily_unavailable', 'a second factor beside a session that begins and stays open is told to come again');
	$holder->query('ROLLBACK');
	is($session->query($attempt), 'ok', 'and then its ticket and code are still good');
}
$_->close for $session, @others;
done_testing();

sub enroll
{
	$session->query("SELECT set_config('jwt_auth.token', jwt_login('alice', '$PASSWORD') ->> 'access_token', false)");
	my $begun = decode_json($session->query('SELECT jwt_enroll_totp()'));

	is($session->query("SELECT jwt_confirm_totp('$begun->{factor_id}', '" . code_of($begun->{secret}) . "') ->> 'status'"), 'factor_added', 'a factor is enrolled');
	return $begun->{secret};
}

sub recovery_codes
{
	$session->query("SELECT set_config('jwt_auth.token', jwt_start_session(jwt_find_user('alice'), '{mfa}') ->> 'access_token', false)");
	return @{ decode_json($session->query('SELECT jwt_make_recovery_codes()'))->{codes} };
}

sub sessions { return value_of($node, 'SELECT count(*) FROM jwt_auth.sessions'); }

# Codes, waits and failures of before are forgotten
sub pass_time
{
	return execute($node, 'UPDATE jwt_auth.factors SET last_step = 0; TRUNCATE jwt_auth.login_throttle; UPDATE jwt_auth.users SET factor_failures = 0');
}

sub await_process
{
	my ($pid, $condition) = @_;

	return wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND $condition", 1);
}

sub level_of
{
	my ($answer) = @_;

	return value_of($node, "SELECT (jwt_decode('$answer->{access_token}')).claims ->> 'aal'");
}
