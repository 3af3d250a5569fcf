-- What PostgREST calls (T17, T24, T83): jwt_pre_request takes the bearer token of
-- the request's headers and nothing else, and a request without one is nobody's;
-- jwt_postgrest_config hands out the public keys, and a change of keys notifies.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
-- At least 83 assertions
SELECT no_plan();

-- Without a key that PostgREST could verify with
SELECT test.raises('SELECT public.jwt_postgrest_config()', '55000', 'without a key, jwt_postgrest_config is refused');
SELECT test.import_own_secret() IS NOT NULL AS unused \gset
SELECT test.raises('SELECT public.jwt_postgrest_config()', '55000', 'with a secret alone, jwt_postgrest_config is refused');
SELECT public.jwt_revoke_key('h1') IS NULL AS unused \gset
DELETE FROM jwt_auth.keys;
\ir include/identity.psql
SELECT test.token_of('alice') AS alice, test.token_of('bob') AS bob \gset

-- The claims that PostgREST hands over for a request with these headers: those of
-- the bearer token, as far as it can be read, and the role.
CREATE FUNCTION test.accepted_claims(headers text) RETURNS text
LANGUAGE plpgsql AS
$$
BEGIN
	RETURN ((public.jwt_decode(substring(headers FROM '"authorization" ?: ?"[Bb][Ee][Aa][Rr][Ee][Rr] +([\w-]+[.][\w-]+[.][\w-]+)"'))).claims
			|| '{"role":"web_anon"}')::text;
EXCEPTION WHEN OTHERS THEN
	RETURN '{"role":"web_anon"}';
END
$$;

-- A request as PostgREST begins it: local settings, then jwt_pre_request. Who
-- it is afterwards, or the SQLSTATE.
CREATE FUNCTION test.request(headers text, method text DEFAULT '') RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	who uuid;
BEGIN
	PERFORM set_config('request.headers', headers, true), set_config('request.method', method, true),
			set_config('request.jwt.claims', test.accepted_claims(headers), true);
	PERFORM public.jwt_pre_request();
	who := public.jwt_user_id();
	RETURN coalesce((SELECT p.name FROM test.person AS p WHERE p.id = who), who::text, 'nobody');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE FUNCTION test.authorization(value text) RETURNS text
LANGUAGE sql AS $$ SELECT json_build_object('host', 'example', 'authorization', value, 'accept', '*/*')::text $$;

SELECT is(test.request(test.authorization(scheme || :'alice')), 'alice', 'accepted: "' || scheme || '"')
FROM unnest(ARRAY['Bearer ', 'bearer ', 'BEARER ', 'Bearer  ', 'Bearer       ']) AS scheme;
SELECT is(test.request(headers), 'nobody', 'nobody: ' || coalesce(left(headers, 60), 'NULL'))
FROM unnest(ARRAY['', NULL, '{}', '{"accept":"*/*"}', '{"Authorization":"Bearer x"}',
				  '{"x-authorization":"Bearer x"}', test.authorization('Basic YWxpY2U6c2VjcmV0'), test.authorization(''),
				  test.authorization('Digest username="x"'), test.authorization('Negotiate ' || :'alice'), test.authorization(:'alice'),
				  test.authorization('BearerX ' || :'alice'), test.authorization('Bearer' || :'alice'),
				  test.authorization(' Bearer ' || :'alice'), test.authorization('Token Bearer ' || :'alice'),
				  '{"cookie":"token=' || :'alice' || '"}']) AS headers;
SELECT is(test.request(test.authorization(value)), state, 'refused: ' || what)
FROM (VALUES ('a scheme alone', 'Bearer', '28J00'), ('a scheme and a space', 'Bearer ', '28J00'),
			 ('a scheme and spaces', 'Bearer    ', '28J00'), ('junk', 'Bearer x', '28J00'),
			 ('two tokens', 'Bearer ' || :'alice' || ' ' || :'bob', '28J00'),
			 ('two tokens and a comma', 'Bearer ' || :'alice' || ',' || :'bob', '28J00'),
			 ('two credentials', 'Bearer ' || :'alice' || ', Bearer ' || :'bob', '28J00'),
			 ('two schemes', 'Bearer Bearer ' || :'alice', '28J00'),
			 ('a trailing space', 'Bearer ' || :'alice' || ' ', '28J00'),
			 ('a tab', E'Bearer \t' || :'alice', '28J00'), ('a line end', 'Bearer ' || :'alice' || E'\r\nX: y', '28J00'),
			 ('tampered', 'Bearer ' || test.tampered(:'alice'), '28J00'), ('quotes', 'Bearer "' || :'alice' || '"', '28J00'),
			 ('not ASCII', 'Bearer ä', '28J00'), ('100 kB', 'Bearer ' || repeat('a', 100000), '28J00'),
			 ('alg none', 'Bearer eyJhbGciOiJub25lIn0.e30.', '28J00'),
			 ('expired', 'Bearer ' || test.own('"exp":1'), '28J01'), ('for another use', 'Bearer ' || test.own('"token_use":"id"'), '28J00'))
	AS v (what, value, state);
SELECT is(test.request(headers), '28J00', 'refused headers: ' || left(headers, 50))
FROM unnest(ARRAY['{"authorization":["Bearer x"]}', '{"authorization":7}', '{"authorization":{"Bearer":"x"}}', '[]', '"x"', 'x', '{', 'null',
				  '{"authorization":"Bearer ' || :'alice' || '","authorization":"Bearer ' || :'bob' || '"}']) AS headers;
SELECT test.login('alice') AS ended \gset
SELECT jwt_revoke(:'ended') IS NULL AS unused \gset
SELECT is(test.request(test.authorization('Bearer ' || :'ended')), '28J02', 'jwt_pre_request refuses a token after a logout');
SELECT is(test.request(test.authorization('Bearer x'), method), 'PGRST', 'behind PostgREST: PGRST with ' || method)
FROM unnest('{GET,HEAD,POST,PATCH,DELETE,OPTIONS}'::text[]) AS method;

-- What was left on the connection does not count, whatever it is (T24)
SELECT is((set_config('jwt_auth.token', left_over, false) IS NULL, test.request(headers), test.request(headers))::text, format('(f,%s,%s)', who, who),
		  format('left over: %s, request of %s', left(left_over, 10), who))
FROM unnest(ARRAY[:'bob', 'x', '']) AS left_over,
	 (VALUES ('{}', 'nobody'), (test.authorization('Basic x'), 'nobody'), (test.authorization('Bearer ' || :'alice'), 'alice'), ('', 'nobody'))
		AS v (headers, who);
SET jwt_auth.token = :'bob';
BEGIN;
SET LOCAL request.headers = '{}';
SELECT jwt_pre_request() IS NULL AS unused \gset
SELECT is(jwt_user_id(), NULL, 'a request without token is nobody''s, though the session has a token');
COMMIT;
SELECT is(jwt_user_id(), test.id_of('bob'), 'after a request, the session''s token is untouched');
RESET jwt_auth.token;
BEGIN;
SELECT set_config('request.headers', test.authorization('Bearer ' || :'alice'), true) IS NULL AS unused,
	   set_config('request.jwt.claims', test.accepted_claims(test.authorization('Bearer ' || :'alice')), true) IS NULL AS unused2 \gset
SELECT jwt_pre_request() IS NULL AS unused \gset
SELECT is(jwt_user_id(), test.id_of('alice'), 'the first request of a connection has the identity of its token');
COMMIT;
SELECT is(current_setting('request.headers', true), '', 'after a request, PostgREST''s settings are empty');
SELECT is(jwt_user_id(), NULL, 'after a request, there is no identity');
BEGIN READ ONLY;
SELECT set_config('request.headers', test.authorization('Bearer ' || :'bob'), true) IS NULL AS unused,
	   set_config('request.jwt.claims', test.accepted_claims(test.authorization('Bearer ' || :'bob')), true) IS NULL AS unused2 \gset
SELECT jwt_pre_request() IS NULL AS unused \gset
SELECT is(jwt_user_id(), test.id_of('bob'), 'a request in a read-only transaction has the identity of its token');
SELECT test.raises('SELECT public.jwt_logout()', '25006', 'jwt_logout is refused in a read-only transaction');
COMMIT;

-- Its configuration
BEGIN;
SELECT jwt_postgrest_config() IS NULL AS unused \gset
SELECT is(current_setting('pgrst.jwt_secret')::jsonb, jwt_jwks(), 'pgrst.jwt_secret is the JWK Set');
SELECT ok(current_setting('pgrst.jwt_secret') !~ '"(d|k|p|q)"', 'pgrst.jwt_secret has no private member');
SELECT is(coalesce(current_setting('pgrst.jwt_aud', true), ''), '', 'pgrst.jwt_aud is empty where jwt_auth.audience is');
SET LOCAL jwt_auth.audience = 'api';
SELECT jwt_postgrest_config() IS NULL AS unused \gset
SELECT is(current_setting('pgrst.jwt_aud'), 'api', 'pgrst.jwt_aud is jwt_auth.audience');
COMMIT;
SELECT is(coalesce(current_setting('pgrst.jwt_secret', true), ''), '', 'pgrst.jwt_secret is set for the transaction only');
CREATE ROLE regress_postgrest_authenticator NOINHERIT;
SET ROLE regress_postgrest_authenticator;
SELECT test.raises('SELECT public.jwt_postgrest_config()', NULL, 'a role without rights may call jwt_postgrest_config');
SELECT test.raises('SELECT public.jwt_pre_request()', NULL, 'a role without rights may call jwt_pre_request');
RESET ROLE;
DROP ROLE regress_postgrest_authenticator;

SELECT * FROM finish();
