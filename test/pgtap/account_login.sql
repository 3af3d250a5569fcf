-- Login (T37, T39, T42, T48, T54, T57, T60, T61, T62): the exact shape of answers
-- and tokens; one answer for whatever is wrong; misuse is an error before any work
-- is done; a login that was rolled back never was.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
-- At least 111 assertions
SELECT no_plan();
SELECT is(test.sqlstate_of('SELECT jwt_login(''x'', ''y'')'), '55000', 'without a signing key, a login of an unknown user raises an error');
SELECT jwt_create_user('early', 'correct horse battery staple');
SELECT is(test.sqlstate_of('SELECT jwt_login(''early'', ''correct horse battery staple'')'), '55000', 'without a signing key, a login with the right password raises an error'),
	   is(test.sqlstate_of('SELECT jwt_login(''early'', ''wrong'')'), '55000', 'without a signing key, a login with a wrong password raises an error'),
	   is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'logins without a signing key are not counted');
SELECT is(test.sqlstate_of('SELECT jwt_refresh(''x'')'), NULL, 'a malformed refresh token is denied without a signing key');
\ir include/accounts.psql
CREATE ROLE regress_login_member;
SET jwt_auth.issuer = 'https://auth.example';
SET jwt_auth.audience = 'api';

-- The answer and its tokens
SELECT test.create_user('Alice', 'regress_login_member', '{"tenant":"t1","nested":{"a":[1,2]}}') AS alice \gset
SELECT floor(extract(epoch FROM clock_timestamp())) AS before \gset
SELECT test.login('alice') AS answer \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer'::jsonb) AS k),
		  '{access_token,expires_in,refresh_expires_in,refresh_token,token_type}', 'a login answers with five members'),
	   is((:'answer'::jsonb - '{access_token,refresh_token}'::text[]), '{"token_type":"Bearer","expires_in":900,"refresh_expires_in":604800}', 'a login answers type and lifetimes'),
	   matches(:'answer'::jsonb ->> 'refresh_token', '^jar_[A-Za-z0-9_-]{103}$', 'the refresh token of a login has prefix and length'),
	   is((jwt_decode(:'answer'::jsonb ->> 'access_token')).header, '{"alg":"ES256","kid":"e1","typ":"at+jwt"}', 'the access token of a login has alg, kid and typ');
SELECT test.claims_of(:'answer') AS claims \gset
SELECT is(:'claims'::jsonb - '{iat,exp,jti,sid,aal,acr,amr,auth_time}'::text[],
		  jsonb_build_object('iss', 'https://auth.example', 'aud', 'api', 'sub', :'alice', 'role', 'regress_login_member', 'tenant', 't1', 'nested', '{"a":[1,2]}'::jsonb),
		  'the access token of a login has the claims of issuer, user, role and tenant'),
	   is((:'claims'::jsonb -> 'exp')::bigint - (:'claims'::jsonb -> 'iat')::bigint, 900::bigint, 'an access token is valid for access_token_ttl'),
	   ok((:'claims'::jsonb -> 'iat')::bigint BETWEEN :before AND :before + 5, 'the access token is issued at the time of the login'),
	   is((SELECT (user_id, revoked_at, expires_at - created_at)::text FROM jwt_auth.sessions WHERE id = (:'claims'::jsonb ->> 'sid')::uuid),
		  format('(%s,,"30 days")', :'alice'), 'a login stores a session of 30 days'),
	   is((SELECT (generation, earlier)::text FROM jwt_auth.refresh_tokens WHERE session_id = (:'claims'::jsonb ->> 'sid')::uuid),
		  '(1,)', 'a login stores a refresh token of generation 1'),
	   is(test.access(:'answer'), NULL, 'the access token of a login is valid'),
	   is(jwt_verify(:'answer'::jsonb ->> 'access_token', 'api', 'https://auth.example'), :'claims'::jsonb, 'jwt_verify returns the claims of a login''s access token');
SELECT test.login('alice') AS other \gset
SELECT isnt(test.claims_of(:'other') ->> 'sid', :'claims'::jsonb ->> 'sid', 'another login begins another session'),
	   isnt(test.claims_of(:'other') ->> 'jti', :'claims'::jsonb ->> 'jti', 'the access token of another login has another jti'),
	   isnt(:'other'::jsonb ->> 'refresh_token', :'answer'::jsonb ->> 'refresh_token', 'another login gives another refresh token'),
	   is(test.error_of(test.refresh(:'answer')), 'ok', 'after another login, the refresh token of the former is accepted');
SELECT jwt_create_user('plain', test.password());
SELECT is(test.claims_of(test.login('plain')) ? 'role', false, 'the access token of a user without role has no claim "role"');
SET jwt_auth.issuer = '';
SET jwt_auth.audience = '';
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(test.claims_of(test.login('plain'))) AS k), '{aal,acr,amr,auth_time,exp,iat,jti,sid,sub}', 'without issuer, audience and role, an access token has nine claims');
RESET jwt_auth.issuer;
RESET jwt_auth.audience;
SELECT jwt_create_key('EdDSA', 'e2'), jwt_rotate_key();
SELECT is((jwt_decode(test.login('plain') ->> 'access_token')).header, '{"alg":"EdDSA","kid":"e2","typ":"at+jwt"}', 'the access token of a login is signed by the active key');

-- Rows hold the nonce of a token, and not what proves it
CREATE TEMP TABLE stored AS
SELECT row::text AS text FROM jwt_auth.refresh_tokens AS row UNION ALL SELECT row::text FROM jwt_auth.sessions AS row
UNION ALL SELECT row::text FROM jwt_auth.audit_log AS row UNION ALL SELECT row::text FROM jwt_auth.users AS row;
CREATE TEMP TABLE part AS
SELECT token, encode(substr(bytes, 30, 16), 'hex') AS nonce, encode(substr(bytes, 46), 'hex') AS mac
FROM (SELECT :'answer'::jsonb ->> 'refresh_token' AS token) AS t, LATERAL test.from_base64url(substr(token, 5)) AS bytes;
SELECT is((SELECT count(*) FROM stored, part WHERE strpos(replace(text, '-', ''), nonce) > 0), 1::bigint, 'the nonce of a refresh token is stored once'),
	   is((SELECT count(*) FROM stored, part WHERE strpos(text, token) > 0 OR strpos(text, mac) > 0), 0::bigint, 'neither a refresh token nor its MAC is stored'),
	   is((SELECT count(*) FROM stored WHERE strpos(text, 'correct horse') > 0), 0::bigint, 'no password is stored in rows of sessions, users or the audit log');

-- Times: exp never after the session's end; a caller's TimeZone plays no part
SET jwt_auth.session_ttl = 100;
SELECT is((test.login('alice') - '{access_token,refresh_token,token_type}'::text[])::text, '{"expires_in": ' || v.n || ', "refresh_expires_in": ' || v.n || '}', 'both lifetimes are bounded by the end of the session')
FROM (SELECT 99 AS n) AS v;
SELECT test.login('alice') AS answer \gset
SELECT cmp_ok(to_timestamp((test.claims_of(:'answer') -> 'exp')::bigint), '<=', (SELECT expires_at FROM jwt_auth.sessions WHERE id = test.session_of(:'answer')), 'exp of a login is not after the end of the session');
RESET jwt_auth.session_ttl;
SET jwt_auth.session_idle_timeout = 120;
SELECT is((test.login('alice') -> 'refresh_expires_in')::integer, 120, 'refresh_expires_in is the idle limit where that is nearer');
RESET jwt_auth.session_idle_timeout;
SET jwt_auth.access_token_ttl = '2 h';
SELECT is((test.login('alice') -> 'expires_in')::integer, 7200, 'expires_in is access_token_ttl');
SET jwt_auth.max_token_ttl = '1 h';
SELECT is((test.login('alice') -> 'expires_in')::integer, 3600, 'expires_in is limited by max_token_ttl');
RESET jwt_auth.access_token_ttl;
RESET jwt_auth.max_token_ttl;
CREATE FUNCTION pg_temp.login_at(zone text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	answer jsonb;
BEGIN
	PERFORM set_config('TimeZone', zone, true);
	answer := test.login('alice');
	RETURN (SELECT format('%s %s %s', extract(epoch FROM expires_at - created_at), answer -> 'expires_in',
						  abs(extract(epoch FROM created_at) - (test.claims_of(answer) ->> 'iat')::numeric) < 5)
			FROM jwt_auth.sessions WHERE id = test.session_of(answer));
END
$$;
SELECT is(pg_temp.login_at(zone), '2592000.000000 900 t', 'TimeZone ' || zone)
FROM unnest('{UTC,America/New_York,Europe/Berlin,Australia/Lord_Howe,Pacific/Apia,Pacific/Kiritimati}'::text[]) AS zone;

-- Whatever is wrong, the answer is one (T37)
SELECT jwt_create_user('nopassword');
SELECT test.create_user('disabled') AS disabled \gset
SELECT jwt_disable_user(:'disabled');
SELECT test.create_user('deleted') AS deleted \gset
SELECT jwt_delete_user(:'deleted');
SET jwt_auth.login_max_failures = 1000;
SELECT jwt_login('alice', 'wrong password') AS denial \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'denial'::jsonb) AS k), '{error,error_description}', 'a denied login answers with error and description'),
	   is(:'denial'::jsonb ->> 'error', 'invalid_grant', 'a denied login answers invalid_grant');
SELECT is(jwt_login(username, password)::text, :'denial', 'the same answer: ' || what)
FROM (VALUES ('alice', 'wrong', 'wrong password'), ('nobody', 'wrong', 'unknown user'), ('nobody', 'correct horse battery staple', 'unknown user, a password in use'),
	('nopassword', 'correct horse battery staple', 'no password'), ('disabled', 'correct horse battery staple', 'disabled, the right password'),
	('disabled', 'wrong', 'disabled, a wrong password'), ('deleted', 'correct horse battery staple', 'deleted'),
	('alice', 'x', 'too short for a password'), ('alice', U&'\0378', 'a password that cannot be set'), (E'a\nb', 'x', 'a name that cannot be'),
	(repeat('a', 1024), repeat('x', 1024), 'longest arguments'), ('alice''; DROP TABLE users; --', ''' OR 1=1 --', 'quotes')) AS v (username, password, what);
SELECT is((SELECT string_agg(DISTINCT reason, ', ' ORDER BY reason) FROM jwt_auth.audit_log WHERE event = 'login_denied'),
		  'no password, unknown user, user disabled, wrong password', 'only the audit log knows the reason');
RESET jwt_auth.login_max_failures;

-- Empty input and misuse
SELECT count(*) AS sessions FROM jwt_auth.sessions \gset
SELECT test.audit_count() AS events \gset
SELECT sum(failures) AS failures FROM jwt_auth.login_throttle \gset
SELECT is(jwt_login(username, password) ->> 'error', 'invalid_request', format('empty: %L, %L', username, password))
FROM (VALUES ('', ''), ('alice', ''), ('', 'wrong'), ('nobody', '')) AS v (username, password);
SELECT test.raises('SELECT ' || call, '22023', call)
FROM unnest(ARRAY['jwt_login(NULL, NULL)', 'jwt_login(''alice'', NULL)', 'jwt_login(NULL, ''x'')', 'jwt_login(repeat(''x'', 1025), ''x'')',
	'jwt_login(''alice'', repeat(''x'', 1025))', 'jwt_login(repeat(''x'', 100000000), ''x'')', 'jwt_login(''alice'', repeat(U&''\FDFA'', 341))',
	'jwt_refresh(NULL)', 'jwt_refresh(repeat(''x'', 1025))', 'jwt_change_password(NULL, NULL)', 'jwt_change_password(''x'', NULL)', 'jwt_change_password(NULL, ''x'')']) AS call;

-- Read-only transactions are refused before anything is looked at or hashed:
-- the hash would take a second here
SET jwt_auth.argon2_memory = 262144;
SET jwt_auth.argon2_iterations = 8;
CREATE TABLE public.timed (call text, state text, took interval);
CREATE FUNCTION pg_temp.timed(call text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	start timestamptz := clock_timestamp();
	state text := test.sqlstate_of('SELECT public.' || call);
BEGIN
	RETURN state || CASE WHEN clock_timestamp() - start > '600 ms' THEN ' after some work' ELSE '' END;
END
$$;
BEGIN READ ONLY;
SELECT is(pg_temp.timed(call), '25006', 'read only: ' || call)
FROM unnest(ARRAY['jwt_login(''alice'', ''correct horse battery staple'')', 'jwt_login(''nobody'', ''x'')', 'jwt_login('''', '''')', 'jwt_refresh(''x'')',
	'jwt_change_password(''x'', ''y'')', 'jwt_revoke(''x'')', 'jwt_logout()', 'jwt_revoke_session(gen_random_uuid())',
	'jwt_create_user(''x'', ''correct horse battery staple'')', 'jwt_import_user(''x'', ''y'')', 'jwt_update_user(gen_random_uuid())',
	'jwt_set_password(gen_random_uuid(), ''correct horse battery staple'')', 'jwt_disable_user(gen_random_uuid())', 'jwt_enable_user(gen_random_uuid())',
	'jwt_unlock_user(gen_random_uuid())', 'jwt_delete_user(gen_random_uuid())', 'jwt_end_sessions(gen_random_uuid())', 'jwt_purge()']) AS call;
ROLLBACK;
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;
SELECT is((SELECT count(*) FROM jwt_auth.sessions), :'sessions', 'calls in a read-only transaction begin no session'),
	   is(test.audit_count(), :'events', 'calls in a read-only transaction are not audited'),
	   is((SELECT sum(failures) FROM jwt_auth.login_throttle), :'failures', 'calls in a read-only transaction count no failure');

-- A login that was rolled back (T39)
BEGIN;
SELECT test.login('alice') AS answer \gset
SELECT is(test.access(:'answer'), NULL, 'the access token of a login is valid in its transaction');
SELECT is(test.access(:'answer'), NULL, 'the access token of a login is valid in a later statement of its transaction');
ROLLBACK;
SELECT is(test.access(:'answer'), '28J00', 'the access token of a login that was rolled back is refused'),
	   is(test.error_of(test.refresh(:'answer')), 'invalid_grant', 'the refresh token of a login that was rolled back is denied');
BEGIN;
SAVEPOINT s;
SELECT test.login('alice') AS answer \gset
SELECT is(test.access(:'answer'), NULL, 'the access token of a login is valid in its savepoint');
ROLLBACK TO s;
SELECT is(test.access(:'answer'), '28J00', 'after the savepoint was rolled back, the access token of its login is refused');
SELECT is(test.error_of(test.refresh(:'answer')), 'invalid_grant', 'after the savepoint was rolled back, the refresh token of its login is denied');
COMMIT;
SELECT is(test.access(:'answer'), '28J00', 'after the commit, the access token of the savepoint''s login is refused');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT test.login('alice') AS answer \gset
COMMIT;
SELECT is(test.access(:'answer'), NULL, 'the access token of a login at SERIALIZABLE is valid');

-- Sessions per user (T62): the least recently refreshed one goes, audited
SELECT test.create_user('busy') AS busy \gset
SET jwt_auth.max_sessions_per_user = 3;
SELECT test.login('busy') AS s1 \gset
SELECT test.login('busy') AS s2 \gset
SELECT test.login('busy') AS s3 \gset
SELECT is(test.live_sessions('busy'), 3::bigint, 'as many sessions live as max_sessions_per_user allows');
SELECT test.refresh(:'s1') AS s1 \gset
SELECT test.login('busy') AS s4 \gset
SELECT is(test.live_sessions('busy'), 3::bigint, 'a login beyond max_sessions_per_user leaves three sessions'),
	   is(test.revoke_reason(:'s2'), 'session limit', 'a login beyond the limit ends the least recently refreshed session'),
	   is(test.access(:'s2'), '28J02', 'a login beyond the limit revokes the access token of the session it ends'),
	   is(test.access(:'s1'), NULL, 'a login beyond the limit leaves the session that was refreshed last'),
	   is(test.access(:'s3'), NULL, 'a login beyond the limit leaves the third session'),
	   is(test.access(:'s4'), NULL, 'a login beyond the limit begins a session'),
	   is((SELECT (session_id, user_id)::text FROM jwt_auth.audit_log WHERE event = 'session_evicted'), format('(%s,%s)', test.session_of(:'s2'), :'busy'), 'the end of a session beyond the limit is audited');
SET jwt_auth.max_sessions_per_user = 1;
SELECT test.login('busy') AS s5 \gset
SELECT is(test.live_sessions('busy'), 1::bigint, 'with a limit of one, a login leaves one session'),
	   is(test.access(:'s5'), NULL, 'with a limit of one, the newest session lives'),
	   is(test.access(:'s1'), '28J02', 'with a limit of one, a login ends older sessions');
SET jwt_auth.max_sessions_per_user = 0;
SELECT count(test.login('busy')) FROM generate_series(1, 5);
SELECT is(test.live_sessions('busy'), 6::bigint, 'with max_sessions_per_user 0, there is no limit');
RESET jwt_auth.max_sessions_per_user;

-- Sessions that have ended cost the next login nothing
WITH session AS (
	INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at, revoked_at, revoke_reason)
	SELECT gen_random_uuid(), :'busy', now(), now() + interval '1 d', now(), 'many' FROM generate_series(1, 5000) RETURNING id)
INSERT INTO jwt_auth.refresh_tokens (session_id, generation, nonce, key_number, rotated_at) SELECT id, 1, gen_random_uuid(), 1, now() FROM session;
ANALYZE jwt_auth.sessions, jwt_auth.refresh_tokens;
CREATE FUNCTION test.rows_read() RETURNS bigint LANGUAGE sql AS
$$ SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_all_tables
   WHERE relid IN ('jwt_auth.sessions'::regclass, 'jwt_auth.refresh_tokens'::regclass) $$;
BEGIN;
SELECT test.rows_read() AS before, test.login('busy') AS answer \gset
SELECT is(test.error_of(:'answer'), 'ok', 'a user with 5000 ended sessions can log in'),
	   cmp_ok(test.rows_read() - :before, '<', 100::bigint, 'a login reads few rows of 5000 ended sessions');
COMMIT;

-- What a statement raises after a change; both are rolled back
CREATE FUNCTION test.after(change text, statement text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	EXECUTE change;
	EXECUTE statement;
	RAISE 'no error' USING ERRCODE = 'ZZRBK';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
-- Without a key, a login is neither granted nor denied
SELECT test.audit_count() AS events \gset
SELECT is(test.after(format('UPDATE jwt_auth.keys SET sealed_by = ''gone'', was_clear = false WHERE use = %L', use), format('SELECT public.jwt_login(''busy'', %L)', password)), '55000',
		  format('a login raises without the key for %s, with %s', use, CASE password WHEN 'wrong' THEN 'a wrong password' ELSE 'the password' END))
FROM unnest('{refresh,hash}'::text[]) AS use, unnest(ARRAY['wrong', test.password()]) AS password;
SELECT is(test.audit_count(), :'events', 'and writes nothing');

DROP ROLE regress_login_member;
SELECT * FROM finish();
