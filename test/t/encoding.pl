# Databases whose encoding is not UTF-8: JSON in tokens and keys is UTF-8
# (RFC 8259 section 8.1), so that text is converted, or refused where there is
# no conversion: 28J00 for a token, 22023 or 22P05 for what is to be signed.
# At least 102 assertions

use strict;
use warnings;
use utf8;

use Encode qw(encode decode);
use JSON::PP ();
use JwtAuthTest;
use MIME::Base64 qw(decode_base64url encode_base64url);
use Digest::SHA qw(hmac_sha256);
use Test::More;

my $node = start_node('encoding');
my $secret = 'x' x 32;
my $key = qq({"kty":"oct","alg":"HS256","k":"@{[ encode_base64url($secret) ]}"});

for my $encoding (qw(LATIN1 SQL_ASCII EUC_JP WIN1251))
{
	$node->safe_psql('postgres',
		"CREATE DATABASE $encoding ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql(lc $encoding, 'CREATE EXTENSION jwt_auth');
}

# Text is sent and shown as octets, whatever psql makes of the locale.
sub text_of
{
	my ($octets) = @_;

	return "convert_from('\\x" . unpack('H*', $octets) . "'::bytea, getdatabaseencoding())";
}

# A token over claims and header given as octets
sub token_of
{
	my ($payload, $header) = @_;
	my $input = encode_base64url($header // '{"alg":"HS256"}') . '.' . encode_base64url($payload);

	return "$input." . encode_base64url(hmac_sha256($input, $secret));
}

sub verification
{
	my ($payload, $header) = @_;

	return "jwt_verify_with('" . token_of($payload, $header) . "', " . quote($key) . ')';
}

sub payload_of
{
	my ($token) = @_;

	return decode_base64url((split /\./, $token)[1]);
}

my %name = (
	LATIN1 => "caf\x{e9} stra\x{df}e",
	EUC_JP => "\x{65e5}\x{672c}\x{8a9e}",
	WIN1251 => "\x{41f}\x{440}\x{438}\x{432}\x{435}\x{442}");
my %perl_name = (LATIN1 => 'iso-8859-1', EUC_JP => 'euc-jp', WIN1251 => 'cp1251');
my %foreign = (LATIN1 => "\x{20ac}", EUC_JP => "\x{1f600}", WIN1251 => "\x{e9}");

for my $encoding (sort keys %name)
{
	my @where = (dbname => lc $encoding);
	my $octets = encode($perl_name{$encoding}, $name{$encoding});
	my $utf8 = encode('UTF-8', $name{$encoding});
	my $escaped = join '', map { sprintf '\\u%04x', ord } split //, $name{$encoding};
	my $foreign = encode('UTF-8', $foreign{$encoding});
	my $foreign_escaped = join '', map { sprintf '\\u%04x', $_ } unpack 'n*',
	  encode('UTF-16BE', $foreign{$encoding});

	# Verified
	for my $payload (
		[ 'UTF-8', qq({"exp":4102444800,"name":"$utf8"}) ],
		[ 'escapes', qq({"exp":4102444800,"name":"$escaped"}) ])
	{
		is( value_of($node, 'SELECT ' . verification($payload->[1])
				  . " ->> 'name' = " . text_of($octets), @where),
			't', "$encoding: a claim in $payload->[0] is verified");
	}
	is( value_of($node, 'SELECT ' . verification(qq({"exp":4102444800,"$utf8":"x"}))
			  . ' ->> ' . text_of($octets), @where),
		'x', "$encoding: the name of a claim is converted");
	is( value_of($node, "SELECT (jwt_decode('" . token_of(qq({"name":"$utf8"}),
				qq({"alg":"HS256","x":"$utf8"})) . "')).header ->> 'x' = " . text_of($octets), @where),
		't', "$encoding: a member of the header is converted");
	is( value_of($node,
			"SELECT jwt_verify_with('" . token_of(qq({"exp":4102444800,"aud":"$utf8","iss":"$utf8"}))
			  . "', " . quote($key) . ', ' . text_of($octets) . ', ' . text_of($octets) . ') IS NOT NULL', @where),
		't', "$encoding: audience and issuer are compared in the database encoding");
	is( state_of($node,
			"SELECT jwt_verify_with('" . token_of(qq({"exp":4102444800,"aud":"$utf8 "}))
			  . "', " . quote($key) . ', ' . text_of($octets) . ')', @where),
		'28J00', "$encoding: another audience is denied");
	my $kid_key = quote($key) . "::jsonb || jsonb_build_object('kid', " . text_of($octets) . ')';
	is( value_of($node,
			"SELECT jwt_verify_with('" . token_of('{"exp":4102444800}', qq({"alg":"HS256","kid":"$utf8"}))
			  . "', $kid_key) IS NOT NULL", @where),
		't', "$encoding: a kid is compared in the database encoding");

	# Refused, since the database has no such character
	for my $case (
		[ 'a claim', qq({"exp":4102444800,"name":"$foreign"}) ],
		[ 'an escape in a claim', qq({"exp":4102444800,"name":"$foreign_escaped"}) ],
		[ 'the name of a claim', qq({"exp":4102444800,"$foreign":"x"}) ],
		[ 'an escape in the name of a claim', qq({"exp":4102444800,"$foreign_escaped":"x"}) ],
		[ 'a claim further down', qq({"exp":4102444800,"a":[{"b":"$foreign"}]}) ],
		[ 'the header', '{"exp":4102444800}', qq({"alg":"HS256","x":"$foreign"}) ],
		[ 'an escape in the header', '{"exp":4102444800}', qq({"alg":"HS256","x":"$foreign_escaped"}) ],
		[ 'octets of a claim that are not UTF-8', qq({"exp":4102444800,"name":"$octets\xff"}) ])
	{
		my ($what, $payload, $header) = @$case;

		is(state_of($node, 'SELECT ' . verification($payload, $header), @where),
			'28J00', "$encoding: a token is denied if the encoding lacks $what");
		is(state_of($node, "SELECT jwt_decode('" . token_of($payload, $header) . "')", @where),
			'28J00', "$encoding: jwt_decode refuses a token if the encoding lacks $what");
	}
	is( value_of($node, "SELECT encode(jws_verify('" . token_of("$foreign\xff") . "', "
			  . quote($key) . "), 'hex')", @where),
		unpack('H*', "$foreign\xff"), "$encoding: a JWS carries any octets");

	# Signed: UTF-8, which others read
	my $token = value_of($node, "SELECT jwt_sign_with(jsonb_build_object('name', " . text_of($octets)
		  . ", 'exp', 4102444800), $kid_key)", @where);

	is(JSON::PP::decode_json(payload_of($token))->{name}, $name{$encoding},
		"$encoding: signed claims are UTF-8");
	is(JSON::PP::decode_json(decode_base64url((split /\./, $token)[0]))->{kid}, $name{$encoding},
		"$encoding: a signed kid is UTF-8");
	is( value_of($node, "SELECT jwt_verify_with('$token', " . quote($key) . ") ->> 'name' = "
			  . "convert_from('\\x" . unpack('H*', $utf8) . "', 'UTF8')"),
		't', "$encoding: a UTF-8 database verifies signed claims");
	is( value_of($node, "SELECT jwt_verify_with('$token', $kid_key) ->> 'name' = " . text_of($octets), @where),
		't', "$encoding: this database verifies signed claims");
}

# SQL_ASCII knows nothing of its octets: ASCII passes, and other text is either
# the same UTF-8 octets, or refused
{
	my @where = (dbname => 'sql_ascii');
	my $utf8 = encode('UTF-8', $name{LATIN1});

	is(value_of($node, 'SELECT ' . verification('{"exp":4102444800,"name":"x"}') . " ->> 'name'", @where),
		'x', 'SQL_ASCII: a claim in ASCII is verified');
	is( value_of($node, 'SELECT ' . verification('{"exp":4102444800,"name":"\u0041"}') . " ->> 'name'", @where),
		'A', 'SQL_ASCII: an escaped claim in ASCII is verified');
	for my $payload (qq({"exp":4102444800,"name":"$utf8"}), '{"exp":4102444800,"name":"caf\u00e9 stra\u00dfe"}')
	{
		my $state = state_of($node, 'SELECT ' . verification($payload), @where);

		ok( $state eq '28J00'
			  || value_of($node, "SELECT encode(convert_to(" . verification($payload)
				  . " ->> 'name', 'SQL_ASCII'), 'hex')", @where) eq unpack('H*', $utf8),
			'SQL_ASCII: a claim that is not ASCII is denied or kept as UTF-8') or diag $state;
	}
	is(state_of($node, 'SELECT ' . verification("{\"exp\":4102444800,\"name\":\"$_\"}"), @where),
		'28J00', 'SQL_ASCII: a claim that is not UTF-8 is denied: ' . unpack 'H*', $_)
	  for "\xe9", "\xff", "\xc0\x80", "\xed\xa0\x80", '\ud800', '\u0000';
	my $signing = "SELECT jwt_sign_with(jsonb_build_object('name', convert_from('\\x%s'::bytea, 'SQL_ASCII')), "
	  . quote($key) . ')';

	for my $octets ("caf\xe9", "\xff", $utf8)
	{
		my $statement = sprintf $signing, unpack 'H*', $octets;
		my $state = state_of($node, $statement, @where);

		if ($state eq '')
		{
			my $name = eval { JSON::PP::decode_json(payload_of(value_of($node, $statement, @where)))->{name} };

			is($name, eval { decode('UTF-8', $octets, Encode::FB_CROAK) },
				'SQL_ASCII: octets that are UTF-8 are signed as such');
		}
		else
		{
			like($state, qr/^(22023|22P05|22021)$/, 'SQL_ASCII: other octets are not signed');
		}
	}
	is(state_of($node, sprintf($signing, '636166e9'), @where) =~ /^(22023|22P05|22021)$/ ? 'refused' : 'signed',
		'refused', 'SQL_ASCII: octets that are not UTF-8 are not signed');
	is( value_of($node, "SELECT jwt_verify_with(jwt_sign_with('{\"a\":\"x\",\"exp\":4102444800}', "
			  . quote($key) . '), ' . quote($key) . ") ->> 'a'", @where),
		'x', 'SQL_ASCII: a signed claim is verified');
	is(state_of($node, "SELECT jwt_create_key('$_', convert_from('\\x61ff', 'SQL_ASCII'))", @where), '22P05', "SQL_ASCII: no key for $_ has a kid that is no text")
	  for qw(HS256 ES256);
	is(value_of($node, q{SELECT count(*) FROM jwt_auth.keys WHERE kid LIKE 'a%' AND length(kid) = 2}, @where), '0', 'SQL_ASCII: and none is kept');
}

done_testing();
