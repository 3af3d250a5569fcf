-- Behind PostgREST (T83, F48): each answer of the functions that log in, success too,
-- says that it must not be stored, and a denial sets the status; outside of
-- PostgREST no setting is touched.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 300 assertions
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
-- Links and codes; a message goes out with the first of these requests at most, and the answer is the same
SELECT jwt_create_user('carl', test.password(), email => 'carl@example.org') AS carl \gset
INSERT INTO public.call VALUES ('jwt_request_recovery(''carl@example.org'')', ''), ('jwt_request_recovery(''nobody@example.org'')', ''), ('jwt_request_recovery(''carl'')', '400'), ('jwt_request_recovery('''')', '400'),
	('jwt_request_login(''carl@example.org'')', ''), ('jwt_request_login(''nobody@example.org'')', ''), ('jwt_request_login(''carl'')', '400'),
	('jwt_recover(''junk'', ''another horse battery'')', '400'), ('jwt_recover('''', '''')', '400'), (format('jwt_recover(%L, ''short'')', jwt_create_link(:'carl', 'recovery')), '400'),
	('jwt_login_code(''junk'')', '400'), ('jwt_login_code(''12345678'', ''jaf_x'')', '400'), ('jwt_login_code('''')', '400');
-- Sign-up, invitations, and the identifiers of alice, who has a username and a password
SET jwt_auth.sign_up = on;
CREATE FUNCTION pg_temp.message(recipient text) RETURNS jsonb LANGUAGE sql AS
$$ SELECT m FROM jsonb_array_elements(public.jwt_outbox_claim(100)) AS m WHERE m ->> 'recipient' = $1 $$;
SELECT jwt_sign_up('eve@example.org'), jwt_invite('fay@example.org');
CREATE TEMP TABLE link AS SELECT m ->> 'kind' AS kind, m ->> 'token' AS token FROM jsonb_array_elements(public.jwt_outbox_claim(100)) AS m;
INSERT INTO public.call SELECT format('jwt_confirm_sign_up(%L)', token), '400' FROM link WHERE kind = 'sign_up';
INSERT INTO public.call SELECT format('jwt_confirm_sign_up(%L, NULL, ''short'')', token), '400' FROM link WHERE kind = 'sign_up';
INSERT INTO public.call SELECT format('jwt_accept_invitation(%L, ''short'')', token), '400' FROM link WHERE kind = 'invitation';
INSERT INTO public.call VALUES ('jwt_sign_up(''dan@example.org'')', ''), ('jwt_sign_up(''carl@example.org'', ''another horse battery'')', ''), ('jwt_sign_up(''carl'')', '400'), ('jwt_sign_up('''')', '400'), ('jwt_sign_up(''dan@example.org'', ''short'')', '400'),
	('jwt_confirm_sign_up(''junk'')', '400'), ('jwt_confirm_sign_up(''12345678'', ''jaf_x'')', '400'), ('jwt_confirm_sign_up('''')', '400'),
	('jwt_accept_invitation(''junk'', ''another horse battery'')', '400'), ('jwt_accept_invitation('''')', '400'),
	('jwt_add_identifier(''alice@example.org'')', ''), ('jwt_add_identifier(''carl@example.org'')', ''), ('jwt_add_identifier(''carl'')', '400'), ('jwt_add_identifier(''carl@'')', '400'), ('jwt_add_identifier('''')', '400'),
	('jwt_confirm_identifier(''junk'')', '400'), ('jwt_confirm_identifier(''12345678'', ''jaf_x'')', '400'), ('jwt_confirm_identifier('''')', '400'),
	('jwt_remove_identifier(''carl@example.org'')', '400'), ('jwt_remove_identifier(''alice'')', '400'), ('jwt_remove_identifier('''')', '400'),
	('jwt_undo_change(''junk'')', '400'), ('jwt_undo_change(''12345678'')', '400'), ('jwt_undo_change('''')', '400');
SELECT set_config('jwt_auth.token', :'g2'::jsonb ->> 'access_token', false);
SELECT is(pg_temp.http(call, ''), ' ', 'outside of PostgREST, no header or status is set: ' || left(call, 60)) FROM public.call;
SELECT test.login('alice') AS g1 \gset
SELECT is(pg_temp.http(format('jwt_refresh(%L)', :'g1'::jsonb ->> 'refresh_token'), method), expected, format('a %s: %s', what, method))
FROM (VALUES ('', ' ', 'rotation'), ('POST', pg_temp.expected(''), 'child again')) AS v (method, expected, what);
SELECT test.refresh(:'g1') AS g1 \gset
SELECT is(pg_temp.http(format('jwt_refresh(%L)', :'g1'::jsonb ->> 'refresh_token'), 'POST'), pg_temp.expected(''), 'a rotation by POST sets headers and no status');
SELECT is(pg_temp.http(call, method), pg_temp.expected(status), format('%s: %s', method, left(call, 60))) FROM public.call, unnest('{POST,GET}'::text[]) AS method;
-- Beyond ten requests within an hour
DELETE FROM jwt_auth.login_throttle;
SELECT jwt_add_identifier('alice' || n || '@example.org') FROM generate_series(1, 10) AS n;
SELECT matches(pg_temp.http('jwt_add_identifier(''alice@example.org'')', method), '^429 .*no-store.*, \{"Retry-After": "3[56][0-9]{2}"\}\]$', method || ': an eleventh request for an address') FROM unnest('{POST,GET}'::text[]) AS method;
DELETE FROM jwt_auth.login_throttle;
SELECT is(pg_temp.http('jwt_identifiers()', method), ' ', 'a list of identifiers sets nothing: ' || method) FROM unnest('{POST,GET}'::text[]) AS method;
-- headers that were set before stay
SELECT is(pg_temp.http('jwt_refresh('''')', 'POST', '[{"X-Request-Id": "1"}]'), '400 [{"X-Request-Id": "1"}, {"Cache-Control": "no-store"}, {"Pragma": "no-cache"}]', 'headers of a pre-request function are kept'),
	   is(pg_temp.http('jwt_refresh('''')', 'POST', headers), pg_temp.expected('400'), 'what is no list of headers is replaced: ' || headers)
FROM unnest('{[],"{}",junk}'::text[]) AS headers;
-- JSON allows white space around the list and in it
SELECT is(pg_temp.http('jwt_refresh('''')', 'POST', headers), pg_temp.expected('400'), 'an empty list of headers, or none, with white space: ' || to_json(headers))
FROM unnest(ARRAY['[ ]', E' []\n', E'[\n\t]', ' ', '[', ']']) AS headers;
SELECT is(pg_temp.http('jwt_refresh('''')', 'POST', headers), '400 [{"X-Request-Id": "1"}, {"Cache-Control": "no-store"}, {"Pragma": "no-cache"}]', 'a list of headers with white space is kept: ' || to_json(headers))
FROM unnest(ARRAY[E'[{"X-Request-Id": "1"}]\n', ' [ {"X-Request-Id": "1"} ] ', E'\r\n[\n\t{"X-Request-Id": "1"}\n]']) AS headers;
RESET jwt_auth.login_max_failures;
SELECT jwt_unlock_user(:'alice');
SELECT jwt_login('alice', 'wrong') FROM generate_series(1, 5);
SELECT is(pg_temp.http('jwt_login(''alice'', ''wrong'')', 'POST'), pg_temp.expected('429', ', {"Retry-After": "1"}'), 'a throttled login sets status 429 and Retry-After'),
	   is(pg_temp.http('jwt_change_password(''wrong'', ''x'')', 'POST'), pg_temp.expected('429', ', {"Retry-After": "1"}'), 'a throttled change of password sets status 429 and Retry-After');
SELECT is((SELECT count(*) FROM jsonb_array_elements(substr(pg_temp.http('jwt_login(''alice'', ''wrong'')', 'POST'), 5)::jsonb)), 3::bigint, 'the response headers of a throttled login are JSON');

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
DELETE FROM jwt_auth.login_throttle;

-- Nothing of it outlives the transaction
SELECT set_config('request.method', 'POST', false), set_config('response.status', '', false), set_config('response.headers', '', false);
BEGIN;
SELECT is(jwt_refresh('junk') ->> 'error', 'invalid_grant', 'a malformed refresh token is denied in a transaction');
SELECT is(current_setting('response.status'), '400', 'a denial sets the status in its transaction');
COMMIT;
SELECT is(current_setting('response.status'), '', 'the status does not outlive its transaction'),
	   is(current_setting('response.headers'), '', 'the headers do not outlive their transaction');

-- A link redeemed, and codes that must wait
SELECT set_config('request.method', '', false), set_config('jwt_auth.token', '', false);
SELECT is(pg_temp.http(format('jwt_login_code(%L)', jwt_create_link(:'carl', 'login')), 'POST'), pg_temp.expected(''), 'a login by link'),
	   is(pg_temp.http(format('jwt_recover(%L, ''another horse battery'')', jwt_create_link(:'carl', 'recovery')), 'POST'), pg_temp.expected(''), 'a recovery');
TRUNCATE jwt_auth.login_throttle;
SELECT jwt_request_login('carl@example.org') ->> 'flow' AS flow \gset
SELECT jwt_login_code('00000000', :'flow'), jwt_login_code('00000001', :'flow') FROM generate_series(1, 3);
SELECT is(pg_temp.http(format('%s(''00000000'', %s)', function, arguments), 'POST'), pg_temp.expected(status, header), 'after wrong codes: ' || function)
FROM (VALUES ('jwt_login_code', quote_literal(:'flow'), '429', ', {"Retry-After": "1"}'), ('jwt_recover', '''another horse battery'', ' || quote_literal(:'flow'), '400', '')) AS v (function, arguments, status, header);

-- The same for sign-up, invitations and identifiers
TRUNCATE jwt_auth.login_throttle, jwt_auth.outbox, jwt_auth.one_time_tokens;
SELECT jwt_sign_up('gus@example.org') ->> 'flow' AS flow \gset
SELECT jwt_confirm_sign_up('00000000', :'flow'), jwt_confirm_sign_up('00000001', :'flow') FROM generate_series(1, 3);
SELECT is(pg_temp.http(format('jwt_confirm_sign_up(''00000000'', %L)', :'flow'), 'POST'), pg_temp.expected('429', ', {"Retry-After": "1"}'), 'after wrong codes: jwt_confirm_sign_up');
TRUNCATE jwt_auth.login_throttle, jwt_auth.outbox;
SELECT jwt_sign_up('gus@example.org', 'another horse battery') ->> 'flow' AS flow, pg_temp.message('gus@example.org') AS m \gset
SELECT is(pg_temp.http(format('jwt_confirm_sign_up(%L, %L)', :'m'::jsonb ->> 'token', :'flow'), 'POST'), pg_temp.expected(''), 'a sign-up confirmed by its link'),
	   is(pg_temp.http(format('jwt_confirm_sign_up(%L, %L)', :'m'::jsonb ->> 'token', :'flow'), 'POST'), pg_temp.expected('400'), 'which counts once');
SELECT jwt_invite('hal@example.org'), pg_temp.message('hal@example.org') AS m \gset
SELECT is(pg_temp.http(format('jwt_accept_invitation(%L, ''another horse battery'')', :'m'::jsonb ->> 'token'), 'POST'), pg_temp.expected(status), what)
FROM (VALUES ('', 'an invitation accepted'), ('400', 'and accepted again')) AS v (status, what);
SELECT set_config('jwt_auth.token', test.login('gus@example.org', 'another horse battery') ->> 'access_token', false);
SELECT jwt_add_identifier('gus@example.net') ->> 'flow' AS flow \gset
SELECT jwt_confirm_identifier('00000000', :'flow'), jwt_confirm_identifier('00000001', :'flow') FROM generate_series(1, 3);
SELECT is(pg_temp.http(format('jwt_confirm_identifier(''00000000'', %L)', :'flow'), 'POST'), pg_temp.expected('429', ', {"Retry-After": "1"}'), 'after wrong codes: jwt_confirm_identifier');
TRUNCATE jwt_auth.login_throttle, jwt_auth.outbox;
SELECT jwt_add_identifier('gus@example.net') ->> 'flow' AS flow, pg_temp.message('gus@example.net') AS m \gset
SELECT is(pg_temp.http(format('jwt_confirm_identifier(%L)', :'m'::jsonb ->> 'token'), 'POST'), pg_temp.expected(''), 'an address added by its link'),
	   is(pg_temp.http(format('jwt_confirm_identifier(%L)', :'m'::jsonb ->> 'token'), 'POST'), pg_temp.expected('400'), 'the link again'),
	   is(pg_temp.http('jwt_add_identifier(''gus'')', 'POST'), pg_temp.expected(''), 'a username'),
	   is(pg_temp.http('jwt_remove_identifier(''gus@example.org'')', 'POST'), pg_temp.expected(''), 'an address removed'),
	   is(pg_temp.http('jwt_remove_identifier(''gus@example.org'')', 'POST'), pg_temp.expected('400'), 'and removed again');
-- Beyond twenty changes
TRUNCATE jwt_auth.login_throttle;
SELECT jwt_add_identifier('gus' || n) FROM generate_series(1, 9) AS n;
TRUNCATE jwt_auth.login_throttle;
SELECT jwt_add_identifier('gus' || n) FROM generate_series(10, 18) AS n;
TRUNCATE jwt_auth.login_throttle;
SELECT matches(pg_temp.http(call, 'POST'), '^429 .*no-store.*, \{"Retry-After": "2[0-9]{5}"\}\]$', 'after 20 changes: ' || call) FROM unnest(ARRAY['jwt_remove_identifier(''gus@example.net'')', 'jwt_add_identifier(''gus'')']) AS call;
SELECT m ->> 'token' AS link FROM jsonb_array_elements(jwt_outbox_claim(100)) AS m WHERE m -> 'data' ->> 'change' = 'removed' AND m ->> 'recipient' = 'gus@example.org' \gset
SELECT is(pg_temp.http(format('jwt_undo_change(%L)', :'link'), 'POST'), pg_temp.expected(status), what) FROM (VALUES ('', 'a change undone'), ('400', 'and undone again')) AS v (status, what);
SELECT set_config('jwt_auth.token', '', false);

-- Five minutes after the login
CREATE FUNCTION pg_temp.refusal(call text) RETURNS jsonb LANGUAGE plpgsql AS
$$
DECLARE
	refusal text;
BEGIN
	EXECUTE 'SELECT public.' || call;
	RETURN NULL;
EXCEPTION WHEN SQLSTATE 'PGRST' THEN
	GET STACKED DIAGNOSTICS refusal = PG_EXCEPTION_DETAIL;
	RETURN refusal;
END
$$;
SELECT test.login('gus@example.org', 'another horse battery') AS late \gset
UPDATE jwt_auth.sessions SET auth_time = now() - interval '5 min 1 s' WHERE id = test.session_of(:'late');
SELECT set_config('jwt_auth.token', :'late'::jsonb ->> 'access_token', false), set_config('request.method', 'POST', false);
SELECT is(pg_temp.refusal(call) -> 'status', '401', 'late: ' || call),
	   matches(pg_temp.refusal(call) #>> '{headers,WWW-Authenticate}', '^Bearer error="insufficient_user_authentication", .*max_age="300"$', 'which asks for a login: ' || call)
FROM unnest(ARRAY['jwt_add_identifier(''gus'')', 'jwt_confirm_identifier(''junk'')', 'jwt_remove_identifier(''gus'')']) AS call;
SELECT is(jsonb_typeof(jwt_identifiers()), 'array', 'one''s identifiers can still be seen');
SELECT set_config('request.method', 'GET', false);
BEGIN READ ONLY;
SELECT is(jsonb_typeof(jwt_identifiers()), 'array', 'in a transaction that only reads, too');
COMMIT;
BEGIN READ ONLY;
SELECT test.raises('SELECT ' || call, '25006', 'with GET: ' || call) FROM unnest(ARRAY['jwt_sign_up(''x@y.example'')', 'jwt_confirm_sign_up(''x'')', 'jwt_accept_invitation(''x'')', 'jwt_add_identifier(''x@y.example'')', 'jwt_confirm_identifier(''x'')',
	'jwt_remove_identifier(''x'')', 'jwt_undo_change(''x'')']) AS call;
ROLLBACK;
SELECT set_config('jwt_auth.token', '', false);

-- Errors of misuse stay errors; those of tokens carry their status
SELECT set_config('request.method', 'POST', false);
SELECT test.raises('SELECT ' || call, state, 'behind PostgREST: ' || call)
FROM (VALUES ('jwt_login(NULL, NULL)', '22023'), ('jwt_refresh(NULL)', '22023'), ('jwt_revoke(NULL)', 'PGRST'), ('jwt_request_recovery(NULL)', '22023'), ('jwt_recover(NULL, NULL)', '22023'),
	('jwt_request_login(NULL)', '22023'), ('jwt_login_code(NULL)', '22023'), ('jwt_sign_up(NULL)', '22023'), ('jwt_sign_up(''x@y.example'', NULL, ''[]'')', '22023'), ('jwt_confirm_sign_up(NULL)', '22023'),
	('jwt_accept_invitation(NULL)', '22023'), ('jwt_undo_change(NULL)', '22023')) AS v (call, state);
SET jwt_auth.sign_up = off;
SELECT test.raises('SELECT ' || call, '55000', 'behind PostgREST, off: ' || call) FROM unnest('{jwt_sign_up(''x@y.example''),jwt_confirm_sign_up(''x'')}'::text[]) AS call;
SELECT set_config('jwt_auth.token', '', false);
SELECT test.raises('SELECT ' || call, 'PGRST', 'behind PostgREST, nobody: ' || call)
FROM unnest('{"jwt_change_password(''x'', ''y'')",jwt_logout(),jwt_sessions(),jwt_revoke_session(gen_random_uuid()),jwt_identifiers(),jwt_add_identifier(''x''),jwt_confirm_identifier(''x''),jwt_remove_identifier(''x'')}'::text[]) AS call;
SELECT is(pg_temp.refusal(call) -> 'status', '401', 'which is status 401: ' || call) FROM unnest('{jwt_identifiers(),jwt_add_identifier(''x''),jwt_confirm_identifier(''x''),jwt_remove_identifier(''x'')}'::text[]) AS call;
SELECT set_config('request.method', '', false);
SELECT test.raises('SELECT jwt_logout()', '28J03', 'outside of PostgREST, jwt_logout without identity raises 28J03');

SELECT * FROM finish();
