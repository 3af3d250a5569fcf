-- jwt_verify with the stored keys (T01, T02, T03, T04, T05, T06, T10, T14, T15,
-- T16, T17, T18): own tokens need kid; the rules of iss and aud; states of the key;
-- limits. Each verdict is asked for twice, so that a hit of the cache judges
-- as the first look does.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 167 assertions
SELECT no_plan();
SELECT jwt_create_key('ES256', 'e1'), test.import_own_secret();

-- Own tokens, with and without kid
SELECT is(test.verdict(test.own()), NULL, 'a token by a stored secret verifies');
SELECT is(jwt_verify(test.own('"sub":"a","n":1.5,"exp":4000000000')), '{"sub":"a","n":1.5,"exp":4000000000}',
		  'jwt_verify returns the claims of the token');
SELECT is(test.verdict(test.hs256(header, test.payload())), '28J00', 'refused: header ' || left(header, 50))
FROM unnest(ARRAY['{"alg":"HS256"}', '{"alg":"HS256","kid":null}', '{"alg":"HS256","kid":""}', '{"alg":"HS256","kid":1}',
	'{"alg":"HS256","kid":["h1"]}', '{"alg":"HS256","kid":"H1"}', '{"alg":"HS256","kid":"h1 "}', '{"alg":"HS256","kid":"h"}',
	'{"alg":"HS256","kid":"h1\u0000"}', '{"alg":"HS256","kid":"e1"}', '{"alg":"HS256","kid":"nobody"}',
	'{"alg":"HS256","kid":"'' or 1=1--"}', '{"alg":"HS256","kid":"../../dev/null"}',
	'{"alg":"HS384","kid":"h1"}', '{"alg":"ES256","kid":"h1"}', '{"alg":"none","kid":"h1"}', '{"alg":"hs256","kid":"h1"}',
	'{"kid":"h1"}', '{"alg":"HS256","kid":"h1","crit":["exp"]}', '{"alg":"HS256","kid":"h1","b64":false}',
	'{"alg":"HS256","kid":"h1","zip":"DEF"}', '{"alg":"HS256","kid":"h1","typ":"at"}',
	'{"alg":"HS256","kid":"h1","typ":"logout+jwt"}', '{"alg":"HS256","kid":"h1","kid":"h1"}',
	'{"alg":"HS256","kid":"' || repeat('k', 10000) || '"}']) AS header;
SELECT is(test.verdict(test.hs256(header, test.payload())), NULL, 'accepted: header ' || header)
FROM unnest(ARRAY['{"alg":"HS256","kid":"h1"}', '{"kid":"h1","alg":"HS256","typ":"JWT"}',
	'{"alg":"HS256","kid":"h1","typ":"at+jwt"}', '{"alg":"HS256","kid":"h1","typ":"application/at+jwt"}',
	'{"alg":"HS256","kid":"h1","jku":"https://evil.example","x5u":"https://evil.example"}']) AS header;

-- A public key is no secret (T02)
SELECT is(test.verdict(signing_input || '.' || test.base64url(hmac(convert_to(signing_input, 'UTF8'), secret, 'sha256'))),
		  '28J00', 'an HMAC with a public key as its secret is refused')
FROM (SELECT test.base64url_text('{"alg":"HS256","kid":"e1"}') || '.' || test.base64url_text(test.payload()) AS signing_input) AS s,
	 (SELECT unnest(ARRAY[convert_to(jwk_to_pem(public_jwk), 'UTF8'), convert_to(public_jwk::text, 'UTF8'),
						  test.from_base64url(public_jwk ->> 'x'), ''::bytea]) AS secret
	  FROM jwt_auth.keys WHERE kid = 'e1') AS k;
-- Keys that the token brings along count for nothing (T04)
SELECT is(test.verdict(token), '28J00', 'a token by another key under an own kid is refused')
FROM (SELECT jwk_generate('ES256', 'mine') AS key) AS k,
	 LATERAL jwt_sign_with(jsonb_build_object('exp', test.seconds(60)), key || '{"kid":"e1"}') AS token;

-- Times, and claims of the wrong type (T14)
SELECT is(test.verdict(test.own(members)), state, 'claims ' || members)
FROM (SELECT test.seconds() AS now) AS n, LATERAL (VALUES
	(format('"exp":%s', now + 60), NULL), (format('"exp":%s.5', now + 60), NULL), (format('"exp":%s', now - 20), NULL),
	(format('"exp":%s', now - 31), '28J01'), ('"exp":0', '28J01'), ('"exp":1', '28J01'),
	('"exp":null', '28J00'), ('"exp":"4000000000"', '28J00'), ('"exp":-1', '28J00'), ('"exp":1e99', '28J00'),
	('"exp":99999999999999999999', '28J00'), ('"exp":true', '28J00'), ('"exp":[1]', '28J00'),
	(format('"nbf":%s', now + 20), NULL), (format('"nbf":%s', now + 60), '28J00'), ('"nbf":null', '28J00'),
	(format('"nbf":"%s"', now), '28J00'), (format('"iat":%s', now + 20), NULL), (format('"iat":%s', now + 60), '28J00'),
	('"iat":"x"', '28J00'), (format('"exp":%s,"nbf":%s', now - 10, now), '28J00'), (format('"exp":%s,"nbf":%s', now + 5, now + 5), NULL),
	('"sub":1', NULL), ('"jti":1', NULL), ('"iss":null', '28J00'), ('"iss":1', '28J00'), ('"iss":""', '28J00'),
	('"sid":"not a session"', '28J00'), ('"sid":1', '28J00'), ('"sid":null', '28J00'),
	('"sid":"0190163d-8694-739b-aea5-966c26f8ad91"', '28J00')) AS v (members, state);
SELECT is(test.verdict(test.hs256('{"alg":"HS256","kid":"h1"}', payload)), '28J00', 'payload ' || left(payload, 40))
FROM unnest(ARRAY['', '{', '[]', '1', '"x"', 'null', '{}', '{"exp":4000000000,"exp":4000000000}',
				  '{"exp":4000000000,"a":"\u0000"}', repeat('[', 10000),
				  '{"exp":4000000000,"a":' || repeat('[', 40) || repeat(']', 40) || '}']) AS payload;
SET jwt_auth.require_exp = off;
SELECT is(test.verdict(test.hs256('{"alg":"HS256","kid":"h1"}', '{}')), NULL, 'with require_exp off, a token without exp verifies');
RESET jwt_auth.require_exp;

-- iss: ours, where we have one
SELECT is(test.verdict(test.own(members)), state, format('no issuer of ours, %s', members))
FROM (VALUES ('"sub":"a"', NULL), ('"iss":"https://us.example"', '28J00'), ('"iss":"https://them.example"', '28J00'),
			 ('"iss":""', '28J00')) AS v (members, state);
SET jwt_auth.issuer = 'https://us.example';
SELECT is(test.verdict(test.own(members)), state, format('issuer of ours, %s', members))
FROM (VALUES ('"iss":"https://us.example"', NULL), ('"sub":"a"', '28J00'), ('"iss":"https://them.example"', '28J00'),
			 ('"iss":"https://us.example/"', '28J00'), ('"iss":"HTTPS://us.example"', '28J00'), ('"iss":""', '28J00'),
			 ('"iss":null', '28J00'), ('"iss":["https://us.example"]', '28J00')) AS v (members, state);
SET jwt_auth.issuer = '';
SELECT is(test.verdict(test.own()), NULL, 'with jwt_auth.issuer empty, a token without iss verifies');
SELECT is(test.verdict(test.own('"iss":""')), '28J00', 'with jwt_auth.issuer empty, a token with an empty iss is refused');
RESET jwt_auth.issuer;

-- The issuer argument only narrows
SELECT is(test.verdict(test.own('"sub":"a"'), NULL, 'https://us.example'), '28J00', 'a token without iss is refused where an issuer is expected');
SELECT is(test.verdict(test.own('"iss":"https://us.example"'), NULL, 'https://us.example'), '28J00',
		  'a token with another iss is refused also where that is expected');
SET jwt_auth.issuer = 'https://us.example';
SELECT is(test.verdict(test.own('"iss":"https://us.example"'), NULL, wanted), state, format('ours, %s wanted', wanted))
FROM (VALUES ('https://us.example', NULL), ('https://them.example', '28J00'), ('', '28J00'), (NULL, NULL)) AS v (wanted, state);
RESET jwt_auth.issuer;

-- aud: the call's, else the setting's; where none is known there must be none
CREATE FUNCTION pg_temp.audience(setting text, argument text, aud text) RETURNS text
LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('jwt_auth.audience', coalesce(setting, ''), true);
	RETURN test.verdict(test.own(CASE WHEN aud IS NULL THEN '' ELSE '"aud":' || aud END), argument);
END
$$;
SELECT is(pg_temp.audience(setting, argument, aud), state,
		  format('audience: setting %s, argument %s, aud %s', setting, argument, aud))
FROM (VALUES
	(NULL, NULL, NULL, NULL), (NULL, NULL, '"api"', '28J00'), (NULL, NULL, '["api"]', '28J00'),
	(NULL, NULL, '[]', '28J00'), (NULL, NULL, 'null', NULL), (NULL, NULL, '""', '28J00'),
	(NULL, 'api', '"api"', NULL), (NULL, 'api', '["web","api"]', NULL), (NULL, 'api', NULL, '28J00'),
	(NULL, 'api', '"web"', '28J00'), (NULL, 'api', '[]', '28J00'), (NULL, 'api', '["api",1]', '28J00'),
	('api', NULL, '"api"', NULL), ('api', NULL, '["api"]', NULL), ('api', NULL, NULL, '28J00'),
	('api', NULL, '"web"', '28J00'), ('api', NULL, '"API"', '28J00'), ('api', NULL, '{"api":1}', '28J00'),
	('api', 'web', '"web"', NULL), ('api', 'web', '"api"', '28J00'), ('api', 'web', '["api","web"]', NULL),
	('api', '', '"api"', '28J00'), ('api', '', NULL, '28J00'), (NULL, '', NULL, '28J00'))
	AS v (setting, argument, aud, state);
SELECT set_config('jwt_auth.audience', '', false);

-- The key's state: a retiring one ends when it ends, to the second
CREATE TABLE public.kept AS SELECT test.own('"n":1') AS token;
SELECT is(test.verdict(token), NULL, 'a token by a next key verifies') FROM public.kept;
UPDATE jwt_auth.keys SET verify_until = clock_timestamp() + interval '1 h' WHERE kid = 'h1';
SELECT is(test.verdict(token), NULL, 'a token by a retiring key verifies') FROM public.kept;
UPDATE jwt_auth.keys SET verify_until = clock_timestamp() WHERE kid = 'h1';
SELECT is(test.verdict(token), '28J00', 'a token by a retiring key is refused from its end on, without leeway') FROM public.kept;
UPDATE jwt_auth.keys SET verify_until = clock_timestamp() + interval '150 ms' WHERE kid = 'h1';
DO $$
DECLARE
	kept text := (SELECT token FROM public.kept);
	until timestamptz := (SELECT verify_until FROM jwt_auth.keys WHERE kid = 'h1');
	early boolean := false;
	late boolean := false;
	at timestamptz;
BEGIN
	LOOP
		at := clock_timestamp();
		IF test.sqlstate_of(format('SELECT public.jwt_verify(%L)', kept)) IS NULL THEN
			early := true;
			late := late OR at >= until;
		END IF;
		EXIT WHEN at > until + interval '50 ms';
	END LOOP;
	CREATE TABLE public.ended AS SELECT early, late;
END
$$;
SELECT is(late, false, 'no remembered token survives the end of its key') FROM public.ended;
SELECT is(test.verdict(token), '28J00', 'after the end of its key, a token is refused') FROM public.kept;
UPDATE jwt_auth.keys SET verify_until = NULL WHERE kid = 'h1';
SELECT is(test.verdict(token), NULL, 'after the owner removed the end of its key, a token verifies') FROM public.kept;
UPDATE jwt_auth.keys SET revoked_at = now() WHERE kid = 'h1';
SELECT is(test.verdict(token), '28J00', 'after the owner revoked its key by hand, a token is refused') FROM public.kept;
UPDATE jwt_auth.keys SET revoked_at = NULL WHERE kid = 'h1';
SELECT is(test.verdict(token), NULL, 'after the owner undid the revocation of its key, a token verifies') FROM public.kept;
BEGIN;
DELETE FROM jwt_auth.keys WHERE kid = 'h1';
SELECT is(test.verdict(token), '28J00', 'after its key was deleted in this transaction, a token is refused') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(token), NULL, 'when the deletion of its key is rolled back, a token verifies') FROM public.kept;
BEGIN;
TRUNCATE jwt_auth.keys;
SELECT is(test.verdict(token), '28J00', 'after all keys were truncated in this transaction, a token is refused') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(token), NULL, 'when the truncation of keys is rolled back, a token verifies') FROM public.kept;

-- Keys of refresh tokens and names never verify a JWT, nor sign one
DELETE FROM jwt_auth.keys WHERE use <> 'sig';
INSERT INTO jwt_auth.keys (kid, use, alg, number, thumbprint, private_jwk, created_at, activated_at)
SELECT 'as-' || use, use, 'HS256', number, 'as-' || use,
	   convert_to((test.key('oct', 'HS256') || jsonb_build_object('kid', 'as-' || use))::text, 'UTF8'), now(), now()
FROM (VALUES ('refresh', 1), ('hash', NULL)) AS v (use, number);
SELECT is(test.verdict(test.own('', 'as-' || use)), '28J00', use || ' keys verify no token'),
	   is(test.sqlstate_of(format('SELECT jwt_sign(''{}'', kid => %L)', 'as-' || use)), '22023', 'a key of another use does not sign a token')
FROM unnest('{refresh,hash}'::text[]) AS use;
DELETE FROM jwt_auth.keys WHERE kid LIKE 'as-%';

-- Revocation, and its switch
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'denied', now() + interval '1 d'), ('x', 'other', now() + interval '1 d');
SELECT is(test.verdict(test.own('"jti":"denied"')), '28J02', 'a token with a denied jti is refused');
SELECT is(test.verdict(test.own('"jti":"other"')), NULL, 'a token whose jti is denied for another issuer verifies');
SELECT is(test.verdict(test.own('"jti":"free"')), NULL, 'a token with another jti verifies');
SELECT is(test.verdict(test.own('"jti":"denied","exp":1')), '28J01', 'a denied token that has expired is refused as expired');
SELECT is(test.verdict(test.own('"jti":"denied","aud":"x"')), '28J00', 'a denied token for another audience is refused as invalid');
SET jwt_auth.check_revocation = off;
SELECT is(test.verdict(test.own('"jti":"denied"')), NULL, 'with check_revocation off, a token with a denied jti verifies');
RESET jwt_auth.check_revocation;

-- Size
SELECT is(test.verdict(test.own('"x":"' || repeat('x', 11000) || '"')), NULL, 'a token of 15 kB verifies');
SELECT is(test.verdict(test.own('"x":"' || repeat('x', 13000) || '"')), '28J00', 'a token beyond max_token_size is refused');

-- What comes in as text may be anything
SELECT is(test.verdict(token), '28J00', 'no token: ' || left(token, 30))
FROM unnest(ARRAY['', '.', '..', '...', 'a.b.c', 'x', ' ', repeat('.', 1000), repeat('A', 100000), E'a\tb.c.d',
				  U&'\20AC.\20AC.\20AC']) AS token;
SELECT is(test.verdict(mangled), '28J00', 'mangled at ' || n)
FROM test.own() AS token, generate_series(1, 60, 7) AS n,
	 LATERAL (SELECT overlay(token PLACING CASE substr(token, length(token) - n, 1) WHEN 'A' THEN 'B' ELSE 'A' END
							 FROM length(token) - n FOR 1) AS mangled) AS m;

-- A row that is no key
SELECT jwt_sign('{}', kid => 'e1') AS own \gset
SELECT is(test.verdict(:'own'), NULL, 'a token by a stored key verifies');
UPDATE jwt_auth.keys SET public_jwk = '{}' WHERE kid = 'e1';
SELECT test.raises(format('SELECT jwt_verify(%L)', :'own'), '22023', 'a token by a stored key that is none raises an error of its own');

SELECT * FROM finish();
