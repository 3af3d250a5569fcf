# The server's clock steps back and forth (T18, T52, F54) while clients are at work:
# nobody loses a session or a token, nobody is locked out, and what was revoked
# stays so. Skipped where libfaketime is not installed.
#
# Environment read: STEPS (8), SEED.
#
# Time limit: 1800 s
# At least 63 assertions

use strict;
use warnings;

use AccountLoad;
use AccountTest;
use AccountVerdict;
use JwtAuthSession;
use JwtAuthTest;
use List::Util qw(shuffle);
use Test::More;
use Time::HiRes qw(time);

my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1 /usr/lib/faketime/libfaketime.so.1';

plan skip_all => 'libfaketime is not installed' unless defined $library;

# Sessions live through all of these; the last is the latest, so that no row
# is from the future in the end.
my @steps = qw(-1d -2h -90s -20s +0 +20s +90s +30m +2h +1d);
my $latest = '+5d';
my $tries_at_most = 20;
my $steps = $ENV{STEPS} // 8;
my $seed = AccountLoad::seed();
my $clock = PostgreSQL::Test::Utils::tempdir() . '/clock';

step('+0');
my $node = start_with_clock();
my $session = JwtAuthSession->new($node);

check_step();
check_revoked();
check_throttle();
check_grace();
$session->close;

my $load = AccountLoad->new($node, seed => $seed, may_fail => qr/^28J0[01]$/, weights => { rotate => 3, revoke => 8 });

step('+0');
$load->start;
for my $offset (map { (shuffle @steps)[0] } 1 .. $steps)
{
	step($offset);
	$load->await(2);
}
step($latest);
$load->await(2);
$load->stop;
check_load($node, $load, 'other times', is_counted => 0);
done_testing();

sub start_with_clock
{
	local $ENV{LD_PRELOAD} = $library;
	local $ENV{FAKETIME_TIMESTAMP_FILE} = $clock;
	local $ENV{FAKETIME_NO_CACHE} = 1;
	local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;
	# Its lock for times of files outlives a process that is killed
	local $ENV{NO_FAKE_STAT} = 1;

	return start_account_node('clock', conf => [@AccountLoad::CONF]);
}

# Sets the clock, as an offset from the true one.
sub step
{
	my ($offset) = @_;

	PostgreSQL::Test::Utils::append_to_file("$clock.new", "$offset\n");
	rename "$clock.new", $clock or die "could not set the clock: $!\n";
	return;
}

sub check_step
{
	my $before = $session->query('SELECT extract(epoch FROM clock_timestamp())');

	step('+2h');
	my $elapsed = $session->query('SELECT extract(epoch FROM clock_timestamp())') - $before;

	ok($elapsed > 7100 && $elapsed < 7300, 'the server has the clock of the test') or diag("$elapsed seconds");
	return;
}

sub login_here
{
	my ($name, $password) = @_;

	return JSON::PP::decode_json($session->query("SELECT jwt_login('$name', '$password')"));
}

# Logged out and denied tokens, at times before and after
sub check_revoked
{
	step('+0');
	my $ended = login_here('alice', $PASSWORD);
	my $denied = $session->query(q{SELECT jwt_sign('{"sub": "service"}')});
	my $live = login_here('alice', $PASSWORD);

	is($session->state_of("SELECT jwt_verify('$_')"), '', 'before the clock changes, the token is accepted') for $ended->{access_token}, $denied, $live->{access_token};
	$session->query("SELECT jwt_revoke('$_')") for $ended->{access_token}, $denied;
	my %other = ('-1h' => '28J00', '+1h' => '28J01', '+5d' => '28J01');

	for my $offset (qw(+0 -10s -1h +5m +14m +1h +5d +0))
	{
		step($offset);
		is($session->state_of("SELECT jwt_verify('$_')"), $other{$offset} // '28J02', "clock $offset: what was revoked is refused")
		  for $ended->{access_token}, $denied;
		is($session->query("SELECT jwt_refresh('$ended->{refresh_token}') ->> 'error'"), 'invalid_grant', "clock $offset: the refresh token of the ended session is denied");
	}
	is($session->state_of("SELECT jwt_verify('$live->{access_token}')"), '', 'a live token is accepted when the clock is right again');
	step('-1h');
	is($session->state_of("SELECT jwt_verify('$live->{access_token}')"), '28J00', 'a token is refused while the clock is before its issue');
	step('+1h');
	is($session->state_of("SELECT jwt_verify('$live->{access_token}')"), '28J01', 'a token is refused while the clock is after its end');
	is($session->query("SELECT jwt_refresh('$live->{refresh_token}') ? 'access_token'"), 't', 'a refresh succeeds while the clock is after the end of the access token');
	return;
}

# What the right password is answered after three wrong ones.  On a busy machine
# the second that it must wait may be over before it is tried.
sub fail_three_times
{
	my $wait;

	for (1 .. $tries_at_most)
	{
		is(login_here('bob', 'wrong')->{error}, 'invalid_grant', 'a wrong password is denied as usual') for 1 .. 2;
		my $failed_at = time;

		is(login_here('bob', 'wrong')->{error}, 'invalid_grant', 'a wrong password is denied');
		$wait = login_here('bob', $PASSWORD);
		last if error_of($wait) ne 'ok' || time < $failed_at + 1;
	}
	return $wait;
}

# A statement that began in an earlier token's grace does not hold that open.
sub check_grace
{
	step('+0');
	my $live = login_here('alice', $PASSWORD);
	my $refresh = "answers := answers || coalesce(public.jwt_refresh('$live->{refresh_token}') ->> 'error', 'ok');";

	$session->query(qq{CREATE FUNCTION pg_temp.refresh_late() RETURNS text[] LANGUAGE plpgsql AS \$\$
		DECLARE
			answers text[];
		BEGIN
			$refresh
			COPY (SELECT '+90s') TO '$clock';
			$refresh
			COPY (SELECT '+150s') TO '$clock';
			$refresh
			RETURN answers;
		END
		\$\$});
	is($session->query('SELECT pg_temp.refresh_late()'), '{ok,ok,invalid_grant}', 'within one statement, the grace period of a parent ends');
	is($session->query("SELECT revoke_reason FROM jwt_auth.sessions ORDER BY revoked_at DESC NULLS LAST LIMIT 1"),
		'refresh token replayed', 'after the grace period, a refresh counts as a replay');
	step('+0');
	return;
}

# Waits neither grow by a step of the clock nor end an attack's count
sub check_throttle
{
	$session->query('SET jwt_auth.login_max_failures = 3');
	for my $offset (qw(-1h +1h -5d +5d))
	{
		step('+0');
		my $wait = fail_three_times();

		is(error_of($wait), 'temporarily_unavailable', 'after failures, the name must wait');
		cmp_ok($wait->{retry_after} // 0, '<=', 1, 'after failures, the name waits for a second at most');
		step($offset);
		is(error_of(login_here('bob', $PASSWORD)), 'ok', "clock $offset: the right password logs in");
		is($session->query('SELECT count(*) FROM jwt_auth.login_throttle'), 0, "clock $offset: the right password clears the count");
	}
	$session->query('RESET jwt_auth.login_max_failures');
	step('+0');
	return;
}
