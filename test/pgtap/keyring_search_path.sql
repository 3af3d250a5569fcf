-- A caller's search_path (T32) changes nothing of stored keys: neither
-- functions, operators, casts, types, tables and temporary objects that stand
-- before PostgreSQL's own and the extension's, nor a schema named like it.
CREATE EXTENSION jwt_auth SCHEMA public;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 53 assertions
SELECT no_plan();
SELECT jwt_create_key('ES256', 'e1'), test.import_own_secret(), jwt_rotate_refresh_key();
SELECT jwt_trust_issuer('https://a.example', jwk_public(test.key('Ed25519', 'EdDSA') || '{"kid":"t"}'), 'api');

CREATE SCHEMA hostile;
CREATE TABLE hostile.trap (what text);
DO $$
DECLARE
	what text;
BEGIN
	FOREACH what IN ARRAY ARRAY['text, text', 'jsonb, jsonb', 'integer, integer', 'uuid, uuid', 'timestamptz, timestamptz',
								'bytea, bytea', 'boolean, boolean', 'text, text[]', 'name, name', 'oid, oid']
	LOOP
		EXECUTE format('CREATE FUNCTION hostile.compare(%s) RETURNS boolean LANGUAGE plpgsql AS
			$body$BEGIN INSERT INTO hostile.trap VALUES (%L); RETURN true; END$body$', what, what);
		EXECUTE format('CREATE OPERATOR hostile.= (FUNCTION = hostile.compare, LEFTARG = %s, RIGHTARG = %s)',
					   split_part(what, ', ', 1), split_part(what, ', ', 2));
		CONTINUE WHEN split_part(what, ', ', 1) <> split_part(what, ', ', 2);
		EXECUTE format('CREATE OPERATOR hostile.<> (FUNCTION = hostile.compare, LEFTARG = %s, RIGHTARG = %s)',
					   split_part(what, ', ', 1), split_part(what, ', ', 2));
		EXECUTE format('CREATE OPERATOR hostile.< (FUNCTION = hostile.compare, LEFTARG = %s, RIGHTARG = %s)',
					   split_part(what, ', ', 1), split_part(what, ', ', 2));
		EXECUTE format('CREATE OPERATOR hostile.> (FUNCTION = hostile.compare, LEFTARG = %s, RIGHTARG = %s)',
					   split_part(what, ', ', 1), split_part(what, ', ', 2));
	END LOOP;
	FOREACH what IN ARRAY ARRAY['max(integer) RETURNS integer', 'max(timestamptz) RETURNS timestamptz', 'now() RETURNS timestamptz',
		'inet_client_addr() RETURNS inet', 'format(text) RETURNS text', 'clock_timestamp() RETURNS timestamptz',
		'lower(text) RETURNS text', 'invalidate_caches() RETURNS text', 'jsonb_typeof(jsonb) RETURNS text',
		'jwt_sign(jsonb) RETURNS text', 'jwt_create_key() RETURNS text']
	LOOP
		EXECUTE format('CREATE FUNCTION hostile.%s LANGUAGE plpgsql AS
			$body$BEGIN INSERT INTO hostile.trap VALUES (%L); RETURN NULL; END$body$', what, what);
	END LOOP;
	FOREACH what IN ARRAY '{keys,issuers,sessions,revoked_tokens,deleted_users,audit_log,users,key_invalidation,revocation_invalidation,pg_class,pg_namespace}'::text[]
	LOOP
		EXECUTE format('CREATE TABLE hostile.%I (kid text)', what);
		EXECUTE format('CREATE TEMP TABLE %I (kid text)', what);
	END LOOP;
	CREATE DOMAIN hostile.jsonb AS pg_catalog.int4;
	CREATE DOMAIN hostile.text AS pg_catalog.int4;
	CREATE DOMAIN hostile.timestamptz AS pg_catalog.int4;
END
$$;

CREATE TABLE public.call (statement pg_catalog.text, state pg_catalog.text);
INSERT INTO public.call
SELECT 'SELECT public.' || call, state
FROM (SELECT jwt_sign('{}') AS token, test.own('"exp":1') AS expired, jwk_generate('ES256', 'i1') AS key,
			 jwt_sign_with(pg_catalog.jsonb_build_object('iss', 'https://a.example', 'aud', 'api', 'exp', test.seconds(600)),
						   test.key('Ed25519', 'EdDSA') || '{"kid":"t"}') AS theirs) AS v,
	 LATERAL (VALUES
	('jwt_sign(''{}'')', NULL), ('jwt_sign(''{}'', ''1 h'', ''h1'')', NULL), ('jwt_sign(''{}'', NULL, ''none'')', '22023'),
	(format('jwt_verify(%L)', token), NULL), (format('jwt_verify(%L)', token || 'A'), '28J00'),
	(format('jwt_verify(%L)', expired), '28J01'), (format('jwt_verify(%L)', theirs), NULL),
	(format('jwt_explain(%L)', token), NULL), (format('jwt_introspect(%L)', theirs), NULL), ('jwt_jwks()', NULL),
	('jwt_create_key(''ES256'', ''c1'')', NULL), ('jwt_create_key(''ES256'', ''e1'')', '22023'),
	(format('jwt_import_key(%L)', key), NULL), (format('jwt_import_key(%L)', key), '22023'),
	('jwt_retire_key(''e1'')', '55000'), ('jwt_retire_key(''i1'')', NULL), ('jwt_retire_key(''none'')', '22023'),
	('jwt_rotate_key()', NULL), ('jwt_revoke_key(''c1'')', NULL), ('jwt_revoke_key(''none'')', '22023'),
	('jwt_rotate_refresh_key()', NULL), ('jwt_seal_keys()', '55000'), ('jwt_replace_unsealed_keys()', '55000'),
	(format('jwt_trust_issuer(''https://b.example'', %L, ''api'', ''{x}'')', jwk_public(key)), NULL),
	('jwt_distrust_issuer(''https://a.example'')', NULL), ('jwt_distrust_issuer(''https://a.example'')', '22023'),
	(format('jwt_verify(%L)', theirs), '28J00'), ('jwt_reset_after_restore()', NULL), (format('jwt_verify(%L)', token), '28J00'))
	AS c (call, state);

CREATE FUNCTION public.verdicts(path pg_catalog.text, OUT call pg_catalog.text, OUT wanted pg_catalog.text, OUT had pg_catalog.text)
RETURNS SETOF record LANGUAGE plpgsql AS
$$
DECLARE
	todo public.call;
BEGIN
	FOR todo IN SELECT * FROM public.call LOOP
		call := pg_catalog.left(todo.statement, 50);
		wanted := todo.state;
		had := NULL;
		PERFORM pg_catalog.set_config('search_path', path, true);
		BEGIN
			EXECUTE todo.statement;
		EXCEPTION WHEN OTHERS THEN
			had := SQLSTATE;
		END;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, public', true);
		RETURN NEXT;
	END LOOP;
END
$$;
-- In this session plans are made under the hostile path; direct changes of the
-- owner's fire the triggers under it
SELECT is(had, wanted, call || ' under a hostile search_path') FROM public.verdicts('hostile, pg_temp, pg_catalog, public');
SET search_path = hostile, pg_temp, pg_catalog, public;
UPDATE jwt_auth.keys SET revoked_at = pg_catalog.now() WHERE kid OPERATOR(pg_catalog.=) 'h1';
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'j', pg_catalog.now());
DELETE FROM jwt_auth.revoked_tokens;
INSERT INTO jwt_auth.deleted_users VALUES (pg_catalog.gen_random_uuid(), pg_catalog.now());
DELETE FROM jwt_auth.deleted_users;
SET search_path = public;
SELECT is_empty('SELECT DISTINCT what FROM hostile.trap', 'no function or operator of the hostile schema was called');
SELECT is((SELECT pg_catalog.count(*) FROM hostile.keys) + (SELECT pg_catalog.count(*) FROM pg_temp.keys)
		  + (SELECT pg_catalog.count(*) FROM hostile.audit_log), 0::bigint, 'no table of the hostile or temporary schema was written');
SELECT cmp_ok((SELECT pg_catalog.count(*) FROM jwt_auth.audit_log), '>', 8::bigint, 'jwt_auth.audit_log was written');

-- CREATE EXTENSION under that path, and all of it again
DROP EXTENSION jwt_auth;
SET search_path = hostile, pg_temp, pg_catalog, public;
CREATE EXTENSION jwt_auth SCHEMA public;
SELECT public.jwt_create_key('ES256', 'e1');
SET search_path = public;
SELECT test.import_own_secret(), jwt_trust_issuer('https://a.example', jwk_public(test.key('Ed25519', 'EdDSA') || '{"kid":"t"}'), 'api');
SELECT is(had, wanted, call || ', created so') FROM public.verdicts('hostile, pg_temp, pg_catalog, public')
WHERE call !~ 'jwt_verify|jwt_introspect';
SELECT is_empty('SELECT DISTINCT what FROM hostile.trap', 'CREATE EXTENSION calls nothing of the hostile schema');

SELECT * FROM finish();
