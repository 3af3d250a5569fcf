# An authenticator whose signatures are right, whatever it says: it is refused for
# what it says (T146, T149, T151, T153), and for another encoding of a signature.
# The openssl command signs.
#
# At least 88 assertions

use strict;
use warnings;

use Digest::SHA qw(sha256);
use IPC::Run qw(run);
use JSON::PP;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('passkey');
my $database = connect_to($node);
my $dir = PostgreSQL::Test::Utils::tempdir();
my $CHALLENGE = encode_base64url('c' x 32);

# Flags of authenticator data.
my ($UP, $UV, $BE, $BS, $AT, $ED) = (0x01, 0x04, 0x08, 0x10, 0x40, 0x80);

my %made_by = (
	ES256 => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)],
	ES384 => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-384)],
	ES512 => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-521)],
	RS256 => [qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)],
	EdDSA => [qw(-algorithm ED25519)]);
my %key;

for my $alg (sort keys %made_by)
{
	my $pem = output_of([ qw(openssl genpkey), @{ $made_by{$alg} } ]) // die "no key for $alg\n";

	PostgreSQL::Test::Utils::append_to_file("$dir/$alg.pem", $pem);
	$key{$alg} = value_of($database, 'SELECT jwk_public(jwk_from_pem(' . quote($pem) . ", '$alg'))");
	check_algorithm($alg);
}
check_counters();
check_content();
check_encodings();
done_testing();

sub output_of
{
	my ($command, $input) = @_;
	my ($output, $errors) = ('', '');

	$input //= '';
	return run($command, '<', \$input, '>', \$output, '2>', \$errors) ? $output : undef;
}

sub sign
{
	my ($alg, $input) = @_;
	my @key = ('-sign', "$dir/$alg.pem");

	if ($alg eq 'EdDSA')
	{
		PostgreSQL::Test::Utils::append_to_file("$dir/input", $input);
		my $signature = output_of([ qw(openssl pkeyutl -sign -rawin -inkey), "$dir/$alg.pem", '-in', "$dir/input" ]);

		unlink "$dir/input";
		return $signature;
	}
	return output_of([ qw(openssl dgst -binary), $alg =~ /384/ ? '-sha384' : $alg =~ /512/ ? '-sha512' : '-sha256', @key ], $input);
}

# Authenticator data, with what is behind the counter.
sub data_of
{
	my ($flags, $counter, $rest, $rp_id) = @_;

	return sha256($rp_id // 'example.org') . pack('CN', $flags, $counter) . ($rest // '');
}

sub client_of
{
	my (%is) = (type => 'webauthn.get', challenge => $CHALLENGE, origin => 'https://example.org', @_);

	return JSON::PP->new->canonical->encode(\%is);
}

# What comes of a credential with this signature, whether right or not: '' if it
# is verified, else the message.
sub verdict
{
	my ($alg, $data, $client, $signature, %expected) = @_;
	my %credential = (
		id => 'AAAA', rawId => 'AAAA', type => 'public-key',
		response => {
			clientDataJSON => encode_base64url($client),
			authenticatorData => encode_base64url($data),
			signature => encode_base64url($signature) });

	%expected = (
		challenge => $CHALLENGE, origins => ['https://example.org'], rp_id => 'example.org',
		counter => 0, backup_eligible => JSON::PP::null, %expected);
	my $call = join ', ', map { quote($_) } encode_json(\%credential), $key{$alg}, encode_json(\%expected);
	my $state = state_of($database, "SELECT jwt_webauthn_verify_with($call)");

	return '' if $state eq '';
	return ($database->errstr =~ /(invalid passkey: .*)/)[0] // $database->errstr if $state eq '28J00';
	return $state;
}

# The same with a right signature.
sub signed
{
	my ($alg, $data, $client, %expected) = @_;

	return verdict($alg, $data, $client, sign($alg, $data . sha256($client)), %expected);
}

sub check_algorithm
{
	my ($alg) = @_;
	my $data = data_of($UP | $UV, 1);
	my $client = client_of();
	my $signature = sign($alg, $data . sha256($client));

	is(verdict($alg, $data, $client, $signature), '', "$alg: a right signature");
	is(verdict($alg, $data, $client, $signature, algorithms => [$alg]), '', "$alg: it was offered");
	is(verdict($alg, $data, $client, $signature, algorithms => ['PS512']),
		'invalid passkey: its algorithm was not offered', "$alg: it was not offered");
	is(verdict($alg, $data, $client, sign($alg, $data . $client)),
		'invalid passkey: the signature is wrong', "$alg: a signature over client data that are not hashed");
	is(verdict($alg, $data, $client, sign($alg, sha256($client) . $data)),
		'invalid passkey: the signature is wrong', "$alg: a signature over the other order");
	is(verdict($alg, $data, client_of(more => 'x'), $signature),
		'invalid passkey: the signature is wrong', "$alg: other client data");
	is(verdict($alg, data_of($UP | $UV, 2), $client, $signature),
		'invalid passkey: the signature is wrong', "$alg: another counter");
	return;
}

sub check_counters
{
	my $fixed = 'invalid passkey: its counter did not increase';

	for my $case ([ 0, 0, '' ], [ 0, 1, '' ], [ 1, 2, '' ], [ 7, 4294967295, '' ], [ 2147483647, 2147483648, '' ],
		[ 1, 1, $fixed ], [ 2, 1, $fixed ], [ 1, 0, $fixed ], [ 4294967295, 4294967295, $fixed ], [ 4294967295, 0, $fixed ])
	{
		my ($stored, $said, $expected) = @$case;

		is(signed('ES256', data_of($UP | $UV, $said), client_of(), counter => $stored),
			$expected, "counter: $said behind $stored, on its device");
		is(signed('ES256', data_of($UP | $UV | $BE, $said), client_of(), counter => $stored),
			'', "counter: $said behind $stored, synced");
	}
	return;
}

# Right signatures over what is refused.
sub check_content
{
	my $credential = ('a' x 16) . pack('n', 3) . "\0\0\0" . "\xa0";
	my $malformed = 'invalid passkey: the authenticator data are malformed';

	for my $case (
		[ 'no user is present', data_of(0, 1), 'invalid passkey: the user was not present' ],
		[ 'a user who is verified alone', data_of($UV, 1), 'invalid passkey: the user was not present' ],
		[ 'a user who is not verified', data_of($UP, 1), 'invalid passkey: the user was not verified' ],
		[ 'backed up, but not eligible', data_of($UP | $UV | $BS, 1), 'invalid passkey: it is backed up but not eligible for backup' ],
		[ 'another relying party', data_of($UP | $UV, 1, '', 'example.com'), 'invalid passkey: it is for another relying party' ],
		[ 'a credential', data_of($UP | $UV | $AT, 1, $credential), $malformed ],
		[ 'a credential without its flag', data_of($UP | $UV, 1, $credential), $malformed ],
		[ 'extensions', data_of($UP | $UV | $ED, 1, "\xa1\x61\x61\xf5"), '' ],
		[ 'extensions without their flag', data_of($UP | $UV, 1, "\xa0"), $malformed ],
		[ 'a flag without extensions', data_of($UP | $UV | $ED, 1), $malformed ],
		[ 'extensions and more', data_of($UP | $UV | $ED, 1, "\xa0\xa0"), $malformed ],
		[ 'extensions without end', data_of($UP | $UV | $ED, 1, "\xbf\xff"), $malformed ])
	{
		my ($what, $data, $expected) = @$case;

		is(signed('ES256', $data, client_of()), $expected, "rightly signed: $what");
	}
	is(signed('ES256', data_of($UP | $UV, 1), client_of(type => 'webauthn.create')),
		'invalid passkey: it belongs to the other ceremony', 'rightly signed: the other ceremony');
	is(signed('ES256', data_of($UP | $UV, 1), client_of(origin => 'https://example.org.evil.example')),
		'invalid passkey: its origin is not among the expected ones', 'rightly signed: another origin');
	is(signed('ES256', data_of($UP | $UV | $BE, 1), client_of(), backup_eligible => JSON::PP::false),
		'invalid passkey: its eligibility for backup has changed', 'rightly signed: eligible since then');
	is(signed('ES256', data_of($UP | $UV, 1), client_of(), backup_eligible => JSON::PP::true),
		'invalid passkey: its eligibility for backup has changed', 'rightly signed: no more eligible');
	is(signed('ES256', data_of($UP | $UV, 1), client_of(), credential_id => 'BBBB'),
		'invalid passkey: it belongs to another credential', 'rightly signed: another credential');
	return;
}

# Other encodings of a right signature.
sub check_encodings
{
	my $wrong = 'invalid passkey: the signature is wrong';
	my $data = data_of($UP | $UV, 1);
	my $client = client_of();
	my $der = sign('ES256', $data . sha256($client));
	my $body = substr $der, 2;
	my ($r, $s) = map { substr("\0" x 32 . $_, -32) } integers_of($der);

	is(verdict('ES256', $data, $client, $der), '', 'DER');
	for my $case (
		[ 'r and s side by side, as in a JWS', $r . $s ], [ 'a byte behind it', "$der\0" ], [ 'a long length', "\x30\x81" . chr(length $body) . $body ],
		[ 'a length without end', "\x30\x80$body\0\0" ], [ 'a set', "\x31" . substr($der, 1) ], [ 'a zero before r', der_of("\0\0$r", $s) ],
		[ 'r negative', der_of(chr(ord($r) | 0x80) . substr($r, 1), $s, 1) ], [ 'r and s exchanged', der_of($s, $r) ], [ 'r alone', "\x30" . chr(2 + length $r) . "\x02" . chr(length $r) . $r ],
		[ 'r and s zero', "\x30\x06\x02\x01\x00\x02\x01\x00" ], [ 'r and s one', "\x30\x06\x02\x01\x01\x02\x01\x01" ], [ 'one byte', "\x30" ], [ 'an empty sequence', "\x30\x00" ])
	{
		my ($what, $signature) = @$case;

		is(verdict('ES256', $data, $client, $signature), $wrong, "encoding: $what");
	}
	is(verdict('RS256', $data, $client, "\0" . sign('RS256', $data . sha256($client))), $wrong, 'RSA: a zero before it');
	is(verdict('EdDSA', $data, $client, sign('EdDSA', $data . sha256($client)) . "\0"), $wrong, 'EdDSA: a zero behind it');
	return;
}

sub integers_of
{
	my ($der) = @_;
	my $r_length = ord substr $der, 3, 1;

	return (substr($der, 4, $r_length), substr($der, 6 + $r_length));
}

# Two integers as DER, if positive with a zero before a first bit that is set.
sub der_of
{
	my ($r, $s, $is_raw) = @_;
	my $body = join '', map {
		my $integer = !$is_raw && ord($_) & 0x80 ? "\0$_" : $_;

		"\x02" . chr(length $integer) . $integer
	} $r, $s;

	return "\x30" . chr(length $body) . $body;
}
