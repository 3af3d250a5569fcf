-- Stored keys and issuers take a bounded memory (T81, T86, F51): more of them than
-- a backend remembers are verified all the same, and neither refusals nor
-- changes of keys leave anything behind.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 232 assertions
SELECT no_plan();
SELECT jwt_create_key('ES256', 'active'), test.import_own_secret();
SELECT count(jwt_create_key('ES256', 'k' || n)) FROM generate_series(1, 40) AS n \gset
CREATE TABLE public.issuer AS
SELECT 'https://i' || n || '.example' AS name, jwk_generate('ES256', 'k') AS key FROM generate_series(1, 70) AS n;
SELECT count(jwt_trust_issuer(name, jwk_public(key), 'api')) FROM public.issuer \gset
CREATE TABLE public.token AS
SELECT 'k' || n AS what, jwt_sign('{}', kid => 'k' || n) AS token FROM generate_series(1, 40) AS n
UNION ALL
SELECT name, jwt_sign_with(jsonb_build_object('iss', name, 'aud', 'api', 'exp', test.seconds(600)), key) FROM public.issuer;

SET jwt_auth.token_cache_size = 0;
SELECT is(test.verdict(token), NULL, 'a token of one of many keys and issuers verifies: ' || what) FROM public.token;
SELECT is(test.verdict(token), NULL, 'the tokens verify again in the reverse order: ' || what) FROM public.token ORDER BY what DESC;
SELECT is(count(*), 40::bigint, 'each of forty keys signs') FROM generate_series(1, 40) AS n
WHERE test.kid_of(jwt_sign('{}', kid => 'k' || n)) = 'k' || n;
SELECT cmp_ok(sum(total_bytes)::bigint, '<', 2 * 1024 * 1024::bigint, 'the contexts of keys and issuers have less than 2 MB')
FROM pg_backend_memory_contexts WHERE name ~ '^jwt_auth';
RESET jwt_auth.token_cache_size;

-- Growth of all memory contexts over so many calls, after a third of them; each
-- ends with the SQLSTATE, or with a result
CREATE FUNCTION pg_temp.growth(statement text, calls integer, expected text) RETURNS bigint
LANGUAGE plpgsql AS
$$
DECLARE
	before bigint;
	result text;
	state text;
BEGIN
	FOR n IN 1 .. calls LOOP
		IF n = calls / 3 THEN
			before := (SELECT sum(total_bytes) FROM pg_backend_memory_contexts);
		END IF;
		state := NULL;
		BEGIN
			EXECUTE statement INTO result USING n;
		EXCEPTION WHEN OTHERS THEN
			state := SQLSTATE;
		END;
		IF state IS DISTINCT FROM expected OR state IS NULL AND result IS NULL THEN
			RAISE 'call % ends with "%", not "%": %', n, coalesce(state, result), expected, left(statement, 200);
		END IF;
	END LOOP;
	RETURN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts) - before;
END
$$;
SELECT cmp_ok(pg_temp.growth(statement, calls, state), '<', 100000::bigint, format('%s: growth over %s calls', what, calls))
FROM (VALUES
	('unknown kid', 700, '28J00', 'SELECT jwt_verify(test.hs256(format(''{"alg":"HS256","kid":"u%s"}'', $1), ''{}''))'),
	('unknown issuer', 700, '28J00', 'SELECT jwt_verify(test.own(format(''"iss":"u%s"'', $1)))'),
	('wrong signature', 700, '28J00', 'SELECT jwt_verify(test.own(format(''"n":%s'', $1)) || ''A'')'),
	('expired', 700, '28J01', 'SELECT jwt_verify(test.own(format(''"exp":%s'', $1)))'),
	('explained', 700, NULL, 'SELECT jwt_explain(test.own(format(''"iss":"u%s"'', $1)))'),
	('introspected', 700, NULL, 'SELECT jwt_introspect(test.own(format(''"n":%s'', $1)))'),
	('signed', 400, NULL, 'SELECT jwt_sign(jsonb_build_object(''n'', $1))'),
	('published', 400, NULL, 'SELECT jwt_jwks() FROM (SELECT $1) AS n'),
	('a change that fails', 300, '22023', 'SELECT jwt_create_key(''ES256'', ''k1'') FROM (SELECT $1) AS n'))
	AS v (what, calls, state, statement);

-- The same for changes, each in a transaction of its own
CREATE PROCEDURE public.change(calls integer) LANGUAGE plpgsql AS
$$
BEGIN
	FOR n IN 1 .. calls LOOP
		PERFORM jwt_rotate_key();
		PERFORM jwt_verify(jwt_sign('{}'));
		COMMIT;
		PERFORM jwt_trust_issuer(name, jwk_public(key), 'api') FROM public.issuer OFFSET n % 70 LIMIT 1;
		PERFORM jwt_verify(token) FROM public.token;
		COMMIT;
	END LOOP;
END
$$;
CALL public.change(20);
SELECT sum(total_bytes) AS before FROM pg_backend_memory_contexts \gset
CALL public.change(40);
SELECT cmp_ok(sum(total_bytes)::bigint - :before, '<', 200000::bigint, '40 changes of keys and issuers grow the memory by less than 200 kB')
FROM pg_backend_memory_contexts;

SELECT * FROM finish();
