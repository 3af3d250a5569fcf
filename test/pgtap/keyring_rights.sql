-- Rights on stored keys (T78, T80, T90, T99): an ordinary role calls what is
-- PUBLIC's and nothing else (42501); no predefined role reads or writes a row;
-- who is granted a function needs no rights on the tables; NULL is no default;
-- where nothing may be written, changes are 25006.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 233 assertions
SELECT no_plan();
SELECT jwt_create_key('ES256', 'e1'), jwt_create_key('ES256', 'e2'), test.import_own_secret(), jwt_rotate_refresh_key();
SELECT jwt_trust_issuer('https://a.example', jwk_public(jwk_generate('ES256', 'a1')), 'api');
SELECT jwt_sign('{}') AS token \gset

CREATE TABLE public.admin_call (call text, bad_call text, bad_state text);
INSERT INTO public.admin_call VALUES
	('jwt_create_key()', 'jwt_create_key(NULL)', '22023'),
	('jwt_create_key(''HS256'', ''x'')', 'jwt_create_key(NULL, ''x2'')', '22023'),
	('jwt_rotate_key()', NULL, NULL),
	('jwt_rotate_key(''ES384'')', NULL, NULL),
	('jwt_retire_key(''e2'')', 'jwt_retire_key(NULL)', '22023'),
	('jwt_revoke_key(''e2'')', 'jwt_revoke_key(NULL)', '22023'),
	('jwt_import_key(jwk_generate(''ES256''))', 'jwt_import_key(NULL)', '22023'),
	('jwt_rotate_refresh_key()', NULL, NULL),
	('jwt_trust_issuer(''https://b.example'', jwk_public(jwk_generate(''ES256'')), ''api'')',
	 'jwt_trust_issuer(NULL, jwk_public(jwk_generate(''ES256'')), ''api'')', '22023'),
	('jwt_trust_issuer(''https://b.example'', jwk_public(jwk_generate(''ES256'')), ''api'', ''{x}'')',
	 'jwt_trust_issuer(''https://b.example'', NULL, ''api'')', '22023'),
	(NULL, 'jwt_trust_issuer(''https://b.example'', jwk_public(jwk_generate(''ES256'')), NULL)', '22023'),
	(NULL, 'jwt_trust_issuer(''https://b.example'', jwk_public(jwk_generate(''ES256'')), ''api'', NULL)', '22023'),
	('jwt_distrust_issuer(''https://a.example'')', 'jwt_distrust_issuer(NULL)', '22023'),
	('jwt_seal_keys()', NULL, NULL), ('jwt_replace_unsealed_keys()', NULL, NULL),
	('jwt_reset_after_restore()', NULL, NULL),
	('jwt_sign(''{}'')', 'jwt_sign(NULL)', '22023'),
	(NULL, 'jwt_sign(NULL, ''1 h'', ''e1'')', '22023'),
	('jwt_sign(''{}'', NULL, NULL)', NULL, NULL),
	('jwt_introspect(''x'')', NULL, NULL),
	('jwt_explain(''x'')', NULL, NULL);

-- NULL arguments
SELECT test.raises('SELECT ' || bad_call, bad_state, bad_call) FROM public.admin_call WHERE bad_call IS NOT NULL;
SELECT test.raises('SELECT ' || call, '28J00', call)
FROM unnest('{jwt_verify(NULL),"jwt_verify(NULL, ''api'', ''x'')","jwt_verify(token => NULL)"}'::text[]) AS call;
SELECT is(jwt_introspect(NULL), '{"active":false}', 'jwt_introspect(NULL) is not active');
SELECT is(jwt_explain(NULL) ->> 'sqlstate', '28J00', 'jwt_explain(NULL) is not valid');
SELECT is(test.verdict(:'token', NULL, NULL), NULL, 'jwt_verify with NULL for audience and issuer checks neither');
SELECT is((SELECT count(*) FROM jwt_auth.keys WHERE use = 'sig'), 3::bigint, 'calls with NULL left no key');

-- Every function of the extension that is no PUBLIC one is denied, one by one
CREATE ROLE regress_keyring_user;
CREATE ROLE regress_keyring_reader IN ROLE pg_read_all_data, pg_read_all_settings, pg_read_all_stats, pg_monitor;
CREATE ROLE regress_keyring_writer IN ROLE pg_write_all_data, pg_read_all_data, pg_signal_backend;
CREATE ROLE regress_keyring_operator;
GRANT USAGE ON SCHEMA test TO regress_keyring_user, regress_keyring_reader, regress_keyring_writer, regress_keyring_operator;
GRANT SELECT ON public.admin_call TO regress_keyring_user, regress_keyring_operator;
CREATE TABLE public.function AS
SELECT p.oid, p.oid::regprocedure::text AS identity, p.proname, p.prorettype = 'trigger'::regtype AS is_trigger,
	   p.proname IN ('jwt_verify', 'jwt_jwks', 'jwt_sign_with', 'jwt_verify_with', 'jwt_decode', 'jws_sign', 'jws_verify') OR
	   p.proname ~ '^jwk_' AS is_public
FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'jwt_auth'
WHERE p.proname ~ '^(jwk_|jws_|jwt_(sign|verify|decode|introspect|explain|create_key|rotate|retire|revoke_key|import_key|jwks|trust|distrust|seal|replace|reset))'
	OR p.prorettype = 'trigger'::regtype;
SELECT is(has_function_privilege('regress_keyring_user', oid, 'EXECUTE'), is_public,
		  identity || CASE WHEN is_public THEN ' is anyone''s' ELSE ' is not anyone''s' END)
FROM public.function;
SELECT cmp_ok(count(*), '>=', 14::bigint, 'there are functions for admins alone') FROM public.function WHERE NOT is_public;
SET ROLE regress_keyring_user;
SELECT test.raises('SELECT public.' || call, '42501', 'not allowed: ' || call) FROM public.admin_call WHERE call IS NOT NULL;
SELECT is(test.verdict(:'token'), NULL, 'a role without rights can call jwt_verify');
SELECT is(test.verdict(:'token' || 'A'), '28J00', 'jwt_verify called by a role without rights refuses a tampered token');
SELECT cmp_ok(jsonb_array_length(jwt_jwks() -> 'keys'), '>', 0, 'a role without rights can call jwt_jwks');
RESET ROLE;

-- Tables: no rights for anybody; row-level security for those who read or write all
CREATE TABLE public.relation AS
SELECT c.oid::regclass::text AS name, c.relrowsecurity, c.relkind
FROM pg_class AS c WHERE c.relnamespace = 'jwt_auth'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f');
GRANT SELECT ON public.relation TO PUBLIC;
SELECT is(relrowsecurity, true, name || ' has row-level security') FROM public.relation WHERE relkind = 'r';
SELECT is_empty('SELECT polname FROM pg_policy WHERE polrelid::regclass::text LIKE ''jwt_auth.%''', 'no policy opens a table');
SELECT is(has_any_column_privilege('regress_keyring_user', name, kind) OR has_table_privilege('regress_keyring_user', name, kind),
		  false, format('no right to %s %s', kind, name))
FROM public.relation, unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) AS kind;
SELECT is(has_table_privilege('regress_keyring_user', name, kind), false, format('no right to %s %s', kind, name))
FROM public.relation, unnest('{DELETE,TRUNCATE,TRIGGER}'::text[]) AS kind;
SELECT is(has_schema_privilege('regress_keyring_user', 'jwt_auth', kind), false, format('no %s on the schema', kind))
FROM unnest('{USAGE,CREATE}'::text[]) AS kind;
SET ROLE regress_keyring_user;
SELECT test.raises(statement, '42501', 'not allowed: ' || statement)
FROM unnest(ARRAY['SELECT * FROM jwt_auth.keys', 'TABLE jwt_auth.issuers', 'DELETE FROM jwt_auth.keys', 'TRUNCATE jwt_auth.keys',
	'LOCK TABLE jwt_auth.keys', 'CREATE TABLE jwt_auth.x ()', 'DROP TABLE jwt_auth.key_invalidation',
	'SELECT jwt_auth.invalidate_caches()', 'ALTER TABLE jwt_auth.keys DISABLE ROW LEVEL SECURITY']) AS statement;
CREATE TEMP TABLE mine (LIKE pg_catalog.pg_class);
SELECT test.raises('CREATE TRIGGER t AFTER INSERT ON mine EXECUTE FUNCTION jwt_auth.invalidate_caches(''keys'')', '42501',
				   'a role cannot use the trigger function on its own table');
DROP TABLE mine;
RESET ROLE;

SET ROLE regress_keyring_reader;
CREATE FUNCTION pg_temp.rows(name text) RETURNS bigint LANGUAGE plpgsql AS
$$ DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM ' || name INTO n; RETURN n; END $$;
SELECT is(pg_temp.rows(name), 0::bigint, 'pg_read_all_data reads nothing of ' || name) FROM public.relation
WHERE name <> 'jwt_auth.statistics';
SET row_security = off;
SELECT test.raises('SELECT * FROM jwt_auth.keys', '42501', 'pg_read_all_data with row_security off is refused');
RESET row_security;
SELECT test.raises('SELECT public.' || call, '42501', 'not allowed to pg_read_all_data: ' || call)
FROM (VALUES ('jwt_sign(''{}'')'), ('jwt_seal_keys()')) AS v (call);
RESET ROLE;
DROP FUNCTION pg_temp.rows(text);

CREATE TABLE public.rows_before AS SELECT 'k' AS t, md5(k::text) FROM jwt_auth.keys AS k
UNION ALL SELECT 'i', md5(i::text) FROM jwt_auth.issuers AS i;
SET ROLE regress_keyring_writer;
SELECT lives_ok(statement, 'without effect: ' || statement)
FROM unnest(ARRAY['UPDATE jwt_auth.keys SET revoked_at = now()', 'DELETE FROM jwt_auth.keys', 'UPDATE jwt_auth.issuers SET audience = ''x''',
	'DELETE FROM jwt_auth.issuers', 'DELETE FROM jwt_auth.audit_log', 'UPDATE jwt_auth.keys SET private_jwk = ''x'' WHERE true']) AS statement;
SELECT test.raises(statement, '42501', 'not allowed: ' || left(statement, 60))
FROM unnest(ARRAY[
	'INSERT INTO jwt_auth.keys (kid, use, alg, thumbprint, created_at) VALUES (''x'', ''sig'', ''HS256'', ''x'', now())',
	'INSERT INTO jwt_auth.issuers (issuer, audience, roles, jwks, created_at, updated_at) VALUES (''x'', ''x'', ''{}'', ''{}'', now(), now())',
	'INSERT INTO jwt_auth.keys (kid, use, alg, thumbprint, created_at) VALUES (''e1'', ''sig'', ''HS256'', ''x'', now())
	 ON CONFLICT (kid) DO UPDATE SET revoked_at = now()',
	'INSERT INTO jwt_auth.revoked_tokens VALUES ('''', ''x'', now())', 'INSERT INTO jwt_auth.deleted_users VALUES (gen_random_uuid(), now())',
	'MERGE INTO jwt_auth.keys USING (SELECT 1) AS s ON false WHEN NOT MATCHED THEN
	 INSERT (kid, use, alg, thumbprint, created_at) VALUES (''x'', ''sig'', ''HS256'', ''x'', now())',
	'TRUNCATE jwt_auth.keys', 'TRUNCATE jwt_auth.revoked_tokens', 'TRUNCATE jwt_auth.deleted_users', 'ALTER TABLE jwt_auth.keys DISABLE TRIGGER ALL',
	'CREATE TRIGGER t BEFORE INSERT ON jwt_auth.keys EXECUTE FUNCTION suppress_redundant_updates_trigger()',
	'CREATE RULE r AS ON INSERT TO jwt_auth.keys DO INSTEAD NOTHING']) AS statement;
RESET ROLE;
SELECT set_eq('SELECT ''k'', md5(k::text) FROM jwt_auth.keys AS k UNION ALL SELECT ''i'', md5(i::text) FROM jwt_auth.issuers AS i',
			  'SELECT * FROM public.rows_before', 'statements without effect leave all rows');

-- A function that is granted works without any right on the tables, and the
-- caller has no more rights afterwards
SELECT format('GRANT EXECUTE ON FUNCTION %s TO regress_keyring_operator', identity) FROM public.function
WHERE NOT is_public AND NOT is_trigger \gexec
SET ROLE regress_keyring_operator;
SELECT is(test.sqlstate_of('SELECT public.' || call), CASE WHEN call ~ 'seal' THEN '55000' END, 'granted: ' || call)
FROM public.admin_call WHERE call IS NOT NULL AND call !~ 'HS256';
SELECT is(current_user, 'regress_keyring_operator', 'after calls that were granted, current_user is the caller');
SELECT test.raises('SELECT * FROM jwt_auth.keys', '42501', 'a role with EXECUTE on all functions cannot read a table');
SELECT test.raises('SELECT jwt_create_key(''ES256'', ''e1'')', '22023', 'a granted call that fails raises its error');
SELECT is(current_user, 'regress_keyring_operator', 'after a granted call that failed, current_user is the caller');
RESET ROLE;
SELECT is(count(*), 0::bigint, 'the audit log names the user of the session') FROM jwt_auth.audit_log WHERE actor <> session_user;

-- Where nothing may be written
SELECT jwt_sign('{}') AS token \gset
SELECT (SELECT count(*) FROM jwt_auth.keys) AS keys, (SELECT count(*) FROM jwt_auth.audit_log) AS events \gset
BEGIN READ ONLY;
SELECT is(test.sqlstate_of('SELECT public.' || call), CASE WHEN call ~ '^jwt_(sign|introspect|explain)' THEN NULL ELSE '25006' END,
		  'read only: ' || call)
FROM public.admin_call WHERE call IS NOT NULL;
SELECT is(test.verdict(:'token'), NULL, 'jwt_verify works in a read-only transaction');
SELECT is(test.verdict(:'token' || 'A'), '28J00', 'jwt_verify refuses in a read-only transaction');
COMMIT;
SET default_transaction_read_only = on;
SELECT test.raises('SELECT jwt_create_key()', '25006', 'jwt_create_key is refused where transactions are read-only by default');
RESET default_transaction_read_only;
SELECT is((SELECT count(*) FROM jwt_auth.keys), :'keys', 'calls in a read-only transaction create no key'),
	   is((SELECT count(*) FROM jwt_auth.audit_log), :'events', 'calls in a read-only transaction are not audited');

DROP OWNED BY regress_keyring_user, regress_keyring_reader, regress_keyring_writer, regress_keyring_operator;
DROP ROLE regress_keyring_user, regress_keyring_reader, regress_keyring_writer, regress_keyring_operator;
SELECT * FROM finish();
