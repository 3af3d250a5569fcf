package Authenticator;

# An authenticator: codes of RFC 6238 for the tests of second factors.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha1);
use Exporter qw(import);

our @EXPORT = qw(hotp code_of secret_bytes await_step);

# The code of RFC 4226 for a counter, with so many digits
sub hotp
{
	my ($secret, $counter, $digits) = @_;
	my $mac = hmac_sha1(pack('Q>', $counter), $secret);
	my $number = unpack('N', substr $mac, ord(substr $mac, -1) & 15, 4) & 0x7fffffff;

	return sprintf '%0*d', $digits, $number % 10**$digits;
}

# The code that is so many steps from now
sub code_of
{
	my ($secret, $steps) = @_;

	return hotp(secret_bytes($secret), int(time / 30) + ($steps // 0), 6);
}

# The bytes of a text in base32
sub secret_bytes
{
	my ($text) = @_;

	$text =~ tr/A-Z2-7/\0-\37/;
	my $bits = unpack 'B*', $text;
	$bits =~ s/000(.....)/$1/g;
	return pack 'B*', substr $bits, 0, 8 * int(length($bits) / 8);
}

# Waits until the current step lasts for some seconds more
sub await_step
{
	my ($seconds) = @_;

	sleep 1 while 30 - time % 30 < $seconds;
	return;
}

1;
