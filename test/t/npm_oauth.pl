# The npm package oauth4webapi as a client, unchanged: it discovers the server, gets
# access tokens by a secret, in both ways, and by what it signs, refreshes a user's
# session, and is refused as RFC 6749 says (T175).
# At least 30 assertions

use strict;
use warnings;

use JSON::PP ();
use JwtAuthSession;
use JwtAuthTest;
use NpmPeer qw(install_peer);
use PostgreSQL::Test::Utils;
use Test::More;

my @PACKAGES = qw(oauth4webapi@3.8.8 pg@8.23.1);

my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my $node = start_node('npm_oauth');
my $session = JwtAuthSession->new($node);

my $peer = NpmPeer->new(install_peer(PostgreSQL::Test::Utils::tempdir(), 'npm_oauth/peer.mjs', @PACKAGES),
	'postgres://regress_oauth_gateway@/postgres?host=' . $node->host . '&port=' . $node->port);

my $issuer = $peer->ask({ do => 'issuer' })->{issuer};
like($issuer // '', qr{^http://127\.0\.0\.1:\d+$}, 'the gateway listens') or diag $peer->errors;
$session->query(q{SET client_min_messages = error; SELECT jwt_create_key()});
$session->query("ALTER DATABASE postgres SET jwt_auth.$_->[0] = " . quote($_->[1]))
  for [ issuer => $issuer ], [ audience => 'api' ], [ token_endpoint => "$issuer/token" ], [ jwks_uri => "$issuer/jwks" ];
$session->query('CREATE ROLE regress_oauth_gateway LOGIN; GRANT EXECUTE ON FUNCTION jwt_token TO regress_oauth_gateway');
$session->close;
$session = JwtAuthSession->new($node);

# Discovery
{
	my $known = $peer->ask({ do => 'discover' });
	is($known->{issuer}, $issuer, 'it discovers the server');
	is($known->{token_endpoint}, "$issuer/token", 'with the address of its tokens');
	is_deeply($known->{grant_types_supported}, [ 'client_credentials', 'refresh_token' ], 'and its grants');
}

# Secrets
my $made = $json->decode($session->query(q{SELECT jwt_create_client('billing', '{"scope":"read write"}')}));
my %billing = (client => $made->{client_id}, secret => $made->{client_secret});
for my $method (qw(basic post))
{
	my $given = $peer->ask({ do => 'grant', method => $method, %billing });
	is($given->{scope}, 'read write', "a secret gets a token: $method") or diag explain $given;
	is($given->{refresh_token}, undef, "and no refresh token: $method");
	my $claims = $peer->ask({ do => 'check', token => $given->{access_token}, audience => 'api' });
	is($claims->{client_id}, $billing{client}, "an API accepts it (RFC 9068): $method") or diag explain $claims;
	is($claims->{sub}, "client:$billing{client}", "as the client's: $method");
	is($peer->ask({ do => 'grant', method => $method, %billing, scope => 'read' })->{scope}, 'read', "fewer scopes: $method");
	is($peer->ask({ do => 'grant', method => $method, %billing, scope => 'admin' })->{error}, 'invalid_scope', "no others: $method");
	my $refused = $peer->ask({ do => 'grant', method => $method, %billing, secret => 'jcs_wrong' });
	is($refused->{status}, 401, "a wrong secret is refused: $method") or diag explain $refused;
	is($peer->ask({ do => 'grant', method => $method, client => '00000000-0000-7000-8000-000000000000', secret => $billing{secret} })->{status}, 401, "so is an unknown client: $method");
}
is($peer->ask({ do => 'grant', method => 'post', %billing, secret => 'jcs_wrong' })->{error}, 'invalid_client', 'and is told so');
is($peer->ask({ do => 'grant', method => 'none', %billing })->{error}, 'invalid_client', 'a client that shows nothing gets nothing');

# Keys
{
	my %kind = (c1 => 'ES256', c2 => 'RS256', c3 => 'PS256');
	my @public = map { $peer->ask({ do => 'key', kid => $_, alg => $kind{$_} }) } sort keys %kind;
	my $signer = $json->decode($session->query("SELECT jwt_create_client('signer', " . quote($json->encode({ scope => 'read', jwks => { keys => \@public } })) . ')'))->{client_id};
	for my $key (sort keys %kind)
	{
		my $given = $peer->ask({ do => 'grant', method => 'signed', client => $signer, key => $key });
		is($given->{scope}, 'read', "an assertion gets a token: $kind{$key}") or diag explain $given;
	}
	my %twice = (do => 'grant', method => 'signed', client => $signer, key => 'c1', changed => { jti => 'the same' });
	is($peer->ask(\%twice)->{scope}, 'read', 'an assertion of any id');
	is($peer->ask(\%twice)->{error}, 'invalid_client', 'is accepted once');
	is($peer->ask({ %twice, changed => $_->[1] })->{error}, 'invalid_client', "an assertion is refused: $_->[0]")
	  for [ 'for another server', { aud => 'https://other.example' } ], [ 'for several', { aud => [ $issuer, 'https://other.example' ] } ],
	  [ 'that lives for long', { exp => time + 3600 } ], [ 'that is over', { exp => time - 60 } ], [ 'of another client', { sub => $billing{client} } ];
	$peer->ask({ do => 'key', kid => 'c1', alg => 'ES256' });
	is($peer->ask({ do => 'grant', method => 'signed', client => $signer, key => 'c1' })->{error}, 'invalid_client', 'one by another key is refused');
}

# A user's session
{
	$session->query(q{SELECT jwt_create_user('alice', 'correct horse battery staple')});
	my $login = $json->decode($session->query(q{SELECT jwt_login('alice', 'correct horse battery staple')}));
	my $refreshed = $peer->ask({ do => 'refresh', client => 'an app', token => $login->{refresh_token} });
	is($refreshed->{token_type}, 'bearer', 'it refreshes the session of a user') or diag explain $refreshed;
	isnt($refreshed->{refresh_token}, $login->{refresh_token}, 'with another refresh token');
	is($peer->ask({ do => 'refresh', client => 'an app', token => 'jar_made-up' })->{error}, 'invalid_grant', 'a made-up one is refused');
}

# What ends
{
	my $given = $peer->ask({ do => 'grant', method => 'basic', %billing });
	is($session->state_of('SELECT jwt_delete_client(' . quote($billing{client}) . ')'), '', 'a client is deleted');
	is($session->state_of('SELECT jwt_authenticate(' . quote($given->{access_token}) . ')'), '28J02', 'its token is void at once');
	is($peer->ask({ do => 'grant', method => 'basic', %billing })->{status}, 401, 'and it gets no other');
}

$session->close;
$peer->stop;
done_testing();
