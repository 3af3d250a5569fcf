# Passkeys of an authenticator in software, which the npm package
# @simplewebauthn/server, an independent implementation on Node.js, judges as well:
# right ones, which both verify and read alike, and those with a single thing wrong,
# which the extension refuses, also where the package does not (T148, T153, T154).
# At least 1700 assertions

use strict;
use warnings;

use IPC::Run qw(run timeout);
use JSON::PP ();
use JwtAuthTest;
use NpmPeer qw(install_peer);
use PostgreSQL::Test::Utils;
use Test::More;

my $PACKAGE = '@simplewebauthn/server@13.2.2';
my $SECONDS = 300;

my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my $database = connect_to(start_node('npm_passkey'));
my %count = (right => 0, wrong => 0, refused_by_both => 0);

check($_) for cases();
cmp_ok($count{right}, '>', 80, 'the package verifies valid passkeys');
cmp_ok($count{refused_by_both}, '>', $count{wrong} / 2, 'the package refuses most invalid passkeys, too');
done_testing();

# What the peer made, and what it says of it.
sub cases
{
	my $peer = install_peer(PostgreSQL::Test::Utils::tempdir(), 'npm_passkey/peer.mjs', $PACKAGE);
	my ($output, $errors) = ('', '');

	run([ 'node', $peer ], '>', \$output, '2>', \$errors, timeout($SECONDS))
	  or BAIL_OUT("the peer failed: $errors");
	return map { $json->decode($_) } split /\n/, $output;
}

sub check
{
	my ($case) = @_;
	my ($name, $theirs) = @$case{qw(name verdict)};
	my ($credential, $key, $expected) = map { defined $_ ? quote($json->encode($_)) : 'NULL' } @$case{qw(credential key expected)};
	my $call = "SELECT jwt_webauthn_verify_with($credential, $key, $expected)";

	return check_right($name, $case, value_of($database, $call)) if $case->{is_right};
	$count{wrong}++;
	$count{refused_by_both}++ if $theirs->{error};
	is(state_of($database, $call), '28J00', "$name: the extension refuses it");
	return;
}

# Both read the same, and the key is the one that the authenticator has.
sub check_right
{
	my ($name, $case, $answer) = @_;
	my $ours = $json->decode($answer);

	$count{right}++;
	is_deeply({ map { $_ => $ours->{$_} } keys %{ $case->{verdict} } }, $case->{verdict}, "$name: both read the same");
	is_deeply($ours->{public_key}, $case->{public_key}, "$name: the key of the authenticator") if $case->{public_key};
	return;
}
