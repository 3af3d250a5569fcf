-- Hooks and triggers of the operator's that authenticate somebody else while a
-- function of ours runs (F47, F48): it goes on for the one who called it. Whom it
-- acts for, and whose session it keeps, is settled before they run.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 82 assertions
SELECT no_plan();
SET jwt_auth.login_max_failures = 1000;
SELECT test.create_user('alice') AS alice, test.create_user('bob') AS bob \gset

-- Becomes bob, if the setting says so, and is looked at as such.
CREATE SCHEMA hooks;
CREATE FUNCTION hooks.become_bob() RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
	IF current_setting('test.bob', true) <> '' THEN
		PERFORM public.jwt_authenticate(current_setting('test.bob'));
		ASSERT public.jwt_user_id() = test.user_id('bob'), 'bob';
	END IF;
END
$$;
CREATE FUNCTION hooks.password(username text, password text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM hooks.become_bob(); RETURN NULL; END $$;
CREATE FUNCTION hooks.row_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM hooks.become_bob(); RETURN coalesce(NEW, OLD); END $$;
SET jwt_auth.password_check_function = 'hooks.password';

-- Alice has three sessions and bob two; what a call as alice, in her first
-- session, leaves of them, and whom the audit log names.
CREATE TABLE test.world (name text, session uuid, answer jsonb, number integer);
CREATE FUNCTION test.after(call text, identity text DEFAULT 'session') RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	logged bigint;
	token text;
	outcome text;
BEGIN
	PERFORM set_config('test.bob', '', true), set_config('jwt_auth.token', '', true);
	PERFORM public.jwt_set_password(id, test.password()), public.jwt_enable_user(id) FROM jwt_auth.users;
	DELETE FROM jwt_auth.sessions;
	TRUNCATE test.world;
	INSERT INTO test.world
	SELECT name, test.session_of(answer), answer, n
	FROM (VALUES ('alice', 1), ('alice', 2), ('alice', 3), ('bob', 1), ('bob', 2)) AS v (name, n), LATERAL (SELECT v.n, test.login(name)) AS l (m, answer);
	ASSERT (SELECT count(DISTINCT session) FROM test.world) = 5, 'five sessions';
	logged := test.audit_count();
	SELECT w.answer ->> 'access_token' INTO token FROM test.world AS w WHERE w.name = 'alice' AND number = 1;
	IF identity = 'service' THEN
		token := public.jwt_sign(jsonb_build_object('sub', test.user_id('alice')));
	END IF;
	PERFORM set_config('jwt_auth.token', token, true);
	PERFORM set_config('test.bob', w.answer ->> 'access_token', true) FROM test.world AS w WHERE w.name = 'bob' AND number = 1;
	EXECUTE format('SELECT (%s)::text', format(call, (SELECT session FROM test.world AS w WHERE w.name = 'alice' AND number = 2))) INTO outcome;
	PERFORM set_config('test.bob', '', true), set_config('jwt_auth.token', '', true);
	RETURN concat_ws(' | ', nullif(outcome, ''),
		(SELECT string_agg(w.name || w.number, ' ' ORDER BY w.name, w.number) FROM test.world AS w JOIN jwt_auth.sessions AS s ON s.id = w.session WHERE s.revoked_at IS NULL),
		(SELECT string_agg(DISTINCT concat_ws(' ', event, coalesce((SELECT username FROM jwt_auth.users AS u WHERE u.id = user_id), '-'), (SELECT w.name || w.number FROM test.world AS w WHERE w.session = session_id)), ', ')
		 FROM (SELECT * FROM jwt_auth.audit_log ORDER BY at, id OFFSET logged) AS a WHERE event NOT IN ('session_revoked', 'token_denied')));
END
$$;
CREATE FUNCTION test.password_works(name text, password text) RETURNS boolean LANGUAGE sql AS
$$ SELECT test.error_of(test.login(name, password)) = 'ok' $$;

CREATE TABLE test.case (call text, identity text, expected text);
INSERT INTO test.case VALUES
	('jwt_change_password(test.password(), ''another battery staple'')', 'session', '{} | alice1 bob1 bob2 | password_changed alice alice1'),
	('jwt_change_password(test.password(), ''another battery staple'')', 'service', '{} | bob1 bob2 | password_changed alice'),
	('jwt_set_password(jwt_user_id(), ''another battery staple'')', 'session', 'bob1 bob2 | password_set alice'),
	('jwt_set_password(jwt_claim(''sub'')::uuid, ''another battery staple'')', 'session', 'bob1 bob2 | password_set alice'),
	('jwt_logout(''local'')', 'session', 'alice2 alice3 bob1 bob2'),
	('jwt_logout(''others'')', 'session', 'alice1 bob1 bob2 | sessions_ended alice'),
	('jwt_logout(''global'')', 'session', 'bob1 bob2 | sessions_ended alice'),
	('jwt_logout(''global'')', 'service', 'bob1 bob2 | sessions_ended alice'),
	('jwt_revoke_session(%L)', 'session', 'alice1 alice3 bob1 bob2'),
	('jwt_end_sessions(jwt_user_id())', 'session', 'bob1 bob2 | sessions_ended alice'),
	('jwt_disable_user(jwt_user_id())', 'session', 'bob1 bob2 | user_disabled alice'),
	('jwt_enable_user(jwt_user_id())', 'session', 'alice1 alice2 alice3 bob1 bob2 | user_enabled alice'),
	('jwt_unlock_user(jwt_user_id())', 'session', 'alice1 alice2 alice3 bob1 bob2 | user_unlocked alice'),
	('jwt_update_user(jwt_user_id(), claims => ''{"a":1}'')', 'session', 'alice1 alice2 alice3 bob1 bob2 | user_updated alice'),
	('(SELECT string_agg(w.name || w.number || s.is_current, '' '' ORDER BY w.number) FROM jwt_sessions() AS s JOIN test.world AS w ON w.session = s.session_id)', 'session',
	 'alice1true alice2false alice3false | alice1 alice2 alice3 bob1 bob2');
CREATE FUNCTION test.check_all(what text) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT is(test.after(call, identity), expected, format('%s, %s: %s', what, identity, call)) FROM test.case $$;
SELECT test.check_all('a password function');
SELECT is(test.after('jwt_set_password(jwt_user_id(), ''another battery staple'')') IS NULL, false, 'jwt_set_password with a hook that becomes bob returns');
SELECT is(ARRAY[test.password_works('alice', 'another battery staple'), test.password_works('bob', 'another battery staple'), test.password_works('bob', test.password())], '{t,f,t}', 'a password set while the hook becomes bob is alice''s, and bob''s stays');

-- Triggers on the tables that the functions write
CREATE TRIGGER become BEFORE INSERT ON jwt_auth.audit_log FOR EACH ROW EXECUTE FUNCTION hooks.row_change();
SELECT test.check_all('a trigger on the audit log');
DROP TRIGGER become ON jwt_auth.audit_log;
CREATE TRIGGER become BEFORE UPDATE ON jwt_auth.sessions FOR EACH ROW EXECUTE FUNCTION hooks.row_change();
SELECT test.check_all('a trigger on sessions');
DROP TRIGGER become ON jwt_auth.sessions;
CREATE TRIGGER become BEFORE UPDATE ON jwt_auth.users FOR EACH ROW EXECUTE FUNCTION hooks.row_change();
SELECT test.check_all('a trigger on users');
DROP TRIGGER become ON jwt_auth.users;
CREATE TRIGGER become AFTER INSERT OR UPDATE OR DELETE ON jwt_auth.login_throttle FOR EACH ROW EXECUTE FUNCTION hooks.row_change();
SELECT test.check_all('a trigger on the throttle');
DROP TRIGGER become ON jwt_auth.login_throttle;

-- What a trigger sets for the transaction stays (F48), printed plans or not
CREATE FUNCTION hooks.sets() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('test.set_by_trigger', TG_OP, true); RETURN NEW; END $$;
CREATE TRIGGER sets BEFORE UPDATE ON jwt_auth.users FOR EACH ROW EXECUTE FUNCTION hooks.sets();
CREATE FUNCTION test.set_after(printing text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('test.set_by_trigger', '', true), set_config('log_min_messages', 'fatal', true), set_config('debug_print_plan', printing, true);
	PERFORM public.jwt_disable_user(id), public.jwt_enable_user(id) FROM jwt_auth.users;
	PERFORM set_config('debug_print_plan', 'off', true);
	RETURN concat(current_setting('test.set_by_trigger'), ' ', current_setting('lock_timeout'));
END
$$;
SELECT is(test.set_after(printing), 'UPDATE 0', 'what a trigger has set, with debug_print_plan ' || printing) FROM unnest('{off,on}'::text[]) AS printing;
DROP TRIGGER sets ON jwt_auth.users;

-- A deletion names the user who was meant
CREATE TRIGGER become BEFORE DELETE ON jwt_auth.users FOR EACH ROW EXECUTE FUNCTION hooks.row_change();
SELECT is(test.after('jwt_delete_user(jwt_user_id())'), 'bob1 bob2 | user_deleted -', 'jwt_delete_user(jwt_user_id())');
SELECT is((SELECT string_agg(username, ' ') FROM jwt_auth.users), 'bob', 'jwt_delete_user with a trigger that becomes bob deletes alice');
SELECT is((SELECT string_agg(id::text, ' ') FROM jwt_auth.deleted_users), :'alice', 'jwt_delete_user with a trigger that becomes bob records alice as deleted');

RESET jwt_auth.password_check_function;
SELECT * FROM finish();
