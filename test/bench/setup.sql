-- Keys and tokens of every algorithm, and the functions that measure.
--
-- psql variables: divisor divides the number of calls (QUICK), algorithms is
-- the path of algorithms.tsv: name, verify calls and sign calls per round.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION jwt_auth;
CREATE EXTENSION jwt_auth_pgjwt;
CREATE SCHEMA bench;

CREATE TABLE bench.algorithm (
	name text PRIMARY KEY,
	verify_calls integer NOT NULL,
	sign_calls integer NOT NULL,
	private_key jsonb,
	public_key jsonb
);
\set copy '\\copy bench.algorithm (name, verify_calls, sign_calls) FROM '
\set copy :copy :'algorithms'
:copy
UPDATE bench.algorithm SET
	verify_calls = verify_calls / :divisor,
	sign_calls = sign_calls / :divisor;

-- A shared secret is text, for those who take their key as text.
UPDATE bench.algorithm SET
	private_key = CASE
		WHEN name LIKE 'HS%' THEN jwk_from_secret(
			convert_to(substr(repeat(gen_random_uuid()::text, 2), 1,
				substr(name, 3)::integer / 8), 'UTF8'), name)
		ELSE jwk_generate(name)
	END;
UPDATE bench.algorithm SET
	public_key = CASE
		WHEN name LIKE 'HS%' THEN private_key
		ELSE jwk_public(private_key)
	END;

CREATE FUNCTION bench.secret(alg text) RETURNS bytea
LANGUAGE sql STABLE AS $$
	SELECT decode(rpad(translate(k, '-_', '+/'), (length(k) + 3) / 4 * 4, '='),
		'base64')
	FROM bench.algorithm, LATERAL (SELECT private_key ->> 'k') AS key (k)
	WHERE name = alg
$$;

-- 179 bytes of claims as compact JSON, all different.
CREATE FUNCTION bench.claims() RETURNS jsonb
LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_build_object(
		'iss', 'https://auth.example.org/eu',
		'sub', gen_random_uuid(),
		'jti', gen_random_uuid(),
		'iat', floor(extract(epoch FROM now()))::bigint,
		'exp', floor(extract(epoch FROM now()))::bigint + 36000,
		'role', 'customer')
$$;

-- As many distinct claims, and tokens in one table per algorithm, as there are
-- calls. The tokens stand alone, so that a scan reads little else.
CREATE TABLE bench.claims AS
	SELECT id, bench.claims() AS claims
	FROM generate_series(1, (SELECT max(greatest(verify_calls, sign_calls))
		FROM bench.algorithm)) AS id;

CREATE FUNCTION bench.make_tokens(alg text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	algorithm bench.algorithm;
BEGIN
	SELECT * INTO STRICT algorithm FROM bench.algorithm WHERE name = alg;
	EXECUTE format(
		'CREATE TABLE bench.%I AS
		SELECT id, jwt_sign_with(claims, %L) AS token
		FROM bench.claims WHERE id <= %s',
		alg, algorithm.private_key, algorithm.verify_calls);
END
$$;

SELECT count(bench.make_tokens(name)) FROM bench.algorithm;

-- Microseconds for one statement, which must count so many calls.
CREATE FUNCTION bench.elapsed(statement text, calls integer)
RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz := clock_timestamp();
	counted bigint;
	microseconds double precision;
BEGIN
	EXECUTE statement INTO counted;
	microseconds := extract(epoch FROM clock_timestamp() - start) * 1e6;
	ASSERT counted = calls, format('%s calls counted, not %s', counted, calls);
	RETURN microseconds;
END
$$;

-- Microseconds per call of an expression over the first rows of a table,
-- beyond those of the same scan with a bare column. What is subtracted is the
-- least of three scans, so that a disturbed one doesn't flatter.
CREATE FUNCTION bench.per_call(name text, expression text, bare text,
	calls integer)
RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
	statement text := 'SELECT count(%s) FROM bench.%I WHERE id <= %s';
	scan_statement text := format(statement, bare, name, calls);
	scan double precision;
BEGIN
	PERFORM bench.elapsed(format(statement, expression, name, calls / 10),
		calls / 10);
	scan := least(bench.elapsed(scan_statement, calls),
		bench.elapsed(scan_statement, calls),
		bench.elapsed(scan_statement, calls));
	RETURN (bench.elapsed(format(statement, expression, name, calls), calls)
		- scan) / calls;
END
$$;

-- The samples of one algorithm, as name and microseconds.
CREATE FUNCTION bench.loop(alg text)
RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	algorithm bench.algorithm;
BEGIN
	SELECT * INTO STRICT algorithm FROM bench.algorithm WHERE name = alg;
	RETURN QUERY SELECT format('verify/%s/jwt_verify_with', alg),
		bench.per_call(alg,
			format('jwt_verify_with(token, %L)', algorithm.public_key),
			'token', algorithm.verify_calls);
	RETURN QUERY SELECT format('sign/%s/jwt_sign_with', alg),
		bench.per_call('claims',
			format('jwt_sign_with(claims, %L)', algorithm.private_key),
			'claims', algorithm.sign_calls);
END
$$;

-- What PostgreSQL itself needs for the claims, and for reading a row.
CREATE TABLE bench.payload AS
	SELECT id, claims_text
	FROM bench."HS256", LATERAL (SELECT convert_from(decode(
		rpad(translate(part, '-_', '+/'), (length(part) + 3) / 4 * 4, '='),
		'base64'), 'UTF8')
		FROM split_part(token, '.', 2) AS part) AS payload (claims_text);

CREATE FUNCTION bench.json()
RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	calls integer := count(*) FROM bench.payload;
BEGIN
	RETURN QUERY SELECT 'claims/text to jsonb/PostgreSQL',
		bench.per_call('payload', 'claims_text::jsonb', 'claims_text', calls);
	RETURN QUERY SELECT 'claims/jsonb to text/PostgreSQL',
		bench.per_call('claims', 'claims::text', 'claims', calls);
	RETURN QUERY SELECT 'claims/scan of tokens/PostgreSQL', bench.elapsed(
		'SELECT count(token) FROM bench."HS256"', calls) / calls;
END
$$;

\ir pgjwt_style.sql

-- The same statements with it and with the drop-in for pgjwt.
CREATE FUNCTION bench.pgjwt_style()
RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	all_calls integer := verify_calls FROM bench.algorithm WHERE name = 'HS256';
	calls integer;
	secret text := convert_from(bench.secret('HS256'), 'UTF8');
	program record;
BEGIN
	FOR program IN VALUES
		('pgjwt style', 'bench.pgjwt_style_sign', 'bench.pgjwt_style_verify', 10),
		('jwt_auth_pgjwt', 'public.sign', 'public.verify', 1)
	LOOP
		calls := all_calls / program.column4;
		RETURN QUERY SELECT 'verify/HS256/' || program.column1,
			bench.elapsed(format(
				'SELECT count(v.payload) FILTER (WHERE v.valid)
				FROM bench."HS256", LATERAL %s(token, %L, ''HS256'') AS v
				WHERE id <= %s', program.column3, secret, calls), calls)
			/ calls;
		RETURN QUERY SELECT 'sign/HS256/' || program.column1,
			bench.per_call('claims',
				format('%s(claims::json, %L, ''HS256'')', program.column2, secret),
				'claims::json', calls);
	END LOOP;
END
$$;
