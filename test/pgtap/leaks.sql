-- A backend that lives long does not grow (T86): verifying, signing, logging in
-- and refreshing, the functions of pgjwt, their errors and their denials leave
-- nothing behind, each in short transactions as a pooled connection sees them.
-- LEAK_CALLS=100000 in the environment runs it in full, with a tenth as many
-- errors, and tells the growth.
\set calls 2000
\getenv calls LEAK_CALLS
-- A sanitizer keeps much of what was freed
\set tool ''
\getenv tool INSTRUMENT
SELECT CASE :'tool' WHEN '' THEN 256 ELSE 1024 * 1024 END * 1024 AS most_bytes
\gset
CREATE EXTENSION jwt_auth;
CREATE EXTENSION jwt_auth_pgjwt;
SET client_min_messages = error;
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;
SET jwt_auth.login_max_failures = 1000;
SET jwt_auth.require_exp = off;
-- At least 108 assertions
SELECT no_plan();

SELECT jwt_create_key('ES256', 'active') \gset
SELECT count(jwt_create_user(name, 'correct horse battery staple')) FROM unnest('{alice,bob,carol}'::text[]) AS name \gset
CREATE FUNCTION public.fail(user_id uuid, claims jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
CREATE FUNCTION pg_temp.log_in() RETURNS text LANGUAGE sql AS
$$ SELECT jwt_login('bob', 'correct horse battery staple') ->> 'refresh_token' $$;

-- What the backend has for itself; shared buffers count for nobody.
CREATE FUNCTION public.resident_bytes() RETURNS bigint LANGUAGE sql AS
$$ SELECT (regexp_match(pg_read_file('/proc/self/status'), 'RssAnon:\s+(\d+) kB'))[1]::bigint * 1024 $$;
CREATE FUNCTION public.context_bytes() RETURNS bigint LANGUAGE sql AS
$$ SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts $$;

-- "$1" in a statement is the number of the call, "$2" what the call before has
-- returned.  The first calls nothing of ours, and shows how well growth is
-- measured.
CREATE TABLE public.work (id integer GENERATED ALWAYS AS IDENTITY, what text, calls bigint, fails boolean, hook text, state text,
						  statement text, errors bigint, contexts bigint, resident bigint);
INSERT INTO public.work (what, calls, fails, hook, state, statement)
SELECT what, :calls / divisor, fails, hook, state, statement
FROM (SELECT jwt_sign('{"a":1}') AS token, jwk_generate('HS256') AS secret, sign('{"a":1}', 'secret') AS sealed) AS v,
	 LATERAL (VALUES
	('nothing', 1, false, '', '', 'SELECT $1::text'),
	('verify', 1, false, '', token, 'SELECT CASE WHEN jwt_verify($2) IS NOT NULL THEN $2 END'),
	('verify new tokens', 1, false, '', '', format('SELECT jwt_verify_with(jwt_sign_with(jsonb_build_object(''exp'', 4102444800 + $1), %L), %L)', secret, secret)),
	('verify new tokens of our own', 1, false, '', '', 'SELECT jwt_verify(jwt_sign(jsonb_build_object(''n'', $1)))'),
	('sign', 1, false, '', '', 'SELECT jwt_sign(jsonb_build_object(''n'', $1))'),
	('log in', 1, false, '', '', 'SELECT jwt_login(''alice'', ''correct horse battery staple'') ->> ''refresh_token'''),
	('refresh', 1, false, '', pg_temp.log_in(), 'SELECT jwt_refresh($2) ->> ''refresh_token'''),
	('log in, denied', 10, false, '', '', 'SELECT jwt_login(''nobody'' || $1, ''correct horse battery staple'') ->> ''error'''),
	('log in, throttled', 10, false, '', '', 'SELECT jwt_login(''carol'', ''not the password'') ->> ''error'''),
	('refresh, denied', 10, false, '', pg_temp.log_in(), 'SELECT $2 FROM jwt_refresh(left($2, -3) || ''AAA'') AS denied WHERE denied ? ''error'''),
	('verify, tampered', 10, true, '', token, 'SELECT jwt_verify($2 || $1)'),
	('verify, new and tampered', 10, true, '', '', 'SELECT jwt_verify(jwt_sign(jsonb_build_object(''n'', $1)) || ''A'')'),
	('sign, too long', 10, true, '', '', 'SELECT jwt_sign(jsonb_build_object(''n'', $1), ''10 y'')'),
	('log in without a password', 10, true, '', '', 'SELECT jwt_login(''alice'' || $1, NULL)'),
	('refresh without a token', 10, true, '', '', 'SELECT jwt_refresh(NULL)'),
	('log in, the hook fails', 10, true, 'public.fail', '', 'SELECT jwt_login(''alice'', ''correct horse battery staple'')'),
	('refresh, the hook fails', 10, true, 'public.fail', pg_temp.log_in(), 'SELECT jwt_refresh($2)'),
	('pgjwt: verify', 1, false, '', sealed, 'SELECT $2 FROM verify($2, ''secret'') WHERE valid'),
	('pgjwt: sign and verify', 1, false, '', '', 'SELECT payload FROM verify(sign(json_build_object(''n'', $1), ''secret''), ''secret'') WHERE valid'),
	('pgjwt: new secrets', 1, false, '', '', 'SELECT payload FROM verify(sign(''{"a":1}'', ''s'' || $1, ''HS512''), ''s'' || $1, ''HS512'') WHERE valid'),
	('pgjwt: url_encode', 1, false, '', '', 'SELECT url_encode(int8send($1))'),
	('pgjwt: url_decode', 1, false, '', '', 'SELECT url_decode(lpad($1::text, 8, ''A''))'),
	('pgjwt: url_decode of base64', 1, false, '', '', 'SELECT url_decode(lpad($1::text, 6, ''A'') || ''A='')'),
	('pgjwt: algorithm_sign', 1, false, '', '', 'SELECT algorithm_sign($1::text, ''s'' || $1 % 2, ''HS384'')'),
	('pgjwt: try_cast_double', 1, false, '', '', 'SELECT try_cast_double($1::text)'),
	('pgjwt: verify, tampered', 10, true, '', sealed, 'SELECT $2 FROM verify($2 || $1, ''secret'') WHERE valid'),
	('pgjwt: verify, expired', 10, true, '', '', 'SELECT payload FROM verify(sign(json_build_object(''exp'', $1), ''secret''), ''secret'') WHERE valid'),
	('pgjwt: verify, no JSON', 10, true, '', '', 'SELECT payload FROM verify(url_encode(int8send($1)) || ''.e30.'' || url_encode(int8send($1)), ''secret'') WHERE valid'),
	('pgjwt: verify, no such algorithm', 10, true, '', sealed, 'SELECT payload FROM verify($2, ''secret'', ''XS'' || $1)'),
	('pgjwt: verify, secret too long', 10, true, '', sealed, 'SELECT payload FROM verify($2, repeat(''s'', 8193))'),
	('pgjwt: sign, no such algorithm', 10, true, '', '', 'SELECT sign(json_build_object(''n'', $1), ''secret'', ''none'')'),
	('pgjwt: sign, secret too long', 10, true, '', '', 'SELECT sign(json_build_object(''n'', $1), repeat(''s'', 8193))'),
	('pgjwt: algorithm_sign, no such algorithm', 10, true, '', '', 'SELECT algorithm_sign($1::text, ''secret'', ''md5'')'),
	('pgjwt: algorithm_sign, secret too long', 10, true, '', '', 'SELECT algorithm_sign($1::text, repeat(''s'', 8193), ''HS256'')'),
	('pgjwt: url_decode, no base64', 10, true, '', '', 'SELECT url_decode(''*'' || $1)'),
	('pgjwt: try_cast_double, no number', 10, true, '', '', 'SELECT try_cast_double(''x'' || $1)'))
	AS w (what, divisor, fails, hook, state, statement);

-- Runs a statement so often; what returns nothing has failed, too.
CREATE PROCEDURE public.run(todo public.work, calls bigint, INOUT state text, INOUT errors bigint) LANGUAGE plpgsql AS
$$
BEGIN
	errors := 0;
	FOR n IN 1 .. calls LOOP
		BEGIN
			EXECUTE todo.statement INTO STRICT state USING n, state;
			IF state IS NULL THEN
				RAISE no_data_found;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			errors := errors + 1;
		END;
		IF n % 10 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
	COMMIT;
END
$$;

-- All work, each after calls that fill what is bounded: the caches of keys,
-- tokens and failures, and the plans, those of this procedure, too.
CREATE PROCEDURE public.run_all() LANGUAGE plpgsql AS
$$
DECLARE
	last_round CONSTANT integer := 11;
	todo public.work;
	last text;
	had bigint;
	context_sizes bigint[];
	resident_sizes bigint[];
BEGIN
	FOR number IN 1 .. (SELECT count(*) FROM public.work) LOOP
		SELECT * INTO todo FROM public.work WHERE id = number;
		PERFORM set_config('jwt_auth.claims_function', todo.hook, false);
		last := todo.state;
		FOR round IN 1 .. last_round LOOP
			CALL public.run(todo, CASE WHEN round < last_round THEN todo.calls / 100 + 50 ELSE todo.calls END, last, had);
			context_sizes[round] := public.context_bytes();
			resident_sizes[round] := public.resident_bytes();
		END LOOP;
		UPDATE public.work
		SET errors = had, contexts = context_sizes[last_round] - context_sizes[last_round - 1],
			resident = resident_sizes[last_round] - resident_sizes[last_round - 1]
		WHERE id = number;
		COMMIT;
	END LOOP;
END
$$;
CALL public.run_all();

SELECT diag(format('%s, %s calls: %s bytes in contexts, %s bytes resident', what, calls, contexts, resident))
FROM public.work WHERE :calls >= 100000 ORDER BY id;
SELECT is(errors, CASE WHEN fails THEN calls ELSE 0 END, what || ': the expected calls fail') FROM public.work ORDER BY id;
SELECT cmp_ok(contexts, '<=', 16384::bigint, format('%s: memory contexts do not grow over %s calls', what, calls)) FROM public.work ORDER BY id;
SELECT cmp_ok(resident, '<=', :most_bytes::bigint, format('%s: resident memory does not grow over %s calls', what, calls)) FROM public.work ORDER BY id;

SELECT * FROM finish();
