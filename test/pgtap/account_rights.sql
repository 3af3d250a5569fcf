-- Rights on accounts (T46, T78, T80, T90): login and refresh are nobody's until
-- granted; who is granted one needs no rights on tables; admin functions are
-- denied one by one; no predefined role reads or writes a row.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 124 assertions
SELECT no_plan();
SELECT test.create_user('alice') AS alice, test.create_user('bob') AS bob \gset
SELECT test.login('alice') AS g1 \gset
SELECT test.login('alice') AS h1 \gset
CREATE ROLE regress_account_user;
CREATE ROLE regress_account_gateway;
CREATE ROLE regress_account_admin;
CREATE ROLE regress_account_reader IN ROLE pg_read_all_data, pg_monitor;
CREATE ROLE regress_account_writer IN ROLE pg_write_all_data, pg_read_all_data;
GRANT USAGE ON SCHEMA test TO PUBLIC;

CREATE TABLE public.call (who text, call text);
INSERT INTO public.call VALUES
	('gateway', 'jwt_login(''alice'', ''correct horse battery staple'')'), ('gateway', 'jwt_login(''alice'', ''wrong'')'), ('gateway', 'jwt_login(NULL, NULL)'),
	('gateway', 'jwt_refresh(''junk'')'), ('gateway', 'jwt_refresh(NULL)'), ('gateway', 'jwt_change_password(''correct horse battery staple'', ''x'')'),
	('admin', 'jwt_find_user(''x'')'), ('admin', 'jwt_create_user(''x'')'), ('admin', 'jwt_import_user(''y'', ''$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'')'),
	('admin', format('jwt_update_user(%L, claims => ''{"admin":true}'')', :'bob')), ('admin', format('jwt_set_password(%L, ''correct horse battery staple'')', :'bob')),
	('admin', format('jwt_disable_user(%L)', :'bob')), ('admin', format('jwt_enable_user(%L)', :'bob')), ('admin', format('jwt_unlock_user(%L)', :'bob')),
	('admin', format('jwt_end_sessions(%L)', :'bob')), ('admin', 'jwt_purge()'), ('admin', format('jwt_delete_user(%L)', :'bob')),
	('anyone', 'jwt_revoke(''junk'')'), ('anyone', 'jwt_logout(''others'')'), ('anyone', 'count(*) FROM jwt_sessions()'), ('anyone', 'jwt_revoke_session(gen_random_uuid())');
GRANT SELECT ON public.call TO PUBLIC;
SELECT set_config('jwt_auth.token', :'g1'::jsonb ->> 'access_token', false);
CREATE FUNCTION test.in_subtransaction(call text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	EXECUTE 'SELECT ' || CASE WHEN call ~ '^count' THEN '' ELSE 'public.' END || call;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;

-- Nobody's, by default
SELECT test.audit_count() AS events \gset
SET ROLE regress_account_user;
SELECT is(test.in_subtransaction(call), CASE who WHEN 'anyone' THEN NULL ELSE '42501' END, format('PUBLIC, %s: %s', who, left(call, 60))) FROM public.call;
SET ROLE regress_account_reader;
SELECT is(test.in_subtransaction(call), CASE who WHEN 'anyone' THEN NULL ELSE '42501' END, format('pg_read_all_data, %s: %s', who, left(call, 60))) FROM public.call;
RESET ROLE;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'calls that were refused count no attempt at a login');

-- Granted: works without any right on a table, and gives no other right
GRANT EXECUTE ON FUNCTION jwt_login(text, text, interval), jwt_refresh(text), jwt_change_password(text, text) TO regress_account_gateway;
SET ROLE regress_account_gateway;
SELECT is(test.in_subtransaction(call), CASE WHEN call ~ 'NULL' THEN '22023' WHEN who = 'admin' THEN '42501' END, format('the gateway, %s: %s', who, left(call, 60))) FROM public.call;
SELECT jwt_login('alice', 'correct horse battery staple') AS answer \gset
SELECT is(test.error_of(:'answer'), 'ok', 'a role with EXECUTE on jwt_login logs in'),
	   is(test.error_of(jwt_refresh(:'answer'::jsonb ->> 'refresh_token')), 'ok', 'a role with EXECUTE on jwt_refresh refreshes'),
	   is(jwt_login('alice', 'wrong') ->> 'error', 'invalid_grant', 'for a role with EXECUTE on jwt_login, a wrong password is denied'),
	   is(test.sqlstate_of(format('SELECT public.jwt_verify(%L)', :'answer'::jsonb ->> 'access_token')), NULL, 'a role with EXECUTE on jwt_login verifies the token');
SELECT is(current_user::text, 'regress_account_gateway', 'after its logins, current_user is the gateway');
SELECT test.raises(statement, '42501', 'not allowed: ' || statement)
FROM unnest(ARRAY['TABLE jwt_auth.users', 'TABLE jwt_auth.sessions', 'SELECT nonce FROM jwt_auth.refresh_tokens', 'DELETE FROM jwt_auth.login_throttle',
	'UPDATE jwt_auth.users SET role = ''postgres''', 'INSERT INTO jwt_auth.audit_log VALUES (gen_random_uuid(), now(), ''x'')', 'TRUNCATE jwt_auth.audit_log']) AS statement;
RESET ROLE;
SELECT format('GRANT EXECUTE ON FUNCTION %s TO regress_account_admin', p.oid::regprocedure) FROM pg_proc AS p
WHERE proname ~ '^jwt_(find|create|import|update|disable|enable|unlock|delete)_user$|^jwt_(set_password|end_sessions|purge)$' \gexec
SET ROLE regress_account_admin;
SELECT is(test.in_subtransaction(call), CASE who WHEN 'gateway' THEN '42501' END, format('an admin, %s: %s', who, left(call, 60))) FROM public.call;
SELECT test.raises(statement, '42501', 'not allowed: ' || statement) FROM unnest(ARRAY['TABLE jwt_auth.users', 'DELETE FROM jwt_auth.audit_log']) AS statement;
RESET ROLE;
SELECT is((SELECT count(*) FROM jwt_auth.users WHERE username IN ('x', 'y', 'bob')), 2::bigint, 'the admin role created two users and deleted one');

-- Rows: of no use to who reads or writes all data
CREATE FUNCTION test.rows_of(name text) RETURNS bigint LANGUAGE plpgsql AS
$$ DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM jwt_auth.' || name INTO n; RETURN n; END $$;
SELECT cmp_ok(test.rows_of(name), '>', 0::bigint, 'there are ' || name) FROM unnest('{users,sessions,refresh_tokens,login_throttle,audit_log,keys}'::text[]) AS name;
SET ROLE regress_account_reader;
SELECT is(test.rows_of(name), 0::bigint, 'pg_read_all_data reads nothing of ' || name) FROM unnest('{users,sessions,refresh_tokens,login_throttle,audit_log,keys,revoked_tokens,deleted_users,issuers}'::text[]) AS name;
SET ROLE regress_account_writer;
SELECT lives_ok(statement, 'without effect: ' || statement)
FROM unnest(ARRAY['UPDATE jwt_auth.users SET disabled_at = NULL, role = ''postgres''', 'DELETE FROM jwt_auth.users', 'UPDATE jwt_auth.sessions SET revoked_at = now()', 'DELETE FROM jwt_auth.login_throttle',
	'UPDATE jwt_auth.refresh_tokens SET generation = 1', 'DELETE FROM jwt_auth.audit_log']) AS statement;
SELECT test.raises(statement, '42501', 'not allowed: ' || left(statement, 60))
FROM unnest(ARRAY['INSERT INTO jwt_auth.users (id, username, created_at) VALUES (gen_random_uuid(), ''x'', now())',
	'INSERT INTO jwt_auth.identifiers (canonical, user_id, kind, value, created_at) VALUES (''x'', gen_random_uuid(), ''username'', ''x'', now())',
	format('INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at) VALUES (gen_random_uuid(), %L, now(), ''infinity'')', :'alice'),
	'INSERT INTO jwt_auth.login_throttle VALUES (''x'', 100, now())']) AS statement;
RESET ROLE;
SELECT is(test.access(:'h1'), '28J02', 'another session of the caller was logged out'),
	   is(test.access(:'g1'), NULL, 'statements without effect leave the caller''s session alive'),
	   is((SELECT (role, disabled_at)::text FROM jwt_auth.users WHERE id = :'alice'), '(,)', 'statements without effect leave the user');

-- Within a SECURITY DEFINER function, and a security-restricted operation
CREATE FUNCTION public.definer(username text, password text) RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$ SELECT public.jwt_login(username, password) $$;
SET ROLE regress_account_user;
SELECT is(test.error_of(public.definer('alice', 'correct horse battery staple')), 'ok', 'a SECURITY DEFINER function can call jwt_login');
SELECT is(current_user::text, 'regress_account_user', 'after a SECURITY DEFINER function that logs in, current_user is the caller');
RESET ROLE;

SELECT set_config('jwt_auth.token', '', false);
DROP OWNED BY regress_account_user, regress_account_gateway, regress_account_admin, regress_account_reader, regress_account_writer;
DROP ROLE regress_account_user, regress_account_gateway, regress_account_admin, regress_account_reader, regress_account_writer;
SELECT * FROM finish();
