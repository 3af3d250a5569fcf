# The keys that PostgREST is handed (F45): those that it can verify with and
# no others, a warning where tokens are signed with another, and if asked for the
# keys of trusted issuers, who may still name only the roles that are listed.
# At least 57 assertions

use strict;
use warnings;

use JSON::PP;
use JwtAuthSession;
use JwtAuthTest;
use Test::More;

my @VERIFIED = qw(ES256 ES384 ES512 RS256 EdDSA);
my @REFUSED = qw(HS256 HS384 HS512 RS384 RS512 PS256 PS384 PS512 ES256K Ed25519 Ed448);
my $node = start_node('postgrest_config');
my $session = JwtAuthSession->new($node);
my $json = JSON::PP->new->canonical;

check_algorithms();
check_warnings();
check_issuers();
check_roles();
$session->close;
done_testing();

# The kids that are handed over and the audience, or the SQLSTATE; and warnings.
sub configured
{
	my ($arguments) = @_;

	$session->query('BEGIN');
	my (undef, $messages) = $session->query('SELECT jwt_postgrest_config(' . ($arguments // '') . ')');
	my $result = $messages =~ /ERROR:\s+(\w{5})/ ? $1 : $session->query(q{
		SELECT string_agg(k ->> 'kid', ' ' ORDER BY k ->> 'kid') || ' aud=' || coalesce(current_setting('pgrst.jwt_aud', true), '')
		FROM jsonb_array_elements(current_setting('pgrst.jwt_secret')::jsonb -> 'keys') AS k});

	$session->query('ROLLBACK');
	return ($result, ($messages =~ /WARNING:\s+(\w{5})/)[0] // '');
}

sub is_configured
{
	my ($arguments, $result, $warning, $what) = @_;
	my @got = configured($arguments);

	is($got[0], $result, $what);
	is($got[1], $warning, "$what: " . ($warning eq '' ? 'no warning' : 'a warning'));
	return;
}

sub check_algorithms
{
	is_configured('', '55000', '', 'without a key');
	for my $alg (@VERIFIED, @REFUSED)
	{
		my $is_verified = grep { $_ eq $alg } @VERIFIED;

		$session->query("SELECT jwt_create_key('$alg', 'only')");
		is_configured('', $is_verified ? 'only aud=' : '55000', '', "$alg alone");
		$session->query('DELETE FROM jwt_auth.keys');
	}
	return;
}

# What signs matters, and what verifies; a reset leaves the kind that signed.
sub check_warnings
{
	$session->query($_)
	  for q{SELECT jwt_create_key('HS256', 'h')}, q{SELECT jwt_create_key('RS512', 'r')}, q{SELECT jwt_create_key('ES256', 'e')};
	is_configured('', 'e aud=', '01000', 'with an active secret and other keys next');
	$session->query(q{SELECT jwt_retire_key('r'); SELECT jwt_rotate_key('ES384')});
	is((configured())[1], '', 'after a rotation to a public key, there is no warning');
	like((configured())[0], qr/^(?!.*\bh\b)(?=.*\be\b)/, 'after a rotation to a public key, the secret is not handed over');
	$session->query('DELETE FROM jwt_auth.keys');
	$session->query($_) for q{SELECT jwt_create_key('HS256', 'h')}, q{SELECT jwt_create_key('ES256', 'e')}, 'SELECT jwt_reset_after_restore()';
	is_configured('', '55000', '', 'after a reset where a secret signed');
	$session->query('DELETE FROM jwt_auth.keys');
	$session->query(q{SELECT jwt_create_key('ES256', 'own')});
	return;
}

sub check_issuers
{
	my $key = sub { my ($alg, $kid) = @_; return "jwk_public(jwk_generate('$alg', '$kid'))" };
	my $set = sub { return q{jsonb_build_object('keys', jsonb_build_array(} . join(', ', @_) . '))' };

	$session->query(q{SELECT jwk_generate('ES256', 'a1') AS a1 \gset});
	$session->query(q{SELECT jwt_trust_issuer('https://a.example', } . $set->(q{jwk_public(:'a1')}, $key->('PS256', 'a2'), $key->('RS256', 'a3'),
		$key->('ES384', 'a4') . " - 'alg'", $key->('ES256K', 'a5') . " - 'alg'", $key->('Ed448', 'a6') . " - 'alg'")
		  . q{, 'api-a', '{regress_config_user}')});
	$session->query(q{SELECT jwt_trust_issuer('https://b.example', } . $set->(q{jwk_from_secret('0123456789abcdef0123456789abcdef', 'HS256', 'b1')}) . q{, 'api-b')});
	is_configured('', 'own aud=', '', 'by default, keys of issuers are left out');
	is_configured('false', 'own aud=', '', 'with_issuers false leaves out keys of issuers');
	is_configured('NULL', 'own aud=', '', 'with_issuers NULL leaves out keys of issuers');
	is_configured('true', 'a1 a3 a4 own aud=', '', 'with_issuers true includes keys of issuers that PostgREST can use, and no secret');
	$session->query(q{SET jwt_auth.audience = 'own-api'});
	is_configured('', 'own aud=own-api', '', 'without issuers, jwt_auth.audience is configured');
	is_configured('true', 'a1 a3 a4 own aud=', '', 'with_issuers true configures no audience');
	$session->query('RESET jwt_auth.audience');

	# A change of issuers makes PostgREST ask again.
	my $listener = JwtAuthSession->new($node);
	$listener->query('LISTEN pgrst');
	my $told = sub { return $listener->query('SELECT 1') =~ /"pgrst" with payload "reload config"/ ? 1 : 0 };

	$session->query(q{SELECT jwt_trust_issuer('https://c.example', } . $key->('ES256', 'c1') . q{, 'api-c')});
	is($told->(), 1, 'jwt_trust_issuer notifies PostgREST');
	$session->query(q{SELECT jwt_distrust_issuer('https://c.example')});
	is($told->(), 1, 'jwt_distrust_issuer notifies PostgREST');
	$session->query(q{BEGIN; SELECT jwt_distrust_issuer('https://a.example'); ROLLBACK});
	is($told->(), 0, 'jwt_trust_issuer that is rolled back does not notify PostgREST');
	$listener->close;
	return;
}

# PostgREST takes whatever role a token names: the issuer may name only those
# that are listed.
sub check_roles
{
	for my $case (
		[ 'a listed role', q{"role":"regress_config_user"}, '' ], [ 'no role', '', '' ],
		[ 'another role', q{"role":"regress_config_admin"}, '42501' ], [ 'an empty role', q{"role":""}, '42501' ],
		[ 'a role that is a number', q{"role":7}, '42501' ], [ 'a role that is null', q{"role":null}, '42501' ],
		[ 'a role in a list', q{"role":["regress_config_user"]}, '42501' ])
	{
		my ($what, $member, $state) = @$case;
		my $claims = '{"iss":"https://a.example","aud":"api-a","sub":"x","exp":4102444800' . ($member eq '' ? '' : ",$member") . '}';

		$session->query("SELECT jwt_sign_with('$claims', :'a1') AS token \\gset");
		$session->query('BEGIN');
		$session->query(q{SET LOCAL pgrst.db_anon_role = 'web_anon'});
		$session->query(q{SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || :'token')::text, true),
			set_config('request.jwt.claims', (} . "'{\"role\":\"web_anon\"}'::jsonb || '$claims'" . q{)::text, true)});
		is($session->state_of('SELECT jwt_pre_request()'), $state, "an issuer's token with $what");
		$session->query('ROLLBACK');
	}
	my $claims = '{"sub":"x","role":"regress_config_admin"}';
	$session->query("SELECT jwt_sign('$claims') AS token \\gset");
	$session->query('BEGIN');
	$session->query(q{SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || :'token')::text, true),
		set_config('request.jwt.claims', (jwt_decode(:'token')).claims::text, true)});
	is($session->state_of('SELECT jwt_pre_request()'), '', 'a token of this database may name any role');
	$session->query('ROLLBACK');
	return;
}
