-- Hooks (T32, T34, T46, T138, F39): who may own one, what it must look like, as whom and
-- with what it runs, and what becomes of errors, NULL and odd results.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 185 assertions
SELECT no_plan();
CREATE ROLE regress_hook_owner;
CREATE ROLE regress_hook_caller;
CREATE SCHEMA hooks;
GRANT EXECUTE ON FUNCTION jwt_login(text, text, interval), jwt_refresh(text) TO regress_hook_caller;
SELECT test.create_user('alice', claims => '{"tenant":"t1"}') AS alice \gset
SELECT test.login('alice') AS g1 \gset

-- Adds claims, at login and refresh; without rights on schema or function for the caller
CREATE FUNCTION hooks.claims(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS
$$ SELECT claims || jsonb_build_object('hook', user_id, 'was', claims) $$;
REVOKE ALL ON FUNCTION hooks.claims(uuid, jsonb) FROM PUBLIC;
REVOKE ALL ON SCHEMA hooks FROM PUBLIC;
SET jwt_auth.claims_function = 'hooks.claims';
SET ROLE regress_hook_caller;
SELECT jwt_login('alice', 'correct horse battery staple') AS answer \gset
RESET ROLE;
SELECT is(test.claims_of(:'answer') - '{iat,exp,jti,sid,sub,aal,acr,amr,auth_time}'::text[], jsonb_build_object('tenant', 't1', 'hook', :'alice', 'was', '{"tenant":"t1"}'::jsonb), 'at a login, the claims function adds claims'),
	   is(test.claims_of(:'answer') ->> 'sub', :'alice', 'the claims function does not change sub');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.claims_of(:'g2') ->> 'hook', :'alice', 'at a refresh, the claims function adds claims'),
	   is(test.access(:'g2'), NULL, 'an access token with added claims is valid');

-- Names and signatures: 55000, and the refresh token stays good
CREATE FUNCTION hooks.two(user_id uuid, claims jsonb, extra integer DEFAULT 0) RETURNS jsonb LANGUAGE sql AS 'SELECT claims';
CREATE FUNCTION hooks.text_result(user_id uuid, claims jsonb) RETURNS text LANGUAGE sql AS 'SELECT claims::text';
CREATE FUNCTION hooks.set_result(user_id uuid, claims jsonb) RETURNS SETOF jsonb LANGUAGE sql AS 'SELECT claims';
CREATE FUNCTION hooks.other_arguments(user_id text, claims jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT claims';
CREATE FUNCTION hooks.json_argument(user_id uuid, claims json) RETURNS jsonb LANGUAGE sql AS 'SELECT claims::jsonb';
CREATE FUNCTION hooks.aggregate_step(state jsonb, user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT claims';
CREATE PROCEDURE hooks.procedure(user_id uuid, INOUT claims jsonb) LANGUAGE sql AS 'SELECT claims';
CREATE FUNCTION public.unqualified(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT claims';
CREATE FUNCTION pg_temp.login_with(hook text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('jwt_auth.claims_function', hook, true);
	RETURN test.error_of(test.login('alice'));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.login_with(hook), state, 'claims function: ' || hook)
FROM (VALUES ('hooks.claims', 'ok'), ('', 'ok'), ('"hooks"."claims"', 'ok'), ('public.unqualified', 'ok'), ('hooks.nothing', '55000'), ('nowhere.claims', '55000'),
	('hooks.two', '55000'), ('hooks.text_result', '55000'), ('hooks.set_result', '55000'), ('hooks.other_arguments', '55000'), ('hooks.json_argument', '55000'),
	('hooks.procedure', '55000'), ('pg_catalog.max', '55000'), ('hooks."Claims"', '55000'), ('HOOKS.Claims', 'ok')) AS v (hook, state);
-- Each cause has words of its own
CREATE FUNCTION pg_temp.says(hook text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('jwt_auth.claims_function', hook, true);
	RETURN test.login('alice') ->> 'token_type';
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	GET STACKED DIAGNOSTICS hook = PG_EXCEPTION_HINT;
	RETURN SQLERRM || ': ' || hook;
END
$$;
CREATE AGGREGATE hooks.aggregate(uuid, jsonb) (SFUNC = hooks.aggregate_step, STYPE = jsonb);
CREATE FUNCTION hooks.foreign_claims(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT claims';
ALTER FUNCTION hooks.foreign_claims(uuid, jsonb) OWNER TO regress_hook_owner;
SELECT matches(pg_temp.says(hook), said, format('%s: %s', hook, said))
FROM (VALUES ('nowhere.claims', 'no such hook function: .*create it'), ('hooks.nothing', 'no such hook function: .*create it'), ('hooks.other_arguments', 'other arguments: .*uuid, jsonb'), ('hooks.two', 'other arguments: '),
	('hooks.json_argument', 'other arguments: '), ('pg_catalog.max', 'other arguments: '), ('hooks.text_result', 'another type: .*must return jsonb'), ('hooks.set_result', 'not a plain function: .*a set'),
	('hooks.procedure', 'not a plain function: .*procedure'), ('hooks.aggregate', 'not a plain function: .*aggregate'), ('hooks.foreign_claims', 'not trusted: .*ALTER FUNCTION')) AS v (hook, said);

-- What can be no name is refused when it is set, with words on what a name is
CREATE FUNCTION pg_temp.refused(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' ', SQLSTATE, detail, hint);
END
$$;
SELECT matches(pg_temp.refused(format(statement, name, hook)), '^22023 .* a schema and a name.* schema\.name', format(statement, name, hook))
FROM unnest(ARRAY['claims', 'hooks.', '.claims', '.', '"hooks', 'hooks."claims', 'hooks claims', 'hooks..claims', 'postgres.hooks.claims', 'hooks.claims(uuid, jsonb)', 'hooks.claims; DROP TABLE x', ' ']) AS hook,
	unnest('{claims_function,password_check_function}'::text[]) AS name, unnest(ARRAY['SET jwt_auth.%s = %L', 'ALTER ROLE regress_hook_caller SET jwt_auth.%s = %L']) AS statement;
SELECT matches(pg_temp.refused(format(statement, hook)), '^22023 ', format(statement, hook))
FROM unnest(ARRAY['claims', 'a.b.c']) AS hook, unnest(ARRAY['SET LOCAL jwt_auth.claims_function = %L', 'SELECT set_config(''jwt_auth.claims_function'', %L, true)',
	format('ALTER DATABASE %I SET jwt_auth.claims_function = ', current_database()) || '%L',
	'CREATE FUNCTION hooks.with_setting() RETURNS int LANGUAGE sql SET jwt_auth.claims_function = %L AS ''SELECT 1''']) AS statement;
SELECT is(current_setting('jwt_auth.claims_function'), 'hooks.claims', 'a refused name leaves claims_function as it is'),
	   is(current_setting('jwt_auth.password_check_function'), '', 'a refused name leaves password_check_function as it is');
SELECT is((SELECT count(*) FROM pg_db_role_setting WHERE setrole = 'regress_hook_caller'::regrole), 0::bigint, 'a refused name is not stored for a role');
SELECT is(pg_temp.refused(format('ALTER ROLE regress_hook_caller SET jwt_auth.%s = %L', name, hook)), 'accepted', format('%s may be %s', name, hook))
FROM unnest('{claims_function,password_check_function}'::text[]) AS name, unnest(ARRAY['', 'nowhere.nothing', '"A b"."c.d"', ' hooks . claims ']) AS hook;
ALTER ROLE regress_hook_caller RESET ALL;
SET jwt_auth.claims_function = 'hooks.nothing';
SELECT test.raises(format('SELECT test.refresh(%L)', :'g2'), '55000', 'a refresh whose claims function is missing raises an error');
SELECT is(test.generation(:'g2'), 2::bigint, 'a refresh whose claims function is missing is rolled back');
SET jwt_auth.claims_function = 'hooks.claims';
SELECT test.refresh(:'g2') AS g3 \gset
SELECT is(test.error_of(:'g3'), 'ok', 'after a refresh whose claims function was missing, its token is accepted');

-- The owner must be a superuser, or own the tables (T34); checked at each call
ALTER FUNCTION hooks.claims(uuid, jsonb) OWNER TO regress_hook_owner;
SELECT is(pg_temp.login_with('hooks.claims'), '55000', 'a claims function of an ordinary role is refused at a login'),
	   test.raises(format('SELECT test.refresh(%L)', :'g3'), '55000', 'a claims function of an ordinary role is refused at a refresh');
GRANT regress_hook_owner TO regress_hook_caller;
SET ROLE regress_hook_owner;
SELECT test.raises('SET jwt_auth.claims_function = ''hooks.claims''', '42501', 'an ordinary role cannot set claims_function');
RESET ROLE;
ALTER ROLE regress_hook_owner SUPERUSER;
SELECT is(pg_temp.login_with('hooks.claims'), 'ok', 'a claims function is accepted once its owner is a superuser');
ALTER ROLE regress_hook_owner NOSUPERUSER;
SELECT is(pg_temp.login_with('hooks.claims'), '55000', 'a claims function is refused once its owner is no superuser any more');
ALTER TABLE jwt_auth.users OWNER TO regress_hook_owner;
GRANT USAGE ON SCHEMA jwt_auth, hooks TO regress_hook_owner;
SELECT is(pg_temp.login_with('hooks.claims'), 'ok', 'a claims function of the owner of jwt_auth.users is accepted');
ALTER TABLE jwt_auth.users OWNER TO CURRENT_USER;
REVOKE USAGE ON SCHEMA jwt_auth, hooks FROM regress_hook_owner;
ALTER FUNCTION hooks.claims(uuid, jsonb) OWNER TO CURRENT_USER;
SELECT is(pg_temp.login_with('hooks.claims'), 'ok', 'a claims function of a superuser is accepted');

-- As whom and with what it runs: its owner, in a restricted operation, with a
-- fixed search_path, whatever the caller's is (T32)
CREATE ROLE regress_hook_super SUPERUSER;
CREATE FUNCTION hooks.told(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS
$$ BEGIN RETURN jsonb_build_object('user', lower(current_user), 'path', current_setting('search_path'), 'session', session_user = 'regress_hook_super'); END $$;
ALTER FUNCTION hooks.told(uuid, jsonb) OWNER TO regress_hook_super;
SET jwt_auth.claims_function = 'hooks.told';
CREATE SCHEMA hostile;
GRANT ALL ON SCHEMA hostile TO PUBLIC;
SET ROLE regress_hook_caller;
CREATE FUNCTION hostile.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'stolen' $$;
CREATE FUNCTION hostile.stolen(jsonb, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE OPERATOR hostile.? (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = hostile.stolen);
CREATE FUNCTION hostile.stolen(bytea, bytea) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE OPERATOR hostile.= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = hostile.stolen);
CREATE FUNCTION hostile.stolen(uuid, uuid) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE OPERATOR hostile.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = hostile.stolen);
CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'stolen' $$;
SET search_path = hostile, pg_temp, pg_catalog, public;
SELECT public.jwt_login('alice', 'correct horse battery staple') AS answer,
	   public.jwt_login('nobody', 'correct horse battery staple') AS denial \gset
RESET search_path;
SELECT is(current_user::text, 'regress_hook_caller', 'after a hook ran, current_user is the caller'),
	   is(current_setting('search_path'), '"$user", public', 'after a hook ran, search_path is the caller''s');
RESET ROLE;
SELECT is(test.claims_of(:'answer') - '{iat,exp,jti,sid,sub,tenant,aal,acr,amr,auth_time}'::text[], '{"user":"regress_hook_super","path":"pg_catalog, pg_temp","session":false}', 'a hook runs as its owner with a fixed search_path'),
	   is(test.claims_of(:'answer') ->> 'sub', :'alice', 'operators in the caller''s search_path do not change the user who logs in'),
	   is(test.error_of(:'denial'), 'invalid_grant', 'operators in the caller''s search_path do not let an unknown name log in');
CREATE FUNCTION hooks.escapes(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN SET ROLE regress_hook_caller; RETURN claims; END $$;
CREATE FUNCTION hooks.creates(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE t (); RETURN claims; END $$;
CREATE FUNCTION hooks.sets(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN SET search_path = hostile; SET work_mem = '1MB'; RETURN claims; END $$;
SELECT is(pg_temp.login_with('hooks.escapes'), '38000', 'a hook cannot SET ROLE'),
	   is(pg_temp.login_with('hooks.creates'), '38000', 'a hook cannot create temporary tables');
SELECT is(pg_temp.login_with('hooks.sets'), 'ok', 'a hook can change settings'),
	   is(current_setting('search_path'), '"$user", public', 'a search_path that a hook set is undone'),
	   is(current_setting('work_mem'), '4MB', 'a work_mem that a hook set is undone');
CREATE TABLE public.seen (user_id uuid);
CREATE FUNCTION hooks.writes(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO public.seen VALUES (user_id); RETURN claims; END $$;
SELECT is(pg_temp.login_with('hooks.writes'), 'ok', 'a hook can write to tables');
SELECT is((SELECT array_agg(user_id) FROM public.seen), ARRAY[:'alice']::uuid[], 'what a hook wrote is kept');
-- What it does to our tables is checked as what anybody does directly
CREATE FUNCTION hooks.promotes(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN UPDATE jwt_auth.users SET role = 'regress_hook_super' WHERE id = user_id; RETURN claims; END $$;
CREATE FUNCTION hooks.forges(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN UPDATE jwt_auth.users AS u SET claims = '{"aal":2}' WHERE u.id = user_id; RETURN '{}'; END $$;
CREATE FUNCTION hooks.describes(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN UPDATE jwt_auth.users AS u SET claims = u.claims WHERE u.id = user_id; RETURN claims; END $$;
SELECT is(pg_temp.login_with('hooks.promotes'), '38000', 'a hook cannot give a user a powerful role'),
	   is(pg_temp.login_with('hooks.forges'), '38000', 'a hook cannot give a user reserved claims'),
	   is(pg_temp.login_with('hooks.describes'), 'ok', 'a hook can change a user as a direct update can');

-- Results: what is no object is 38000; reserved claims are ignored
CREATE FUNCTION hooks.result(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT current_setting('test.result', true)::jsonb $$;
CREATE FUNCTION pg_temp.login_result(result text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('test.result', result, true); RETURN pg_temp.login_with('hooks.result'); END $$;
SELECT is(pg_temp.login_result(result), state, 'result: ' || left(result, 50))
FROM (VALUES ('{}', 'ok'), ('{"a":null}', 'ok'), ('null', '38000'), ('[]', '38000'), ('"x"', '38000'), ('1', '38000'), ('true', '38000'), ('', '38000'), ('{', '38000'),
	(jsonb_build_object('x', repeat('x', 9000))::text, 'ok'), (jsonb_build_object('x', repeat('x', 20000))::text, '38000'), (jsonb_build_object('x', repeat('x', 5000000))::text, '38000'),
	(repeat('{"a":', 40) || '1' || repeat('}', 40), '38000'), (repeat('{"a":', 20) || '1' || repeat('}', 20), 'ok'), ('{"a":1e5000}', '38000'), ('{"a":' || repeat('9', 5000) || '}', '38000')) AS v (result, state);
CREATE FUNCTION hooks.none(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
CREATE FUNCTION hooks.strict(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql STRICT AS 'SELECT claims';
SELECT is(pg_temp.login_with('hooks.none'), '38000', 'a claims function that returns NULL is an error'),
	   is(pg_temp.login_with('hooks.strict'), 'ok', 'a claims function that is STRICT is called');
CREATE FUNCTION hooks.reserved(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS
$$ SELECT '{"iss":"x","sub":"x","aud":"x","exp":9999999999,"nbf":9999999999,"iat":1,"jti":"x","sid":"x","role":"postgres",
		   "aal":2,"acr":"aal2","amr":["otp"],"auth_time":1,"act":{"sub":"x"},"may_act":{"sub":"x"},"azp":"x","client_id":"x","cnf":{},"token_use":"refresh","anonymous":true,"nonce":"x","at_hash":"x",
		   "mine":1,"a":{"sub":"deep"}}'::jsonb $$;
SET jwt_auth.claims_function = 'hooks.reserved';
SELECT test.login('alice') AS answer \gset
SELECT is(test.claims_of(:'answer') - '{iat,exp,jti,sid,sub,auth_time}'::text[], '{"tenant":"t1","mine":1,"a":{"sub":"deep"},"aal":1,"acr":"aal1","amr":["pwd"]}', 'reserved claims of a claims function are ignored'),
	   is(test.claims_of(:'answer') ->> 'sub', :'alice', 'a claims function cannot replace sub'),
	   is((test.claims_of(:'answer') -> 'exp')::bigint - (test.claims_of(:'answer') -> 'iat')::bigint, 900::bigint, 'a claims function cannot replace exp'),
	   is(test.access(:'answer'), NULL, 'an access token whose hook returned reserved claims is valid');

-- Errors: 38000 whatever it was; cancels and serialization failures stay what
-- they are. What failed leaves neither session nor rotation.
CREATE FUNCTION hooks.raises(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'from the hook' USING ERRCODE = current_setting('test.state'); END $$;
CREATE FUNCTION pg_temp.login_raises(state text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('test.state', state, true);
	RETURN pg_temp.login_with('hooks.raises');
EXCEPTION WHEN query_canceled THEN
	RETURN SQLSTATE;
END
$$;
SELECT count(*) AS sessions FROM jwt_auth.sessions \gset
SELECT is(pg_temp.login_raises(state), became, 'raises ' || state)
FROM (VALUES ('P0001', '38000'), ('28J00', '38000'), ('22012', '38000'), ('42501', '38000'), ('23505', '38000'), ('PGRST', '38000'), ('53200', '38000'),
	('57014', '57014'), ('40001', '40001'), ('40P01', '40P01')) AS v (state, became);
SELECT is((SELECT count(*) FROM jwt_auth.sessions), :'sessions', 'a login whose claims function fails leaves no session');
SET jwt_auth.claims_function = 'hooks.raises';
SET test.state = 'P0001';
SELECT test.raises(format('SELECT test.refresh(%L)', :'g3'), '38000', 'a refresh whose claims function fails raises an error');
SELECT is(test.generation(:'g3'), 3::bigint, 'a refresh whose claims function fails is rolled back');
SET jwt_auth.claims_function = '';
SELECT is(test.error_of(test.refresh(:'g3')), 'ok', 'after a refresh whose claims function failed, its token is accepted');
CREATE FUNCTION hooks.slow(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN claims; END $$;
CREATE FUNCTION pg_temp.canceled() RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM test.login('alice'); RETURN 'ok'; EXCEPTION WHEN query_canceled THEN RETURN SQLSTATE; END $$;
SET jwt_auth.claims_function = 'hooks.slow';
SET statement_timeout = '150 ms';
SELECT pg_temp.canceled() AS state \gset
SET statement_timeout = '120 s';
SELECT is(:'state'::text, '57014', 'a statement_timeout inside a hook stays 57014');
SELECT is(test.error_of(test.login('nobody')), 'invalid_grant', 'a denied login does not call the claims function');
SET jwt_auth.claims_function = '';
SELECT is(test.error_of(test.login('alice')), 'ok', 'without a claims function, a login succeeds'),
	   is(current_user, session_user, 'after hooks that failed, current_user is the session''s user');

-- Judging passwords: when one is set, never at a login or import
CREATE TABLE public.judged (username text, password text);
CREATE FUNCTION hooks.password(username text, password text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	INSERT INTO public.judged VALUES (username, password);
	IF password ~ 'error' THEN
		RAISE EXCEPTION 'failed';
	END IF;
	RETURN CASE WHEN password ~ 'horse' THEN 'no horses' END;
END
$$;
SET jwt_auth.password_check_function = 'hooks.password';
SELECT test.raises('SELECT jwt_create_user(''bob'', ''a horse of battery staple'')', '22023', 'jwt_create_user: a password that the hook refuses is refused'),
	   test.raises(format('SELECT jwt_set_password(%L, ''a horse of battery staple'')', :'alice'), '22023', 'jwt_set_password: a password that the hook refuses is refused'),
	   test.raises('SELECT jwt_create_user(''bob'', ''an error is in here'')', '38000', 'jwt_create_user: a hook that fails is an error'),
	   test.raises(format('SELECT jwt_set_password(%L, ''an error is in here'')', :'alice'), '38000', 'jwt_set_password: a hook that fails is an error');
SELECT is((SELECT count(*) FROM jwt_auth.users WHERE username = 'bob'), 0::bigint, 'a refused password creates no user'),
	   is(test.error_of(test.login('alice')), 'ok', 'a refused password leaves the former one');
SELECT set_config('jwt_auth.token', test.login('alice') ->> 'access_token', false);
SELECT is(jwt_change_password(test.password(), 'a horse of battery staple'), '{"error":"invalid_request","error_description":"no horses","reasons":["refused"]}', 'jwt_change_password answers that the hook refused'),
	   test.raises('SELECT jwt_change_password(test.password(), ''an error is in here'')', '38000', 'jwt_change_password: a hook that fails is an error'),
	   is(jwt_change_password('wrong', 'a horse of battery staple') ->> 'error', 'invalid_grant', 'jwt_change_password checks the old password before it calls the hook');
TRUNCATE public.judged;
SELECT is(jwt_change_password(test.password(), 'one that is accepted'), '{}', 'jwt_change_password: a password that the hook accepts is set');
SELECT jwt_create_user('Bob', 'one that is accepted') AS bob \gset
SELECT jwt_set_password(:'bob', 'another one that is accepted');
SELECT results_eq('SELECT username, password FROM public.judged',
				  $$VALUES ('alice', 'one that is accepted'), ('Bob', 'one that is accepted'), ('Bob', 'another one that is accepted')$$, 'the password hook gets the name as it was given, and the password');
TRUNCATE public.judged;
SELECT jwt_create_user('nopassword');
SELECT jwt_import_user('imported', '$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS');
SELECT is(test.error_of(test.login('imported')), 'ok', 'with a password hook, an imported user logs in'),
	   test.raises('SELECT jwt_create_user(''x'', ''short'')', '22023', 'with a password hook, a password that is too short is refused');
SELECT is((SELECT count(*) FROM public.judged), 0::bigint, 'the password hook is not called for logins, imports and refused passwords');
CREATE FUNCTION hooks.wrong(username text, password text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION hooks.foreign_owner(username text, password text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
ALTER FUNCTION hooks.foreign_owner(text, text) OWNER TO regress_hook_owner;
CREATE FUNCTION pg_temp.set_with(hook text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('jwt_auth.password_check_function', hook, true);
	PERFORM jwt_set_password(test.user_id('Bob'), 'one that is accepted');
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.set_with(hook), state, 'password function: ' || hook)
FROM (VALUES ('hooks.password', 'ok'), ('', 'ok'), ('password', '22023'), ('hooks.nothing', '55000'), ('hooks.wrong', '55000'), ('hooks.claims', '55000'), ('hooks.foreign_owner', '55000')) AS v (hook, state);

-- Who installs which function is a superuser's decision
SET ROLE regress_hook_caller;
SELECT test.raises(format('SET jwt_auth.%s = ''hooks.x''', name), '42501', 'not allowed: ' || name) FROM unnest('{claims_function,password_check_function}'::text[]) AS name;
RESET ROLE;

SET jwt_auth.password_check_function = '';
DROP SCHEMA hooks, hostile CASCADE;
DROP OWNED BY regress_hook_owner, regress_hook_caller, regress_hook_super;
DROP ROLE regress_hook_owner, regress_hook_caller, regress_hook_super;
SELECT * FROM finish();
