-- Signing in with a second factor (T58, T71, T118, T128, T129, T130, T131, T132, T137, T143): no
-- session before it; tickets count once, for the credentials of when they were made;
-- wrong codes count for the user; recovery codes stand in for a factor; a session that
-- steps up goes on with a refresh token that no former one gives.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
-- At least 117 assertions
SELECT no_plan();
SELECT jwt_create_user('alice', test.password(), email => 'alice@mail.example') AS alice, test.create_user('bob') AS bob \gset
CREATE FUNCTION test.verify(ticket text, method text, code text) RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_mfa_verify(ticket, method, jsonb_build_object('code', code)) $$;
CREATE FUNCTION test.ticket(answer jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT answer ->> 'mfa_token' $$;
-- Puts the clock forward: codes, waits and failures of before are forgotten
CREATE FUNCTION test.pass_time() RETURNS void LANGUAGE sql VOLATILE AS
$$ SELECT test.age_codes(), test.age_failures('2 h'); UPDATE jwt_auth.users SET factor_failures = 0; SELECT public.jwt_unlock_user(id) FROM jwt_auth.users; $$;

-- Enrolled
SELECT test.login('alice') AS before \gset
SELECT test.be(:'before');
SELECT test.enroll('phone') AS secret \gset
SELECT id AS factor FROM jwt_auth.factors \gset
SELECT is(test.error_of(test.refresh(:'before')), 'ok', 'a session from before the enrollment can be refreshed'),
	   is(test.access(:'before'), NULL, 'tokens from before the enrollment stay valid');

-- A login asks for it
SELECT test.audit_count() AS audited, count(*) AS sessions FROM jwt_auth.sessions \gset
SELECT test.login('alice') AS asked \gset
SELECT is(:'asked'::jsonb - 'mfa_token', jsonb_build_object('error', 'mfa_required', 'error_description', 'a second factor is required', 'expires_in', 300,
		  'factors', jsonb_build_array(jsonb_build_object('id', :'factor', 'type', 'totp', 'name', 'phone'))), 'a login answers that a second factor is required'),
	   matches(test.ticket(:'asked'), '^jam_[A-Za-z0-9_-]{238}$', 'a request for the second factor has a ticket');
SELECT is((SELECT count(*) FROM jwt_auth.sessions), :'sessions', 'no session begins before the second factor'),
	   is((SELECT array_agg(a) FROM test.audit_since(:audited) AS a), '{mfa_required}', 'the request for a second factor is audited');
SELECT is(test.error_of(test.login('alice', 'wrong')), 'invalid_grant', 'a wrong password is not asked for a second factor'),
	   is(test.error_of(test.login('bob')), 'ok', 'a user without a factor is not asked for one');
SELECT is(jwt_refresh(test.ticket(:'asked')) ->> 'error', 'invalid_grant', 'a ticket is no refresh token'),
	   is(test.verdict(test.ticket(:'asked')), '28J00', 'a ticket is no access token'),
	   is(jwt_introspect(test.ticket(:'asked')), '{"active": false}', 'a ticket is not active');

-- Refused
SELECT is(test.error_of(jwt_mfa_verify(ticket, method, response::jsonb)), error, 'refused: ' || what)
FROM (VALUES
	('another method', test.ticket(:'asked'), 'sms', '{"code":"123456"}', 'invalid_request'),
	('no method', test.ticket(:'asked'), '', '{"code":"123456"}', 'invalid_request'),
	('no object', test.ticket(:'asked'), 'totp', '"123456"', 'invalid_request'),
	('no code', test.ticket(:'asked'), 'totp', '{}', 'invalid_request'),
	('a number as code', test.ticket(:'asked'), 'totp', '{"code":123456}', 'invalid_request'),
	('no ticket', '', 'totp', '{"code":"123456"}', 'invalid_grant'),
	('a refresh token as ticket', :'before'::jsonb ->> 'refresh_token', 'totp', '{"code":"123456"}', 'invalid_grant'),
	('a ticket with another end', left(test.ticket(:'asked'), -1) || CASE right(test.ticket(:'asked'), 1) WHEN 'A' THEN 'Q' ELSE 'A' END, 'totp', '{"code":"123456"}', 'invalid_grant'),
	('a ticket with another user', 'jam_' || overlay(substr(test.ticket(:'asked'), 5) PLACING 'AAAA' FROM 9), 'totp', '{"code":"123456"}', 'invalid_grant'),
	('half a ticket', left(test.ticket(:'asked'), 70), 'totp', '{"code":"123456"}', 'invalid_grant')) AS v (what, ticket, method, response, error);
SELECT test.raises(call, '22023', call) FROM unnest(ARRAY['SELECT jwt_mfa_verify(NULL, ''totp'', ''{}'')', 'SELECT jwt_mfa_verify(''x'', NULL, ''{}'')', 'SELECT jwt_mfa_verify(''x'', ''totp'', NULL)', 'SELECT jwt_mfa_verify(repeat(''x'', 1025), ''totp'', ''{}'')']) AS call;
SELECT is((SELECT factor_failures FROM jwt_auth.users WHERE id = :'alice'), 0, 'malformed attempts are not counted');
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', code)), 'invalid_grant', 'a wrong code: ' || what)
FROM (VALUES ('none', test.wrong_code(:'secret')), ('empty', ''), ('a recovery code', 'AAAA-AAAA-AAAA-AAAA'), ('of 90 seconds ago', test.totp(:'secret', -3))) AS v (what, code);
SELECT is((SELECT factor_failures FROM jwt_auth.users WHERE id = :'alice'), 4, 'wrong codes count for the user'),
	   is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'factor_denied' AND user_id = :'alice'), 4::bigint, 'wrong codes are audited');
SELECT is((SELECT count(*) FROM jwt_auth.sessions WHERE user_id = :'alice'), 1::bigint, 'wrong codes start no session');

-- Right: a session of level 2
SELECT test.pass_time();
SELECT test.totp(:'secret') AS code \gset
SELECT test.verify(test.ticket(:'asked'), 'totp', :'code') AS answer \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'answer') AS k), '{access_token,expires_in,refresh_expires_in,refresh_token,token_type}', 'the right code is answered as a login');
SELECT is((SELECT (aal, amr, factor_id)::text FROM jwt_auth.sessions WHERE id = test.session_of(:'answer')), format('(2,"{pwd,otp,mfa}",%s)', :'factor'), 'the right code starts a session of level 2 by this factor'),
	   is((test.claims_of(:'answer') -> 'aal', test.claims_of(:'answer') -> 'acr', test.claims_of(:'answer') -> 'amr')::text, '(2,"""aal2""","[""pwd"", ""otp"", ""mfa""]")', 'the token of a login by two factors has level 2');
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', :'code')), 'invalid_grant', 'a used code with its ticket is denied');
SELECT test.login('alice') AS asked2 \gset
SELECT is(test.error_of(test.verify(test.ticket(:'asked2'), 'totp', :'code')), 'invalid_grant', 'a used code is denied with another ticket');
SELECT test.pass_time();
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', :'code')), 'invalid_grant', 'a used ticket is denied with another code');
SELECT test.pass_time();
SELECT is(test.error_of(test.verify(test.ticket(:'asked2'), 'totp', test.totp(:'secret'))), 'ok', 'an unused ticket starts a session');
SELECT jwt_login('alice', test.password(), '1 h') AS asked \gset
SELECT test.pass_time();
SELECT test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret')) AS answer \gset
SELECT is((SELECT expires_at - created_at FROM jwt_auth.sessions WHERE id = test.session_of(:'answer')), '1 h', 'the session lasts as long as the login requested');

CREATE FUNCTION test.way_of(answer jsonb) RETURNS text LANGUAGE sql AS
$$ SELECT method FROM jwt_auth.audit_log WHERE event = 'login' AND session_id = test.session_of(answer) $$;
SELECT is(test.way_of(:'answer'), 'password', 'a session after a password and an authenticator began by the password');

-- By a code in a mail: two kinds as well; recovery and mail are one, and ask for the factor, too
SELECT jwt_request_login('alice@mail.example') ->> 'flow' AS flow \gset
SELECT m ->> 'code' AS mailed FROM jsonb_array_elements(jwt_outbox_claim(100)) AS m WHERE m ->> 'kind' = 'login' \gset
SELECT jwt_login_code(:'mailed', :'flow') AS asked \gset
SELECT is(:'asked'::jsonb ->> 'error', 'mfa_required', 'a login by mail asks for the second factor');
SELECT test.pass_time();
SELECT test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret')) AS answer \gset
SELECT is((test.claims_of(:'answer') -> 'aal', test.claims_of(:'answer') -> 'amr')::text, '(2,"[""otp"", ""mfa""]")', 'a login by mail and an authenticator is level 2'),
	   is(test.way_of(:'answer'), 'code', 'a session after a code in a mail and an authenticator began by the code');

-- Tickets of credentials that changed, of a user who is disabled, and old ones
SELECT test.login('alice') AS asked \gset
UPDATE jwt_auth.users SET credentials_version = credentials_version + 1 WHERE id = :'alice';
SELECT test.pass_time();
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret'))), 'invalid_grant', 'a ticket from before a change of credentials is denied'),
	   is((SELECT last_step FROM jwt_auth.factors), 0::bigint, 'a denied ticket does not use up the code');
SELECT test.login('alice') AS asked \gset
SELECT jwt_set_password(:'alice', 'another horse battery');
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret'))), 'invalid_grant', 'a ticket from before a change of password is denied');
SELECT jwt_set_password(:'alice', test.password());
SELECT test.login('alice') AS asked \gset
SELECT jwt_disable_user(:'alice');
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret'))), 'invalid_grant', 'a ticket of a disabled user is denied');
SELECT jwt_enable_user(:'alice');
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret'))), 'invalid_grant', 'a ticket from before a user was disabled stays void');
-- The ticket as if it had been made so many seconds before
CREATE FUNCTION test.aged(ticket text, seconds bigint) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	bytes bytea := test.from_base64url(substr(ticket, 5));
	said bytea := substring(bytes FROM 1 FOR length(bytes) - 32);
	made_at bigint := ('x' || encode(substring(said FROM 52 FOR 8), 'hex'))::bit(64)::bigint;
	secret bytea := (SELECT test.from_base64url(convert_from(private_jwk, 'UTF8')::jsonb ->> 'k') FROM jwt_auth.keys WHERE use = 'handle' AND verify_until IS NULL);
BEGIN
	said := overlay(said PLACING int8send(made_at - seconds * 1000000) FROM 52 FOR 8);
	RETURN 'jam_' || test.base64url(said || public.hmac(convert_to('jwt_auth second-factor ticket', 'UTF8') || '\x00' || said, secret, 'sha256'));
END
$$;
SELECT test.login('alice') AS asked \gset
SELECT test.pass_time();
SELECT is(test.aged(test.ticket(:'asked'), 0), test.ticket(:'asked'), 'a ticket made as that of a login');
SELECT is(test.error_of(test.verify(test.aged(test.ticket(:'asked'), seconds), 'totp', test.totp(:'secret'))), 'invalid_grant', 'a ticket of ' || seconds || ' seconds ago')
FROM unnest('{300,86400,9223372036854,-301,-86400,-9223372036}'::bigint[]) AS seconds;
SELECT is(test.error_of(test.verify(test.aged(test.ticket(:'asked'), -60), 'totp', test.totp(:'secret'))), 'ok', 'a ticket of a server whose clock is a minute ahead');
SELECT test.login('alice') AS asked \gset
SELECT jwt_rotate_handle_key();
SELECT test.pass_time();
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret'))), 'ok', 'a ticket of the previous handle key is accepted');

-- Recovery by mail asks for the factor, and touches none; the ticket is for the password that was sent with it
CREATE FUNCTION test.recovery_link() RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	TRUNCATE jwt_auth.login_throttle;
	PERFORM public.jwt_request_recovery('alice@mail.example');
	RETURN (SELECT m ->> 'token' FROM jsonb_array_elements(public.jwt_outbox_claim(100)) AS m WHERE m ->> 'kind' = 'recovery' ORDER BY m ->> 'created_at' DESC LIMIT 1);
END
$$;
SELECT test.recovery_link() AS link \gset
SELECT jwt_recover(:'link', 'another horse battery') AS asked \gset
SELECT is(:'asked'::jsonb ->> 'error', 'mfa_required', 'recovery asks for the second factor'),
	   is(test.error_of(test.login('alice')), 'mfa_required', 'until the second factor, a recovery leaves the password');
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', test.wrong_code(:'secret'))), 'invalid_grant', 'a wrong code does not complete a recovery');
SELECT jwt_recover(:'link', 'an evil horse battery') AS evil \gset
SELECT test.pass_time();
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret'))), 'invalid_grant', 'a ticket does not set a password proposed after it was issued');
SELECT jwt_recover(:'link', 'another horse battery') AS asked \gset
SELECT test.pass_time();
SELECT is(test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret')), '{"status": "password_set"}', 'the second factor completes the recovery');
SELECT is(test.error_of(test.login('alice', 'another horse battery')), 'mfa_required', 'a recovery sets the password and keeps the factor'),
	   is(jwt_recover(:'link', 'a third horse battery') ->> 'error', 'invalid_grant', 'a link recovers once'),
	   is(test.error_of(test.verify(test.ticket(:'evil'), 'totp', test.totp(:'secret'))), 'invalid_grant', 'a ticket from before the recovery is void');
SELECT is((SELECT count(*) FROM jwt_auth.one_time_tokens WHERE data ? 'password_hash'), 0::bigint, 'a recovery leaves no proposed hash');
SELECT jwt_set_password(:'alice', test.password());
SELECT test.recovery_link() AS link \gset
SELECT jwt_reset_factors(:'alice');
SELECT is(jwt_recover(:'link', 'another horse battery') ->> 'error', 'invalid_grant', 'a link from before a change of factors is void');
SELECT test.be(test.login('alice'));
SELECT test.enroll('phone') AS secret \gset

-- Fresh logins give no fresh attempts; four failures before make the wait long enough
SELECT test.pass_time();
UPDATE jwt_auth.users SET factor_failures = 4 WHERE id = :'alice';
SELECT is(test.error_of(test.verify(test.ticket(test.login('alice')), 'totp', test.wrong_code(:'secret'))), 'invalid_grant', format('wrong code %s of a fresh login is denied', n)) FROM generate_series(1, 5) AS n;
SELECT is(test.error_of(test.verify(test.ticket(test.login('alice')), 'totp', test.totp(:'secret'))), 'temporarily_unavailable', 'after five wrong codes, a new login must wait, too');
SELECT is(test.error_of(test.verify(test.ticket(test.login('alice')), 'recovery_code', 'AAAA-AAAA-AAAA-AAAA')), 'temporarily_unavailable', 'after five wrong codes, a recovery code must wait, too');
SELECT test.pass_time();

-- Recovery codes
SELECT test.login('bob') AS bob_login \gset
SELECT test.be(:'bob_login');
SELECT test.raises('SELECT jwt_make_recovery_codes()', '28J04', 'recovery codes need level 2');
SELECT test.be(jwt_start_session(:'bob', '{mfa}'));
SELECT is(jwt_make_recovery_codes() ->> 'error', 'invalid_request', 'recovery codes need a factor');
SELECT test.be(:'answer');
SELECT test.verify(test.ticket(test.login('alice')), 'totp', test.totp(:'secret')) AS strong \gset
SELECT test.be(:'strong');
SELECT jwt_make_recovery_codes() AS made \gset
SELECT is((SELECT count(DISTINCT c) FROM jsonb_array_elements_text(:'made'::jsonb -> 'codes') AS c WHERE c ~ '^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$'), 10::bigint, 'jwt_make_recovery_codes returns ten codes of 80 bits');
SELECT :'made'::jsonb #>> '{codes,0}' AS c0, :'made'::jsonb #>> '{codes,1}' AS c1, :'made'::jsonb #>> '{codes,2}' AS c2 \gset
SELECT is((SELECT count(*) FROM (SELECT r::text FROM jwt_auth.recovery_codes AS r UNION ALL SELECT a::text FROM jwt_auth.audit_log AS a) AS t (text) WHERE t.text ~ replace(:'c0', '-', '-?')), 0::bigint, 'no recovery code is stored');
SELECT is((SELECT array_agg(octet_length(hash)) FROM jwt_auth.recovery_codes LIMIT 1), array_fill(32, '{10}'), 'a hash of each recovery code is stored');
SELECT is(test.error_of(jwt_login('alice', :'c0')), 'invalid_grant', 'a recovery code is no password');
SELECT test.login('alice') AS asked \gset
SELECT test.verify(test.ticket(:'asked'), 'recovery_code', lower(replace(:'c0', '-', ' '))) AS answer \gset
SELECT is((SELECT (aal, factor_id)::text FROM jwt_auth.sessions WHERE id = test.session_of(:'answer')), '(2,)', 'a recovery code starts a session of level 2 without a factor');
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'recovery_code', :'c1')), 'invalid_grant', 'a ticket takes one recovery code');
SELECT test.login('alice') AS asked \gset
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'recovery_code', :'c0')), 'invalid_grant', 'a recovery code is accepted once');
SELECT is((SELECT array_agg(data) FROM jwt_auth.outbox WHERE kind = 'recovery_code_used'), '{"{\"left\": 9}"}', 'the user is notified of a used recovery code');
UPDATE jwt_auth.users SET factor_failures = 100 WHERE id = :'alice';
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret'))), 'invalid_grant', 'after a hundred wrong codes, an authenticator is denied'),
	   is(test.error_of(test.verify(test.ticket(:'asked'), 'recovery_code', :'c2')), 'ok', 'after a hundred wrong codes, a recovery code is accepted');
SELECT test.be(:'strong');
SELECT jwt_make_recovery_codes() AS made \gset
SELECT is(test.error_of(test.verify(test.ticket(test.login('alice')), 'recovery_code', :'c1')), 'invalid_grant', 'new recovery codes void the old ones');
SELECT is(test.error_of(test.verify(test.ticket(test.login('alice')), 'recovery_code', code)), 'invalid_grant', 'no recovery code: ' || code) FROM unnest(ARRAY['', 'AAAA', 'UUUU-UUUU-UUUU-UUUU', repeat('A', 17)]) AS code;
UPDATE jwt_auth.users SET factor_failures = 0;
SELECT test.pass_time();
SELECT is(test.error_of(test.verify(test.ticket(test.login('alice')), 'recovery_code', code)), 'invalid_grant', 'a recovery code with more: ' || more)
FROM (SELECT :'made'::jsonb #>> '{codes,0}' AS good) AS m, LATERAL (VALUES ('a character', good || 'A'), ('its last one', good || right(good, 1)), ('a sign', good || '!'), ('a sign before it', '!' || good)) AS v (more, code);
SELECT test.pass_time();
SELECT is(test.error_of(test.verify(test.ticket(test.login('alice')), 'recovery_code', :'made'::jsonb #>> '{codes,0}')), 'ok', 'and then without');
SELECT test.be(:'strong');
SELECT test.pass_time();
-- Codes with the digits that are taken for letters, in other letters
CREATE FUNCTION test.make_code_like(pattern text) RETURNS text LANGUAGE plpgsql VOLATILE AS
$$ DECLARE found_code text; BEGIN
	WHILE found_code IS NULL LOOP
		SELECT code INTO found_code FROM jsonb_array_elements_text(public.jwt_make_recovery_codes() -> 'codes') AS code WHERE code ~ pattern;
	END LOOP;
	RETURN found_code;
END $$;
SELECT test.make_code_like('0.*1.*1|1.*0.*1|1.*1.*0') AS code \gset
SELECT is(test.error_of(test.verify(test.ticket(test.login('alice')), 'recovery_code', translate(regexp_replace(:'code', '1', 'I'), '01', 'ol'))), 'ok', 'a recovery code may be typed with O, I and L for its digits');
SELECT test.make_code_like('V') AS code \gset
SELECT is(test.error_of(test.verify(test.ticket(test.login('alice')), 'recovery_code', translate(:'code', 'V', 'U'))), 'invalid_grant', 'no other letter stands for another');
SELECT test.pass_time();

-- Stepping up
SELECT jwt_reset_factors(:'alice');
SELECT is((SELECT count(*) FROM jwt_auth.recovery_codes), 0::bigint, 'a reset deletes recovery codes'),
	   is(test.error_of(test.login('alice')), 'ok', 'after a reset, a login asks for no factor');
SELECT test.login('alice') AS weak \gset
SELECT test.be(:'weak');
SELECT is(jwt_step_up() ->> 'error', 'invalid_request', 'a user without a factor does not step up');
SELECT test.enroll() AS secret \gset
SELECT test.refresh(:'weak') AS weak2 \gset
SELECT jwt_step_up() AS asked \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'asked') AS k), '{expires_in,factors,mfa_token}', 'jwt_step_up returns a ticket');
SELECT test.pass_time();
BEGIN;
SELECT test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret')) AS stepped \gset
SELECT is(current_setting('lock_timeout'), '0', 'stepping up leaves lock_timeout as it was');
COMMIT;
SELECT is(test.session_of(:'stepped'), test.session_of(:'weak'), 'stepping up keeps the session'),
	   is(test.generation(:'stepped'), 3::bigint, 'stepping up gives a refresh token of the next generation'),
	   is((test.claims_of(:'stepped') -> 'aal', test.claims_of(:'stepped') -> 'amr')::text, '(2,"[""pwd"", ""otp"", ""mfa""]")', 'stepping up gives an access token of level 2');
SELECT is(jwt_aal(), 1, 'an access token from before stepping up stays level 1');
SELECT is(test.error_of(test.refresh(:'weak2')), 'invalid_grant', 'the refresh token from before stepping up is denied'),
	   is(test.error_of(test.refresh(:'weak')), 'invalid_grant', 'the refresh token of the generation before that is denied');
SELECT is(test.revoke_reason(:'stepped'), 'live', 'within the grace period, a replay does not end the session'),
	   is(test.access(:'stepped'), NULL, 'within the grace period, a replay leaves the tokens valid');
SELECT test.refresh(:'stepped') AS after \gset
SELECT is(test.claims_of(:'after') -> 'aal', '2', 'a refresh keeps level 2'),
	   is(test.refresh(:'stepped') ->> 'refresh_token', :'after'::jsonb ->> 'refresh_token', 'the new refresh token has its own grace period');
SELECT is(test.error_of(test.refresh(:'weak2')), 'invalid_grant', 'one generation later, the refresh token from before stepping up is denied'),
	   is(test.revoke_reason(:'stepped'), 'live', 'one generation later, a replay does not end the session');
SELECT test.age_rotation(:'stepped', '11 s');
SELECT is(test.error_of(test.refresh(:'weak2')), 'invalid_grant', 'after the grace period, the refresh token from before stepping up is denied');
SELECT is(test.revoke_reason(:'stepped'), 'refresh token replayed', 'after the grace period, a replay ends the session');
SELECT is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'step_up' AND session_id = test.session_of(:'stepped')), 1::bigint, 'stepping up is audited');

-- Of a session that ended, or of another user
SELECT set_config('jwt_auth.token', '', false);
SELECT test.pass_time();
SELECT jwt_start_session(:'alice', '{pwd}') AS weak \gset
SELECT test.be(:'weak');
SELECT jwt_step_up() AS asked \gset
SELECT jwt_revoke(:'weak'::jsonb ->> 'refresh_token');
SELECT is(test.error_of(test.verify(test.ticket(:'asked'), 'totp', test.totp(:'secret'))), 'invalid_grant', 'an ended session does not step up');
SELECT set_config('jwt_auth.token', jwt_sign(jsonb_build_object('sub', :'alice')), false) IS NULL AS unused \gset
SELECT test.raises('SELECT jwt_step_up()', '28J03', 'a token without session does not step up');
SELECT set_config('jwt_auth.token', '', false) IS NULL AS unused \gset
SELECT test.raises('SELECT jwt_step_up()', '28J03', 'without an identity, nobody steps up'), test.raises('SELECT jwt_make_recovery_codes()', '28J03', 'without an identity, nobody gets recovery codes');

-- Where nothing may be written
BEGIN TRANSACTION READ ONLY;
SELECT test.raises(call, '25006', 'read only: ' || call) FROM unnest(ARRAY['SELECT jwt_mfa_verify(''x'', ''totp'', ''{}'')', 'SELECT jwt_make_recovery_codes()']) AS call;
ROLLBACK;

-- A session that falls with its factor
SELECT test.pass_time();
SELECT test.verify(test.ticket(test.login('alice')), 'totp', test.totp(:'secret')) AS strong \gset
SELECT test.be(:'strong');
SELECT is(jwt_aal(), 2, 'a session by the factor is level 2');
SELECT is(jwt_remove_factor((SELECT id FROM jwt_auth.factors WHERE user_id = :'alice')), '{"status": "factor_removed"}', 'a session of level 2 removes its own factor');
SELECT is((jwt_aal(), jwt_amr())::text, '(1,{pwd})', 'a session falls to level 1 when its factor is removed'),
	   is(test.claims_of(test.refresh(:'strong')) -> 'aal', '1', 'a refresh keeps the lower level after the factor was removed');
SELECT is(test.error_of(test.login('alice')), 'ok', 'without its last factor, a login asks for none');

-- So does one by a recovery code, once no factor is left that it could stand in for
SELECT test.be(test.login('alice'));
SELECT test.enroll('phone') AS secret \gset
SELECT test.pass_time();
SELECT test.be(test.verify(test.ticket(test.login('alice')), 'totp', test.totp(:'secret')));
SELECT jwt_make_recovery_codes() #>> '{codes,0}' AS code, jwt_enroll_totp('tablet') AS second \gset
SELECT test.verify(test.ticket(test.login('alice')), 'recovery_code', :'code') AS by_code \gset
SELECT is(jwt_confirm_totp((:'second'::jsonb ->> 'factor_id')::uuid, test.totp(:'second'::jsonb ->> 'secret')), '{"status": "factor_added"}', 'a second factor is added'),
	   is(jwt_remove_factor((:'second'::jsonb ->> 'factor_id')::uuid), '{"status": "factor_removed"}', 'a second factor is removed');
SELECT test.be(:'by_code');
SELECT is(jwt_aal(), 2, 'a session by a recovery code keeps its level while a factor is left'),
	   is(jwt_remove_factor((jwt_factors() #>> '{0,id}')::uuid), '{"status": "factor_removed"}', 'a session by a recovery code removes the last factor');
SELECT is(jwt_aal(), 1, 'a session by a recovery code falls with the last factor'),
	   is(test.claims_of(test.refresh(:'by_code')) -> 'aal', '1', 'a refresh does not bring the level back');

-- Without a key for its refresh token, no session begins, and no attempt counts
SELECT test.enroll('phone') AS secret \gset
SELECT test.ticket(test.login('alice')) AS ticket \gset
SELECT test.audit_count() AS events \gset
UPDATE jwt_auth.keys SET sealed_by = 'gone', was_clear = false WHERE use = 'refresh';
SELECT test.raises(format('SELECT jwt_mfa_verify(%L, ''totp'', %L)', :'ticket', jsonb_build_object('code', code)), '55000', 'without the key of refresh tokens: ' || what)
FROM (VALUES ('a wrong code', '000000'), ('the code', test.totp(:'secret'))) AS v (what, code);
SELECT is(test.audit_count(), :'events', 'and nothing is audited');

SELECT set_config('jwt_auth.token', '', false);
SELECT * FROM finish();
