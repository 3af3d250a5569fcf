-- jwt_explain and jwt_introspect (T05, T84, F25): they answer for any text, show
-- neither signature nor key, and agree with jwt_verify.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 520 assertions
SELECT no_plan();
SELECT jwt_create_key('ES256', 'e1'), test.import_own_secret();
SELECT jwt_trust_issuer('https://them.example', jwk_public(test.key('Ed25519', 'EdDSA') || '{"kid":"t1"}'), 'api');
SELECT jwt_create_key('ES256', 'gone'), jwt_create_key('ES256', 'old');
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'denied', now() + interval '1 d');

CREATE TABLE public.token (what text, token text, failed_check text, state text);
INSERT INTO public.token
SELECT v.* FROM (SELECT test.seconds() AS now) AS n, LATERAL (VALUES
	('good', test.own('"sub":"a"'), NULL, NULL),
	('signed here', jwt_sign('{}'), NULL, NULL),
	('null', NULL, 'presence', '28J00'),
	('empty', '', NULL, '28J00'),
	('too long', repeat('a', 20000), 'size', '28J00'),
	('two segments', 'a.b', 'segments', '28J00'),
	('no base64url', 'a+b.c.d', 'base64url', '28J00'),
	('no JSON', test.seal('YWJj.YWJj'), 'json', '28J00'),
	('no object', test.hs256('{"alg":"HS256","kid":"h1"}', '[]'), 'json', '28J00'),
	('twice the same', test.hs256('{"alg":"HS256","kid":"h1"}', '{"a":1,"a":1}'), 'json', '28J00'),
	('a NUL', test.hs256('{"alg":"HS256","kid":"h1"}', '{"a":"\u0000"}'), 'json', '28J00'),
	('too deep', test.hs256('{"alg":"HS256","kid":"h1"}', repeat('{"a":', 50) || '1' || repeat('}', 50)), 'json', '28J00'),
	('alg none', test.hs256('{"alg":"none","kid":"h1"}', test.payload()), 'alg', '28J00'),
	('another alg', test.hs256('{"alg":"HS512","kid":"h1"}', test.payload()), 'alg', '28J00'),
	('no kid', test.token(test.payload()), 'kid', '28J00'),
	('kid of the wrong type', test.hs256('{"alg":"HS256","kid":1}', test.payload()), 'kid', '28J00'),
	('crit', test.hs256('{"alg":"HS256","kid":"h1","crit":["x"]}', test.payload()), 'crit', '28J00'),
	('b64', test.hs256('{"alg":"HS256","kid":"h1","b64":false}', test.payload()), 'b64', '28J00'),
	('zip', test.hs256('{"alg":"HS256","kid":"h1","zip":"DEF"}', test.payload()), 'zip', '28J00'),
	('unknown key', test.own('', 'nobody'), 'key', '28J00'),
	('revoked key', jwt_sign('{}', kid => 'gone'), 'key', '28J00'),
	('retired key', jwt_sign('{}', kid => 'old'), 'key', '28J00'),
	('wrong signature', overlay(test.own() PLACING 'AAAAAA' FROM length(test.own()) - 10), 'signature', '28J00'),
	('another type', test.hs256('{"alg":"HS256","kid":"h1","typ":"dpop+jwt"}', test.payload()), 'typ', '28J00'),
	('an issuer nobody trusts', test.own('"iss":"https://evil.example"'), 'iss', '28J00'),
	('iss of the wrong type', test.own('"iss":1'), 'iss', '28J00'),
	('aud, and none is ours', test.own('"aud":"api"'), 'aud', '28J00'),
	('exp of the wrong type', test.own('"exp":"x"'), 'times', '28J00'),
	('not yet', test.own(format('"nbf":%s', now + 600)), 'nbf', '28J00'),
	('issued in the future', test.own(format('"iat":%s', now + 600)), 'iat', '28J00'),
	('no exp', test.hs256('{"alg":"HS256","kid":"h1"}', '{}'), 'exp', '28J00'),
	('expired', test.own('"exp":1'), 'exp', '28J01'),
	('no such session', test.own('"sid":"0190163d-8694-739b-aea5-966c26f8ad91"'), 'session', '28J00'),
	('denied', test.own('"jti":"denied"'), 'jti', '28J02'),
	('theirs', jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'api', 'exp', now + 60),
							 test.key('Ed25519', 'EdDSA') || '{"kid":"t1"}'), NULL, NULL),
	('theirs, for others', jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'web', 'exp', now + 60),
										 test.key('Ed25519', 'EdDSA') || '{"kid":"t1"}'), 'aud', '28J00'),
	('theirs, signed by us', jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'api', 'exp', now + 60),
										   test.key('oct', 'HS256') || '{"kid":"h1"}'), 'key', '28J00'))
	AS v;
SELECT jwt_revoke_key('gone'), jwt_retire_key('old');

-- The verdict is that of jwt_verify
SELECT is(test.verdict(token), state, what || ': jwt_verify') FROM public.token;
SELECT is(e ->> 'sqlstate', state, what || ': jwt_explain says the SQLSTATE of jwt_verify'),
	   is((e ->> 'valid')::boolean, state IS NULL, what || ': jwt_explain says whether it is valid'),
	   is(e ? 'reason', state IS NOT NULL, what || ': jwt_explain gives a reason if it is not valid'),
	   ok(failed_check IS NULL OR e ->> 'failed_check' = failed_check,
		  format('%s: %s failed, and %s was expected', what, e ->> 'failed_check', failed_check)),
	   is(jsonb_typeof(e -> 'compared_with'), 'object', what || ': jwt_explain says what it was compared with')
FROM public.token, jwt_explain(token) AS e;
SELECT is(jwt_introspect(token) ->> 'active', (state IS NULL)::text, what || ': jwt_introspect says whether it is active'),
	   is(state IS NULL OR jwt_introspect(token) = '{"active":false}', true, what || ': jwt_introspect says nothing else if it is not active')
FROM public.token;

-- An active token has its claims
SELECT is(i - 'exp', '{"active":true,"sub":"a","token_type":"Bearer","identity":true}', 'jwt_introspect of an active token has its claims'),
	   is(jsonb_typeof(i -> 'exp'), 'number', 'jwt_introspect of an active token has exp')
FROM public.token, jwt_introspect(token) AS i WHERE what = 'good';
SELECT is(jwt_introspect(test.own('"active":false,"token_type":"x","identity":false')) - 'exp', '{"active":true,"token_type":"Bearer","identity":true}',
		  'claims named as members of the answer do not replace these');

-- Valid, and no identity: both say so, and why, as jwt_authenticate judges
CREATE TABLE public.use (members text, failed_check text);
INSERT INTO public.use VALUES ('"token_use":"access"', NULL), ('"identity":false', NULL), ('"failed_check":"cnf","valid":false', NULL),
	('"token_use":"refresh"', 'token_use'), ('"token_use":"id","identity":true', 'token_use'), ('"token_use":null', 'token_use'), ('"token_use":["access"]', 'token_use'), ('"token_use":""', 'token_use'),
	('"cnf":{"jkt":"x"}', 'cnf'), ('"cnf":{}', 'cnf'), ('"cnf":null', 'cnf'), ('"token_use":"access","cnf":{}', 'cnf'), ('"token_use":"id","cnf":{}', 'token_use');
SELECT is(test.verdict(token), NULL, members || ': jwt_verify accepts the token'),
	   is(test.sqlstate_of(format('SELECT public.jwt_authenticate(%L)', token)), CASE WHEN failed_check IS NOT NULL THEN '28J00' END, members || ': jwt_authenticate accepts or refuses it'),
	   is((e -> 'valid', e -> 'identity', e ->> 'failed_check', e ->> 'sqlstate', e ? 'reason')::text,
		  (to_jsonb(true), to_jsonb(failed_check IS NULL), failed_check, CASE WHEN failed_check IS NOT NULL THEN '28J00' END, failed_check IS NOT NULL)::text, members || ': jwt_explain says whether it is an identity'),
	   is((i -> 'active', i -> 'identity')::text, (to_jsonb(true), to_jsonb(failed_check IS NULL))::text, members || ': jwt_introspect says whether it is an identity'),
	   is(failed_check IS NULL OR i ->> 'failed_check' = failed_check, true, members || ': jwt_introspect says which check failed')
FROM public.use, test.own(members) AS token, jwt_explain(token) AS e, jwt_introspect(token) AS i;
SELECT is(jwt_explain(token) -> 'identity', to_jsonb(state IS NULL), what || ': jwt_explain calls it an identity if it is valid') FROM public.token;

-- What is compared
SELECT is(e #>> '{compared_with,own_key_state}', 'active', 'jwt_explain shows the state of the key'),
	   is(e #> '{header}', '{"alg":"ES256","kid":"e1","typ":"JWT"}', 'jwt_explain shows the header'),
	   is(e #> '{compared_with,leeway}', '30', 'jwt_explain shows the leeway'),
	   is(e #> '{compared_with,issuer}', 'null', 'jwt_explain shows jwt_auth.issuer, which is null')
FROM public.token, jwt_explain(token) AS e WHERE what = 'signed here';
SELECT is(jwt_explain(token) #>> '{compared_with,own_key_state}', key_state, what)
FROM public.token JOIN (VALUES ('revoked key', 'revoked'), ('retired key', 'retired'), ('unknown key', NULL), ('good', 'next'))
	AS v (what, key_state) USING (what);
SELECT is(jwt_explain(token) #>> '{compared_with,issuer_audience}', 'api', what || ': jwt_explain shows the audience of the issuer'),
	   is(jwt_explain(token) #>> '{compared_with,issuer_is_trusted}', 'true', what || ': jwt_explain shows that the issuer is trusted')
FROM public.token WHERE what LIKE 'theirs%';

-- No signature and no key
SELECT is(strpos(jwt_explain(token)::text, split_part(token, '.', 3)), 0, what || ': jwt_explain shows no signature'),
	   is(strpos(jwt_introspect(token)::text, split_part(token, '.', 3)), 0, what || ': jwt_introspect shows no signature')
FROM public.token WHERE length(split_part(token, '.', 3)) > 8;
SELECT is_empty(format($$SELECT what FROM public.token, jwt_explain(token) AS e, jwt_introspect(token) AS i
	WHERE concat(e, i) ~ %L$$, member), 'jwt_explain and jwt_introspect show no key: ' || left(member, 8))
FROM (SELECT test.key('oct') ->> 'k' UNION ALL SELECT test.key('Ed25519') ->> 'x'
	  UNION ALL SELECT convert_from(private_jwk, 'UTF8')::jsonb ->> 'd' FROM jwt_auth.keys WHERE kid = 'e1') AS v (member)
WHERE member IS NOT NULL;

-- Neither ever raises: each token cut short, prolonged, and with each byte changed
CREATE FUNCTION pg_temp.raised(token text) RETURNS text
LANGUAGE sql AS
$$ SELECT coalesce(test.sqlstate_of(format('SELECT public.jwt_explain(%L)', token)),
				   test.sqlstate_of(format('SELECT public.jwt_introspect(%L)', token))) $$;
SELECT is(pg_temp.raised(token), NULL, what || ': jwt_explain and jwt_introspect raise nothing') FROM public.token;
SELECT is(count(*), 0::bigint, 'jwt_explain and jwt_introspect raise nothing for variants of tokens')
FROM (SELECT token FROM public.token WHERE what IN ('good', 'theirs') ) AS t, generate_series(1, length(token), 3) AS n,
	 LATERAL (VALUES (left(token, n)), (overlay(token PLACING chr(33 + n % 90) FROM n FOR 1)), (token || repeat('.', n % 7)),
					 (overlay(token PLACING '' FROM n FOR 2))) AS v (changed)
WHERE pg_temp.raised(changed) IS NOT NULL;

SELECT * FROM finish();
