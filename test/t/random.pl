# Random values of server processes that one parent forked, with the library
# loaded (T77): none is like another, not even those that come first.
# At least 6 assertions

use strict;
use warnings;

use JwtAuthTest;
use Test::More;

my $sessions = 8;
my $node = start_node('random', conf => [ "shared_preload_libraries = 'jwt_auth'", 'jwt_auth.argon2_memory = 8' ]);
my %draws = (
	'a secret' => "SELECT jwk_generate('HS256') ->> 'k'",
	'a key of P-256' => "SELECT jwk_generate('ES256') ->> 'd'",
	'a key of Ed25519' => "SELECT jwk_generate('EdDSA') ->> 'd'",
	'a jti' => "SELECT right((jwt_decode(jwt_sign('{}'))).claims ->> 'jti', 18)",
	'a salt' => "SELECT jwt_set_password(id, 'correct horse battery') FROM jwt_auth.users;"
	  . " SELECT split_part(password_hash, '\$', 5) FROM jwt_auth.users",
	'a nonce' => "SELECT substr(jwt_login('alice', 'correct horse battery') ->> 'refresh_token', 44, 18)");

$node->safe_psql('postgres', "SELECT jwt_create_key(), jwt_create_user('alice', 'correct horse battery')");
for my $what (sort keys %draws)
{
	my %seen;

	$seen{ value_of($node, $draws{$what}) }++ for 1 .. $sessions;
	is(scalar(grep { length >= 18 } keys %seen), $sessions, "$what: $sessions sessions draw different values");
}

done_testing();
