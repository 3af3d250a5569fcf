# What a test file says about itself, in comments that stand at the start of a
# line ("--" in SQL):
#   # Time limit: 900 s        it may take so long (default: 600 s)
#   # Alone                    nothing else runs meanwhile, as it measures time
#   # At least 40 assertions   how many run, at least, if it has no plan before

package TestFile;

use strict;
use warnings;

my $SECONDS_PER_FILE = 600;

# The seconds that a file may take.
sub limit_of
{
	my ($path) = @_;

	return _value_of($path, qr/Time limit: (\d+) s\b/) // $SECONDS_PER_FILE;
}

sub is_alone
{
	my ($path) = @_;

	return defined _value_of($path, qr/(Alone)\b/);
}

# The least number of assertions, or undef if the file does not state it.
sub floor_of
{
	my ($path) = @_;

	return _value_of($path, qr/At least (\d+) assertions?\b/);
}

sub _value_of
{
	my ($path, $pattern) = @_;

	open my $file, '<', $path or die "could not read $path: $!\n";
	while (my $line = <$file>)
	{
		return $1 if $line =~ /^(?:#|--) $pattern/;
	}
	return;
}

1;
