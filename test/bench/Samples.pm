# The samples of a benchmark: lines of round, TABLE/ROW/COLUMN and
# microseconds, separated by tabs.

package Samples;

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(min);

our @EXPORT_OK = qw(slurp read_samples median);

sub slurp
{
	my ($path) = @_;
	local $/ = undef;

	open my $file, '<', $path or die "could not open $path: $!\n";
	return scalar <$file>;
}

# name => { round => microseconds }; the smallest of a round's samples counts.
sub read_samples
{
	my ($path) = @_;
	my %read;

	for my $line (split /\n/, slurp($path))
	{
		my ($round, $name, $microseconds) = split /\t/, $line;
		my $least = $read{$name}{$round} // $microseconds;
		$read{$name}{$round} = min($least, $microseconds);
	}
	return %read;
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;

	return ($sorted[ int($#sorted / 2) ] + $sorted[ int(@sorted / 2) ]) / 2;
}

1;
