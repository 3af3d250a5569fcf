# A simulation of refreshes after the primary was away.
#
# Second by second, of all live sessions: whose access token has ended asks, is served
# up to the capacity of the primary, or asks again in the next second.  Whose token
# ends while the primary is away waits.  Before, the ends are spread evenly.

package Outage;

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(max min);

our @EXPORT_OK = qw(simulate_outage);

# simulate_outage(sessions => N, ttl => SECONDS, outage => SECONDS, capacity => PER
# SECOND, spread => SHARE, seconds => N): refreshes per second from the end of the
# outage on.  Clients refresh at a random moment in the last SHARE of the token's
# life, which makes 0 all refresh at its end.
sub simulate_outage
{
	my (%run) = @_;
	my $first = int($run{ttl} * (1 - $run{spread}) + 0.5);
	my @due = map { 0 } 0 .. $run{seconds} + $run{ttl};
	my $waiting = $run{sessions} * waiting_share(\%run, $first);
	my @served;

	add_due(\@due, \%run, $first, $run{sessions} - $waiting);
	for my $now (0 .. $run{seconds} - 1)
	{
		$waiting += $due[$now];
		$served[$now] = min($waiting, $run{capacity});
		$waiting -= $served[$now];
		plan_next(\@due, $served[$now], $now + $first, $now + $run{ttl});
	}
	return @served;
}

# Who would have refreshed during the outage.
sub waiting_share
{
	my ($run, $first) = @_;

	return min(1, 2 * $run->{outage} / ($first + $run->{ttl}));
}

# The others refresh evenly until the ordinary interval is over.
sub add_due
{
	my ($due, $run, $first, $number) = @_;
	my $interval = ($first + $run->{ttl}) / 2;
	my $last = int(max(0, $interval - $run->{outage}));

	$due->[$_] += $number / ($last || 1) for 0 .. $last - 1;
	return;
}

sub plan_next
{
	my ($due, $number, $from, $to) = @_;
	my $last = $to > $from ? $to - 1 : $from;

	for my $second ($from .. min($last, $#$due))
	{
		$due->[$second] += $number / ($last - $from + 1);
	}
	return;
}

1;
