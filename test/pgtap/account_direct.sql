-- Users changed in their table, as an operator would (F18, T59): the same
-- follows as from the functions, and what they refuse is refused.
-- At least 66 assertions
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
SELECT no_plan();
CREATE ROLE regress_direct_member;
CREATE ROLE regress_direct_bypass BYPASSRLS;
SELECT test.create_user(name) FROM unnest('{alice,bob,carol,dora,erin}'::text[]) AS name;
CREATE FUNCTION pg_temp.sessionless(username text) RETURNS text LANGUAGE sql AS
$$ SELECT jwt_sign(jsonb_build_object('sub', test.user_id(username))) $$;
CREATE FUNCTION pg_temp.events(username text) RETURNS text[] LANGUAGE sql AS
$$ SELECT array_agg(event ORDER BY at, id) FROM jwt_auth.audit_log WHERE user_id = test.user_id(username) AND event NOT IN ('login', 'user_created') $$;

-- Disabled
SELECT test.login('alice') AS a1 \gset
SELECT test.login('bob') AS b1 \gset
SELECT pg_temp.sessionless('alice') AS token \gset
SELECT is(test.access(:'a1'), NULL, 'before any change, the token of alice''s session is valid'),
	   is(test.verdict(:'token'), NULL, 'before any change, alice''s token without session is valid');
UPDATE jwt_auth.users SET disabled_at = now() WHERE username = 'alice';
SELECT is(test.access(:'a1'), '28J02', 'disabling a user in the table revokes tokens of sessions'),
	   is(test.verdict(:'token'), '28J02', 'disabling a user in the table denies tokens without session'),
	   is(test.error_of(test.refresh(:'a1')), 'invalid_grant', 'a user disabled in the table cannot refresh'),
	   is(test.revoke_reason(:'a1'), 'user disabled', 'disabling a user in the table ends the session'),
	   is(test.access(:'b1'), NULL, 'disabling a user in the table leaves another user''s token valid'),
	   is(pg_temp.events('alice'), '{user_disabled,refresh_denied}', 'disabling a user in the table is audited');
UPDATE jwt_auth.users SET disabled_at = NULL WHERE username = 'alice';
SELECT is(test.access(:'a1'), '28J02', 'after a user was enabled in the table, the session stays ended'),
	   is(test.error_of(test.login('alice')), 'ok', 'a user enabled in the table can log in');
SELECT test.login('alice') AS a2 \gset
BEGIN;
UPDATE jwt_auth.users SET disabled_at = now() WHERE username = 'alice';
ROLLBACK;
SELECT is(test.access(:'a2'), NULL, 'when disabling a user in the table is rolled back, the token is valid');

-- Another password, or none
UPDATE jwt_auth.users SET password_hash = (SELECT password_hash FROM jwt_auth.users WHERE username = 'bob') WHERE username = 'alice';
SELECT is(test.access(:'a2'), '28J02', 'changing the hash in the table revokes tokens of sessions'),
	   is(test.revoke_reason(:'a2'), 'password set', 'changing the hash in the table ends the session');
UPDATE jwt_auth.users SET password_hash = NULL WHERE username = 'bob';
SELECT is(test.access(:'b1'), '28J02', 'removing the hash in the table revokes tokens of sessions'),
	   is(pg_temp.events('bob'), '{password_set}', 'removing the hash in the table is audited');
SELECT test.login('carol') AS c1 \gset
SET jwt_auth.argon2_iterations = 2;
SELECT test.login('carol') AS c2 \gset
SET jwt_auth.argon2_iterations = 1;
SELECT is(test.access(:'c1'), NULL, 'a hash that a login replaces ends no session'),
	   is(test.access(:'c2'), NULL, 'the session of a login that replaces the hash is live');

-- Role and claims
SELECT lives_ok($$UPDATE jwt_auth.users SET role = 'regress_direct_member', claims = '{"tenant":"t1"}' WHERE username = 'carol'$$, 'role and claims can be set in the table');
SELECT is(test.claims_of(test.refresh(:'c2')) ->> 'role', 'regress_direct_member', 'a role set in the table is in the token of the next refresh'),
	   is(test.access(:'c1'), NULL, 'role and claims set in the table end no session');
SELECT test.raises(format('UPDATE jwt_auth.users SET role = %L', role), '22023', 'role ' || role)
FROM unnest(ARRAY['regress_direct_bypass', 'regress_direct_none', current_user]) AS role;
SELECT test.raises($$UPDATE jwt_auth.users SET claims = '{"sub":"x"}'$$, '22023', 'a reserved claim cannot be set in the table');
SELECT lives_ok($$UPDATE jwt_auth.users SET role = NULL WHERE username = 'carol'$$, 'a role can be removed in the table');

-- Deleted
SELECT test.login('dora') AS d1 \gset
SELECT pg_temp.sessionless('dora') AS token \gset
SELECT pg_temp.sessionless('erin') AS other \gset
DELETE FROM jwt_auth.users WHERE username = 'dora';
SELECT is(test.access(:'d1'), '28J00', 'deleting a user in the table refuses tokens of sessions'),
	   is(test.verdict(:'token'), '28J02', 'deleting a user in the table denies tokens without session'),
	   is(test.verdict(:'other'), NULL, 'deleting a user in the table leaves another user''s token valid'),
	   is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'user_deleted'), 1::bigint, 'deleting a user in the table is audited');
SELECT jwt_delete_user(test.create_user('frank'));
SELECT is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'user_deleted'), 2::bigint, 'jwt_delete_user is audited once');

-- Inserted as a disabled one, as replication and a restore do
SELECT gen_random_uuid() AS gina \gset
SELECT jwt_sign(jsonb_build_object('sub', :'gina')) AS token \gset
SELECT is(test.verdict(:'token'), NULL, 'a token whose sub is no user is valid');
INSERT INTO jwt_auth.users (id, created_at) VALUES (gen_random_uuid(), now());
SELECT is(test.verdict(:'token'), NULL, 'inserting another enabled user leaves the token valid');
INSERT INTO jwt_auth.users (id, created_at, disabled_at) VALUES (:'gina', now(), now());
SELECT is(test.verdict(:'token'), '28J02', 'inserting the token''s user as disabled denies the token'),
	   is(test.verdict(:'other'), NULL, 'inserting a disabled user leaves another user''s token valid');
DELETE FROM jwt_auth.users WHERE username IS NULL;

-- Inserted without a name: the functions work on it
INSERT INTO jwt_auth.users (id, username, created_at) VALUES (:'gina', 'gina', now());
SELECT lives_ok(format('SELECT %s', call), call)
FROM (VALUES (format('jwt_disable_user(%L)', :'gina')), (format('jwt_enable_user(%L)', :'gina')), (format('jwt_unlock_user(%L)', :'gina')),
	(format('jwt_set_password(%L, %L)', :'gina', test.password())), (format('jwt_delete_user(%L)', :'gina'))) AS c (call);
SELECT test.raises(format('SELECT %s', call), '22023', 'nobody has the id: ' || call)
FROM (VALUES (format('jwt_disable_user(%L)', :'gina')), (format('jwt_enable_user(%L)', :'gina')), (format('jwt_unlock_user(%L)', :'gina')),
	(format('jwt_set_password(%L, %L)', :'gina', test.password()))) AS c (call);

-- Another name
SELECT test.raises($$UPDATE jwt_auth.users SET username = 'zora' WHERE username = 'carol'$$, '0A000', 'the username cannot be changed in the table'),
	   test.raises($$UPDATE jwt_auth.users SET username = NULL WHERE username = 'carol'$$, '0A000', 'the username cannot be removed in the table');
SELECT lives_ok($$UPDATE jwt_auth.users SET username = 'carol' WHERE username = 'carol'$$, 'the username can be set to itself in the table');
SELECT jwt_update_user(test.user_id('carol'), username => 'zora');
SELECT is(jwt_find_user('zora'), test.user_id('zora'), 'jwt_update_user changes the username'),
	   is(jwt_find_user('carol'), NULL, 'after jwt_update_user, the former username is unknown');
SELECT jwt_update_user(test.user_id('zora'), username => 'carol');

-- A session for somebody else, who would be whoever holds its refresh token
SELECT test.login('carol') AS c3 \gset
SELECT test.raises(format('UPDATE jwt_auth.sessions SET user_id = %L WHERE id = %L', test.user_id('alice'), test.session_of(:'c3')), '0A000', 'the user of a session cannot be changed');
SELECT lives_ok(format('UPDATE jwt_auth.sessions SET user_id = user_id WHERE id = %L', test.session_of(:'c3')), 'the user of a session can be set to itself'),
	   is(test.access(:'c3'), NULL, 'a session whose user was set to itself is live');

-- A session that never ends: its refresh token outlives the key that made it
SELECT test.login('carol') AS c4 \gset
UPDATE jwt_auth.sessions SET expires_at = 'infinity' WHERE id = test.session_of(:'c4');
SELECT lives_ok('SELECT jwt_rotate_refresh_key()', 'with a session that never ends, the refresh key can be rotated');
SELECT is((SELECT max(verify_until) FROM jwt_auth.keys), 'infinity', 'with a session that never ends, the former refresh key verifies for ever'),
	   is(test.error_of(test.refresh(:'c4')), 'ok', 'with a session that never ends, a refresh after the rotation succeeds');
UPDATE jwt_auth.sessions SET expires_at = '294276-12-31 23:59:59' WHERE id = test.session_of(:'c4');
SELECT lives_ok('SELECT jwt_rotate_refresh_key()', 'with a session that ends at the last timestamp, the refresh key can be rotated'),
	   is((SELECT min(verify_until) FROM jwt_auth.keys), 'infinity', 'with a session that ends at the last timestamp, former keys verify for ever');
UPDATE jwt_auth.login_throttle SET last_failure_at = 'infinity';
SELECT is(test.error_of(test.login('carol')), 'ok', 'a failure at infinity brings no wait');

-- Triggers that keep rows from being written are told of, and nothing is answered as if it were there
CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
SELECT test.create_user('harry');
CREATE TRIGGER swallow BEFORE INSERT ON jwt_auth.login_throttle FOR EACH ROW EXECUTE FUNCTION public.swallow();
SELECT test.raises($$SELECT jwt_login('harry', 'wrong')$$, '27000', 'a trigger that swallows a failed login makes the login an error');
DROP TRIGGER swallow ON jwt_auth.login_throttle;
CREATE TRIGGER swallow BEFORE INSERT ON jwt_auth.sessions FOR EACH ROW EXECUTE FUNCTION public.swallow();
SELECT test.raises($$SELECT test.login('harry')$$, '27000', 'a trigger that swallows the session makes the login an error');
DROP TRIGGER swallow ON jwt_auth.sessions;
CREATE TRIGGER swallow BEFORE INSERT ON jwt_auth.refresh_tokens FOR EACH ROW EXECUTE FUNCTION public.swallow();
SELECT test.raises($$SELECT test.login('harry')$$, '27000', 'a trigger that swallows the refresh token makes the login an error');
DROP TRIGGER swallow ON jwt_auth.refresh_tokens;
SELECT is(test.error_of(test.login('harry')), 'ok', 'without triggers that swallow rows, the login succeeds');

-- Another id
DELETE FROM jwt_auth.identifiers WHERE user_id = test.user_id('erin');
UPDATE jwt_auth.users SET id = gen_random_uuid() WHERE username = 'erin';
SELECT is(test.verdict(:'other'), '28J02', 'changing the id of a user denies tokens of the former id');

-- All at once
SELECT pg_temp.sessionless('erin') AS token \gset
SELECT test.login('carol') AS e1 \gset
SELECT throws_ok('TRUNCATE jwt_auth.users', '0A000', NULL, 'jwt_auth.users cannot be truncated alone');
TRUNCATE jwt_auth.users CASCADE;
SELECT is(test.access(:'e1'), '28J00', 'truncating jwt_auth.users refuses tokens of sessions'),
	   is(test.verdict(:'token'), '28J02', 'truncating jwt_auth.users denies tokens without session'),
	   is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'users_truncated'), 1::bigint, 'truncating jwt_auth.users is audited');
DROP ROLE regress_direct_member, regress_direct_bypass;
SELECT * FROM finish();
