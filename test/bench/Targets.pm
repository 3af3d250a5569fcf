# The figures to reach (targets.tsv), judged by the samples of a benchmark.
#
# The ratio of the least samples of all rounds decides, since whatever else the
# machine does only adds to a sample.  The median of the ratios within the
# rounds decides where the least samples of different rounds do not belong
# together: of differences, and where the target says so.  A figure without
# samples was not measured, which is not the same as missed.

package Targets;

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(min sum);
use Samples qw(slurp median);

our @EXPORT_OK = qw(judge_targets bound_of verdict_of);

# judge_targets(PATH, \%samples): per line of description, numerator,
# denominator, "<=" or ">=", limit and, for some, "median", a hash of what,
# relation and limit; and if it was measured, also of the ratio that decides,
# least, median, from and to (the ratios of the rounds) and reached.  Numerator
# and denominator are names of samples or numbers, joined by " + " or " - ".
sub judge_targets
{
	my ($path, $samples) = @_;

	return map { judge($samples, split /\t/) } split /\n/, slurp($path);
}

sub judge
{
	my ($samples, $what, $numerator, $denominator, $relation, $limit, $decides) = @_;
	my %target = (what => $what, relation => $relation, limit => $limit);
	my @ratios = ratios($samples, $numerator, $denominator);

	return \%target unless @ratios;
	@target{qw(from to median)} = (@ratios[ 0, -1 ], median(@ratios));
	$target{least} = least($samples, $numerator) / least($samples, $denominator);
	$target{ratio} =
	  $decides || $numerator =~ / - / ? $target{median} : $target{least};
	$target{reached} =
	  $relation eq '<=' ? $target{ratio} <= $limit : $target{ratio} >= $limit;
	return \%target;
}

sub bound_of
{
	my ($target) = @_;

	return ($target->{relation} eq '<=' ? 'at most' : 'at least') . " $target->{limit}";
}

sub verdict_of
{
	my ($target) = @_;

	return 'not measured' unless defined $target->{ratio};
	return $target->{reached} ? 'reached' : 'missed';
}

# Sum of the named samples, each the least of all rounds.
sub least
{
	my ($samples, $expression) = @_;

	return sum(map { $_->[0] * min(values %{ $_->[1] }) } terms($samples, $expression));
}

# The terms of an expression, each as sign and samples by round.
sub terms
{
	my ($samples, $expression) = @_;
	my ($first, @others) = split / ([+-]) /, $expression;
	my @terms = ([ 1, samples_of($samples, $first) ]);

	while (my ($sign, $name) = splice @others, 0, 2)
	{
		push @terms, [ $sign eq '-' ? -1 : 1, samples_of($samples, $name) ];
	}
	return @terms;
}

sub samples_of
{
	my ($samples, $name) = @_;

	return $samples->{$name} // {} if $name !~ /^[\d.]+$/;
	return { map { $_ => $name } map { keys %$_ } values %$samples };
}

# Sorted ratios of the rounds that have all samples.
sub ratios
{
	my ($samples, $numerator, $denominator) = @_;
	my ($over, $under) = (sums($samples, $numerator), sums($samples, $denominator));

	return sort { $a <=> $b }
	  map { $over->{$_} / $under->{$_} }
	  grep { exists $under->{$_} } keys %$over;
}

# round => sum of the named samples
sub sums
{
	my ($samples, $expression) = @_;
	my ($first, @others) = terms($samples, $expression);
	my %sum = %{ $first->[1] };

	for my $round (keys %sum)
	{
		for my $other (@others)
		{
			my ($sign, $values) = @$other;

			if (exists $values->{$round}) { $sum{$round} += $sign * $values->{$round}; }
			else { delete $sum{$round}; last; }
		}
	}
	return \%sum;
}

1;
