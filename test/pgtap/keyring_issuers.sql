-- Trusted issuers (T02, T06, T07, T16, T91, T92, F21, F22): a token's iss picks
-- the one set of keys that may verify it, and its audience; what is no sound set
-- of public keys is 22023, and leaves what was there.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 185 assertions
SELECT no_plan();
SELECT jwt_create_key('ES256', 'e1'), test.import_own_secret();

-- Two issuers with keys under the same kids, and what they sign
CREATE TABLE public.pair AS
SELECT issuer, kid, jwk_generate(alg, kid) AS key
FROM (VALUES ('https://a.example', 'k1', 'ES256'), ('https://a.example', 'k2', 'ES256'), ('https://a.example', 'k3', 'EdDSA'),
			 ('https://a.example', 'k4', 'RS256'), ('https://b.example', 'k1', 'ES256'), ('https://b.example', 'e1', 'ES256'))
	AS v (issuer, kid, alg);
CREATE FUNCTION pg_temp.public_set(name text) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('keys', jsonb_agg(jwk_public(key) ORDER BY kid)) FROM public.pair WHERE issuer = name $$;
-- A token of an issuer, signed with a key of anybody
CREATE FUNCTION pg_temp.theirs(name text, key jsonb, members jsonb DEFAULT '{}') RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT jwt_sign_with(jsonb_build_object('iss', name, 'aud', 'api', 'exp', test.seconds(600)) || members, key) $$;

SELECT is(test.verdict(pg_temp.theirs(issuer, key)), '28J00', format('not trusted yet: %s %s', issuer, kid)) FROM public.pair;
SELECT lives_ok(format('SELECT jwt_trust_issuer(%L, %L, ''api'')', issuer, pg_temp.public_set(issuer)), 'trusted: ' || issuer)
FROM unnest('{https://a.example,https://b.example}'::text[]) AS issuer;
SELECT is(test.verdict(pg_temp.theirs(issuer, key)), NULL, format('trusted: %s %s', issuer, kid)) FROM public.pair;

-- Nobody's keys but those of the issuer (T16)
SELECT is(test.verdict(pg_temp.theirs(claimed.issuer, signer.key)), '28J00',
		  format('%s of %s says that it is %s', signer.kid, signer.issuer, claimed.issuer))
FROM public.pair AS signer, (SELECT DISTINCT issuer FROM public.pair) AS claimed WHERE signer.issuer <> claimed.issuer;
SELECT is(test.verdict(test.own('"iss":"https://a.example","aud":"api"')), '28J00', 'an own key does not sign for a trusted issuer'),
	   is(test.verdict(test.own('"iss":"https://c.example"')), '28J00', 'an own key does not sign for an issuer that nobody trusts');
SELECT is(test.verdict(pg_temp.theirs('https://b.example', key || '{"kid":"e1"}', '{"iss":null}')), '28J00', 'an issuer''s token with iss null is refused'),
	   is(test.verdict(jwt_sign_with(jsonb_build_object('exp', test.seconds(60)), key || '{"kid":"e1"}')), '28J00',
		  'an issuer''s key does not sign an own token, also under an own kid')
FROM public.pair WHERE issuer = 'https://b.example';
SELECT is(test.verdict(pg_temp.theirs(name, key)), '28J00', 'iss is compared exactly: ' || name)
FROM public.pair, unnest('{https://a.example/,HTTPS://A.EXAMPLE,"https://a.example ",a.example,https://a.exampl,%}'::text[]) AS name
WHERE issuer = 'https://a.example' AND kid = 'k1';
SELECT is(test.verdict(pg_temp.theirs(repeat('i', 2000), key)), '28J00', 'a token whose iss is too long is refused') FROM public.pair WHERE kid = 'k2';

-- Their audience is required (T92)
SELECT is(test.verdict(pg_temp.theirs(issuer, key, jsonb_build_object('aud', aud)), argument), state,
		  format('aud %s, asked for %s', aud, argument))
FROM public.pair, (VALUES
	(jsonb '"api"', NULL, NULL), ('["api"]', NULL, NULL), ('["web","api"]', NULL, NULL), ('"web"', NULL, '28J00'),
	('["web"]', NULL, '28J00'), ('[]', NULL, '28J00'), ('null', NULL, '28J00'), ('""', NULL, '28J00'), ('"API"', NULL, '28J00'),
	('"web"', 'web', NULL), ('"api"', 'web', '28J00'), ('["api","web"]', 'web', NULL)) AS v (aud, argument, state)
WHERE issuer = 'https://a.example' AND kid = 'k1';
SELECT is(test.verdict(jwt_sign_with(jsonb_build_object('iss', issuer, 'exp', test.seconds(60)), key)), '28J00', 'an issuer''s token without aud is refused')
FROM public.pair WHERE kid = 'k1';
SET jwt_auth.audience = 'ours';
SELECT is(test.verdict(pg_temp.theirs(issuer, key)), NULL, 'jwt_auth.audience does not apply to an issuer''s token'),
	   is(test.verdict(pg_temp.theirs(issuer, key, '{"aud":"ours"}')), '28J00', 'an issuer''s token for jwt_auth.audience is refused')
FROM public.pair WHERE issuer = 'https://a.example' AND kid = 'k1';
RESET jwt_auth.audience;
SELECT is(test.verdict(pg_temp.theirs('https://a.example', key), NULL, wanted), state, 'issuer wanted: ' || wanted)
FROM public.pair, (VALUES ('https://a.example', NULL), ('https://b.example', '28J00'), ('', '28J00')) AS v (wanted, state)
WHERE issuer = 'https://a.example' AND kid = 'k1';

-- The choice of the key: kid, or else the one that fits the algorithm
SELECT is(test.verdict(pg_temp.theirs(issuer, key || jsonb_build_object('kid', named))), state, format('%s, named %s', kid, named))
FROM public.pair, (VALUES ('k1', 'k1', NULL), ('k1', 'k2', '28J00'), ('k1', 'k3', '28J00'), ('k1', 'k9', '28J00'), ('k1', '', NULL),
						  ('k3', 'k3', NULL), ('k3', 'k4', '28J00')) AS v (kid_of, named, state)
WHERE issuer = 'https://a.example' AND kid = kid_of AND named <> '';
SELECT is(test.verdict(pg_temp.theirs(issuer, key - 'kid')), state, format('%s without kid: %s', kid, why))
FROM public.pair, (VALUES ('k1', '28J00', 'two keys of ES256'), ('k2', '28J00', 'two keys of ES256'), ('k3', NULL, 'one of EdDSA'),
						  ('k4', NULL, 'one of RS256')) AS v (kid_of, state, why)
WHERE issuer = 'https://a.example' AND kid = kid_of;
-- One key without kid serves whatever kid, while no other of its kind is there (F22)
SELECT jwt_trust_issuer('https://n.example', jwk_public(test.key('P-256', 'ES256')), 'api');
SELECT is(test.verdict(pg_temp.theirs('https://n.example', test.key('P-256', 'ES256'))), NULL, 'a token without kid verifies with the only key, which has none'),
	   is(test.verdict(pg_temp.theirs('https://n.example', test.key('P-256', 'ES256') || '{"kid":"x"}')), NULL,
		  'a token with an unknown kid verifies with the only key, which has none'),
	   is(test.verdict(pg_temp.theirs('https://n.example', test.key('P-256', 'ES256') || '{"kid":"e1"}')), NULL,
		  'a token with an own kid verifies with the issuer''s only key, which has none'),
	   is(test.verdict(pg_temp.theirs('https://n.example', jwk_generate('ES256') - 'kid')), '28J00', 'a token by another key without kid is refused'),
	   is(test.verdict(pg_temp.theirs('https://n.example', jwk_generate('ES256', 'x'))), '28J00', 'a token by another key with a kid is refused');
SELECT jwt_trust_issuer('https://n.example', jsonb_build_object('keys', jsonb_build_array(jwk_public(test.key('P-256', 'ES256')),
						jwk_public(test.key('RSA', 'RS256')), jwk_public(other))), 'api')
FROM jwk_generate('ES256', 'other') AS other;
SELECT is(test.verdict(pg_temp.theirs('https://n.example', key)), state, what)
FROM (VALUES (test.key('P-256', 'ES256'), '28J00', 'two keys of ES256: no kid'),
			 (test.key('P-256', 'ES256') || '{"kid":"x"}', '28J00', 'two keys of ES256: a kid that no key has'),
			 (test.key('P-256', 'ES256') || '{"kid":"other"}', '28J00', 'two keys of ES256: the kid of the other'),
			 (test.key('RSA', 'RS256') || '{"kid":"x"}', NULL, 'one key of RS256: a kid that no key has'))
	AS v (key, state, what);
-- A key without alg takes those of its kind only
SELECT jwt_trust_issuer('https://m.example', test.public(test.key('RSA')) || '{"kid":"r"}', 'api');
SELECT is(test.verdict(pg_temp.theirs('https://m.example', test.key('RSA', alg) || '{"kid":"r"}')), NULL, 'an RSA key without alg: ' || alg)
FROM unnest('{RS256,PS256,RS512}'::text[]) AS alg;
SELECT is(test.verdict(signing_input || '.' || test.base64url(hmac(convert_to(signing_input, 'UTF8'), secret, 'sha256'))), '28J00',
		  'an HMAC under an issuer''s public key is refused')
FROM (SELECT test.base64url_text('{"alg":"HS256","kid":"r"}') || '.' || test.base64url_text(
			 test.payload('"iss":"https://m.example","aud":"api"')) AS signing_input) AS s,
	 unnest(ARRAY[test.from_base64url(test.key('RSA') ->> 'n'), convert_to(jwk_to_pem(test.public(test.key('RSA'))), 'UTF8')]) AS secret;

-- Nothing of theirs acts here as ours (T91)
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'j1', now() + interval '1 d'), ('https://b.example', 'j2', now() + interval '1 d'),
										   ('https://a.example', 'j3', now() + interval '1 d');
SELECT is(test.verdict(pg_temp.theirs(issuer, key, members)), state, members::text)
FROM public.pair, (VALUES
	(jsonb '{"sid":"0190163d-8694-739b-aea5-966c26f8ad91"}', NULL), ('{"sid":"x"}', NULL), ('{"sid":1}', NULL),
	('{"sub":"0190163d-8694-739b-aea5-966c26f8ad91"}', NULL), ('{"sub":1}', NULL), ('{"role":"postgres"}', NULL),
	('{"jti":"j1"}', NULL), ('{"jti":"j2"}', NULL), ('{"jti":"j3"}', '28J02')) AS v (members, state)
WHERE issuer = 'https://a.example' AND kid = 'k1';

-- Replacing is atomic: the old keys are gone, the new ones count, the audience too
SELECT pg_temp.theirs('https://a.example', key) AS before FROM public.pair WHERE issuer = 'https://a.example' AND kid = 'k1' \gset
SELECT is(test.verdict(:'before'), NULL, 'before the keys are replaced, a token verifies');
SELECT jwt_trust_issuer('https://a.example', jwk_public(key), 'web', '{pg_monitor}') FROM public.pair
WHERE issuer = 'https://a.example' AND kid = 'k3';
SELECT is(test.verdict(:'before'), '28J00', 'after the keys were replaced, a token by a former key is refused');
SELECT is(test.verdict(pg_temp.theirs(issuer, key, '{"aud":"web"}')), CASE kid WHEN 'k3' THEN NULL ELSE '28J00' END, 'after the keys were replaced, only the new key verifies: ' || kid),
	   is(test.verdict(pg_temp.theirs(issuer, key)), '28J00', 'after the audience was replaced, the former one is refused: ' || kid)
FROM public.pair WHERE issuer = 'https://a.example';
SELECT is(roles, '{pg_monitor}', 'replacing an issuer replaces its roles'),
	   cmp_ok(updated_at, '>', created_at, 'replacing an issuer sets updated_at')
FROM jwt_auth.issuers WHERE issuer = 'https://a.example';
SELECT is(count(*), 1::bigint, 'a replaced issuer has one row') FROM jwt_auth.issuers WHERE issuer = 'https://a.example';
BEGIN;
SELECT jwt_trust_issuer('https://a.example', pg_temp.public_set('https://a.example'), 'api');
SELECT is(test.verdict(:'before'), NULL, 'after the keys were replaced back in this transaction, the token verifies');
ROLLBACK;
SELECT is(test.verdict(:'before'), '28J00', 'when replacing the keys is rolled back, the token is refused');

-- Distrust
SELECT is(test.verdict(pg_temp.theirs(issuer, key, '{"aud":"web"}')), NULL, 'before the issuer is distrusted, its token verifies')
FROM public.pair WHERE issuer = 'https://a.example' AND kid = 'k3';
SELECT lives_ok('SELECT jwt_distrust_issuer(''https://a.example'')', 'an issuer can be distrusted');
SELECT is(test.verdict(pg_temp.theirs(issuer, key, '{"aud":"web"}')), '28J00', 'after the issuer was distrusted, its token is refused: ' || kid)
FROM public.pair WHERE issuer = 'https://a.example';
SELECT is(test.verdict(pg_temp.theirs(issuer, key)), NULL, 'after one issuer was distrusted, tokens of another verify')
FROM public.pair WHERE issuer = 'https://b.example' AND kid = 'k1';
SELECT test.raises(format('SELECT jwt_distrust_issuer(%L)', name), '22023', format('not trusted: %s', left(name, 20)))
FROM unnest('{https://a.example,https://c.example,"",https://b.example/}'::text[] || repeat('x', 3000)) AS name;
SELECT set_has('SELECT event, issuer FROM jwt_auth.audit_log',
			   $$VALUES ('issuer_trusted', 'https://a.example'), ('issuer_distrusted', 'https://a.example')$$, 'trusting and distrusting an issuer are audited');

-- Refused, with what was there left as it was
SET jwt_auth.issuer = 'https://us.example';
CREATE TABLE public.issuers_before AS SELECT * FROM jwt_auth.issuers;
CREATE TABLE public.refused AS
SELECT what, name, jwks, audience
FROM (SELECT jwk_generate('ES256', 'x1') AS ec, jwk_generate('RS256', 'x2') AS rsa, jwk_generate('HS256', 'x3') AS oct,
			 jwk_generate('Ed25519', 'x4') AS okp, jwk_public(jwk_generate('ES256', 'x5')) AS good) AS k,
	 LATERAL (VALUES
	('our own issuer', 'https://us.example', good, 'api'), ('no name', '', good, 'api'), ('a name too long', repeat('x', 1025), good, 'api'),
	('no audience', 'https://b.example', good, ''), ('an audience too long', 'https://b.example', good, repeat('x', 1025)))
	AS v (what, name, jwks, audience)
UNION ALL
SELECT what, 'https://b.example', jwks, 'api'
FROM (SELECT jwk_generate('ES256', 'x1') AS ec, jwk_generate('RS256', 'x2') AS rsa, jwk_generate('HS256', 'x3') AS oct,
			 jwk_generate('Ed25519', 'x4') AS okp, jwk_public(jwk_generate('ES256', 'x5')) AS good) AS k,
	 LATERAL (
	SELECT * FROM (VALUES
	('a private key', ec), ('a private RSA key', rsa), ('a private OKP key', okp),
	('a private key in a set', jsonb_build_object('keys', jsonb_build_array(good, ec))),
	('a private key first in a set', jsonb_build_object('keys', jsonb_build_array(ec, good))),
	('a private key of another curve', jsonb_build_object('keys', jsonb_build_array(good, '{"kty":"OKP","crv":"X25519","x":"AA","d":"AA"}'::jsonb))),
	('a private member of type null', jsonb_build_object('keys', jsonb_build_array(good, ec || '{"d":null}'))),
	('a private key for encryption', jsonb_build_object('keys', jsonb_build_array(good, ec || '{"use":"enc"}'))),
	('a private member beside the keys', jsonb_build_object('keys', jsonb_build_array(good), 'd', 'AA')),
	('the same kid and alg twice', jsonb_build_object('keys', jsonb_build_array(good, jwk_public(jwk_generate('ES256', 'x5'))))),
	('the same kid, once without alg', jsonb_build_object('keys', jsonb_build_array(jwk_public(jwk_generate('ES256', 'x5')) - 'alg', good))),
	('the same key twice', jsonb_build_object('keys', jsonb_build_array(good, good))),
	('a secret beside public keys', jsonb_build_object('keys', jsonb_build_array(good, oct))),
	('public keys beside a secret', jsonb_build_object('keys', jsonb_build_array(oct, good))),
	('a secret without alg', oct - 'alg'), ('one secret of two without alg', jsonb_build_object('keys', jsonb_build_array(
		oct, jwk_generate('HS256', 'x6') - 'alg'))),
	('a short secret', oct || '{"k":"AAAA"}'), ('a secret with an alg of RSA', oct || '{"alg":"RS256"}'),
	('an even exponent', jwk_public(rsa) || '{"e":"AQAA"}'), ('e = 1', jwk_public(rsa) || '{"e":"AQ"}'),
	('an RSA key of 512 bits', jwk_public(rsa) || jsonb_build_object('n', left(rsa ->> 'n', 86))),
	('two weak keys', jsonb_build_object('keys', jsonb_build_array(jwk_public(rsa) || '{"e":"AQ"}', jwk_public(okp) || '{"x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'))),
	('a key that only signs', good || '{"key_ops":["sign"]}'), ('only keys that sign', jsonb_build_object('keys', jsonb_build_array(good || '{"key_ops":["sign"]}'))),
	('a short secret beside a good key', jsonb_build_object('keys', jsonb_build_array(good, oct || '{"k":"AAAA"}'))),
	('a point off the curve', good || jsonb_build_object('x', good -> 'y', 'y', good -> 'x')),
	('a key of small order', jwk_public(okp) || '{"x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'),
	('an alg that does not fit', good || '{"alg":"RS256"}'), ('HMAC with a public key', good || '{"alg":"HS256"}'),
	('a member malformed', good || '{"x":"!"}'), ('a kid of the wrong type', good || '{"kid":1}'),
	('no set', '{}'), ('an empty set', '{"keys":[]}'), ('keys that are none', '{"keys":{}}'), ('keys of null', '{"keys":null}'),
	('a set of a string', '{"keys":["x"]}'), ('a set of a set', jsonb_build_object('keys', jsonb_build_array(jsonb_build_array(good)))),
	('an array', jsonb_build_array(good)), ('a string', '"x"'), ('JSON null', 'null'),
	('unknown kinds only', '{"keys":[{"kty":"XX"},{"kty":"OKP","crv":"X25519","x":"AA"}]}'),
	('encryption only', jsonb_build_object('keys', jsonb_build_array(jwk_public(rsa) || '{"use":"enc"}'))),
	('too many keys', jsonb_build_object('keys', (SELECT jsonb_agg(good - 'kid' || jsonb_build_object('x-n', n))
		FROM generate_series(1, 101) AS n))))
	AS x (what, jwks)) AS v;
SELECT test.raises(format('SELECT jwt_trust_issuer(%L, %L, %L)', name, jwks, audience), '22023', 'refused: ' || what)
FROM public.refused;
SELECT test.raises(format('SELECT jwt_trust_issuer(''https://b.example'', %L, ''api'', ''{a,NULL}'')', jwk_public(key)), '22023',
				   'refused: a role of null') FROM public.pair WHERE kid = 'k2';
SELECT set_eq('SELECT * FROM jwt_auth.issuers', 'SELECT * FROM public.issuers_before', 'refused sets leave the stored issuers');
SELECT is(test.verdict(pg_temp.theirs(issuer, key)), NULL, 'after refused sets, a token of the issuer verifies')
FROM public.pair WHERE issuer = 'https://b.example' AND kid = 'k1';
RESET jwt_auth.issuer;

-- Keys that can't be used here are skipped (F21)
SELECT lives_ok(format('SELECT jwt_trust_issuer(''https://s.example'', %L, ''api'')', jsonb_build_object('keys', jsonb_build_array(
	jsonb '{"kty":"XX","kid":"u1"}', jsonb '{"kty":"OKP","crv":"X25519","x":"AA","kid":"u2"}', jwk_public(jwk_generate('RS256', 'u3')) || '{"use":"enc"}',
	jwk_public(test.key('P-256', 'ES256') || '{"kid":"good"}'), jwk_public(jwk_generate('RS256', 'u4')) || '{"alg":"RSA-OAEP"}',
	jsonb '{"kty":"XX","kid":"u5","d":"AA","p":1,"q":null}', 'null', '"x"', '{}', '{"kid":1,"kty":"EC"}', '{"kty":"RSA","e":"AQAB"}')
	|| jsonb_build_array(jwk_public(test.key('Ed25519', 'EdDSA') || '{"kid":"good2"}') || '{"x5t":"AA","unknown":[1]}',
	jwk_public(jwk_generate('ES256', 'good')) || '{"use":"enc"}', jwk_public(jwk_generate('ES256', 'u1')) || '{"key_ops":["sign"]}',
	jwk_public(test.key('RSA', 'RS256')) || '{"kid":"u6","e":"AQ"}'))),
	'a set with keys of other kinds, and with keys that are unusable, is accepted');
SELECT is(test.verdict(pg_temp.theirs('https://s.example', test.key('P-256', 'ES256') || '{"kid":"good"}')), NULL, 'a token by the usable key of such a set verifies'),
	   is(test.verdict(pg_temp.theirs('https://s.example', test.key('Ed25519', 'EdDSA') || '{"kid":"good2"}')), NULL, 'a token by the second usable key of such a set verifies'),
	   is(test.verdict(pg_temp.theirs('https://s.example', test.key('P-256', 'ES256') || '{"kid":"u1"}')), '28J00', 'a token by an unusable key of such a set is refused');
SELECT is(jsonb_array_length(jwks -> 'keys'), 2, 'unusable keys of a set are not stored'),
	   is(jwks #> '{keys,1}' ?| '{x5t,unknown}', false, 'unknown members of a key are not stored')
FROM jwt_auth.issuers WHERE issuer = 'https://s.example';

-- Secrets: each names its alg, and is shown by nothing
SELECT lives_ok(format('SELECT jwt_trust_issuer(''https://o.example'', %L, ''api'')', jsonb_build_object('keys', jsonb_build_array(
	test.key('oct', 'HS256') || '{"kid":"o1"}', jwk_generate('HS512', 'o2')))), 'a set of secrets is accepted');
SELECT is(test.verdict(test.hs256(header, test.payload('"iss":"https://o.example","aud":"api"'))), state, header)
FROM (VALUES ('{"alg":"HS256","kid":"o1"}', NULL), ('{"alg":"HS256"}', NULL), ('{"alg":"HS256","kid":"o2"}', '28J00'),
			 ('{"alg":"HS256","kid":"h1"}', '28J00'), ('{"alg":"HS384","kid":"o1"}', '28J00')) AS v (header, state);
SELECT is(jwks, NULL, 'a set of secrets has no public half') FROM jwt_auth.issuers WHERE issuer = 'https://o.example';
SELECT is(strpos(answer, test.key('oct') ->> 'k'), 0, 'not shown: ' || left(answer, 20))
FROM unnest(ARRAY[jwt_jwks()::text, jwt_explain(test.hs256('{"alg":"HS256","kid":"o1"}',
				  test.payload('"iss":"https://o.example","aud":"api"')))::text,
				  (SELECT string_agg(a::text, '') FROM jwt_auth.audit_log AS a)]) AS answer;
SELECT lives_ok(format('SELECT jwt_trust_issuer(''https://o.example'', %L, ''api'')', jwk_public(test.key('P-256', 'ES256'))),
				'public keys can replace secrets');
SELECT ok(secret_jwks IS NULL AND jwks IS NOT NULL, 'secrets that public keys replaced are gone') FROM jwt_auth.issuers WHERE issuer = 'https://o.example';

-- A name that is ours later is judged with our keys
SELECT pg_temp.theirs('https://b.example', key) AS theirs FROM public.pair WHERE issuer = 'https://b.example' AND kid = 'k1' \gset
SELECT is(test.verdict(:'theirs'), NULL, 'before its name is jwt_auth.issuer, an issuer''s token verifies');
SET jwt_auth.issuer = 'https://b.example';
SET jwt_auth.audience = 'api';
SELECT is(test.verdict(:'theirs'), '28J00', 'after its name became jwt_auth.issuer, an issuer''s token is refused');
SELECT is(test.verdict(jwt_sign('{}')), NULL, 'with an issuer''s name as jwt_auth.issuer, own tokens verify');

SELECT * FROM finish();
