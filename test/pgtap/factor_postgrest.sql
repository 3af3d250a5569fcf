-- Second factors behind PostgREST (T83): each answer says that it must not be stored, and a
-- denial sets the status; whoever must authenticate better is told so with 401.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
-- At least 79 assertions
SELECT no_plan();
SET jwt_auth.login_max_failures = 1000;
SET jwt_auth.webauthn_rp_id = 'example.org';
SELECT jwt_create_user('alice', test.password(), email => 'alice@mail.example') AS alice, test.create_user('bob') AS bob \gset
CREATE FUNCTION pg_temp.http(call text, method text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	answer jsonb;
BEGIN
	PERFORM set_config('request.method', method, true), set_config('response.headers', '', true), set_config('response.status', '', true);
	EXECUTE 'SELECT public.' || call INTO answer;
	RETURN current_setting('response.status') || ' ' || current_setting('response.headers');
END
$$;
CREATE FUNCTION pg_temp.expected(status text, more text DEFAULT '') RETURNS text LANGUAGE sql AS
$$ SELECT status || ' [{"Cache-Control": "no-store"}, {"Pragma": "no-cache"}' || more || ']' $$;
CREATE FUNCTION pg_temp.refusal(call text) RETURNS jsonb LANGUAGE plpgsql AS
$$
DECLARE
	refusal text;
BEGIN
	PERFORM set_config('request.method', 'POST', true);
	EXECUTE 'SELECT public.' || call;
	RETURN NULL;
EXCEPTION WHEN SQLSTATE 'PGRST' THEN
	GET STACKED DIAGNOSTICS refusal = PG_EXCEPTION_DETAIL;
	RETURN refusal;
END
$$;

-- Nobody
SELECT is(pg_temp.refusal(call) -> 'status', '401', 'nobody: ' || call),
	   matches(pg_temp.refusal(call) #>> '{headers,WWW-Authenticate}', '^Bearer', 'who is asked for a token: ' || call)
FROM unnest(ARRAY['jwt_factors()', 'jwt_step_up()', 'jwt_enroll_totp()', 'jwt_confirm_totp(gen_random_uuid(), ''123456'')', 'jwt_remove_factor(gen_random_uuid())',
	'jwt_make_recovery_codes()', 'jwt_passkey_register_options()', 'jwt_passkey_register(''{}'')', 'jwt_require_aal(1)']) AS call;

-- Without a factor
SELECT test.login('alice') AS weak \gset
SELECT test.be(:'weak');
SELECT is(pg_temp.http(call, 'POST'), pg_temp.expected(status), call)
FROM (VALUES ('jwt_enroll_totp()', ''), ('jwt_confirm_totp(gen_random_uuid(), ''123456'')', '400'), ('jwt_remove_factor(gen_random_uuid())', '400'), ('jwt_step_up()', '400'),
	('jwt_passkey_register_options()', ''), ('jwt_passkey_register(''{}'')', '400'), ('jwt_passkey_login_options()', ''), ('jwt_passkey_login(''{}'')', '400'),
	('jwt_mfa_options(''jam_x'', ''webauthn'')', '400'), ('jwt_mfa_options(''jam_x'', ''totp'')', '400'), ('jwt_mfa_verify(''jam_x'', ''totp'', ''{"code":"123456"}'')', '400'),
	('jwt_mfa_verify(''jam_x'', ''sms'', ''{}'')', '400'), ('jwt_mfa_verify(''jam_x'', ''webauthn'', ''{}'')', '400'), ('jwt_enroll_totp(NULL, ''jam_x'')', '400'),
	('jwt_confirm_totp(gen_random_uuid(), ''123456'', ''jam_x'')', '400'), ('jwt_passkey_register_options(''jam_x'')', '400'), ('jwt_passkey_register(''{}'', NULL, ''jam_x'')', '400')) AS v (call, status);
SELECT is(pg_temp.http('jwt_factors()', method), ' ', 'a list of factors sets nothing: ' || method) FROM unnest('{POST,GET}'::text[]) AS method;
SELECT is(pg_temp.http('jwt_mfa_verify(''jam_x'', ''totp'', ''{}'')', ''), ' ', 'outside of PostgREST, no header or status is set');
SELECT jwt_enroll_totp('phone') AS begun \gset
SELECT :'begun'::jsonb ->> 'secret' AS secret, test.totp(:'begun'::jsonb ->> 'secret') AS code \gset
SELECT is(pg_temp.http(format('jwt_confirm_totp(%L, %L)', :'begun'::jsonb ->> 'factor_id', code), 'POST'), pg_temp.expected(status), what)
FROM (VALUES (1, test.wrong_code(:'secret'), '400', 'a wrong code'), (2, :'code', '', 'the right code')) AS v (n, code, status, what) ORDER BY n;

-- With one, level 1 is asked for more
SELECT is(pg_temp.refusal(call) -> 'status', '401', 'level 1: ' || call),
	   is(pg_temp.refusal(call) #>> '{headers,WWW-Authenticate}', 'Bearer error="insufficient_user_authentication", acr_values="aal2"' || age, 'which must be level 2: ' || call)
FROM (VALUES ('jwt_enroll_totp()', ''), ('jwt_remove_factor(gen_random_uuid())', ''), ('jwt_make_recovery_codes()', ''), ('jwt_require_aal(2)', ''), ('jwt_require_aal(2, ''5 min'')', ', max_age="300"'),
	('jwt_passkey_register_options()', ', max_age="300"'), ('jwt_passkey_register(''{}'')', ', max_age="300"')) AS v (call, age);
SELECT is(pg_temp.http('jwt_step_up()', 'POST'), pg_temp.expected(''), 'it steps up'),
	   is(pg_temp.http(format('jwt_login(''alice'', %L)', test.password()), 'POST'), pg_temp.expected('400'), 'a login that asks for a factor');
SELECT test.age_codes(), jwt_step_up() ->> 'mfa_token' AS ticket, test.totp(:'secret') AS code \gset
SELECT is(pg_temp.http(format('jwt_mfa_options(%L, ''webauthn'')', :'ticket'), 'POST'), pg_temp.expected('400'), 'no options without a passkey');
SELECT is(pg_temp.http(format('jwt_mfa_verify(%L, ''totp'', jsonb_build_object(''code'', %L))', :'ticket', code), 'POST'), pg_temp.expected(status), what)
FROM (VALUES (1, test.wrong_code(:'secret'), '400', 'a wrong code steps up nothing'), (2, :'code', '', 'the right code does'), (3, :'code', '400', 'but once')) AS v (n, code, status, what) ORDER BY n;
SELECT test.age_codes(), test.totp(:'secret') AS code \gset
SELECT jwt_mfa_verify(test.login('alice') ->> 'mfa_token', 'totp', jsonb_build_object('code', :'code')) AS strong \gset
SELECT test.be(:'strong');
SELECT is(pg_temp.http('jwt_make_recovery_codes()', 'POST'), pg_temp.expected(''), 'level 2 makes recovery codes'),
	   is(pg_temp.http(format('jwt_remove_factor(%L)', :'begun'::jsonb ->> 'factor_id'), 'POST'), pg_temp.expected(''), 'and removes a factor');

-- Too many wrong codes
SET jwt_auth.login_max_failures = 1;
SELECT jwt_enroll_totp() ->> 'factor_id' AS factor FROM test.be(test.login('alice')) \gset
SELECT jwt_confirm_totp(:'factor', 'x') IS NULL AS unused \gset
SELECT is(pg_temp.http(format('jwt_confirm_totp(%L, ''x'')', :'factor'), 'POST'), pg_temp.expected('429', ', {"Retry-After": "1"}'), 'after a wrong code, jwt_confirm_totp has to wait');
SET jwt_auth.login_max_failures = 1000;

-- A factor that must be
SELECT jwt_update_user(:'bob', mfa_enrollment => 'required'), set_config('jwt_auth.token', '', false);
SELECT is(pg_temp.http(format('jwt_login(''bob'', %L)', test.password()), 'POST'), pg_temp.expected('400'), 'a login that asks to enroll a factor');
SELECT test.login('bob') ->> 'mfa_token' AS ticket \gset
SELECT is(pg_temp.http(format(call, :'ticket'), 'POST'), pg_temp.expected(''), call) FROM unnest('{"jwt_enroll_totp(NULL, %L)",jwt_passkey_register_options(%L)}'::text[]) AS call;
SELECT jwt_enroll_totp(NULL, :'ticket') AS begun \gset
SELECT is(pg_temp.http(format('jwt_confirm_totp(%L, %L, %L)', :'begun'::jsonb ->> 'factor_id', test.totp(:'begun'::jsonb ->> 'secret'), :'ticket'), 'POST'), pg_temp.expected(''), 'the first code begins a session');

-- With GET
SELECT test.be(jwt_start_session(:'alice', '{mfa}'));
BEGIN READ ONLY;
SELECT is(jsonb_typeof(jwt_factors()), 'array', 'what only reads can be asked for with GET'),
	   is(jsonb_typeof(jwt_passkey_register_options()), 'object', 'also options'),
	   is(jsonb_typeof(jwt_passkey_login_options()), 'object', 'also those to log in'),
	   is(jwt_mfa_options('jam_x', 'webauthn') ->> 'error', 'invalid_grant', 'also those of a ticket'),
	   is(jwt_step_up() ->> 'error', 'invalid_request', 'and a ticket');
SELECT test.raises('SELECT ' || call, '25006', 'with GET: ' || call) FROM unnest(ARRAY['jwt_mfa_verify(''x'', ''totp'', ''{}'')', 'jwt_enroll_totp()', 'jwt_confirm_totp(gen_random_uuid(), ''x'')', 'jwt_remove_factor(gen_random_uuid())',
	'jwt_make_recovery_codes()', 'jwt_passkey_register(''{}'')', 'jwt_passkey_login(''{}'')']) AS call;
COMMIT;

SELECT set_config('jwt_auth.token', '', false);
SELECT * FROM finish();
