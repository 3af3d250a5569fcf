# Changes of values for the fuzzing of SQL functions: of bytes, of JSON, and of
# tokens in compact form.  All take rand() alone, so that a seed gives the same
# changes again.

package FuzzMutation;

use strict;
use warnings;

use Encode qw(decode_utf8 encode_utf8);
use Exporter qw(import);
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);

our @EXPORT_OK = qw(one_of mutate_text mutate_json mutate_token);

# Numbers keep their digits, and members are in a fixed order.
my $json = JSON::PP->new->canonical->allow_nonref->allow_bignum;

my @PIECES = (
	'', '.', '..', '=', '"', "'", '\\', '{', '}', '[', ']', ',', ':', '$', '%s%n', ' ', "\t", "\n", "\r\n", "\x7f", "\x01",
	'AA', 'null', '-', '_', '+', '/', 'e30', "\x{e9}", "\x{130}", "\x{1e9e}", "\x{200b}", "\x{202e}", "\x{feff}", "\x{fffd}",
	"\x{1f600}", "e\x{301}", "'; SELECT 1; --", '../../dev/null', '-----BEGIN', 'jar_', 'Bearer ');

# JSON, as text, to be put anywhere.
my @NODES = (
	'null', 'true', 'false', '0', '-1', '1.5', '-0', '1e400', '-1e400', '1E-400', '9223372036854775808', '253402300800',
	'99999999999999999999999999999999999999', '""', '" "', '"none"', '"HS256"', '"RS256"', '"ES256"', '"EdDSA"', '"oct"', '"EC"', '"sig"',
	'"\u00e9\ud83d\ude00"', '"\u0001\n\t\""', '"a\u0000b"', '"1300819380"', '"00000000-0000-0000-0000-000000000000"', '"not-a-uuid"',
	'"' . 'A' x 300 . '"', '"' . 'x' x 20_000 . '"', '[]', '{}', '[null]', '["api"]', '["api","api"]', '{"a":{"b":[1]}}', '"AQAB"', '"AQ"');

my @MEMBERS = qw(alg typ kid crit b64 zip jwk jku x5u x5c cty iss sub aud exp nbf iat jti sid role scope token_use cnf
  kty k n e d p q dp dq qi oth crv x y priv pub use key_ops keys);

sub one_of { return $_[ rand @_ ]; }

# A few changes of characters.
sub mutate_text
{
	my ($text, @others) = @_;

	for (1 .. 1 + int rand 3)
	{
		my $at = int rand(1 + length $text);
		my $length = int rand(1 + (length($text) - $at) / (1 + int rand 8));
		my $kind = int rand 8;

		if ($kind == 0) { flip_bit(\$text, $at); }
		elsif ($kind == 1) { substr($text, $at, $length) = ''; }
		elsif ($kind == 2) { substr($text, $at, 0) = one_of(@PIECES); }
		elsif ($kind == 3) { substr($text, $at, $length) = one_of(@PIECES); }
		elsif ($kind == 4) { substr($text, $at, 0) = substr $text, $at, $length; }
		elsif ($kind == 5) { $text = substr $text, 0, $at; }
		elsif ($kind == 6) { $text = substr($text, 0, $at) . substr_of(one_of($text, @others)); }
		else { $text = rand() < 0.5 ? uc $text : lc $text; }
	}
	return $text;
}

# Another character, but no NUL, which no text can hold.
sub flip_bit
{
	my ($text, $at) = @_;

	return if $at >= length $$text;
	my $flipped = ord(substr $$text, $at, 1) ^ (1 << int rand 7);
	substr($$text, $at, 1) = chr($flipped || 1);
	return;
}

sub substr_of
{
	my ($text) = @_;

	return substr $text, int rand(1 + length $text);
}

# The same for JSON: mostly a change of a value or a member.
sub mutate_json
{
	my ($text, @others) = @_;
	my $value;

	return mutate_text($text, @others) if rand() < 0.15 || !eval { $value = $json->decode($text); 1 };
	return nest($text) if rand() < 0.03;
	change_node(\$value) for 1 .. 1 + int rand 2;
	return $json->encode($value);
}

# One of the depths at which a limit is passed, or the server's stack ends.
sub nest
{
	my ($text) = @_;
	my $depth = one_of(20, 31, 32, 33, 100, 1000, 5000);

	return rand() < 0.5 ? '[' x $depth . $text . ']' x $depth : '{"a":' x $depth . $text . '}' x $depth;
}

sub new_node { return $json->decode(one_of(@NODES)); }

# Walks down from a node, and changes what it comes to.
sub change_node
{
	my ($node) = @_;
	my @below = ref $$node eq 'HASH' ? map { \$$node->{$_} } sort keys %$$node : ref $$node eq 'ARRAY' ? map { \$_ } @$$node : ();

	return change_node(one_of(@below)) if @below && rand() < 0.6;
	if (ref $$node eq 'HASH' && rand() < 0.8)
	{
		my $name = @below && rand() < 0.5 ? one_of(sort keys %$$node) : one_of(@MEMBERS);

		if (rand() < 0.3) { delete $$node->{$name}; }
		elsif (@below && rand() < 0.3) { $$node->{$name} = ${ one_of(@below) }; }
		else { $$node->{$name} = new_node(); }
	}
	elsif (ref $$node eq 'ARRAY' && rand() < 0.7)
	{
		if (@$$node && rand() < 0.3) { splice @$$node, int rand @$$node, 1; }
		else { push @$$node, @$$node && rand() < 0.5 ? one_of(@$$node) : new_node(); }
	}
	elsif (!ref $$node && defined $$node && rand() < 0.4) { $$node = mutate_text("$$node"); }
	else { $$node = rand() < 0.2 ? [$$node] : new_node(); }
	return;
}

# The same for tokens: of the characters, the order of the segments, or the
# JSON in one of them.  The signature is no longer right.
sub mutate_token
{
	my ($token, @others) = @_;
	my @segments = split /\./, $token, -1;
	my $at = int rand 2;
	my $kind = int rand 5;

	return mutate_text($token, @others) if @segments != 3 || $kind == 0;
	if ($kind == 1) { @segments[ 0, 1 ] = @segments[ 1, 0 ]; }
	elsif ($kind == 2) { $segments[$at] = (split /\./, one_of($token, @others), -1)[$at] // ''; }
	else
	{
		my $decoded = eval { decode_utf8(decode_base64url($segments[$at])) };

		$segments[$at] = encode_base64url(encode_utf8(mutate_json($decoded // '')));
	}
	return join '.', @segments;
}

1;
