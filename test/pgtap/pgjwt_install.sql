-- What CREATE EXTENSION jwt_auth_pgjwt leaves behind (T32, T33, T78, T90, T95):
-- rights, also under default privileges; nothing where its names are taken; the
-- same answers to a role without rights and under a hostile search_path.
SET client_min_messages = warning;
-- At least 40 assertions
SELECT no_plan();

CREATE VIEW public.function_right AS
SELECT p.oid::regprocedure::text AS name, acl.privilege_type, acl.is_grantable,
	   CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee)::text END AS grantee
FROM pg_extension AS e
JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
				   AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
JOIN pg_proc AS p ON p.oid = d.objid,
LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
WHERE e.extname = 'jwt_auth_pgjwt' AND acl.grantee <> p.proowner;

-- It needs jwt_auth, which stays as long as it does
SELECT throws_ok('CREATE EXTENSION jwt_auth_pgjwt', '42704', NULL, 'the extension is not created without jwt_auth');
SELECT lives_ok('CREATE EXTENSION jwt_auth_pgjwt CASCADE', 'CREATE EXTENSION ... CASCADE creates jwt_auth as well');
SELECT throws_ok('DROP EXTENSION jwt_auth', '2BP01', NULL, 'jwt_auth cannot be dropped before the extension');
CREATE SCHEMA other;
SELECT throws_ok('ALTER EXTENSION jwt_auth_pgjwt SET SCHEMA other', '0A000', NULL, 'the extension cannot be moved to another schema');
SELECT set_eq('SELECT name, grantee, privilege_type, is_grantable FROM public.function_right',
	$$VALUES ('algorithm_sign(text,text,text)', 'PUBLIC', 'EXECUTE', false), ('sign(json,text,text)', 'PUBLIC', 'EXECUTE', false),
		('try_cast_double(text)', 'PUBLIC', 'EXECUTE', false), ('url_decode(text)', 'PUBLIC', 'EXECUTE', false),
		('url_encode(bytea)', 'PUBLIC', 'EXECUTE', false), ('verify(text,text,text)', 'PUBLIC', 'EXECUTE', false)$$, 'PUBLIC may call all six functions');
CREATE TABLE public.plain AS SELECT * FROM public.function_right;
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc AS p
	JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'jwt_auth_pgjwt'
	WHERE length(substring(obj_description(p.oid, 'pg_proc'), '^.*?[.](?= |$)')) BETWEEN 15 AND 100 IS NOT TRUE
		OR p.prosecdef OR p.proconfig IS NOT NULL$$,
	'every function has a comment that begins with its use in at most 100 characters, and acts as its caller');
CREATE VIEW public.dependent AS SELECT valid FROM verify('a', 'b');
SELECT throws_ok('DROP EXTENSION jwt_auth_pgjwt', '2BP01', NULL, 'the extension cannot be dropped while a view uses it');
SELECT throws_ok('DROP FUNCTION verify(text, text, text)', '2BP01', NULL, 'a function of the extension cannot be dropped');
SELECT lives_ok('DROP VIEW public.dependent; DROP EXTENSION jwt_auth_pgjwt', 'the extension can be dropped after the view');
SELECT is_empty($$SELECT proname FROM pg_proc WHERE probin LIKE '%jwt_auth' AND prosrc LIKE 'pgjwt%'$$, 'DROP EXTENSION leaves no function');

-- Default privileges that give everything to everyone, and nothing to PUBLIC
CREATE ROLE regress_pgjwt_user;
CREATE ROLE "regress_Pgjwt ""user";
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_pgjwt_user WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO "regress_Pgjwt ""user", PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO regress_pgjwt_user;
CREATE EXTENSION jwt_auth_pgjwt;
SELECT set_eq('SELECT * FROM public.function_right', 'SELECT * FROM public.plain', 'the rights are the same where all are granted by default');
DROP EXTENSION jwt_auth_pgjwt;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_pgjwt_user, "regress_Pgjwt ""user", PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON FUNCTIONS FROM regress_pgjwt_user;
CREATE EXTENSION jwt_auth_pgjwt;
SELECT set_eq('SELECT * FROM public.function_right', 'SELECT * FROM public.plain', 'the rights are the same where none are granted by default');
DROP EXTENSION jwt_auth_pgjwt;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;

-- Names that somebody took before, pgjwt itself among them: nothing is adopted
CREATE FUNCTION public.squat() RETURNS SETOF text
LANGUAGE plpgsql AS
$$
DECLARE
	signature text;
BEGIN
	FOREACH signature IN ARRAY ARRAY['sign(json, text, text) RETURNS text', 'verify(text, text, text) RETURNS text',
		'url_encode(bytea) RETURNS text', 'url_decode(text) RETURNS bytea', 'algorithm_sign(text, text, text) RETURNS text',
		'try_cast_double(text) RETURNS float8']
	LOOP
		EXECUTE format('CREATE FUNCTION public.%s LANGUAGE sql AS ''SELECT NULL::%s''', signature,
					   regexp_replace(signature, '.* RETURNS ', ''));
		RETURN NEXT throws_ok('CREATE EXTENSION jwt_auth_pgjwt', '42723', NULL, 'the extension is not created over ' || signature);
		RETURN NEXT is_empty('SELECT FROM pg_extension WHERE extname = ''jwt_auth_pgjwt''', 'an installation that failed leaves no extension');
		EXECUTE 'DROP FUNCTION public.' || regexp_replace(signature, ' RETURNS.*', '');
	END LOOP;
END
$$;
SELECT public.squat();
CREATE EXTENSION pgcrypto;
CREATE EXTENSION pgjwt;
SELECT throws_ok('CREATE EXTENSION jwt_auth_pgjwt', '42723', NULL, 'the extension is not created over pgjwt');
DROP EXTENSION pgjwt;

-- A role without rights may call, and change nothing
CREATE SCHEMA "Other schema";
CREATE EXTENSION jwt_auth_pgjwt SCHEMA "Other schema";
GRANT USAGE ON SCHEMA "Other schema" TO regress_pgjwt_user;
GRANT CREATE ON SCHEMA "Other schema", public TO regress_pgjwt_user;
SET ROLE regress_pgjwt_user;
SELECT is((SELECT valid FROM "Other schema".verify("Other schema".sign('{}', 'k'), 'k')), true, 'a role without rights signs and verifies');
SELECT is((SELECT valid FROM "Other schema".verify("Other schema".sign('{}', 'k'), 'x')), false, 'a role without rights gets a refusal for a wrong secret');
SELECT throws_ok(statement, '42501', NULL, 'not allowed: ' || left(statement, 60))
FROM unnest(ARRAY['DROP EXTENSION jwt_auth_pgjwt', 'ALTER EXTENSION jwt_auth_pgjwt UPDATE', 'DROP FUNCTION "Other schema".sign(json, text, text)',
	'ALTER FUNCTION "Other schema".verify(text, text, text) IMMUTABLE', 'ALTER FUNCTION "Other schema".verify(text, text, text) RENAME TO f',
	'ALTER FUNCTION "Other schema".verify(text, text, text) SET search_path = x',
	'CREATE OR REPLACE FUNCTION "Other schema".sign(payload json, secret text, algorithm text DEFAULT ''HS256'') RETURNS text LANGUAGE sql AS ''SELECT NULL''',
	'CREATE FUNCTION pg_temp.f(text) RETURNS bytea LANGUAGE C AS ''$libdir/jwt_auth'', ''pgjwt_url_decode''']) AS statement;
RESET ROLE;

-- A hostile search_path catches nothing, when it is created and when called
CREATE SCHEMA hostile;
CREATE TABLE hostile.trap (what text);
DO $$
DECLARE
	signature text;
BEGIN
	FOREACH signature IN ARRAY ARRAY['translate(text, text, text) RETURNS text', 'encode(bytea, text) RETURNS text', 'decode(text, text) RETURNS bytea',
		'url_encode(bytea) RETURNS text', 'url_decode(text) RETURNS bytea', 'hmac(text, text, text) RETURNS bytea', 'convert_from(bytea, name) RETURNS text',
		'algorithm_sign(text, text, text) RETURNS text', 'try_cast_double(text) RETURNS float8', 'to_timestamp(float8) RETURNS timestamptz',
		'now() RETURNS timestamptz', 'clock_timestamp() RETURNS timestamptz', 'format(text) RETURNS text', 'aclexplode(aclitem[]) RETURNS text']
	LOOP
		EXECUTE format('CREATE FUNCTION hostile.%s LANGUAGE plpgsql AS
			$body$BEGIN INSERT INTO hostile.trap VALUES (%L); RETURN NULL; END$body$', signature, signature);
	END LOOP;
	CREATE FUNCTION hostile.equal(oid, oid) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO hostile.trap VALUES (''oid = oid''); RETURN true; END';
	CREATE OPERATOR hostile.= (FUNCTION = hostile.equal, LEFTARG = oid, RIGHTARG = oid);
	CREATE DOMAIN hostile.json AS pg_catalog.int4;
	CREATE TEMP TABLE pg_proc (proname name);
END
$$;
DROP EXTENSION jwt_auth_pgjwt;
SET search_path = hostile, pg_temp, pg_catalog, public;
CREATE EXTENSION jwt_auth_pgjwt SCHEMA "Other schema";
CREATE TABLE public.answer AS
SELECT v.valid, v.payload OPERATOR(pg_catalog.->>) 'a' AS claim, "Other schema".url_encode('\xff') AS encoded,
	   "Other schema".url_decode('_w') AS decoded, "Other schema".try_cast_double('1') AS number
FROM "Other schema".verify("Other schema".sign('{"a":1,"exp":4102444800}', 'k'), 'k') AS v;
SET search_path = public;
SELECT results_eq('SELECT * FROM public.answer', $$VALUES (true, '1', '_w', '\xff'::bytea, 1::float8)$$, 'functions answer rightly under a hostile search_path');
SELECT is_empty('SELECT what FROM hostile.trap', 'nothing of the hostile schema was called');
SELECT set_eq('SELECT replace(name, ''"Other schema".'', ''''), grantee FROM public.function_right',
			  'SELECT name, grantee FROM public.plain', 'the rights are the same when created under a hostile search_path');

-- Parallel workers answer as the leader does
CREATE TABLE public.request AS
SELECT "Other schema".sign(json_build_object('n', n, 'exp', CASE n % 2 WHEN 0 THEN 4102444800 ELSE 1 END), 'k') AS token
FROM generate_series(1, 5000) AS n;
ALTER TABLE public.request SET (parallel_workers = 2);
ANALYZE public.request;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT is((SELECT count(*)::integer FROM public.request WHERE (SELECT v.valid FROM "Other schema".verify(token, 'k') AS v)), 2500,
		  'verify answers in parallel workers');
RESET parallel_leader_participation;

DROP EXTENSION jwt_auth_pgjwt;
SELECT lives_ok('DROP EXTENSION jwt_auth', 'jwt_auth can be dropped after the extension');
DROP OWNED BY regress_pgjwt_user, "regress_Pgjwt ""user";
DROP ROLE regress_pgjwt_user, "regress_Pgjwt ""user";
SELECT * FROM finish();
