-- Recovery of an account by a link or a code, once, and the outbox that a mailer
-- empties (T105, T106, T109, T112, T114, T115, T117, T119, T121, T123, T124, T125).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 261 assertions
SELECT no_plan();
-- Puts the clock forward for all addresses, and asks
CREATE FUNCTION test.ask(identifier text) RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ DELETE FROM jwt_auth.login_throttle; SELECT public.jwt_request_recovery(identifier) $$;
-- Asks, and claims the only message
CREATE FUNCTION test.message(identifier text) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	answer jsonb;
	message jsonb;
BEGIN
	PERFORM test.claim();
	answer := test.ask(identifier);
	SELECT answer || m INTO STRICT message FROM test.claim() AS m;
	RETURN message;
END
$$;
CREATE FUNCTION test.recover(token text, flow text DEFAULT NULL, password text DEFAULT 'another horse battery') RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT coalesce(answer ->> 'error', answer ->> 'status') FROM public.jwt_recover(token, password, flow) AS answer $$;

SELECT jwt_create_user('alice', test.password(), email => 'Alice.Smith@Example.ORG', phone => '+491701234567') AS alice,
	   jwt_create_user('bob', test.password(), email => 'bob@example.org') AS bob,
	   jwt_create_user('nobody', test.password()) AS nobody \gset

-- What is asked for, and what is written
SELECT jwt_request_recovery('ALICE.smith@example.org') AS answer \gset
SELECT is(:'answer'::jsonb ->> 'status', 'sent', 'a request for recovery is answered with "sent"'),
	   is(:'answer'::jsonb -> 'expires_in', '3600', 'a recovery is valid for an hour'),
	   matches(:'answer'::jsonb ->> 'flow', '^jaf_[A-Za-z0-9_-]{71}$', 'the answer to a request has a flow'),
	   is((SELECT count(*) FROM jsonb_object_keys(:'answer')), 3::bigint, 'the answer to a request has three members');
SELECT is(array_agg(format('%s %s %s %s', user_id, purpose, recipient, failures)), ARRAY[format('%s recovery Alice.Smith@example.org 0', :'alice')], 'a request stores a token with user, purpose and recipient') FROM jwt_auth.one_time_tokens;
SELECT is(array_agg(concat_ws(' ', kind, channel, recipient, sent_at, failed_at)), '{recovery email Alice.Smith@example.org}', 'a request queues a message to the address as stored') FROM jwt_auth.outbox;
SELECT test.claim() AS message \gset
SELECT is(:'message'::jsonb - 'id' - 'token' - 'code' - 'created_at' - 'expires_at', '{"kind":"recovery","channel":"email","recipient":"Alice.Smith@example.org"}', 'the mailer claims a message of kind, channel and recipient'),
	   matches(:'message'::jsonb ->> 'token', '^jat_[A-Za-z0-9_-]{94}$', 'a claimed message has a token and no URL'),
	   matches(:'message'::jsonb ->> 'code', '^[0-9]{8}$', 'a claimed message has a code of eight digits'),
	   is((:'message'::jsonb ->> 'expires_at')::timestamptz, (SELECT expires_at FROM jwt_auth.one_time_tokens), 'a claimed message expires with its token');
SELECT is_empty('SELECT test.claim()', 'a message is not claimed again during its lease');
UPDATE jwt_auth.outbox SET leased_until = now() - interval '1 s';
SELECT is(test.claim() - 'id', :'message'::jsonb - 'id', 'after its lease, a message is claimed with the same token and code');

UPDATE jwt_auth.outbox SET leased_until = now() - interval '1 s', data = '{"from":{"name":"Bob"},"list":[1]}';
SELECT is(test.claim() -> 'data', '{"from":{"name":"Bob"},"list":[1]}', 'a claimed message includes its data');

-- Redeemed once; everything else of the user ends
SELECT test.login('alice') AS session \gset
SELECT is(test.recover(:'message'::jsonb ->> 'token'), 'password_set', 'a link sets the password'),
	   is(test.recover(:'message'::jsonb ->> 'token'), 'invalid_grant', 'a link is redeemed once'),
	   is(test.recover(:'message'::jsonb ->> 'code', :'answer'::jsonb ->> 'flow'), 'invalid_grant', 'redeeming the link also spends the code');
SELECT is(test.error_of(test.login('alice')), 'invalid_grant', 'after a recovery, the old password is denied'),
	   is(test.error_of(test.login('alice', 'another horse battery')), 'ok', 'after a recovery, the new password logs in'),
	   is(test.access(:'session'), '28J02', 'a recovery ends the user''s sessions'),
	   is(test.revoke_reason(:'session'), 'account recovered', 'sessions that a recovery ends record the reason');
SELECT is(test.claim() - 'id' - 'created_at' - 'expires_at', '{"kind":"password_changed","channel":"email","recipient":"Alice.Smith@example.org"}', 'a recovery notifies the user of the new password');
SELECT ok('account_recovered' = ANY (array_agg(event)) AND 'recovery_requested' = ANY (array_agg(event)), 'the request and the recovery are audited') FROM jwt_auth.audit_log;

-- By code, with its flow only
SELECT test.message('alice.smith@example.org') AS m, test.message('bob@example.org') AS other \gset
SELECT is(test.recover(:'m'::jsonb ->> 'code'), 'invalid_grant', 'a code without a flow is denied'),
	   is(test.recover(:'m'::jsonb ->> 'code', :'other'::jsonb ->> 'flow'), 'invalid_grant', 'a code with the flow of another request is denied'),
	   is(test.recover(:'m'::jsonb ->> 'code', 'jaf_x'), 'invalid_grant', 'a code with a made-up flow is denied'),
	   is(test.recover(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'token'), 'invalid_grant', 'a code with a link as the flow is denied'),
	   is(test.recover(:'m'::jsonb ->> 'flow', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a flow is denied as a link'),
	   is(test.recover(:'m'::jsonb ->> 'token', :'other'::jsonb ->> 'flow'), 'invalid_grant', 'a link with the flow of another request is denied'),
	   is(test.recover(:'m'::jsonb ->> 'token', ''), 'invalid_grant', 'a link with an empty flow is denied'),
	   is(test.recover(:'m'::jsonb ->> 'token', NULL, 'short'), 'invalid_request', 'a link with a refused password is an invalid request'),
	   is(test.recover(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow', 'short'), 'invalid_request', 'a code with a refused password is an invalid request'),
	   is(test.recover('', NULL), 'invalid_request', 'an empty token is an invalid request'),
	   is(test.recover(:'m'::jsonb ->> 'token', NULL, ''), 'invalid_request', 'an empty password is an invalid request');
SELECT is(test.recover(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'password_set', 'refused attempts do not consume the code'),
	   is(test.recover(:'other'::jsonb ->> 'token', :'other'::jsonb ->> 'flow'), 'password_set', 'a link with its own flow sets the password');

-- What was made elsewhere, changed or cut
SELECT test.message('alice.smith@example.org') AS m \gset
SELECT is(test.recover('jat_' || test.base64url(set_byte(bytes, n, get_byte(bytes, n) # 1))), 'invalid_grant', 'a link in which byte ' || n || ' was changed is denied')
FROM test.from_base64url(substr(:'m'::jsonb ->> 'token', 5)) AS bytes, generate_series(0, 69) AS n;
SELECT is(test.recover(token), 'invalid_grant', 'not a recovery token: ' || what) FROM (VALUES ('cut', left(:'m'::jsonb ->> 'token', 90)), ('longer', (:'m'::jsonb ->> 'token') || 'A'),
	('prefix', 'jar_' || substr(:'m'::jsonb ->> 'token', 5)), ('a JWT', jwt_sign('{}')), ('digits', '1234567'), ('more digits', '123456789')) AS v (what, token);
SELECT is(count(*), 0::bigint, 'malformed tokens are not counted as failures') FROM jwt_auth.login_throttle WHERE failures > 1;
SELECT is(test.recover(:'m'::jsonb ->> 'token'), 'password_set', 'after malformed tokens, the right link still sets the password');

-- Known and unknown alike (but for what nobody sees)
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens;
SELECT test.ask('bob@example.org') AS known, test.ask('who@example.org') AS unknown \gset
SELECT is(:'known'::jsonb - 'flow', :'unknown'::jsonb - 'flow', 'known and unknown addresses get the same answer'),
	   is(length(:'known'::jsonb ->> 'flow'), length(:'unknown'::jsonb ->> 'flow'), 'known and unknown addresses get flows of the same length');
SELECT is(array_agg(format('%s %s', user_id IS NULL, recipient) ORDER BY recipient), '{f bob@example.org,t who@example.org}', 'known and unknown addresses are stored as the same rows') FROM jwt_auth.one_time_tokens;
SELECT is(jsonb_agg(m - 'id' - 'token' - 'code' - 'created_at' - 'expires_at' ORDER BY m -> 'recipient'),
	'[{"kind":"recovery","channel":"email","recipient":"bob@example.org"},{"kind":"no_account","channel":"email","recipient":"who@example.org"}]', 'a known and an unknown address get one message each'),
	is(count(m -> 'token'), 1::bigint, 'only the message to a known address carries a token') FROM test.claim() AS m;
SELECT is(test.recover('12345678', :'unknown'::jsonb ->> 'flow'), 'invalid_grant', 'a code for an unknown address is denied'),
	   is(test.recover('12345678', :'known'::jsonb ->> 'flow'), 'invalid_grant', 'a wrong code for a known address is denied alike');
SELECT is(array_agg(failures), '{1,1}', 'wrong codes are counted for known and unknown addresses') FROM jwt_auth.one_time_tokens;
SELECT is(test.ask(identifier) ->> 'error', 'invalid_request', 'not an address: ' || identifier) FROM unnest('{alice,x@@y,+1,"",@,x@}'::text[]) AS identifier;
SELECT jwt_disable_user(:'bob');
SELECT is(test.message('bob@example.org') ->> 'kind', 'no_account', 'a disabled user is told that there is no account');
SELECT jwt_enable_user(:'bob');
UPDATE jwt_auth.identifiers SET verified_at = NULL WHERE user_id = :'bob' AND kind = 'email';
SELECT is(test.message('bob@example.org') ->> 'kind', 'no_account', 'the owner of an unverified address is told that there is no account');
UPDATE jwt_auth.identifiers SET verified_at = now() WHERE user_id = :'bob';
SELECT is(test.message('+491701234567') - 'id' - 'token' - 'code' - 'created_at' - 'expires_at' - 'flow' - 'status' - 'expires_in',
	'{"kind":"recovery","channel":"phone","recipient":"+491701234567"}', 'a phone number can request a recovery');
-- A domain goes out as DNS has it, whatever a mailer would make of it
SELECT jwt_create_user(NULL, test.password(), email => U&'Info@fa\00DF.example') AS fass \gset
SELECT is(test.message(U&'INFO@fa\00DF.example') ->> 'recipient', 'Info@xn--fa-hia.example', 'the recipient''s domain is written as an A-label'),
	   is(test.message('info@fass.example') ->> 'recipient', 'info@fass.example', 'a domain that looks alike stays another recipient'),
	   is(test.message('info@fass.example') ->> 'kind', 'no_account', 'a domain that looks alike belongs to nobody');

-- What is typed names an address, and never where the message goes
SELECT is(m ->> 'recipient', recipient, 'a look-alike of an address sends to the address as stored: ' || to_json(typed)::text),
	   is(m ->> 'kind', kind, 'a look-alike of an address is of its owner: ' || to_json(typed)::text)
FROM (VALUES (U&'alice.\017Fmith@example.org', 'Alice.Smith@example.org', 'recovery'), (U&'\FF21lice.smith@example.org', 'Alice.Smith@example.org', 'recovery'), ('alice.smith@EXAMPLE.org ', 'Alice.Smith@example.org', 'recovery'),
	(U&'\212Aim@example.org', 'kim@example.org', 'no_account')) AS v (typed, recipient, kind), LATERAL (SELECT test.message(typed)) AS t (m);

-- Too many messages: the answer stays, nothing is sent
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens, jwt_auth.login_throttle;
SELECT jwt_request_recovery('bob@example.org') AS first, jwt_request_recovery('BOB@example.org') AS second \gset
SELECT is(:'second'::jsonb - 'flow', :'first'::jsonb - 'flow', 'a second request within a minute gets the same answer'),
	   isnt(:'second'::jsonb ->> 'flow', :'first'::jsonb ->> 'flow', 'a second request within a minute gets another flow'),
	   is(test.recover('12345678', :'second'::jsonb ->> 'flow'), 'invalid_grant', 'the flow of a request that sent nothing redeems nothing');
SELECT is(count(*), 1::bigint, 'a second request within a minute sends no message') FROM jwt_auth.outbox;
CREATE FUNCTION test.sent_after(age interval) RETURNS bigint LANGUAGE plpgsql AS
$$ BEGIN PERFORM test.age_failures(age); PERFORM public.jwt_request_recovery('bob@example.org'); RETURN (SELECT count(*) FROM jwt_auth.outbox); END $$;
SELECT is(test.sent_after('59 s'), 1::bigint, 'within a minute, no second message is sent'),
	   is(test.sent_after('2 s'), 2::bigint, 'after a minute, a second message is sent'),
	   is(test.sent_after('61 s'), 3::bigint, 'a third message is sent within the hour'),
	   is(test.sent_after('61 s'), 4::bigint, 'a fourth message is sent within the hour'),
	   is(test.sent_after('61 s'), 5::bigint, 'a fifth message is sent within the hour'),
	   is(test.sent_after('61 s'), 5::bigint, 'a sixth message is not sent within the hour'),
	   is(test.sent_after('58 min'), 5::bigint, 'just before the hour is over, no message is sent'),
	   is(test.sent_after('2 min'), 6::bigint, 'after an hour, a message is sent again');
SELECT is(count(*), 3::bigint, 'an address has at most three live tokens') FROM jwt_auth.one_time_tokens WHERE consumed_at IS NULL;
SELECT is(test.error_of(test.login('bob', 'another horse battery')), 'ok', 'requests for recovery do not throttle the password'),
	   is(test.ask('who@example.org') ->> 'status', 'sent', 'requests for one address do not throttle another');
SELECT is(count(*), 3::bigint, 'messages of tokens that were displaced are not sent') FROM test.claim() AS m WHERE m ->> 'kind' = 'recovery';
SELECT is(count(*), 3::bigint, 'messages of tokens that were displaced are given up') FROM jwt_auth.outbox WHERE failed_at IS NOT NULL AND error = 'expired, redeemed or void';

-- An older token stays good beside a newer one, until one is redeemed
SELECT test.message('bob@example.org') AS older, test.message('bob@example.org') AS newer \gset
SELECT is(test.recover(:'older'::jsonb ->> 'token'), 'password_set', 'an older token still sets the password'),
	   is(test.recover(:'newer'::jsonb ->> 'token'), 'invalid_grant', 'redeeming an older token voids the newer one');

-- What voids a token
CREATE FUNCTION test.after(change text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	message jsonb;
	again text;
BEGIN
	UPDATE jwt_auth.users SET disabled_at = NULL;
	UPDATE jwt_auth.identifiers SET verified_at = now();
	message := test.message('bob@example.org');
	EXECUTE change;
	UPDATE jwt_auth.outbox SET leased_until = now() WHERE id = (message ->> 'id')::uuid;
	SELECT concat(m -> 'token') INTO again FROM test.claim() AS m WHERE m ->> 'id' = message ->> 'id';
	RETURN concat_ws(' ', test.recover(message ->> 'token'), test.recover(message ->> 'code', message ->> 'flow'), again);
END
$$;
SELECT is(test.after(format(change, :'bob')), 'invalid_grant invalid_grant', 'a token is void, and its message not sent, after ' || change) FROM unnest(ARRAY[
	'SELECT jwt_disable_user(%1$L), jwt_enable_user(%1$L)', 'UPDATE jwt_auth.users SET disabled_at = now() WHERE id = %1$L; UPDATE jwt_auth.users SET disabled_at = NULL WHERE id = %1$L',
	'SELECT jwt_set_password(%L, ''a third horse battery'')', 'SELECT jwt_update_user(%L, ''bobby'')', 'SELECT jwt_update_user(%L, ''bob'')', 'SELECT jwt_disable_user(%L)',
	'UPDATE jwt_auth.users SET password_hash = NULL, disabled_at = NULL WHERE id = %L', 'UPDATE jwt_auth.identifiers SET verified_at = NULL WHERE user_id = %L']) AS change;
SELECT is(test.after(change), 'invalid_grant invalid_grant', 'a token is void, and its message not sent, after ' || change) FROM unnest(ARRAY[
	'UPDATE jwt_auth.one_time_tokens SET expires_at = now()', 'UPDATE jwt_auth.one_time_tokens SET failures = 5',
	'UPDATE jwt_auth.one_time_tokens SET consumed_at = now()', 'DELETE FROM jwt_auth.one_time_tokens', 'UPDATE jwt_auth.one_time_tokens SET credentials_version = 0',
	'UPDATE jwt_auth.keys SET revoked_at = now() WHERE use = ''handle''']) AS change;
SELECT test.message('bob@example.org') AS m \gset
SELECT cmp_ok(jwt_rotate_handle_key(), '>', 2, 'the handle key is rotated');
SELECT is(test.recover(:'m'::jsonb ->> 'token'), 'password_set', 'rotating the handle key voids no token');
SELECT test.message('alice.smith@example.org') AS m \gset
UPDATE jwt_auth.identifiers SET user_id = :'bob' WHERE canonical = 'alice.smith@example.org';
SELECT is(test.recover(:'m'::jsonb ->> 'token'), 'invalid_grant', 'a link to an address that now belongs to another user is denied');
UPDATE jwt_auth.identifiers SET user_id = :'alice' WHERE canonical = 'alice.smith@example.org';
SELECT test.message('bob@example.org') AS m \gset
UPDATE jwt_auth.one_time_tokens SET recipient = 'x@example.org';
SELECT is(test.recover(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a code is denied once its recipient was changed');

-- Codes: five tries each, whatever they are tried on
SELECT test.message('bob@example.org') AS m \gset
CREATE FUNCTION test.guess(message jsonb, code text) RETURNS text LANGUAGE sql VOLATILE AS
$$ DELETE FROM jwt_auth.login_throttle; SELECT test.recover(code, message ->> 'flow') $$;
SELECT is(test.guess(:'m', test.wrong(:'m'::jsonb ->> 'code')), 'invalid_grant', 'a wrong code is denied: attempt ' || n) FROM generate_series(1, 5) AS n;
SELECT is(test.guess(:'m', :'m'::jsonb ->> 'code'), 'invalid_grant', 'after five wrong codes, the right code is denied'),
	   is(test.recover(:'m'::jsonb ->> 'token'), 'invalid_grant', 'after five wrong codes, the link is denied');
SELECT is(code_failures, 7, 'denied codes are counted for the account') FROM jwt_auth.users WHERE id = :'bob';
SELECT test.message('bob@example.org') AS m \gset
UPDATE jwt_auth.users SET code_failures = 99 WHERE id = :'bob';
SELECT is(test.guess(:'m', test.wrong(:'m'::jsonb ->> 'code')), 'invalid_grant', 'the hundredth wrong code in a row is denied'),
	   is(test.guess(:'m', :'m'::jsonb ->> 'code'), 'invalid_grant', 'after a hundred wrong codes, the right code is denied');
SELECT is(test.message('bob@example.org') -> 'code', NULL, 'after a hundred wrong codes, messages have no code');
SELECT test.message('bob@example.org') AS m \gset
SELECT is(test.recover(:'m'::jsonb ->> 'token'), 'password_set', 'after a hundred wrong codes, a link still sets the password');
SELECT is(code_failures, 0, 'redeeming a link resets the count of wrong codes') FROM jwt_auth.users WHERE id = :'bob';
UPDATE jwt_auth.users SET code_failures = 100 WHERE id = :'bob';
SELECT jwt_unlock_user(:'bob');
SELECT is(code_failures, 0, 'unlocking a user resets the count of wrong codes') FROM jwt_auth.users WHERE id = :'bob';
-- The address has waits of its own, which a new code does not clear, nor a login
SELECT test.message('bob@example.org') AS m \gset
DELETE FROM jwt_auth.login_throttle;
SELECT test.recover(test.wrong(:'m'::jsonb ->> 'code'), :'m'::jsonb ->> 'flow') FROM generate_series(1, 5);
SELECT is(test.recover(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'temporarily_unavailable', 'after five wrong codes, the address must wait'),
	   is(test.error_of(test.login('bob', 'another horse battery')), 'ok', 'after five wrong codes, the password still logs in'),
	   is(test.recover(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'temporarily_unavailable', 'a login does not end the wait for codes');
SELECT jwt_unlock_user(:'bob');
SELECT is(test.recover(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'unlocking a user ends the wait for codes');

-- Links of support staff
SELECT jwt_create_link(:'nobody', 'recovery', '7 days') AS link \gset
SELECT is(test.recover(:'link'), 'password_set', 'a link from an admin sets the password'),
	   is(test.recover(:'link'), 'invalid_grant', 'a link from an admin is redeemed once'),
	   is(count(*), 1::bigint, 'creating a link is audited') FROM jwt_auth.audit_log WHERE event = 'link_created';
SELECT test.raises(format('SELECT jwt_create_link(%L, %L, %L)', id, purpose, age), '22023', 'jwt_create_link refuses: ' || what)
FROM (VALUES ('unknown user', gen_random_uuid(), 'recovery', NULL), ('purpose', :'nobody', 'sign_up', NULL), ('number', :'nobody', '1', NULL), ('no purpose', :'nobody', '', NULL), ('no time', :'nobody', 'recovery', '0'),
	('negative', :'nobody', 'recovery', '-1 h'), ('too long', :'nobody', 'recovery', '7 days 1 s')) AS v (what, id, purpose, age);

-- The mailer
TRUNCATE jwt_auth.outbox;
SELECT test.ask('bob@example.org'), test.ask('alice.smith@example.org'), test.ask('x@example.org');
SELECT is(jsonb_array_length(jwt_outbox_claim(2)), 2, 'a claim returns at most as many messages as asked for'),
	   is(jsonb_array_length(jwt_outbox_claim(2)), 1, 'the next claim returns the remaining messages'),
	   is(jwt_outbox_claim(2), '[]', 'a claim returns nothing when all messages are leased');
SELECT id AS one FROM jwt_auth.outbox ORDER BY created_at LIMIT 1 \gset
SELECT jwt_outbox_failed(:'one', 'greylisted', '5 min');
SELECT is_empty('SELECT test.claim()', 'a failed message is not claimed before its retry');
UPDATE jwt_auth.outbox SET leased_until = leased_until - interval '5 min';
SELECT is(count(*), 3::bigint, 'messages are claimed again at their retry or after their lease') FROM test.claim();
SELECT is(format('%s %s', attempts, error), '2 greylisted', 'attempts to send a message are counted') FROM jwt_auth.outbox WHERE id = :'one';
SELECT jwt_outbox_sent(:'one'), jwt_outbox_failed(:'one', 'too late'), jwt_outbox_failed(id, 'no such mailbox') FROM jwt_auth.outbox WHERE id <> :'one';
SELECT is(array_agg(format('%s %s %s', sent_at IS NULL, failed_at IS NULL, error) ORDER BY sent_at), '{f t greylisted,t f no such mailbox,t f no such mailbox}', 'messages are marked as sent or given up') FROM jwt_auth.outbox;
UPDATE jwt_auth.outbox SET leased_until = now() - interval '1 day';
SELECT is_empty('SELECT test.claim()', 'messages that were sent or given up are not claimed again');
SELECT test.raises(call, '22023', 'refused: ' || call) FROM unnest(ARRAY['SELECT jwt_outbox_claim(0)', 'SELECT jwt_outbox_claim(1001)', 'SELECT jwt_outbox_claim(NULL)', 'SELECT jwt_outbox_claim(1, ''0'')',
	'SELECT jwt_outbox_claim(1, NULL)', 'SELECT jwt_outbox_claim(1, ''25 h'')', 'SELECT jwt_outbox_sent(gen_random_uuid())', 'SELECT jwt_outbox_failed(gen_random_uuid(), ''x'')',
	format('SELECT jwt_outbox_failed(%L, ''x'', ''0'')', :'one'), format('SELECT jwt_outbox_failed(%L, ''x'', ''8 days'')', :'one'), format('SELECT jwt_outbox_failed(%L, repeat(''x'', 1025))', :'one')]) AS call;

-- However many have expired, a call ends soon and gets further
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens;
INSERT INTO jwt_auth.outbox (id, kind, channel, recipient, created_at, expires_at, leased_until)
SELECT gen_random_uuid(), 'no_account', 'email', n || '@x.example', now() - interval '2 h', now() - interval '1 h', now() - interval '2 h' FROM generate_series(1, 15000) AS n;
SELECT test.ask('bob@example.org'), test.ask('who@example.org');
SET statement_timeout = '10 s';
SELECT is(jwt_outbox_claim(1), '[]', 'a claim gives up expired messages before it returns any');
SELECT cmp_ok(count(*), '>=', 9000::bigint, 'a claim gives up thousands of expired messages'),
	   cmp_ok(count(*), '<', 15000::bigint, 'a claim does not give up all expired messages at once') FROM jwt_auth.outbox WHERE failed_at IS NOT NULL;
SELECT is(count(*), 1::bigint, 'the next claim returns a message that has not expired') FROM test.claim(1) AS m WHERE m ->> 'kind' = 'recovery';
RESET statement_timeout;
SELECT is(count(*), 15000::bigint, 'the next claim gives up the remaining expired messages') FROM jwt_auth.outbox WHERE failed_at IS NOT NULL;
SELECT is(array_agg(m ->> 'recipient'), '{who@example.org}', 'a claim leases no message that it does not return') FROM test.claim() AS m;
SELECT is(array_agg(attempts ORDER BY attempts), '{1,1}', 'a claim counts attempts only for messages that it returns') FROM jwt_auth.outbox WHERE failed_at IS NULL;
TRUNCATE jwt_auth.outbox;

-- A change of password is told, to addresses before phone numbers, and to nobody without either
SELECT jwt_set_password(:'alice', test.password()), jwt_set_password(:'nobody', test.password()), jwt_create_user(NULL, test.password(), phone => '+491701234569') AS phone \gset
SELECT jwt_set_password(:'phone', test.password());
SELECT is(array_agg(concat_ws(' ', kind, channel, recipient) ORDER BY created_at), '{password_changed email Alice.Smith@example.org,password_changed phone +491701234569}', 'a changed password is notified by e-mail, or else by phone') FROM jwt_auth.outbox WHERE sent_at IS NULL AND failed_at IS NULL;
SELECT set_config('jwt_auth.token', test.login('alice') ->> 'access_token', false) IS NOT NULL AS is_alice \gset
SELECT is(jwt_change_password(test.password(), 'another horse battery'), '{}', 'a user changes the password');
SELECT is(count(*), 3::bigint, 'a user who changes the password is notified') FROM jwt_auth.outbox WHERE kind = 'password_changed';
SELECT set_config('jwt_auth.token', '', false);

-- Nothing is looked at where nothing can be written
SELECT test.message('bob@example.org') AS m \gset
BEGIN READ ONLY;
SELECT test.raises(call, '25006', 'read-only: ' || left(call, 40)) FROM unnest(ARRAY[format('SELECT jwt_recover(%L, ''another horse battery'')', :'m'::jsonb ->> 'token'), 'SELECT jwt_recover(''x'', ''y'')',
	'SELECT jwt_request_recovery(''bob@example.org'')', 'SELECT jwt_outbox_claim()', format('SELECT jwt_create_link(%L, ''recovery'')', :'bob')]) AS call;
COMMIT;
SELECT is(test.recover(:'m'::jsonb ->> 'token'), 'password_set', 'a read-only attempt does not consume the token');

-- Nobody's to call until they are granted; the tables are nobody's
CREATE ROLE regress_recovery;
SET ROLE regress_recovery;
SELECT throws_ok(call, '42501', NULL, 'without rights: ' || call) FROM unnest(ARRAY['SELECT jwt_request_recovery(''x@y.example'')', 'SELECT jwt_recover(''x'', ''y'')', 'SELECT jwt_outbox_claim()',
	'SELECT jwt_outbox_sent(NULL)', 'SELECT jwt_outbox_failed(NULL, NULL)', 'SELECT jwt_create_link(NULL, ''recovery'')', 'SELECT jwt_rotate_handle_key()', 'TABLE jwt_auth.outbox', 'TABLE jwt_auth.one_time_tokens']) AS call;
RESET ROLE;
GRANT EXECUTE ON FUNCTION jwt_outbox_claim, jwt_outbox_sent TO regress_recovery;
SELECT test.ask('bob@example.org');
SET ROLE regress_recovery;
SELECT is(jsonb_array_length(jwt_outbox_claim()) > 0, true, 'a mailer claims messages with no other right');
SELECT throws_ok('TABLE jwt_auth.outbox', '42501', NULL, 'a mailer cannot read the outbox');
RESET ROLE;
DROP OWNED BY regress_recovery;
DROP ROLE regress_recovery;

-- What expired goes; a restored backup sends nothing again
SELECT test.ask('bob@example.org');
UPDATE jwt_auth.outbox SET expires_at = now() - interval '1 h' WHERE sent_at IS NOT NULL OR failed_at IS NOT NULL;
UPDATE jwt_auth.one_time_tokens SET expires_at = now() - interval '1 h' WHERE consumed_at IS NOT NULL;
SELECT jwt_purge() > 0 AS purged \gset
SELECT is(count(*), 0::bigint, 'expired messages are purged') FROM jwt_auth.outbox WHERE expires_at < now();
SELECT is(count(*), 0::bigint, 'expired tokens are purged') FROM jwt_auth.one_time_tokens WHERE expires_at < now();
SELECT test.message('bob@example.org') AS m \gset
SELECT test.ask('alice.smith@example.org');
SELECT jwt_reset_after_restore();
SELECT is(test.recover(:'m'::jsonb ->> 'token'), 'invalid_grant', 'after a reset, earlier tokens are void'),
	   is(jwt_outbox_claim(), '[]', 'after a reset, unsent messages are given up');
SELECT is(test.recover(test.message('bob@example.org') ->> 'token'), 'password_set', 'after a reset, new tokens set the password');
SELECT jwt_delete_user(:'bob');
SELECT is(count(*), 0::bigint, 'deleting a user deletes the user''s tokens') FROM jwt_auth.one_time_tokens WHERE user_id = :'bob';
-- Also if the row is deleted directly; a foreign key would look at known users' rows only, and pg_upgrade enables its triggers
SELECT jwt_create_link(:'alice', 'recovery') AS link \gset
SELECT is(count(*), 0::bigint, 'the table of tokens has no triggers') FROM pg_trigger WHERE tgrelid = 'jwt_auth.one_time_tokens'::regclass;
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE jwt_auth.users SET password_hash = NULL, disabled_at = now() WHERE id = :'alice';
DELETE FROM jwt_auth.users WHERE id = :'alice';
COMMIT;
SELECT is(count(*), 0::bigint, 'deleting the row of a user deletes the user''s tokens') FROM jwt_auth.one_time_tokens WHERE user_id = :'alice';
SELECT jwt_create_link(:'nobody', 'recovery'), test.ask('who@example.org');
TRUNCATE jwt_auth.users CASCADE;
SELECT is(array_agg(DISTINCT user_id), '{NULL}', 'truncating users deletes their tokens') FROM jwt_auth.one_time_tokens;
SELECT * FROM finish();
