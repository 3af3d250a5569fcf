-- Attempts of a role without rights to be somebody, or to see more than it may
-- (T21, T23, T32, T33): nothing but a valid token counts.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
-- At least 96 assertions
SELECT no_plan();
SELECT test.token_of('alice') AS alice, test.token_of('bob') AS bob,
	   test.id_of('alice') AS alice_id, test.id_of('bob') AS bob_id \gset

CREATE ROLE regress_forgery_app LOGIN;
CREATE ROLE regress_forgery_admin;
CREATE SCHEMA mine AUTHORIZATION regress_forgery_app;
GRANT USAGE ON SCHEMA public TO regress_forgery_app;
SELECT format('GRANT TEMPORARY ON DATABASE %I TO regress_forgery_app', current_database()) \gexec
REVOKE SELECT ON test.person FROM PUBLIC;
CREATE POLICY p ON public.document USING (owner = public.jwt_user_id());
CREATE FUNCTION test.is_nobody(what text) RETURNS text
LANGUAGE sql AS
$$ SELECT is((test.seen()::text, public.jwt_user_id()::text, public.jwt_role(), public.jwt_has_role('admin'),
			  public.jwt_claim('sub'))::text, '({},,,f,)', what) $$;

SET SESSION AUTHORIZATION regress_forgery_app;
SELECT test.is_nobody('nobody at first');

-- Claims in settings, as others read them (T21)
SELECT test.is_nobody(name || ' is not read')
FROM unnest('{request.jwt.claims,request.jwt.claim.sub,request.jwt.claim.role,request.header.authorization,request.headers,
			  jwt.claims,jwt.claims.sub,jwt.claims.user_id,app.user_id,app.current_user_id,role.claims,pgrst.jwt_secret,
			  request.method,my.jwt_auth.token}'::text[]) AS name,
	 LATERAL set_config(name, format('{"sub":"%s","role":"admin","authorization":"Bearer %s"}', :'alice_id', :'alice'), false);
RESET ALL;

-- Settings of the extension (T23)
SELECT is(test.sqlstate_of(statement), state, statement)
FROM (SELECT format('SET jwt_auth.%s = %L', name, value), '42501'
	  FROM (VALUES ('issuer', 'x'), ('check_revocation', 'off'), ('require_exp', 'off'), ('leeway', '300'), ('claims_function', 'mine.f'),
				   ('password_check_function', 'mine.f'), ('master_key_file', '/tmp/x'), ('audit', 'off'), ('session_ttl', '1d'),
				   ('login_max_failures', '1000'), ('argon2_memory', '8'), ('max_sessions_per_user', '0')) AS s (name, value)
	  UNION ALL VALUES
		('SET jwt_auth.user_id = ''x''', '42602'), ('SET jwt_auth.claims = ''{}''', '42602'), ('SET jwt_auth.role = ''admin''', '42602'),
		('SET jwt_auth.identity = ''x''', '42602'),
		('ALTER ROLE regress_forgery_app SET jwt_auth.issuer = ''x''', '42501'),
		('ALTER ROLE regress_forgery_app SET jwt_auth.check_revocation = off', '42501'),
		('ALTER ROLE regress_forgery_app SET session_preload_libraries = ''x''', '42501'),
		('ALTER ROLE postgres SET jwt_auth.token = ''x''', '42501'),
		('ALTER ROLE ALL SET jwt_auth.token = ''x''', '42501'),
		('SELECT pg_reload_conf()', '42501')) AS v (statement, state);
SELECT format('ALTER DATABASE %I SET jwt_auth.token = ''x''', current_database()) AS statement \gset
SELECT test.raises(:'statement', '42501', 'ALTER DATABASE ... SET jwt_auth.token');
SELECT test.raises('UPDATE pg_settings SET setting = ''off'' WHERE name = ''jwt_auth.check_revocation''', '42501', 'UPDATE pg_settings');
SELECT test.raises('UPDATE pg_settings SET setting = ''x'' WHERE name = ''jwt_auth.token''', NULL, 'UPDATE pg_settings does not reach the token');
SELECT test.is_nobody('and changes nobody');
SELECT test.raises('UPDATE pg_catalog.pg_db_role_setting SET setconfig = NULL', '42501', 'UPDATE pg_db_role_setting is refused');

-- Tokens of one's own making: they count for whoever verifies with that key
SELECT jwk_generate('HS256') AS key, jwk_generate('ES256') AS ec \gset
SELECT is((set_config('jwt_auth.token', token, false) = '', test.sqlstate_of('SELECT public.jwt_user_id()'),
		   test.sqlstate_of('SELECT count(*) FROM public.document'))::text, '(f,28J00,28J00)', 'a token of one''s own: ' || what)
FROM (VALUES ('HS256', jwt_sign_with(jsonb_build_object('sub', :'alice_id', 'exp', 4102444800), :'key')),
			 ('ES256', jwt_sign_with(jsonb_build_object('sub', :'alice_id', 'exp', 4102444800), :'ec')),
			 ('with the active kid', jwt_sign_with(jsonb_build_object('sub', :'alice_id', 'exp', 4102444800),
												   :'ec'::jsonb || jsonb_build_object('kid', (jwt_decode(:'alice')).header ->> 'kid'))),
			 ('the public key as secret', test.seal(test.base64url_text((jwt_decode(:'alice')).header::text) || '.' || split_part(:'alice', '.', 2))),
			 ('an empty signature', split_part(:'alice', '.', 1) || '.' || split_part(:'alice', '.', 2) || '.'),
			 ('a key in the header', jws_sign(convert_to(format('{"sub":"%s","exp":4102444800}', :'alice_id'), 'UTF8'), :'ec',
											  jsonb_build_object('jwk', jwk_public(:'ec')))))
	AS v (what, token);
RESET jwt_auth.token;

-- Functions and tables of the extension (T33)
SELECT is(test.sqlstate_of(statement), '42501', 'not allowed: ' || left(statement, 90))
FROM unnest(ARRAY[
	'SELECT jwt_sign(''{}'')', 'SELECT jwt_create_key()', 'SELECT jwt_rotate_key()', 'SELECT jwt_import_key(''{}'')',
	'SELECT jwt_trust_issuer(''x'', ''{}'', ''x'')', 'SELECT jwt_create_user(''x'')', 'SELECT jwt_login(''alice'', ''x'')',
	'SELECT jwt_introspect(''x'')', 'SELECT jwt_explain(''x'')',
	'SELECT jwt_set_password(''' || :'alice_id' || ''', ''correct horse battery'')', 'SELECT * FROM jwt_auth.keys',
	'SELECT * FROM jwt_auth.sessions', 'UPDATE jwt_auth.users SET disabled_at = NULL', 'TRUNCATE jwt_auth.revoked_tokens',
	'INSERT INTO jwt_auth.issuers VALUES (''x'')',
	'CREATE OR REPLACE FUNCTION public.jwt_user_id() RETURNS uuid LANGUAGE sql AS ''SELECT NULL::uuid''',
	'CREATE FUNCTION jwt_auth.f() RETURNS integer LANGUAGE sql AS ''SELECT 1''', 'CREATE TABLE jwt_auth.t ()',
	'ALTER FUNCTION public.jwt_user_id() IMMUTABLE', 'ALTER FUNCTION public.jwt_user_id() RENAME TO f',
	'DROP FUNCTION public.jwt_user_id() CASCADE', 'ALTER POLICY p ON public.document USING (true)', 'DROP POLICY p ON public.document',
	'ALTER TABLE public.document DISABLE ROW LEVEL SECURITY', 'SET ROLE regress_forgery_admin', 'SET ROLE postgres',
	'CREATE ROLE regress_forgery_x', 'GRANT regress_forgery_admin TO regress_forgery_app',
	'ALTER ROLE regress_forgery_app BYPASSRLS', 'SET session_replication_role = replica',
	'CREATE FUNCTION mine.c() RETURNS uuid LANGUAGE C AS ''$libdir/jwt_auth'', ''jwt_user_id''',
	'LOAD ''$libdir/jwt_auth''']) AS statement;
SET row_security = off;
SELECT test.raises('SELECT * FROM public.document', '42501', 'row_security = off is an error, not a way round');
RESET row_security;

-- Objects of one's own, found first (T32, T33): accessors with the same names
-- in one's schema or in pg_temp change one's own queries, and no policy
CREATE FUNCTION mine.jwt_user_id() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid $$;
CREATE FUNCTION pg_temp.jwt_user_id() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid $$;
CREATE FUNCTION mine.equals(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR mine.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = mine.equals);
CREATE FUNCTION mine.equals(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR mine.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.equals);
CREATE TABLE mine.sessions AS SELECT gen_random_uuid() AS id;
CREATE TEMP TABLE keys (kid text, use text);
CREATE TEMP TABLE users (id uuid, disabled_at timestamptz);
CREATE TEMP TABLE document (id integer, owner uuid);
-- pgTAP would find them, too
SET search_path = mine, pg_temp, pg_catalog, public;
SELECT coalesce(public.jwt_user_id()::text, '') AS nobody, count(*) AS nobody_sees FROM public.document \gset
SET jwt_auth.token = :'bob';
SELECT public.jwt_user_id() AS bob_is, string_agg(id::text, ',' ORDER BY id) AS bob_sees FROM public.document \gset
SELECT set_config('jwt_auth.token', test.tampered(:'alice'), false) IS NULL AS unused \gset
SELECT coalesce(test.sqlstate_of('SELECT public.jwt_user_id()'), 'no error') AS forged,
	   coalesce(test.sqlstate_of('SELECT count(*) FROM public.document'), 'no error') AS forged_sees \gset
RESET jwt_auth.token;
SELECT count(*) AS unchanged
FROM unnest(string_to_array('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', NULL)) AS c,
	 LATERAL (SELECT overlay(:'alice' PLACING c FROM length(:'alice') - 9 FOR 1)) AS v (token)
WHERE test.tampered(token) OPERATOR(pg_catalog.=) token \gset
BEGIN;
SELECT public.jwt_authenticate(:'bob') ->> 'sub' AS authenticated,
	   coalesce(test.sqlstate_of(format('SELECT public.jwt_authenticate(%L, true)', :'bob')), 'no error') AS assumed \gset
COMMIT;
RESET search_path;
SELECT is(:'nobody'::text, '', 'under a hostile search_path, a caller without token is nobody');
SELECT is(:'nobody_sees'::text, '0', 'under a hostile search_path, a caller without token sees no row');
SELECT is(:'bob_is'::text, :'bob_id', 'under a hostile search_path, bob is bob');
SELECT is(:'bob_sees'::text, '2,4', 'under a hostile search_path, bob sees his rows');
SELECT is(:'unchanged'::text, '0', 'under a hostile search_path, a tampered token is another one, whatever it was');
SELECT is(:'forged'::text, '28J00', 'under a hostile search_path, a forged token is refused');
SELECT is(:'forged_sees'::text, '28J00', 'under a hostile search_path, the policy refuses a forged token');
SELECT is(:'authenticated'::text, :'bob_id', 'under a hostile search_path, jwt_authenticate accepts bob''s token');
SELECT is(:'assumed'::text, '42501', 'under a hostile search_path, jwt_authenticate assumes no role');
SELECT test.is_nobody('nobody in the end');

-- A function-level SET of anything but the token needs the right to it
SELECT is(test.sqlstate_of(format('CREATE FUNCTION mine.f() RETURNS uuid LANGUAGE sql SET jwt_auth.%s AS ''SELECT public.jwt_user_id()''', setting)), state,
		  'CREATE FUNCTION ... SET ' || setting)
FROM (VALUES ('check_revocation = off', '42501'), ('leeway = 300', '42501'), ('issuer = ''x''', '42501'), ('token = ''x''', NULL)) AS v (setting, state);
SELECT test.raises('SELECT mine.f()', '28J00', 'the token that a function sets is verified like any other');

-- EXECUTE of what the token says: it is data
SELECT is((set_config('jwt_auth.token', ''' OR true; --', false) = '', test.sqlstate_of('SELECT count(*) FROM public.document'))::text, '(f,28J00)',
		  'SQL in place of a token is refused');
RESET jwt_auth.token;
RESET SESSION AUTHORIZATION;

-- As placeholders, before the library is loaded, see the tests of connections.
SET client_min_messages = warning;
DROP OWNED BY regress_forgery_app, regress_forgery_admin CASCADE;
DROP ROLE regress_forgery_app, regress_forgery_admin;
SELECT * FROM finish();
