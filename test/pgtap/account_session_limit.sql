-- The limit of sessions of one user, and logins that are denied by it (T62, T177): those
-- that are idle or over keep nobody out, nothing that could be shown again is spent, and
-- what is denied over and over is audited five times an hour.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
\ir include/providers.psql
-- At least 105 assertions
SELECT no_plan();
SELECT jwt_create_user('alice', test.password(), email => 'alice@mail.example') AS alice, test.create_user('bob') AS bob, test.create_user('carol') AS carol \gset
CREATE FUNCTION test.limit_of(username text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT coalesce(max_sessions::text, 'none') FROM jwt_auth.users AS u WHERE u.username = $1 $$;
CREATE FUNCTION test.denials(username text) RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'login_denied' AND reason = 'session limit' AND user_id = test.user_id(username) $$;
CREATE FUNCTION test.evictions() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'session_evicted' $$;
-- Ends the sessions of a user but some
CREATE FUNCTION test.leave(username text, count integer) RETURNS void LANGUAGE sql VOLATILE AS
$$ UPDATE jwt_auth.sessions SET revoked_at = now(), revoke_reason = 'test' WHERE revoked_at IS NULL AND user_id = test.user_id(username)
   AND id NOT IN (SELECT id FROM jwt_auth.sessions WHERE user_id = test.user_id(username) AND revoked_at IS NULL ORDER BY id DESC LIMIT count) $$;
CREATE FUNCTION test.become(answer jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$ SELECT set_config('jwt_auth.token', coalesce(answer ->> 'access_token', ''), false) $$;

-- The limit of one user
SELECT is(test.limit_of('alice'), 'none', 'a user has no limit of their own');
SET jwt_auth.max_sessions_per_user = 2;
SELECT jwt_update_user(:'alice', max_sessions => 3);
SELECT is(test.limit_of('alice'), '3', 'an admin sets one'),
	   is(test.limit_of('bob'), 'none', 'of one user'),
	   is(test.audit_count() > 0 AND (SELECT event = 'user_updated' FROM jwt_auth.audit_log ORDER BY at DESC, id DESC LIMIT 1), true, 'which is audited');
SELECT count(test.login('alice')), count(test.login('bob')) FROM generate_series(1, 5);
SELECT is(test.live_sessions('alice'), 3::bigint, 'a limit above that of the setting counts'),
	   is(test.live_sessions('bob'), 2::bigint, 'that of the setting counts for others');
SELECT jwt_update_user(:'alice', claims => '{"a":1}');
SELECT is(test.limit_of('alice'), '3', 'another change leaves it');
SELECT jwt_update_user(:'alice', max_sessions => 1);
SELECT is(test.live_sessions('alice'), 3::bigint, 'a lower limit ends nothing'),
	   is(test.error_of(test.login('alice')), 'ok', 'until the next login');
SELECT is(test.live_sessions('alice'), 1::bigint, 'which does');
SELECT jwt_update_user(:'alice', max_sessions => 0);
SELECT count(test.login('alice')) FROM generate_series(1, 4);
SELECT is(test.live_sessions('alice'), 5::bigint, 'zero is any number');
SELECT jwt_update_user(:'alice', max_sessions => -1);
SELECT is(test.limit_of('alice'), 'none', '-1 takes the limit away'),
	   is(test.error_of(test.login('alice')), 'ok', 'then');
SELECT is(test.live_sessions('alice'), 2::bigint, 'that of the setting counts');
SET jwt_auth.max_sessions_per_user = 0;
SELECT jwt_update_user(:'alice', max_sessions => 1);
SELECT is(test.error_of(test.login('alice')), 'ok', 'where the setting has no limit');
SELECT is(test.live_sessions('alice'), 1::bigint, 'that of the user counts');
SELECT jwt_update_user(:'alice', max_sessions => 1000000);
SELECT is(test.limit_of('alice'), '1000000', 'a million is the most');
SELECT test.raises(format('SELECT jwt_update_user(%L, max_sessions => %s)', :'alice', value), '22023', 'no limit: ' || value) FROM unnest('{-2,1000001,2147483647,-2147483648}'::text[]) AS value;
SELECT test.raises('UPDATE jwt_auth.users SET max_sessions = ' || value, '23514', 'nor by hand: ' || value) FROM unnest('{-1,1000001}'::text[]) AS value;
SELECT is(test.limit_of('alice'), '1000000', 'what is refused changes nothing');
SELECT test.raises('SELECT jwt_update_user(gen_random_uuid(), max_sessions => 1)', '22023', 'the limit of nobody');
CREATE ROLE regress_limit_client;
SET SESSION AUTHORIZATION regress_limit_client;
SELECT test.raises(format('SELECT jwt_update_user(%L, max_sessions => 0)', :'alice'), '42501', 'a client sets no limit');
SELECT test.raises('SET jwt_auth.' || setting, '42501', 'a client does not change ' || setting) FROM unnest('{max_sessions_per_user = 0,session_limit_action = end_oldest}'::text[]) AS setting;
RESET SESSION AUTHORIZATION;
DROP ROLE regress_limit_client;
SELECT jwt_update_user(:'alice', max_sessions => -1), test.leave(name, 0) FROM unnest('{alice,bob}'::text[]) AS name;

-- Sessions count whose activity a purge has noted
SET jwt_auth.max_sessions_per_user = 2;
SELECT count(test.login('bob')) FROM generate_series(1, 2);
UPDATE jwt_auth.sessions SET active_at = now();
SELECT is(test.error_of(test.login('bob')), 'ok', 'a login beside two sessions whose activity was noted');
SELECT is(test.live_sessions('bob'), 2::bigint, 'which ends one of them');
SELECT test.leave('bob', 0);

-- Denied
SELECT is(current_setting('jwt_auth.session_limit_action'), 'end_oldest', 'a login beyond the limit ends another session, unless that is changed');
SELECT test.raises('SET jwt_auth.session_limit_action = ''' || value || '''', '22023', 'session_limit_action is not ' || value) FROM unnest('{end,on,""}'::text[]) AS value;
SET jwt_auth.max_sessions_per_user = 2;
SET jwt_auth.session_limit_action = deny;
SELECT test.evictions() AS evicted, test.login('alice') AS s1, test.login('alice') AS s2 \gset
SELECT is(test.error_of(:'s1'), 'ok', 'the first session begins'), is(test.error_of(:'s2'), 'ok', 'and one up to the limit');
SELECT test.login('alice') AS denied \gset
SELECT is(:'denied'::jsonb, '{"error":"session_limit","error_description":"you have as many sessions as you may have: log out somewhere else first"}', 'one beyond it is denied'),
	   is(test.live_sessions('alice'), 2::bigint, 'no session begins'),
	   is(test.evictions(), :evicted::bigint, 'and none ends'),
	   is(test.denials('alice'), 1::bigint, 'which is audited'),
	   is(test.access(:'s1'), NULL, 'the first session goes on'),
	   is(test.error_of(test.refresh(:'s1')), 'ok', 'and can be refreshed');
SELECT is(test.error_of(test.login('alice', 'wrong')), 'invalid_grant', 'a wrong password is told nothing of it'),
	   is(test.error_of(test.login('nobody')), 'invalid_grant', 'nor is who is unknown');
SELECT is(test.error_of(test.login('bob')), 'ok', 'another user logs in');
SELECT count(test.login('alice')) FROM generate_series(1, 20);
SELECT is(test.denials('alice'), 5::bigint, 'twenty more denials are five rows of the audit log'),
	   is(test.live_sessions('alice'), 2::bigint, 'and no session');
SELECT test.age_failures('61 min');
SELECT is(test.error_of(test.login('alice')), 'session_limit', 'an hour later'),
	   is(test.denials('alice'), 6::bigint, 'they are audited again');
BEGIN;
SELECT test.error_of(test.login('alice')) AS rolled_back \gset
ROLLBACK;
SELECT is(:'rolled_back'::text, 'session_limit', 'a denial that is rolled back'),
	   is(test.denials('alice'), 6::bigint, 'is not audited');
BEGIN READ ONLY;
SELECT test.raises(format('SELECT jwt_login(''alice'', %L)', test.password()), '25006', 'read only: a login at the limit');
COMMIT;
SELECT test.be(:'s2');
SELECT jwt_logout();
SELECT test.become(NULL);
BEGIN;
SELECT test.error_of(test.login('alice')) AS rolled_back \gset
ROLLBACK;
SELECT is(:'rolled_back'::text, 'ok', 'after a logout, a login succeeds'),
	   is(test.error_of(test.login('alice')), 'ok', 'one that is rolled back does not count'),
	   is(test.error_of(test.login('alice')), 'session_limit', 'one that is not does');

-- What keeps nobody out
SELECT test.leave('alice', 0), test.login('alice') AS s1, test.login('alice') AS s2 \gset
SELECT test.age_rotation(:'s1', interval '7 d' - interval '1 min');
SELECT is(test.error_of(test.login('alice')), 'session_limit', 'a session that will be idle in a minute counts');
SELECT test.age_rotation(:'s1', interval '2 min');
SELECT is(test.error_of(test.login('alice')), 'ok', 'an idle one does not');
SELECT is(test.revoke_reason(:'s1'), 'session limit', 'and ends, as nobody can refresh it'),
	   is(test.error_of(test.login('alice')), 'session_limit', 'the next login counts those that are not');
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() WHERE id = test.session_of(:'s2');
SELECT is(test.error_of(test.login('alice')), 'ok', 'an expired session does not count'),
	   is(test.error_of(test.login('alice')), 'session_limit', 'until others are in its place');
SELECT test.leave('alice', 1);
SELECT is(test.error_of(jwt_impersonate(:'alice', 'a reason')), 'ok', 'staff acts as the user') FROM generate_series(1, 3);
SELECT test.become((SELECT test.login('alice')));
SELECT is(jwt_create_api_token('script ' || n, '', '1 d') ? 'token', true, 'at the limit, the user makes an API token') FROM generate_series(1, 3) AS n;
SELECT test.become(NULL);
SELECT is(test.error_of(jwt_impersonate(:'alice', 'a reason')), 'ok', 'at the limit, staff acts as the user'),
	   is(test.error_of(test.login('alice')), 'session_limit', 'where the user may not log in');
SELECT test.leave('alice', 0), test.login('alice') AS s1 \gset
SELECT test.become(:'s1');
SELECT jwt_create_api_token('script', '', '1 d') ->> 'token' AS api_token FROM generate_series(1, 1) \gset
SELECT test.become(NULL);
SELECT is(test.error_of(jwt_login_api_token(:'api_token')), 'ok', 'an API token logs in'),
	   is(test.error_of(test.login('alice')), 'ok', 'and counts for nothing, nor does its session'),
	   is(test.error_of(test.login('alice')), 'session_limit', 'beside two others'),
	   is(test.error_of(jwt_login_api_token(:'api_token')), 'ok', 'an API token logs in at the limit');
-- As many idle ones as there may be, and a lowered limit
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at) SELECT gen_random_uuid(), :'carol', now(), now() + interval '1 d' FROM generate_series(1, 3000);
INSERT INTO jwt_auth.refresh_tokens (session_id, generation, nonce, key_number, rotated_at) SELECT id, 1, gen_random_uuid(), 1, now() - interval '8 d' FROM jwt_auth.sessions WHERE user_id = :'carol';
SELECT is(test.error_of(test.login('carol')), 'ok', '3000 idle sessions deny nothing');
SELECT is(test.live_sessions('carol'), 2901::bigint, 'and a hundred of them end');
UPDATE jwt_auth.refresh_tokens SET rotated_at = now();
SELECT is(test.error_of(test.login('carol')), 'session_limit', 'more sessions than a lowered limit deny a login');
SELECT is(test.live_sessions('carol'), 2901::bigint, 'and all of them stay');
SELECT jwt_update_user(:'carol', max_sessions => 0);
SELECT is(test.error_of(test.login('carol')), 'ok', 'any number of sessions denies nothing');
SELECT jwt_update_user(:'carol', max_sessions => -1);
SET jwt_auth.session_limit_action = end_oldest;
SELECT is(test.error_of(test.login('carol')), 'ok', 'with end_oldest, the login is not denied'),
	   cmp_ok(test.evictions(), '>', :evicted::bigint, 'and ends sessions');
SET jwt_auth.session_limit_action = deny;

-- An application that vouches for the user
SELECT count(*) AS sessions FROM jwt_auth.sessions \gset
SELECT is(test.error_of(jwt_start_session(:'alice', '{pwd}')), 'session_limit', 'jwt_start_session is denied');
SELECT is((SELECT count(*) FROM jwt_auth.sessions), :sessions::bigint, 'and begins no session');
-- A link and a code, which stay
SELECT jwt_create_link(:'alice', 'login') AS link \gset
SELECT is(test.error_of(jwt_login_code(:'link')), 'session_limit', 'a link is denied'),
	   is(test.error_of(jwt_login_code(:'link')), 'session_limit', 'again');
SELECT jwt_request_login('alice@mail.example') ->> 'flow' AS flow \gset
SELECT m ->> 'code' AS code FROM jsonb_array_elements(jwt_outbox_claim()) AS m WHERE m ->> 'kind' = 'login' \gset
SELECT is(test.error_of(jwt_login_code(:'code', :'flow')), 'session_limit', 'a code is denied'),
	   is((SELECT array_agg(failures) FROM jwt_auth.one_time_tokens WHERE recipient IS NOT NULL), '{0}', 'which is no failure');
SELECT test.leave('alice', 0);
SELECT is(test.error_of(jwt_login_code(:'code', :'flow')), 'ok', 'once there is room, the code logs in'),
	   is(test.error_of(jwt_login_code(:'link')), 'invalid_grant', 'and has used up the link');
SELECT jwt_create_link(:'alice', 'login') AS link, test.login('alice') AS s1 \gset
SELECT jwt_disable_user(:'alice');
SELECT is(test.error_of(jwt_login_code(:'link')), 'invalid_grant', 'the link of a disabled user tells nothing of sessions'),
	   is(test.error_of(jwt_start_session(:'alice')), 'invalid_grant', 'nor does jwt_start_session');
SELECT jwt_enable_user(:'alice');
-- An identity provider, whose ID token is spent
SELECT test.add_idp('{"sign_up":true}');
SELECT test.external('{"sub":"dan"}') AS s1, test.external('{"sub":"dan"}') AS s2, test.id_token('{"sub":"dan"}') AS id_token \gset
SELECT is(test.error_of(:'s2'), 'ok', 'an identity provider logs in up to the limit'),
	   is(test.error_of(jwt_login_external('idp', :'id_token')), 'session_limit', 'and is denied beyond it'),
	   is(test.error_of(jwt_login_external('idp', :'id_token')), 'invalid_grant', 'the ID token is spent');
SELECT test.be(:'s2');
SELECT jwt_logout();
SELECT test.become(NULL);
SELECT is(test.error_of(test.external('{"sub":"dan"}')), 'ok', 'the next one logs in when there is room');

-- A second factor: asked for only where there is room, and not used up without
SELECT test.leave('bob', 0), test.login('bob') AS s1 \gset
SELECT test.be(:'s1');
SELECT test.enroll() AS secret \gset
SELECT test.become(jwt_start_session(:'bob', '{mfa}'));
SELECT jwt_make_recovery_codes() -> 'codes' ->> 0 AS recovery_code \gset
SELECT test.become(NULL), test.age_codes(), test.leave('bob', 1);
SELECT test.login('bob') AS first, test.login('bob') AS second \gset
SELECT is(test.error_of(:'second'), 'mfa_required', 'two tickets below the limit');
SELECT test.totp(:'secret') AS code \gset
SELECT is(test.error_of(jwt_mfa_verify(:'first'::jsonb ->> 'mfa_token', 'totp', jsonb_build_object('code', :'code'))), 'ok', 'the first begins a session');
SELECT test.age_codes(), test.audit_count() AS audited \gset
SELECT is(test.error_of(jwt_mfa_verify(:'second'::jsonb ->> 'mfa_token', method, jsonb_build_object('code', code))), 'session_limit', 'the second is denied: ' || what)
FROM (VALUES ('totp', :'code'::text, 'a right code'), ('totp', test.wrong_code(:'secret'), 'a wrong code'), ('recovery_code', :'recovery_code', 'a recovery code')) AS v (method, code, what);
SELECT is((SELECT factor_failures FROM jwt_auth.users WHERE username = 'bob'), 0, 'which counts no failure'),
	   is((SELECT count(*) FROM jwt_auth.recovery_codes), 10::bigint, 'and uses no recovery code');
SELECT is(test.error_of(test.login('bob')), 'session_limit', 'a login at the limit is denied before the second factor');
SELECT test.leave('bob', 1);
SELECT is(test.error_of(jwt_mfa_verify(:'second'::jsonb ->> 'mfa_token', 'recovery_code', jsonb_build_object('code', :'recovery_code'))), 'ok', 'once there is room, ticket and recovery code begin a session');
SELECT is(test.error_of(jwt_recover(jwt_create_link(:'bob', 'recovery'), 'another horse battery staple')), 'mfa_required', 'recovery is not denied at the limit');
SELECT test.be(:'s1');
-- Identity providers ask for the factor as well
SELECT test.become(NULL);
INSERT INTO jwt_auth.identities SELECT 'idp', 'https://idp.example', 'bob', :'bob', now();
SELECT is(test.error_of(test.external('{"sub":"bob"}')), 'session_limit', 'a login with a provider, too, is denied before the second factor');
SELECT test.leave('bob', 1);
SELECT is(test.error_of(test.external('{"sub":"bob"}')), 'mfa_required', 'which is asked for below the limit');
-- Stepping up begins no session
SELECT test.leave('bob', 0), jwt_start_session(:'bob') AS s1, jwt_start_session(:'bob') AS s2 \gset
SELECT test.be(:'s2');
SELECT jwt_step_up() ->> 'mfa_token' AS ticket, test.age_codes() \gset
SELECT is(test.error_of(jwt_mfa_verify(:'ticket', 'totp', jsonb_build_object('code', test.totp(:'secret')))), 'ok', 'at the limit, a session is stepped up');
SELECT test.become(NULL);

-- A factor that must be enrolled
SELECT test.create_user('erin') AS erin \gset
SELECT jwt_update_user(:'erin', mfa_enrollment => 'required', max_sessions => 1);
SELECT test.login('erin') ->> 'mfa_token' AS ticket \gset
SELECT jwt_enroll_totp(NULL, :'ticket') AS begun, jwt_start_session(:'erin') AS s1 \gset
SELECT is(test.error_of(jwt_confirm_totp((:'begun'::jsonb ->> 'factor_id')::uuid, test.totp(:'begun'::jsonb ->> 'secret'), :'ticket')), 'session_limit', 'a ticket that enrolls is denied at the limit'),
	   is((SELECT count(*) FROM jwt_auth.factors WHERE user_id = :'erin' AND confirmed_at IS NOT NULL), 0::bigint, 'and enrolls nothing'),
	   is(test.error_of(test.login('erin')), 'session_limit', 'a login is denied before it');
SELECT test.leave('erin', 0);
SELECT is(test.error_of(jwt_confirm_totp((:'begun'::jsonb ->> 'factor_id')::uuid, test.totp(:'begun'::jsonb ->> 'secret'), :'ticket')), 'ok', 'once there is room, it enrolls');

-- New users have no session
SET jwt_auth.max_sessions_per_user = 1;
SET jwt_auth.sign_up = on;
SET jwt_auth.anonymous_sign_up = on;
SELECT jwt_sign_up_anonymous() AS s1 \gset
SELECT is(test.error_of(:'s1'), 'ok', 'an anonymous user gets the only session');
SELECT test.be(:'s1');
SELECT jwt_sign_up('fay@mail.example', test.password()) ->> 'flow' AS flow \gset
SELECT test.become(NULL);
SELECT jwt_confirm_sign_up(m ->> 'token', :'flow') AS answer FROM jsonb_array_elements(jwt_outbox_claim()) AS m WHERE m ->> 'kind' = 'sign_up' \gset
SELECT is(test.error_of(:'answer'), 'ok', 'who signs up gets another in its place'),
	   is(test.claims_of(:'answer') ->> 'sub', test.claims_of(:'s1') ->> 'sub', 'as the same user'),
	   is(test.error_of(test.login('fay@mail.example')), 'session_limit', 'and no other beside it');
-- The way out for whoever has lost all sessions
SELECT is(test.error_of(jwt_recover(jwt_create_link(jwt_find_user('fay@mail.example'), 'recovery'), 'another horse battery staple')), '{"status": "password_set"}', 'recovery ends all sessions'),
	   is(test.error_of(test.login('fay@mail.example', 'another horse battery staple')), 'ok', 'so that the user logs in');
SELECT * FROM finish();
