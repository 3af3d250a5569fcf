# The npm package jose as another issuer, whose tokens are verified through
# jwt_trust_issuer (T16, T17, T91, T92), and as another verifier, which loads
# jwt_jwks() as it is.
#
# jose 5 is the last major version that runs on Node.js 18.
# At least 117 assertions

use strict;
use warnings;

use JSON::PP ();
use JwtAuthSession;
use JwtAuthTest;
use NpmPeer qw(install_peer);
use PostgreSQL::Test::Utils;
use Test::More;

my $JOSE = 'jose@5.10.0';
my @ALGS = qw(RS256 PS384 ES256 ES384 ES512 EdDSA);

my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my $node = start_node('npm_jose_issuer');
my $session = JwtAuthSession->new($node);
my ($them, $others) = ('https://them.example', 'https://others.example');

# The peer keeps its keys, so it runs from here to the end.
my $peer = NpmPeer->new(install_peer(PostgreSQL::Test::Utils::tempdir(), 'npm_jose/issuer.mjs', $JOSE));

# Their tokens, here
{
	my $jwks = $peer->ask({ do => 'issuer', name => $them, algs => \@ALGS })->{jwks};
	$peer->ask({ do => 'issuer', name => $others, algs => \@ALGS });

	my %claims = (sub => 'alice', role => 'admin', scope => 'a b', n => [ 1, -2.5, 'é' ]);
	my $token = $peer->ask({ do => 'issue', name => $them, alg => 'ES256', claims => \%claims })->{token};
	is(state_with($token), '28J00', 'before its issuer is trusted, a token is refused');
	is($session->state_of('SELECT jwt_trust_issuer(' . join(', ', map { quote($_) } $them, $json->encode($jwks), 'api') . ')'), '',
		'its JWK Set is taken as it is');
	for my $alg (@ALGS)
	{
		my %request = (do => 'issue', name => $them, alg => $alg, claims => \%claims);
		my $good = $peer->ask(\%request)->{token};

		is(state_with($good), '', "$alg: verified") for 1, 2;
		my $got = $json->decode($session->query('SELECT jwt_verify(' . quote($good) . ')'));
		is_deeply([ @$got{qw(sub role scope n iss aud jti)} ], [ @claims{qw(sub role scope n)}, $them, 'api', 'j1' ], "$alg: all claims are there");
		is(state_with($good =~ s/\.([^.]+)$/'.' . reverse $1/er), '28J00', "$alg: another signature");
		is(state_with($peer->ask({ %request, audience => 'web' })->{token}), '28J00', "$alg: for another application");
		is(state_with($peer->ask({ %request, audience => [ 'web', 'api' ] })->{token}), '', "$alg: for several applications");
		is(state_with($peer->ask({ %request, audience => undef })->{token}), '28J00', "$alg: for none");
		is(state_with($peer->ask({ %request, expires => '1s ago' })->{token}), '', "$alg: within the leeway");
		is(state_with($peer->ask({ %request, expires => '10m ago' })->{token}), '28J01', "$alg: expired");
		is(state_with($peer->ask({ %request, typ => 'at+jwt' })->{token}), '', "$alg: an access token (RFC 9068)");
		is(state_with($peer->ask({ %request, typ => 'logout+jwt' })->{token}), '28J00', "$alg: a logout token");
		is(state_with($peer->ask({ %request, withKid => JSON::PP::false })->{token}), '', "$alg: without kid, the one key of the algorithm");
		is(state_with($peer->ask({ %request, forge => $others })->{token}), '28J00', "$alg: in the name of another issuer");
		is(state_with($peer->ask({ %request, name => $others, forge => $them })->{token}), '28J00', "$alg: in this issuer's name");
	}

	# The issuer rotates its keys
	$jwks = $peer->ask({ do => 'issuer', name => $them, algs => \@ALGS })->{jwks};
	my $new = $peer->ask({ do => 'issue', name => $them, alg => 'RS256', claims => \%claims })->{token};
	is(state_with($new), '28J00', 'a token by a key that is not loaded yet is refused');
	$session->query('SELECT jwt_trust_issuer(' . join(', ', map { quote($_) } $them, $json->encode($jwks), 'api') . ')');
	is(state_with($new), '', 'after its key was loaded, the token is accepted');
	is(state_with($token), '28J00', 'after new keys were loaded, a token by a former key is refused');
	$session->query('SELECT jwt_distrust_issuer(' . quote($them) . ')');
	is(state_with($new), '28J00', 'after the issuer was distrusted, its token is refused');
}

# Our tokens, there
{
	$session->query(q{SET client_min_messages = error; SET jwt_auth.issuer = 'https://us.example'; SET jwt_auth.audience = 'api'});
	$session->query("SELECT jwt_create_key('$_', '$_')") for 'HS256', @ALGS;
	my %request = (do => 'verify', issuer => 'https://us.example', audience => 'api');

	for my $alg (@ALGS)
	{
		my $token = $session->query("SELECT jwt_sign('{\"sub\":\"bob\"}', kid => '$alg')");
		my $answer = $peer->ask({ %request, jwks => jwks(), token => $token });

		is($answer->{claims}{sub}, 'bob', "$alg: jose verifies our token with our JWK Set") or diag explain $answer;
		is_deeply($answer->{header}, { alg => $alg, kid => $alg, typ => 'JWT' }, "$alg: jose reads the header of the token");
		$answer = $peer->ask({ %request, jwks => jwks(), token => $token =~ s/\.([^.]+)$/'.' . reverse $1/er });
		ok($answer->{error}, "$alg: jose refuses another signature");
		ok($peer->ask({ %request, jwks => jwks(), token => $token, audience => 'web' })->{error}, "$alg: jose refuses another audience");
	}
	my $secret = $session->query(q{SELECT jwt_sign('{"sub":"bob"}', kid => 'HS256')});
	ok($peer->ask({ %request, jwks => jwks(), token => $secret })->{error}, 'jose finds no key for a token that a secret signed');

	# Rotation without downtime: the next key is published before it signs
	my $cached = jwks();
	my $former = $session->query(q{SELECT jwt_sign('{"sub":"bob"}')});
	$session->query(q{SELECT jwt_revoke_key('HS256')});
	my $rotated = $session->query(q{SELECT jwt_rotate_key()});
	my $token = $session->query(q{SELECT jwt_sign('{"sub":"bob"}')});
	is($peer->ask({ %request, jwks => $cached, token => $token })->{header}{kid}, $rotated, 'a set that was loaded before the rotation verifies the new token');
	$session->query("SELECT jwt_revoke_key('$rotated')");
	ok($peer->ask({ %request, jwks => jwks(), token => $token })->{error}, 'a set that was loaded after the revocation does not verify the token');
}

$session->close;
$peer->stop;
done_testing();

sub jwks
{
	return $json->decode($session->query('SELECT jwt_jwks()'));
}

sub state_with
{
	my ($token) = @_;

	return $session->state_of('SELECT jwt_verify(' . quote($token) . ')');
}
