-- No call leaks, whether it succeeds or fails as it should (T10, T86, F51): the
-- backend's resident memory does not grow with the number of calls.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 19 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

CREATE FUNCTION pg_temp.resident_kilobytes() RETURNS bigint
LANGUAGE sql VOLATILE AS
$$ SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmRSS:\s+(\d+) kB'))[1]::bigint $$;

-- Growth of memory over so many calls of a statement, of which each ends with the
-- SQLSTATE, or with a result. "$1" in it is the number of the call, so that caches
-- see new values.
CREATE FUNCTION pg_temp.growth(statement text, calls integer, expected text) RETURNS bigint
LANGUAGE plpgsql AS
$$
DECLARE
	before bigint;
	result text;
	state text;
BEGIN
	FOR n IN 1 .. calls + calls / 2 LOOP
		IF n = calls / 2 THEN
			before := pg_temp.resident_kilobytes();
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
	RETURN pg_temp.resident_kilobytes() - before;
END
$$;

CREATE TEMP TABLE work AS
SELECT what, calls, state, statement
FROM (SELECT test.token('{"a":1}') AS token, test.key('oct', 'HS256') AS secret,
			 test.key('P-256', 'ES256') AS ec, test.key('RSA', 'RS256') AS rsa,
			 test.key('Ed25519', 'EdDSA') AS okp) AS k,
	 LATERAL (VALUES
		('verified', 8000, NULL::text, format('SELECT jwt_verify_with(%L, %L)', token, secret)),
		('new keys each time', 3000, NULL, format('SELECT jwt_verify_with(%L, %L::jsonb || jsonb_build_object(''x'', $1))', token, secret)),
		('new EC keys each time', 2000, NULL, format('SELECT jws_sign(''x'', %L::jsonb || jsonb_build_object(''x-n'', $1))', ec)),
		('new RSA keys each time', 400, NULL, format('SELECT jwk_thumbprint(%L::jsonb || jsonb_build_object(''x'', $1))', rsa - 'd' - 'p' - 'q' - 'dp' - 'dq' - 'qi')),
		('new Ed25519 keys each time', 2000, NULL, format('SELECT jws_sign(''x'', %L::jsonb || jsonb_build_object(''x-n'', $1))', okp)),
		('wrong signature', 8000, '28J00', format('SELECT jwt_verify_with(%L, %L)', test.tampered(token), secret)),
		('no token', 8000, '28J00', format('SELECT jwt_verify_with(''x'' || $1, %L)', secret)),
		('no JSON', 8000, '28J00', format('SELECT jwt_verify_with(%L, %L)', test.token('{"a":"\u0000"}'), secret)),
		('wrong ECDSA signature', 2000, '28J00', format('SELECT jws_verify(%L, %L)', test.tampered(jws_sign('x', ec)), ec - 'd')),
		('EC point off the curve', 2000, '22023', format('SELECT jwk_thumbprint(%L::jsonb || jsonb_build_object(''x-n'', $1))', ec - 'd' || jsonb_build_object('y', ec ->> 'x'))),
		('EC keys that do not match', 2000, '22023', format('SELECT jws_sign(''x'', %L::jsonb || jsonb_build_object(''x-n'', $1))', ec || '{"d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}')),
		('RSA without exponent', 3000, '22023', format('SELECT jwk_thumbprint(%L::jsonb || jsonb_build_object(''x'', $1))', rsa - 'e')),
		('RSA whose primes are wrong', 100, '22023', format('SELECT jws_sign(''x'', %L::jsonb || jsonb_build_object(''x'', $1))', rsa || '{"p":"AQAB"}')),
		('weak Ed25519', 3000, '22023', format('SELECT jwk_thumbprint(%L::jsonb || jsonb_build_object(''x-n'', $1))', okp - 'd' || '{"x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}')),
		('a set with a bad member', 2000, '28J00', format('SELECT jwt_verify_with(%L, jsonb_build_object(''keys'', jsonb_build_array(%L::jsonb || jsonb_build_object(''x-n'', $1), %L::jsonb)))', token, ec - 'd', '{"kty":"EC"}')),
		('PEM', 1000, NULL, format('SELECT jwk_from_pem(%L, ''ES256'', ''k'' || $1)', jwk_to_pem(ec))),
		('PEM for another algorithm', 1000, '22023', format('SELECT jwk_from_pem(%L, ''RS256'')', jwk_to_pem(ec))),
		('broken PEM', 3000, '22P02', format('SELECT jwk_from_pem(%L || $1, ''ES256'')', left(jwk_to_pem(ec), 120))),
		('generated', 2000, NULL, 'SELECT jwk_generate(''ES256'', ''k'' || $1)')) AS v (what, calls, state, statement);
-- An allocator keeps a little in reserve, and a sanitizer much of what was freed
\set tool ''
\getenv tool INSTRUMENT
SELECT CASE :'tool' WHEN '' THEN 600 ELSE 600000 END AS most_kilobytes
\gset
SELECT cmp_ok(pg_temp.growth(statement, calls, state), '<', :most_kilobytes::bigint,
			  format('%s: memory does not grow over %s calls', what, calls))
FROM work;

SELECT * FROM finish();
