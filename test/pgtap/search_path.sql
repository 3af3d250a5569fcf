-- A caller's search_path (T32) changes nothing: neither functions, operators,
-- casts and types that shadow PostgreSQL's own, nor temporary objects.
CREATE EXTENSION jwt_auth SCHEMA public;
\ir include/jose.psql
-- At least 33 assertions
SELECT no_plan();

CREATE SCHEMA hostile;
CREATE TABLE hostile.trap (what text);
DO $$
DECLARE
	signature text;
BEGIN
	FOREACH signature IN ARRAY ARRAY[
		'translate(text, text, text) RETURNS text', 'encode(bytea, text) RETURNS text',
		'decode(text, text) RETURNS bytea', 'convert_to(text, name) RETURNS bytea',
		'convert_from(bytea, name) RETURNS text', 'length(text) RETURNS integer',
		'lower(text) RETURNS text', 'now() RETURNS timestamptz',
		'clock_timestamp() RETURNS timestamptz', 'jsonb_typeof(jsonb) RETURNS text',
		'jsonb_build_object() RETURNS jsonb', 'to_jsonb(text) RETURNS jsonb',
		'current_setting(text) RETURNS text', 'format(text) RETURNS text',
		'jwt_decode(text) RETURNS text', 'jwt_verify_with(text, jsonb) RETURNS jsonb']
	LOOP
		EXECUTE format('CREATE FUNCTION hostile.%s LANGUAGE plpgsql AS
			$body$BEGIN INSERT INTO hostile.trap VALUES (%L); RETURN NULL; END$body$',
			signature, signature);
	END LOOP;
	CREATE FUNCTION hostile.equal(text, text) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO hostile.trap VALUES (''text = text''); RETURN true; END';
	CREATE FUNCTION hostile.equal(jsonb, jsonb) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO hostile.trap VALUES (''jsonb = jsonb''); RETURN true; END';
	CREATE FUNCTION hostile.member(jsonb, text) RETURNS text LANGUAGE plpgsql AS
		'BEGIN INSERT INTO hostile.trap VALUES (''jsonb ->> text''); RETURN ''x''; END';
	CREATE FUNCTION hostile.less(numeric, numeric) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO hostile.trap VALUES (''numeric < numeric''); RETURN true; END';
	CREATE OPERATOR hostile.= (FUNCTION = hostile.equal, LEFTARG = text, RIGHTARG = text);
	CREATE OPERATOR hostile.= (FUNCTION = hostile.equal, LEFTARG = jsonb, RIGHTARG = jsonb);
	CREATE OPERATOR hostile.->> (FUNCTION = hostile.member, LEFTARG = jsonb, RIGHTARG = text);
	CREATE OPERATOR hostile.< (FUNCTION = hostile.less, LEFTARG = numeric, RIGHTARG = numeric);
	CREATE DOMAIN hostile.jsonb AS pg_catalog.text;
	CREATE DOMAIN hostile.text AS pg_catalog.int4;
	CREATE TEMP TABLE pg_proc (proname name);
	CREATE TEMP TABLE pg_extension (extname name);
END
$$;

-- The calls, with all that they need made beforehand
CREATE TABLE public.call (name pg_catalog.text, statement pg_catalog.text, state pg_catalog.text);
INSERT INTO public.call
SELECT name, format('SELECT public.%s', call), state
FROM (SELECT test.token(test.payload()) AS token, test.token('{"exp":1}') AS expired,
			 test.key('oct', 'HS256') AS secret, test.key('P-256', 'ES256') AS pair,
			 jwk_to_pem(test.key('P-256')) AS pem) AS v,
	 LATERAL (VALUES
		('verify', format('jwt_verify_with(%L, %L)', token, secret), NULL),
		('verify, tampered', format('jwt_verify_with(%L, %L)', token || 'A', secret), '28J00'),
		('verify, expired', format('jwt_verify_with(%L, %L)', expired, secret), '28J01'),
		('verify, audience', format('jwt_verify_with(%L, %L, %L)', token, secret, 'api'), '28J00'),
		('verify, bad key', format('jwt_verify_with(%L, %L)', token, '{}'), '22023'),
		('sign', format('jwt_sign_with(%L, %L)', '{"a":1}', secret), NULL),
		('decode', format('jwt_decode(%L)', token), NULL),
		('jws_sign', format('jws_sign(%L, %L)', 'x', pair), NULL),
		('jws_verify', format('jws_verify(%L, %L)', token, secret), NULL),
		('generate', 'jwk_generate(''ES256'')', NULL),
		('from secret', format('jwk_from_secret(%L)', repeat('x', 32)), NULL),
		('from PEM', format('jwk_from_pem(%L, %L)', pem, 'ES256'), NULL),
		('public', format('jwk_public(%L)', pair), NULL),
		('to PEM', format('jwk_to_pem(%L)', pair), NULL),
		('thumbprint', format('jwk_thumbprint(%L)', pair), NULL)) AS c (name, call, state);
CREATE FUNCTION public.verdicts(OUT name pg_catalog.text, OUT wanted pg_catalog.text,
								OUT had pg_catalog.text)
RETURNS SETOF record
LANGUAGE plpgsql AS
$$
DECLARE
	todo public.call;
BEGIN
	FOR todo IN SELECT * FROM public.call LOOP
		name := todo.name;
		wanted := todo.state;
		had := NULL;
		PERFORM pg_catalog.set_config('search_path', 'hostile, pg_temp, pg_catalog, public', true);
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
SELECT is(had, wanted, name || ' under a hostile search_path') FROM public.verdicts();
SELECT is_empty('SELECT what FROM hostile.trap', 'nothing of the hostile schema was called');

-- Nor do the installed functions carry names that could be caught
SELECT is_empty($$SELECT p.oid::regprocedure
	FROM pg_catalog.pg_proc AS p
	JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid
								  AND d.deptype = 'e'
	JOIN pg_catalog.pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'jwt_auth'
	WHERE p.prosecdef AND NOT coalesce(p.proconfig::text, '') LIKE '%search_path=%'$$,
	'every SECURITY DEFINER function sets its search_path');

-- CREATE EXTENSION itself, under the same path
DROP EXTENSION jwt_auth;
SET search_path = hostile, pg_temp, pg_catalog, public;
CREATE EXTENSION jwt_auth SCHEMA public;
SET search_path = public;
SELECT is_empty('SELECT what FROM hostile.trap', 'CREATE EXTENSION calls nothing of the hostile schema');
SELECT is(had, wanted, name || ', created and called so') FROM public.verdicts();

-- In a schema where others made operators that fit each column's type exactly,
-- as PostgreSQL's own for arrays do not
CREATE SCHEMA theirs;
DO $$
DECLARE
	type text;
	operator text;
BEGIN
	FOR type IN SELECT DISTINCT pg_catalog.format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute AS a
				JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid AND c.relnamespace = 'jwt_auth'::regnamespace AND c.relkind = 'r' WHERE a.attnum > 0
	LOOP
		EXECUTE format('CREATE FUNCTION theirs.compare(%s, %1$s) RETURNS boolean LANGUAGE sql AS ''SELECT true''', type);
		FOREACH operator IN ARRAY '{=,<>,<,>,<=,>=}'::text[] LOOP
			EXECUTE format('CREATE OPERATOR theirs.%s (FUNCTION = theirs.compare, LEFTARG = %s, RIGHTARG = %2$s)', operator, type);
		END LOOP;
	END LOOP;
END
$$;
SELECT is((SELECT count(*) FROM pg_catalog.pg_operator WHERE oprnamespace = 'theirs'::regnamespace AND oprleft = 'text[]'::regtype), 6::bigint,
		  'there are operators of others for arrays of text');
DROP EXTENSION jwt_auth;
CREATE EXTENSION jwt_auth SCHEMA theirs;
SELECT is_empty($$SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid), d.refobjid::regoperator
	FROM pg_catalog.pg_depend AS d
	JOIN pg_catalog.pg_operator AS o ON o.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_operator'::regclass
	WHERE o.oprnamespace = 'theirs'::regnamespace$$, 'no trigger, constraint or view uses operators of the extension''s schema');

SELECT * FROM finish();
