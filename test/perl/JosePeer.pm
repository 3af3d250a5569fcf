# Tokens, keys and thumbprints there and back between the extension and the npm
# package jose, an independent implementation on Node.js (t/npm_jose/peer.mjs).

package JosePeer;

use strict;
use warnings;

use Exporter qw(import);
use IPC::Run qw(start timeout);
use JSON::PP ();
use JwtAuthTest;
use NpmPeer qw(install_peer);
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(exchange_with_jose);

# Claims that JavaScript's numbers can hold
my $CLAIMS = '{"iss":"https://a.example","aud":["api","web"],"exp":4102444800,'
  . '"name":"\u00e9\u20ac\ud83d\ude00","n":[1,-2.5,9007199254740991],"x":{"y":null}}';

# For an answer of the peer
my $SECONDS = 120;

my $json = JSON::PP->new->canonical->utf8->allow_nonref;

# Options: program => the Node.js to use, dir => where npm installs (default: a
# new one), packages => what it installs,
# cases => [ { name => ..., alg => ..., curve => ... }, ... ].
sub exchange_with_jose
{
	my ($node, %options) = @_;
	my $peer = {
		database => connect_to($node),
		dir => $options{dir} // PostgreSQL::Test::Utils::tempdir(),
		map { $_ => '' } qw(in out err)
	};

	my $program = install_peer($peer->{dir}, 'npm_jose/peer.mjs', @{ $options{packages} });
	$peer->{timer} = timeout($SECONDS);
	$peer->{run} = start([ $options{program}, $program ],
		'<', \$peer->{in}, '>', \$peer->{out}, '2>', \$peer->{err}, $peer->{timer});
	for my $case (@{ $options{cases} })
	{
		check_case($peer, $case, make_key($peer->{database}, $case));
	}
	$peer->{timer}->start($SECONDS);
	$peer->{run}->finish;
	return;
}

sub make_key
{
	my ($database, $case) = @_;

	return value_of($database, "SELECT jwk_generate('$case->{curve}', 'ours') || '{\"alg\":\"$case->{alg}\"}'")
	  if $case->{curve};
	return value_of($database, "SELECT jwk_generate('$case->{alg}', 'ours')");
}

sub check_case
{
	my ($peer, $case, $key) = @_;
	my ($database, $name, $alg) = ($peer->{database}, @$case{qw(name alg)});
	my $public = $alg =~ /^HS/ ? $key : value_of($database, 'SELECT jwk_public(' . quote($key) . ')');
	my $token = signed($database, $key);
	my %verify = (do => 'verify', alg => $alg, key => $json->decode($public));
	my ($verified, $refused, $signed, $made, $thumbprint) = ask(
		$peer,
		{ %verify, token => $token },
		{ %verify, token => $token =~ s/\.([^.]+)$/'.' . reverse($1)/er },
		{ do => 'sign', alg => $alg, key => $json->decode($key), claims => $json->decode($CLAIMS) },
		{ do => 'generate', alg => $alg, curve => $case->{curve}, claims => $json->decode($CLAIMS) },
		{ do => 'thumbprint', key => $json->decode($public) });

	is_deeply($verified->{claims}, $json->decode($CLAIMS), "$name: jose verifies the extension's token")
	  or diag explain $verified;
	ok($refused->{error}, "$name: jose refuses it with another signature");
	ok(is_accepted($database, $signed->{token}, $public), "$name: the extension verifies jose's token")
	  or diag explain $signed;
	is(state_of($database, verification($signed->{token} . 'AAAA', $public)),
		'28J00', "$name: the extension refuses it with a longer signature");
	is($thumbprint->{thumbprint}, value_of($database, 'SELECT jwk_thumbprint(' . quote($key) . ')'),
		"$name: both make the same thumbprint");
	check_peer_key($peer, $case, $made);
	return;
}

# A key that jose made, and its PKCS#8 and SPKI
sub check_peer_key
{
	my ($peer, $case, $made) = @_;
	my ($database, $name) = ($peer->{database}, $case->{name});
	my ($private, $public) = map { $json->encode($made->{$_}) } qw(private public);

	ok(is_accepted($database, $made->{token}, $public), "$name: the extension verifies with jose's key")
	  or diag explain $made;
	my ($answer) = ask($peer,
		{ do => 'verify', alg => $case->{alg}, key => $made->{public}, token => signed($database, $private) });

	is_deeply($answer->{claims}, $json->decode($CLAIMS), "$name: jose verifies what the extension signed with jose's key")
	  or diag explain $answer;
	return unless $made->{pkcs8};
	is(value_of($database, 'SELECT jwk_from_pem(' . quote($made->{pkcs8}) . ", '$case->{alg}') = " . quote($private) . '::jsonb'),
		't', "$name: the extension reads jose's PKCS#8");
	is(value_of($database, 'SELECT rtrim(jwk_to_pem(' . quote($public) . "), E'\\n')"),
		$made->{spki} =~ s/\n+\z//r, "$name: both write the same SPKI");
	return;
}

# The peer reads one request a line, and answers each with a line.
sub ask
{
	my ($peer, @requests) = @_;

	$peer->{timer}->start($SECONDS);
	$peer->{out} = '';
	$peer->{in} .= $json->encode($_) . "\n" for @requests;
	while ($peer->{out} =~ tr/\n// < @requests)
	{
		die "the peer failed: $peer->{err}\n" unless $peer->{run}->pumpable;
		$peer->{run}->pump;
	}
	return map { $json->decode($_) } split /\n/, $peer->{out};
}

sub signed
{
	my ($database, $key) = @_;

	return value_of($database, 'SELECT jwt_sign_with(' . quote($CLAIMS) . '::jsonb, ' . quote($key) . ')');
}

sub verification
{
	my ($token, $key) = @_;

	return 'SELECT jwt_verify_with(' . quote($token) . ', ' . quote($key) . ", 'api', 'https://a.example')";
}

sub is_accepted
{
	my ($database, $token, $key) = @_;

	return value_of($database, verification($token, $key) . ' = ' . quote($CLAIMS) . '::jsonb') eq 't';
}

1;
