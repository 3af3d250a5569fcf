-- The limit of sessions (F11, F12, T62, T177): a login ends the least recently
-- refreshed ones that are too many, never the one that it begins, and of very
-- many only some, so that it waits for none of them.
-- At least 25 assertions
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
SELECT no_plan();
SELECT test.create_user('alice') AS alice, test.create_user('bob') AS bob, test.create_user('carol') AS carol \gset
CREATE FUNCTION pg_temp.evicted(username text) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'session_evicted' AND user_id = test.user_id(username) $$;

-- A clock that was set back: all others were refreshed later than now
SET jwt_auth.max_sessions_per_user = 2;
SELECT test.login('alice') AS s1 \gset
SELECT test.login('alice') AS s2 \gset
SELECT test.age_rotation(:'s1', '-2 h'), test.age_rotation(:'s2', '-1 h');
SELECT test.login('alice') AS s3 \gset
SELECT is(test.error_of(:'s3'), 'ok', 'a login after the clock was set back succeeds'),
	   is(test.revoke_reason(:'s3'), 'live', 'a login after the clock was set back has a live session'),
	   is(test.access(:'s3'), NULL, 'a login after the clock was set back has a valid access token'),
	   is(test.error_of(test.refresh(:'s3')), 'ok', 'a login after the clock was set back has a valid refresh token'),
	   is(test.revoke_reason(:'s1'), 'live', 'after the clock was set back, the session refreshed last stays'),
	   is(test.revoke_reason(:'s2'), 'session limit', 'after the clock was set back, the session refreshed first ends');
SET jwt_auth.max_sessions_per_user = 1;
SELECT test.login('alice') AS s4 \gset
SELECT is(test.revoke_reason(:'s4'), 'live', 'with a limit of one and the clock set back, the new session lives'),
	   is(test.live_sessions('alice'), 1::bigint, 'with a limit of one and the clock set back, no other session lives');

-- API tokens neither count, nor keep what counts from being seen, however many they are
SELECT test.create_user('dave') AS dave \gset
SELECT test.login('dave') AS s1 \gset
SELECT set_config('jwt_auth.token', :'s1'::jsonb ->> 'access_token', false) AS unused \gset
SELECT count(jwt_create_api_token('x', '', '1 h')) AS made FROM generate_series(1, 100) \gset
SET jwt_auth.token = '';
SELECT test.login('dave') AS s2 \gset
SELECT is(test.revoke_reason(:'s1'), 'session limit', 'beside 100 API tokens, a login beyond the limit ends the one before'),
	   is(test.live_sessions('dave'), 101::bigint, 'beside 100 API tokens, one session lives');

-- The least recently refreshed goes, though it began later
SET jwt_auth.max_sessions_per_user = 3;
SELECT test.login('bob') AS s1 \gset
SELECT test.login('bob') AS s2 \gset
SELECT test.login('bob') AS s3 \gset
SELECT test.refresh(:'s1') AS s1 \gset
SELECT test.login('bob') AS s4 \gset
SELECT is(test.revoke_reason(:'s2'), 'session limit', 'a login beyond the limit ends the least recently refreshed session'),
	   is(test.revoke_reason(:'s1'), 'live', 'a login beyond the limit leaves the oldest session, which was refreshed last'),
	   is(test.revoke_reason(:'s3'), 'live', 'a login beyond the limit leaves the third session'),
	   is(test.revoke_reason(:'s4'), 'live', 'a login beyond the limit leaves its own session');

-- Sessions that expired, or that others have, do not count
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() WHERE id IN (test.session_of(:'s1'), test.session_of(:'s3'));
SELECT test.login('bob') AS s5 \gset
SELECT is(test.revoke_reason(:'s4'), 'live', 'expired sessions do not count against the limit'),
	   is(test.revoke_reason(:'s1'), 'live', 'a login does not end expired sessions');

-- 100,000 live sessions, and a lowered limit
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
SELECT gen_random_uuid(), :'carol', now() - n * interval '1 s', now() + interval '10 d' - n * interval '1 s' FROM generate_series(1, 100000) AS n;
INSERT INTO jwt_auth.refresh_tokens (session_id, generation, nonce, key_number, rotated_at)
SELECT id, 1, gen_random_uuid(), 1, created_at FROM jwt_auth.sessions WHERE user_id = :'carol';
ANALYZE jwt_auth.sessions, jwt_auth.refresh_tokens;
SELECT test.login('bob');
SET jwt_auth.max_sessions_per_user = 100;
SET statement_timeout = '5 s';
SELECT test.login('carol') AS c1 \gset
SELECT is(test.error_of(:'c1'), 'ok', 'with 100,000 surplus sessions, a login succeeds in time'),
	   is(test.revoke_reason(:'c1'), 'live', 'with 100,000 surplus sessions, the session of the login lives');
SELECT is(pg_temp.evicted('carol'), 100::bigint, 'with 100,000 surplus sessions, a login ends a hundred'),
	   is(test.live_sessions('carol'), 99901::bigint, 'with 100,000 surplus sessions, a login leaves the others');
SELECT test.login('carol') AS c2 \gset
SELECT is(test.error_of(:'c2'), 'ok', 'with 100,000 surplus sessions, a second login succeeds'),
	   is(pg_temp.evicted('carol'), 200::bigint, 'with 100,000 surplus sessions, a second login ends a hundred more'),
	   is(test.revoke_reason(:'c1'), 'live', 'with 100,000 surplus sessions, a second login leaves the session of the first');
RESET statement_timeout;
SELECT is((SELECT count(*) FROM (SELECT revoked_at FROM jwt_auth.sessions WHERE user_id = :'carol' AND revoked_at IS NOT NULL GROUP BY revoked_at) AS v), 2::bigint, 'each login ends its hundred sessions in one statement');
DELETE FROM jwt_auth.sessions WHERE user_id = :'carol' AND id <> test.session_of(:'c2');
SELECT test.login('carol');
SELECT is(test.live_sessions('carol'), 2::bigint, 'a login below the limit ends no session');
SELECT * FROM finish();
