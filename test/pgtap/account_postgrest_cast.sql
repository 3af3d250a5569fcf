-- A client of PostgREST that picks what is selected from the answer of a login
-- (F44): where the function returns bytes, named after the media type, no
-- cast can make the request fail after the function was called, which would undo
-- the count of a failure.
-- At least 260 assertions
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
SELECT no_plan();
SELECT test.create_user('alice') AS alice \gset

CREATE SCHEMA api;
CREATE DOMAIN api."application/json" AS bytea;
CREATE FUNCTION api.login(username text, password text) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_login(username, password)::text, 'UTF8');
CREATE FUNCTION api.login_as_json(username text, password text) RETURNS jsonb
	LANGUAGE sql VOLATILE RETURN public.jwt_login(username, password);

-- POST /rpc/login?select=..., as PostgREST asks for it: what it raises
CREATE FUNCTION test.select_of(function text, selected text, password text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	EXECUTE format('WITH pgrst_source AS (SELECT api.%I(''alice'', %L) AS pgrst_scalar)
					SELECT count(*), (array_agg(%s))[1]::text FROM (SELECT * FROM pgrst_source) AS s', function, password, selected);
	RETURN '';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;

-- Nothing that is tried reaches the function: the attempts that failed are counted
-- in the backend's memory, which no rollback clears.
SELECT is(test.select_of('login', format('CAST(pgrst_scalar AS %s)', type), 'wrong'), '42846', 'a cast of the bytes is refused before the call: ' || type || ', ' || n)
FROM unnest('{boolean,numeric,date,interval,timestamptz,jsonb,json,point}'::text[]) AS type, generate_series(1, 4) AS n;
SELECT is(test.error_of(test.login('alice')), 'ok', 'casts that are refused before the call count no failure');
SELECT is(test.select_of('login', format('CAST(pgrst_scalar AS %s)', type), 'wrong'), '', 'a cast of the bytes that cannot fail calls the function: ' || type)
FROM unnest('{text,varchar,bytea}'::text[]) AS type;
SELECT is(failures, 3, 'three calls through casts of the bytes count three failures') FROM jwt_auth.login_throttle;
SELECT jwt_unlock_user(:'alice');
SELECT is(test.select_of('login', expression, 'wrong'), '', 'a member of the bytes that is selected calls the function: ' || expression)
FROM unnest(ARRAY['to_jsonb(pgrst_scalar) -> ''error''', 'CAST(to_jsonb(pgrst_scalar) ->> ''error'' AS integer)',
				  'CAST(to_jsonb(pgrst_scalar) #>> ''{0,a}'' AS date)']) AS expression;
SELECT is(failures, 3, 'three calls through members of the bytes count three failures') FROM jwt_auth.login_throttle;
SELECT jwt_unlock_user(:'alice');

-- The answer is the JSON text
SELECT is(convert_from(api.login('alice', 'wrong'), 'UTF8')::jsonb ->> 'error', 'invalid_grant', 'the bytes of a denied login are its JSON'),
	   ok(convert_from(api.login('alice', test.password()), 'UTF8')::jsonb ? 'access_token', 'the bytes of a login are its JSON'),
	   is(pg_typeof(api.login('alice', 'wrong'))::text, 'api."application/json"', 'the type of the answer is named after the media type');
SELECT jwt_unlock_user(:'alice');

-- Nor can a client that asks for links and codes, or tries them, undo what that counts
SELECT jwt_create_user(NULL, test.password(), email => 'carl@example.org') AS carl \gset
CREATE FUNCTION api.request_recovery(identifier text) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_request_recovery(identifier)::text, 'UTF8');
CREATE FUNCTION api.recover(token text, new_password text, flow text DEFAULT NULL) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_recover(token, new_password, flow)::text, 'UTF8');
CREATE FUNCTION api.request_login(identifier text) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_request_login(identifier)::text, 'UTF8');
CREATE FUNCTION api.login_code(token text, flow text DEFAULT NULL) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_login_code(token, flow)::text, 'UTF8');
CREATE FUNCTION api.sign_up(identifier text, password text DEFAULT NULL, data jsonb DEFAULT '{}') RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_sign_up(identifier, password, data)::text, 'UTF8');
CREATE FUNCTION api.confirm_sign_up(token text, flow text DEFAULT NULL, password text DEFAULT NULL) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_confirm_sign_up(token, flow, password)::text, 'UTF8');
CREATE FUNCTION api.accept_invitation(token text, password text DEFAULT NULL) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_accept_invitation(token, password)::text, 'UTF8');
CREATE FUNCTION api.identifiers() RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_identifiers()::text, 'UTF8');
CREATE FUNCTION api.add_identifier(identifier text) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_add_identifier(identifier)::text, 'UTF8');
CREATE FUNCTION api.confirm_identifier(token text, flow text DEFAULT NULL) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_confirm_identifier(token, flow)::text, 'UTF8');
CREATE FUNCTION api.remove_identifier(identifier text) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_remove_identifier(identifier)::text, 'UTF8');
CREATE FUNCTION api.undo_change(token text) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_undo_change(token)::text, 'UTF8');
CREATE FUNCTION api.mfa_options(mfa_token text, method text) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_mfa_options(mfa_token, method)::text, 'UTF8');
CREATE FUNCTION api.mfa_verify(mfa_token text, method text, response jsonb) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_mfa_verify(mfa_token, method, response)::text, 'UTF8');
CREATE FUNCTION api.step_up() RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_step_up()::text, 'UTF8');
CREATE FUNCTION api.factors() RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_factors()::text, 'UTF8');
CREATE FUNCTION api.enroll_totp(name text DEFAULT NULL, mfa_token text DEFAULT NULL) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_enroll_totp(name, mfa_token)::text, 'UTF8');
CREATE FUNCTION api.confirm_totp(factor_id uuid, code text, mfa_token text DEFAULT NULL) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_confirm_totp(factor_id, code, mfa_token)::text, 'UTF8');
CREATE FUNCTION api.remove_factor(factor_id uuid) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_remove_factor(factor_id)::text, 'UTF8');
CREATE FUNCTION api.make_recovery_codes() RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_make_recovery_codes()::text, 'UTF8');
CREATE FUNCTION api.passkey_register_options(mfa_token text DEFAULT NULL) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_passkey_register_options(mfa_token)::text, 'UTF8');
CREATE FUNCTION api.passkey_register(credential jsonb, name text DEFAULT NULL, mfa_token text DEFAULT NULL) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_passkey_register(credential, name, mfa_token)::text, 'UTF8');
CREATE FUNCTION api.passkey_login_options() RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_passkey_login_options()::text, 'UTF8');
CREATE FUNCTION api.passkey_login(credential jsonb) RETURNS api."application/json"
	LANGUAGE sql VOLATILE RETURN convert_to(public.jwt_passkey_login(credential)::text, 'UTF8');
SET jwt_auth.webauthn_rp_id = 'example.org';
SELECT test.create_user('fay') AS fay \gset
SELECT set_config('jwt_auth.token', test.login('fay') ->> 'access_token', false);
SELECT jwt_enroll_totp() IS NULL AS unused \gset
UPDATE jwt_auth.factors SET confirmed_at = now();
SELECT test.login('fay') ->> 'mfa_token' AS ticket \gset
SET jwt_auth.sign_up = on;
SELECT set_config('jwt_auth.token', jwt_start_session(:'alice', '{pwd,mfa}') ->> 'access_token', false);
TRUNCATE jwt_auth.login_throttle;
SELECT convert_from(api.request_login('carl@example.org'), 'UTF8')::jsonb ->> 'flow' AS flow \gset
CREATE TABLE public.call (call text);
INSERT INTO public.call VALUES (format('api.login_code(''00000000'', %L)', :'flow')), (format('api.recover(''00000000'', ''another horse battery'', %L)', :'flow')),
	('api.request_login(''carl@example.org'')'), ('api.request_recovery(''carl@example.org'')');
SELECT convert_from(api.sign_up('dan@example.org'), 'UTF8')::jsonb ->> 'flow' AS sign_up, convert_from(api.add_identifier('alice@example.org'), 'UTF8')::jsonb ->> 'flow' AS own \gset
INSERT INTO public.call VALUES (format('api.confirm_sign_up(''00000000'', %L)', :'sign_up')), (format('api.confirm_identifier(''00000000'', %L)', :'own')),
	('api.sign_up(''eve@example.org'')'), ('api.add_identifier(''alice@example.net'')'), ('api.identifiers()'), ('api.remove_identifier(''alice'')'), ('api.accept_invitation(''junk'')'), ('api.undo_change(''junk'')');
INSERT INTO public.call VALUES (format('api.mfa_verify(%L, ''totp'', ''{"code":"x"}'')', :'ticket')), (format('api.mfa_options(%L, ''webauthn'')', :'ticket')),
	(format('api.confirm_totp(%L, ''x'')', jwt_enroll_totp() ->> 'factor_id')), ('api.enroll_totp()'), ('api.remove_factor(gen_random_uuid())'), ('api.step_up()'), ('api.factors()'),
	('api.make_recovery_codes()'), ('api.passkey_register_options()'), ('api.passkey_register(''{}'')'), ('api.passkey_login_options()'), ('api.passkey_login(''{}'')');
CREATE FUNCTION test.select_from(call text, selected text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	EXECUTE format('WITH pgrst_source AS (SELECT %s AS pgrst_scalar) SELECT count(*), (array_agg(%s))[1]::text FROM (SELECT * FROM pgrst_source) AS s', call, selected);
	RETURN '';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE TABLE public.written AS SELECT (SELECT sum(failures) FROM jwt_auth.login_throttle) AS counted, (SELECT count(*) FROM jwt_auth.outbox) AS messages, (SELECT sum(factor_failures) FROM jwt_auth.users) AS failures;
SELECT is(test.select_from(call, format('CAST(pgrst_scalar AS %s)', type)), '42846', format('refused before the call: %s, %s', type, call))
FROM public.call, unnest('{boolean,numeric,date,interval,timestamptz,jsonb,json,point}'::text[]) AS type;
SELECT is((SELECT sum(failures) FROM jwt_auth.login_throttle), counted, 'no wrong code was tried'),
	   is((SELECT sum(factor_failures) FROM jwt_auth.users), failures, 'no wrong code of a second factor was tried'),
	   is((SELECT count(*) FROM jwt_auth.outbox), messages, 'and nothing was sent') FROM public.written;
SELECT is(test.select_from(call, 'CAST(pgrst_scalar AS text)'), '', 'a cast that cannot fail: ' || call) FROM public.call;
SELECT is(failures, 1, 'a wrong code is counted') FROM jwt_auth.one_time_tokens WHERE purpose = 'login';
SELECT is(failures, 1, 'a wrong code is counted: ' || recipient) FROM jwt_auth.one_time_tokens WHERE recipient IN ('dan@example.org', 'alice@example.org');
SELECT is(factor_failures, 1, 'a wrong code of a second factor is counted: ' || username) FROM jwt_auth.users WHERE username IN ('alice', 'fay');
SELECT is(convert_from(api.identifiers(), 'UTF8')::jsonb -> 0 ->> 'identifier', 'alice', 'the bytes of a list of identifiers are its JSON');
SELECT set_config('jwt_auth.token', '', false);
TRUNCATE jwt_auth.login_throttle;

-- What jsonb allows, as a comparison
SELECT is(test.select_of('login_as_json', 'CAST(pgrst_scalar AS integer)', 'wrong'), '22023', 'a cast of jsonb fails after the call');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'a cast of jsonb that fails undoes the row of the failure');
SELECT * FROM finish();
