# Signatures and keys there and back between the extension and the openssl
# command, for every algorithm; and signatures that only the openssl command
# makes, which must be refused.  ROUNDS=N takes N signatures of each algorithm each
# way.  Answers F27 for keys for RSASSA-PSS alone.
#
# Time limit: 1800 s
# At least 142 assertions

use strict;
use warnings;

use IPC::Run qw(run);
use JwtAuthTest;
use MIME::Base64 qw(decode_base64url encode_base64url);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('openssl');
my $database = connect_to($node);
my $dir = PostgreSQL::Test::Utils::tempdir();

# How to make a key; the digest; and how to sign, beside the digest.
my @pss = qw(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest);
my %scheme = (
	RS => { key => [qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)], options => [] },
	PS => { key => [qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)], options => \@pss },
	ES256 => { key => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)], size => 32 },
	ES384 => { key => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-384)], size => 48 },
	ES512 => { key => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-521)], size => 66 },
	ES256K => {
		key => [qw(-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1)],
		size => 32
	},
	EdDSA => { key => [qw(-algorithm ED25519)], raw => 1 },
	Ed25519 => { key => [qw(-algorithm ED25519)], raw => 1 },
	Ed448 => { key => [qw(-algorithm ED448)], raw => 1 },
	map { $_ => { key => [ '-algorithm', $_ ], raw => 1 } } qw(ML-DSA-44 ML-DSA-65 ML-DSA-87));
my @hmac = qw(HS256 HS384 HS512);
my @asymmetric = qw(RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 ES256K
  EdDSA Ed25519 Ed448);
my @post_quantum = available_algs($database, qw(ML-DSA-44 ML-DSA-65 ML-DSA-87));

note 'ML-DSA is left out: this OpenSSL has none' unless @post_quantum;

my $ROUNDS = $ENV{ROUNDS} // 3;

for my $alg (@hmac)
{
	my $key = value_of($database, "SELECT jwk_generate('$alg')");
	my $secret = unpack 'H*',
	  decode_base64url(value_of($database, 'SELECT ' . quote($key) . "::jsonb ->> 'k'"));
	my $token = value_of($database, "SELECT jws_sign('payload', " . quote($key) . ')');
	my ($signing_input, $signature) = segments_of($token);

	is(hmac($alg, $secret, $signing_input), $signature, "$alg: openssl computes the same MAC");
	my $input = encode_base64url(qq({"alg":"$alg"})) . '.' . encode_base64url("x\0y");

	is(verified($input, hmac($alg, $secret, $input), $key),
		unpack('H*', "x\0y"), "$alg: the extension verifies openssl's MAC");
}

for my $alg (@asymmetric, @post_quantum)
{
	my $key = value_of($database, "SELECT jwk_generate('$alg')");

	is(foreign_verdicts($alg, $key), $ROUNDS,
		"$alg: openssl verifies the extension's signatures");
	my $pem = make_pem($alg);
	my $private = value_of($database, 'SELECT jwk_from_pem(' . quote($pem) . ", '$alg')");
	my $public = value_of($database, 'SELECT jwk_public(' . quote($private) . ')');

	is(own_verdicts($alg, $pem, $public), $ROUNDS,
		"$alg: the extension verifies openssl's signatures");
	is(foreign_verdicts($alg, $private), $ROUNDS,
		"$alg: openssl verifies signatures made with its own key");
	my $spki = output_of([qw(openssl pkey -pubout)], $pem);

	is(value_of($database, 'SELECT jwk_to_pem(' . quote($public) . ')'), $spki,
		"$alg: the public key is written as openssl writes it");
	is(output_of([qw(openssl pkey)], value_of($database, 'SELECT jwk_to_pem(' . quote($private) . ')')),
		output_of([qw(openssl pkey)], $pem), "$alg: openssl reads the private key")
	  unless $alg =~ /^ML-DSA/;
	is(value_of($database, 'SELECT jwk_from_pem(' . quote($spki) . ", '$alg')"),
		$public, "$alg: the public key is read");
}

for my $bits (256, 384, 512)
{
	restricted_pss("PS$bits", map { ('-pkeyopt', "rsa_pss_keygen_$_") }
		  "md:sha$bits", "mgf1_md:sha$bits", 'saltlen:' . $bits / 8);
	restricted_pss("PS$bits");
}
refuse_foreign_padding();

done_testing();

sub scheme
{
	my ($alg) = @_;

	return $scheme{$alg} // $scheme{ substr $alg, 0, 2 };
}

sub digest_name
{
	my ($alg) = @_;

	return '-sha' . ($alg =~ /(\d+)/)[0];
}

sub write_file
{
	my ($name, $content) = @_;

	open my $file, '>:raw', "$dir/$name" or die "could not open $name: $!\n";
	print $file $content;
	close $file or die "could not write $name: $!\n";
	return "$dir/$name";
}

# What a command prints, or undef if it fails.
sub output_of
{
	my ($command, $input) = @_;
	my ($output, $errors) = ('', '');

	$input //= '';
	return run($command, '<', \$input, '>', \$output, '2>', \$errors) ? $output : undef;
}

sub make_pem
{
	my ($alg) = @_;

	return output_of([ qw(openssl genpkey), @{ scheme($alg)->{key} } ])
	  // die "openssl made no key for $alg\n";
}

sub hmac
{
	my ($alg, $secret, $input) = @_;

	return output_of(
		[
			qw(openssl dgst -binary), digest_name($alg),
			qw(-mac HMAC -macopt), "hexkey:$secret"
		],
		$input);
}

# The verified payload in hexadecimal, or the SQLSTATE.
sub verified
{
	my ($signing_input, $signature, $key) = @_;
	my $call = 'jws_verify('
	  . quote("$signing_input." . encode_base64url($signature)) . ', ' . quote($key) . ')';
	my $state = state_of($database, "SELECT $call");

	return $state ne '' ? $state : value_of($database, "SELECT encode($call, 'hex')");
}

# openssl's signature in the form of RFC 7518.
sub foreign_signature
{
	my ($alg, $pem, $input, @options) = @_;
	my $key = write_file('private.pem', $pem);
	my $scheme = scheme($alg);

	if ($scheme->{raw})
	{
		return output_of(
			[
				qw(openssl pkeyutl -sign -rawin -inkey), $key,
				'-in', write_file('input', $input)
			]);
	}
	@options = @{ $scheme->{options} // [] } unless @options;
	my $signature = output_of(
		[ qw(openssl dgst -binary), digest_name($alg), '-sign', $key, @options ], $input);

	return $scheme->{size} ? from_der($signature, $scheme->{size}) : $signature;
}

# Whether openssl verifies a signature in the form of RFC 7518.
sub foreign_verdict
{
	my ($alg, $pem, $input, $signature) = @_;
	my $key = write_file('public.pem', $pem);
	my $scheme = scheme($alg);

	$signature = to_der($signature) if $scheme->{size};
	my $signature_file = write_file('signature', $signature);

	return defined output_of(
		$scheme->{raw}
		? [
			qw(openssl pkeyutl -verify -rawin -pubin -inkey), $key,
			'-in', write_file('input', $input), '-sigfile', $signature_file
		  ]
		: [
			qw(openssl dgst), digest_name($alg), '-verify', $key,
			'-signature', $signature_file, @{ $scheme->{options} // [] }
		],
		$scheme->{raw} ? undef : $input);
}

# How many signatures of the extension openssl verifies.
sub foreign_verdicts
{
	my ($alg, $key) = @_;
	my $pem = value_of($database, 'SELECT jwk_to_pem(jwk_public(' . quote($key) . '))');
	my @tokens = split /\n/, value_of($database,
		'SELECT jws_sign(convert_to(n::text, \'UTF8\'), ' . quote($key)
		  . ") FROM generate_series(1, $ROUNDS) AS n");

	return scalar grep { foreign_verdict($alg, $pem, segments_of($_)) } @tokens;
}

# How many signatures of openssl the extension verifies.
sub own_verdicts
{
	my ($alg, $pem, $key) = @_;

	return scalar grep {
		my $input = encode_base64url(qq({"alg":"$alg"})) . '.' . encode_base64url("payload $_");

		verified($input, foreign_signature($alg, $pem, $input), $key)
		  eq unpack 'H*', "payload $_"
	} 1 .. $ROUNDS;
}

# ECDSA-Sig-Value (RFC 3279 section 2.2.3) from and to r and s.
sub from_der
{
	my ($der, $size) = @_;
	my ($offset, @numbers) = (ord(substr $der, 1, 1) & 0x80 ? 3 : 2);

	for (1 .. 2)
	{
		my $length = ord substr $der, $offset + 1, 1;
		my $number = substr($der, $offset + 2, $length) =~ s/^\0+//r;

		push @numbers, "\0" x ($size - length $number) . $number;
		$offset += 2 + $length;
	}
	return join '', @numbers;
}

sub to_der
{
	my ($signature) = @_;
	my $content = '';

	for my $number (unpack '(a' . length($signature) / 2 . ')2', $signature)
	{
		$number =~ s/^\0+(?=.)//s;
		$number = "\0$number" if ord($number) & 0x80;
		$content .= "\x02" . chr(length $number) . $number;
	}
	return "\x30" . (length $content > 127 ? "\x81" : '') . chr(length $content) . $content;
}

# A key for RSASSA-PSS alone (RFC 4055), with the parameters that are given.
sub restricted_pss
{
	my ($alg, @parameters) = @_;
	my $what = "$alg, a key for RSASSA-PSS " . (@parameters ? 'with' : 'without') . ' parameters';
	my $pem = output_of([ qw(openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048), @parameters ]);
	my $spki = output_of([qw(openssl pkey -pubout)], $pem);
	my ($private, $public) =
	  map { value_of($database, 'SELECT jwk_from_pem(' . quote($_) . ", '$alg')") } $pem, $spki;

	is(own_verdicts($alg, $pem, $public), $ROUNDS, "$what: the extension verifies openssl's signatures");
	my ($input, $signature) =
	  segments_of(value_of($database, "SELECT jws_sign('payload', " . quote($private) . ')'));
	ok(foreign_verdict($alg, $spki, $input, $signature), "$what: openssl verifies with the original key");
	ok(!foreign_verdict($alg, $spki, "${input}x", $signature), "$what: openssl refuses another text");
	my $other = foreign_signature($alg, $pem, "$input.x");

	is(verified($input, $other, $public), '28J00', "$what: the extension refuses another text");
	is(state_of($database, 'SELECT jwk_from_pem(' . quote($pem) . ", 'RS256')"), '22023', "$what: the key is refused for RS256");
	return;
}

# RFC 7518 section 3.5 and 3.3: the salt is as long as the hash, MGF1 uses the
# same hash, and the digest is named inside PKCS#1 v1.5's padding.
sub refuse_foreign_padding
{
	my $pem = make_pem('RS256');
	my %key = map { $_ => value_of($database, 'SELECT jwk_public(jwk_from_pem(' . quote($pem) . ", '$_'))") }
	  qw(RS256 PS256 PS384 PS512);
	my %input = map { $_ => encode_base64url(qq({"alg":"$_"})) . '.e30' } keys %key;

	for my $alg (qw(PS256 PS384 PS512))
	{
		for my $salt (qw(0 1 20 31 33 max))
		{
			my $signature = foreign_signature($alg, $pem, $input{$alg},
				qw(-sigopt rsa_padding_mode:pss -sigopt), "rsa_pss_saltlen:$salt");

			is(verified($input{$alg}, $signature, $key{$alg}), '28J00', "$alg: a signature with a salt of $salt is refused");
		}
		my $other = $alg eq 'PS256' ? 'sha512' : 'sha256';
		my $signature = foreign_signature($alg, $pem, $input{$alg}, @pss,
			'-sigopt', "rsa_mgf1_md:$other");

		is(verified($input{$alg}, $signature, $key{$alg}), '28J00', "$alg: a signature with MGF1 by $other is refused");
	}
	for my $digest (qw(-sha1 -sha224 -sha384 -sha512 -sha3-256 -md5))
	{
		my $signature = output_of(
			[ qw(openssl dgst -binary), $digest, '-sign', write_file('private.pem', $pem) ],
			$input{RS256});

		is(verified($input{RS256}, $signature, $key{RS256}), '28J00', "RS256: a signature with $digest is refused");
	}
	my $hash = output_of([qw(openssl dgst -binary -sha256)], $input{RS256});
	my $signature = output_of(
		[
			qw(openssl pkeyutl -sign -pkeyopt rsa_padding_mode:pkcs1 -inkey),
			write_file('private.pem', $pem)
		],
		$hash);

	is(verified($input{RS256}, $signature, $key{RS256}), '28J00', 'RS256: a signature that names no digest is refused');
	return;
}
