# Random traces of the model of sessions, done again to a server (T49, T51, T52, T58,
# T59, T96, T137): each answer and what is committed are those of the model, in
# transactions that wait for each other, commit or roll back, while time passes.
#
# Environment read:
#   SEED=N         one more trace, which is else chosen at random
#   TRACES=N       so many more
#   MODEL_DEFINES  definitions for the model, such as BROKEN_GRACE
# At least 66 assertions

use strict;
use warnings;

use AccountTest;
use Authenticator;
use JSON::PP ();
use JwtAuthTest;
use MIME::Base64 qw(decode_base64url);
use ModelTraces;
use Test::More;
use Time::HiRes qw(time);

my $FIXED = 60;

# The grace is three ticks, and no longer than four: what the server takes beside is no
# more than half a tick, or the trace is tried again.
my $GRACE_SECONDS = 60;
my $TICK_SECONDS = 17;
my $TRIES = 5;

my $random = $ENV{SEED} // int rand 1_000_000;
my $node = start_account_node(
	'model_traces',
	conf => [ "jwt_auth.refresh_grace = $GRACE_SECONDS", 'jwt_auth.max_sessions_per_user = 0', 'autovacuum = off' ]);
my $server = connect_to($node);
my $traces = ModelTraces->new($node, 'session');
my %call = (to_refresh => \&call_refresh, to_step_up => \&call_step_up, to_log_out => \&call_log_out);
my %event = (call => \&do_call, answer => \&check_answer, end => \&do_end, tick => \&do_tick);
my (%count, $secret, $run);

make_shift();
enroll();
for my $seed (1 .. $FIXED, map { $random + $_ } 0 .. ($ENV{TRACES} // 1) - 1)
{
	my @trace = $traces->lines_of($seed, 'CALLERS=2', 'TOKENS=7', ('STEP_UP') x ($seed % 2), ('LOGOUT') x ($seed % 5 == 0));
	my $difference;

	for (1 .. $TRIES)
	{
		$difference = replay(@trace);
		last unless $run->{is_slow};
	}
	is($difference, undef, "seed $seed: a server answers as the model does") or diag(join "\n", @trace);
}
note(join ', ', map { "$_: $count{$_}" } sort keys %count);
cmp_ok($count{$_} // 0, '>=', 40, "there are answers of this kind: $_") for qw(child again denied);
cmp_ok($count{raised} // 0, '>=', 5, 'there are levels that were raised');
cmp_ok($traces->{waited}, '>=', 5, 'and statements that waited');
done_testing();

# What differs first, if anything does
sub replay
{
	my (@trace) = @_;
	my $first = JSON::PP::decode_json(value_of($server, "SELECT jwt_start_session(jwt_find_user('alice'), '{pwd}')"));
	my $id = claims_of($first)->{sid};

	$run = { id => $id, access => $first->{access_token}, token => { 1 => $first->{refresh_token} }, now => time, is_slow => 0 };
	for my $line (@trace)
	{
		my ($what, @arguments) = split ' ', $line;
		my $difference = $event{$what}->(@arguments);

		$run->{is_slow} = 1 if time - $run->{now} > $TICK_SECONDS / 2 - 1;
		next unless defined $difference;
		$traces->end_all;
		return $difference eq 'done' ? undef : "$line: $difference";
	}
	$traces->end_all;
	return;
}

sub do_call
{
	my ($process, $name, $token) = @_;

	$traces->call($process, $call{$name}->($token));
	return;
}

sub call_refresh { return "SELECT jwt_refresh('$run->{token}{$_[0]}')"; }

sub call_log_out { return "SELECT jwt_revoke('$run->{token}{1}')"; }

sub call_step_up
{
	execute($server, 'UPDATE jwt_auth.factors SET last_step = 0; TRUNCATE jwt_auth.login_throttle');
	my $ticket = JSON::PP::decode_json(value_of($server, "SELECT jwt_step_up() FROM set_config('jwt_auth.token', '$run->{access}', true)"));

	await_step(3);
	my $code = code_of($secret);
	return "SELECT jwt_mfa_verify('$ticket->{mfa_token}', 'totp', '{\"code\":\"$code\"}')";
}

# Compares an answer: whether it has the same token as the model's, and of which level
sub check_answer
{
	my ($process, $expected, $token, $is_high) = @_;

	# The model has no number left for a token.
	return 'done' if $expected eq 'gone';
	my $text = $traces->answer_to($process);

	return $text if $text =~ /^ERROR/;
	return if $text eq '';
	my $answer = JSON::PP::decode_json($text);

	return compare(ok => $answer->{error}) if $expected eq 'ok' && $answer->{error};
	if ($expected eq 'denied')
	{
		$count{denied}++;
		return compare(invalid_grant => $answer->{error});
	}
	$count{raised}++ if $is_high;
	return "level " . claims_of($answer)->{aal} if claims_of($answer)->{aal} != 1 + $is_high;
	$count{ defined $run->{token}{$token} ? 'again' : 'child' }++;
	return 'another token' if ($run->{token}{$token} //= $answer->{refresh_token}) ne $answer->{refresh_token};
	return 'the token of another' if 1 != grep { $_ eq $answer->{refresh_token} } values %{ $run->{token} };
	return;
}

sub compare
{
	my ($expected, $got) = @_;

	return if ($got // 'ok') eq $expected;
	return ($got // 'ok') . " instead of $expected";
}

# The end of a transaction, for which another may wait, and what is committed then
sub do_end
{
	my ($process, $commits, $generation, $is_revoked, $is_stepped_up) = @_;

	$traces->end($process, $commits) or return;
	return compare(
		join(' ', $generation, $is_revoked, 1 + $is_stepped_up),
		value_of($server, "SELECT concat_ws(' ', generation, (revoked_at IS NOT NULL)::integer, aal)
			FROM jwt_auth.sessions JOIN jwt_auth.refresh_tokens ON session_id = id WHERE id = '$run->{id}'"));
}

# Time passes, less what has passed.
sub do_tick
{
	my $left = $TICK_SECONDS - (time - $run->{now});

	$run->{is_slow} = 1 if $left < $TICK_SECONDS / 2 + 1;
	$run->{now} = time;
	execute($server, "SELECT pg_temp.shift('$run->{id}', $left)");
	return;
}

sub claims_of
{
	my ($answer) = @_;

	return JSON::PP::decode_json(decode_base64url((split /\./, $answer->{access_token})[1]));
}

sub make_shift
{
	execute($server, <<'SQL');
CREATE FUNCTION pg_temp.shift(session uuid, seconds float8) RETURNS void LANGUAGE sql AS
$$
UPDATE jwt_auth.refresh_tokens SET rotated_at = rotated_at - make_interval(secs => seconds),
	earlier = (SELECT string_agg(substr(earlier, n * 24 + 1, 16) || int8send(microseconds - (seconds * 1e6)::bigint), NULL ORDER BY n)
		FROM generate_series(0, octet_length(earlier) / 24 - 1) AS n,
			LATERAL (SELECT ('x' || encode(substr(earlier, n * 24 + 17, 8), 'hex'))::bit(64)::bigint) AS t (microseconds))
WHERE session_id = session
$$
SQL
	return;
}

sub enroll
{
	my $begun = JSON::PP::decode_json(value_of($server, "SELECT jwt_enroll_totp() FROM set_config('jwt_auth.token', jwt_login('alice', '$PASSWORD') ->> 'access_token', true)"));

	$secret = $begun->{secret};
	value_of($server, "SELECT jwt_confirm_totp('$begun->{factor_id}', '" . code_of($secret) . "')
		FROM set_config('jwt_auth.token', jwt_login('alice', '$PASSWORD') ->> 'access_token', true)");
	return;
}
