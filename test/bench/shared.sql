-- Users, their tokens and a table under a policy, for ./shared.
--
-- psql variables: users, tokens (of each algorithm).

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION jwt_auth;
SELECT format('ALTER DATABASE %I SET jwt_auth.issuer = %L', current_database(),
	'https://auth.example.org/eu') \gexec
SET jwt_auth.issuer = 'https://auth.example.org/eu';
SELECT count(jwt_create_key(alg, alg)) FROM unnest('{ES256,EdDSA,RS256}'::text[]) AS alg;

CREATE SCHEMA bench;
CREATE ROLE regress_bench_gateway LOGIN NOINHERIT;
CREATE ROLE regress_bench_app;
GRANT regress_bench_app TO regress_bench_gateway;
GRANT USAGE ON SCHEMA bench TO PUBLIC;

CREATE TABLE bench.member AS
	SELECT n AS id, jwt_create_user('member' || n, role => 'regress_bench_app') AS owner
	FROM generate_series(1, :users) AS n;

-- Claims of about the size that those of the other parts have
CREATE FUNCTION bench.claims(owner uuid) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT jsonb_build_object('sub', owner, 'role', 'regress_bench_app', 'tenant', 'tenant-3')
$$;

-- A token for each user, and some of each algorithm
CREATE TABLE bench.token AS
	SELECT id, jwt_sign(bench.claims(owner), interval '12 hours', 'ES256') AS token FROM bench.member;
ALTER TABLE bench.token ADD PRIMARY KEY (id);
ALTER TABLE bench.member ADD PRIMARY KEY (id);
GRANT SELECT ON bench.token TO PUBLIC;
CREATE TABLE bench.sample AS
	SELECT alg, n AS id, jwt_sign(bench.claims(owner), interval '12 hours', alg) AS token
	FROM unnest('{ES256,EdDSA,RS256}'::text[]) AS alg, generate_series(1, :tokens) AS n, bench.member AS m
	WHERE m.id = n % :users + 1;

CREATE TABLE bench.note AS
	SELECT owner, n AS id, repeat('x', 100) AS body FROM bench.member, generate_series(1, 10) AS n;
CREATE TABLE bench.plain AS TABLE bench.note;
CREATE INDEX ON bench.note (owner);
CREATE INDEX ON bench.plain (owner);
ALTER TABLE bench.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON bench.note USING (owner = jwt_user_id());
GRANT SELECT ON bench.note TO regress_bench_app;
GRANT SELECT ON bench.plain, bench.member TO PUBLIC;

CREATE FUNCTION bench.elapsed(alg text, expression text) RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz := clock_timestamp();
BEGIN
	EXECUTE format('SELECT count(%s) FROM bench.sample WHERE alg = %L', expression, alg);
	RETURN extract(epoch FROM clock_timestamp() - start) * 1e6;
END
$$;

-- Microseconds per call of an expression beyond those of another one; both must
-- depend on n, or they would be computed once.
CREATE FUNCTION bench.difference(expression text, bare text) RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
	calls constant integer := 20000;
	statement constant text := 'SELECT count(%s) FROM generate_series(1, %s) AS n';
	start timestamptz;
	seconds double precision[] := '{Infinity,Infinity}';
BEGIN
	FOR turn IN 1 .. 6 LOOP
		start := clock_timestamp();
		EXECUTE format(statement, CASE turn % 2 WHEN 1 THEN expression ELSE bare END, calls);
		seconds[2 - turn % 2] := least(seconds[2 - turn % 2], extract(epoch FROM clock_timestamp() - start));
	END LOOP;
	RETURN (seconds[1] - seconds[2]) * 1e6 / calls;
END
$$;

-- Microseconds of a verification: of tokens that this backend does not remember,
-- and of one that it does.
CREATE FUNCTION bench.verify(alg text, way text)
RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	calls constant integer := count(*) FROM bench.sample AS s WHERE s.alg = verify.alg;
	revocation boolean;
	scan double precision;
BEGIN
	SET LOCAL jwt_auth.token_cache_size = 0;
	PERFORM bench.elapsed(alg, 'jwt_verify(token)');
	scan := least(bench.elapsed(alg, 'token'), bench.elapsed(alg, 'token'));
	RETURN QUERY SELECT format('shared/%s, first use/%s', alg, way), (bench.elapsed(alg, 'jwt_verify(token)') - scan) / calls;
	SET LOCAL jwt_auth.check_revocation = off;
	RETURN QUERY SELECT format('shared/%s, first use, unchecked/%s', alg, way),
		least(bench.elapsed(alg, 'jwt_verify(token)') - scan, bench.elapsed(alg, 'jwt_verify(token)') - scan) / calls;
	SET LOCAL jwt_auth.check_revocation = on;
	SET LOCAL jwt_auth.token_cache_size = 256;
	RETURN QUERY SELECT format('shared/%s, seen before/%s', verify.alg, way),
		bench.difference(format('jwt_verify(%L || left(n::text, 0))', token), format('%L || left(n::text, 0)', token))
	FROM bench.sample AS s WHERE s.alg = verify.alg AND s.id = 1;
END
$$;

-- What a token of the size costs with HMAC: the same claims, parsed once.
CREATE FUNCTION bench.parse(way text)
RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	claims constant text := (jwt_decode(token)).claims FROM bench.sample LIMIT 1;
BEGIN
	RETURN QUERY SELECT format('shared/claims, parsed/%s', way),
		bench.difference(format('(%L || left(n::text, 0))::jsonb', claims), format('%L || left(n::text, 0)', claims));
END
$$;
VACUUM ANALYZE;
CHECKPOINT;
