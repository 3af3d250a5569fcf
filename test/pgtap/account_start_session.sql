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
SELECT is(test.lasts(:'answer'), '30 d', 'a login lasts as long as the setting says');
SELECT jwt_login('alice', test.password(), '1 h') AS answer \gset
SELECT is(test.lasts(:'answer'), '1 h', 'or as long as it asks for');
SELECT is((:'answer'::jsonb ->> 'refresh_expires_in')::integer BETWEEN 3590 AND 3600, true, 'as the answer says');
SELECT is(test.lasts(test.refresh(:'answer')), '1 h', 'a refresh prolongs nothing');
SELECT jwt_login('alice', test.password(), '40 d') AS answer \gset
SELECT is(test.lasts(:'answer'), '30 d', 'but never longer than the setting');
SELECT jwt_login('alice', test.password(), session_ttl => NULL) AS answer \gset
SELECT is(test.lasts(:'answer'), '30 d', 'NULL is the setting');
SELECT test.raises(format('SELECT jwt_login(''alice'', test.password(), %L)', ttl), '22023', 'not for ' || ttl)
FROM unnest('{0 s,-1 h,0.5 s}'::text[]) AS ttl;
SELECT is(test.error_of(jwt_login('alice', 'wrong', '1 h')), 'invalid_grant', 'a wrong password stays wrong');
SELECT is(test.claims_of(:'answer') ? 'amr', false, 'a login tells no methods');

-- Started by the application, also for a user without password
SELECT jwt_start_session(:'bob') AS answer \gset
SELECT is(test.error_of(:'answer'), 'ok', 'a session is started'), is(test.access(:'answer'), NULL, 'whose token is good'),
	   is(test.claims_of(:'answer') ->> 'sub', :'bob', 'and is the user''s'), is(test.claims_of(:'answer') ? 'amr', false, 'without methods there is no claim');
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer') AS k), '{access_token,expires_in,refresh_expires_in,refresh_token,token_type}', 'it is the answer of a login');
SELECT jwt_start_session(:'alice', '{otp,hwk}', '2 h') AS answer \gset
SELECT is(test.claims_of(:'answer') -> 'amr', '["otp", "hwk"]', 'the methods are a claim'), is(test.claims_of(:'answer') ->> 'tenant', 't1', 'beside the user''s'), is(test.lasts(:'answer'), '2 h', 'it lasts as long as asked for');
SELECT test.refresh(:'answer') AS answer \gset
SELECT is(test.claims_of(:'answer') -> 'amr', '["otp", "hwk"]', 'a refresh keeps the methods');
SELECT is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'session_started'), 2::bigint, 'each start is audited');
SELECT jwt_end_sessions(:'alice');
SELECT is(test.access(:'answer'), '28J02', 'and ends as others do'), is(test.error_of(test.refresh(:'answer')), 'invalid_grant', 'for good');
SELECT jwt_start_session(:'alice', NULL, NULL) AS answer \gset
SELECT is(test.lasts(:'answer'), '30 d', 'NULLs are the defaults');

-- Refused
SELECT count(*) AS sessions FROM jwt_auth.sessions \gset
SELECT test.raises('SELECT jwt_start_session(' || arguments || ')', '22023', arguments)
FROM unnest(ARRAY['NULL', 'gen_random_uuid()', format('%L, ''{NULL}''', :'alice'), format('%L, ''{""}''', :'alice'), format('%L, ''{"a b"}''', :'alice'),
	format('%L, array_fill(''x''::text, ''{17}'')', :'alice'), format('%L, ARRAY[repeat(''x'', 65)]', :'alice'), format('%L, ''{}'', ''0 s''', :'alice')]) AS arguments;
SELECT jwt_disable_user(:'bob');
SELECT is(test.error_of(jwt_start_session(:'bob')), 'invalid_grant', 'a disabled user');
SELECT is((SELECT count(*) FROM jwt_auth.sessions), :'sessions', 'got no session');

SELECT * FROM finish();
