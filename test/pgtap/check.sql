-- What is set up wrongly or weakly (F41): each finding appears when something causes
-- it, with its severity, for the object that has it and no other, and is gone once
-- that is mended.  A sound database has none.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 149 assertions
SELECT no_plan();
SET client_min_messages = error;
SET session_preload_libraries = 'jwt_auth';
SET jwt_auth.issuer = 'https://own.example';
SET jwt_auth.audience = 'api';
CREATE ROLE regress_check_owner;
CREATE ROLE regress_check_user;
CREATE ROLE regress_check_token;
CREATE ROLE regress_check_powerful BYPASSRLS;
CREATE ROLE regress_check_stranger;
CREATE ROLE regress_check_gateway LOGIN NOINHERIT IN ROLE regress_check_user;
GRANT EXECUTE ON FUNCTION jwt_login, jwt_refresh, jwt_change_password TO regress_check_gateway;
SELECT jwt_create_key('ES256', 'k1') IS NOT NULL, jwt_create_key('ES256', 'k2') IS NOT NULL;
SELECT jwt_create_user('alice', 'correct horse battery', role => 'regress_check_token') AS alice \gset
UPDATE jwt_auth.keys SET sealed_by = 'mk1', was_clear = false;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO regress_check_user, regress_check_token;
CREATE TABLE app.notes (id bigint PRIMARY KEY, owner uuid NOT NULL, tenant text, "Odd ""name" text, note varchar(9));
CREATE INDEX ON app.notes (owner);
ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.notes USING (owner = jwt_user_id());
GRANT SELECT, INSERT ON app.notes TO regress_check_user;
CREATE TABLE app.closed (id integer);
CREATE SCHEMA hooks;
CREATE FUNCTION hooks.claims(id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT claims';
CREATE FUNCTION hooks.password(name text, password text) RETURNS text LANGUAGE sql AS 'SELECT NULL';

-- Everything but what only a restart can mend
CREATE FUNCTION test.findings() RETURNS SETOF text LANGUAGE sql AS
$$ SELECT format('%s: %s (%s)', severity, finding, object) FROM public.jwt_check() WHERE object <> 'shared_preload_libraries' $$;
SELECT is_empty('SELECT test.findings()', 'a sound database has no findings');
SELECT is_empty('SELECT finding FROM jwt_check() WHERE coalesce(remedy, '''') = ''''', 'each finding has a remedy');

-- What causes a finding, and what mends it; an empty remedy undoes the cause by itself
CREATE TABLE test.fault (id serial PRIMARY KEY, cause text NOT NULL, mend text NOT NULL, found text[] NOT NULL);
INSERT INTO test.fault (cause, mend, found) VALUES
	-- The library, keys, and what has to run
	('SET session_preload_libraries = ''''', 'SET session_preload_libraries = ''auto_explain, jwt_auth''',
	 '{warning: sessions begin without the library (session_preload_libraries)}'),
	('SET session_preload_libraries = ''jwt_auth_other''', 'SET session_preload_libraries = ''$libdir/jwt_auth''',
	 '{warning: sessions begin without the library (session_preload_libraries)}'),
	('UPDATE jwt_auth.keys SET revoked_at = now() WHERE use = ''sig''', 'UPDATE jwt_auth.keys SET revoked_at = NULL WHERE use = ''sig''',
	 '{error: no key signs (jwt_auth.keys)}'),
	('SELECT jwt_revoke_key(''k1''); UPDATE jwt_auth.keys SET sealed_by = ''mk1'', was_clear = false WHERE private_jwk IS NOT NULL; DELETE FROM jwt_auth.keys WHERE use = ''sig'' AND activated_at IS NULL',
	 'SELECT jwt_create_key(); UPDATE jwt_auth.keys SET sealed_by = ''mk1'', was_clear = false WHERE private_jwk IS NOT NULL',
	 '{notice: no next key is published (jwt_auth.keys)}'),
	('UPDATE jwt_auth.keys SET revoked_at = now() WHERE use = ''refresh''', 'UPDATE jwt_auth.keys SET revoked_at = NULL WHERE use = ''refresh''',
	 '{warning: a key of handles is missing (refresh)}'),
	('UPDATE jwt_auth.keys SET revoked_at = now() WHERE use = ''handle''', 'UPDATE jwt_auth.keys SET revoked_at = NULL WHERE use = ''handle''',
	 '{warning: a key of handles is missing (handle)}'),
	('UPDATE jwt_auth.keys SET sealed_by = NULL WHERE use = ''hash''', 'UPDATE jwt_auth.keys SET sealed_by = ''mk1'' WHERE use = ''hash''',
	 '{notice: keys are not sealed (jwt_auth.keys)}'),
	('SELECT jwt_trust_issuer(''https://hmac.example'', jwk_generate(''HS256'', ''s''), ''api'')', 'UPDATE jwt_auth.issuers SET sealed_by = ''mk1'', was_clear = false',
	 '{notice: keys are not sealed (https://hmac.example)}'),
	('UPDATE jwt_auth.issuers SET was_clear = true', 'SELECT jwt_distrust_issuer(''https://hmac.example'')',
	 '{warning: a key was stored in the clear before it was sealed (https://hmac.example)}'),
	(format('INSERT INTO jwt_auth.factors (id, user_id, type, secret, created_at) SELECT gen_random_uuid(), %L, ''totp'', ''x'', now()', :'alice'), 'DELETE FROM jwt_auth.factors',
	 '{notice: keys are not sealed (jwt_auth.factors)}'),
	('UPDATE jwt_auth.keys SET kid = ''k9'', was_clear = true WHERE use = ''refresh''', 'UPDATE jwt_auth.keys SET was_clear = false',
	 '{warning: a key was stored in the clear before it was sealed (k9)}'),
	('INSERT INTO jwt_auth.used_handles VALUES (''\x01'', now() - interval ''26 h'')', 'SELECT jwt_purge()',
	 '{warning: what has expired is not purged (jwt_auth.used_handles)}'),
	('INSERT INTO jwt_auth.outbox (id, kind, channel, recipient, created_at, expires_at, leased_until) VALUES (gen_random_uuid(), ''login'', ''email'', ''a@b.example'', now() - interval ''2 d'', now() - interval ''26 h'', now() - interval ''2 d'')', 'SELECT jwt_purge()',
	 '{warning: what has expired is not purged (jwt_auth.outbox)}'),
	('INSERT INTO jwt_auth.login_throttle VALUES (sha256(''x''), 1, now() - interval ''26 h'')', 'SELECT jwt_purge()',
	 '{warning: what has expired is not purged (jwt_auth.login_throttle)}'),
	('INSERT INTO jwt_auth.outbox (id, kind, channel, recipient, created_at, expires_at, leased_until) VALUES (gen_random_uuid(), ''login'', ''email'', ''a@b.example'', now(), now() + interval ''1 h'', now() - interval ''61 min'')', 'SELECT jwt_outbox_claim()',
	 '{warning: messages wait for a mailer (jwt_auth.outbox)}'),
	('SELECT jwt_trust_issuer(''https://i.example'', jwk_public(jwk_generate(''ES256'', ''i'')), ''api'', options => ''{"jwks_uri":"https://i.example/jwks"}'')', 'SELECT jwt_distrust_issuer(''https://i.example'')',
	 '{notice: nobody fetches the keys of the jwks_uri (https://i.example)}'),
	('SELECT jwt_add_provider(''idp'', ''https://i.example'', ''{app}'', jwk_public(jwk_generate(''ES256'', ''i'')), ''{"jwks_uri":"https://i.example/jwks"}'')', 'SELECT jwt_remove_provider(''idp'')',
	 '{notice: nobody fetches the keys of the jwks_uri (idp)}'),
	('INSERT INTO jwt_auth.key_fetches (source, name, uri, tried_at, next_at, failures) VALUES (''issuer'', ''a'', ''https://a.example'', now(), now(), 2), (''issuer'', ''b'', ''https://b.example'', now(), now(), 3)', 'DELETE FROM jwt_auth.key_fetches',
	 '{warning: keys could not be fetched (b)}'),
	-- Hooks that could not be called
	('SET jwt_auth.claims_function = ''hooks.nothing''', 'SET jwt_auth.claims_function = ''hooks.claims''', '{error: there is no such hook function (jwt_auth.claims_function)}'),
	('SET jwt_auth.sign_up_function = ''nowhere.nothing''', 'RESET jwt_auth.sign_up_function', '{error: there is no such hook function (jwt_auth.sign_up_function)}'),
	('SET jwt_auth.password_check_function = ''hooks.claims''', 'SET jwt_auth.password_check_function = ''hooks.password''', '{error: the hook function takes other arguments (jwt_auth.password_check_function)}'),
	('ALTER FUNCTION hooks.claims OWNER TO regress_check_owner', 'ALTER FUNCTION hooks.claims OWNER TO CURRENT_USER', '{error: the owner of the hook function is not trusted (jwt_auth.claims_function)}'),
	('DROP FUNCTION hooks.claims; CREATE PROCEDURE hooks.claims(id uuid, INOUT claims jsonb) LANGUAGE sql AS ''SELECT claims''', 'DROP PROCEDURE hooks.claims; RESET jwt_auth.claims_function',
	 '{error: the hook function is not a plain function (jwt_auth.claims_function)}'),
	('DROP FUNCTION hooks.password; CREATE FUNCTION hooks.password(text, text) RETURNS boolean LANGUAGE sql AS ''SELECT true''', 'DROP FUNCTION hooks.password; RESET jwt_auth.password_check_function',
	 '{error: the hook function returns another type (jwt_auth.password_check_function)}'),
	-- Settings that weaken
	('SET jwt_auth.check_revocation = off', 'SET jwt_auth.check_revocation = on', '{warning: revoked tokens are accepted until they expire (jwt_auth.check_revocation)}'),
	('SET jwt_auth.require_exp = off', 'SET jwt_auth.require_exp = on', '{warning: tokens that never expire are accepted (jwt_auth.require_exp)}'),
	('SET jwt_auth.audit = off', 'SET jwt_auth.audit = security', '{warning: nothing is written to the audit log (jwt_auth.audit)}'),
	('SET jwt_auth.argon2_memory = 19455', 'SET jwt_auth.argon2_iterations = 3', '{warning: password hashes are cheaper than OWASP advises (jwt_auth.argon2_memory)}'),
	('RESET jwt_auth.argon2_memory; SET jwt_auth.argon2_iterations = 1', 'SET jwt_auth.argon2_memory = ''46 MB''', '{warning: password hashes are cheaper than OWASP advises (jwt_auth.argon2_memory)}'),
	('SET jwt_auth.password_min_bits = 0', 'RESET jwt_auth.password_min_bits', '{warning: the strength of new passwords is not checked (jwt_auth.password_min_bits)}'),
	('SET jwt_auth.password_min_length = 7', 'SET jwt_auth.password_min_length = 8', '{warning: new passwords may be shorter than 8 characters (jwt_auth.password_min_length)}'),
	('SET jwt_auth.login_max_failures = 101', 'SET jwt_auth.login_max_failures = 100', '{warning: passwords can be guessed too often (jwt_auth.login_max_failures)}'),
	('SET jwt_auth.leeway = 61', 'SET jwt_auth.leeway = ''1 min''', '{warning: tokens are accepted for more than a minute after their end (jwt_auth.leeway)}'),
	('SET jwt_auth.login_link_any_device = on', 'RESET jwt_auth.login_link_any_device', '{warning: a link logs in on any device (jwt_auth.login_link_any_device)}'),
	('SET jwt_auth.webauthn_origins = ''https://a.example, http://a.example:80,http://localhost.example''', 'SET jwt_auth.webauthn_origins = ''https://a.example http://localhost, http://a.localhost:3000, http://127.0.0.1:80''',
	 '{warning: passkeys are accepted from unencrypted pages (http://a.example:80),warning: passkeys are accepted from unencrypted pages (http://localhost.example)}'),
	('SET log_parameter_max_length_on_error = -1', 'SET log_parameter_max_length_on_error = 0', '{warning: passwords and tokens may be written to the server log (log_parameter_max_length_on_error)}'),
	('SET log_min_duration_statement = ''1 h''', 'SET log_parameter_max_length = 0', '{warning: passwords and tokens may be written to the server log (log_parameter_max_length)}'),
	('SET jwt_auth.access_token_ttl = 3601', 'SET jwt_auth.access_token_ttl = ''1 h''', '{notice: access tokens are valid for more than an hour (jwt_auth.access_token_ttl)}'),
	('RESET jwt_auth.issuer', 'SET jwt_auth.issuer = ''https://own.example''', '{notice: tokens do not say who issued them (jwt_auth.issuer)}'),
	('SET jwt_auth.audience = ''''', 'SET jwt_auth.audience = ''api''', '{notice: tokens do not say whom they are for (jwt_auth.audience)}'),
	('ALTER ROLE regress_check_user SET jwt_auth.token = ''x''', 'ALTER ROLE regress_check_user RESET ALL', '{error: a token is stored in a setting (regress_check_user)}'),
	-- Who may call what, and as whom
	('GRANT EXECUTE ON FUNCTION jwt_refresh TO PUBLIC', 'REVOKE EXECUTE ON FUNCTION jwt_refresh FROM PUBLIC', '{error: anybody may call the function (jwt_refresh(text))}'),
	('ALTER ROLE regress_check_gateway SUPERUSER', 'ALTER ROLE regress_check_gateway NOSUPERUSER', '{error: a role of the gateway bypasses policies (regress_check_gateway)}'),
	('ALTER ROLE regress_check_gateway BYPASSRLS', 'ALTER ROLE regress_check_gateway NOBYPASSRLS', '{error: a role of the gateway bypasses policies (regress_check_gateway)}'),
	('ALTER ROLE regress_check_gateway REPLICATION', 'ALTER ROLE regress_check_gateway NOREPLICATION', '{error: a role of the gateway bypasses policies (regress_check_gateway)}'),
	('CREATE ROLE regress_check_login REPLICATION; GRANT regress_check_login TO regress_check_gateway', 'DROP ROLE regress_check_login', '{error: a role of the gateway bypasses policies (regress_check_gateway)}'),
	('GRANT pg_execute_server_program TO regress_check_gateway', 'REVOKE pg_execute_server_program FROM regress_check_gateway', '{error: a role of the gateway bypasses policies (regress_check_gateway)}'),
	('GRANT regress_check_powerful TO regress_check_gateway', 'REVOKE regress_check_powerful FROM regress_check_gateway', '{error: a role of the gateway bypasses policies (regress_check_gateway)}'),
	('CREATE ROLE regress_check_login LOGIN BYPASSRLS NOINHERIT IN ROLE regress_check_gateway', 'DROP ROLE regress_check_login', '{error: a role of the gateway bypasses policies (regress_check_login)}'),
	('GRANT SELECT (id) ON jwt_auth.users TO regress_check_gateway', 'REVOKE SELECT (id) ON jwt_auth.users FROM regress_check_gateway', '{error: a role of the gateway has rights on tables of jwt_auth (regress_check_gateway)}'),
	('GRANT TRUNCATE ON jwt_auth.audit_log TO PUBLIC', 'REVOKE TRUNCATE ON jwt_auth.audit_log FROM PUBLIC', '{error: a role of the gateway has rights on tables of jwt_auth (regress_check_gateway)}'),
	('GRANT EXECUTE ON FUNCTION jwt_sign, jwt_create_user TO regress_check_gateway', 'REVOKE EXECUTE ON FUNCTION jwt_sign, jwt_create_user FROM regress_check_gateway',
	 '{"warning: a role of the gateway may call functions for administrators (regress_check_gateway: jwt_create_user, jwt_sign)"}'),
	('ALTER ROLE regress_check_gateway INHERIT; REVOKE regress_check_user FROM regress_check_gateway; GRANT regress_check_user TO regress_check_gateway', 'ALTER ROLE regress_check_gateway NOINHERIT; REVOKE regress_check_user FROM regress_check_gateway; GRANT regress_check_user TO regress_check_gateway',
	 '{warning: a login role of the gateway inherits rights on tables (regress_check_gateway)}'),
	-- Tables, policies, views and functions
	('ALTER TABLE app.notes DISABLE ROW LEVEL SECURITY', 'ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY', '{error: requests reach a table without row-level security (app.notes)}'),
	('GRANT SELECT (id) ON app.closed TO regress_check_token', 'REVOKE SELECT (id) ON app.closed FROM regress_check_token', '{error: requests reach a table without row-level security (app.closed)}'),
	('GRANT TRUNCATE ON app.closed TO PUBLIC', 'REVOKE USAGE ON SCHEMA app FROM regress_check_user, regress_check_token', '{error: requests reach a table without row-level security (app.closed)}'),
	('GRANT USAGE ON SCHEMA app TO regress_check_user, regress_check_token', 'REVOKE TRUNCATE ON app.closed FROM PUBLIC', '{error: requests reach a table without row-level security (app.closed)}'),
	('SET jwt_auth.sign_up_role = ''regress_check_stranger''; GRANT USAGE ON SCHEMA app TO regress_check_stranger; GRANT DELETE ON app.closed TO regress_check_stranger', 'RESET jwt_auth.sign_up_role', '{error: requests reach a table without row-level security (app.closed)}'),
	('SELECT jwt_create_client(''x'', jsonb_build_object(''role'', ''regress_check_stranger'', ''jwks'', jwk_public(jwk_generate(''ES256''))))', 'DELETE FROM jwt_auth.clients', '{error: requests reach a table without row-level security (app.closed)}'),
	('ALTER TABLE app.notes OWNER TO regress_check_user', 'ALTER TABLE app.notes FORCE ROW LEVEL SECURITY',
	 '{"error: requests run as the owner of a table, whom its policies do not bind (app.notes)"}'),
	('CREATE VIEW app.shown AS SELECT * FROM app.notes; GRANT SELECT ON app.shown TO regress_check_user', 'ALTER VIEW app.shown SET (security_invoker = on)', '{error: requests reach protected rows through a view of its owner''s (app.shown)}'),
	('CREATE VIEW app.over_it AS SELECT * FROM app.shown; GRANT SELECT ON app.over_it TO PUBLIC', 'ALTER VIEW app.over_it SET (security_invoker)', '{error: requests reach protected rows through a view of its owner''s (app.over_it)}'),
	('CREATE MATERIALIZED VIEW app.kept AS SELECT * FROM app.notes; GRANT SELECT ON app.kept TO regress_check_user', 'REVOKE SELECT ON app.kept FROM regress_check_user', '{error: requests reach protected rows through a view of its owner''s (app.kept)}'),
	('CREATE POLICY "Of claims" ON app.notes USING (owner = (current_setting(''request.jwt.claims'', true)::jsonb ->> ''sub'')::uuid)', 'DROP POLICY "Of claims" ON app.notes', '{"warning: a policy reads request.jwt.claims, which anybody can set (\"Of claims\" on app.notes)"}'),
	('CREATE FUNCTION app.uid() RETURNS text LANGUAGE sql STABLE RETURN current_setting(''request.jwt.claim.sub''); CREATE POLICY other ON app.notes FOR INSERT WITH CHECK (note = app.uid())', 'DROP POLICY other ON app.notes',
	 '{"warning: a policy reads request.jwt.claims, which anybody can set (other on app.notes)"}'),
	('CREATE FUNCTION app.definer() RETURNS integer LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''', 'ALTER FUNCTION app.definer SET search_path = pg_catalog', '{warning: a function with its owner''s rights takes the caller''s search_path (app.definer())}'),
	('CREATE POLICY other ON app.notes USING (tenant = jwt_claim(''tenant''))', 'CREATE INDEX ON app.notes (tenant)', '{notice: a policy compares a column that no index serves (other on app.notes: tenant)}'),
	('DROP POLICY other ON app.notes; CREATE POLICY other ON app.notes USING ((SELECT jwt_claim(''x'')) = "Odd ""name")', 'CREATE INDEX ON app.notes ("Odd ""name", id)', '{"notice: a policy compares a column that no index serves (other on app.notes: \"Odd \"\"name\")"}'),
	('DROP POLICY other ON app.notes; CREATE POLICY other ON app.notes USING (owner::text = jwt_claim(''sub''))', 'CREATE INDEX ON app.notes ((owner::text))', '{notice: a policy compares a column that no index serves (other on app.notes: owner)}'),
	('DROP INDEX app.notes_owner_idx, app.notes_owner_idx1; CREATE INDEX ON app.notes (note, owner)', 'DROP POLICY other ON app.notes; CREATE INDEX ON app.notes (owner)', '{notice: a policy compares a column that no index serves (other on app.notes: owner),notice: a policy compares a column that no index serves (own on app.notes: owner)}'),
	('DROP INDEX app.notes_owner_idx; CREATE INDEX ON app.notes (owner) WHERE id > 0', 'CREATE INDEX ON app.notes (owner)', '{notice: a policy compares a column that no index serves (own on app.notes: owner)}'),
	('DROP POLICY own ON app.notes', 'CREATE POLICY own ON app.notes USING (note = jwt_claim(''note''))', '{notice: row-level security without a policy hides all rows (app.notes)}');

-- With the library in all sessions, none can begin without it
UPDATE test.fault SET found = '{}' WHERE cause LIKE 'SET session\_preload\_libraries%' AND current_setting('shared_preload_libraries') ~ 'jwt_auth';

CREATE FUNCTION test.try(fault test.fault) RETURNS SETOF text LANGUAGE plpgsql AS
$$
BEGIN
	EXECUTE fault.cause;
	RETURN NEXT public.set_eq('SELECT test.findings()', fault.found, 'found: ' || fault.cause);
	EXECUTE fault.mend;
	RETURN NEXT public.is_empty('SELECT test.findings()', 'mended: ' || fault.mend);
END
$$;
SELECT test.try(f) FROM (SELECT f FROM test.fault AS f ORDER BY id) AS s (f);

-- What looks like a fault, and is none
UPDATE jwt_auth.keys SET was_clear = true WHERE use = 'hash';
INSERT INTO jwt_auth.used_handles VALUES ('\x01', now() - interval '1 h');
CREATE TEMP TABLE passing (id integer);
GRANT SELECT ON passing TO PUBLIC;
GRANT SELECT ON app.closed TO regress_check_owner;
CREATE FUNCTION app.invoker() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE VIEW app.unprotected AS SELECT * FROM app.closed;
GRANT SELECT ON app.unprotected TO PUBLIC;
CREATE VIEW app.ungranted AS SELECT * FROM app.notes;
CREATE ROLE regress_check_mailer LOGIN;
GRANT EXECUTE ON FUNCTION jwt_outbox_claim, jwt_outbox_sent, jwt_outbox_failed TO regress_check_mailer;
SELECT is_empty('SELECT test.findings()', 'what is old but not gone, passes with the session, or is out of reach of requests is no finding');

-- Whatever a client has made of names
CREATE TABLE app.quoted (a uuid, b uuid, c uuid, d text);
ALTER TABLE app.quoted ENABLE ROW LEVEL SECURITY;
CREATE POLICY quoted ON app.quoted USING (a = jwt_user_id() OR (SELECT jwt_user_id()) = b OR c = (SELECT jwt_session_id()) OR jwt_claim('d') = d);
CREATE VIEW app.unserved AS SELECT count(*) FROM jwt_check() WHERE finding = 'a policy compares a column that no index serves';
SELECT is((TABLE app.unserved), 4::bigint, 'columns that no index serves are found');
SET quote_all_identifiers = on;
SELECT is((TABLE app.unserved), 4::bigint, 'they are found as well by a client that has all names quoted');
RESET quote_all_identifiers;
DROP TABLE app.quoted;
DROP VIEW app.unserved;

-- Errors come first
SET jwt_auth.leeway = 300;
RESET jwt_auth.issuer;
GRANT EXECUTE ON FUNCTION jwt_login TO PUBLIC;
SELECT is((SELECT string_agg(severity, ' ' ORDER BY number) FROM jwt_check() WITH ORDINALITY AS c (severity, finding, object, remedy, number) WHERE object <> 'shared_preload_libraries'),
	'error warning notice', 'errors come before warnings, and these before notices');
REVOKE EXECUTE ON FUNCTION jwt_login FROM PUBLIC;

-- Rights: nobody's until granted, and then without rights on what it looks at
SET ROLE regress_check_stranger;
SELECT throws_ok('SELECT * FROM jwt_check()', '42501', NULL, 'jwt_check is refused to a role without EXECUTE');
RESET ROLE;
SET ROLE pg_monitor;
SELECT throws_ok('SELECT * FROM jwt_check()', '42501', NULL, 'jwt_check is refused to pg_monitor');
RESET ROLE;
GRANT EXECUTE ON FUNCTION jwt_check TO regress_check_stranger;
SET ROLE regress_check_stranger;
SELECT results_eq('SELECT finding FROM jwt_check() WHERE severity = ''warning''', ARRAY['tokens are accepted for more than a minute after their end'],
	'jwt_check answers a role that was granted it');
SELECT is(current_user::text, 'regress_check_stranger', 'the role stays what it was');
RESET ROLE;

-- Whatever the session has set
SET jwt_auth.issuer = 'https://own.example';
RESET jwt_auth.leeway;
BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY;
SET LOCAL standard_conforming_strings = off;
SET LOCAL bytea_output = 'escape';
SET LOCAL DateStyle = 'German';
SET LOCAL transform_null_equals = on;
SET LOCAL row_security = off;
SELECT is_empty('SELECT test.findings()', 'in a read-only transaction with odd settings, too');
COMMIT;
SELECT throws_ok('SELECT jwt_check(1)', '42883', NULL, 'there is no such function with an argument');

SELECT * FROM finish();
DROP OWNED BY regress_check_owner, regress_check_user, regress_check_token, regress_check_powerful, regress_check_stranger, regress_check_gateway, regress_check_mailer CASCADE;
DROP ROLE regress_check_owner, regress_check_user, regress_check_token, regress_check_powerful, regress_check_stranger, regress_check_gateway, regress_check_mailer;
