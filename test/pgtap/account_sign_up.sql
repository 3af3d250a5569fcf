-- Sign-up: nobody is a user before the address is proven, known and unknown addresses
-- get the same answer, and a password that somebody else typed is never kept
-- (T100, T101, T102, T103, T105, T106, T107, T108, T109, T110, T111, T112, T114, T115).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 326 assertions
SELECT no_plan();
CREATE ROLE regress_sign_up_user;
SET jwt_auth.sign_up = on;
-- Puts the clock forward for all addresses, and signs up
CREATE FUNCTION test.ask(identifier text, password text DEFAULT test.password(), data jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ DELETE FROM jwt_auth.login_throttle; SELECT public.jwt_sign_up(identifier, password, data) $$;
-- The same, and claims the only message
CREATE FUNCTION test.message(identifier text, password text DEFAULT test.password(), data jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	answer jsonb;
	message jsonb;
BEGIN
	PERFORM test.claim();
	answer := test.ask(identifier, password, data);
	SELECT answer || m INTO STRICT message FROM test.claim() AS m;
	RETURN message;
END
$$;
CREATE FUNCTION test.confirm(token text, flow text DEFAULT NULL, password text DEFAULT NULL) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.error_of(public.jwt_confirm_sign_up(token, flow, password)) $$;
CREATE FUNCTION test.users() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) FROM jwt_auth.users $$;
CREATE FUNCTION test.pending(what text) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT data ->> what FROM jwt_auth.one_time_tokens WHERE purpose = 'sign_up' ORDER BY created_at DESC LIMIT 1 $$;

-- Off unless it is turned on
SET jwt_auth.sign_up = off;
SELECT test.raises(call, '55000', 'with sign-up off, the call is refused: ' || call) FROM unnest(ARRAY['SELECT jwt_sign_up(''a@b.example'')', 'SELECT jwt_confirm_sign_up(''x'')']) AS call;
RESET jwt_auth.sign_up;
SELECT test.raises('SELECT jwt_sign_up(''a@b.example'')', '55000', 'sign-up is off by default');
SET jwt_auth.sign_up = on;

-- What is asked for, and what is written: no user
SELECT jwt_sign_up('Alice.Smith@Example.ORG', test.password()) AS answer \gset
SELECT is(:'answer'::jsonb ->> 'status', 'sent', 'a sign-up is answered with "sent"'),
	   is(:'answer'::jsonb -> 'expires_in', '86400', 'a sign-up is valid for a day'),
	   matches(:'answer'::jsonb ->> 'flow', '^jaf_[A-Za-z0-9_-]{71}$', 'the answer to a sign-up has a flow'),
	   is((SELECT count(*) FROM jsonb_object_keys(:'answer')), 3::bigint, 'the answer to a sign-up has three members');
SELECT is(test.users(), 0::bigint, 'a sign-up creates no user'),
	   is(count(*), 0::bigint, 'a sign-up creates no identifier') FROM jwt_auth.identifiers;
SELECT is(array_agg(format('%s %s %s', user_id IS NULL, purpose, recipient)), '{t sign_up Alice.Smith@example.org}', 'a sign-up is stored as a token without a user') FROM jwt_auth.one_time_tokens;
SELECT matches(test.pending('password_hash'), '^\$argon2id\$', 'a pending sign-up stores a hash of the password'),
	   is(test.pending('identifier'), 'Alice.Smith@Example.ORG', 'a pending sign-up stores the address as given'),
	   is(test.error_of(test.login('alice.smith@example.org')), 'invalid_grant', 'a pending sign-up does not log in');
SELECT test.claim() AS message \gset
SELECT is(:'message'::jsonb - 'id' - 'token' - 'code' - 'created_at' - 'expires_at', '{"kind":"sign_up","channel":"email","recipient":"Alice.Smith@example.org"}', 'the mailer claims a message of a sign-up'),
	   matches(:'message'::jsonb ->> 'token', '^jat_[A-Za-z0-9_-]{94}$', 'the message of a sign-up has a token'),
	   matches(:'message'::jsonb ->> 'code', '^[0-9]{8}$', 'the message of a sign-up has a code');
SELECT is(count(*), 1::bigint, 'a sign-up is audited with a hash of the address') FROM jwt_auth.audit_log WHERE event = 'sign_up_requested' AND user_id IS NULL AND name_hash IS NOT NULL;

-- The code with its flow: a user with the password that was typed, and a session
SELECT jwt_confirm_sign_up(:'message'::jsonb ->> 'code', :'answer'::jsonb ->> 'flow') AS session \gset
SELECT is(test.error_of(:'session'), 'ok', 'a code with its flow starts a session'),
	   is(test.access(:'session'), NULL, 'the access token of a confirmed sign-up is valid'),
	   is(test.error_of(test.refresh(:'session')), 'ok', 'the session of a confirmed sign-up can be refreshed'),
	   is(test.error_of(test.login('alice.smith@example.org')), 'ok', 'the password of a confirmed sign-up logs in');
SELECT is(format('%s %s', c -> 'aal', c -> 'amr'), '1 ["otp"]', 'the session of a confirmed sign-up is of level 1 by otp') FROM test.claims_of(:'session') AS c;
SELECT is(array_agg(format('%s %s %s %s', kind, value, canonical = 'alice.smith@example.org', verified_at IS NOT NULL)), '{email Alice.Smith@Example.ORG t t}', 'a confirmed sign-up stores the address as verified') FROM jwt_auth.identifiers;
SELECT is(format('%s %s %s %s', username, role, claims, imported_hash), '  {} f', 'a user who signed up has no username, role or claims') FROM jwt_auth.users;
SELECT is(test.claims_of(:'session') ->> 'sub', id::text, 'the token of a confirmed sign-up names the new user') FROM jwt_auth.users;
SELECT is(count(*), 1::bigint, 'a confirmed sign-up is audited with user and session') FROM jwt_auth.audit_log WHERE event = 'signed_up' AND user_id = (SELECT id FROM jwt_auth.users) AND session_id = test.session_of(:'session');
SELECT is(data, NULL, 'a confirmed sign-up leaves no pending data') FROM jwt_auth.one_time_tokens;
SELECT is(test.confirm(:'message'::jsonb ->> 'code', :'answer'::jsonb ->> 'flow'), 'invalid_grant', 'a code confirms a sign-up once'),
	   is(test.confirm(:'message'::jsonb ->> 'token', NULL, 'another horse battery'), 'invalid_grant', 'confirming by code also spends the link');

-- The link with its flow; by phone; without a password
SELECT test.message('bob@example.org') AS m, test.message('+491701234567') AS phone, test.message('carol@example.org', NULL) AS carol \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'a link with its flow confirms'),
	   is(test.error_of(test.login('bob@example.org')), 'ok', 'a link with its flow keeps the password of the sign-up'),
	   is(:'phone'::jsonb - 'id' - 'token' - 'code' - 'created_at' - 'expires_at' - 'flow' - 'status' - 'expires_in', '{"kind":"sign_up","channel":"phone","recipient":"+491701234567"}', 'a phone number can sign up'),
	   is(test.confirm(:'phone'::jsonb ->> 'code', :'phone'::jsonb ->> 'flow'), 'ok', 'the code sent to a phone number confirms'),
	   is(test.error_of(test.login('+491701234567')), 'ok', 'a phone number that signed up logs in'),
	   is(test.confirm(:'carol'::jsonb ->> 'code', :'carol'::jsonb ->> 'flow'), 'ok', 'a sign-up without a password is confirmed');
SELECT is(password_hash, NULL, 'a user who signed up without a password has none') FROM jwt_auth.users WHERE id = jwt_find_user('carol@example.org');
SELECT test.message('dan@example.org', NULL) AS m, test.message('eve@example.org') AS other \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow', test.password()), 'ok', 'a code with a password confirms'),
	   is(test.error_of(test.login('dan@example.org')), 'ok', 'a password given with the code is set'),
	   is(test.confirm(:'other'::jsonb ->> 'code', :'other'::jsonb ->> 'flow', 'another horse battery'), 'ok', 'a code with another password confirms'),
	   is(test.error_of(test.login('eve@example.org', 'another horse battery')), 'ok', 'a password given at confirmation logs in'),
	   is(test.error_of(test.login('eve@example.org')), 'invalid_grant', 'a password given at confirmation replaces the one of the sign-up');

-- The link alone: the address is proven, the password that somebody typed is dropped, and the flow ends
SELECT test.message('victim@example.org', 'the password of an attacker') AS m, test.users() AS before \gset
SELECT jwt_confirm_sign_up(:'m'::jsonb ->> 'token') AS answer \gset
SELECT is(:'answer'::jsonb ->> 'error', 'password_required', 'a link without a flow asks for a password'),
	   is((SELECT count(*) FROM jsonb_object_keys(:'answer')), 2::bigint, 'the request for a password gives no tokens');
SELECT is(test.pending('password_hash'), NULL, 'a link without a flow drops the pending password'),
	   is(test.users(), :before::bigint, 'a link without a password creates no user'),
	   is(test.confirm(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a link without a flow ends the flow of the sign-up'),
	   is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'after a link without a flow, the code is denied'),
	   is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow', test.password()), 'invalid_grant', 'after a link without a flow, the code with a password is denied'),
	   is(test.confirm(:'m'::jsonb ->> 'token'), 'password_required', 'the link asks for a password again'),
	   is(test.confirm(:'m'::jsonb ->> 'token', NULL, 'short'), 'invalid_request', 'a link with a short password is an invalid request'),
	   is(test.confirm(:'m'::jsonb ->> 'token', NULL, ''), 'invalid_request', 'a link with an empty password is an invalid request'),
	   is(test.confirm(:'m'::jsonb ->> 'token', NULL, test.password()), 'ok', 'a link with a password creates the user'),
	   is(test.error_of(test.login('victim@example.org')), 'ok', 'the password given with the link logs in'),
	   is(test.error_of(test.login('victim@example.org', 'the password of an attacker')), 'invalid_grant', 'the password given at sign-up is denied after a link without flow'),
	   is(test.confirm(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'the flow of the sign-up gets no session from the link');
SELECT test.message('victim2@example.org', 'the password of an attacker') AS m \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'token', NULL, test.password()), 'ok', 'a link with a password but no flow confirms in one call'),
	   is(test.error_of(test.login('victim2@example.org', 'the password of an attacker')), 'invalid_grant', 'confirming in one call drops the password given at sign-up'),
	   is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'confirming in one call ends the flow of the sign-up');

-- Several pending sign-ups for one address: independent, and the first one proven ends the others
SELECT test.message('shared@example.org', 'the password of an attacker') AS attacker, test.message('SHARED@example.org') AS victim \gset
SELECT is(test.confirm(:'victim'::jsonb ->> 'code', :'attacker'::jsonb ->> 'flow'), 'invalid_grant', 'a code with the flow of another sign-up is denied'),
	   is(test.confirm(:'victim'::jsonb ->> 'token', :'attacker'::jsonb ->> 'flow'), 'invalid_grant', 'a link with the flow of another sign-up is denied'),
	   is(test.confirm(:'attacker'::jsonb ->> 'token'), 'password_required', 'of two sign-ups for an address, one link asks for a password'),
	   is(test.confirm(:'victim'::jsonb ->> 'code', :'victim'::jsonb ->> 'flow'), 'ok', 'of two sign-ups for an address, the other is confirmed'),
	   is(test.error_of(test.login('shared@example.org')), 'ok', 'the confirmed sign-up of two keeps its own password'),
	   is(test.confirm(:'attacker'::jsonb ->> 'token', NULL, 'another horse battery'), 'invalid_grant', 'a confirmed sign-up voids the link of another for the address'),
	   is(test.confirm(:'attacker'::jsonb ->> 'code', :'attacker'::jsonb ->> 'flow'), 'invalid_grant', 'a confirmed sign-up voids the code of another for the address');
SELECT is(count(*), 0::bigint, 'a confirmed sign-up leaves no pending hash for the address') FROM jwt_auth.one_time_tokens WHERE canonical = 'shared@example.org' AND data IS NOT NULL;

-- Known and unknown alike (but for what nobody sees)
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens;
SELECT jwt_create_user('zoe', test.password(), email => 'Zoe@Known.example') AS zoe \gset
SELECT test.ask('ZOE@known.example') AS known, test.ask('who@nobody.example') AS unknown \gset
SELECT is(:'known'::jsonb - 'flow', :'unknown'::jsonb - 'flow', 'known and unknown addresses get the same answer'),
	   is(length(:'known'::jsonb ->> 'flow'), length(:'unknown'::jsonb ->> 'flow'), 'known and unknown addresses get flows of the same length');
SELECT is(array_agg(format('%s %s %s', user_id IS NULL, recipient, length(data ->> 'password_hash')) ORDER BY recipient), ARRAY['t Zoe@known.example ' || length(test.pending('password_hash')), 't who@nobody.example ' || length(test.pending('password_hash'))], 'known and unknown addresses are stored alike, with the owner''s address as stored') FROM jwt_auth.one_time_tokens;
SELECT is(jsonb_agg(m - 'id' - 'token' - 'code' - 'created_at' - 'expires_at' ORDER BY m -> 'recipient'),
	'[{"kind":"account_exists","channel":"email","recipient":"Zoe@known.example"},{"kind":"sign_up","channel":"email","recipient":"who@nobody.example"}]', 'a known and an unknown address get one message each'),
	is(count(m -> 'token'), 1::bigint, 'only the message to an unknown address carries a token'),
	   is(count(m -> 'code'), 1::bigint, 'only the message to an unknown address carries a code') FROM test.claim() AS m;
SELECT is(test.confirm('12345678', :'unknown'::jsonb ->> 'flow'), 'invalid_grant', 'a wrong code for an unknown address is denied'),
	   is(test.confirm('12345678', :'known'::jsonb ->> 'flow'), 'invalid_grant', 'a wrong code for a known address is denied alike');
SELECT is(array_agg(failures), '{1,1}', 'wrong codes are counted for known and unknown addresses') FROM jwt_auth.one_time_tokens;
SELECT is(code_failures, 0, 'wrong codes of a sign-up do not count for the owner''s account') FROM jwt_auth.users WHERE id = :'zoe';
SELECT is(test.ask('zoe@known.example', 'short'), test.ask('who@nobody.example', 'short'), 'a refused password is answered alike for known and unknown addresses');
SELECT is(count(*), 2::bigint, 'a sign-up with a refused password sends nothing') FROM jwt_auth.outbox;
SELECT jwt_disable_user(:'zoe');
SELECT is(test.message('zoe@known.example') ->> 'kind', 'account_exists', 'the address of a disabled user counts as known');
UPDATE jwt_auth.identifiers SET verified_at = NULL WHERE canonical = 'zoe@known.example';
SELECT is(test.message('zoe@known.example') ->> 'kind', 'account_exists', 'an unverified address counts as known');

-- What is no address
SELECT is(test.ask(identifier) ->> 'error', 'invalid_request', 'not an address: ' || identifier) FROM unnest('{alice,x@@y,+1,"",@,x@,@x,+0123456789,"a b@c.example",123456789}'::text[]) AS identifier;
SELECT is(test.ask(address) ->> 'error_description', 'this e-mail address is not written plainly', 'an address that is normalized to another mailbox is refused: ' || to_json(address)::text)
FROM unnest(ARRAY[U&'\FB01le@example.org', U&'\212Aim@example.org', U&'\017Fam@example.org', U&'\00DCmit@example.org', U&'\FF58@example.org']) AS address;
SELECT is_empty('SELECT * FROM jwt_auth.one_time_tokens WHERE canonical IN (''kim@example.org'', ''sam@example.org'')', 'an address that is normalized to another mailbox claims no name');
SELECT is(test.message(U&'\00FCmit@example.org') ->> 'recipient', U&'\00FCmit@example.org', 'an address with a small letter that is not ASCII signs up');
SELECT is(test.ask('new@example.org', password) ->> 'error', 'invalid_request', 'a sign-up with a refused password is an invalid request: ' || password) FROM unnest('{"",short,passwordpassword,aaaaaaaaaaaaaaaa}'::text[]) AS password;
SELECT is(test.ask('new@example.org', 'new@example.org 1') -> 'reasons', '["too_weak"]', 'a password like the address is too weak');
INSERT INTO jwt_auth.blocked_passwords VALUES (decode('6acfe81eb44ed7e026a4cadc6dc1582933d847a4', 'hex'));
SELECT is(test.ask('new@example.org', 'a blocked horse battery') -> 'reasons', '["blocked"]', 'a blocked password is refused');
SELECT test.message('new@example.org') AS m \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'token', NULL, 'a blocked horse battery'), 'invalid_request', 'a blocked password is refused at confirmation'),
	   is(test.confirm(:'m'::jsonb ->> 'token', NULL, 'new@example.org 1'), 'invalid_request', 'a password like the address is refused at confirmation');
SELECT is(count(*), 0::bigint, 'no sign-up creates a username') FROM jwt_auth.users WHERE username IS NOT NULL AND username <> 'zoe';

-- The form in which an address is a user's is the one that others are compared with
SELECT is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'ok', 'a refused password does not consume the token');
SELECT test.raises('SELECT jwt_create_user(''x'', NULL, email => ''NEW@example.org'')', '23505', 'an address that signed up is taken'),
	   is(test.message('New@Example.org') ->> 'kind', 'account_exists', 'an address that signed up counts as known in every spelling');
SELECT test.message(U&'Info@fa\00DF.example') AS m \gset
SELECT is(:'m'::jsonb ->> 'recipient', 'Info@xn--fa-hia.example', 'the recipient''s domain is written as an A-label'),
	   is(test.confirm(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'a link to a domain with a sharp s confirms');
SELECT is(value, U&'Info@fa\00DF.example', 'the address of a user is stored as given') FROM jwt_auth.identifiers WHERE user_id = jwt_find_user(U&'INFO@fa\00DF.example');

-- Data reaches the function of the operator, and nothing else
SELECT test.message('data@example.org', data => '{"role":"regress_sign_up_user","claims":{"admin":true},"email_verified":true,"user_id":"x","sub":"x","tenant":"t"}') AS m \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'ok', 'a sign-up with data is confirmed');
SELECT is(format('%s %s', role, claims), ' {}', 'data of a sign-up sets no role and no claims') FROM jwt_auth.users WHERE id = jwt_find_user('data@example.org');
SELECT is(count(*), 0::bigint, 'data of a sign-up is not stored') FROM jwt_auth.one_time_tokens AS t WHERE t::text ~ 'tenant';
SET jwt_auth.sign_up_role = 'regress_sign_up_user';
SELECT test.message('role@example.org', data => '{"role":"postgres"}') AS m \gset
SELECT jwt_confirm_sign_up(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow') AS session \gset
SELECT is(test.claims_of(:'session') ->> 'role', 'regress_sign_up_user', 'a user who signs up gets the role of the setting');
CREATE ROLE regress_sign_up_super SUPERUSER;
CREATE ROLE regress_sign_up_bypass BYPASSRLS;
CREATE FUNCTION pg_temp.with_setting(name text, value text, call text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	answer jsonb;
BEGIN
	PERFORM set_config('jwt_auth.' || name, value, true);
	EXECUTE 'SELECT ' || call INTO answer;
	RETURN coalesce(answer ->> 'error', answer ->> 'status', test.error_of(answer));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.with_setting('sign_up_role', role, 'test.ask(''r@example.org'')'), '55000', 'a sign-up is refused while sign_up_role is unusable: ' || role) FROM unnest(ARRAY['regress_nobody', 'regress_sign_up_super', 'regress_sign_up_bypass', repeat('x', 100)]) AS role;
SELECT is(pg_temp.with_setting('sign_up_role', '', 'test.ask(''r@example.org'')'), 'sent', 'a sign-up is answered without a sign_up_role');
SELECT test.message('late@example.org') AS m \gset
ALTER ROLE regress_sign_up_user BYPASSRLS;
SELECT test.raises(format('SELECT jwt_confirm_sign_up(%L, %L)', :'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), '22023', 'a confirmation is refused if the role has gained BYPASSRLS');
ALTER ROLE regress_sign_up_user NOBYPASSRLS;
SELECT is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'ok', 'a confirmation refused for its role does not consume the token');
SELECT test.raises(format('SELECT jwt_sign_up(''d@example.org'', NULL, %L)', data), '22023', 'unusable data is refused: ' || left(data, 20)) FROM unnest(ARRAY['null', '[]', '"x"', '1', 'true', jsonb_build_object('a', repeat('x', 9000))::text]) AS data;
SELECT test.raises('SELECT jwt_sign_up(''d@example.org'', NULL, NULL)', '22023', 'data of NULL is refused');
SELECT is(test.ask('d@example.org', NULL, jsonb_build_object('a', repeat('x', 8000))) ->> 'status', 'sent', 'eight kilobytes of data are accepted');

-- The operator's function: what it is asked, and what it may answer
CREATE SCHEMA hooks;
CREATE TABLE hooks.asked (kind text, identifier text, data jsonb, who name, path text);
CREATE FUNCTION hooks.sign_up(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE plpgsql AS
$$
BEGIN
	INSERT INTO hooks.asked VALUES (kind, identifier, data, current_user, current_setting('search_path'));
	RETURN data -> 'answer';
END
$$;
REVOKE ALL ON FUNCTION hooks.sign_up FROM PUBLIC;
REVOKE ALL ON SCHEMA hooks FROM PUBLIC;
CREATE ROLE regress_sign_up_gateway;
GRANT EXECUTE ON FUNCTION jwt_sign_up, jwt_confirm_sign_up TO regress_sign_up_gateway;
SET jwt_auth.sign_up_function = 'hooks.sign_up';
DELETE FROM jwt_auth.login_throttle;
SET ROLE regress_sign_up_gateway;
SELECT jwt_sign_up('Who@EXAMPLE.org', NULL, '{"answer":{}}') AS one, jwt_sign_up('+491701234568', NULL, '{"answer":{"role":null,"claims":{}}}') AS two \gset
RESET ROLE;
SELECT is(array_agg(format('%s %s %s %s', kind, identifier, who = 'postgres' OR who = current_user, path)), '{"email Who@example.org t pg_catalog, pg_temp","phone +491701234568 t pg_catalog, pg_temp"}', 'the sign-up function gets kind and address, and runs as its owner') FROM hooks.asked;
SELECT is(:'one'::jsonb ->> 'status', 'sent', 'an empty answer of the sign-up function accepts'),
	   is(:'two'::jsonb ->> 'status', 'sent', 'an answer with an empty role and claims accepts'),
	   is(test.pending('role'), NULL, 'a role of null in the answer stores no role');
SELECT is(array_agg(data ->> 'role'), '{regress_sign_up_user}', 'an answer without a role takes the role of the setting') FROM jwt_auth.one_time_tokens WHERE recipient = 'Who@example.org';
CREATE FUNCTION test.answered(answer jsonb) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT pg_temp.with_setting('password_min_bits', '30', format('test.ask(''w@example.org'', NULL, %L)', jsonb_build_object('answer', answer))) $$;
SELECT is(test.answered(answer::jsonb), state, 'the sign-up function answers ' || coalesce(left(answer, 60), 'NULL'))
FROM (VALUES ('{"role":"regress_sign_up_user"}', 'sent'), ('{"claims":{"tenant":"t"}}', 'sent'), ('{"role":"regress_sign_up_user","claims":{}}', 'sent'), ('{"error":"no"}', 'invalid_request'), ('{"error":"no","role":"postgres"}', 'invalid_request'),
	('null', '38000'), ('[]', '38000'), ('"x"', '38000'), ('1', '38000'), (NULL, '38000'), ('{"error":null}', '38000'), ('{"error":1}', '38000'), ('{"role":1}', '38000'), ('{"role":["x"]}', '38000'),
	('{"role":"regress_nobody"}', '38000'), ('{"role":"regress_sign_up_super"}', '38000'), ('{"role":"regress_sign_up_bypass"}', '38000'), ('{"role":""}', '38000'), ('{"claims":null}', '38000'), ('{"claims":[]}', '38000'), ('{"claims":"x"}', '38000'),
	('{"claims":{"sub":"x"}}', '38000'), ('{"claims":{"role":"x"}}', '38000'), ('{"claims":{"aal":2}}', '38000'), ('{"claims":{"amr":["x"]}}', '38000'), ('{"claims":{"n":1e5000}}', '38000'), ('{"claims":{"n":1e4000}}', 'sent'), ('{"roles":["x"]}', '38000'), ('{"Role":"x"}', '38000')) AS v (answer, state);
DELETE FROM jwt_auth.login_throttle;
SELECT is(octet_length(jwt_sign_up('w@example.org', NULL, jsonb_build_object('answer', jsonb_build_object('error', repeat(reason, 1500)))) ->> 'error_description'), bytes, 'a long reason of the sign-up function is cut: ' || reason)
FROM (VALUES ('x', 500), (U&'\20AC', 498)) AS v (reason, bytes);
SELECT is(jwt_sign_up('w@example.org', NULL, '{"answer":{"error":"only for employees"}}'), '{"error":"invalid_request","error_description":"only for employees"}', 'a refusal by the sign-up function gives its reason');
SELECT test.message('claims@example.org', data => '{"answer":{"role":"regress_sign_up_user","claims":{"tenant":"t1"}}}') AS m \gset
SELECT jwt_confirm_sign_up(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow') AS session \gset
SELECT is(test.claims_of(:'session') - '{iat,exp,jti,sid,sub,aal,acr,amr,auth_time}'::text[], '{"role":"regress_sign_up_user","tenant":"t1"}', 'a confirmed user has the role and claims that the function answered');
TRUNCATE hooks.asked;
SELECT is(test.ask('claims@example.org', 'short') ->> 'error', 'invalid_request', 'a sign-up with a refused password is an invalid request');
SELECT is(count(*), 0::bigint, 'a refused password does not call the sign-up function') FROM hooks.asked;
SELECT test.ask('claims@example.org', data => '{"answer":{}}'), test.ask('nobody@example.org', data => '{"answer":{}}');
SELECT is(count(*), 2::bigint, 'known and unknown addresses call the sign-up function') FROM hooks.asked;
-- Names, signatures and owners
CREATE FUNCTION hooks.two(kind text, identifier text) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION hooks.four(kind text, identifier text, data jsonb, more integer DEFAULT 0) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION hooks.other(kind text, data jsonb, identifier text) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION hooks.result(kind text, identifier text, data jsonb) RETURNS text LANGUAGE sql AS $$ SELECT '{}'::text $$;
CREATE FUNCTION hooks.rows(kind text, identifier text, data jsonb) RETURNS SETOF jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION hooks.strict(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE sql STRICT AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION hooks.fails(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE 'no %', data; END $$;
CREATE FUNCTION hooks.large(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('claims', jsonb_build_object('a', repeat('x', 9000))) $$;
CREATE FUNCTION hooks.escapes(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN SET ROLE regress_sign_up_gateway; RETURN '{}'; END $$;
CREATE FUNCTION hooks.theirs(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
ALTER FUNCTION hooks.theirs OWNER TO regress_sign_up_gateway;
SELECT is(pg_temp.with_setting('sign_up_function', hook, 'test.ask(''h@example.org'')'), state, 'sign-up function: ' || hook)
FROM (VALUES ('hooks.strict', 'sent'), ('', 'sent'), ('hooks.nothing', '55000'), ('nowhere.x', '55000'), ('hooks.two', '55000'), ('hooks.four', '55000'), ('hooks.other', '55000'), ('hooks.result', '55000'), ('hooks.rows', '55000'),
	('hooks.fails', '38000'), ('hooks.escapes', '38000'), ('hooks.large', '38000'), ('hooks.theirs', '55000'), ('unqualified', '22023'), ('a.b.c', '22023')) AS v (hook, state);
SELECT is(test.users(), (SELECT count(DISTINCT user_id) FROM jwt_auth.identifiers), 'every user has an identifier whatever the function did');
RESET jwt_auth.sign_up_function;
RESET jwt_auth.sign_up_role;

-- What was made elsewhere, changed or cut, or for another purpose
SELECT test.message('forged@example.org') AS m \gset
SELECT is(test.confirm('jat_' || test.base64url(set_byte(bytes, n, get_byte(bytes, n) # 1)), NULL, test.password()), 'invalid_grant', 'a link in which byte ' || n || ' was changed is denied')
FROM test.from_base64url(substr(:'m'::jsonb ->> 'token', 5)) AS bytes, generate_series(0, 69) AS n;
DELETE FROM jwt_auth.login_throttle;
SELECT jwt_request_recovery('claims@example.org') AS recovery \gset
SELECT m AS recovery_message FROM test.claim() AS m WHERE m ->> 'kind' = 'recovery' \gset
SELECT jwt_invite('invited@example.org');
SELECT m ->> 'token' AS invitation FROM test.claim() AS m \gset
SELECT is(test.confirm(token, flow, password), 'invalid_grant', 'jwt_confirm_sign_up denies: ' || what) FROM (VALUES ('a code without flow', :'m'::jsonb ->> 'code', NULL, test.password()), ('a flow as link', :'m'::jsonb ->> 'flow', :'m'::jsonb ->> 'flow', NULL),
	('made-up flow', :'m'::jsonb ->> 'code', 'jaf_x', NULL), ('empty flow', :'m'::jsonb ->> 'token', '', NULL), ('a link as flow', :'m'::jsonb ->> 'token', :'m'::jsonb ->> 'token', NULL), ('cut', left(:'m'::jsonb ->> 'token', 90), NULL, test.password()),
	('a link of recovery', :'recovery_message'::jsonb ->> 'token', NULL, test.password()), ('a code of recovery', :'recovery_message'::jsonb ->> 'code', :'recovery'::jsonb ->> 'flow', test.password()), ('an invitation', :'invitation', NULL, test.password()),
	('a JWT', jwt_sign('{}'), NULL, test.password()), ('digits', '1234567', NULL, NULL)) AS v (what, token, flow, password);
SELECT is(jwt_recover(:'m'::jsonb ->> 'token', 'another horse battery') ->> 'error', 'invalid_grant', 'jwt_recover denies the link of a sign-up'),
	   is(jwt_recover(:'m'::jsonb ->> 'code', 'another horse battery', :'m'::jsonb ->> 'flow') ->> 'error', 'invalid_grant', 'jwt_recover denies the code of a sign-up'),
	   is(jwt_accept_invitation(:'m'::jsonb ->> 'token') ->> 'error', 'invalid_grant', 'jwt_accept_invitation denies the link of a sign-up'),
	   is(test.confirm(''), 'invalid_request', 'an empty token is an invalid request');
SELECT is(test.confirm(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'denied attempts do not consume the sign-up');
SELECT is(test.confirm(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'a link confirms a sign-up once');

-- What voids one
CREATE FUNCTION test.after(change text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	message jsonb := test.message('after@example.org');
	again text;
BEGIN
	EXECUTE change;
	UPDATE jwt_auth.outbox SET leased_until = now() WHERE id = (message ->> 'id')::uuid;
	SELECT concat(m -> 'token') INTO again FROM test.claim() AS m WHERE m ->> 'id' = message ->> 'id';
	RETURN concat_ws(' ', test.confirm(message ->> 'token', message ->> 'flow'), test.confirm(message ->> 'code', message ->> 'flow'), test.confirm(message ->> 'token', NULL, test.password()), again);
END
$$;
SELECT is(test.after(change), 'invalid_grant invalid_grant invalid_grant', 'a sign-up is void, and its message not sent, after ' || change) FROM unnest(ARRAY[
	'UPDATE jwt_auth.one_time_tokens SET expires_at = now()', 'UPDATE jwt_auth.one_time_tokens SET failures = 5', 'UPDATE jwt_auth.one_time_tokens SET consumed_at = now()', 'DELETE FROM jwt_auth.one_time_tokens',
	'UPDATE jwt_auth.keys SET revoked_at = now() WHERE use = ''handle''', 'SELECT jwt_create_user(NULL, NULL, email => ''AFTER@example.org'')']) AS change;

-- Codes: five tries each, and the waits of the address; links never wait
SELECT test.message('codes@example.org') AS m \gset
CREATE FUNCTION test.guess(message jsonb, code text) RETURNS text LANGUAGE sql VOLATILE AS
$$ DELETE FROM jwt_auth.login_throttle; SELECT test.confirm(code, message ->> 'flow') $$;
SELECT is(test.guess(:'m', test.wrong(:'m'::jsonb ->> 'code')), 'invalid_grant', 'a wrong code is denied: attempt ' || n) FROM generate_series(1, 5) AS n;
SELECT is(test.guess(:'m', :'m'::jsonb ->> 'code'), 'invalid_grant', 'after five wrong codes, the right code is denied'),
	   is(test.confirm(:'m'::jsonb ->> 'token', NULL, test.password()), 'invalid_grant', 'after five wrong codes, the link is denied');
SELECT test.message('codes@example.org') AS m \gset
DELETE FROM jwt_auth.login_throttle;
SELECT test.confirm(test.wrong(:'m'::jsonb ->> 'code'), :'m'::jsonb ->> 'flow') FROM generate_series(1, 4);
SELECT test.ask('codes@example.org') AS m2 \gset
DELETE FROM jwt_auth.login_throttle;
SELECT test.confirm('00000000', :'m2'::jsonb ->> 'flow') FROM generate_series(1, 5);
SELECT is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'temporarily_unavailable', 'five wrong codes on several sign-ups make the address wait'),
	   is(test.confirm(:'m'::jsonb ->> 'token', :'m'::jsonb ->> 'flow'), 'ok', 'while codes of an address wait, the link confirms');
SELECT ok(count(*) > 0, 'wrong codes are audited') FROM jwt_auth.audit_log WHERE event = 'code_denied' AND user_id IS NULL;

-- Too many messages: the answer stays, nothing is sent
TRUNCATE jwt_auth.outbox, jwt_auth.one_time_tokens, jwt_auth.login_throttle;
SELECT jwt_sign_up('often@example.org', test.password()) AS first, jwt_sign_up('OFTEN@example.org', test.password()) AS second \gset
SELECT is(:'second'::jsonb - 'flow', :'first'::jsonb - 'flow', 'a second sign-up within a minute gets the same answer'),
	   isnt(:'second'::jsonb ->> 'flow', :'first'::jsonb ->> 'flow', 'a second sign-up within a minute gets another flow'),
	   is(test.confirm('12345678', :'second'::jsonb ->> 'flow'), 'invalid_grant', 'the flow of a sign-up that sent nothing confirms nothing');
CREATE FUNCTION test.sent_after(age interval) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM test.age_failures(age); PERFORM public.jwt_sign_up('often@example.org', test.password()); RETURN (SELECT count(*) FROM jwt_auth.outbox) || ' ' || (SELECT count(*) FROM jwt_auth.one_time_tokens); END $$;
SELECT is(test.sent_after('59 s'), '1 1', 'within a minute, no second message is sent'),
	   is(test.sent_after('2 s'), '2 2', 'after a minute, a second message is sent'),
	   is(test.sent_after('61 s'), '3 3', 'a third message is sent within the hour'),
	   is(test.sent_after('61 s'), '4 4', 'a fourth message is sent within the hour'),
	   is(test.sent_after('61 s'), '5 5', 'a fifth message is sent within the hour'),
	   is(test.sent_after('61 s'), '5 5', 'a sixth message is not sent within the hour'),
	   is(test.sent_after('58 min'), '5 5', 'just before the hour is over, no message is sent'),
	   is(test.sent_after('2 min'), '6 6', 'after an hour, a message is sent again');
SELECT is(count(*), 3::bigint, 'an address has at most three live sign-ups') FROM jwt_auth.one_time_tokens WHERE consumed_at IS NULL;
SELECT is(count(*), 3::bigint, 'sign-ups that were displaced keep no hash') FROM jwt_auth.one_time_tokens WHERE data IS NULL;
SELECT is(test.ask('other@example.org') ->> 'status', 'sent', 'sign-ups of one address do not throttle another');
SELECT test.ask('claims@example.org');
DELETE FROM jwt_auth.login_throttle;
SELECT jwt_request_recovery('claims@example.org');
SELECT test.ask('claims@example.org') FROM generate_series(1, 6);
SELECT test.age_failures('2 min');
SELECT jwt_request_recovery('claims@example.org');
SELECT is(count(*), 2::bigint, 'sign-ups of an address by strangers keep its owner from no recovery') FROM jwt_auth.one_time_tokens WHERE purpose = 'recovery' AND consumed_at IS NULL;
DELETE FROM jwt_auth.one_time_tokens WHERE id = (SELECT max(id::text)::uuid FROM jwt_auth.one_time_tokens WHERE purpose = 'recovery');
SELECT is(count(*), 1::bigint, 'sign-ups void no recovery') FROM jwt_auth.one_time_tokens WHERE purpose = 'recovery' AND consumed_at IS NULL;

-- Nothing is looked at where nothing can be written
SELECT test.message('scanned@example.org') AS m \gset
BEGIN READ ONLY;
SELECT test.raises(call, '25006', 'read-only: ' || left(call, 40)) FROM unnest(ARRAY['SELECT jwt_sign_up(''x@example.org'')', 'SELECT jwt_sign_up(''x'')', 'SELECT jwt_confirm_sign_up(''x'')', format('SELECT jwt_confirm_sign_up(%L)', :'m'::jsonb ->> 'token')]) AS call;
COMMIT;
SELECT isnt(test.pending('password_hash'), NULL, 'a read-only attempt does not drop the pending password'),
	   is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'ok', 'a read-only attempt does not consume the token');

-- Nobody's to call until they are granted, and the hash is in no view
CREATE ROLE regress_sign_up;
SET ROLE regress_sign_up;
SELECT throws_ok(call, '42501', NULL, 'without rights: ' || call) FROM unnest(ARRAY['SELECT jwt_sign_up(''x@y.example'')', 'SELECT jwt_confirm_sign_up(''x'')', 'SELECT jwt_invite(''x@y.example'')', 'SELECT jwt_accept_invitation(''x'')', 'SELECT jwt_revoke_invitation(NULL)', 'TABLE jwt_auth.one_time_tokens']) AS call;
RESET ROLE;
SELECT test.message('viewed@example.org') AS m \gset
CREATE FUNCTION test.viewed() RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	seen text := '';
	part text;
	view regclass;
BEGIN
	FOR view IN SELECT c.oid FROM pg_class AS c JOIN pg_depend AS d ON d.objid = c.oid AND d.deptype = 'e' WHERE c.relkind = 'v' LOOP
		EXECUTE format('SELECT string_agg(v::text, '''') FROM %s AS v', view) INTO part;
		seen := concat(seen, part);
	END LOOP;
	RETURN seen;
END
$$;
SELECT is(position(test.pending('password_hash') IN test.viewed()), 0, 'no view shows a pending hash');
SET ROLE regress_sign_up_gateway;
SELECT throws_ok('TABLE jwt_auth.one_time_tokens', '42501', NULL, 'a gateway cannot read tokens'),
	   is(test.error_of(jwt_confirm_sign_up(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow')), 'ok', 'a gateway confirms a sign-up with no other right');
RESET ROLE;

-- What expired goes; a restored backup confirms nothing
SELECT test.ask('purged@example.org');
UPDATE jwt_auth.one_time_tokens SET expires_at = now() - interval '1 h';
UPDATE jwt_auth.outbox SET expires_at = now() - interval '1 h';
SELECT jwt_purge() > 0 AS purged \gset
SELECT is(count(*), 0::bigint, 'expired sign-ups are purged with their hashes') FROM jwt_auth.one_time_tokens;
SELECT is(count(*), 0::bigint, 'messages of expired sign-ups are purged') FROM jwt_auth.outbox;
SELECT test.message('restored@example.org') AS m \gset
SELECT jwt_reset_after_restore();
SELECT is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'invalid_grant', 'after a reset, the code of an earlier sign-up is denied'),
	   is(test.confirm(:'m'::jsonb ->> 'token', NULL, test.password()), 'invalid_grant', 'after a reset, the link of an earlier sign-up is denied');
SELECT test.message('restored@example.org') AS m \gset
SELECT is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'ok', 'after a reset, a new sign-up is confirmed');
SELECT jwt_delete_user(jwt_find_user('restored@example.org'));
SELECT test.message('restored@example.org') AS m \gset
SELECT is(:'m'::jsonb ->> 'kind', 'sign_up', 'a deleted user''s address can sign up again'),
	   is(test.confirm(:'m'::jsonb ->> 'code', :'m'::jsonb ->> 'flow'), 'ok', 'a sign-up of a deleted user''s address is confirmed');

DROP OWNED BY regress_sign_up_gateway, regress_sign_up_user, regress_sign_up;
DROP ROLE regress_sign_up_gateway, regress_sign_up_user, regress_sign_up, regress_sign_up_super, regress_sign_up_bypass;
SELECT * FROM finish();
