-- A refresh token of a session that does not go on (T53, T59): it is
-- denied however often it is used, nothing is written to its row, and its use
-- is never taken for a replay.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 52 assertions
SELECT no_plan();
SET jwt_auth.refresh_grace = 0;
CREATE TEMPORARY TABLE ended (why text, reason text, answer jsonb, generation bigint, place tid, state text);
SELECT test.create_user(name) FROM unnest('{alice,bob,carol}'::text[]) AS name;

-- The current token of a session
CREATE FUNCTION pg_temp.begin_session(why text, reason text, username text) RETURNS jsonb LANGUAGE sql AS
$$ INSERT INTO ended (why, reason, answer) VALUES (why, reason, test.refresh(test.login(username))) RETURNING answer $$;

SELECT pg_temp.begin_session('ended by an admin', 'session revoked', 'alice');
SELECT jwt_end_sessions(test.user_id('alice'));
SELECT pg_temp.begin_session('revoked', 'session revoked', 'alice') AS answer \gset
SELECT jwt_revoke(:'answer'::jsonb ->> 'refresh_token');
SELECT pg_temp.begin_session('revoked by its access token', 'session revoked', 'alice') AS answer \gset
SELECT jwt_revoke(:'answer'::jsonb ->> 'access_token');
SELECT pg_temp.begin_session('logged out', 'session revoked', 'alice') AS answer \gset
SELECT set_config('jwt_auth.token', :'answer'::jsonb ->> 'access_token', false);
SELECT jwt_logout();
RESET jwt_auth.token;
SELECT pg_temp.begin_session('expired', 'session expired', 'alice') AS answer \gset
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() WHERE id = test.session_of(:'answer');
SELECT pg_temp.begin_session('disabled', 'session revoked', 'bob');
SELECT jwt_disable_user(test.user_id('bob'));
SELECT pg_temp.begin_session('disabled by hand', 'user disabled', 'carol') AS by_hand \gset
SET session_replication_role = replica; -- as it comes by logical replication, before the end of the session
UPDATE jwt_auth.users SET disabled_at = clock_timestamp() WHERE username = 'carol';
RESET session_replication_role;

UPDATE ended SET generation = r.generation, place = r.ctid, state = test.revoke_reason(answer)
FROM jwt_auth.refresh_tokens AS r WHERE r.session_id = test.session_of(answer);
SELECT is(count(*), 7::bigint, 'there are seven sessions that ended'),
	   is(count(*) FILTER (WHERE generation <> 2), 0::bigint, 'each session that ended was refreshed once') FROM ended;

SELECT is(test.error_of(test.refresh(answer)), 'invalid_grant', why || ': the first refresh is denied') FROM ended;
SELECT is(test.error_of(test.refresh(answer)), 'invalid_grant', why || ': the second refresh is denied') FROM ended;
SELECT is(test.error_of(test.refresh(answer)), 'invalid_grant', why || ': the third refresh is denied') FROM ended;

SELECT is(r.generation, e.generation, why || ': denied refreshes rotate nothing'),
	   is(r.ctid, e.place, why || ': denied refreshes write nothing'),
	   is(test.revoke_reason(answer), state, why || ': denied refreshes leave the state of the session'),
	   is(ARRAY(SELECT concat_ws(': ', event, a.reason) FROM jwt_auth.audit_log AS a
				WHERE a.session_id = r.session_id AND event LIKE 'refresh%' ORDER BY at, id),
		  ARRAY['refresh_denied: ' || e.reason], why || ': three denied refreshes are audited once, by their reason')
FROM ended AS e JOIN jwt_auth.refresh_tokens AS r ON r.session_id = test.session_of(answer);

-- A session that did not end goes on where it was
UPDATE jwt_auth.users SET disabled_at = NULL WHERE username = 'carol';
SELECT is(test.error_of(test.refresh(:'by_hand')), 'ok', 'after the user was enabled again by hand, the same token is accepted');
SELECT finish();
