# Keys that were ever stored in the clear (F34): sealing replaces the next key,
# jwt_replace_unsealed_keys() whatever else signs, and neither rotating nor
# revoking brings one back that lay in the clear.  The view of keys and their
# states (F40) tells, and holds no key.
# At least 66 assertions

use strict;
use warnings;

use JwtAuthSession;
use JwtAuthTest;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('unsealed');
my $path = PostgreSQL::Test::Utils::tempdir() . '/master_key';
my $session = JwtAuthSession->new($node);
my $secret = sprintf q{'%s'::jsonb}, $session->query(q{SELECT jwk_generate('HS256', 's')});

is($session->state_of('SELECT jwt_replace_unsealed_keys()'), '55000', 'without a master key file, no key is replaced');

# In the clear: an active key, two next ones, and secrets of an issuer
$session->query(q{SELECT jwt_create_key('ES256', 'active'), jwt_create_key('ES256', 'next'), jwt_create_key('HS256', 'secret'),
	jwt_trust_issuer('https://s.example', }.$secret.q{, 'api'),
	jwt_trust_issuer('https://p.example', jwk_public(jwk_generate('ES256', 'p')), 'api')});
$session->query(q{SELECT jwt_create_user('alice', 'correct horse battery staple')});
my $refresh = $session->query(q{SELECT jwt_login('alice', 'correct horse battery staple') ->> 'refresh_token'});
my %token = map { $_ => scalar $session->query("SELECT jwt_sign('{}', '1 h', '$_')") } qw(active next secret);
is(states("use = 'sig'"), 'active:active:f:t next:next:f:t secret:next:f:t', 'before sealing, the view shows all keys as unsealed');

write_key('mk1');
$node->safe_psql('postgres', "ALTER DATABASE postgres SET jwt_auth.master_key_file = '$path'");
reconnect();

# Sealing: nothing next that was in the clear
$session->query('BEGIN');
$session->query('SELECT jwt_seal_keys()');
is(clear_ones('next'), 0, 'after sealing, no next key was ever unsealed');
$session->query('ROLLBACK');
is(clear_ones('next'), 2, 'a rollback undoes the replacement of next keys');
my (undef, $messages) = $session->query('SELECT jwt_seal_keys()');
like($messages, qr/WARNING:\s+01000/, 'sealing warns that unsealed keys still sign');
is(clear_ones('next'), 0, 'after sealing in earnest, no next key was ever unsealed');
is(clear_ones('active'), 3, 'after sealing, three active keys were once unsealed');
is(states("use = 'sig' AND kid IN ('active', 'next', 'secret')"), 'active:active:t:t next:retiring::t secret:retiring:t:t', 'after sealing, the former next keys are retiring');
is($session->query(q{SELECT string_agg(alg, ' ' ORDER BY alg) FROM jwt_auth.key_states WHERE use = 'sig' AND state = 'next'}), 'ES256 HS256',
	'in their places stand new ones of the same algorithms');
is($session->state_of("SELECT jwt_verify('$token{$_}')"), '', "the tokens of $_ are good") for sort keys %token;
is($session->state_of("SELECT jwt_sign('{}', kid => '$_')"), '22023', "$_ signs no more") for qw(next secret);
($session->query('SELECT jwt_seal_keys()'))[1] =~ /WARNING/ and fail('a second time warns, too') or pass('a second time, there is nothing to warn of');
my $before = states('true');
is($session->query('SELECT jwt_seal_keys()'), '0', 'afterwards there is nothing to seal');
is(states('true'), $before, 'afterwards there is nothing to replace');

# What signs after each way in which a key takes over
for my $way ('jwt_rotate_key()', "jwt_revoke_key('active')", 'jwt_replace_unsealed_keys()')
{
	$session->query('BEGIN');
	$session->query("SELECT $way");
	is(clear_ones('active', 'sig'), 0, "$way: the key that signs was never unsealed");
	is(clear_ones('next'), 0, "$way: no next key was ever unsealed");
	cmp_ok($session->query(q{SELECT count(*) FROM jwt_auth.key_states WHERE use = 'sig' AND state = 'next'}), '>=', 1, "$way: there is a next key");
	is($session->state_of(q{SELECT jwt_verify(jwt_sign('{}'))}), '', "$way: the active key signs");
	$session->query('ROLLBACK');
}

# One call, and nothing that was ever in the clear signs
my $count;
($count, $messages) = $session->query('SELECT jwt_replace_unsealed_keys()');
is($count, '3', 'the active signing key and two others are replaced');
is(() = $messages =~ /WARNING:\s+01000/g, 1, "replacing warns once, of an issuer's secret");
is(clear_ones($_, 'sig', 'refresh'), 0, "after replacing, no $_ key was ever unsealed") for qw(active next);
is($session->state_of("SELECT jwt_verify('$token{$_}')"), '', "the tokens of $_ are good") for sort keys %token;
is($session->query(q{SELECT max(verify_until) <= now() + interval '1 d 301 s' FROM jwt_auth.key_states WHERE use = 'sig' AND was_clear}), 't',
	'for max_token_ttl and a little more');
is($session->query("SELECT jwt_refresh('$refresh') ? 'access_token'"), 't', 'after replacing, a former refresh token is accepted');
is($session->query(q{SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'unsealed_keys_replaced'}), '1', 'replacing is audited');
$before = states('true');
is($session->query('SELECT jwt_replace_unsealed_keys()'), '0', 'replacing a second time replaces nothing');
is(states('true'), $before, 'replacing a second time changes nothing');
$session->query(q{SELECT jwt_rotate_key(), jwt_rotate_key(), jwt_rotate_refresh_key()});
is(clear_ones($_, 'sig', 'refresh'), 0, "after more rotations, no $_ key was ever unsealed") for qw(active next);

# An issuer that is trusted anew with the secret that lay in the clear
for my $same (qq{$secret, 'api'}, qq{$secret, 'api', options => '{"issuer": "none"}'}, qq{$secret, 'other'},
	qq{jsonb_build_object('keys', jsonb_build_array(jwk_generate('HS256', 'new'), $secret || '{"kid": "renamed"}')), 'api'})
{
	$session->query("SELECT jwt_trust_issuer('https://s.example', $same)");
	like(($session->query('SELECT jwt_replace_unsealed_keys()'))[1], qr/WARNING:\s+01000/, 'replacing warns while the issuer keeps its secret');
}
$session->query(q{SELECT jwt_trust_issuer('https://s.example', jwk_generate('HS256', 's'), 'api')});
unlike(($session->query('SELECT jwt_replace_unsealed_keys()'))[1], qr/WARNING/, 'replacing does not warn once the issuer has a new secret');

# At once, without sealing before: verifiers have not seen the key that signs
$node->safe_psql('postgres', 'DROP EXTENSION jwt_auth CASCADE');
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET jwt_auth.master_key_file');
$node->safe_psql('postgres', q{CREATE EXTENSION jwt_auth; SELECT jwt_create_key('ES384', 'active'), jwt_create_key('RS256', 'next')});
$node->safe_psql('postgres', "ALTER DATABASE postgres SET jwt_auth.master_key_file = '$path'");
reconnect();
($count, $messages) = $session->query('SELECT jwt_replace_unsealed_keys()');
is($count, '4', 'without sealing first, four keys are replaced at once');
is(() = $messages =~ /WARNING:\s+01000/g, 1, 'without sealing first, one warning says that verifiers must reload the key set');
is(clear_ones($_, 'sig', 'refresh'), 0, "without sealing first, no $_ key was ever unsealed") for qw(active next);
is($session->query(q{SELECT count(*) FROM jwt_auth.key_states WHERE NOT sealed}), '0', 'without sealing first, all keys are sealed');
is($session->query(q{SELECT alg FROM jwt_auth.key_states WHERE use = 'sig' AND state = 'active'}), 'RS256', "without sealing first, the next key's algorithm signs");

# A single active key, in the clear
$session->query(q{SELECT jwt_reset_after_restore()});
is(clear_ones($_, 'sig'), 0, "a reset creates sealed keys: $_") for qw(active next);
$session->query(q{DELETE FROM jwt_auth.keys WHERE use = 'sig' AND activated_at IS NULL AND verify_until IS NULL AND revoked_at IS NULL});
$session->query(q{UPDATE jwt_auth.keys SET was_clear = true WHERE use = 'sig'});
($count, $messages) = $session->query('SELECT jwt_replace_unsealed_keys()');
is($count, '1', 'without a next key, the active one is replaced');
like($messages, qr/WARNING:\s+01000/, 'without a next key, replacing warns that verifiers must reload the key set');
is($session->query(q{SELECT string_agg(DISTINCT alg, ' ') FROM jwt_auth.key_states WHERE use = 'sig' AND state IN ('active', 'next')}), 'RS256', 'without a next key, the new keys have the algorithm of the active one');
is($session->query(q{SELECT count(*) FROM jwt_auth.key_states WHERE use = 'sig' AND state = 'next'}), '1', 'without a next key, a new one is published');

# The view: who may read it, and what is in it
$session->query(q{SELECT jwt_retire_key(kid) FROM jwt_auth.key_states WHERE state = 'next' AND use = 'sig'});
is($session->query(q{SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM jwt_auth.key_states}), 'active next retired retiring revoked', 'the view has keys in every state');
is($session->query(q{SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'jwt_auth.key_states'::regclass AND attnum > 0}),
	'kid use alg state sealed was_clear created_at activated_at verify_until revoked_at', 'its columns: no key');
$session->query('CREATE ROLE regress_unsealed_monitor; CREATE ROLE regress_unsealed_other');
is(state_as('regress_unsealed_other', 'TABLE jwt_auth.key_states'), '42501', 'an ordinary role cannot read the view');
is(state_as('pg_monitor', 'TABLE jwt_auth.key_states'), '42501', 'pg_monitor cannot read the view');
$session->query('GRANT USAGE ON SCHEMA jwt_auth TO regress_unsealed_monitor; GRANT SELECT ON jwt_auth.key_states TO regress_unsealed_monitor');
is(state_as('regress_unsealed_monitor', 'TABLE jwt_auth.key_states'), '42501', 'a role to which only the view was granted cannot read it');
$session->query(q{CREATE FUNCTION public.key_states() RETURNS SETOF jwt_auth.key_states LANGUAGE sql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp AS 'SELECT * FROM jwt_auth.key_states'});
$session->query('SET ROLE regress_unsealed_monitor');
is($session->query('SELECT count(*) > 2 FROM public.key_states()'), 't', 'a function of a superuser can read the view');
is($session->state_of('TABLE jwt_auth.keys'), '42501', 'a role that reads the view through a function cannot read the table');
$session->query('RESET ROLE');
$session->close;
done_testing();

sub write_key
{
	my ($name) = @_;

	open my $random, '<:raw', '/dev/urandom' or die;
	read $random, my $bytes, 32;
	open my $file, '>', $path or die "could not write $path: $!\n";
	chmod 0600, $path or die;
	print $file "$name ", encode_base64($bytes, ''), "\n";
	close $file or die "could not write $path: $!\n";
	return;
}

sub reconnect
{
	$session->close;
	$session = JwtAuthSession->new($node);
	return;
}

# Kid, state, sealed, and whether ever in the clear
sub states
{
	my ($condition) = @_;

	return $session->query("SELECT string_agg(concat_ws(':', kid, state, coalesce(sealed::text, ''), was_clear), ' ' ORDER BY kid)
		FROM jwt_auth.key_states WHERE $condition") =~ s/\b(true|false)\b/substr $1, 0, 1/ger;
}

# How many keys of a state were ever in the clear
sub clear_ones
{
	my ($state, @uses) = @_;
	my $uses = join ', ', map { "'$_'" } @uses ? @uses : qw(sig refresh hash);

	return $session->query("SELECT count(*) FROM jwt_auth.key_states WHERE was_clear AND state = '$state' AND use IN ($uses)");
}

sub state_as
{
	my ($role, $statement) = @_;

	$session->query("SET ROLE $role");
	my $state = $session->state_of($statement);
	$session->query('RESET ROLE');
	return $state;
}
