# Odd input as the first call of its session (T09, T10): a backend remembers
# what it read before, and must not take what it does not remember yet for it.
# At least 117 assertions

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use JwtAuthTest;
use MIME::Base64 qw(encode_base64url);
use Test::More;

my $node = start_node('first');
my $secret = 'x' x 32;
my $key = quote(qq({"kty":"oct","alg":"HS256","k":"@{[ encode_base64url($secret) ]}"}));
my $header = encode_base64url('{"alg":"HS256"}');
my $claims = encode_base64url('{"exp":4102444800}');

sub sealed
{
	my ($input) = @_;

	return "$input." . encode_base64url(hmac_sha256($input, $secret));
}

is(state_of($node, "SELECT jwt_verify_with('" . sealed("$header.$claims") . "', $key)"),
	'', 'a good token is valid');

my %token = (
	'the empty string' => '',
	'dots alone' => '..',
	'three dots' => '...',
	'no header' => sealed(".$claims"),
	'no header and no signature' => ".$claims.",
	'no payload' => sealed("$header."),
	'no header and no payload' => sealed('.'),
	'no signature' => "$header.$claims.",
	'no object as header' => sealed(encode_base64url('[]') . ".$claims"),
	'an empty object as header' => sealed("e30.$claims"),
	'a short header' => sealed("AA.$claims"),
	'a long header' => sealed(encode_base64url('{"alg":"HS256","x":"' . 'x' x 9000) . ".$claims"),
	'alg none' => encode_base64url('{"alg":"none"}') . ".$claims.",
	'an unknown kid' => sealed(encode_base64url('{"alg":"HS256","kid":"\u0000"}') . ".$claims"),
	'crit' => sealed(encode_base64url('{"alg":"HS256","crit":["x"]}') . ".$claims"),
	'a payload that is no JSON' => sealed("$header.AAAA"),
	'deep nesting' => sealed("$header." . encode_base64url('[' x 9000)),
	'a wrong signature' => "$header.$claims." . 'A' x 43,
	'a long signature' => "$header.$claims." . 'A' x 15000,
	'too long a token' => 'a' x 20000 . ".$claims.AAAA");

for my $name (sort keys %token)
{
	my $token = quote($token{$name});

	for my $form ("$key\::jsonb", "$key\::jsonb - 'alg'")
	{
		is(state_of($node, "SELECT jwt_verify_with($token, $form)"),
			'28J00', "jwt_verify_with as the first call refuses: $name");
		is(state_of($node, "SELECT jws_verify($token, jsonb_build_object('keys', jsonb_build_array($form)))"),
			$name =~ /^(no payload|a payload|deep)/ ? '' : '28J00', "jws_verify with a set as the first call judges: $name");
	}
	like(state_of($node, "SELECT jwt_decode($token)"), qr/^(28J00)?$/, "jwt_decode as the first call decodes or refuses: $name");
}

my %misuse = (
	"jwt_verify_with('x.y.z', '{}')" => '22023',
	"jwt_verify_with('x.y.z', '{\"keys\":[]}')" => '22023',
	"jwt_verify_with('x.y.z', NULL)" => '22023',
	'jwt_verify_with(NULL, NULL)' => '28J00',
	"jwt_sign_with('[]', $key)" => '22023',
	"jwt_sign_with('{}', '{\"kty\":\"oct\"}')" => '22023',
	"jws_sign('', $key)" => '',
	"jws_sign('', $key, '{\"crit\":[]}')" => '22023',
	"jwk_from_pem('', 'ES256')" => '22P02',
	"jwk_from_pem('', '')" => '22023',
	"jwk_from_secret('')" => '22023',
	"jwk_generate('')" => '22023',
	"jwk_public('{}')" => '22023',
	"jwk_to_pem('{}')" => '22023',
	"jwk_thumbprint('{}')" => '22023',
	"jwk_thumbprint('{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":\"\"}')" => '22023');

is(state_of($node, "SELECT $_"), $misuse{$_}, substr "misuse in the first call raises an error: $_", 0, 80) for sort keys %misuse;

done_testing();
