# All connections are taken (max_connections) while clients come and go: who
# cannot connect comes again, and nothing of what was told is lost.
#
# Environment read: REFUSED (how often, 5), SEED.
#
# Time limit: 1800 s
# At least 18 assertions

use strict;
use warnings;

use AccountLoad;
use AccountTest;
use AccountVerdict;
use JwtAuthTest;
use Test::More;
use Time::HiRes qw(time);

my $wanted = $ENV{REFUSED} // 5;
my $seed = AccountLoad::seed();
my $node = start_account_node('connections', conf => [ @AccountLoad::CONF, 'max_connections = 12', 'superuser_reserved_connections = 0' ]);
my $load = AccountLoad->new($node, seed => $seed, leaves => 0.3);

$load->start;
my $end = time + 10 + $wanted;

until (refused() >= $wanted || refused() && time > $end)
{
	my $before = refused();
	my ($patience, @taken);

	# Whatever a client gives up is taken, too.
	until (refused() > $before || $patience && time > $patience)
	{
		if (my $connection = eval { DBI->connect(AccountLoad::source_of($node), undef, undef, { RaiseError => 1, PrintError => 0 }) })
		{
			push @taken, $connection;
		}
		else
		{
			$patience //= time + 2;
		}
	}
	$_->disconnect for @taken;
	$load->await(1);
}
$load->stop;
cmp_ok(refused(), '>', 0, 'clients were refused: ' . refused());
is(join(' ', grep { $_ !~ /^(?:53300|08...)$/ } states()), '', 'clients were refused for too many connections');
ok($node->poll_query_until('postgres', 'SELECT 1', '1'), 'connections are accepted again');
check_load($node, $load, 'without connections');
done_testing();

sub states { return map { $_->[0] eq 'refused' ? $_->[1] // '' : () } map { @$_ } $load->lines; }

sub refused { return scalar states(); }
