-- A user's own change of password (T37, T42, T59): the old one is proved
-- as in a login, with its throttle; other sessions end, the current one not.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 46 assertions
SELECT no_plan();
SELECT test.create_user('alice') AS alice, test.create_user('bob') AS bob \gset
SELECT test.login('alice') AS a \gset
SELECT test.login('alice') AS b \gset
SELECT test.login('bob') AS bobs \gset
SELECT set_config('jwt_auth.token', :'a'::jsonb ->> 'access_token', false);

-- Changed
SELECT test.audit_count() AS events \gset
SELECT is(jwt_change_password(test.password(), 'another horse battery'), '{}', 'a change of password answers an empty object');
SELECT is(test.error_of(jwt_login('alice', 'another horse battery')), 'ok', 'after a change, the new password logs in'),
	   is(test.error_of(test.login('alice')), 'invalid_grant', 'after a change, the old password is denied'),
	   is(test.access(:'a'), NULL, 'a change of password leaves the current access token valid'),
	   is(test.access(:'b'), '28J02', 'a change of password revokes the access token of another session'),
	   is(test.error_of(test.refresh(:'b')), 'invalid_grant', 'a change of password ends the refresh token of another session'),
	   is(test.error_of(test.refresh(:'a')), 'ok', 'a change of password leaves the current refresh token valid'),
	   is(test.access(:'bobs'), NULL, 'a change of password leaves another user''s session alive');
SELECT set_has(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('password_changed'::text)$$, 'a change of password is audited');
SELECT is(test.error_of(test.login('bob')), 'ok', 'a change of password leaves another user''s password');

-- Denied: wrong, empty, not acceptable
SELECT password_hash AS hash FROM jwt_auth.users WHERE id = :'alice' \gset
SELECT test.audit_count() AS events \gset
SELECT is(jwt_change_password(old, new) ->> 'error', error, what)
FROM (VALUES ('wrong', 'another horse battery!', 'invalid_grant', 'a wrong password'), ('', 'another horse battery', 'invalid_request', 'an empty old password'),
	('another horse battery', '', 'invalid_request', 'an empty new password'), ('', '', 'invalid_request', 'two empty passwords'),
	('another horse battery', 'short', 'invalid_request', 'a new password that is too short'), ('another horse battery', U&'fifteen chars !\0378', 'invalid_request', 'a new password with an unassigned character'))
	AS v (old, new, error, what);
SELECT is(jwt_change_password('wrong', 'short') ->> 'error', 'invalid_grant', 'the old password is checked before the new one');
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(jwt_change_password('another horse battery', 'short')) AS k), '{error,error_description,patterns,reasons}', 'a denied change answers with error, description, patterns and reasons');
SELECT test.raises('SELECT ' || call, '22023', call)
FROM unnest('{"jwt_change_password(NULL, ''x'')","jwt_change_password(''x'', NULL)","jwt_change_password(repeat(''x'', 1025), ''x'')","jwt_change_password(''x'', repeat(''x'', 1025))"}'::text[]) AS call;
SELECT is((SELECT password_hash FROM jwt_auth.users WHERE id = :'alice'), :'hash', 'denied changes leave the hash');
SELECT set_eq(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('password_change_denied: wrong password'::text)$$, 'denied changes are audited by the wrong old password');

-- The throttle is that of the name
SELECT jwt_unlock_user(:'alice');
SELECT is(jwt_change_password('wrong', 'another horse battery!') ->> 'error', 'invalid_grant', 'three wrong old passwords bring no wait') FROM generate_series(1, 3);
SELECT is(jwt_login('Alice', 'wrong') ->> 'error', 'invalid_grant', 'two wrong logins after three wrong old passwords bring no wait') FROM generate_series(1, 2);
SELECT is(jwt_change_password('another horse battery', 'another horse battery!') ->> 'error', 'temporarily_unavailable', 'after five failures, a change with the right password waits'),
	   is(jwt_login('alice', 'another horse battery') ->> 'error', 'temporarily_unavailable', 'after five failures of changes and logins, a login waits');
SELECT is(test.error_of(test.refresh(:'a')), 'ok', 'while the name waits, a refresh succeeds');
SELECT jwt_unlock_user(:'alice');
SELECT is(jwt_change_password('wrong', 'another horse battery!') ->> 'error', 'invalid_grant', 'four wrong old passwords bring no wait') FROM generate_series(1, 4);
SELECT is(jwt_change_password('another horse battery', 'another horse battery!'), '{}', 'after four failures, the right old password changes it');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'a change of password clears the count of failures');

-- Rolled back
BEGIN;
SELECT is(jwt_change_password('another horse battery!', 'a third horse battery'), '{}', 'a change of password succeeds in a transaction');
ROLLBACK;
SELECT is(test.error_of(jwt_login('alice', 'another horse battery!')), 'ok', 'when a change of password is rolled back, the old one logs in');

-- Who has no password, is disabled, or is gone
SELECT jwt_create_user('nopassword') AS nopassword \gset
CREATE FUNCTION pg_temp.change_as(claims jsonb) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('jwt_auth.token', jwt_sign(claims), true);
	RETURN jwt_change_password('wrong', 'another horse battery') ->> 'error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.change_as(jsonb_build_object('sub', :'nopassword')), 'invalid_grant', 'a user without password cannot change it');
SELECT is(pg_temp.change_as(jsonb_build_object('sub', gen_random_uuid())), '28J03', 'a caller whose sub is no user cannot change a password');
SELECT jwt_disable_user(:'nopassword');
SELECT is(pg_temp.change_as(jsonb_build_object('sub', :'nopassword')), '28J02', 'a disabled user cannot change the password');
SELECT set_config('jwt_auth.token', '', false);
SELECT test.raises('SELECT jwt_change_password(''x'', ''y'')', '28J03', 'a caller without identity cannot change a password');

-- By a token without session, every session ends
SELECT jwt_login('alice', 'another horse battery!') AS a \gset
SELECT set_config('jwt_auth.token', jwt_sign(jsonb_build_object('sub', :'alice')), false);
SELECT is(jwt_change_password('another horse battery!', 'a third horse battery'), '{}', 'a caller with a token without session can change the password');
SELECT is(test.access(:'a'), '28J02', 'a change of password with a token without session ends every session');

SELECT * FROM finish();
