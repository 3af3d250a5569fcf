# The npm package oidc-provider as an identity provider over HTTPS on the loopback,
# with a private authority, and openid-client as the application whose users log in
# there by the authorization code flow with PKCE: ID tokens that others make log in
# here (T157, T158, T159, T164, T167).  The background worker fetches its keys when
# they have changed, and nobody else does anything.
#
# These are the last major versions that run on Node.js 18 as ES modules.
# At least 40 assertions

use strict;
use warnings;

use IPC::Run qw(run);
use JSON::PP ();
use JwtAuthSession;
use JwtAuthTest;
use KeyServer qw(await);
use NpmPeer qw(install_peer);
use PostgreSQL::Test::Utils;
use Test::More;

my @PACKAGES = qw(oidc-provider@8.8.1 openid-client@5.7.1);

my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my $dir = PostgreSQL::Test::Utils::tempdir();

make_certificates();
my $node = start_node(
	'npm_oidc',
	conf => [
		"shared_preload_libraries = 'jwt_auth'", "jwt_auth.worker_databases = 'postgres'",
		'jwt_auth.worker_naptime = 1', "jwt_auth.fetch_ca_file = '$dir/ca.pem'" ]);
my $session = JwtAuthSession->new($node);
my $path = install_peer($dir, 'npm_oidc/peer.mjs', @PACKAGES);

local $ENV{NODE_EXTRA_CA_CERTS} = "$dir/ca.pem";
my $peer = NpmPeer->new($path, "$dir/server.key", "$dir/server.pem");

$session->query(q{SET client_min_messages = error; SELECT jwt_create_key()});
$session->query(q{SET jwt_auth.issuer = 'https://own.example'});
my $known = $peer->ask({ do => 'keys' });
like($known->{issuer} // '', qr{^https://localhost:\d+$}, 'the provider answers') or diag explain $known, $peer->errors;
is(add_provider('idp', 'app'), '', 'its JWK Set is taken as jwks_uri has it');

# A user logs in
{
	my $tokens = login('alice');
	is(external($tokens)->{token_type}, 'Bearer', 'an ID token of the code flow logs in');
	is(email_of(sub_of(external(login('alice')))), 'alice@mail.example', 'the user has the address that the provider has verified');
	is(users(), 1, 'who logs in twice is one user');
	is(external($tokens)->{error}, 'invalid_grant', 'an ID token logs in once');
	isnt(sub_of(external(login('bob'))), sub_of(external(login('alice'))), 'another account is another user');

	$tokens = login('alice');
	is(external({ %$tokens, access_token => 'another' })->{error}, 'invalid_grant', 'an access token that is not of the ID token is refused');
	is(external($tokens, 1)->{token_type}, 'Bearer', 'one that is of it is accepted');
	is($session->state_of('SELECT jwt_authenticate(' . quote($tokens->{id_token}) . ')'), '28J00', 'the ID token is no identity');
	is(external({ id_token => $tokens->{access_token} })->{error}, 'invalid_grant', 'the access token is no ID token');
	is(external(login('alice', nonce => 'of the client'))->{error}, 'invalid_grant', 'a nonce of the application is refused');
	is(external(login('alice', nonce => undef))->{error}, 'invalid_grant', 'an ID token without nonce is refused');
}

# Damaged ones
{
	my $token = login('alice')->{id_token};
	my ($header, $payload, $signature) = split /\./, $token;

	is(external({ id_token => $_->[1] })->{error}, 'invalid_grant', "refused: $_->[0]")
	  for [ 'another signature', "$header.$payload." . reverse $signature ],
	  [ 'no signature', "$header.$payload." ],
	  [ 'another payload', $header . '.' . changed($payload) . ".$signature" ],
	  [ 'another header', changed($header) . ".$payload.$signature" ],
	  [ 'two segments', "$header.$payload" ];
	is(external({ id_token => $token })->{token_type}, 'Bearer', 'none of which spends the token');
}

# Another application of the same provider
{
	my $tokens = login('alice', client => 'other');
	is(external($tokens)->{error}, 'invalid_grant', 'an ID token for another application of the provider is refused');
	is(audit(), 'provider idp: "aud" does not contain the expected audience', 'which is audited');
	is(add_provider('idp', 'app,other'), '', 'once the application is listed');
	is(sub_of(external(login('alice', client => 'other'))), sub_of(external(login('alice'))), 'its users are the same');
	is(add_provider('idp', 'app'), '', 'until it is not');
	is(external(login('alice', client => 'other'))->{error}, 'invalid_grant', 'it is refused again');
}

# Keys that change
{
	my $former = login('alice');
	$peer->ask({ do => 'rotate' });
	my $latter = login('alice');
	is(external($latter)->{error}, 'invalid_grant', 'an ID token by a new key, which is not known yet, is refused');
	is($session->query(q{SELECT jwt_providers() -> 0 ->> 'keys_wanted_at' IS NOT NULL}), 't', 'the new keys are asked for');
	$known = $peer->ask({ do => 'keys' });
	is($session->state_of('SELECT jwt_update_provider_keys(' . join(', ', map { quote($_) } 'idp', $json->encode($known->{jwks})) . ')'), '', 'once they are loaded');
	is(external($latter)->{token_type}, 'Bearer', 'the same ID token logs in');
	is(external($former)->{error}, 'invalid_grant', 'one by a former key is refused');
}

# Keys that change, where the worker knows from where to fetch them
{
	is(add_provider('watched', 'app', jwks_uri => $known->{jwks_uri}), '', 'the provider with its jwks_uri');
	await($node, 'its keys are fetched', q{SELECT count(*) = 1 FROM jwt_auth.key_fetches WHERE name = 'watched' AND fetched_at >= tried_at});
	is(external(login('erin'), 0, 'watched')->{token_type}, 'Bearer', 'a user logs in');
	$session->query(q{UPDATE jwt_auth.key_fetches SET tried_at = tried_at - interval '2 min', fetched_at = fetched_at - interval '2 min'});
	$peer->ask({ do => 'rotate' });
	my $tokens = login('erin');
	is(external($tokens, 0, 'watched')->{error}, 'invalid_grant', 'after a rotation, the first attempt is refused');
	await($node, 'for which the keys are fetched', q{SELECT fetched_at >= tried_at FROM jwt_auth.key_fetches WHERE name = 'watched' AND tried_at > now() - interval '1 min'});
	is(external($tokens, 0, 'watched')->{token_type}, 'Bearer', 'and the user logs in, with the same ID token');
	$known = $peer->ask({ do => 'keys' });
	is(add_provider('idp', 'app'), '', 'the provider without it has its keys from an administrator');
}

# Two of the same provider under different names are different
{
	is(add_provider('idp2', 'other'), '', 'the provider under another name');
	isnt(sub_of(external(login('carol', client => 'other'), 0, 'idp2')), sub_of(external(login('dave'))), 'has users of its own');
	is(external(login('alice', client => 'other'), 0, 'idp2')->{error}, 'account_exists', 'an address that is known from elsewhere is asked for');
}

$session->close;
$peer->stop;
done_testing();

sub add_provider
{
	my ($name, $clients, %options) = @_;

	return $session->state_of('SELECT jwt_add_provider('
		  . join(', ', map { quote($_) } $name, $known->{issuer}, "{$clients}", $json->encode($known->{jwks}), $json->encode({ sign_up => JSON::PP::true, %options }))
		  . ')');
}

sub login
{
	my ($account, %request) = @_;

	$request{nonce} = $session->query(q{SELECT jwt_external_nonce() ->> 'nonce'}) unless exists $request{nonce};
	my $answer = $peer->ask({ do => 'login', account => $account, %request });
	diag explain $answer if $answer->{error};
	return $answer;
}

sub external
{
	my ($tokens, $with_access_token, $name) = @_;
	my $access_token = $with_access_token || ($tokens->{access_token} // '') eq 'another' ? quote($tokens->{access_token}) : 'NULL';

	return $json->decode($session->query('SELECT jwt_login_external('
			  . quote($name // 'idp') . ', ' . quote($tokens->{id_token}) . ", access_token => $access_token)"));
}

sub sub_of
{
	my ($answer) = @_;

	return $session->query('SELECT (jwt_decode(' . quote($answer->{access_token} // '') . q{)).claims ->> 'sub'});
}

sub email_of
{
	my ($id) = @_;

	return $session->query('SELECT value FROM jwt_auth.identifiers WHERE user_id = ' . quote($id));
}

sub users
{
	return $session->query('SELECT count(*) FROM jwt_auth.users');
}

sub audit
{
	return $session->query('SELECT reason FROM jwt_auth.audit_log ORDER BY at DESC, id DESC LIMIT 1');
}

sub changed
{
	my ($segment) = @_;

	substr($segment, 10, 1) =~ tr/A-Za-z/B-ZAb-za/ or substr($segment, 10, 1) = 'A';
	return $segment;
}

# An authority of the test, and what it vouches for
sub make_certificates
{
	my ($output, $errors) = ('', '');
	my @key = qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2);

	run([ qw(openssl req -x509), @key, '-subj', '/CN=authority of a test', '-keyout', "$dir/ca.key", '-out', "$dir/ca.pem" ], '>', \$output, '2>', \$errors)
	  && run([ qw(openssl req -x509), @key, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE',
			'-CA', "$dir/ca.pem", '-CAkey', "$dir/ca.key", '-keyout', "$dir/server.key", '-out', "$dir/server.pem" ], '>', \$output, '2>', \$errors)
	  or BAIL_OUT("openssl could not make certificates: $errors");
	return;
}
