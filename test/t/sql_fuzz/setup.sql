-- What stays from round to round: roles, hooks, and a schema in which whatever
-- a search_path could catch raises an error of its own.

CREATE ROLE regress_sql_fuzz_anyone LOGIN;
CREATE ROLE regress_sql_fuzz_admin LOGIN;
CREATE ROLE regress_sql_fuzz_member;
CREATE ROLE regress_sql_fuzz_bypass BYPASSRLS;
CREATE ROLE regress_sql_fuzz_super SUPERUSER;
GRANT regress_sql_fuzz_member, regress_sql_fuzz_bypass TO regress_sql_fuzz_anyone, regress_sql_fuzz_admin;

CREATE SCHEMA hooks;
CREATE FUNCTION hooks.claims(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql
AS $$ SELECT '{"tenant":"fuzzcanary","sub":"ignored"}'::jsonb $$;
CREATE FUNCTION hooks.fail(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql
AS $$ SELECT NULL::jsonb $$;
CREATE FUNCTION hooks.judge(username text, password text) RETURNS text LANGUAGE sql
AS $$ SELECT CASE WHEN password !~ 'canary' THEN 'not this one' END $$;

CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
DO $$
DECLARE
	what text;
	operator text;
	body CONSTANT text := $body$BEGIN RAISE 'caught' USING ERRCODE = 'XX0HS'; END$body$;
BEGIN
	FOREACH what IN ARRAY ARRAY['text, text', 'jsonb, jsonb', 'integer, integer', 'uuid, uuid', 'timestamptz, timestamptz',
		'bytea, bytea', 'boolean, boolean', 'text, text[]', 'name, name', 'oid, oid', 'numeric, numeric', 'bigint, bigint']
	LOOP
		EXECUTE format('CREATE FUNCTION hostile.compare(%s) RETURNS boolean LANGUAGE plpgsql AS %L', what, body);
		FOREACH operator IN ARRAY '{=,<>,<,>,<=,>=}'::text[] LOOP
			EXECUTE format('CREATE OPERATOR hostile.%s (FUNCTION = hostile.compare, LEFTARG = %s, RIGHTARG = %s)',
						   operator, split_part(what, ', ', 1), split_part(what, ', ', 2));
		END LOOP;
	END LOOP;
	FOREACH what IN ARRAY ARRAY['translate(text, text, text) RETURNS text', 'encode(bytea, text) RETURNS text',
		'decode(text, text) RETURNS bytea', 'convert_to(text, name) RETURNS bytea', 'convert_from(bytea, name) RETURNS text',
		'length(text) RETURNS integer', 'lower(text) RETURNS text', 'now() RETURNS timestamptz',
		'clock_timestamp() RETURNS timestamptz', 'jsonb_typeof(jsonb) RETURNS text', 'to_jsonb(text) RETURNS jsonb',
		'current_setting(text) RETURNS text', 'current_setting(text, boolean) RETURNS text', 'format(text) RETURNS text',
		'max(integer) RETURNS integer', 'inet_client_addr() RETURNS inet', 'invalidate_caches() RETURNS text',
		'gen_random_uuid() RETURNS uuid', 'set_config(text, text, boolean) RETURNS text', 'pg_has_role(name, text) RETURNS boolean',
		'jwt_decode(text) RETURNS text', 'jwt_verify(text) RETURNS jsonb', 'jwt_user_id() RETURNS uuid']
	LOOP
		EXECUTE format('CREATE FUNCTION hostile.%s LANGUAGE plpgsql AS %L', what, body);
	END LOOP;
	FOREACH what IN ARRAY '{keys,issuers,identifiers,sessions,revoked_tokens,deleted_users,audit_log,users,refresh_tokens,login_throttle,key_invalidation,pg_class}'::text[] LOOP
		EXECUTE format('CREATE TABLE hostile.%I (kid text)', what);
	END LOOP;
	CREATE DOMAIN hostile.jsonb AS pg_catalog.int4;
	CREATE DOMAIN hostile.text AS pg_catalog.int4;
	CREATE DOMAIN hostile.uuid AS pg_catalog.int4;
END
$$;
