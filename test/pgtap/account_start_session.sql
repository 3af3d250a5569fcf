-- Sessions of another length, and sessions that an application starts (F32,
-- F33): as long as is asked for, never longer than the setting; the methods that
-- the application names are in each token of the session, and in no other.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 30 assertions
SELECT no_plan();
SELECT test.create_user('alice', claims => '{"tenant":"t1"}') AS alice, jwt_create_user('bob') AS bob \gset
CREATE FUNCTION test.lasts(answer jsonb) RETURNS interval LANGUAGE sql STABLE AS
$$ SELECT expires_at - created_at FROM jwt_auth.sessions WHERE id = test.session_of(answer) $$;

-- Logins
SELECT test.login('alice') AS answer \gset
SELECT is(test.lasts(:'answer'), '30 d', 'by default, the session of a login lasts as long as session_ttl');
SELECT jwt_login('alice', test.password(), '1 h') AS answer \gset
SELECT is(test.lasts(:'answer'), '1 h', 'the session of a login lasts as long as it asks for');
SELECT is((:'answer'::jsonb ->> 'refresh_expires_in')::integer BETWEEN 3590 AND 3600, true, 'refresh_expires_in follows a session_ttl of one hour');
SELECT is(test.lasts(test.refresh(:'answer')), '1 h', 'a refresh does not prolong a session of one hour');
SELECT jwt_login('alice', test.password(), '40 d') AS answer \gset
SELECT is(test.lasts(:'answer'), '30 d', 'the session of a login lasts no longer than the setting');
SELECT jwt_login('alice', test.password(), session_ttl => NULL) AS answer \gset
SELECT is(test.lasts(:'answer'), '30 d', 'a session_ttl of NULL stands for the setting');
SELECT test.raises(format('SELECT jwt_login(''alice'', test.password(), %L)', ttl), '22023', 'not for ' || ttl)
FROM unnest('{0 s,-1 h,0.5 s}'::text[]) AS ttl;
SELECT is(test.error_of(jwt_login('alice', 'wrong', '1 h')), 'invalid_grant', 'a wrong password with a session_ttl is denied');
SELECT is(test.claims_of(:'answer') -> 'amr', '["pwd"]', 'the token of a login has "pwd" as claim "amr"');

-- Started by the application, also for a user without password
SELECT jwt_start_session(:'bob') AS answer \gset
SELECT is(test.error_of(:'answer'), 'ok', 'jwt_start_session starts a session for a user without password'),
	   is(test.access(:'answer'), NULL, 'the access token of a started session is valid'),
	   is(test.claims_of(:'answer') ->> 'sub', :'bob', 'the sub of a started session is the user'),
	   is(test.claims_of(:'answer') ? 'amr', false, 'the token of a session started without methods has no claim "amr"');
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer') AS k), '{access_token,expires_in,refresh_expires_in,refresh_token,token_type}', 'jwt_start_session answers with the members of a login');
SELECT jwt_start_session(:'alice', '{otp,hwk}', '2 h') AS answer \gset
SELECT is(test.claims_of(:'answer') -> 'amr', '["otp", "hwk"]', 'the methods of a started session are its claim "amr"'),
	   is(test.claims_of(:'answer') ->> 'tenant', 't1', 'the token of a started session has the user''s claims'),
	   is(test.lasts(:'answer'), '2 h', 'a started session lasts as long as it asks for');
SELECT test.refresh(:'answer') AS answer \gset
SELECT is(test.claims_of(:'answer') -> 'amr', '["otp", "hwk"]', 'a refresh keeps the claim "amr"');
SELECT is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'session_started'), 2::bigint, 'each started session is audited');
SELECT jwt_end_sessions(:'alice');
SELECT is(test.access(:'answer'), '28J02', 'jwt_end_sessions revokes the access token of a started session'),
	   is(test.error_of(test.refresh(:'answer')), 'invalid_grant', 'jwt_end_sessions ends the refresh token of a started session');
SELECT jwt_start_session(:'alice', NULL, NULL) AS answer \gset
SELECT is(test.lasts(:'answer'), '30 d', 'for jwt_start_session, NULLs stand for the defaults');

-- Refused
SELECT count(*) AS sessions FROM jwt_auth.sessions \gset
SELECT test.raises('SELECT jwt_start_session(' || arguments || ')', '22023', arguments)
FROM unnest(ARRAY['NULL', 'gen_random_uuid()', format('%L, ''{NULL}''', :'alice'), format('%L, ''{""}''', :'alice'), format('%L, ''{"a b"}''', :'alice'),
	format('%L, array_fill(''x''::text, ''{17}'')', :'alice'), format('%L, ARRAY[repeat(''x'', 65)]', :'alice'), format('%L, ''{}'', ''0 s''', :'alice')]) AS arguments;
SELECT jwt_disable_user(:'bob');
SELECT is(test.error_of(jwt_start_session(:'bob')), 'invalid_grant', 'jwt_start_session denies a disabled user');
SELECT is((SELECT count(*) FROM jwt_auth.sessions), :'sessions', 'refused and denied starts begin no session');

SELECT * FROM finish();
