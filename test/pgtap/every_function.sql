-- Each function of the extensions, one by one (T32, T78, T90, T99): called by a
-- role without rights, under a hostile search_path, where nothing may be written,
-- and with NULL, a megabyte or a foreign type for each argument; whatever a call
-- does, it is gone when it is rolled back. A function that is in no row of the
-- table fails the test.
CREATE EXTENSION jwt_auth SCHEMA public;
CREATE EXTENSION jwt_auth_pgjwt SCHEMA public;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/passkeys.psql
-- At least 980 assertions
SELECT no_plan();
SET jwt_auth.issuer = 'https://own.example';
SET jwt_auth.webauthn_rp_id = 'example.org';
CREATE ROLE regress_every_caller;
CREATE ROLE regress_every_member;

-- What the calls need
SELECT test.create_user('alice', claims => '{"scope":"a b"}') AS alice, jwt_create_key('ES256', 'n1'),
	   jwk_generate('ES256', 'k') AS pair, jwk_generate('HS256') AS secret \gset
SELECT jwt_trust_issuer('https://a.example', jwk_public(:'pair'), 'api');
SELECT jwt_add_provider('idp', 'https://idp.example', '{app}', jwk_public(:'pair'), '{"sign_up":true}');
SELECT test.login('alice') AS login \gset
SELECT :'login'::jsonb ->> 'access_token' AS access, :'login'::jsonb ->> 'refresh_token' AS refresh, test.session_of(:'login') AS sid,
	   jwt_sign('{"aud":"api"}') AS signed, jwk_to_pem(:'pair') AS pem,
	   jwt_sign_with(jsonb_build_object('iss', 'me', 'aud', 'api', 'exp', test.seconds(3600)), :'pair') AS theirs,
	   sign('{"a":1}', 'a secret') AS pgjwt, test.password() AS password \gset
SELECT test.got(credential_id, get_client, authenticator, signature) AS passkey, test.expected_stored(get_challenge) AS passkey_expected,
	   jwt_webauthn_verify_with(test.created(credential_id, create_client, attestation), NULL, test.expected(create_challenge)) -> 'public_key' AS passkey_key
FROM test.ceremony WHERE id = 'none-es256' \gset
SELECT jwt_create_link(:'alice', 'recovery') AS link, jwt_request_recovery('alice@own.example') AS requested, jwt_create_link(:'alice', 'login') AS login_link \gset
SELECT id AS message FROM jwt_auth.outbox \gset
SET jwt_auth.sign_up = on;
SET jwt_auth.anonymous_sign_up = on;
SELECT jwt_sign_up('dan@own.example', test.password()) ->> 'flow' AS flow, jwt_invite('eve@own.example') AS invitation \gset
SELECT m ->> 'token' AS sign_up FROM jsonb_array_elements(jwt_outbox_claim()) AS m WHERE m ->> 'kind' = 'sign_up' \gset
UPDATE jwt_auth.outbox SET leased_until = now();
SELECT m ->> 'token' AS invited FROM jsonb_array_elements(jwt_outbox_claim()) AS m WHERE m ->> 'kind' = 'invitation' \gset
SELECT set_config('jwt_auth.token', :'access', false);
SELECT jwt_create_api_token('script', 'a', '1 h') ->> 'token' AS api_token \gset
SELECT jwt_create_client('machine') ->> 'client_id' AS client \gset
SELECT jwt_enroll_totp() ->> 'factor_id' AS factor \gset
SELECT jwt_external_nonce() ->> 'nonce' AS nonce \gset
SELECT jwt_sign_with(jsonb_build_object('iss', 'https://idp.example', 'aud', 'app', 'sub', 's', 'iat', test.seconds(), 'exp', test.seconds(3600), 'nonce', :'nonce'), :'pair') AS id_token \gset

-- Arguments of a good call, whether it writes, and what it raises if a NULL
-- or a megabyte takes the place of each argument: NULL for nothing, - for what
-- cannot be as long
CREATE TABLE public.call (
	name text PRIMARY KEY, arguments text[] NOT NULL DEFAULT '{}', writes boolean NOT NULL DEFAULT false,
	is_public boolean NOT NULL DEFAULT true, nulls text[] NOT NULL DEFAULT '{}', huge text[] NOT NULL DEFAULT '{}', good text);
INSERT INTO public.call (name, is_public, good) VALUES
	('jwt_auth.follow_user', false, '39P01'), ('jwt_auth.follow_identifier', false, '39P01'), ('jwt_auth.invalidate_caches', false, '39P01');
INSERT INTO public.call (name, arguments, nulls, huge) VALUES
	('jwt_sign_with', ARRAY['{"a":1}', :'pair'], '{22023,22023}', '{22023,22023}'),
	('jwt_password_strength', ARRAY['correct horse', '{alice}'], '{22023,NULL}', '{22023,-}'),
	('jwt_verify_with', ARRAY[:'theirs', jwk_public(:'pair')::text, 'api', 'me'], '{28J00,22023,NULL,NULL}', '{28J00,22023,28J00,28J00}'),
	('jwt_webauthn_verify_with', ARRAY[:'passkey', :'passkey_key', :'passkey_expected'], '{28J00,22023,22023}', '{28J00,22023,22023}'),
	('jwt_decode', ARRAY[:'theirs'], '{28J00}', '{28J00}'),
	('jws_sign', ARRAY['x', :'pair', '{}'], '{22023,22023,22023}', '{22023,22023,22023}'),
	('jws_verify', ARRAY[:'theirs', jwk_public(:'pair')::text], '{28J00,22023}', '{28J00,22023}'),
	('jwk_generate', '{ES256,k}', '{22023,NULL}', '{22023,22023}'),
	('jwk_from_secret', ARRAY['\x' || repeat('5a', 32), 'HS256', 'k'], '{22023,22023,NULL}', '{22023,22023,22023}'),
	('jwk_from_pem', ARRAY[:'pem', 'ES256', 'k'], '{22023,22023,NULL}', '{22P02,22023,22023}'),
	('jwk_public', ARRAY[:'pair'], '{22023}', '{22023}'),
	('jwk_to_pem', ARRAY[:'pair'], '{22023}', '{22023}'),
	('jwk_thumbprint', ARRAY[:'pair'], '{22023}', '{22023}'),
	('jwt_verify', ARRAY[:'signed', 'api', 'https://own.example'], '{28J00,28J00,NULL}', '{28J00,28J00,28J00}'),
	('jwt_jwks', '{}', '{}', '{}'),
	('jwt_discovery', '{}', '{}', '{}'),
	('jwt_sessions', '{}', '{}', '{}'),
	('jwt_identifiers', '{}', '{}', '{}'),
	('jwt_identities', '{}', '{}', '{}'),
	('jwt_authenticate', ARRAY[:'access', 'false'], '{28J03,NULL}', '{28J00,-}'),
	('jwt_pre_request', '{}', '{}', '{}'),
	('jwt_postgrest_config', '{false}', '{NULL}', '{-}'),
	('jwt_factors', '{}', '{}', '{}'),
	('jwt_step_up', '{}', '{}', '{}'),
	('jwt_passkey_register_options', '{NULL}', '{NULL}', '{22023}'),
	('jwt_claims', '{}', '{}', '{}'),
	('jwt_claim', '{scope}', '{NULL}', '{NULL}'),
	('jwt_user_id', '{}', '{}', '{}'),
	('jwt_session_id', '{}', '{}', '{}'),
	('jwt_issuer', '{}', '{}', '{}'),
	('jwt_role', '{}', '{}', '{}'),
	('jwt_actor', '{}', '{}', '{}'),
	('jwt_is_anonymous', '{}', '{}', '{}'),
	('jwt_has_scope', '{a}', '{NULL}', '{NULL}'),
	('jwt_has_role', '{x}', '{NULL}', '{NULL}'),
	('jwt_require_scope', '{a}', '{42501}', '{42501}'),
	('jwt_aal', '{}', '{}', '{}'),
	('jwt_auth_time', '{}', '{}', '{}'),
	('jwt_amr', '{}', '{}', '{}'),
	('jwt_has_aal', '{1,"1 h"}', '{NULL,NULL}', '{-,-}'),
	('jwt_require_aal', '{1,"1 h"}', '{22023,NULL}', '{-,-}'),
	('sign', ARRAY['{}', 'a secret', 'HS256'], '{NULL,NULL,NULL}', '{22023,22023,22023}'),
	('verify', ARRAY[:'pgjwt', 'a secret', 'HS256'], '{NULL,NULL,22023}', '{NULL,22023,22023}'),
	('algorithm_sign', '{x,"a secret",HS256}', '{NULL,NULL,22023}', '{NULL,22023,22023}'),
	('url_encode', '{x}', '{NULL}', '{NULL}'),
	('url_decode', '{eHh4}', '{NULL}', '{22023}'),
	('try_cast_double', '{1}', '{NULL}', '{NULL}');
INSERT INTO public.call (name, arguments, is_public, nulls, huge) VALUES
	('jwt_sign', ARRAY['{}', '1 h', 'e1'], false, '{22023,NULL,NULL}', '{22023,-,22023}'),
	('jwt_introspect', ARRAY[:'access'], false, '{NULL}', '{NULL}'),
	('jwt_explain', ARRAY[:'access'], false, '{NULL}', '{NULL}');
INSERT INTO public.call (name, arguments, writes, is_public, nulls, huge) VALUES
	('jwt_create_key', '{ES256,new}', true, false, '{22023,NULL}', '{22023,22023}'),
	('jwt_rotate_key', '{ES256}', true, false, '{NULL}', '{22023}'),
	('jwt_retire_key', '{n1}', true, false, '{22023}', '{22023}'),
	('jwt_revoke_key', '{n1}', true, false, '{22023}', '{22023}'),
	('jwt_import_key', ARRAY[jwk_generate('ES256')::text], true, false, '{22023}', '{22023}'),
	('jwt_rotate_refresh_key', '{}', true, false, '{}', '{}'),
	('jwt_trust_issuer', ARRAY['https://b.example', jwk_public(:'pair')::text, 'api', '{x}', '{}'], true, false, '{22023,22023,22023,22023,22023}', '{22023,22023,22023,NULL,22023}'),
	('jwt_distrust_issuer', '{https://a.example}', true, false, '{22023}', '{22023}'),
	('jwt_reset_after_restore', '{}', true, false, '{}', '{}'),
	('jwt_find_user', '{alice}', false, false, '{22023}', '{22023}'),
	('jwt_mfa_options', '{x,webauthn}', false, false, '{22023,22023}', '{22023,22023}'),
	('jwt_create_user', ARRAY['carol', test.password(), 'regress_every_member', '{}', 'carol@own.example', '+491701234567', gen_random_uuid()::text], true, false, '{NULL,NULL,NULL,22023,NULL,NULL,NULL}', '{22023,22023,-,22023,22023,22023,-}'),
	('jwt_import_user', ARRAY['carol', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'regress_every_member', '{}', 'carol@own.example', '+491701234567', gen_random_uuid()::text], true, false, '{NULL,22023,NULL,22023,NULL,NULL,NULL}', '{22023,22023,-,22023,22023,22023,-}'),
	('jwt_update_user', ARRAY[:'alice', 'alice2', 'regress_every_member', '{}', 'required', '2'], true, false, '{22023,NULL,NULL,NULL,NULL,NULL}', '{-,22023,-,22023,22023,-}'),
	('jwt_set_password', ARRAY[:'alice', 'another horse battery'], true, false, '{22023,22023}', '{-,22023}'),
	('jwt_disable_user', ARRAY[:'alice'], true, false, '{22023}', '{-}'),
	('jwt_enable_user', ARRAY[:'alice'], true, false, '{22023}', '{-}'),
	('jwt_ban_user', ARRAY[:'alice', 'infinity', 'a reason'], true, false, '{22023,NULL,NULL}', '{-,-,22023}'),
	('jwt_unban_user', ARRAY[:'alice'], true, false, '{22023}', '{-}'),
	('jwt_unlock_user', ARRAY[:'alice'], true, false, '{22023}', '{-}'),
	('jwt_delete_user', ARRAY[:'alice'], true, false, '{22023}', '{-}'),
	('jwt_end_sessions', ARRAY[:'alice'], true, false, '{22023}', '{-}'),
	('jwt_purge', '{10}', true, false, '{22023}', '{-}'),
	('jwt_login', ARRAY['alice', test.password(), '1 h'], true, false, '{22023,22023,NULL}', '{22023,22023,-}'),
	('jwt_impersonate', ARRAY[:'alice', 'a reason', '1 h'], true, false, '{22023,22023,NULL}', '{-,22023,-}'),
	('jwt_start_session', ARRAY[:'alice', '{otp}', '1 h'], true, false, '{22023,NULL,NULL}', '{-,-,-}'),
	('jwt_refresh', ARRAY[:'refresh'], true, false, '{22023}', '{22023}'),
	('jwt_change_password', ARRAY[test.password(), 'another horse battery'], true, false, '{22023,22023}', '{22023,22023}'),
	('jwt_rotate_handle_key', '{}', true, false, '{}', '{}'),
	('jwt_request_recovery', '{alice@own.example}', true, false, '{22023}', '{22023}'),
	('jwt_recover', ARRAY[:'link', 'another horse battery', NULL], true, false, '{22023,22023,NULL}', '{22023,22023,22023}'),
	('jwt_request_login', '{alice@own.example}', true, false, '{22023}', '{22023}'),
	('jwt_login_code', ARRAY[:'login_link', NULL], true, false, '{22023,NULL}', '{22023,22023}'),
	('jwt_add_identifier', '{new@own.example}', true, false, '{22023}', '{22023}'),
	('jwt_confirm_identifier', ARRAY[:'link', NULL], true, false, '{22023,NULL}', '{22023,22023}'),
	('jwt_remove_identifier', '{alice}', true, false, '{22023}', '{22023}'),
	('jwt_undo_change', ARRAY[:'link'], true, false, '{22023}', '{22023}'),
	('jwt_sign_up', ARRAY['frank@own.example', test.password(), '{}'], true, false, '{22023,NULL,22023}', '{22023,22023,22023}'),
	('jwt_sign_up_anonymous', '{"{}"}', true, false, '{22023}', '{22023}'),
	('jwt_confirm_sign_up', ARRAY[:'sign_up', :'flow', test.password()], true, false, '{22023,NULL,NULL}', '{22023,22023,22023}'),
	('jwt_invite', ARRAY['gina@own.example', 'regress_every_member', '{}', '1 h'], true, false, '{22023,NULL,22023,NULL}', '{22023,-,22023,-}'),
	('jwt_revoke_invitation', ARRAY[:'invitation'], true, false, '{22023}', '{-}'),
	('jwt_accept_invitation', ARRAY[:'invited', test.password()], true, false, '{22023,NULL}', '{22023,22023}'),
	('jwt_create_link', ARRAY[:'alice', 'recovery', '1 h'], true, false, '{22023,22023,NULL}', '{-,22023,-}'),
	('jwt_outbox_claim', '{10,"1 min"}', true, false, '{22023,22023}', '{-,-}'),
	('jwt_outbox_sent', ARRAY[:'message'], true, false, '{22023}', '{-}'),
	('jwt_outbox_failed', ARRAY[:'message', 'a reason', '1 min'], true, false, '{22023,NULL,NULL}', '{-,22023,-}'),
	('jwt_passkey_register', ARRAY['{}', NULL, NULL], true, false, '{22023,NULL,NULL}', '{NULL,22023,22023}'),
	('jwt_passkey_login', ARRAY['{}'], true, false, '{22023}', '{NULL}'),
	('jwt_add_provider', ARRAY['new', 'https://new.example', '{app}', jwk_public(:'pair')::text, '{}'], true, false, '{22023,22023,22023,22023,22023}', '{22023,22023,-,22023,22023}'),
	('jwt_update_provider_keys', ARRAY['idp', jwk_public(:'pair')::text], true, false, '{22023,22023}', '{22023,22023}'),
	('jwt_remove_provider', '{idp,false}', true, false, '{22023,22023}', '{22023,-}'),
	('jwt_login_external', ARRAY['idp', :'id_token', :'nonce', 'x'], true, false, '{22023,22023,NULL,NULL}', '{22023,NULL,22023,NULL}'),
	('jwt_link_external', ARRAY['idp', :'id_token', :'nonce', 'x', 'x'], true, false, '{22023,22023,NULL,NULL,NULL}', '{22023,NULL,22023,NULL,22023}'),
	('jwt_unlink_external', '{idp,s}', true, false, '{22023,22023}', '{22023,22023}'),
	('jwt_create_api_token', '{script,a,"1 h"}', true, false, '{22023,22023,22023}', '{22023,22023,-}'),
	('jwt_revoke_api_token', ARRAY[:'sid'], true, false, '{22023}', '{-}'),
	('jwt_login_api_token', ARRAY[:'api_token'], true, false, '{22023}', '{22023}'),
	('jwt_create_client', '{machine,"{}"}', true, false, '{22023,22023}', '{22023,22023}'),
	('jwt_rotate_client_secret', ARRAY[:'client'], true, false, '{22023}', '{-}'),
	('jwt_delete_client', ARRAY[:'client'], true, false, '{22023}', '{-}'),
	('jwt_token', '{"{\"grant_type\":\"client_credentials\"}"}', true, false, '{22023}', '{NULL}'),
	('jwt_consume', ARRAY[jwt_sign('{}'), NULL], true, false, '{28J00,NULL}', '{28J00,28J00}'),
	('jwt_enroll_totp', '{phone,NULL}', true, false, '{NULL,NULL}', '{22023,22023}'),
	('jwt_confirm_totp', ARRAY[:'factor', '123456', NULL], true, false, '{22023,22023,NULL}', '{-,22023,22023}'),
	('jwt_remove_factor', ARRAY[:'factor'], true, false, '{22023}', '{-}'),
	('jwt_mfa_verify', '{x,totp,"{}"}', true, false, '{22023,22023,22023}', '{22023,22023,NULL}'),
	('jwt_reset_factors', ARRAY[:'alice'], true, false, '{22023}', '{-}'),
	('jwt_revoke', ARRAY[:'access'], true, true, '{28J00}', '{NULL}'),
	('jwt_logout', '{local}', true, true, '{22023}', '{22023}'),
	('jwt_revoke_session', ARRAY[:'sid'], true, true, '{22023}', '{-}');
INSERT INTO public.call (name, writes, is_public, good) VALUES
	('jwt_seal_keys', true, false, '55000'), ('jwt_make_recovery_codes', true, false, '28J04'), ('jwt_replace_unsealed_keys', true, false, '55000'), ('jwt_passkey_login_options', false, false, NULL), ('jwt_providers', false, false, NULL), ('jwt_external_nonce', false, false, NULL), ('jwt_api_tokens', false, false, NULL),
	('jwt_check', false, false, NULL), ('jwt_statistics', false, false, NULL), ('jwt_reset_statistics', false, false, NULL);

-- The table is all there is
CREATE VIEW public.function AS
SELECT p.oid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || p.proname AS name, p.proargtypes::oid[] AS types,
	   p.proacl, p.proowner
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname IN ('jwt_auth', 'jwt_auth_pgjwt');
SELECT set_eq('SELECT name FROM public.call', 'SELECT name FROM public.function', 'each function is in the table');
SELECT is(ARRAY[cardinality(arguments), cardinality(nulls), cardinality(huge)], array_fill(pronargs, ARRAY[3]), name || ': each argument is tried')
FROM public.call JOIN public.function USING (name), LATERAL (SELECT cardinality(types) AS pronargs) AS s;

-- A call, with one argument replaced
CREATE FUNCTION test.call(name text, replaced integer DEFAULT 0, by text DEFAULT 'NULL') RETURNS text LANGUAGE sql STABLE AS
$$ SELECT format('SELECT %s(%s)', CASE WHEN name ~ '[.]' THEN name ELSE 'public.' || name END,
				 (SELECT string_agg(CASE number WHEN replaced THEN by ELSE quote_literal(argument) END, ', ' ORDER BY number)
				  FROM unnest(arguments) WITH ORDINALITY AS a (argument, number)))
   FROM public.call AS c WHERE c.name = $1 $$;

-- What a call raises, or NULL, after some settings; all is rolled back
CREATE FUNCTION test.outcome(call text, VARIADIC settings text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	setting text;
BEGIN
	FOREACH setting IN ARRAY settings LOOP
		EXECUTE setting;
	END LOOP;
	EXECUTE call;
	RAISE 'rolled back' USING ERRCODE = 'ZZRBK';
EXCEPTION WHEN OTHERS THEN
	RETURN nullif(SQLSTATE, 'ZZRBK');
END
$$;

-- What there is: rows, and verdicts that a backend remembers
CREATE FUNCTION test.digest(access text, signed text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	digest text := concat_ws(' ', test.outcome(format('SELECT public.jwt_verify(%L)', access)),
							 test.outcome(format('SELECT public.jwt_verify(%L, ''api'')', signed)), current_setting('jwt_auth.token'), current_user);
	part text;
	relation regclass;
BEGIN
	FOR relation IN SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = 'jwt_auth'::regnamespace AND relkind = 'r' ORDER BY oid LOOP
		EXECUTE format('SELECT md5(string_agg(t::text, '' '' ORDER BY t::text)) FROM %s AS t', relation) INTO part;
		digest := concat_ws(' ', digest, part);
	END LOOP;
	RETURN digest;
END
$$;
SELECT test.digest(:'access', :'signed') AS before \gset
\set unchanged 'SELECT is(test.digest(:''access'', :''signed''), :''before'', ''the calls change nothing'')'

-- By a superuser, twice
SELECT is(test.outcome(test.call(name)), good, name || ' works for a superuser'),
	   is(test.outcome(test.call(name)), good, name || ' works a second time') FROM public.call;
:unchanged;

-- What the caller has set stays as it is
CREATE FUNCTION test.settings() RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT jsonb_object_agg(name, setting) || jsonb_build_object('user', current_user) FROM pg_settings $$;
CREATE FUNCTION test.settings_changed(call text, OUT settings jsonb) LANGUAGE plpgsql AS
$$
DECLARE
	before jsonb;
BEGIN
	before := test.settings();
	EXECUTE call;
	settings := test.settings();
	SELECT jsonb_object_agg(key, value) INTO settings FROM jsonb_each(settings) WHERE before -> key IS DISTINCT FROM value;
	RAISE 'rolled back' USING ERRCODE = 'ZZRBK';
EXCEPTION WHEN OTHERS THEN
	IF SQLSTATE <> 'ZZRBK' THEN
		settings := to_jsonb(SQLSTATE);
	END IF;
END
$$;
SELECT is(test.settings_changed(test.call(name)), to_jsonb(good), name || ' leaves settings and role') FROM public.call;
:unchanged;

-- By a role without rights
SELECT is(test.outcome(test.call(name), 'SET LOCAL ROLE regress_every_caller'), CASE WHEN is_public THEN good ELSE '42501' END,
		  name || CASE WHEN is_public THEN ' works for any role' ELSE ' is refused to a role without EXECUTE' END) FROM public.call;
:unchanged;

-- Where nothing may be written
SELECT is(test.outcome(test.call(name), 'SET LOCAL transaction_read_only = on'), CASE WHEN writes THEN '25006' ELSE good END, name || ' in a read-only transaction')
FROM public.call;
:unchanged;

-- NULL for each argument: as documented, and never a default that lets pass more
SELECT is(test.outcome(test.call(name, number::integer)), state, format('%s judges NULL as argument %s', name, number))
FROM public.call, unnest(nulls) WITH ORDINALITY AS n (state, number);
:unchanged;

-- A megabyte for each argument
CREATE FUNCTION test.huge(type oid) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE type::regtype::text
	WHEN 'text' THEN 'repeat(''x'', 1048577)'
	WHEN 'jsonb' THEN 'jsonb_build_object(''a'', repeat(''x'', 1048576))'
	WHEN 'json' THEN 'json_build_object(''a'', repeat(''x'', 1048576))'
	WHEN 'bytea' THEN 'decode(repeat(''5a'', 1048577), ''hex'')'
	WHEN 'name[]' THEN 'array_fill(repeat(''x'', 60)::name, ARRAY[20000])' END $$;
SELECT is(test.outcome(test.call(name, number::integer, test.huge(types[number - 1]))), state, format('%s judges a megabyte as argument %s', name, number))
FROM public.call JOIN public.function USING (name), unnest(huge) WITH ORDINALITY AS h (state, number) WHERE state IS DISTINCT FROM '-';
SELECT is(test.huge(types[number - 1]), NULL, format('%s: the type of argument %s cannot be as long', name, number))
FROM public.call JOIN public.function USING (name), unnest(huge) WITH ORDINALITY AS h (state, number) WHERE state = '-';
:unchanged;

-- Another type for each: there is no such function
SELECT is(test.outcome(test.call(name, number, '''(1,1)''::point')), '42883', format('%s refuses a point as argument %s', name, number))
FROM public.call, generate_series(1, cardinality(arguments)) AS number;

-- Under a search_path in which whatever could be caught raises an error
\ir include/hostile.psql
CREATE TABLE public.prepared AS SELECT name, good, is_public, test.call(name) AS call FROM public.call;
SELECT is(test.outcome(call, 'SET LOCAL search_path = hostile, pg_temp, pg_catalog, public'), good, name || ' works under a hostile search_path'),
	   is(test.outcome(call, 'SET LOCAL search_path = hostile, pg_temp, pg_catalog, public', 'SET LOCAL ROLE regress_every_caller'),
		  CASE WHEN is_public THEN good ELSE '42501' END, name || ' keeps its rights under a hostile search_path')
FROM public.prepared;
SELECT test.raises('SET search_path = hostile, pg_catalog; SELECT pg_catalog.count(*) FROM public.call WHERE name = ''x''', 'XX0HS', 'the hostile search_path takes effect');
SET search_path = public;
:unchanged;

SELECT set_config('jwt_auth.token', '', false);
DROP OWNED BY regress_every_caller, regress_every_member;
DROP ROLE regress_every_caller, regress_every_member;
SELECT * FROM finish();
