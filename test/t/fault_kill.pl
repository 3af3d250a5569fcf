# Backends and the whole server are killed while clients log in, refresh,
# revoke and rotate keys (T86, T88): afterwards each client has what it was
# told, and nothing is half done.
#
# Environment read: ROUNDS (2), SEED.
#
# Time limit: 1800 s
# At least 19 assertions

use strict;
use warnings;

use AccountLoad;
use AccountTest;
use AccountVerdict;
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds_to_wait = 60;
my $rounds = $ENV{ROUNDS} // 2;
my $seed = AccountLoad::seed();
my $node = start_account_node('kill', conf => [ @AccountLoad::CONF, 'restart_after_crash = on' ]);
my $load = AccountLoad->new($node, seed => $seed, may_fail => qr/^(?:57P0[123]|08...|22000|40001)$/, weights => { rotate => 4, revoke => 8 });

$load->start;
for my $round (1 .. $rounds)
{
	for (1 .. 2)
	{
		$load->await(3);
		kill_backend();
	}
	$load->await(3);
	kill_server($node);
	$node->start;
}
$load->await(3);
$load->stop;
check_load($node, $load, "after $rounds rounds");
done_testing();

# One that is at work, if there is one; PostgreSQL then restarts them all.  It
# may still be about to, after the last one.
sub kill_backend
{
	my $end = time + $seconds_to_wait;
	my $is_killed = 0;

	until ($is_killed || time > $end)
	{
		my $pid = '';

		$node->psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
			ORDER BY query !~ 'jwt_', state <> 'active', random() LIMIT 1}, stdout => \$pid);
		$is_killed = $pid =~ /^\d+$/ && kill 'KILL', $pid;
		sleep 0.02 unless $is_killed;
	}
	ok($is_killed, 'a backend was killed');
	return;
}
