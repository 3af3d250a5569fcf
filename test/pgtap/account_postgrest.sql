-- Behind PostgREST (T83, F48): each answer of the three functions, success too,
-- says that it must not be stored, and a denial sets the status; outside of
-- PostgREST no setting is touched.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 87 assertions
SELECT no_plan();
SELECT test.create_user('alice') AS alice \gset

CREATE FUNCTION pg_temp.http(call text, method text, headers text DEFAULT '') RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	answer jsonb;
BEGIN
	PERFORM set_config('request.method', method, true), set_config('response.headers', headers, true), set_config('response.status', '', true);
	EXECUTE 'SELECT public.' || call INTO answer;
	RETURN current_setting('response.status') || ' ' || current_setting('response.headers');
END
$$;
CREATE FUNCTION pg_temp.expected(status text, more text DEFAULT '') RETURNS text LANGUAGE sql AS
$$ SELECT status || ' [{"Cache-Control": "no-store"}, {"Pragma": "no-cache"}' || more || ']' $$;
SET jwt_auth.login_max_failures = 1000;
SELECT test.login('alice') AS g2 \gset
CREATE TABLE public.call (call text, status text);
INSERT INTO public.call VALUES ('jwt_login(''alice'', ''correct horse battery staple'')', ''), ('jwt_login(''alice'', ''wrong'')', '400'), ('jwt_login(''nobody'', ''wrong'')', '400'), ('jwt_login('''', '''')', '400'),
	('jwt_refresh(''junk'')', '400'), ('jwt_refresh('''')', '400'),
	('jwt_change_password(''correct horse battery staple'', ''correct horse battery staple'')', ''), ('jwt_change_password(''wrong'', ''another horse battery'')', '400'),
	('jwt_change_password(''correct horse battery staple'', ''short'')', '400');
SELECT set_config('jwt_auth.token', :'g2'::jsonb ->> 'access_token', false);
SELECT is(pg_temp.http(call, ''), ' ', 'outside: ' || left(call, 60)) FROM public.call;
SELECT test.login('alice') AS g1 \gset
SELECT is(pg_temp.http(format('jwt_refresh(%L)', :'g1'::jsonb ->> 'refresh_token'), method), expected, format('a %s: %s', what, method))
FROM (VALUES ('', ' ', 'rotation'), ('POST', pg_temp.expected(''), 'child again')) AS v (method, expected, what);
SELECT test.refresh(:'g1') AS g1 \gset
SELECT is(pg_temp.http(format('jwt_refresh(%L)', :'g1'::jsonb ->> 'refresh_token'), 'POST'), pg_temp.expected(''), 'a rotation: POST');
SELECT is(pg_temp.http(call, method), pg_temp.expected(status), format('%s: %s', method, left(call, 60))) FROM public.call, unnest('{POST,GET}'::text[]) AS method;
-- headers that were set before stay
SELECT is(pg_temp.http('jwt_refresh('''')', 'POST', '[{"X-Request-Id": "1"}]'), '400 [{"X-Request-Id": "1"}, {"Cache-Control": "no-store"}, {"Pragma": "no-cache"}]', 'headers of a pre-request function stay'),
	   is(pg_temp.http('jwt_refresh('''')', 'POST', headers), pg_temp.expected('400'), 'what is no list of headers does not: ' || headers)
FROM unnest('{[],"{}",junk}'::text[]) AS headers;
-- JSON allows white space around the list and in it
SELECT is(pg_temp.http('jwt_refresh('''')', 'POST', headers), pg_temp.expected('400'), 'an empty list, or none, with white space: ' || to_json(headers))
FROM unnest(ARRAY['[ ]', E' []\n', E'[\n\t]', ' ', '[', ']']) AS headers;
SELECT is(pg_temp.http('jwt_refresh('''')', 'POST', headers), '400 [{"X-Request-Id": "1"}, {"Cache-Control": "no-store"}, {"Pragma": "no-cache"}]', 'a list with white space stays: ' || to_json(headers))
FROM unnest(ARRAY[E'[{"X-Request-Id": "1"}]\n', ' [ {"X-Request-Id": "1"} ] ', E'\r\n[\n\t{"X-Request-Id": "1"}\n]']) AS headers;
RESET jwt_auth.login_max_failures;
SELECT jwt_unlock_user(:'alice');
SELECT jwt_login('alice', 'wrong') FROM generate_series(1, 5);
SELECT is(pg_temp.http('jwt_login(''alice'', ''wrong'')', 'POST'), pg_temp.expected('429', ', {"Retry-After": "1"}'), 'throttled'),
	   is(pg_temp.http('jwt_change_password(''wrong'', ''x'')', 'POST'), pg_temp.expected('429', ', {"Retry-After": "1"}'), 'a change of password, too');
SELECT is((SELECT count(*) FROM jsonb_array_elements(substr(pg_temp.http('jwt_login(''alice'', ''wrong'')', 'POST'), 5)::jsonb)), 3::bigint, 'the headers are JSON');

-- A session that prints plans hears no less, and prints them afterwards
CREATE FUNCTION pg_temp.printing(setting text, call text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	told text;
BEGIN
	PERFORM set_config('debug_print_' || setting, 'on', true);
	told := pg_temp.http(call, 'POST') || CASE current_setting('debug_print_' || setting) WHEN 'off' THEN ', not restored' ELSE '' END;
	PERFORM set_config('debug_print_' || setting, 'off', true);
	RETURN told;
END
$$;
SET jwt_auth.login_max_failures = 1000;
SELECT jwt_unlock_user(:'alice');
SET log_min_messages = fatal;
SELECT test.login('alice') AS g2 \gset
SELECT set_config('jwt_auth.token', :'g2'::jsonb ->> 'access_token', false);
SELECT is(pg_temp.printing(setting, call), pg_temp.expected(status), format('debug_print_%s: %s', setting, left(call, 60))) FROM unnest('{parse,rewritten,plan}'::text[]) AS setting, public.call;
RESET log_min_messages;
RESET jwt_auth.login_max_failures;

-- Nothing of it outlives the transaction
SELECT set_config('request.method', 'POST', false), set_config('response.status', '', false), set_config('response.headers', '', false);
BEGIN;
SELECT is(jwt_refresh('junk') ->> 'error', 'invalid_grant', 'a denial');
SELECT is(current_setting('response.status'), '400', 'sets the status');
COMMIT;
SELECT is(current_setting('response.status'), '', 'of its transaction'), is(current_setting('response.headers'), '', 'and its headers');

-- Errors of misuse stay errors; those of tokens carry their status
SELECT set_config('request.method', 'POST', false);
SELECT test.raises('SELECT ' || call, state, 'behind PostgREST: ' || call)
FROM (VALUES ('jwt_login(NULL, NULL)', '22023'), ('jwt_refresh(NULL)', '22023'), ('jwt_revoke(NULL)', 'PGRST')) AS v (call, state);
SELECT set_config('jwt_auth.token', '', false);
SELECT test.raises('SELECT ' || call, 'PGRST', 'behind PostgREST, nobody: ' || call)
FROM unnest('{"jwt_change_password(''x'', ''y'')",jwt_logout(),jwt_sessions(),jwt_revoke_session(gen_random_uuid())}'::text[]) AS call;
SELECT set_config('request.method', '', false);
SELECT test.raises('SELECT jwt_logout()', '28J03', 'and outside');

SELECT * FROM finish();
