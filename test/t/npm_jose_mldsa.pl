# ML-DSA (RFC 9964): tokens, keys and thumbprints there and back between the
# extension and the npm package jose 6, which uses the OpenSSL that Node.js 24
# brings along.
# At least 9 assertions

use strict;
use warnings;

use JosePeer;
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $GENERATE = q{require('crypto').generateKeyPairSync('ml-dsa-44')};

my $node = start_node('npm_jose_mldsa');
my @algs = available_algs($node, qw(ML-DSA-44 ML-DSA-65 ML-DSA-87));

plan skip_all => "this OpenSSL has no ML-DSA, which came with 3.5" unless @algs;

my $dir = PostgreSQL::Test::Utils::tempdir();
my @packages = ('jose@6.2.18');
my $program = 'node';

# The one here will do if it is new enough.
if (system("node -e \"$GENERATE\" >/dev/null 2>&1") != 0)
{
	push @packages, 'node@24';
	$program = "$dir/node_modules/.bin/node";
}
exchange_with_jose(
	$node,
	dir => $dir,
	program => $program,
	packages => \@packages,
	cases => [ map { { name => $_, alg => $_ } } @algs ]);
done_testing();
