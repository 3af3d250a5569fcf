# Slots for password hashes: at most jwt_auth.max_password_hashes run at a time,
# for whatever they are needed; who finds none within two seconds is told to come
# again, which is not counted, and at once where others wait already; nobody else
# waits; a cancelled, ended or killed backend leaves its slot, and its place among
# those who wait, free (T42, T86). Without preloading there is no limit.
#
# At least 31 assertions

use strict;
use warnings;

use AccountTest;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(sleep time);

# A hash that keeps a processor busy for about a second, as imported ones may
my $HASH = '$2b$14$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';

my $node = start_account_node(
	'limited',
	conf => [ "shared_preload_libraries = 'jwt_auth'", 'restart_after_crash = on', 'jwt_auth.max_password_hashes = 1', 'jwt_auth.max_waiting_password_hashes = 4' ]);

$node->safe_psql('postgres', "SELECT jwt_import_user('slow' || n, '$HASH') FROM generate_series(1, 9) AS n");

my $alice = log_in($node, 'alice');
my $number = 0;

# A backend that is computing one: nothing else in a login takes the processor for
# so long
sub start_hashing
{
	my $session = JwtAuthSession->new($node);
	my $pid = $session->query('SELECT pg_backend_pid()');
	my $ticks = ticks_of($pid);
	my $end = time + 60;

	$number = $number % 9 + 1;
	$session->begin_query("SELECT jwt_login('slow$number', 'wrong') ->> 'error'");
	until (ticks_of($pid) >= $ticks + 5)
	{
		die "no hash is computed\n" if time > $end;
		sleep 0.02;
	}
	return ($session, $pid);
}

# One that does not go on with it until it is continued
sub start_endless_hashing
{
	my ($session, $pid) = start_hashing();

	kill STOP => $pid or die "could not stop $pid: $!\n";
	return ($session, $pid);
}

# The time for which a process has used the processor, mostly hundredths of a second
sub ticks_of
{
	my ($pid) = @_;

	open my $file, '<', "/proc/$pid/stat" or die "could not read the state of $pid: $!\n";
	my ($fields) = <$file> =~ /\) (.*)/;
	my ($user, $system) = (split ' ', $fields)[ 11, 12 ];

	return $user + $system;
}

sub counter
{
	my ($name) = @_;

	return value_of($node, "SELECT value FROM jwt_auth.statistics WHERE database = current_database() AND name = '$name'");
}

# All who need a hash wait, and are told so in time; nobody else does.
my ($busy, $holder) = start_endless_hashing();
my %waiting = map { $_ => JwtAuthSession->new($node) } qw(known unknown change create);

execute($node, 'SELECT jwt_reset_statistics()');
$waiting{known}->begin_query("SELECT jwt_login('bob', '$PASSWORD') ->> 'error'");
$waiting{unknown}->begin_query(q{SELECT jwt_login('nobody', 'wrong') ->> 'error'});
$waiting{change}->begin_query("BEGIN; SELECT set_config('jwt_auth.token', '$alice->{access_token}', true) IS NULL;"
	  . "SELECT jwt_change_password('$PASSWORD', 'another $PASSWORD') ->> 'error'; COMMIT");
$waiting{create}->begin_query("SELECT jwt_create_user('carol', '$PASSWORD')");
wait_for($node, "SELECT count(*) = 4 FROM pg_stat_activity WHERE wait_event = 'Extension' AND query ~ 'jwt_'", 't');
my $asked_at = time;

is(error_of(log_in($node, 'eve')), 'temporarily_unavailable', 'beside four waiting attempts, a fifth is told to try again');
cmp_ok(time - $asked_at, '<', 1, 'the fifth attempt does not wait');
is(error_of(refresh_with($node, $alice->{refresh_token})), 'ok', 'a refresh does not wait for a slot');
is(state_of($node, "SELECT jwt_verify('$alice->{access_token}')"), '', 'verifying a token does not wait for a slot');
is(state_of($node, q{SELECT jwt_create_user('dora')}), '', 'creating a user without password does not wait for a slot');
is(answer_of($waiting{known}), 'temporarily_unavailable', 'a login of a known user that waits too long is told to try again');
is(answer_of($waiting{unknown}), 'temporarily_unavailable', 'a login of an unknown name that waits too long is told to try again');
is(answer_of($waiting{change}), "f\ntemporarily_unavailable", 'a change of password that waits too long is told to try again');
is(answer_of($waiting{create}), 'ERROR 53400', 'creating a user with a password raises 53400 when it waits too long');
is(counter('password_hashes_refused'), 5, 'five refused attempts are counted as such');
is(counter('attempts_denied') . counter('attempts_throttled'), '00', 'attempts that got no slot are not counted as denied');
is(value_of($node, 'SELECT count(*) FROM jwt_auth.login_throttle'), 0, 'attempts that got no slot are not counted as failures');
kill CONT => $holder;
is(answer_of($busy), 'invalid_grant', 'the attempt that holds the slot ends');
is(error_of(log_in($node, 'bob')), 'ok', 'after the attempt has ended, its slot is free');
cmp_ok(counter('password_hash_wait_microseconds'), '>', 7_000_000, 'four attempts waited for two seconds each');
cmp_ok(counter('password_hash_microseconds'), '>', counter('password_hashes') * 1000, 'hashing takes more than a millisecond per hash');

# Who gives up leaves a place for others
($busy, $holder) = start_endless_hashing();
is(state_of($node, "SET statement_timeout = 200; SELECT jwt_login('bob', '$PASSWORD')"), '57014', "waiter $_ of five, each after the former gave up") for 1 .. 5;
kill CONT => $holder;
is(answer_of($busy), 'invalid_grant', 'the slot was held while five attempts gave up');

# Who waits can be interrupted, and gets the slot when it becomes free.
(my $second, $holder) = start_endless_hashing();
my $cancelled = JwtAuthSession->new($node);
my $ended = JwtAuthSession->new($node);

for my $session ($cancelled, $ended)
{
	my $waiter = $session->query('SELECT pg_backend_pid()');

	$session->begin_query("SELECT jwt_login('bob', '$PASSWORD') ->> 'error'");
	wait_for($node, "SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE pid = $waiter", 't');
	execute($node, $session == $cancelled ? "SELECT pg_cancel_backend($waiter)" : "SELECT pg_terminate_backend($waiter)");
	is($session == $cancelled ? answer_of($session) : value_of($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $waiter"),
		$session == $cancelled ? 'ERROR 57014' : 0, 'one who waits is interrupted at once')
	  if $session == $cancelled || !wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $waiter", 0);
}
kill CONT => $holder;
is(answer_of($second), 'invalid_grant', 'the slot was held while attempts were cancelled');

# A backend that is told to end while it computes, and one whose client is gone
for my $end (qw(pg_terminate_backend pg_cancel_backend))
{
	my ($session, $holder) = start_hashing();

	execute($node, "SELECT $end($holder)");
	$session->{run}->kill_kill;
	wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $holder", 0);
	is(error_of(log_in($node, 'bob')), 'ok', "$end: afterwards the slot is free") for 1, 2;
}

# A backend that is killed
my ($killed, $victim) = start_hashing();

kill 'KILL', $victim;
my $start = time;
until ((eval { value_of($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $victim") } // 1) eq '0')
{
	die "the server did not come back\n" if time - $start > 60;
	sleep 0.05;
}
is(error_of(log_in($node, 'bob')), 'ok', 'after a crash, the slot is free');

# Two slots let two compute; without preloading all do.
for my $conf ([ 'jwt_auth.max_password_hashes = 2', 'two slots' ], [ "shared_preload_libraries = ''", 'no limit' ])
{
	$node->append_conf('postgresql.conf', $conf->[0]);
	$node->restart;
	my ($session) = start_hashing();

	is(error_of(log_in($node, 'bob')), 'ok', "$conf->[1]: another attempt computes beside the first");
	$session->close;
}
done_testing();
