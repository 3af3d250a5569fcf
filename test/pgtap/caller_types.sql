-- Code of a caller's own (T35, T85): both extensions take and return types of
-- PostgreSQL only, so that casts and domains are the caller's to run, with the
-- caller's rights; they run no DDL that a trigger could see, and vouch for none
-- of their functions to a planner.
CREATE EXTENSION jwt_auth;
CREATE EXTENSION jwt_auth_pgjwt;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 20 assertions
SELECT no_plan();
SELECT test.create_user('alice') AS alice \gset

-- What the catalog says of the functions and tables
CREATE VIEW public.member AS
SELECT d.classid, d.objid, e.extname FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname IN ('jwt_auth', 'jwt_auth_pgjwt');
CREATE VIEW public.member_function AS
SELECT p.*, m.extname FROM pg_proc AS p JOIN public.member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid;
SELECT cmp_ok(count(*), '>', CASE extname WHEN 'jwt_auth' THEN 40 ELSE 5 END::bigint, 'functions of ' || extname) FROM public.member_function GROUP BY extname;
SELECT is_empty('SELECT oid::regprocedure FROM public.member_function WHERE proleakproof', 'no function is leakproof'),
	   is_empty('SELECT oid::regprocedure FROM public.member_function WHERE prosecdef OR proconfig IS NOT NULL', 'no function runs as its owner'),
	   is_empty($$SELECT f.oid::regprocedure FROM public.member_function AS f JOIN pg_language AS l ON l.oid = f.prolang WHERE l.lanname <> 'c'$$, 'no function is SQL that a search_path could change'),
	   is_empty('SELECT oid::regprocedure FROM public.member_function WHERE provariadic <> 0 OR prosupport <> 0', 'no function takes any number of arguments'),
	   is_empty($$SELECT f.oid::regprocedure, t.typname
				  FROM public.member_function AS f, unnest(coalesce(f.proallargtypes, f.proargtypes::oid[]) || f.prorettype) AS used JOIN pg_type AS t ON t.oid = used
				  WHERE t.typnamespace <> 'pg_catalog'::regnamespace OR (t.typtype = 'p' AND t.typname NOT IN ('void', 'record', 'trigger'))$$, 'all argument types are PostgreSQL''s own, and none is polymorphic'),
	   is_empty($$SELECT a.attrelid::regclass, a.attname FROM pg_attribute AS a JOIN public.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = a.attrelid
				  JOIN pg_type AS t ON t.oid = a.atttypid WHERE t.typnamespace <> 'pg_catalog'::regnamespace$$, 'all column types are PostgreSQL''s own');

-- Domains and casts that note who runs them
CREATE ROLE regress_types_caller;
CREATE SCHEMA mine AUTHORIZATION regress_types_caller;
GRANT EXECUTE ON FUNCTION jwt_login(text, text, interval), jwt_refresh(text), jwt_create_user(text, text, name, jsonb, text, text, uuid) TO regress_types_caller;
SET ROLE regress_types_caller;
CREATE TABLE mine.run (what text, by name DEFAULT current_user, path text DEFAULT current_setting('search_path'));
CREATE FUNCTION mine.note(what text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mine.run VALUES (what); RETURN true; END $$;
CREATE DOMAIN mine.word AS text CHECK (mine.note('word: ' || left(VALUE, 3)));
CREATE DOMAIN mine.document AS jsonb CHECK (mine.note('document'));
CREATE DOMAIN mine.payload AS json CHECK (mine.note('payload'));
CREATE DOMAIN mine.octets AS bytea CHECK (mine.note('octets'));
CREATE TYPE mine.key AS (k text);
CREATE FUNCTION mine.to_jsonb(key mine.key) RETURNS jsonb LANGUAGE plpgsql AS
$$ BEGIN PERFORM mine.note('key'); RETURN jsonb_build_object('kty', 'oct', 'alg', 'HS256', 'k', key.k); END $$;
CREATE CAST (mine.key AS jsonb) WITH FUNCTION mine.to_jsonb(mine.key) AS IMPLICIT;
SELECT repeat('QUFB', 11) AS k \gset
SELECT is(public.jwt_verify_with(public.jwt_sign_with('{"exp":4102444800}'::mine.document, ROW(:'k')::mine.key)::mine.word, ROW(:'k')::mine.key), '{"exp":4102444800}', 'a key of the caller''s own type signs and verifies');
SELECT is(test.error_of(public.jwt_login('alice'::mine.word, 'correct horse battery staple'::mine.word)), 'ok', 'a name of the caller''s own type logs in');
SELECT is(public.jwt_refresh('junk'::mine.word) ->> 'error', 'invalid_grant', 'a refresh token of the caller''s own type is read');
SELECT is(public.jwt_create_user('carol'::mine.word, claims => '{"a":1}'::mine.document) IS NOT NULL, true, 'claims of the caller''s own type are taken');
SELECT is((SELECT valid FROM public.verify(public.sign('{"a":1}'::mine.payload, 'sec'::mine.word)::mine.word, 'sec'::mine.word, 'HS256'::mine.word)), true, 'a payload and a secret of the caller''s own types are taken, as pgjwt does');
SELECT is(public.algorithm_sign('tex'::mine.word, 'sec'::mine.word, 'HS256'::mine.word), public.algorithm_sign('tex', 'sec', 'HS256'), 'a text of the caller''s own type is signed');
SELECT is(public.url_decode(public.url_encode('\x00ff'::mine.octets)::mine.word)::mine.octets, '\x00ff', 'bytes of the caller''s own type are encoded and decoded');
SELECT is(public.try_cast_double('1.5'::mine.word), 1.5::double precision, 'a number of the caller''s own type is cast');
SELECT set_eq('SELECT what FROM mine.run', '{document,payload,octets,key,"word: eyJ","word: ali","word: cor","word: jun","word: car","word: sec","word: HS2","word: tex","word: AP8","word: 1.5"}'::text[], 'each cast and domain of the caller ran');
SELECT is_empty($$SELECT * FROM mine.run WHERE by <> 'regress_types_caller' OR path <> current_setting('search_path')$$, 'casts and domains ran as the caller, with the caller''s search_path');
RESET ROLE;

-- Event triggers: nothing that users call is DDL
CREATE TABLE public.ddl (tag text);
CREATE FUNCTION public.note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ddl VALUES (tg_tag); END $$;
CREATE EVENT TRIGGER regress_note_ddl ON ddl_command_start EXECUTE FUNCTION public.note_ddl();
CREATE TABLE public.noticed ();
SELECT is((SELECT array_agg(tag) FROM public.ddl), '{CREATE TABLE}', 'an event trigger notices CREATE TABLE');
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT jwt_revoke(:'g2'::jsonb ->> 'refresh_token'), jwt_login('alice', 'wrong'), jwt_create_key(), jwt_rotate_key(), jwt_rotate_refresh_key(), jwt_purge(),
	   jwt_set_password(:'alice', 'another horse battery'), jwt_disable_user(:'alice'), jwt_delete_user(:'alice'), jwt_reset_after_restore(),
	   sign('{"a":1}', 'secret'), verify('x', 'secret'), url_encode('\x00'), url_decode('AA'), algorithm_sign('x', 'secret', 'HS256'), try_cast_double('1');
SELECT is((SELECT array_agg(tag) FROM public.ddl), '{CREATE TABLE}', 'functions that users call run no DDL');
DROP EVENT TRIGGER regress_note_ddl;

SET client_min_messages = warning;
DROP OWNED BY regress_types_caller CASCADE;
DROP ROLE regress_types_caller;
SELECT * FROM finish();
