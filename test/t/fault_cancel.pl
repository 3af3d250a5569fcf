# Calls that are cancelled at random moments (T38, T86): by statement_timeout,
# by lock_timeout while somebody holds rows and keys, by the client and by an
# administrator. None leaves half of what it did, and each can be tried again.
#
# Environment read: CANCELLED (how many calls of each kind, 5), SEED.
#
# Time limit: 1800 s
# At least 18 assertions

use strict;
use warnings;

use AccountLoad;
use AccountTest;
use AccountVerdict;
use DBD::Pg qw(:async);
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $wanted = $ENV{CANCELLED} // 5;
my $seconds_at_most = 20 + 2 * $wanted;
my @kinds = qw(login refresh revoke rotate verify wrong);
my $seed = AccountLoad::seed();
my $node = start_account_node('cancel', conf => [ @AccountLoad::CONF ]);
my $load = AccountLoad->new(
	$node,
	seed => $seed,
	may_fail => qr/^(?:57014|55P03)$/,
	weights => { rotate => 6, revoke => 12, wrong => 20, login => 20, refresh => 40 },
	before_call => \&limit_time,
	call => \&run_and_cancel);

$load->start;

my $admin = DBI->connect(AccountLoad::source_of($node), undef, undef, { RaiseError => 1, PrintError => 0 });
my $end = time + $seconds_at_most;
my $cancelled = 0;

until (enough($wanted) || enough(1) && time > $end)
{
	hold_locks();
	for (1 .. 5)
	{
		my ($is_cancelled) = $admin->selectrow_array(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity
			WHERE query ~ 'jwt_' AND state = 'active' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1});

		$cancelled++ if $is_cancelled;
	}
}
$admin->disconnect;
$load->await(1);
$load->stop;
cmp_ok($cancelled, '>', 0, "an administrator cancelled $cancelled calls");
is(join(' ', grep { !failures($_, '57014') } @kinds), '', 'calls of each kind were cancelled');
cmp_ok(timed_out(), '>', 0, 'some calls ran into lock_timeout');
check_load($node, $load, 'cancelled');
done_testing();

# Of each, an administrator's and waits for locks included
sub enough
{
	my ($count) = @_;

	return $cancelled > 0 && timed_out() > 0 && !grep { failures($_, '57014') < $count } @kinds;
}

sub timed_out { return failures('refresh', '55P03') + failures('login', '55P03') + failures('rotate', '55P03'); }

sub failures
{
	my ($kind, $state) = @_;

	return scalar grep { $_->[0] eq 'failed' && $_->[1] eq $kind && ($_->[2] // '') eq $state } map { @$_ } $load->lines;
}

# For a moment, what calls wait for
sub hold_locks
{
	$admin->begin_work;
	$admin->do('SELECT FROM jwt_auth.refresh_tokens ORDER BY rotated_at DESC LIMIT 5 FOR UPDATE SKIP LOCKED');
	$admin->do(q{SELECT FROM jwt_auth.users WHERE username = 'member1' FOR UPDATE SKIP LOCKED});
	$admin->do('SAVEPOINT s');
	eval { $admin->do('LOCK TABLE jwt_auth.keys IN SHARE ROW EXCLUSIVE MODE NOWAIT'); 1 } or $admin->do('ROLLBACK TO s');
	sleep rand 0.03;
	$admin->rollback;
	return;
}

sub limit_time
{
	my ($connection) = @_;
	my ($statement, $lock) = rand() < 0.3 ? (1 + int rand 8, 0) : rand() < 0.5 ? (0, 1 + int rand 4) : (0, 0);

	$connection->do("SET statement_timeout = 0; SET lock_timeout = $lock; SET statement_timeout = $statement");
	return;
}

# One query in five is cancelled by its client.
sub run_and_cancel
{
	my ($connection, $query, @values) = @_;

	return scalar $connection->selectrow_array($query, {}, @values) if rand() > 0.2;

	my $statement = $connection->prepare($query, { pg_async => PG_ASYNC });

	$statement->execute(@values);
	sleep rand 0.004;
	$connection->pg_cancel;
	die $AccountLoad::CANCELLED;
}
