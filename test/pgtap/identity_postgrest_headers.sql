-- Several Authorization headers behind PostgREST (T24, F43): it takes the role
-- from the first and hands over the last, so that both must stand for the same
-- claims, whoever presents what; else a revoked token would still pick the role.
-- At least 110 assertions
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
SELECT no_plan();

-- Claims as PostgREST hands them over: those of the token that it verified, if
-- there is one, and the role, of the token or else of anonymous requests.
CREATE FUNCTION test.accepted_claims(header text) RETURNS text
LANGUAGE plpgsql AS
$$
BEGIN
	IF header !~* '^bearer ' THEN
		RETURN '{"role":"web_anon"}';
	END IF;
	RETURN ('{"role":"web_anon"}' || (public.jwt_decode(regexp_replace(header, '^\w+ +', ''))).claims)::text;
END
$$;

-- A request with this first and this last Authorization header, or with these
-- claims: who it is afterwards, or the SQLSTATE.
CREATE FUNCTION test.request(first text, last text, claims text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	who uuid;
BEGIN
	PERFORM set_config('request.headers', json_strip_nulls(json_build_object('host', 'x', 'authorization', last))::text, true),
			set_config('request.jwt.claims', coalesce(claims, test.accepted_claims(coalesce(first, ''))), true);
	PERFORM public.jwt_pre_request();
	who := public.jwt_user_id();
	RETURN coalesce((SELECT p.name FROM test.person AS p WHERE p.id = who), public.jwt_claim('sub'), 'nobody');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;

SELECT 'Bearer ' || test.token_of('alice') AS alice, 'Bearer ' || test.token_of('bob') AS bob,
	   'Bearer ' || test.login('alice') AS revoked, 'Bearer ' || test.login('alice') AS other_session,
	   'Bearer ' || test.own('"role":"app_user","sub":"carol"') AS with_role, 'Bearer ' || test.own('"x":1,"sub":"carol"') AS without_role,
	   'Bearer ' || test.own('"role":"admin","jti":"1"') AS admin, 'Bearer ' || test.own('"role":"app_user","jti":"2"') AS user \gset
SELECT jwt_revoke(substr(:'revoked', 8)) IS NULL AS unused \gset

SELECT is(test.request(first, last), who, what)
FROM (VALUES
	('one header', :'alice', :'alice', 'alice'),
	('no header', NULL, NULL, 'nobody'),
	('an empty header', '', '', 'nobody'),
	('another scheme', 'Basic x', 'Basic x', 'nobody'),
	('two of other schemes', 'Basic x', 'Digest y', 'nobody'),
	('the same header twice', :'bob', :'bob', 'bob'),
	('the same token twice, in another case', lower(left(:'bob', 6)) || substr(:'bob', 7), :'bob', 'bob'),
	('a token with a role', :'with_role', :'with_role', 'carol'),
	('a token without a role', :'without_role', :'without_role', 'carol'))
	AS v (what, first, last, who);

SELECT is(test.request(first, last), '28J00', 'refused: ' || what)
FROM (VALUES
	('a revoked token before another scheme', :'revoked', 'Basic x'),
	('a revoked token before an empty header', :'revoked', ''),
	('a revoked token before another user''s', :'revoked', :'bob'),
	('a revoked token before another session of the same user', :'revoked', :'other_session'),
	('a good token before another scheme', :'alice', 'Basic x'),
	('a good token before another user''s', :'alice', :'bob'),
	('another scheme before a good token', 'Basic x', :'alice'),
	('an empty header before a good token', '', :'alice'),
	('no first header', NULL, :'alice'),
	('a good token, and none at last', :'alice', NULL),
	('two sessions of a user', :'alice', :'other_session'),
	('another role and jti', :'admin', :'user'),
	('a token before junk', :'alice', 'Bearer x'),
	('a token before a scheme alone', :'alice', 'Bearer '))
	AS v (what, first, last);
SELECT is(test.request(:'revoked', :'revoked'), '28J02', 'a revoked token twice is refused as revoked');
SELECT is(test.request(:'alice', :'revoked'), '28J02', 'a valid token before a revoked one is refused as revoked');

-- How the claims are written does not matter, only what they say
SELECT (jwt_decode(substr(:'without_role', 8))).claims AS claims \gset
SELECT is(test.request(NULL, :'without_role', claims), 'carol', 'the same claims: ' || what)
FROM (VALUES
	('as they are', :'claims'),
	('with a role', (:'claims'::jsonb || '{"role":"web_anon"}')::text),
	('with a role that is an object', (:'claims'::jsonb || '{"role":{"a":[1]}}')::text),
	('in another order', (SELECT format('{%s}', string_agg(to_json(key) || ':' || value, ',' ORDER BY key DESC))
						  FROM jsonb_each(:'claims'))),
	('with spaces', replace(:'claims', ',', E' ,\n\t')),
	('numbers with a fraction of zero', regexp_replace(:'claims', '("x": 1)', '\1.000')),
	('numbers with an exponent', regexp_replace(:'claims', '"x": 1', '"x": 10e-1')),
	('escapes', regexp_replace(:'claims', '"x"', '"\\u0078"')))
	AS v (what, claims);
SELECT is(test.request(NULL, :'without_role', claims), '28J00', 'other claims: ' || what)
FROM (VALUES
	('none', '{}'), ('a role alone', '{"role":"web_anon"}'), ('no setting', ''),
	('one more', (:'claims'::jsonb || '{"admin":true}')::text),
	('one less', (:'claims'::jsonb - 'x')::text),
	('another value', (:'claims'::jsonb || '{"x":2}')::text),
	('another type', (:'claims'::jsonb || '{"x":"1"}')::text),
	('null', (:'claims'::jsonb || '{"x":null}')::text),
	('an array', (:'claims'::jsonb || '{"x":[1]}')::text),
	('another subject', (:'claims'::jsonb || jsonb_build_object('sub', test.id_of('bob')))::text),
	('a member twice', regexp_replace(:'claims', '"x": 1', '"x": 2, "x": 1')),
	('an array of claims', '[' || :'claims' || ']'), ('a string', '"x"'), ('no JSON', 'x'), ('cut', left(:'claims', -1)))
	AS v (what, claims);
SELECT is(test.request(NULL, last, claims), state, 'without a token: ' || what)
FROM (VALUES
	('no claims', NULL, '{}', 'nobody'), ('no setting', NULL, '', 'nobody'), ('a role', 'Basic x', '{"role":"web_anon"}', 'nobody'),
	('a subject', NULL, '{"sub":"x","role":"web_anon"}', '28J00'), ('an empty member', 'Basic x', '{"":null}', '28J00'),
	('no object', NULL, '[]', '28J00'), ('no JSON', NULL, '{"role"', '28J00'))
	AS v (what, last, claims, state);

-- Nothing is left of a request that was refused
SET jwt_auth.token = 'x';
SELECT is((test.request(:'alice', :'bob'), test.request(:'alice', :'alice'))::text, '(28J00,alice)', 'after a refused request, the next one is accepted');
RESET jwt_auth.token;
BEGIN;
SELECT is(test.request(NULL, NULL), 'nobody', 'a request without header is nobody''s');
SELECT is(test.request(:'alice', :'bob'), '28J00', 'a request with two different headers is refused');
SELECT is(jwt_user_id(), NULL, 'a refused request leaves no identity');
COMMIT;

-- Tokens of an issuer that differ in the role alone
SELECT jwt_trust_issuer('https://a.example', jwk_public(test.key('P-256', 'ES256')), 'api', '{app_user,app_reader}') IS NULL AS unused \gset
CREATE FUNCTION test.issued(members text) RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT 'Bearer ' || public.jwt_sign_with(('{"iss":"https://a.example","aud":"api","sub":"dave","exp":4102444800' || members || '}')::jsonb, test.key('P-256', 'ES256')) $$;
SET pgrst.db_anon_role = 'web_anon';
SELECT test.issued(',"role":"admin"') AS admin, test.issued(',"role":"app_user"') AS user, test.issued(',"role":"app_reader"') AS reader, test.issued('') AS none \gset
SELECT is(test.request(first, last), who, 'an issuer''s tokens: ' || what)
FROM (VALUES
	('one with a listed role', :'user', :'user', 'dave'),
	('one without a role', :'none', :'none', 'dave'),
	('a role that is not listed', :'admin', :'admin', '42501'),
	('one that is not listed before one that is', :'admin', :'user', '28J00'),
	('a listed role before another', :'user', :'reader', '28J00'),
	('no role before a listed one', :'none', :'user', '28J00'))
	AS v (what, first, last, who);
SELECT (jwt_decode(substr(:'user', 8))).claims AS claims \gset
SELECT is(test.request(NULL, :'user', (:'claims'::jsonb || jsonb_build_object('role', role))::text), '28J00', 'PostgREST took ' || role::text)
FROM unnest(ARRAY['null', '7', '["app_user"]', '{"app_user":1}', '"APP_USER"', '"app_user "']::jsonb[]) AS role;
SELECT is(test.request(NULL, :'user', (:'claims'::jsonb - 'role')::text), '28J00', 'refused: PostgREST took no role for a token with one');

-- A token that names no role stands for the anonymous one, or for what its
-- issuer's options make of it: no other token may have brought another
SELECT jwt_trust_issuer('https://b.example', jwk_public(test.key('P-256', 'ES256')), 'api', '{app_user,app_reader}', '{"role_claim": ["realm", "roles"], "default_role": "app_reader"}') IS NULL AS unused \gset
CREATE FUNCTION test.issued_by_b(members text) RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT 'Bearer ' || public.jwt_sign_with(('{"iss":"https://b.example","aud":"api","sub":"erin","exp":4102444800' || members || '}')::jsonb, test.key('P-256', 'ES256')) $$;
SELECT test.issued_by_b('') AS defaulted, test.issued_by_b(',"realm":{"roles":["x","app_user"]}') AS mapped \gset
CREATE FUNCTION test.request_as(role text, token text, anonymous text) RETURNS text
LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('pgrst.db_anon_role', anonymous, true);
	RETURN test.request(NULL, token, ((public.jwt_decode(substr(token, 8))).claims || jsonb_build_object('role', role))::text);
END
$$;
SELECT is(test.request_as(role, token, anonymous), who, format('%s: PostgREST took %s, anonymous is %s', what, role, anonymous))
FROM (VALUES
	('no role', :'none', 'web_anon', 'web_anon', 'dave'),
	('no role', :'none', 'admin', 'web_anon', '28J00'),
	('no role', :'none', 'app_user', 'web_anon', '28J00'),
	('no role', :'none', 'WEB_ANON', 'web_anon', '28J00'),
	('no role', :'none', '', 'web_anon', '28J00'),
	('no role', :'none', '', '', '28J00'),
	('no role', :'none', 'web_anon', '', '28J00'),
	('a default role', :'defaulted', 'web_anon', 'web_anon', 'erin'),
	('a default role', :'defaulted', 'app_reader', 'web_anon', 'erin'),
	('a default role', :'defaulted', 'app_user', 'web_anon', '28J00'),
	('a default role', :'defaulted', 'admin', 'web_anon', '28J00'),
	('a role elsewhere', :'mapped', 'app_user', '', 'erin'),
	('a role elsewhere', :'mapped', 'web_anon', 'web_anon', 'erin'),
	('a role elsewhere', :'mapped', 'x', 'web_anon', '28J00'),
	('a role elsewhere', :'mapped', 'app_reader', 'web_anon', '28J00'))
	AS v (what, token, role, anonymous, who);
SELECT is(test.request(first, :'none'), '28J00', 'before one without a role: ' || what)
FROM (VALUES ('a role that is not listed', :'admin'), ('a listed one', :'user'), ('a scheme', 'Basic x')) AS v (what, first);

-- A token of nothing but a role, before a header that is no bearer token
CREATE FUNCTION test.nobody_as(claims text, anonymous text, last text) RETURNS text
LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('pgrst.db_anon_role', anonymous, true);
	RETURN test.request(NULL, last, claims);
END
$$;
SELECT is(test.nobody_as(claims, anonymous, last), who, format('nobody''s request as %s, anonymous is %s, header %s', claims, anonymous, coalesce(last, 'none')))
FROM (VALUES
	('{"role":"web_anon"}', 'web_anon', 'nobody'), ('{}', 'web_anon', 'nobody'), ('', 'web_anon', 'nobody'),
	('{"role":"admin"}', 'web_anon', '28J00'), ('{"role":"WEB_ANON"}', 'web_anon', '28J00'), ('{"role":""}', 'web_anon', '28J00'),
	('{"role":null}', 'web_anon', '28J00'), ('{"role":["web_anon"]}', 'web_anon', '28J00'),
	('{"role":"admin","x":1}', '', '28J00'), ('{"role":"admin"}', '', 'nobody'))
	AS v (claims, anonymous, who), unnest(ARRAY[NULL, 'Basic x']) AS last;

SELECT * FROM finish();
