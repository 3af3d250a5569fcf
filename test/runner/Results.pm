# Counts what passed and failed, and prints it as it comes.  A result is a hash:
# the counts passed, failed and skipped; reasons of what was skipped; and the
# lines that explain a failure.

package Results;

use strict;
use warnings;

my $MAX_LINES_SHOWN = 120;

sub new { return bless { passed => 0, failed => 0, skipped => [] }, shift; }

sub passed { return $_[0]{passed}; }

sub failed { return $_[0]{failed}; }

# Adds a file's result.
sub add
{
	my ($self, $file, $result, $seconds) = @_;
	my @words = map { $result->{$_} ? "$result->{$_} $_" : () } qw(passed failed skipped);

	$self->{$_} += $result->{$_} // 0 for qw(passed failed);
	push @{ $self->{skipped} }, map { "$file: $_" } @{ $result->{reasons} // [] };
	printf "%-40s %-30s %5.1f s\n", $file, join(', ', @words), $seconds;
	_show(@{ $result->{lines} }) if $result->{failed};
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

# What was skipped, and why, and the last line.
sub print_sum
{
	my ($self) = @_;
	my $skipped = $self->{skipped};

	if (@$skipped)
	{
		print scalar @$skipped, " skipped:\n";
		_show(@$skipped);
	}
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
