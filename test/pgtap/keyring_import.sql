-- Importing keys (T07, T12, T76): a private key becomes next, or active if it
-- is the first, a public one only verifies; what was ever here, and what no
-- key should be, is 22023 and leaves no row.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 136 assertions
SELECT no_plan();

-- The first private key is active, later ones are next
SELECT is(jwt_import_key(test.key('P-256', 'ES256') || '{"kid":"i1"}'), 'i1', 'importing a private key returns its kid');
SELECT is(test.key_state('i1'), 'active', 'the first imported private key is active');
SELECT is(jwt_import_key(test.key('Ed25519', 'EdDSA')), jwk_thumbprint(test.key('Ed25519')),
		  'an imported key without kid has its thumbprint as kid');
SELECT is(test.key_state(jwk_thumbprint(test.key('Ed25519'))), 'next', 'an imported private key is next where another is active');
SELECT is(jwt_import_key(test.key('oct', 'HS256') || '{"kid":"i3"}'), 'i3', 'importing a secret returns its kid');
SELECT is(test.key_state('i3'), 'next', 'an imported secret is next where another key is active');
SELECT is(jwt_import_key(test.key('RSA', 'PS384') || '{"kid":"i4","use":"sig","key_ops":["sign","verify"],"x":1}'),
		  'i4', 'a key with further members is imported');
SELECT is(test.active_kids(), '{i1}', 'after four imports, the first key is active');
SELECT is(test.verdict(jwt_sign('{}', kid => kid)), NULL, kid || ' signs and verifies')
FROM jwt_auth.keys WHERE use = 'sig';
SELECT is(jwt_verify_with(jwt_sign('{"jti":"j"}', kid => 'i1'), test.key('P-256')) ->> 'jti', 'j',
		  'a token by an imported key verifies with the key itself');
SELECT is(public_jwk, jwk_public(test.key('RSA', 'PS384') || '{"kid":"i4","use":"sig"}'),
		  'an imported key is published without its further members')
FROM jwt_auth.keys WHERE kid = 'i4';
SELECT is((SELECT public_jwk FROM jwt_auth.keys WHERE kid = 'i3'), NULL, 'nothing of an imported secret is published');

-- A public key verifies for max_token_ttl, and never signs
CREATE TABLE public.foreign_key AS SELECT jwk_generate('ES256', 'p1') AS key;
SELECT jwt_sign_with(jsonb_build_object('exp', test.seconds(600)), key) AS p1_token,
	   jwk_public(key) AS p1_public FROM public.foreign_key \gset
SELECT is(test.verdict(:'p1_token'), '28J00', 'before its key is imported, a token is refused');
SELECT is(jwt_import_key(:'p1_public'), 'p1', 'importing a public key returns its kid');
SELECT is(test.verdict(:'p1_token'), NULL, 'after its public key was imported, a token verifies');
SELECT is(test.key_state('p1'), 'retiring', 'an imported public key is retiring');
SELECT is((SELECT verify_until - created_at FROM jwt_auth.keys WHERE kid = 'p1'), interval '1 day',
		  'an imported public key verifies for max_token_ttl');
SELECT test.raises('SELECT jwt_sign(''{}'', kid => ''p1'')', '22023', 'an imported public key does not sign');
SELECT ok((SELECT private_jwk IS NULL FROM jwt_auth.keys WHERE kid = 'p1'), 'an imported public key has no private half');
SELECT test.raises('SELECT jwt_import_key((SELECT key FROM public.foreign_key))', '22023',
				   'the private half of an imported public key cannot be imported');
SELECT is(test.active_kids(), '{i1}', 'an imported public key does not replace the active one');
SET jwt_auth.max_token_ttl = '10min';
SELECT is(jwt_import_key(jwk_public(jwk_generate('EdDSA', 'p2'))), 'p2', 'importing a second public key returns its kid');
SELECT is((SELECT verify_until - created_at FROM jwt_auth.keys WHERE kid = 'p2'), interval '10 min',
		  'the end of an imported public key follows max_token_ttl');
RESET jwt_auth.max_token_ttl;

-- What was ever here: kids and keys, in every state, under every name
SELECT jwt_create_key('ES256', 'r1'), jwt_create_key('HS256', 'r2');
CREATE TABLE public.known AS
SELECT what, key FROM (VALUES
	('RSA', test.key('RSA', 'PS384')), ('EC', test.key('P-256', 'ES256')),
	('OKP', test.key('Ed25519', 'EdDSA')), ('oct', test.key('oct', 'HS256'))) AS v (what, key);
CREATE FUNCTION pg_temp.comes_again(after text) RETURNS SETOF text
LANGUAGE sql AS
$$
	SELECT test.raises(format('SELECT jwt_import_key(%L)', key), '22023',
					   format('%s: %s, the same key', after, what))
	FROM public.known
	UNION ALL
	SELECT test.raises(format('SELECT jwt_import_key(%L)', key || '{"kid":"new"}'), '22023',
					   format('%s: %s, under another kid', after, what))
	FROM public.known
	UNION ALL
	SELECT test.raises(format('SELECT jwt_import_key(%L)', key || jsonb_build_object('alg', alg)),
					   '22023', format('%s: %s, for %s', after, what, alg))
	FROM public.known, LATERAL (VALUES ('RSA', 'RS256'), ('RSA', 'PS512'), ('OKP', 'Ed25519'),
									   ('oct', 'HS384'), ('oct', 'HS512')) AS a (kind, alg)
	WHERE kind = what
	UNION ALL
	SELECT test.raises(format('SELECT jwt_import_key(%L)', test.public(key)), '22023',
					   format('%s: %s, its public half', after, what))
	FROM public.known WHERE what <> 'oct'
	UNION ALL
	SELECT test.raises(format('SELECT jwt_import_key(%L)', jwk_generate('ES256', kid)), '22023',
					   format('%s: another key as %s', after, kid))
	FROM unnest('{i1,i3,i4,p1,r1,r2}'::text[]) AS kid
$$;
SELECT * FROM pg_temp.comes_again('while here');
SELECT is(count(jwt_retire_key(kid)), 3::bigint, 'three next keys retire') FROM jwt_auth.keys
WHERE use = 'sig' AND kid IN ('i4', 'r1', 'r2');
SELECT * FROM pg_temp.comes_again('retired');
SELECT is(count(jwt_revoke_key(kid)), 8::bigint, 'eight keys are revoked') FROM jwt_auth.keys
WHERE use = 'sig' AND kid IN ('i1', 'i3', 'i4', 'p1', 'p2', 'r1', 'r2', jwk_thumbprint(test.key('Ed25519')));
SELECT * FROM pg_temp.comes_again('revoked');
SELECT ok(bool_and(private_jwk IS NULL), 'no private half of a revoked key is left')
FROM jwt_auth.keys WHERE revoked_at IS NOT NULL;
SELECT is(cardinality(test.active_kids()), 1, 'after all imported keys were revoked, one key is active');

-- The fingerprint of a secret is not its thumbprint, which would be guessed fast
SELECT isnt(thumbprint, jwk_thumbprint(test.key('oct')), 'the fingerprint of a secret is not its thumbprint')
FROM jwt_auth.keys WHERE kid = 'i3';

-- No key
SELECT count(*) AS keys_before FROM jwt_auth.keys \gset
SELECT test.raises(format('SELECT jwt_import_key(%L)', key), '22023', 'refused: ' || what)
FROM (SELECT jwk_generate('ES256', 'n1') AS ec, jwk_generate('HS256', 'n1') AS oct,
			 jwk_generate('RS256', 'n1') AS rsa, jwk_generate('Ed25519', 'n1') AS okp) AS k,
	 LATERAL (VALUES
	('no alg', ec - 'alg'), ('no alg, secret', oct - 'alg'), ('no alg, public', jwk_public(ec) - 'alg'),
	('alg none', ec || '{"alg":"none"}'), ('alg null', ec || '{"alg":null}'),
	('alg of another curve', ec || '{"alg":"ES384"}'), ('alg of another kind', ec || '{"alg":"HS256"}'),
	('HMAC with an RSA key', rsa || '{"alg":"HS256"}'), ('RSA with a secret', oct || '{"alg":"RS256"}'),
	('an alg of encryption', rsa || '{"alg":"RSA-OAEP"}'),
	('use enc', ec || '{"use":"enc"}'),
	('key_ops without sign', ec || '{"key_ops":["verify"]}'), ('key_ops empty', ec || '{"key_ops":[]}'),
	('key_ops of encryption', oct || '{"key_ops":["encrypt"]}'),
	('public, key_ops without verify', jwk_public(ec) || '{"key_ops":["sign"]}'),
	('kid of the wrong type', ec || '{"kid":1}'), ('kid null', ec || '{"kid":null}'),
	('kid empty', ec || '{"kid":""}'), ('kid too long', ec || jsonb_build_object('kid', repeat('k', 256))),
	('kty missing', ec - 'kty'), ('kty unknown', ec || '{"kty":"XX"}'), ('kty in another case', ec || '{"kty":"ec"}'),
	('d of another key', ec || jsonb_build_object('d', jwk_generate('ES256') ->> 'd')),
	('d of another curve', okp || jsonb_build_object('d', jwk_generate('Ed25519') ->> 'd')),
	('a point off the curve', ec || jsonb_build_object('x', ec -> 'y', 'y', ec -> 'x')),
	('a short secret', oct || '{"k":"AAAA"}'), ('an empty secret', oct || '{"k":""}'),
	('a secret shorter than the hash', jwk_generate('HS256', 'n1') || '{"alg":"HS512"}'),
	('an even exponent', rsa || '{"e":"AQAA"}'), ('e = 1', rsa || '{"e":"AQ"}'),
	('padding', ec || jsonb_build_object('d', (ec ->> 'd') || '=')),
	('a set', jsonb_build_object('keys', jsonb_build_array(ec))),
	('an array', jsonb_build_array(ec)), ('a string', to_jsonb(ec::text)), ('a number', '1'),
	('JSON null', 'null'), ('nothing', '{}')) AS v (what, key);
SELECT is((SELECT count(*) FROM jwt_auth.keys), :'keys_before', 'refused imports leave no row');

-- A weak RSA key, made by openssl: 1024 bits
SELECT test.raises($$SELECT jwt_import_key('{"kty":"RSA","alg":"RS256","e":"AQAB","kid":"w1",
	"n":"u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7QkrmBL7jTKEn5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW_VDL5AaWTg0nL"}')$$,
	'22023', 'a weak RSA key is not imported');

SELECT * FROM finish();
