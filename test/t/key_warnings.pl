# What changes of keys and issuers warn about, beside doing it: a rotation to a
# key that no verifier could have loaded (T76), and keys that are skipped, each
# with its name and the reason (F21); and a revocation that can't be done.
# At least 36 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my $node = start_node('key_warnings');
my $session = JwtAuthSession->new($node);

sub says
{
	my ($statement, $expected, $name) = @_;
	my (undef, $messages) = $session->query("SELECT $statement");

	is(join(' ', $messages =~ /^(\w+:\s+\w{5})/mg) =~ s/\s+/ /gr, $expected, $name);
	return;
}

# Rotation
says('jwt_rotate_key()', '', 'the first key of all: nobody has loaded another');
says('jwt_rotate_key()', '', 'the next key was published');
my $next = 'FROM jwt_auth.keys WHERE use = \'sig\' AND activated_at IS NULL AND verify_until IS NULL';
$session->query("SELECT jwt_retire_key(kid) $next");
says('jwt_rotate_key()', '', 'when the next key was retired, there was another');
$session->query("DELETE $next");
says('jwt_rotate_key()', 'WARNING: 01000', 'there was no next key');
is($session->query('SELECT count(*) FROM jwt_auth.keys WHERE use = \'sig\' AND activated_at IS NOT NULL AND verify_until IS NULL'), '1',
	'a rotation with a warning promotes its key');
says('jwt_rotate_key()', '', 'now there was one');
$session->query("DELETE $next");
says(q{jwt_create_key('ES256', 'k')}, '', 'a next key by hand');
says('jwt_rotate_key()', '', 'is published, too');
says('jwt_seal_keys()', 'ERROR: 55000', 'sealing without a file is an error, not a warning');
says('jwt_reset_after_restore()', '', 'a reset says nothing');
says('jwt_rotate_key()', '', 'and leaves a next key');

# Keys of an issuer that are skipped
my $good = $session->query(q{SELECT jwk_public(jwk_generate('ES256', 'g'))});
for my $case (
	[ 0, '' ], [ 1, '{"kty":"XX"}' ], [ 1, '{"kty":"OKP","crv":"X25519","x":"AA"}' ],
	[ 1, $good =~ s/"kid": "g"/"kid":"g","use":"enc"/r ], [ 1, '{"kty":"XX"}, {"kty":"YY"}' ], [ 1, '{"kty":"EC"}, 1' ])
{
	my ($skips, $other) = @$case;
	my $keys = join ', ', $good, $other || ();

	says("jwt_trust_issuer('https://a.example', '{\"keys\":[$keys]}', 'api')", $skips ? 'NOTICE: 00000' : '',
		$other ? "skipped: $other" : 'nothing to skip');
	is($session->query(q{SELECT jsonb_array_length(jwks -> 'keys') FROM jwt_auth.issuers}), '1', 'only the usable key of a set is stored');
}
says(q{jwt_trust_issuer('https://a.example', '{"keys":[{"kty":"XX"}]}', 'api')}, 'ERROR: 22023', 'nothing but what is skipped');

# One notice names each key and says why; what the issuer wrote stays on its line
{
	my $keys = join ', ', $good, '{"kty":"XX","kid":"first"}', $good =~ s/"kid": "g"/"kid":"line\\nend","use":"enc"/r,
	  '{"kty":"RSA","kid":"' . 'k' x 300 . '"}', 'null';
	my (undef, $messages) = $session->query("\\set VERBOSITY verbose\nSELECT jwt_trust_issuer('https://a.example', '{\"keys\":[$keys]}', 'api');\n\\set VERBOSITY sqlstate");
	my @lines = split /\n/, $messages;

	is(scalar(grep { /^NOTICE:/ } @lines), 1, 'four unusable keys raise one notice');
	is(scalar(grep { /^(?:DETAIL:\s+)?Key \d/ } @lines), 4, 'the notice has a line for each of four keys');
	like($messages, $_, "the notice names the key and the reason: $_")
	  for qr/Key 2, kid "first": key type is not supported\./, qr/Key 3, kid "line\\nend": key is not meant for signatures\./,
	  qr/Key 4, kid "k{64}": "kid" is not a string/, qr/Key 5: key is not a JSON Web Key\./;
}

# Tokens without session, with and without a jti by which they can be denied
my $other = $session->query(q{SELECT jwk_generate('ES256', 'other')});
$session->query("SELECT jwt_import_key(jwk_public('$other'))");
for my $case ([ '"jti":"j","exp":4102444800', '', '28J02' ], [ '"exp":4102444800', 'WARNING: 01000', '' ], [ '"exp":1', '', '28J01' ])
{
	my ($claims, $warning, $verdict) = @$case;
	my $token = $session->query("SELECT jwt_sign_with('{$claims}', '$other')");

	says("jwt_revoke('$token')", $warning, "revoked: $claims");
	is($session->state_of("SELECT jwt_verify('$token')"), $verdict, "after jwt_revoke, the verdict is as announced: $claims");
}

$session->close;
done_testing();
