-- A client of PostgREST that picks what is selected from the answer of a login
-- (F44): where the function returns bytes, named after the media type, no
-- cast can make the request fail after the function was called, which would undo
-- the count of a failure.
-- At least 45 assertions
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
SELECT is(test.select_of('login', format('CAST(pgrst_scalar AS %s)', type), 'wrong'), '42846', 'refused before the call: ' || type || ', ' || n)
FROM unnest('{boolean,numeric,date,interval,timestamptz,jsonb,json,point}'::text[]) AS type, generate_series(1, 4) AS n;
SELECT is(test.error_of(test.login('alice')), 'ok', 'nothing was counted');
SELECT is(test.select_of('login', format('CAST(pgrst_scalar AS %s)', type), 'wrong'), '', 'a cast that cannot fail: ' || type)
FROM unnest('{text,varchar,bytea}'::text[]) AS type;
SELECT is(failures, 3, 'is counted') FROM jwt_auth.login_throttle;
SELECT jwt_unlock_user(:'alice');
SELECT is(test.select_of('login', expression, 'wrong'), '', 'a member cannot fail: ' || expression)
FROM unnest(ARRAY['to_jsonb(pgrst_scalar) -> ''error''', 'CAST(to_jsonb(pgrst_scalar) ->> ''error'' AS integer)',
				  'CAST(to_jsonb(pgrst_scalar) #>> ''{0,a}'' AS date)']) AS expression;
SELECT is(failures, 3, 'is counted') FROM jwt_auth.login_throttle;
SELECT jwt_unlock_user(:'alice');

-- The answer is the JSON text
SELECT is(convert_from(api.login('alice', 'wrong'), 'UTF8')::jsonb ->> 'error', 'invalid_grant', 'a denial'),
	   ok(convert_from(api.login('alice', test.password()), 'UTF8')::jsonb ? 'access_token', 'tokens'),
	   is(pg_typeof(api.login('alice', 'wrong'))::text, 'api."application/json"', 'named after the media type');
SELECT jwt_unlock_user(:'alice');

-- What jsonb allows, as a comparison
SELECT is(test.select_of('login_as_json', 'CAST(pgrst_scalar AS integer)', 'wrong'), '22023', 'jsonb: a cast fails after the call');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'and the row of the failure is gone');
SELECT * FROM finish();
