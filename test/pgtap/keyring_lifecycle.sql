-- Life of a stored key (T75, T76, F38): next, active, retiring, retired, revoked.
-- There is one active key, whatever happens; a key that is gone verifies
-- nothing, and no kid is used twice.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 140 assertions
SELECT no_plan();

-- Before any key
SELECT test.raises('SELECT jwt_sign(''{}'')', '55000', 'without a key, jwt_sign is refused');
SELECT test.raises('SELECT jwt_sign(''{}'', kid => ''k1'')', '22023', 'without a key, jwt_sign with a kid is refused');
SELECT is(jwt_jwks(), '{"keys":[]}', 'without a key, nothing is published');
SELECT test.raises(statement, '22023', 'no such key: ' || statement)
FROM unnest(ARRAY['SELECT jwt_retire_key(''k1'')', 'SELECT jwt_revoke_key(''k1'')',
				  'SELECT jwt_retire_key('''')', 'SELECT jwt_revoke_key('''')']) AS statement;
SELECT is_empty('SELECT * FROM jwt_auth.keys', 'calls that failed leave no row');

-- Creating: the first is active, later ones are next
SELECT is(jwt_create_key('ES256', 'k1'), 'k1', 'jwt_create_key returns the kid');
SELECT is(test.key_state('k1'), 'active', 'the first key is active');
SELECT is(jwt_create_key('EdDSA', 'k2'), 'k2', 'creating a second key returns its kid');
SELECT is(test.key_state('k2'), 'next', 'a second key is next');
SELECT is(jwt_create_key('HS256', 'k3'), 'k3', 'creating a third key returns its kid');
SELECT is(test.key_state('k3'), 'next', 'a third key is next');
SELECT is(test.active_kids(), '{k1}', 'while others are next, the first key is active');
SELECT test.raises(statement, '22023', 'refused: ' || statement)
FROM unnest(ARRAY['SELECT jwt_create_key(''ES256'', ''k1'')', 'SELECT jwt_create_key(''HS256'', ''k2'')',
				  'SELECT jwt_create_key(''none'')', 'SELECT jwt_create_key('''')',
				  'SELECT jwt_create_key(''es256'')', 'SELECT jwt_create_key(''RSA'')',
				  'SELECT jwt_create_key(''ES256'', '''')',
				  'SELECT jwt_create_key(''ES256'', repeat(''k'', 256))']) AS statement;
SELECT is((SELECT count(*) FROM jwt_auth.keys WHERE use = 'sig'), 3::bigint, 'refused calls of jwt_create_key leave no row');
SELECT is(jwt_create_key('ES256', repeat('k', 255)), repeat('k', 255), 'a kid of 255 bytes is accepted');
SELECT lives_ok(format('SELECT jwt_retire_key(%L)', repeat('k', 255)), 'a key with a kid of 255 bytes can be retired');
SELECT jwt_create_key('ES384') AS kid \gset
SELECT is((SELECT thumbprint FROM jwt_auth.keys WHERE alg = 'ES384'), :'kid',
		  'the default kid is the thumbprint');
SELECT is((SELECT jwk_thumbprint(public_jwk) FROM jwt_auth.keys WHERE alg = 'ES384'),
		  (SELECT kid FROM jwt_auth.keys WHERE alg = 'ES384'), 'the default kid is the thumbprint of RFC 7638');
SELECT jwt_create_key('HS512') AS kid \gset
SELECT isnt((SELECT thumbprint FROM jwt_auth.keys WHERE kid = :'kid'), :'kid',
			'the default kid of a secret is not its thumbprint');
SELECT matches(:'kid'::text, '^[A-Za-z0-9_-]{22}$', 'the default kid of a secret is 16 random bytes');
SELECT jwt_revoke_key(kid) FROM jwt_auth.keys WHERE alg IN ('ES384', 'HS512');

-- Every key signs and verifies while it is next, as its own kid says
SELECT is(test.kid_of(jwt_sign('{}')), 'k1', 'by default, the active key signs');
SELECT is(test.kid_of(jwt_sign('{}', kid => kid)), kid, kid || ' signs when asked')
FROM unnest('{k1,k2,k3}'::text[]) AS kid;
SELECT is(test.verdict(jwt_sign('{}', kid => kid)), NULL, kid || ' verifies')
FROM unnest('{k1,k2,k3}'::text[]) AS kid;

-- Rotating: the oldest next key is promoted, a new one published
CREATE TABLE public.made AS
SELECT kid, jwt_sign(jsonb_build_object('n', kid), kid => kid) AS token
FROM unnest('{k1,k2,k3}'::text[]) AS kid;
SELECT is(jwt_rotate_key(), 'k2', 'a rotation promotes the oldest next key');
SELECT is(test.active_kids(), '{k2}', 'after a rotation, the promoted key is the active one');
SELECT is(test.key_state('k1'), 'retiring', 'after a rotation, the former key is retiring');
SELECT is((SELECT verify_until - (SELECT activated_at FROM jwt_auth.keys WHERE kid = 'k2')
		   FROM jwt_auth.keys WHERE kid = 'k1'), interval '1 day 300 s',
		  'a retiring key verifies for max_token_ttl and 300 s');
SELECT ok((SELECT private_jwk IS NULL AND sealed_by IS NULL FROM jwt_auth.keys WHERE kid = 'k1'),
		  'a retiring key has no private half');
SELECT is((SELECT count(*) FROM jwt_auth.keys WHERE use = 'sig' AND test.key_state(kid) = 'next'),
		  2::bigint, 'a rotation creates a new next key');
SELECT is((SELECT array_agg(DISTINCT alg) FROM jwt_auth.keys
		   WHERE test.key_state(kid) = 'next' AND kid <> 'k3'), '{EdDSA}',
		  'the new next key has the algorithm of the promoted one');
SELECT is(test.kid_of(jwt_sign('{}')), 'k2', 'after a rotation, the promoted key signs');
SELECT test.raises('SELECT jwt_sign(''{}'', kid => ''k1'')', '22023', 'a retiring key does not sign');
SELECT is(test.verdict(token), NULL, kid || ': its tokens verify after one rotation') FROM public.made;
SELECT is(jwt_rotate_key('RS256'), 'k3', 'a second rotation promotes the next key');
SELECT is(test.active_kids(), '{k3}', 'a secret that was promoted is active');
SELECT is((SELECT alg FROM jwt_auth.keys WHERE test.key_state(kid) = 'next'
		   ORDER BY created_at DESC LIMIT 1), 'RS256', 'the new next key has the algorithm that was asked for');
SELECT is(test.verdict(token), NULL, kid || ': its tokens verify after two rotations') FROM public.made;
SELECT test.raises(statement, '22023', 'refused: ' || statement)
FROM unnest(ARRAY['SELECT jwt_rotate_key(''none'')', 'SELECT jwt_rotate_key('''')',
				  'SELECT jwt_rotate_key(''ES257'')']) AS statement;
SELECT is(test.active_kids(), '{k3}', 'refused rotations leave the active key');

-- The ttl is what counts when the key goes
SET jwt_auth.max_token_ttl = '1h';
SELECT jwt_rotate_key() AS kid \gset
SELECT is((SELECT verify_until - (SELECT activated_at FROM jwt_auth.keys WHERE kid = :'kid')
		   FROM jwt_auth.keys WHERE kid = 'k3'), interval '1 hour 300 s',
		  'the end of a retiring key follows max_token_ttl');
SELECT ok((SELECT private_jwk IS NOT NULL FROM jwt_auth.keys WHERE kid = 'k3'),
		  'a retiring secret is kept');
SELECT test.raises('SELECT jwt_sign(''{}'', kid => ''k3'')', '22023', 'a retiring secret does not sign');
SELECT is(test.verdict(token), NULL, kid || ': its tokens verify while it is retiring') FROM public.made WHERE kid = 'k3';
RESET jwt_auth.max_token_ttl;

-- Retiring
SELECT test.raises(format('SELECT jwt_retire_key(%L)', (test.active_kids())[1]), '55000',
				   'the active key cannot be retired');
SELECT is(cardinality(test.active_kids()), 1, 'after a refusal to retire it, the active key is there');
SELECT jwt_create_key('ES256', 'k4');
SELECT jwt_sign('{}', kid => 'k4') AS k4_token \gset
SELECT is(test.verdict(:'k4_token'), NULL, 'before it is retired, a next key verifies');
SELECT lives_ok('SELECT jwt_retire_key(''k4'')', 'a next key can be retired');
SELECT is(test.key_state('k4'), 'retired', 'a next key that is retired is so at once');
SELECT is(test.verdict(:'k4_token'), '28J00', 'a token by a retired next key is refused');
SELECT test.raises('SELECT jwt_sign(''{}'', kid => ''k4'')', '22023', 'a retired key does not sign');
SELECT ok((SELECT private_jwk IS NULL FROM jwt_auth.keys WHERE kid = 'k4'), 'a retired key has no private half');
SELECT lives_ok('SELECT jwt_retire_key(''k4'')', 'retiring a retired key is no error');
SELECT is(test.key_state('k4'), 'retired', 'a retired key that is retired again stays retired');
SELECT is(test.verdict(:'k4_token'), '28J00', 'after its key was retired twice, a token is refused');
SELECT is(test.verdict(token), NULL, 'before it is retired, a retiring key verifies') FROM public.made WHERE kid = 'k1';
SELECT lives_ok('SELECT jwt_retire_key(''k1'')', 'a retiring key can be retired');
SELECT is(test.verdict(token), '28J00', 'a token by a key that was retired is refused') FROM public.made WHERE kid = 'k1';
SELECT lives_ok('SELECT jwt_retire_key(''k3'')', 'a retiring secret can be retired');
SELECT ok((SELECT private_jwk IS NULL FROM jwt_auth.keys WHERE kid = 'k3'), 'a retired secret is erased');
SELECT is(test.verdict(token), '28J00', 'a token by a retired secret is refused') FROM public.made WHERE kid = 'k3';
SELECT jwt_create_key('HS256', 'k3b');
SELECT jwt_sign('{"aud":"here"}', kid => 'k3b') AS k3b_token \gset
SELECT is(test.verdict(:'k3b_token', 'here'), NULL, 'before it is retired, a next secret verifies for an audience');
SELECT jwt_retire_key('k3b');
SELECT is(test.verdict(:'k3b_token', 'here'), '28J00', 'a token by a retired secret is refused for its audience'),
	   is(test.verdict(regexp_replace(:'k3b_token', '[^.]*$', repeat('A', 43)), 'here'), '28J00', 'a forged token that names an erased secret is refused for its audience');

-- Revoking
SELECT jwt_create_key('ES256', 'k5');
SELECT jwt_sign('{}', kid => 'k5') AS k5_token \gset
SELECT is(test.verdict(:'k5_token'), NULL, 'before it is revoked, a next key verifies');
SELECT test.active_kids() AS before \gset
SELECT lives_ok('SELECT jwt_revoke_key(''k5'')', 'a next key can be revoked');
SELECT is(test.key_state('k5'), 'revoked', 'a next key that was revoked has that state');
SELECT is(test.verdict(:'k5_token'), '28J00', 'a token by a revoked next key is refused');
SELECT is(test.active_kids(), :'before', 'revoking a next key leaves the active one');
SELECT is(test.verdict(token), NULL, 'before it is revoked, a retiring key verifies') FROM public.made WHERE kid = 'k2';
SELECT lives_ok('SELECT jwt_revoke_key(''k2'')', 'a retiring key can be revoked');
SELECT is(test.verdict(token), '28J00', 'a token by a revoked retiring key is refused') FROM public.made WHERE kid = 'k2';
SELECT lives_ok('SELECT jwt_revoke_key(''k4'')', 'a retired key can be revoked');
SELECT is(test.key_state('k4'), 'revoked', 'a retired key that was revoked has that state');
SELECT revoked_at FROM jwt_auth.keys WHERE kid = 'k5' \gset
SELECT jwt_revoke_key('k5');
SELECT is((SELECT revoked_at FROM jwt_auth.keys WHERE kid = 'k5'), :'revoked_at',
		  'revoking a key again keeps the time');

-- The active one gets a successor: the oldest next key
SELECT kid AS next, (test.active_kids())[1] AS active FROM jwt_auth.keys
WHERE use = 'sig' AND test.key_state(kid) = 'next' ORDER BY created_at, kid LIMIT 1 \gset
SELECT jwt_sign('{}') AS active_token \gset
SELECT is(test.verdict(:'active_token'), NULL, 'before it is revoked, the active key verifies');
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'active'), 'the active key can be revoked');
SELECT is(test.key_state(:'active'), 'revoked', 'an active key that was revoked has that state');
SELECT is(test.verdict(:'active_token'), '28J00', 'a token by a revoked active key is refused at once');
SELECT is(test.active_kids(), ARRAY[:'next'], 'the oldest next key is the successor of a revoked active key');
SELECT is(test.kid_of(jwt_sign('{}')), :'next', 'the successor of a revoked active key signs');
-- or a new one, of the same algorithm
UPDATE jwt_auth.keys SET revoked_at = now(), private_jwk = NULL, sealed_by = NULL
WHERE use = 'sig' AND test.key_state(kid) = 'next';
SELECT kid AS active, alg FROM jwt_auth.keys WHERE kid = (test.active_kids())[1] \gset
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'active'), 'the last signing key can be revoked');
SELECT isnt(test.active_kids(), ARRAY[:'active'], 'after the last signing key was revoked, another is active');
SELECT is(cardinality(test.active_kids()), 1, 'after the last signing key was revoked, one key is active');
SELECT is((SELECT alg FROM jwt_auth.keys WHERE kid = (test.active_kids())[1]), :'alg',
		  'the new active key has the algorithm of the revoked one');
SELECT is(test.verdict(jwt_sign('{}')), NULL, 'the new active key signs and verifies');
-- and a next key, so that the following rotation is to a published one
SELECT is((SELECT array_agg(alg) FROM jwt_auth.keys WHERE use = 'sig' AND test.key_state(kid) = 'next'), ARRAY[:'alg'],
		  'after a revocation there is a next key of the same algorithm');
SELECT kid AS next FROM jwt_auth.keys WHERE use = 'sig' AND test.key_state(kid) = 'next' \gset
SELECT is(test.published() @> ARRAY[:'next'], :'alg' NOT LIKE 'HS%', 'the next key after a revocation is published if it has a public half');
SELECT is(jwt_rotate_key(), :'next', 'the next rotation promotes the next key that a revocation created');

-- Rotating where no next key is there: made and promoted in one step
UPDATE jwt_auth.keys SET revoked_at = now(), private_jwk = NULL, sealed_by = NULL
WHERE use = 'sig' AND test.key_state(kid) = 'next';
SELECT (test.active_kids())[1] AS active \gset
SELECT is((SELECT count(*) FROM jwt_auth.keys WHERE use = 'sig' AND test.key_state(kid) = 'next'),
		  0::bigint, 'before the rotation, there is no next key');
SELECT jwt_rotate_key('ES512') AS kid \gset
SELECT is(test.active_kids(), ARRAY[:'kid'], 'a rotation without next key promotes a new one');
SELECT is((SELECT alg FROM jwt_auth.keys WHERE kid = :'kid'), 'ES512', 'a rotation without next key creates the algorithm that was asked for');
SELECT is(test.key_state(:'active'), 'retiring', 'after a rotation without next key, the former key is retiring');
SELECT is((SELECT array_agg(alg) FROM jwt_auth.keys WHERE test.key_state(kid) = 'next'), '{ES512}',
		  'a rotation without next key creates a next one as well');

-- Whatever was ever here never comes again
SELECT test.raises(format('SELECT jwt_create_key(''ES256'', %L)', kid), '22023',
				   'never again: ' || test.key_state(kid) || ' ' || left(kid, 10))
FROM jwt_auth.keys WHERE kid IN ('k1', 'k2', 'k3', 'k4', 'k5');

-- Keys of other uses are no business of these functions
SELECT is((SELECT array_agg(use ORDER BY use) FROM jwt_auth.keys WHERE use <> 'sig'), '{handle,hash,refresh}', 'the first signing key brought secrets for other uses');
SELECT is(jwt_rotate_refresh_key(), 3, 'a rotation of the refresh key returns its number');
SELECT is(jwt_rotate_refresh_key(), 4, 'a second rotation of the refresh key returns the next number');
SELECT test.raises(format('SELECT %s(%L)', f, kid), '22023', f || ' of a refresh key')
FROM jwt_auth.keys, unnest('{jwt_retire_key,jwt_revoke_key}'::text[]) AS f WHERE use = 'refresh';
SELECT test.raises(format('SELECT jwt_sign(''{}'', kid => %L)', kid), '22023', 'a refresh key does not sign a JWT')
FROM jwt_auth.keys WHERE use = 'refresh';
SELECT is((SELECT array_agg(number ORDER BY number) FROM jwt_auth.keys
		   WHERE use = 'refresh' AND test.key_state(kid) = 'active'), '{4}', 'one refresh key is active');
SELECT cmp_ok((SELECT verify_until FROM jwt_auth.keys WHERE number = 1), '>=',
			  clock_timestamp() + interval '29 days 23 hours',
			  'a former refresh key verifies until the last session that can exist has ended');

-- Each change is written down, and undone with its transaction
SELECT set_has($$SELECT event FROM jwt_auth.audit_log$$,
			   $$VALUES ('key_created'), ('key_rotated'), ('key_retired'), ('key_revoked'),
						('refresh_key_rotated')$$, 'the audit log has each kind of change of keys');
SELECT is_empty($$SELECT 1 FROM jwt_auth.audit_log WHERE actor <> session_user OR at IS NULL$$,
				'each event of a key has its actor and time');
CREATE TABLE public.keys_before AS SELECT * FROM jwt_auth.keys;
CREATE TABLE public.audit_before AS SELECT count(*) AS rows FROM jwt_auth.audit_log;
BEGIN;
SELECT count(jwt_rotate_key()), count(jwt_create_key('HS256', 'gone')), count(jwt_rotate_refresh_key()) \gset
SELECT jwt_sign('{}', kid => 'gone') AS gone_token \gset
ROLLBACK;
SELECT set_eq('SELECT * FROM jwt_auth.keys', 'SELECT * FROM public.keys_before', 'a rollback undoes all changes of keys');
SELECT results_eq('SELECT count(*) FROM jwt_auth.audit_log', 'SELECT rows FROM public.audit_before',
				  'a rollback undoes the events of changes of keys');
SELECT is(test.verdict(:'gone_token'), '28J00', 'a token by a key that was rolled back is refused');
SELECT is(jwt_create_key('ES256', 'gone'), 'gone', 'the kid of a key that was rolled back is free');

-- Constraints hold for the owner, too
SELECT test.raises(statement, state, 'refused: ' || left(statement, 90))
FROM (VALUES
	('UPDATE jwt_auth.keys SET activated_at = now(), verify_until = NULL, revoked_at = NULL
	  WHERE use = ''sig'' AND kid <> (test.active_kids())[1]', '23505'),
	('UPDATE jwt_auth.keys SET thumbprint = ''x'' WHERE use = ''sig''', '23505'),
	('UPDATE jwt_auth.keys SET use = ''enc''', '23514'),
	('UPDATE jwt_auth.keys SET number = NULL WHERE use = ''refresh''', '23514'),
	('UPDATE jwt_auth.keys SET sealed_by = ''x'', private_jwk = NULL', '23514'))
	AS v (statement, state);

-- What was stored in the clear is known as such
SELECT jwt_import_key(jwk_public(jwk_generate('ES256', 'half'))) \g /dev/null
SELECT is(was_clear, kid <> 'half', format('whether the private half of %s was in the clear', kid)) FROM jwt_auth.keys WHERE kid IN ('gone', 'half');

-- A reset revokes what has not been revoked
CREATE TABLE public.revoked_before AS SELECT use, kid, revoked_at FROM jwt_auth.keys WHERE revoked_at IS NOT NULL;
SELECT jwt_reset_after_restore();
SELECT cmp_ok((SELECT count(*) FROM public.revoked_before WHERE use = 'sig'), '>', 2::bigint, 'signing keys were revoked before a reset');
SELECT is_empty('SELECT * FROM public.revoked_before EXCEPT SELECT use, kid, revoked_at FROM jwt_auth.keys', 'a reset leaves when a key was revoked');

SELECT * FROM finish();
