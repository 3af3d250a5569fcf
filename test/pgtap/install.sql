-- What CREATE EXTENSION leaves behind (T19, T33, T78, T90, T95), also where default
-- privileges say otherwise, where its names are taken, and in another schema.
SET client_min_messages = warning;
-- At least 48 assertions
SELECT no_plan();

-- Rights on the extension's functions beyond the owner's, as lines
CREATE VIEW public.function_right AS
SELECT p.proname AS name,
	   CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee) END AS grantee,
	   acl.is_grantable
FROM pg_extension AS e
JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
				   AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
JOIN pg_proc AS p ON p.oid = d.objid,
LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
WHERE e.extname = 'jwt_auth' AND acl.grantee <> p.proowner;
CREATE VIEW public.other_right AS
SELECT pg_describe_object(d.classid, d.objid, 0) AS object,
	   CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee) END AS grantee
FROM pg_extension AS e
JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
				   AND d.deptype = 'e'
JOIN (SELECT 'pg_class'::regclass AS class, oid, relacl AS acl, relowner AS owner FROM pg_class
	  UNION ALL SELECT 'pg_namespace'::regclass, oid, nspacl, nspowner FROM pg_namespace)
	AS o ON o.class = d.classid AND o.oid = d.objid,
LATERAL aclexplode(o.acl) AS acl
WHERE e.extname = 'jwt_auth' AND acl.grantee <> o.owner;

CREATE EXTENSION jwt_auth;
CREATE TABLE public.plain AS SELECT * FROM public.function_right;
CREATE TABLE public.plain_other AS SELECT * FROM public.other_right;
SELECT isnt_empty('SELECT * FROM public.plain', 'PUBLIC may call some functions');
SELECT set_eq('SELECT * FROM public.plain WHERE grantee <> ''PUBLIC'' OR is_grantable',
			  $$VALUES ('jwt_statistics'::name, 'pg_monitor'::name, false)$$, 'beside PUBLIC, only pg_monitor may call a function, jwt_statistics');
SELECT set_eq('SELECT * FROM public.plain_other',
			  $$VALUES ('schema jwt_auth', 'pg_monitor'::name), ('view jwt_auth.statistics', 'pg_monitor')$$,
			  'nobody but pg_monitor has rights on schemas and tables');
SELECT is(extrelocatable, false, 'the extension is not relocatable') FROM pg_extension WHERE extname = 'jwt_auth';
SELECT is_empty($$SELECT p.proname FROM pg_proc AS p
	JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'jwt_auth'
	GROUP BY p.proname HAVING count(*) > 1$$, 'no function name is overloaded');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc AS p
	JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'jwt_auth'
	WHERE obj_description(p.oid, 'pg_proc') IS NULL$$, 'every function has a comment');

-- What \df+ and \d+ show: the use first, in a sentence that fits on a line, then
-- details, and errors at the end. Others are labels, no sentences.
CREATE VIEW public.comment AS
SELECT pg_describe_object(d.classoid, d.objoid, d.objsubid) AS object, d.classoid = 'pg_proc'::regclass AS is_function,
	   d.description AS text
FROM pg_description AS d
JOIN pg_depend AS e ON (e.classid, e.objid, e.objsubid) = (d.classoid, d.objoid, 0) AND e.deptype = 'e'
	AND e.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'jwt_auth');
SELECT cmp_ok(count(*) FILTER (WHERE is_function), '>', 100::bigint, 'comments of functions are looked at') FROM public.comment;
SELECT cmp_ok(count(*) FILTER (WHERE NOT is_function), '>', 100::bigint, 'and those of tables and columns') FROM public.comment;
SELECT is_empty($$SELECT object FROM public.comment WHERE text ~ '[\n\t]|  ' OR text <> btrim(text)$$, 'each comment is one line');
SELECT is_empty($$SELECT object FROM public.comment WHERE is_function AND text !~ '^[A-Z].*[.]$'$$, 'the comment of a function is made of sentences');
SELECT is_empty($$SELECT object, text FROM public.comment
	WHERE is_function AND length(substring(text, '^.*?[.](?= |$)')) NOT BETWEEN 15 AND 100$$, 'and begins with its use in at most 100 characters');
SELECT is_empty($$SELECT object FROM public.comment WHERE is_function AND text ~ 'Errors?: ' AND text !~ ' Errors?: (?:[^.]|[.](?=\w))*[.]$'$$, 'and ends with its errors');
SELECT is_empty($$SELECT object FROM public.comment WHERE NOT is_function AND text ~ '[.]$'$$, 'that of a table or column is a label');
SELECT isnt(provolatile, 'i', proname || ' is not immutable: it reads the clock or the settings')
FROM pg_proc WHERE proname IN ('jwt_verify_with', 'jws_verify', 'jwt_decode');
SELECT is(provolatile, 'v', 'jwt_verify_with is volatile: it reads the clock')
FROM pg_proc WHERE proname = 'jwt_verify_with';
DROP EXTENSION jwt_auth;
SELECT is_empty('SELECT proname FROM pg_proc WHERE proname ~ ''^jw[tks]_''',
				'DROP EXTENSION leaves no function behind');

-- Default privileges that give everything to everyone
CREATE ROLE regress_install_user;
CREATE ROLE "regress_Install ""user";
SELECT lives_ok(format('ALTER DEFAULT PRIVILEGES %s GRANT ALL ON %s TO regress_install_user,
							"regress_Install ""user", PUBLIC', scope, kind),
				format('default privileges %s for %s', scope, kind))
FROM (VALUES ('', 'FUNCTIONS'), ('', 'TABLES'), ('', 'SEQUENCES'), ('', 'SCHEMAS'), ('', 'TYPES'),
			 ('IN SCHEMA public', 'FUNCTIONS'), ('IN SCHEMA public', 'TABLES'),
			 ('IN SCHEMA public', 'SEQUENCES')) AS v (scope, kind);
SELECT lives_ok('ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_install_user
				 WITH GRANT OPTION', 'default privileges on functions can have the grant option');
CREATE EXTENSION jwt_auth;
SELECT set_eq('SELECT * FROM public.function_right', 'SELECT * FROM public.plain',
			  'default privileges do not change the rights on functions');
SELECT set_eq('SELECT * FROM public.other_right', 'SELECT * FROM public.plain_other',
			  'default privileges do not change the rights on schemas and tables');
SELECT is_empty('SELECT * FROM public.function_right WHERE grantee NOT IN (''PUBLIC'', ''pg_monitor'')',
				'default privileges give no role a function');
DROP EXTENSION jwt_auth;
SELECT lives_ok(format('ALTER DEFAULT PRIVILEGES %s REVOKE ALL ON %s FROM regress_install_user,
							"regress_Install ""user", PUBLIC', scope, kind),
				format('default privileges %s for %s taken back, and PUBLIC''s', scope, kind))
FROM (VALUES ('', 'FUNCTIONS'), ('', 'TABLES'), ('', 'SEQUENCES'), ('', 'SCHEMAS'), ('', 'TYPES'),
			 ('IN SCHEMA public', 'FUNCTIONS'), ('IN SCHEMA public', 'TABLES'),
			 ('IN SCHEMA public', 'SEQUENCES')) AS v (scope, kind);
-- Now PUBLIC executes nothing by default: what it is meant to have is granted
CREATE EXTENSION jwt_auth;
SELECT set_eq('SELECT * FROM public.function_right', 'SELECT * FROM public.plain',
			  'without default rights of PUBLIC, the rights on functions are the same');
DROP EXTENSION jwt_auth;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
DROP OWNED BY regress_install_user, "regress_Install ""user";
DROP ROLE regress_install_user, "regress_Install ""user";

-- Names that somebody took before: the installation fails, nothing is adopted
SELECT lives_ok('CREATE FUNCTION public.jwt_decode(text) RETURNS text LANGUAGE sql
				 AS ''SELECT $1''', 'a function with a name of the extension can be created before it');
SELECT throws_ok('CREATE EXTENSION jwt_auth', '42723', NULL, 'the extension is not created over a function of the same name');
SELECT is_empty('SELECT * FROM pg_extension WHERE extname = ''jwt_auth''', 'an installation that failed leaves no extension');
SELECT is((SELECT count(*)::integer FROM pg_proc WHERE proname ~ '^jw[tks]_'), 1,
		  'an installation that failed leaves no function');
DROP FUNCTION public.jwt_decode(text);

-- Another schema, whose name needs quotes
CREATE SCHEMA "Other schema";
CREATE EXTENSION jwt_auth SCHEMA "Other schema";
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc AS p
	JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'jwt_auth'
	WHERE p.pronamespace NOT IN ('"Other schema"'::regnamespace, 'jwt_auth'::regnamespace)$$,
	'in another schema, all functions but those of tables are in it');
SELECT set_eq('SELECT * FROM public.function_right', 'SELECT * FROM public.plain',
			  'in another schema, the rights on functions are the same');
SELECT is("Other schema".jwt_verify_with(
			"Other schema".jwt_sign_with('{"exp":4102444800}', key), key), '{"exp":4102444800}',
		  'in another schema, signing and verifying work')
FROM (SELECT "Other schema".jwk_generate('HS256') AS key) AS k;
SELECT throws_ok('ALTER EXTENSION jwt_auth SET SCHEMA public', '0A000', NULL, 'the extension cannot be moved to another schema');
DROP EXTENSION jwt_auth;

-- Again, in the same session
CREATE EXTENSION jwt_auth;
SELECT lives_ok('SELECT jwk_generate(''ES256'')', 'after the extension was dropped and created again, its functions work');

SELECT * FROM finish();
