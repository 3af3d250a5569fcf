# Tokens, keys and thumbprints there and back between the extension and the npm
# package jose, an independent implementation on Node.js.
#
# jose 5 is the last major version that runs on Node.js 18 and knows ES256K and
# Ed448. It has neither the name Ed448 of RFC 9864 nor ML-DSA.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use IPC::Run qw(run);
use JSON::PP ();
use JwtAuthTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $JOSE = 'jose@5.10.0';

my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = start_node('npm_jose');
my @algs = qw(HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512
  ES256 ES384 ES512 ES256K EdDSA Ed25519);

note 'left out, since jose has them not: the name Ed448, ML-DSA-44, ML-DSA-65, ML-DSA-87';
install_peer();

# Claims that JavaScript's numbers can hold
my $claims = '{"iss":"https://a.example","aud":["api","web"],"exp":4102444800,'
  . '"name":"\u00e9\u20ac\ud83d\ude00","n":[1,-2.5,9007199254740991],"x":{"y":null}}';

# EdDSA with Ed448 is a case of its own
my @cases = ((map { { name => $_, alg => $_ } } @algs),
	{ name => 'EdDSA with Ed448', alg => 'EdDSA', curve => 'Ed448' });

for my $case (@cases)
{
	my $alg = $case->{alg};
	my $key = $case->{curve}
	  ? value_of($node, "SELECT jwk_generate('Ed448', 'ours') || '{\"alg\":\"EdDSA\"}'")
	  : value_of($node, "SELECT jwk_generate('$alg', 'ours')");
	my $public = $alg =~ /^HS/ ? $key : value_of($node, 'SELECT jwk_public(' . quote($key) . ')');
	my $token = value_of($node,
		'SELECT jwt_sign_with(' . quote($claims) . '::jsonb, ' . quote($key) . ')');

	$case->{requests} = [
		{ do => 'verify', alg => $alg, key => $json->decode($public), token => $token },
		{
			do => 'verify',
			alg => $alg,
			key => $json->decode($public),
			token => $token =~ s/\.([^.]+)$/'.' . reverse($1)/er
		},
		{
			do => 'sign',
			alg => $alg,
			key => $json->decode($key),
			claims => $json->decode($claims)
		},
		{
			do => 'generate',
			alg => $alg,
			curve => $case->{curve},
			claims => $json->decode($claims)
		},
		{ do => 'thumbprint', key => $json->decode($public) }
	];
	$case->{key} = $key;
	$case->{public} = $public;
}

my @answers = ask_peer(map { @{ $_->{requests} } } @cases);

for my $case (@cases)
{
	my ($verified, $refused, $signed, $made, $thumbprint) =
	  splice @answers, 0, scalar @{ $case->{requests} };
	my $name = $case->{name};

	is_deeply($verified->{claims}, $json->decode($claims),
		"$name: jose verifies the extension's token")
	  or diag explain $verified;
	ok($refused->{error}, "$name: jose refuses it with another signature");
	ok(accepted($signed->{token}, $case->{public}),
		"$name: the extension verifies jose's token")
	  or diag explain $signed;
	is(state_of($node, verification($signed->{token} . 'AAAA', $case->{public})),
		'28J00', "$name: the extension refuses it with a longer signature");

	ok(accepted($made->{token}, $json->encode($made->{public})),
		"$name: the extension verifies with jose's key")
	  or diag explain $made;
	is($thumbprint->{thumbprint},
		value_of($node, 'SELECT jwk_thumbprint(' . quote($case->{key}) . ')'),
		"$name: both make the same thumbprint");
	my $again = value_of($node,
		'SELECT jwt_sign_with(' . quote($claims) . '::jsonb, '
		  . quote($json->encode($made->{private})) . ')');
	my ($answer) = ask_peer({
		do => 'verify', alg => $case->{alg}, key => $made->{public}, token => $again });

	is_deeply($answer->{claims}, $json->decode($claims),
		"$name: jose verifies what the extension signed with jose's key")
	  or diag explain $answer;
	next unless $made->{pkcs8};
	is( value_of($node,
			'SELECT jwk_from_pem(' . quote($made->{pkcs8}) . ", '$case->{alg}') = "
			  . quote($json->encode($made->{private})) . '::jsonb'),
		't', "$name: the extension reads jose's PKCS#8");
	is( value_of($node,
			'SELECT rtrim(jwk_to_pem(' . quote($json->encode($made->{public})) . "), E'\\n')"),
		$made->{spki} =~ s/\n+\z//r, "$name: both write the same SPKI");
}

done_testing();

sub install_peer
{
	my ($output, $errors) = ('', '');

	local $ENV{HOME} = $dir;
	run([ qw(npm install --silent --no-audit --no-fund --prefix), $dir, '--cache', "$dir/cache", $JOSE ],
		'>', \$output, '2>', \$errors)
	  or BAIL_OUT("npm could not install $JOSE: $output$errors");

	# The peer finds its package beside itself.
	copy(dirname(abs_path(__FILE__)) . '/npm_jose/peer.mjs', $dir)
	  or die "could not copy the peer: $!\n";
	return;
}

# The peer reads one request a line, and answers each with a line.
sub ask_peer
{
	my (@requests) = @_;
	my $input = join '', map { $json->encode($_) . "\n" } @requests;
	my ($output, $errors) = ('', '');

	run([ 'node', "$dir/peer.mjs" ], '<', \$input, '>', \$output, '2>', \$errors)
	  or die "the peer failed: $errors\n";
	return map { $json->decode($_) } split /\n/, $output;
}

sub verification
{
	my ($token, $key) = @_;

	return 'SELECT jwt_verify_with(' . quote($token) . ', ' . quote($key) . ", 'api', 'https://a.example')";
}

sub accepted
{
	my ($token, $key) = @_;

	return value_of($node, verification($token, $key) . ' = ' . quote($claims) . '::jsonb') eq 't';
}
