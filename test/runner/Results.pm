# Counts what passed and failed, and prints it as it comes.

package Results;

use strict;
use warnings;

my $MAX_LINES_SHOWN = 120;

sub new { return bless { passed => 0, failed => 0, skipped => 0 }, shift; }

sub failed { return $_[0]{failed}; }

# How many tests have given a result.
sub ran { return $_[0]{passed} + $_[0]{failed} + $_[0]{skipped}; }

# Adds a file's results: counts => { passed, failed, skipped }, seconds, and
# the lines that explain its failures.
sub add
{
	my ($self, $file, $counts, $seconds, @lines) = @_;
	my @words;

	for my $kind (qw(passed failed skipped))
	{
		my $count = $counts->{$kind} or next;
		$self->{$kind} += $count;
		push @words, "$count $kind";
	}
	printf "%-40s %-30s %5.1f s\n", $file, join(', ', @words), $seconds;
	_show(@lines) if $counts->{failed};
	return;
}

# A failure that no test reported.
sub fail
{
	my ($self, $file, $reason, @lines) = @_;

	$self->{failed}++;
	print "$file: FAILED: $reason\n";
	_show(@lines);
	return;
}

sub print_sum
{
	my ($self) = @_;

	print "$self->{passed} passed, $self->{failed} failed\n";
	return;
}

sub _show
{
	my (@lines) = @_;
	my $left_out = @lines - $MAX_LINES_SHOWN;

	splice @lines, $MAX_LINES_SHOWN if $left_out > 0;
	for my $line (@lines)
	{
		chomp $line;
		print "    $line\n";
	}
	print "    ... and $left_out more lines (KEEP=1 keeps the files)\n"
	  if $left_out > 0;
	return;
}

1;
