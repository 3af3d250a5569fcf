-- jwt_authenticate (T17, T24, T29, T30): the token becomes the transaction's
-- after it was verified; which roles a token may make the caller assume, and that
-- the identity does not hang on the role.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
-- At least 92 assertions
SELECT no_plan();
SELECT test.token_of('alice') AS alice, test.token_of('bob') AS bob \gset

-- Accepted forms
BEGIN;
SELECT is(jwt_authenticate(scheme || :'alice'), (jwt_decode(:'alice')).claims, 'accepted: "' || scheme || '"')
FROM unnest(ARRAY['', 'Bearer ', 'bearer ', 'BEARER ', 'bEaReR ', 'Bearer   ']) AS scheme;
SELECT is(jwt_user_id(), test.id_of('alice'), 'jwt_authenticate sets the identity');
SELECT ok(current_setting('jwt_auth.token') LIKE left(:'alice', 20) || '%', 'jwt_authenticate puts the token without its scheme into jwt_auth.token');
COMMIT;
SELECT is(jwt_user_id(), NULL, 'after the transaction of jwt_authenticate, there is no identity');
SELECT is(current_setting('jwt_auth.token'), '', 'after the transaction of jwt_authenticate, jwt_auth.token is empty');

-- Refused: the SQLSTATE, and no identity but the one before
BEGIN;
SELECT jwt_authenticate(:'bob') IS NULL AS unused \gset
SELECT is((test.sqlstate_of(format('SELECT public.jwt_authenticate(%L)', token)), jwt_user_id())::text,
		  format('(%s,%s)', state, test.id_of('bob')), 'refused: ' || what)
FROM (VALUES ('NULL', NULL, '28J03'), ('nothing', '', '28J03'), ('a scheme alone', 'Bearer ', '28J03'),
			 ('a scheme and spaces', 'bearer    ', '28J03'),
			 ('a scheme without space', 'Bearer', '28J00'), ('another scheme', 'Basic ' || :'alice', '28J00'),
			 ('a tab', E'Bearer\t' || :'alice', '28J00'), ('two schemes', 'Bearer Bearer ' || :'alice', '28J00'),
			 ('a quote before it', '"' || :'alice', '28J00'), ('a full stop after it', :'alice' || '.', '28J00'),
			 ('two tokens', :'alice' || ' ' || :'bob', '28J00'), ('a comma', :'alice' || ',', '28J00'),
			 ('junk', 'x', '28J00'), ('tampered', test.tampered(:'alice'), '28J00'),
			 ('100 kB', repeat('a', 100000), '28J00'), ('expired', test.own('"exp":1'), '28J01'),
			 ('for another use', test.own('"token_use":"refresh"'), '28J00'),
			 ('bound to a key', test.own('"cnf":{"jkt":"x"}'), '28J00')) AS v (what, token, state);
COMMIT;
SELECT test.login('alice') AS ended \gset
SELECT jwt_revoke(:'ended') IS NULL AS unused \gset
SELECT test.raises(format('SELECT public.jwt_authenticate(%L)', :'ended'), '28J02', 'jwt_authenticate refuses a revoked token');
SELECT test.raises('SELECT public.jwt_authenticate(jwt_login(''alice'', ''correct horse of alice'') ->> ''refresh_token'')',
				   '28J00', 'jwt_authenticate refuses a refresh token');

-- It goes by the clock, as jwt_verify does
BEGIN;
SET LOCAL jwt_auth.leeway = 0;
SELECT test.own(format('"exp":%s', extract(epoch FROM clock_timestamp()) + 3)) AS shortly \gset
SELECT jwt_authenticate(:'shortly') IS NULL AS unused, pg_sleep_for('3.1 s') IS NULL AS unused2 \gset
SELECT test.raises(format('SELECT public.jwt_authenticate(%L)', :'shortly'), '28J01', 'jwt_authenticate refuses a token that expired within the transaction');
COMMIT;

-- Savepoints and errors
BEGIN;
SELECT jwt_authenticate(:'alice') IS NULL AS unused \gset
SAVEPOINT s;
SELECT jwt_authenticate(:'bob') IS NULL AS unused \gset
SELECT is(jwt_user_id(), test.id_of('bob'), 'bob, authenticated in a savepoint, is the identity');
ROLLBACK TO SAVEPOINT s;
SELECT is(jwt_user_id(), test.id_of('alice'), 'when the savepoint is rolled back, alice is the identity again');
SELECT is(test.sqlstate_of(format('SELECT public.jwt_authenticate(%L) / 0 IS NULL', :'bob')) IS NULL, false, 'a statement that fails after jwt_authenticate raises its error');
SELECT is(jwt_user_id(), test.id_of('alice'), 'when a statement fails after jwt_authenticate, the former identity stays');
COMMIT;

-- Outside of a transaction block it warns
SET client_min_messages = error;
SELECT is(jwt_authenticate(:'alice') ->> 'sub', test.id_of('alice')::text, 'outside of a transaction block, jwt_authenticate returns the claims');
RESET client_min_messages;
SELECT is(jwt_user_id(), NULL, 'outside of a transaction block, there is no identity afterwards');

-- Roles
CREATE ROLE regress_auth_gateway NOINHERIT LOGIN;
CREATE ROLE regress_auth_user;
CREATE ROLE regress_auth_other;
CREATE ROLE regress_auth_super SUPERUSER;
CREATE ROLE regress_auth_bypass BYPASSRLS;
CREATE ROLE regress_auth_replica REPLICATION;
CREATE ROLE "regress Auth ""x""";
GRANT regress_auth_user, regress_auth_super, regress_auth_bypass, regress_auth_replica, "regress Auth ""x""" TO regress_auth_gateway;
CREATE FUNCTION test.with_role(role text) RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT test.own(format('"sub":%s,"role":%s', to_json(test.id_of('bob')), coalesce(to_json(role)::text, 'null'))) $$;

SET SESSION AUTHORIZATION regress_auth_gateway;
BEGIN;
SELECT is(jwt_authenticate(test.with_role('regress_auth_user'), true) ->> 'role', 'regress_auth_user', 'a session user assumes a role that it is a member of');
SELECT is((current_user, session_user, current_setting('role'))::text, '(regress_auth_user,regress_auth_gateway,regress_auth_user)',
		  'jwt_authenticate sets the role for the transaction');
SELECT is(jwt_user_id(), test.id_of('bob'), 'the transaction has an identity beside its assumed role');
COMMIT;
SELECT is(current_user, 'regress_auth_gateway', 'after a COMMIT, the assumed role is reset');
BEGIN;
SELECT jwt_authenticate(test.with_role('regress_auth_user'), true) IS NULL AS unused \gset
ROLLBACK;
SELECT is(current_user, 'regress_auth_gateway', 'after a ROLLBACK, the assumed role is reset');
BEGIN;
SELECT jwt_authenticate(test.with_role('regress Auth "x"'), true) IS NULL AS unused \gset
SELECT is(current_user, 'regress Auth "x"', 'a role whose name has spaces and quotes is assumed');
COMMIT;
BEGIN;
SELECT jwt_authenticate(test.with_role('regress_auth_user')) IS NULL AS unused \gset
SELECT is((current_user, jwt_role())::text, '(regress_auth_gateway,regress_auth_user)', 'without assume_role, the role stays');
SELECT jwt_authenticate(test.with_role('regress_auth_user'), NULL) IS NULL AS unused \gset
SELECT is(current_user, 'regress_auth_gateway', 'with assume_role NULL, the role stays');
COMMIT;

-- Refused, and the identity of a refused call does not stay
CREATE TEMP TABLE refused (role text, what text);
INSERT INTO refused VALUES
	('regress_auth_other', 'no member'), ('regress_auth_super', 'a superuser'), ('regress_auth_bypass', 'BYPASSRLS'), ('regress_auth_replica', 'REPLICATION'),
	('postgres', 'the superuser'), ('regress_auth_missing', 'no such role'), ('', 'an empty name'), ('none', 'none'),
	('NONE', 'NONE'), ('default', 'default'), ('public', 'public'), ('regress_auth_user ', 'a space behind it'),
	('REGRESS_AUTH_USER', 'capitals'), ('"regress_auth_user"', 'quotes'), ('regress_auth_user"; RESET ROLE; --', 'SQL'),
	('session_user', 'session_user'), ('pg_read_all_data', 'pg_read_all_data'), ('pg_database_owner', 'pg_database_owner'),
	(repeat('x', 63), '63 letters'), (repeat('x', 64), '64 letters'), (repeat('x', 10000), '10000 letters'),
	(NULL, 'null');
BEGIN;
SELECT jwt_authenticate(:'alice') IS NULL AS unused \gset
SELECT is((test.sqlstate_of(format('SELECT public.jwt_authenticate(%L, true)', test.with_role(role))), current_user, jwt_user_id())::text,
		  format('(42501,regress_auth_gateway,%s)', test.id_of('alice')), 'not assumed: ' || what)
FROM refused;
SELECT is(test.sqlstate_of(format('SELECT public.jwt_authenticate(%L, true)', test.own(members))), '42501', 'not assumed: ' || members)
FROM unnest(ARRAY['"x":1', '"role":7', '"role":["regress_auth_user"]', '"role":true', '"roles":"regress_auth_user"']) AS members;
SELECT is(test.sqlstate_of(format('SELECT public.jwt_authenticate(%L, true)', repeat('x', 63) || :'bob')), '28J00', 'with a malformed token, assume_role raises 28J00');
COMMIT;
RESET SESSION AUTHORIZATION;

-- Whoever runs as superuser still assumes no powerful role
CREATE FUNCTION pg_temp.refusal_of(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	message text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	RETURN message || ' ' || hint;
END
$$;
BEGIN;
SELECT is((test.sqlstate_of(format('SELECT public.jwt_authenticate(%L, true)', test.with_role(role))), current_user)::text,
		  '(42501,postgres)', 'a superuser''s session does not assume ' || role)
FROM unnest(ARRAY['regress_auth_super', 'regress_auth_bypass', 'regress_auth_replica', 'postgres', 'pg_read_server_files', 'pg_execute_server_program']) AS role;
SELECT ok(pg_temp.refusal_of(statement) ~ 'files or programs of the server.*pg_read_server_files, pg_write_server_files and pg_execute_server_program', 'the error names the roles that reach files and programs: ' || left(statement, 30))
FROM unnest(ARRAY[format('SELECT public.jwt_authenticate(%L, true)', test.with_role('pg_write_server_files')),
	'SELECT public.jwt_create_user(''programs'', ''none-of-your-business'', ''pg_execute_server_program'')']) AS statement;
SELECT jwt_authenticate(test.with_role('regress_auth_other'), true) IS NULL AS unused \gset
SELECT is(current_user, 'regress_auth_other', 'a superuser''s session assumes an ordinary role');
SELECT is(jwt_authenticate(test.with_role('regress_auth_user'), true) ->> 'role', 'regress_auth_user', 'a second role is assumed in the same transaction');
SELECT is(current_user, 'regress_auth_user', 'a second role is assumed by the rights of the session user');
COMMIT;

-- The role is not the identity: SET ROLE and RESET ROLE leave it (T30)
SET SESSION AUTHORIZATION regress_auth_gateway;
BEGIN;
SELECT jwt_authenticate(test.with_role('regress_auth_user'), true) IS NULL AS unused \gset
RESET ROLE;
SELECT is((current_user, jwt_user_id())::text, format('(regress_auth_gateway,%s)', test.id_of('bob')), 'RESET ROLE leaves the identity');
SET ROLE NONE;
SELECT is(jwt_user_id(), test.id_of('bob'), 'SET ROLE NONE leaves the identity');
SET LOCAL ROLE regress_auth_user;
SELECT is((jwt_user_id(), jwt_role())::text, format('(%s,regress_auth_user)', test.id_of('bob')), 'SET LOCAL ROLE leaves the identity');
SELECT test.raises('SET ROLE regress_auth_other', '42501', 'SET ROLE to a role that the session user is no member of is refused');
COMMIT;
RESET SESSION AUTHORIZATION;

-- Inside a SECURITY DEFINER function PostgreSQL sets no role
CREATE FUNCTION test.definer(token text, assume_role boolean) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$ BEGIN RETURN public.jwt_authenticate(token, assume_role); END $$;
SET SESSION AUTHORIZATION regress_auth_gateway;
BEGIN;
SELECT is(test.sqlstate_of(format('SELECT test.definer(%L, true)', test.with_role('regress_auth_user'))), '42501',
		  'assume_role is refused within a SECURITY DEFINER function');
SELECT is(test.definer(:'alice', false) ->> 'sub', test.id_of('alice')::text, 'a SECURITY DEFINER function can authenticate without assuming a role');
SELECT is(jwt_user_id(), test.id_of('alice'), 'an identity set within a SECURITY DEFINER function is the transaction''s');
COMMIT;
SELECT is(jwt_user_id(), NULL, 'after the transaction, an identity set within a SECURITY DEFINER function is gone');
RESET SESSION AUTHORIZATION;

-- A read-only transaction will do
BEGIN READ ONLY;
SELECT is(jwt_authenticate(test.with_role('regress_auth_user'), true) ->> 'role', 'regress_auth_user', 'jwt_authenticate assumes a role in a read-only transaction');
SELECT is((current_user, jwt_user_id())::text, format('(regress_auth_user,%s)', test.id_of('bob')), 'a read-only transaction has the assumed role and the identity');
COMMIT;

REVOKE ALL ON refused FROM PUBLIC;
DROP OWNED BY regress_auth_gateway, regress_auth_user, regress_auth_other;
DROP ROLE regress_auth_gateway, regress_auth_user, regress_auth_other, regress_auth_super, regress_auth_bypass, regress_auth_replica, "regress Auth ""x""";
SELECT * FROM finish();
