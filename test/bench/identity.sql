-- Stored keys, users and tables under row-level security, and the functions
-- that measure what an identity costs.
--
-- psql variable: divisor divides the numbers of rows and calls (QUICK).

\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- Own tokens name the issuer that the claims of setup.sql have.
SELECT format('ALTER DATABASE %I SET jwt_auth.issuer = %L', current_database(),
	'https://auth.example.org/eu') \gexec
SET jwt_auth.issuer = 'https://auth.example.org/eu';

-- The keys of setup.sql, stored.
SELECT jwt_import_key(private_key || jsonb_build_object('alg', name, 'kid', name))
FROM bench.algorithm WHERE name IN ('HS256', 'RS256', 'ES256', 'EdDSA');

-- As many distinct tokens as the calls in a round of new ones, and a hundred
-- that are seen over and over.
CREATE FUNCTION bench.make_stored_tokens(alg text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format(
		'CREATE TABLE bench.%I AS
		SELECT c.id, jwt_sign(c.claims, kid => %L) AS token
		FROM bench.claims AS c, bench.algorithm AS a
		WHERE a.name = %2$L AND c.id <= a.verify_calls', 'stored ' || alg, alg);
	EXECUTE format(
		'CREATE TABLE bench.%I AS
		SELECT c.id, t.token
		FROM bench.claims AS c
		JOIN bench.%I AS t ON t.id = c.id %% 100 + 1 ORDER BY c.id',
		'seen ' || alg, 'stored ' || alg);
END
$$;

SELECT count(bench.make_stored_tokens(alg))
FROM unnest('{HS256,RS256,ES256,EdDSA}'::text[]) AS alg;

-- The samples of one algorithm with its stored key. For new tokens the cache
-- holds fewer than the scan brings, so that none is found again; those that are
-- seen over and over come last, since they are new ones at first.
CREATE FUNCTION bench.stored(alg text)
RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	calls integer := verify_calls FROM bench.algorithm WHERE name = alg;
	seen_calls integer := count(*) FROM bench."seen HS256";
BEGIN
	SET LOCAL jwt_auth.token_cache_size = 16;
	RETURN QUERY SELECT format('stored/%s/new', alg),
		bench.per_call('stored ' || alg, 'jwt_verify(token)', 'token', calls);
	SET LOCAL jwt_auth.check_revocation = off;
	RETURN QUERY SELECT format('stored/%s/new, unchecked', alg),
		bench.per_call('stored ' || alg, 'jwt_verify(token)', 'token', calls);
	SET LOCAL jwt_auth.check_revocation = on;
	SET LOCAL jwt_auth.token_cache_size = 256;
	RETURN QUERY SELECT format('stored/%s/seen', alg),
		bench.per_call('seen ' || alg, 'jwt_verify(token)', 'token', seen_calls);
END
$$;

--
-- A table of which the user sees a tenth. Each policy is for one role, so that
-- all of them read the same pages.
--

CREATE ROLE regress_bench_user;
CREATE TABLE bench.identity AS
	SELECT id, token, (jwt_decode(token)).claims ->> 'sub' AS sub
	FROM (SELECT jwt_create_user('bench', role => 'regress_bench_user',
			claims => '{"tenant":"tenant-3"}') AS id) AS u,
		LATERAL jwt_sign(jsonb_build_object('sub', id, 'jti', gen_random_uuid(),
			'role', 'regress_bench_user', 'tenant', 'tenant-3'),
			interval '12 hours', 'HS256') AS token;

CREATE TABLE bench.document AS
	SELECT n AS id,
		CASE n % 10 WHEN 3 THEN i.id ELSE md5((n % 10)::text)::uuid END AS owner,
		'tenant-' || n % 10 AS tenant,
		n % 100 AS amount
	FROM bench.identity AS i, generate_series(1, 1000000 / :divisor) AS n;
CREATE TABLE bench.plain AS TABLE bench.document;
ALTER TABLE bench.document ADD PRIMARY KEY (id);
ALTER TABLE bench.plain ADD PRIMARY KEY (id);
ALTER TABLE bench.document ENABLE ROW LEVEL SECURITY;
ALTER TABLE bench.document SET (parallel_workers = 2);

CREATE TABLE bench.policy (number integer, name text, condition text);
INSERT INTO bench.policy
	SELECT p.* FROM bench.identity AS i, LATERAL (VALUES
		(1, 'uuid literal', format('owner = %L', i.id)),
		(2, 'jwt_user_id()', 'owner = jwt_user_id()'),
		(3, '(SELECT jwt_user_id())', 'owner = (SELECT jwt_user_id())'),
		(4, '(SELECT current_setting(...)::jsonb->>''sub'')',
			'owner = (SELECT (current_setting(''request.jwt.claims'', true)::jsonb'
			' ->> ''sub'')::uuid)'),
		(5, 'text literal', 'tenant = ''tenant-3'''),
		(6, 'jwt_claim(''tenant'')', 'tenant = jwt_claim(''tenant'')'),
		(7, 'uuid literal OR jwt_has_role(''x'')',
			format('owner = %L OR jwt_has_role(''x'')', i.id)),
		(8, 'uuid literal OR jwt_has_aal(2)',
			format('owner = %L OR jwt_has_aal(2)', i.id)),
		(9, 'current_setting(...)::jsonb->>''sub''',
			'owner = (current_setting(''request.jwt.claims'', true)::jsonb'
			' ->> ''sub'')::uuid')) AS p;

CREATE FUNCTION bench.make_policy(number integer, condition text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE ROLE regress_bench_%s', number);
	EXECUTE format('GRANT USAGE ON SCHEMA bench TO regress_bench_%s', number);
	EXECUTE format('GRANT SELECT ON bench.document TO regress_bench_%s', number);
	EXECUTE format('CREATE POLICY %s ON bench.document TO regress_bench_%s'
		' USING (%s)', 'p' || number, number, condition);
END
$$;
SELECT count(bench.make_policy(number, condition)) FROM bench.policy;

-- Microseconds per thousand rows of a scan as the role of one policy.
CREATE FUNCTION bench.scan_as(number integer, workers integer)
RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
	statement constant text :=
		'SELECT count(*), sum(amount) FROM bench.document';
	rows constant integer := max(id) FROM bench.plain;
	plan jsonb;
	start timestamptz;
	counted bigint;
	microseconds double precision;
BEGIN
	EXECUTE format('SET LOCAL ROLE regress_bench_%s', number);
	EXECUTE format('SET LOCAL max_parallel_workers_per_gather = %s', workers);
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || statement INTO plan;
	ASSERT (plan::text ~ 'Gather') = (workers > 0), 'the plan is not as it should be';
	start := clock_timestamp();
	EXECUTE statement INTO counted;
	microseconds := extract(epoch FROM clock_timestamp() - start) * 1e6;
	ASSERT counted = rows / 10, format('%s rows counted', counted);
	RESET ROLE;
	RETURN microseconds / rows * 1000;
END
$$;

-- All policies up to a number; the last takes long.
CREATE FUNCTION bench.scan(last integer)
RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	policy bench.policy;
BEGIN
	PERFORM set_config('jwt_auth.token', token, true),
		set_config('request.jwt.claims', (jwt_decode(token)).claims::text, true)
	FROM bench.identity;
	-- Whoever comes first pays for cold caches
	PERFORM bench.scan_as(1, 0), bench.scan_as(1, 2);
	FOR policy IN SELECT * FROM bench.policy AS p WHERE p.number <= last
		ORDER BY p.number LOOP
		RETURN QUERY SELECT format('scan/%s/serial', policy.name),
			bench.scan_as(policy.number, 0);
		RETURN QUERY SELECT format('scan/%s/parallel', policy.name),
			bench.scan_as(policy.number, 2);
	END LOOP;
END
$$;

--
-- A request: authenticate, one query by primary key, commit.
--

CREATE ROLE regress_bench_app LOGIN;
GRANT USAGE ON SCHEMA bench TO regress_bench_app;
GRANT SELECT ON bench.document, bench.plain TO regress_bench_app;
CREATE POLICY app ON bench.document TO regress_bench_app
	USING (owner = jwt_user_id());

-- Kilobytes of memory that are this backend's own, after so many further
-- tokens that it has not seen.
CREATE FUNCTION bench.own_kilobytes() RETURNS integer
LANGUAGE sql VOLATILE AS $$
	SELECT (regexp_match(pg_read_file('/proc/self/status'),
		'RssAnon:\s+(\d+) kB'))[1]::integer
$$;

CREATE FUNCTION bench.memory()
RETURNS TABLE (sample text, kilobytes integer)
LANGUAGE plpgsql AS $$
DECLARE
	bare integer;
	after_first integer;
BEGIN
	PERFORM count(length(token)) FROM bench."stored HS256" WHERE id <= 10000;
	PERFORM jwt_decode(token) FROM bench."stored HS256" WHERE id = 1;
	bare := bench.own_kilobytes();
	PERFORM count(jwt_verify(token)) FROM bench."stored HS256" WHERE id <= 10000;
	after_first := bench.own_kilobytes() - bare;
	PERFORM count(jwt_verify(jwt_sign(claims, kid => 'HS256')))
	FROM bench.claims WHERE id <= 20000;
	RETURN QUERY SELECT 'memory/a backend/10,000 tokens', after_first;
	RETURN QUERY SELECT 'memory/a backend/30,000 tokens',
		bench.own_kilobytes() - bare;
END
$$;
