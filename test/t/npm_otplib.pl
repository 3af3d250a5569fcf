# An authenticator that is not ours: the npm package otplib reads the URI of a new factor,
# and its codes enroll that and sign in, each once and about its time (T128, T142).
# At least 14 assertions

use strict;
use warnings;

use AccountTest;
use Authenticator;
use IPC::Run qw(run timeout);
use JSON::PP;
use JwtAuthTest;
use NpmPeer qw(install_peer);
use PostgreSQL::Test::Utils;
use Test::More;

my $PACKAGE = 'otplib@12.0.1';
my $SECONDS = 60;

my $peer = install_peer(PostgreSQL::Test::Utils::tempdir(), 'npm_otplib/peer.mjs', $PACKAGE);
my $node = start_account_node('npm_otplib');
my $uri = enroll('alice');

is(verified('alice', code($uri, -120)), 'invalid_grant', 'a code of two minutes ago is denied');
is(verified('alice', code($uri, 120)), 'invalid_grant', 'a code of two minutes ahead is denied');
is(verified('alice', code($uri, 0, 'sha256')), 'invalid_grant', 'a code of another algorithm is denied');
my $code = code($uri, 30);
is(verified('alice', $code), 'ok', 'a code of the next step signs in');
is(verified('alice', $code), 'invalid_grant', 'the same code is denied the second time');
is(verified('alice', code($uri, 0)), 'invalid_grant', 'an earlier code than the last one is denied');
for my $number (1 .. 3)
{
	execute($node, 'UPDATE jwt_auth.factors SET last_step = 0; TRUNCATE jwt_auth.login_throttle');
	is(verified('alice', code($uri, 0)), 'ok', "a code of the current step signs in: $number");
}
my $of_bob = enroll('bob');
execute($node, 'UPDATE jwt_auth.factors SET last_step = 0');
is(verified('bob', code($uri, 0)), 'invalid_grant', "a code of another user's authenticator is denied");
is(verified('bob', code($of_bob, 0)), 'ok', "a code of the user's own authenticator signs in");
done_testing();

# The code that the package shows so many seconds from now
sub code
{
	my ($read, @options) = @_;
	my ($output, $errors) = ('', '');

	await_step(10);
	run([ 'node', $peer, $read, @options ], '>', \$output, '2>', \$errors, timeout($SECONDS)) or BAIL_OUT("the peer failed: $errors");
	chomp $output;
	return $output;
}

# The URI of a factor that the package's first code has confirmed
sub enroll
{
	my ($name) = @_;
	my $token = log_in($node, $name)->{access_token};
	my $begun = decode_json(value_of($node, "SET jwt_auth.token = '$token'; SELECT jwt_enroll_totp('otplib')"));
	my $first = code($begun->{uri}, 0);

	like($first, qr/^\d{6}$/, "the package reads the URI of $name");
	is(value_of($node, "SET jwt_auth.token = '$token'; SELECT jwt_confirm_totp('$begun->{factor_id}', '$first') ->> 'status'"), 'factor_added', "its code confirms the factor of $name");
	return $begun->{uri};
}

sub verified
{
	my ($name, $response) = @_;
	my $ticket = log_in($node, $name)->{mfa_token};

	return value_of($node, "SELECT coalesce(a ->> 'error', 'ok') FROM jwt_mfa_verify('$ticket', 'totp', '{\"code\":\"$response\"}') AS a");
}
