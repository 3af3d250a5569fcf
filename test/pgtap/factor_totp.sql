-- Authenticators (T128, T133, T134, T140, T141, T142): who may enroll and remove them, and how
-- surely that must be proven; codes count once, wrong ones for the user. What was
-- not confirmed guards nothing.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
-- At least 103 assertions
SELECT no_plan();
SET jwt_auth.issuer = 'https://auth.example/app';
SELECT test.create_user('alice') AS alice, jwt_create_user('bob', test.password(), email => 'bob@mail.example') AS bob, test.create_user('carol') AS carol \gset
SELECT test.login('alice') AS alice_login, test.login('bob') AS bob_login, test.login('carol') AS carol_login \gset
CREATE FUNCTION test.version(name text) RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT credentials_version FROM jwt_auth.users WHERE id = test.user_id(name) $$;
-- The status or the error of an answer, or the SQLSTATE
CREATE FUNCTION test.answer(call text) RETURNS text LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	answer jsonb;
BEGIN
	EXECUTE 'SELECT ' || call INTO answer;
	RETURN coalesce(answer ->> 'error', answer ->> 'status', CASE WHEN answer ? 'secret' THEN 'secret' END, answer::text);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;

-- Nobody
SELECT is(test.answer(call), '28J03', 'without an identity: ' || call)
FROM unnest(ARRAY['jwt_enroll_totp()', 'jwt_confirm_totp(gen_random_uuid(), ''123456'')', 'jwt_factors()', 'jwt_remove_factor(gen_random_uuid())']) AS call;
SELECT is(test.answer('jwt_reset_factors(gen_random_uuid())'), '22023', 'jwt_reset_factors refuses an unknown user');

-- The first one
SELECT test.be(:'alice_login');
SELECT jwt_enroll_totp('my "phone"') AS begun \gset
SELECT :'begun'::jsonb ->> 'factor_id' AS factor, :'begun'::jsonb ->> 'secret' AS secret \gset
SELECT matches(:'secret'::text, '^[A-Z2-7]{32}$', 'a secret has 160 bits in base32'),
	   is((:'begun'::jsonb ->> 'expires_in')::integer, 600, 'a factor waits ten minutes for its first code'),
	   is(:'begun'::jsonb ->> 'uri', 'otpauth://totp/auth.example:alice?secret=' || :'secret' || '&issuer=auth.example&algorithm=SHA1&digits=6&period=30', 'the URI names host, user and parameters');
SELECT isnt(jwt_enroll_totp() ->> 'secret', :'secret'::text, 'each factor has a secret of its own');
SELECT is(jwt_factors(), '[]', 'an unconfirmed factor is not listed'),
	   is(test.version('alice'), 1::bigint, 'an unconfirmed factor leaves the credentials version'),
	   is((SELECT count(*) FROM jwt_auth.outbox), 0::bigint, 'an unconfirmed factor sends no notice');
SELECT is(test.error_of(test.login('alice')), 'ok', 'an unconfirmed factor is not required at login');
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', code)), 'invalid_grant', 'not a code: ' || code) FROM unnest(ARRAY['', '12345', '1234567', '12345a']) AS code;
SELECT jwt_unlock_user(:'alice');
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', code)), 'invalid_grant', 'not a code: ' || code) FROM unnest(ARRAY[' 12345', '123 56', '１２３４５６']) AS code;
SELECT jwt_unlock_user(:'alice');
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', test.wrong_code(:'secret'))), 'invalid_grant', 'a wrong code confirms nothing'),
	   is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', test.totp(:'secret', -3))), 'invalid_grant', 'a code of 90 seconds ago confirms nothing'),
	   is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', test.totp(:'secret', 3))), 'invalid_grant', 'a code of 90 seconds ahead confirms nothing'),
	   is(test.answer(format('jwt_confirm_totp(gen_random_uuid(), %L)', test.totp(:'secret'))), 'invalid_request', 'an unknown factor is not confirmed');
SELECT is(jwt_factors(), '[]', 'wrong codes confirmed nothing'),
	   is((SELECT factor_failures FROM jwt_auth.users WHERE id = :'alice'), 3, 'wrong codes count for the user');
SELECT test.be(:'bob_login');
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', test.totp(:'secret'))), 'invalid_request', 'somebody else''s factor is not confirmed');
SELECT test.be(:'alice_login');
SELECT test.totp(:'secret') AS code \gset
SELECT is(jwt_confirm_totp(:'factor', :'code'), '{"status": "factor_added"}', 'the right code confirms a factor'),
	   is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', :'code')), '28J04', 'a confirmed factor is required to enroll another');
SELECT is(jwt_factors() #- '{0,created_at}', jsonb_build_array(jsonb_build_object('id', :'factor', 'type', 'totp', 'name', 'my "phone"')), 'a confirmed factor is listed'),
	   ok((jwt_factors() #>> '{0,created_at}')::timestamptz BETWEEN now() - interval '1 min' AND clock_timestamp(), 'a confirmed factor is listed with the time of its confirmation');
SELECT is(test.version('alice'), 2::bigint, 'a confirmed factor raises the credentials version'),
	   is((SELECT factor_failures FROM jwt_auth.users WHERE id = :'alice'), 0, 'a right code resets the count of wrong codes'),
	   is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'factor_added' AND user_id = :'alice' AND session_id = test.session_of(:'alice_login')), 1::bigint, 'a confirmed factor is audited'),
	   ok((SELECT last_step FROM jwt_auth.factors WHERE id = :'factor') BETWEEN extract(epoch FROM now()) / 30 - 2 AND extract(epoch FROM now()) / 30 + 2, 'confirming a factor uses up the code');

-- Another one, and its removal, need level 2; other sessions of the user and tokens without session do not do
SELECT is(test.answer(call), '28J04', 'below level 2: ' || call) FROM unnest(ARRAY['jwt_enroll_totp()', format('jwt_remove_factor(%L)', :'factor'), 'jwt_remove_factor(gen_random_uuid())',
	format('jwt_confirm_totp(%L, ''123456'')', (SELECT id FROM jwt_auth.factors WHERE confirmed_at IS NULL LIMIT 1))]) AS call;
SELECT set_config('jwt_auth.token', jwt_sign(jsonb_build_object('sub', :'carol', 'aal', 2, 'auth_time', extract(epoch FROM now())::bigint)), false) IS NULL AS unused \gset
SELECT is(test.answer(call), '28J04', 'by a token without session: ' || call) FROM unnest(ARRAY['jwt_enroll_totp()', 'jwt_remove_factor(gen_random_uuid())']) AS call;
SELECT jwt_start_session(:'alice', '{mfa}') AS strong \gset
SELECT test.be(:'strong');
SELECT jwt_enroll_totp('tablet') AS second \gset
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'second'::jsonb ->> 'factor_id', test.totp(:'second'::jsonb ->> 'secret'))), 'factor_added', 'level 2 adds another factor');
SELECT is((SELECT array_agg(f ->> 'name') FROM jsonb_array_elements(jwt_factors()) AS f), '{"my \"phone\"",tablet}', 'the oldest factor is listed first');
SELECT test.age_authentication(:'strong', '23 h');
SELECT is(test.answer('jwt_enroll_totp()'), 'secret', 'level 2 enrolls until it expires');
SELECT test.age_authentication(:'strong', '2 h');
SELECT is(test.answer('jwt_enroll_totp()'), '28J04', 'an expired level 2 does not enroll');
UPDATE jwt_auth.sessions SET auth_time = NULL WHERE id = test.session_of(:'strong');

-- Sessions that owe their level to a factor lose it with that; others keep it
SELECT jwt_start_session(:'alice', '{pwd,otp,mfa}') AS by_first, jwt_start_session(:'alice', '{pwd,otp,mfa}') AS by_second \gset
UPDATE jwt_auth.sessions SET factor_id = :'factor' WHERE id = test.session_of(:'by_first');
UPDATE jwt_auth.sessions SET factor_id = (:'second'::jsonb ->> 'factor_id')::uuid WHERE id = test.session_of(:'by_second');
SELECT is(test.answer('jwt_remove_factor(gen_random_uuid())'), 'invalid_request', 'an unknown factor is not removed');
SELECT is(test.answer(format('jwt_remove_factor(%L)', :'factor')), 'factor_removed', 'level 2 removes a factor'),
	   is(test.answer(format('jwt_remove_factor(%L)', :'factor')), 'invalid_request', 'a factor is removed once');
SELECT is(test.version('alice'), 4::bigint, 'removing a factor raises the credentials version'),
	   is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'factor_removed' AND user_id = :'alice'), 1::bigint, 'removing a factor is audited'),
	   is(jwt_aal(), 2, 'a session that did not use the factor keeps its level');
SELECT test.be(:'by_first');
SELECT is((jwt_aal(), jwt_amr())::text, '(1,{pwd})', 'a session that used the factor falls to level 1');
SELECT test.be(:'by_second');
SELECT is((jwt_aal(), jwt_amr())::text, '(2,"{pwd,otp,mfa}")', 'a session of another factor keeps its level');
SELECT test.be(:'bob_login');
SELECT is(test.answer(format('jwt_remove_factor(%L)', :'second'::jsonb ->> 'factor_id')), 'invalid_request', 'somebody else''s factor is not removed');

-- An admin takes all away
SELECT jwt_reset_factors(:'alice');
SELECT is((SELECT count(*) FROM jwt_auth.factors WHERE user_id = :'alice'), 0::bigint, 'no factor is left after a reset'),
	   is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'factors_reset' AND user_id = :'alice'), 1::bigint, 'a reset is audited'),
	   is(test.version('alice'), 5::bigint, 'a reset raises the credentials version');
SELECT test.be(:'strong');
SELECT is(jwt_aal(), 1, 'a reset takes level 2 from every session');
SELECT test.be(:'by_second');
SELECT is(jwt_aal(), 1, 'a reset takes level 2 from a session of a factor');

-- The first one needs a new authentication, and a name that is proven
SELECT test.be(:'carol_login');
SELECT test.age_authentication(:'carol_login', '5 min 1 s');
SELECT is(test.answer('jwt_enroll_totp()'), '28J04', 'after five minutes, the first factor is not enrolled');
SELECT test.age_authentication(:'carol_login', '-2 min');
SELECT jwt_enroll_totp() AS begun \gset
SELECT test.age_authentication(:'carol_login', '2 min');
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'begun'::jsonb ->> 'factor_id', test.totp(:'begun'::jsonb ->> 'secret'))), 'factor_added', 'an enrollment begun in time is confirmed after five minutes');
SELECT test.be(:'bob_login');
UPDATE jwt_auth.identifiers SET verified_at = NULL WHERE user_id = :'bob';
SELECT is(test.answer('jwt_enroll_totp()'), 'invalid_request', 'a user without a verified identifier does not enroll');
UPDATE jwt_auth.identifiers SET verified_at = now() WHERE user_id = :'bob' AND kind = 'email';
SELECT is(test.answer('jwt_enroll_totp()'), 'secret', 'a user with a verified address enrolls');
UPDATE jwt_auth.identifiers SET verified_at = now() WHERE user_id = :'bob';
SET jwt_auth.webauthn_rp_id = 'example.org';
SELECT jwt_create_user(NULL, email => 'nemo@mail.example') AS nemo \gset
SELECT test.be(jwt_start_session(:'nemo'));
SELECT ok(NOT jwt_passkey_register_options() ? 'error', 'a user with an address may register a passkey');
CREATE VIEW test.nameless AS SELECT call, answer FROM (VALUES ('jwt_enroll_totp', jwt_enroll_totp()), ('jwt_passkey_register_options', jwt_passkey_register_options())) AS v (call, answer);
UPDATE jwt_auth.identifiers SET verified_at = NULL WHERE user_id = :'nemo';
SELECT is(answer, '{"error": "invalid_request", "error_description": "a factor needs a verified username or address of the user"}', 'without a verified identifier, the answer says what is missing: ' || call) FROM test.nameless;
DELETE FROM jwt_auth.identifiers WHERE user_id = :'nemo';
SELECT is(answer, '{"error": "invalid_request", "error_description": "a factor needs a verified username or address of the user"}', 'without any identifier, the answer says what is missing: ' || call) FROM test.nameless;
SELECT test.be(:'bob_login');
SELECT jwt_enroll_totp() AS begun \gset
UPDATE jwt_auth.factors SET created_at = created_at - interval '10 min' WHERE user_id = :'bob';
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'begun'::jsonb ->> 'factor_id', test.totp(:'begun'::jsonb ->> 'secret'))), 'invalid_request', 'after ten minutes, a factor is not confirmed');
SELECT is(test.answer('jwt_enroll_totp()'), 'secret', 'an expired enrollment can be begun again');
SELECT is((SELECT count(*) FROM jwt_auth.factors WHERE user_id = :'bob'), 1::bigint, 'beginning an enrollment removes expired ones');
SELECT count(jwt_enroll_totp()) FROM generate_series(1, 19);
SELECT is(test.answer('jwt_enroll_totp()'), '22023', 'a user has at most 20 factors');
DELETE FROM jwt_auth.factors WHERE user_id = :'bob';
SELECT is(test.answer('jwt_enroll_totp(repeat(''x'', 1025))'), '22023', 'a name of more than 1024 bytes is refused'),
	   is(test.answer('jwt_confirm_totp(NULL, ''123456'')'), '22023', 'a factor of NULL is refused'),
	   is(test.answer('jwt_confirm_totp(gen_random_uuid(), NULL)'), '22023', 'a code of NULL is refused');

-- Notices
SELECT test.enroll('phone') AS secret \gset
SELECT is((SELECT array_agg(kind || ' ' || recipient) FROM jwt_auth.outbox), '{"factor_added bob@mail.example"}', 'a new factor is notified');
SELECT is(jsonb_array_length(jwt_outbox_claim()), 1, 'the mailer gets the notice');
SELECT jwt_reset_factors(:'bob');
SELECT is((SELECT array_agg(kind ORDER BY created_at) FROM jwt_auth.outbox), '{factor_added,factor_removed}', 'a reset is notified');
SELECT jwt_reset_factors(:'bob');
SELECT is((SELECT count(*) FROM jwt_auth.outbox), 2::bigint, 'a reset without factors is not notified');

-- A code counts once, whatever the clock
SELECT test.be(test.login('bob'));
SELECT jwt_enroll_totp() AS begun \gset
UPDATE jwt_auth.factors SET last_step = extract(epoch FROM now())::bigint / 30 + 5 WHERE id = (:'begun'::jsonb ->> 'factor_id')::uuid;
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'begun'::jsonb ->> 'factor_id', test.totp(:'begun'::jsonb ->> 'secret'))), 'invalid_grant', 'a used code is denied after the clock was set back');
UPDATE jwt_auth.factors SET last_step = extract(epoch FROM now())::bigint / 30 - 5 WHERE id = (:'begun'::jsonb ->> 'factor_id')::uuid;
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'begun'::jsonb ->> 'factor_id', test.totp(:'begun'::jsonb ->> 'secret', 1))), 'factor_added', 'a code of the next step is accepted');

-- Waits, which are the user's and nobody else's; rollbacks undo none
SELECT jwt_reset_factors(:'bob');
SELECT test.be(test.login('bob'));
SELECT jwt_enroll_totp() AS begun \gset
SELECT :'begun'::jsonb ->> 'factor_id' AS factor, :'begun'::jsonb ->> 'secret' AS secret, test.wrong_code(:'begun'::jsonb ->> 'secret') AS wrong \gset
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', :'wrong')), 'invalid_grant', format('wrong code %s is denied', n)) FROM generate_series(1, 3) AS n;
BEGIN;
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', :'wrong')), 'invalid_grant', 'a wrong code that is rolled back is denied');
ROLLBACK;
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', :'wrong')), 'invalid_grant', 'the fifth wrong code is denied'),
	   is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', test.totp(:'secret'))), 'temporarily_unavailable', 'after five wrong codes, even the right one must wait');
SELECT is(test.error_of(test.login('bob')), 'ok', 'wrong codes do not throttle the password');
SELECT is((SELECT count(*) FROM jwt_auth.audit_log WHERE user_id = :'bob' AND event = 'factor_throttled'), 1::bigint, 'the wait for codes is audited');
SELECT test.age_failures('1 h');
SELECT jwt_unlock_user(:'bob');
UPDATE jwt_auth.users SET factor_failures = 99 WHERE id = :'bob';
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', :'wrong')), 'invalid_grant', 'the hundredth wrong code is denied'),
	   is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', test.totp(:'secret'))), 'invalid_grant', 'after a hundred wrong codes, the right code is denied');
SELECT jwt_unlock_user(:'bob');
SELECT is(test.answer(format('jwt_confirm_totp(%L, %L)', :'factor', test.totp(:'secret'))), 'factor_added', 'unlocking a user ends the block after a hundred wrong codes');

-- Who is disabled or deleted, and what may not be written
SELECT jwt_reset_factors(:'bob');
SELECT test.be(test.login('bob'));
BEGIN TRANSACTION READ ONLY;
SELECT is(test.answer(call), '25006', 'read only: ' || call) FROM unnest(ARRAY['jwt_enroll_totp()', 'jwt_confirm_totp(gen_random_uuid(), ''123456'')', 'jwt_remove_factor(gen_random_uuid())', format('jwt_reset_factors(%L)', :'bob')]) AS call;
SELECT is(jwt_factors(), '[]', 'factors can be read in a read-only transaction');
ROLLBACK;
SELECT jwt_disable_user(:'bob');
SELECT is(test.answer('jwt_enroll_totp()'), '28J02', 'a disabled user enrolls nothing');
SELECT jwt_delete_user(:'carol');
SELECT is((SELECT count(*) FROM jwt_auth.factors WHERE user_id = :'carol'), 0::bigint, 'deleting a user deletes the factors');

-- Twenty factors at most, of which those do not count that were not confirmed in time
SELECT test.create_user('frank') AS frank \gset
SELECT test.be(jwt_start_session(:'frank', '{pwd}'));
SELECT count(jwt_enroll_totp('number ' || n)) FROM generate_series(1, 20) AS n \gset
SELECT is(test.answer('jwt_enroll_totp()'), '22023', 'a twenty-first factor is refused'),
	   is((SELECT count(*) FROM jwt_auth.factors WHERE user_id = :'frank'), 20::bigint, 'twenty factors of a user are kept');
UPDATE jwt_auth.factors SET created_at = created_at - interval '11 min' WHERE user_id = :'frank' AND name ~ '^number [12]$';
SELECT is(test.answer('jwt_enroll_totp(''another'')'), 'secret', 'a factor that was not confirmed in time makes room');
SELECT is((SELECT array_agg(name) FROM jwt_auth.factors WHERE user_id = :'frank' AND name ~ '^number [12]$'), NULL, 'factors that were not confirmed in time are gone'),
	   is(test.answer('jwt_enroll_totp(''last'')'), 'secret', 'there is room for a twentieth factor again'),
	   is(test.answer('jwt_enroll_totp()'), '22023', 'and for none after it');
UPDATE jwt_auth.factors SET confirmed_at = created_at, created_at = created_at - interval '1 day' WHERE user_id = :'frank' AND name = 'last';
SELECT test.be(jwt_start_session(:'frank', '{mfa}'));
SELECT is(test.answer('jwt_enroll_totp()'), '22023', 'a confirmed factor makes no room, however old'),
	   is((SELECT count(*) FROM jwt_auth.factors WHERE user_id = :'frank' AND name = 'last'), 1::bigint, 'a confirmed factor stays, however old');

-- Nothing of a secret or code is anywhere else (the secret of the last factor)
SELECT is((SELECT count(*) FROM (SELECT a::text FROM jwt_auth.audit_log AS a UNION ALL SELECT o::text FROM jwt_auth.outbox AS o UNION ALL SELECT u::text FROM jwt_auth.users AS u) AS r (text) WHERE strpos(r.text, :'secret') > 0), 0::bigint, 'no secret is in the audit log or the outbox');

SELECT set_config('jwt_auth.token', '', false);
SELECT * FROM finish();
