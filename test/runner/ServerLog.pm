# What a server's log says of faults, whatever the tests expected.

package ServerLog;

use strict;
use warnings;

my $crash = qr/PANIC:|was terminated by signal|TRAP:/;

# What a transaction left open, as PostgreSQL reports it at its end.
my $leak = qr/WARNING: .*(?:\bleak\b|resource was not closed|left non-empty SPI stack|don't own a lock)/;

# The lines that tell of a crash, or of what was left open.
sub faults
{
	my ($path) = @_;

	open my $log, '<', $path or die "could not read the server log: $!\n";
	return grep { /$crash|$leak/ } <$log>;
}

1;
