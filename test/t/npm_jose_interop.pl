# Tokens, keys and thumbprints there and back between the extension and the npm
# package jose, an independent implementation on Node.js.
#
# jose 5 is the last major version that runs on Node.js 18 and knows ES256K and
# Ed448. It has neither the name Ed448 of RFC 9864 nor ML-DSA, which is tried
# in npm_jose_mldsa.pl.
# At least 138 assertions

use strict;
use warnings;

use JosePeer;
use JwtAuthTest;
use Test::More;

my @ALGS = qw(HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512
  ES256 ES384 ES512 ES256K EdDSA Ed25519);

exchange_with_jose(
	start_node('npm_jose'),
	program => 'node',
	packages => ['jose@5.10.0'],
	cases => [
		(map { { name => $_, alg => $_ } } @ALGS),
		{ name => 'EdDSA with Ed448', alg => 'EdDSA', curve => 'Ed448' }
	]);
done_testing();
