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
SELECT is(jwt_change_password(test.password(), 'another horse battery'), '{}', 'an empty object');
SELECT is(test.error_of(jwt_login('alice', 'another horse battery')), 'ok', 'the new password'), is(test.error_of(test.login('alice')), 'invalid_grant', 'not the old one'),
	   is(test.access(:'a'), NULL, 'the current session lives'), is(test.access(:'b'), '28J02', 'the other is dead'), is(test.error_of(test.refresh(:'b')), 'invalid_grant', 'no refresh'),
	   is(test.error_of(test.refresh(:'a')), 'ok', 'the current one goes on'), is(test.access(:'bobs'), NULL, 'bob is not concerned');
SELECT set_has(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('password_changed'::text)$$, 'audited');
SELECT is(test.error_of(test.login('bob')), 'ok', 'bob''s password is his');

-- Denied: wrong, empty, not acceptable
SELECT password_hash AS hash FROM jwt_auth.users WHERE id = :'alice' \gset
SELECT test.audit_count() AS events \gset
SELECT is(jwt_change_password(old, new) ->> 'error', error, what)
FROM (VALUES ('wrong', 'another horse battery!', 'invalid_grant', 'a wrong password'), ('', 'another horse battery', 'invalid_request', 'no old one'),
	('another horse battery', '', 'invalid_request', 'no new one'), ('', '', 'invalid_request', 'neither'),
	('another horse battery', 'short', 'invalid_request', 'a short one'), ('another horse battery', U&'fifteen chars !\0378', 'invalid_request', 'what is not assigned'))
	AS v (old, new, error, what);
SELECT is(jwt_change_password('wrong', 'short') ->> 'error', 'invalid_grant', 'the old one is judged first');
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(jwt_change_password('another horse battery', 'short')) AS k), '{error,error_description,patterns,reasons}', 'members of a denial');
SELECT test.raises('SELECT ' || call, '22023', call)
FROM unnest('{"jwt_change_password(NULL, ''x'')","jwt_change_password(''x'', NULL)","jwt_change_password(repeat(''x'', 1025), ''x'')","jwt_change_password(''x'', repeat(''x'', 1025))"}'::text[]) AS call;
SELECT is((SELECT password_hash FROM jwt_auth.users WHERE id = :'alice'), :'hash', 'the hash is what it was');
SELECT set_eq(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('password_change_denied: wrong password'::text)$$, 'audited');

-- The throttle is that of the name
SELECT jwt_unlock_user(:'alice');
SELECT is(jwt_change_password('wrong', 'another horse battery!') ->> 'error', 'invalid_grant', 'a failure') FROM generate_series(1, 3);
SELECT is(jwt_login('Alice', 'wrong') ->> 'error', 'invalid_grant', 'and one of a login') FROM generate_series(1, 2);
SELECT is(jwt_change_password('another horse battery', 'another horse battery!') ->> 'error', 'temporarily_unavailable', 'wait, even with the right one'),
	   is(jwt_login('alice', 'another horse battery') ->> 'error', 'temporarily_unavailable', 'for a login, too');
SELECT is(test.error_of(test.refresh(:'a')), 'ok', 'refresh goes on');
SELECT jwt_unlock_user(:'alice');
SELECT is(jwt_change_password('wrong', 'another horse battery!') ->> 'error', 'invalid_grant', 'a failure') FROM generate_series(1, 4);
SELECT is(jwt_change_password('another horse battery', 'another horse battery!'), '{}', 'success');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'clears the count');

-- Rolled back
BEGIN;
SELECT is(jwt_change_password('another horse battery!', 'a third horse battery'), '{}', 'changed');
ROLLBACK;
SELECT is(test.error_of(jwt_login('alice', 'another horse battery!')), 'ok', 'and not');

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
SELECT is(pg_temp.change_as(jsonb_build_object('sub', :'nopassword')), 'invalid_grant', 'no password');
SELECT is(pg_temp.change_as(jsonb_build_object('sub', gen_random_uuid())), '28J03', 'no user');
SELECT jwt_disable_user(:'nopassword');
SELECT is(pg_temp.change_as(jsonb_build_object('sub', :'nopassword')), '28J02', 'disabled');
SELECT set_config('jwt_auth.token', '', false);
SELECT test.raises('SELECT jwt_change_password(''x'', ''y'')', '28J03', 'nobody');

-- By a token without session, every session ends
SELECT jwt_login('alice', 'another horse battery!') AS a \gset
SELECT set_config('jwt_auth.token', jwt_sign(jsonb_build_object('sub', :'alice')), false);
SELECT is(jwt_change_password('another horse battery!', 'a third horse battery'), '{}', 'by a token without session');
SELECT is(test.access(:'a'), '28J02', 'the session is dead');

SELECT * FROM finish();
