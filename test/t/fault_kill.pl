# Backends and the whole server are killed while clients log in, refresh,
# revoke and rotate keys (T86, T88, T98): afterwards each client has what it was
# told, and nothing is half done.
#
# Environment read: ROUNDS (2), SEED.

use strict;
use warnings;

use AccountLoad;
use AccountTest;
use AccountVerdict;
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(sleep);

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

# One that is at work, if there is one; PostgreSQL then restarts them all.
sub kill_backend
{
	my ($pid) = split /\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND query ~ 'jwt_' ORDER BY state <> 'active', random() LIMIT 1});

	ok(kill('KILL', $pid), 'a backend was killed');
	return;
}
