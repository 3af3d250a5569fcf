-- Login by a link or a code that was sent, with the flow of the browser that
-- asked (T105, T112, T114, T115, T116, T117, T119, T125).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 200 assertions
SELECT no_plan();
-- Puts the clock forward for all addresses, and asks
CREATE FUNCTION test.ask(identifier text) RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ DELETE FROM jwt_auth.login_throttle; SELECT public.jwt_request_login(identifier) $$;
-- Asks, and claims the only message
CREATE FUNCTION test.message(identifier text, request text DEFAULT 'jwt_request_login') RETURNS jsonb LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	answer jsonb;
	message jsonb;
BEGIN
	PERFORM test.claim();
	DELETE FROM jwt_auth.login_throttle;
	EXECUTE format('SELECT public.%I(%L)', request, identifier) INTO answer;
	SELECT answer || m INTO STRICT message FROM test.claim() AS m;
	RETURN message;
END
$$;
CREATE FUNCTION test.redeem(token text, flow text DEFAULT NULL) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.error_of(public.jwt_login_code(token, flow)) $$;

SELECT jwt_create_user('alice', test.password(), claims => '{"tenant":"t1"}', email => 'Alice.Smith@Example.ORG', phone => '+491701234567') AS alice,
	   jwt_create_user(NULL, email => 'bob@example.org') AS bob, jwt_create_user('nobody', test.password()) AS nobody \gset

-- What is asked for, and what is written
SELECT jwt_request_login('ALICE.smith@example.org') AS answer \gset
SELECT is(:'answer'::jsonb ->> 'status', 'sent', 'a request to log in is answered with "sent"'),
	   is(:'answer'::jsonb -> 'expires_in', '600', 'a request to log in is valid for ten minutes'),
	   matches(:'answer'::jsonb ->> 'flow', '^jaf_[A-Za-z0-9_-]{71}$', 'the answer to a request has a flow'),
	   is((SELECT count(*) FROM jsonb_object_keys(:'answer')), 3::bigint, 'the answer to a request has three members');
SELECT is(array_agg(format('%s %s %s %s', user_id, purpose, recipient, failures)), ARRAY[format('%s login Alice.Smith@example.org 0', :'alice')], 'a request stores a token with user, purpose and recipient'),
	   is(min(expires_at - created_at), interval '10 min', 'the stored token is valid for ten minutes') FROM jwt_auth.one_time_tokens;
SELECT test.claim() AS message \gset
SELECT is(:'message'::jsonb - 'id' - 'token' - 'code' - 'created_at' - 'expires_at', '{"kind":"login","channel":"email","recipient":"Alice.Smith@example.org"}', 'the mailer claims a message of kind, channel and recipient'),
	   matches(:'message'::jsonb ->> 'token', '^jat_[A-Za-z0-9_-]{94}$', 'a claimed message has a token'),
	   matches(:'message'::jsonb ->> 'code', '^[0-9]{8}$', 'a claimed message has a code of eight digits');
SELECT is(format('%s %s', event, user_id), format('login_requested %s', :'alice'), 'a request to log in is audited') FROM jwt_auth.audit_log WHERE event = 'login_requested';

-- By link, with its flow, once: the tokens of a session, as of any login
SELECT jwt_login_code(:'message'::jsonb ->> 'token', :'answer'::jsonb ->> 'flow') AS session \gset
SELECT is(test.error_of(:'session'), 'ok', 'a link with its flow logs in'),
	   is(test.access(:'session'), NULL, 'the access token of a login by link is valid'),
	   is(test.claims_of(:'session') ->> 'sub', :'alice', 'the access token of a login by link names the user'),
	   is(test.claims_of(:'session') ->> 'tenant', 't1', 'the access token of a login by link has the user''s claims'),
	   is(test.claims_of(:'session') -> 'amr', '["otp"]', 'the method of a login by link is otp'),
	   is(test.claims_of(:'session') -> 'aal', '1', 'a login by link is of level 1'),
	   is(test.error_of(test.refresh(:'session')), 'ok', 'the session of a login by link can be refreshed'),
	   is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'session') AS k), '{access_token,expires_in,refresh_expires_in,refresh_token,token_type}', 'a login by link is answered as any login');
SELECT is((SELECT expires_at - created_at FROM jwt_auth.sessions WHERE id = test.session_of(:'session')), interval '30 d', 'the session of a login by link lasts for session_ttl');
SELECT is(test.redeem(:'message'::jsonb ->> 'token', :'answer'::jsonb ->> 'flow'), 'invalid_grant', 'a link logs in once'),
	   is(test.redeem(:'message'::jsonb ->> 'code', :'answer'::jsonb ->> 'flow'), 'invalid_grant', 'a login by link also spends the code');
SELECT is((SELECT string_agg(concat_ws(' ', reason, user_id, session_id), ',') FROM jwt_auth.audit_log WHERE event = 'login'), concat_ws(' ', 'by link', :'alice', test.session_of(:'session')), 'a login by link is audited with user and session');
SELECT is(test.error_of(test.login('alice')), 'ok', 'after a login by link, the password still logs in'),
	   is((SELECT count(*) FROM jwt_auth.outbox WHERE kind <> 'login'), 0::bigint, 'a login by link sends no notice');

-- By code, with its flow only; who has no password can log in
SELECT test.message('bob@example.org') AS m, test.message('alice.smith@example.org') AS other, test.message('+491701234567') AS phone \gset
SELECT is(test.redeem(:'m'::jsonb ->> 'code'), 'invalid_grant', 'a code without a flow is denied'),
	   is(test.redeem(:'m'::jsonb ->> 'code', :'other'::jsonb ->> 'flow'), 'invalid_grant', 'a code with the flow of another request is denied'),
	   is(test.redeem(:'m'::jsonb ->> 'code', 'jaf_x'), 'invalid_grant', 'a code with a made-up flow is denied'),
	   is(test.redeem(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'token'), 'invalid_grant', 'a code with a link as the flow is denied'),
	   is(test.redeem(:'m'::jsonb ->> 'flow', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a flow is denied as a link'),
	   is(test.redeem(''), 'invalid_request', 'an empty token is an invalid request'),
	   is(test.redeem('', :'m'::jsonb ->> 'flow'), 'invalid_request', 'an empty token with a flow is an invalid request');
SELECT is(test.redeem(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'ok', 'denied attempts do not consume the code');
SELECT is(:'phone'::jsonb ->> 'channel', 'phone', 'a phone number gets a message'),
	   is(test.redeem(:'phone'::jsonb ->> 'code', :'phone'::jsonb ->> 'flow'), 'ok', 'a code sent to a phone number logs in'),
	   is(test.redeem(:'other'::jsonb ->> 'token', :'other'::jsonb ->> 'flow'), 'invalid_grant', 'a login by code voids the user''s other links');
SELECT is((SELECT array_agg(reason) FROM jwt_auth.audit_log WHERE event = 'login' AND user_id = :'bob'), '{by code}', 'a login by code is audited');

-- A link is good in the browser that asked, and no wrong flow consumes it
SELECT test.message('bob@example.org') AS m, test.message('alice.smith@example.org') AS other \gset
SELECT is(test.redeem(:'m'::jsonb ->> 'token', flow), 'invalid_grant', 'a link is denied with ' || what)
FROM (VALUES ('no flow', NULL), ('an empty flow', ''), ('the flow of another', :'other'::jsonb ->> 'flow'), ('a made-up flow', 'jaf_x'), ('a flow that is cut', left(:'m'::jsonb ->> 'flow', 70)),
	('itself as flow', :'m'::jsonb ->> 'token'), ('a code as flow', :'m'::jsonb ->> 'code'), ('a JWT as flow', jwt_sign('{}')), ('a flow with a space', ' ' || (:'m'::jsonb ->> 'flow'))) AS v (what, flow);
SELECT is(test.redeem(:'m'::jsonb ->> 'token', 'jaf_' || test.base64url(set_byte(bytes, n, get_byte(bytes, n) # 1))), 'invalid_grant', 'a link is denied if byte ' || n || ' of its flow was changed')
FROM test.from_base64url(substr(:'m'::jsonb ->> 'flow', 5)) AS bytes, generate_series(0, 52) AS n;
SELECT is(test.redeem(text, :'m'::jsonb ->> 'flow'), 'invalid_grant', text || ' is denied, and is no code') FROM unnest('{1234567x,12.45678,-1234567," 1234567",1234567,123456789}'::text[]) AS text;
SELECT is(failures, 0, 'neither links with wrong flows nor what is no code are counted as failures') FROM jwt_auth.one_time_tokens WHERE purpose = 'login' AND user_id = :'bob' AND consumed_at IS NULL;
SELECT is(test.redeem(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'wrong flows do not consume a link');

-- Unless the operator wants links to work wherever they are opened; codes never do
SELECT test.message('bob@example.org') AS m, test.message('bob@example.org') AS second, test.message('bob@example.org') AS third \gset
SET jwt_auth.login_link_any_device = on;
SELECT is(test.redeem(:'m'::jsonb ->> 'code'), 'invalid_grant', 'with login_link_any_device, a code without a flow is denied'),
	   is(test.redeem(:'m'::jsonb ->> 'token', :'second'::jsonb ->> 'flow'), 'invalid_grant', 'with login_link_any_device, a link with a wrong flow is denied'),
	   is(test.redeem(:'m'::jsonb ->> 'token'), 'ok', 'with login_link_any_device, a link without a flow logs in'),
	   is(test.redeem(:'m'::jsonb ->> 'token'), 'invalid_grant', 'with login_link_any_device, a link logs in once'),
	   is(test.redeem(:'second'::jsonb ->> 'token'), 'invalid_grant', 'with login_link_any_device, a login voids the user''s other links');
RESET jwt_auth.login_link_any_device;

-- A link of support staff has no flow
SELECT jwt_create_link(:'nobody', 'login') AS link, jwt_create_link(:'bob', 'login', '7 days') AS long \gset
SELECT is(array_agg(expires_at - created_at ORDER BY created_at, expires_at), '{00:10:00,7 days}', 'a link from an admin is valid as long as one that is sent, or as the admin says') FROM jwt_auth.one_time_tokens WHERE recipient IS NULL;
SELECT is(test.redeem(:'link'), 'ok', 'a link from an admin logs in'),
	   is(test.redeem(:'link'), 'invalid_grant', 'a link from an admin logs in once'),
	   is(test.redeem(:'long', :'m'::jsonb ->> 'flow'), 'ok', 'a link from an admin logs in with any flow');
SELECT is((SELECT array_agg(reason ORDER BY reason) FROM jwt_auth.audit_log WHERE event = 'link_created'), '{login,login}', 'creating a link is audited with its purpose');
SELECT is((SELECT count(*) FROM jwt_auth.outbox WHERE created_at > (SELECT min(created_at) FROM jwt_auth.one_time_tokens WHERE recipient IS NULL)), 0::bigint, 'creating a link sends nothing');

-- A token is for its purpose
SELECT test.message('bob@example.org') AS m, test.message('bob@example.org', 'jwt_request_recovery') AS recovery \gset
SELECT is(test.redeem(:'recovery'::jsonb ->> 'token', :'recovery'::jsonb ->> 'flow'), 'invalid_grant', 'a link to recover does not log in'),
	   is(test.redeem(:'recovery'::jsonb ->> 'code', :'recovery'::jsonb ->> 'flow'), 'invalid_grant', 'a code to recover does not log in'),
	   is(jwt_recover(:'m'::jsonb ->> 'token', 'another horse battery', :'m'::jsonb ->> 'flow') ->> 'error', 'invalid_grant', 'a link to log in sets no password'),
	   is(jwt_recover(:'m'::jsonb ->> 'code', 'another horse battery', :'m'::jsonb ->> 'flow') ->> 'error', 'invalid_grant', 'a code to log in sets no password'),
	   is(test.redeem(:'m'::jsonb ->> 'token', :'recovery'::jsonb ->> 'flow'), 'invalid_grant', 'a link to log in is denied with the flow of a recovery');
SELECT is(test.redeem(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'tokens of another purpose consume nothing'),
	   is(jwt_recover(:'recovery'::jsonb ->> 'code', 'another horse battery', :'recovery'::jsonb ->> 'flow') ->> 'status', 'password_set', 'a login by link voids no recovery');
SELECT test.message('bob@example.org') AS m, test.message('bob@example.org', 'jwt_request_recovery') AS recovery \gset
SELECT is(jwt_recover(:'recovery'::jsonb ->> 'token', 'a third horse battery') ->> 'status', 'password_set', 'a link to recover sets the password'),
	   is(test.redeem(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a recovery voids links to log in');

-- What voids a token, of whatever kind, and the sessions of whoever cannot log in
CREATE FUNCTION test.after(change text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	message jsonb;
BEGIN
	UPDATE jwt_auth.users SET disabled_at = NULL;
	UPDATE jwt_auth.identifiers SET verified_at = now();
	message := test.message('bob@example.org');
	EXECUTE change;
	RETURN concat_ws(' ', test.redeem(message ->> 'token', message ->> 'flow'), test.redeem(message ->> 'code', message ->> 'flow'));
END
$$;
SELECT count(*) AS sessions FROM jwt_auth.sessions \gset
SELECT is(test.after(format(change, :'bob')), 'invalid_grant invalid_grant', 'a token is void after ' || change) FROM unnest(ARRAY[
	'SELECT jwt_set_password(%L, ''a third horse battery'')', 'SELECT jwt_update_user(%L, ''bobby'')', 'SELECT jwt_disable_user(%L)',
	'UPDATE jwt_auth.users SET password_hash = NULL, disabled_at = NULL WHERE id = %L', 'UPDATE jwt_auth.identifiers SET verified_at = NULL WHERE user_id = %L']) AS change;
SELECT is(test.after(change), 'invalid_grant invalid_grant', 'a token is void after ' || change) FROM unnest(ARRAY[
	'UPDATE jwt_auth.one_time_tokens SET expires_at = now()', 'UPDATE jwt_auth.one_time_tokens SET failures = 5', 'UPDATE jwt_auth.one_time_tokens SET consumed_at = now()',
	'DELETE FROM jwt_auth.one_time_tokens', 'UPDATE jwt_auth.one_time_tokens SET credentials_version = 0', 'UPDATE jwt_auth.one_time_tokens SET purpose = ''recovery''']) AS change;
SELECT is((SELECT count(*) FROM jwt_auth.sessions), :'sessions', 'void tokens start no session');
SELECT test.message('alice.smith@example.org') AS m \gset
UPDATE jwt_auth.identifiers SET user_id = :'bob' WHERE canonical = 'alice.smith@example.org';
SELECT is(test.redeem(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a link to an address that now belongs to another user is denied');
UPDATE jwt_auth.identifiers SET user_id = :'alice' WHERE canonical = 'alice.smith@example.org';
SELECT test.message('bob@example.org') AS older, test.message('bob@example.org') AS newer \gset
SELECT is(test.redeem(:'older'::jsonb ->> 'token', :'older'::jsonb ->> 'flow'), 'ok', 'an older link still logs in'),
	   is(test.redeem(:'newer'::jsonb ->> 'token', :'newer'::jsonb ->> 'flow'), 'invalid_grant', 'a login by an older link voids the newer one');

-- Known and unknown alike; a username is refused alike
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens, jwt_auth.audit_log;
SELECT test.ask('bob@example.org') AS known, test.ask('who@example.org') AS unknown \gset
SELECT is(:'known'::jsonb - 'flow', :'unknown'::jsonb - 'flow', 'known and unknown addresses get the same answer'),
	   is(length(:'known'::jsonb ->> 'flow'), length(:'unknown'::jsonb ->> 'flow'), 'known and unknown addresses get flows of the same length');
SELECT is(array_agg(format('%s %s', user_id IS NULL, recipient) ORDER BY recipient), '{f bob@example.org,t who@example.org}', 'known and unknown addresses are stored as the same rows') FROM jwt_auth.one_time_tokens;
SELECT is(array_agg(concat_ws(' ', m ->> 'kind', m ->> 'recipient', m ? 'token', m ? 'code') ORDER BY m -> 'recipient'), '{login bob@example.org t t,no_account who@example.org f f}', 'a known and an unknown address get one message each') FROM test.claim() AS m;
SELECT is(array_agg(event), '{login_requested,login_requested}', 'requests for known and unknown addresses are audited alike') FROM jwt_auth.audit_log;
SELECT is(test.redeem('12345678', :'unknown'::jsonb ->> 'flow'), 'invalid_grant', 'a code for an unknown address is denied'),
	   is(test.redeem('12345678', :'known'::jsonb ->> 'flow'), 'invalid_grant', 'a wrong code for a known address is denied alike');
SELECT is(jwt_request_login(identifier) ->> 'error', 'invalid_request', 'not an address: ' || identifier) FROM unnest('{alice,ghost,nobody,"",@,a@,@b,+,"+0123456789","a@b@c","a b@example.org"}'::text[]) AS identifier;
UPDATE jwt_auth.identifiers SET verified_at = NULL WHERE user_id = :'bob';
SELECT test.ask('bob@example.org') AS unverified \gset
SELECT is(array_agg(m ->> 'kind'), '{no_account}', 'an unverified address gets no token') FROM test.claim() AS m WHERE m ->> 'recipient' = 'bob@example.org' AND NOT m ? 'token';
UPDATE jwt_auth.identifiers SET verified_at = now() WHERE user_id = :'bob';
SELECT jwt_disable_user(:'bob');
SELECT test.ask('bob@example.org') AS disabled \gset
SELECT is(array_agg(m ->> 'kind'), '{no_account}', 'a disabled user gets no token') FROM test.claim() AS m;
SELECT jwt_enable_user(:'bob');

-- Recovery and login have one count of messages, and the password none of it
SELECT jwt_set_password(:'bob', 'a third horse battery');
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens, jwt_auth.login_throttle;
SELECT is(jwt_request_recovery('alice.smith@example.org') ->> 'status', 'sent', 'a recovery is answered with "sent"'),
	   is(jwt_request_login('alice.smith@example.org') ->> 'status', 'sent', 'a login to the same address is answered with "sent"'),
	   is(jwt_request_login('bob@example.org') ->> 'status', 'sent', 'a login to another address is answered with "sent"');
SELECT is(array_agg(concat_ws(' ', kind, recipient) ORDER BY recipient), '{recovery Alice.Smith@example.org,login bob@example.org}', 'recovery and login share the limit of one message a minute') FROM jwt_auth.outbox;
CREATE FUNCTION test.flood() RETURNS SETOF text LANGUAGE sql VOLATILE AS
$$ UPDATE jwt_auth.login_throttle SET last_failure_at = last_failure_at - interval '61 s'; SELECT public.jwt_request_login('bob@example.org') ->> 'status' $$;
SELECT is(test.flood(), 'sent', 'a request to log in is answered with "sent": request ' || n) FROM generate_series(2, 8) AS n;
SELECT is(count(*), 5::bigint, 'five messages an hour are written for an address'),
	   is(count(*) FILTER (WHERE failed_at IS NULL), 5::bigint, 'the five messages of an hour wait to be sent') FROM jwt_auth.outbox WHERE recipient = 'bob@example.org';
SELECT is(count(*), 3::bigint, 'an address has at most three live tokens') FROM jwt_auth.one_time_tokens WHERE recipient = 'bob@example.org' AND consumed_at IS NULL;
SELECT is(test.error_of(test.login('bob@example.org', 'a third horse battery')), 'ok', 'requests to log in do not throttle the password');

-- Codes: five tries each, waits of the address, a hundred an account
SELECT test.message('bob@example.org') AS m \gset
CREATE FUNCTION test.guess(message jsonb, code text) RETURNS text LANGUAGE sql VOLATILE AS
$$ DELETE FROM jwt_auth.login_throttle; SELECT test.redeem(code, message ->> 'flow') $$;
SELECT is(test.guess(:'m', test.wrong(:'m'::jsonb ->> 'code')), 'invalid_grant', 'a wrong code is denied: attempt ' || n) FROM generate_series(1, 5) AS n;
SELECT is(test.guess(:'m', :'m'::jsonb ->> 'code'), 'invalid_grant', 'after five wrong codes, the right code is denied'),
	   is(test.redeem(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'after five wrong codes, the link is denied');
SELECT cmp_ok(code_failures, '>=', 5, 'denied codes are counted for the account') FROM jwt_auth.users WHERE id = :'bob';
SELECT test.message('bob@example.org') AS m \gset
SELECT is(test.redeem(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'ok', 'after five wrong codes, a new code logs in');
SELECT is(code_failures, 0, 'a login by code resets the count of wrong codes') FROM jwt_auth.users WHERE id = :'bob';
SELECT test.message('bob@example.org') AS m \gset
UPDATE jwt_auth.users SET code_failures = 99 WHERE id = :'bob';
SELECT is(test.guess(:'m', test.wrong(:'m'::jsonb ->> 'code')), 'invalid_grant', 'the hundredth wrong code in a row is denied'),
	   is(test.guess(:'m', :'m'::jsonb ->> 'code'), 'invalid_grant', 'after a hundred wrong codes, the right code is denied');
SELECT is(test.redeem(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'after a hundred wrong codes, a link still logs in');
SELECT is(code_failures, 0, 'a login by link resets the count of wrong codes') FROM jwt_auth.users WHERE id = :'bob';
SELECT test.message('bob@example.org') AS m \gset
DELETE FROM jwt_auth.login_throttle;
SELECT test.redeem(test.wrong(:'m'::jsonb ->> 'code'), :'m'::jsonb ->> 'flow') FROM generate_series(1, 5);
SELECT is(test.redeem(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'temporarily_unavailable', 'after five wrong codes, the address must wait'),
	   is(jwt_recover(:'m'::jsonb ->> 'code', 'another horse battery', :'m'::jsonb ->> 'flow') ->> 'error', 'invalid_grant', 'a code to log in is denied as a recovery while it waits'),
	   is(test.error_of(test.login('bob@example.org', 'a third horse battery')), 'ok', 'after five wrong codes, the password still logs in');

-- As many sessions as a user may have
SET jwt_auth.max_sessions_per_user = 1;
SELECT test.login('alice') AS first, test.message('alice.smith@example.org') AS m \gset
SELECT is(test.redeem(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'a link logs in beyond max_sessions_per_user'),
	   is(test.live_sessions('alice'), 1::bigint, 'a login by link ends surplus sessions'),
	   is(test.access(:'first'), '28J02', 'a login by link ends the oldest session');
RESET jwt_auth.max_sessions_per_user;

-- Nothing is looked at where nothing can be written
SELECT test.message('bob@example.org') AS m \gset
BEGIN READ ONLY;
SELECT test.raises(call, '25006', 'read-only: ' || left(call, 40)) FROM unnest(ARRAY[format('SELECT jwt_login_code(%L, %L)', :'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'SELECT jwt_login_code(''x'')',
	'SELECT jwt_login_code('''')', 'SELECT jwt_request_login(''bob@example.org'')', 'SELECT jwt_request_login(''x'')', format('SELECT jwt_create_link(%L, ''login'')', :'bob')]) AS call;
COMMIT;
SELECT is(test.redeem(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'a read-only attempt does not consume the link');

-- Without a signing key nobody can log in, whatever is shown; nothing is consumed
SELECT test.message('bob@example.org') AS m \gset
CREATE TEMP TABLE kept AS TABLE jwt_auth.keys;
DELETE FROM jwt_auth.keys WHERE use = 'sig';
SELECT test.raises(format('SELECT jwt_login_code(%L, %L)', :'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), '55000', 'without a signing key, a link raises an error'), test.raises('SELECT jwt_login_code(''x'')', '55000', 'without a signing key, a wrong link raises an error');
INSERT INTO jwt_auth.keys SELECT * FROM kept WHERE use = 'sig';
SELECT is(test.redeem(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'a link that failed without a signing key logs in later');

-- Nobody's to call until they are granted
CREATE ROLE regress_code_login;
SET ROLE regress_code_login;
SELECT throws_ok(call, '42501', NULL, 'without rights: ' || call) FROM unnest(ARRAY['SELECT jwt_request_login(''x@y.example'')', 'SELECT jwt_login_code(''x'')', 'SELECT jwt_create_link(NULL, ''login'')']) AS call;
RESET ROLE;
GRANT EXECUTE ON FUNCTION jwt_request_login, jwt_login_code TO regress_code_login;
SELECT test.message('bob@example.org') AS m \gset
SET ROLE regress_code_login;
SELECT ok(jwt_login_code(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow') ? 'access_token', 'a gateway logs users in with no other right');
RESET ROLE;
DROP OWNED BY regress_code_login;
DROP ROLE regress_code_login;
SELECT * FROM finish();
