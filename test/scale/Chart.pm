# The chart of refreshes after an outage.

package Chart;

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(max);
use Svg qw(chart text line);

our @EXPORT_OK = qw(outage_chart);

my ($WIDTH, $LEFT, $TOP, $PLOT_WIDTH, $PLOT_HEIGHT) = (820, 80, 84, 700, 220);
my $BIN_SECONDS = 60;

# Of the longest outage with the most processors, with and without spread.
sub outage_chart
{
	my (@runs) = @_;
	my ($together, $apart) = @runs[ -2, -1 ];
	my $most = $together->{capacity};
	my $bottom = $TOP + $PLOT_HEIGHT;
	my $y = sub { $bottom - $PLOT_HEIGHT * $_[0] / $most };
	my $minutes = @{ $together->{served} } / 60;

	return chart(
		$WIDTH, $bottom + 70,
		"Refreshes per second after an outage of $together->{minutes} minutes",
		"Simulation with $together->{processors} processors for refreshes; means of a minute.",
		(map { level($y, $_, $most) } 0, 0.5, 1),
		(map { mark($_, $minutes, $bottom) } 0, 15, 30, 45, 60, 75, 90),
		curve($together, $y, $minutes, 'limit'),
		curve($apart, $y, $minutes, 'ours'),
		legend($bottom + 52, 'limit', $LEFT, 'all clients refresh when their token has ended'),
		legend($bottom + 52, 'ours', $LEFT + 360, 'at a random moment in its last fifth'));
}

sub level
{
	my ($y, $share, $most) = @_;
	my $place = $y->($share * $most);

	return (
		line($LEFT, $place, $LEFT + $PLOT_WIDTH, $place, 'grid'),
		text($LEFT - 8, $place + 4, sprintf('%.0f', $share * $most), 'muted', 'end'));
}

sub mark
{
	my ($minute, $minutes, $bottom) = @_;

	return text($LEFT + $PLOT_WIDTH * $minute / $minutes, $bottom + 20, "$minute min", 'muted', 'middle');
}

sub curve
{
	my ($run, $y, $minutes, $class) = @_;
	my @served = @{ $run->{served} };
	my @shapes;
	my ($last_x, $last_y);

	while (my @bin = splice @served, 0, $BIN_SECONDS)
	{
		my $sum = 0;
		my $x = $LEFT + $PLOT_WIDTH * (@{ $run->{served} } - @served - @bin / 2) / 60 / $minutes;

		$sum += $_ for @bin;
		my $height = $y->($sum / @bin);
		push @shapes, line($last_x, $last_y, $x, $height, $class) if defined $last_x;
		($last_x, $last_y) = ($x, $height);
	}
	return @shapes;
}

sub legend
{
	my ($y, $class, $x, $what) = @_;

	return (line($x, $y - 4, $x + 24, $y - 4, $class), text($x + 32, $y, $what));
}

1;
