-- Sessions of one user, 10,000 of which have expired, the others in use.
--
-- psql variable: number is how many there are, at least 100,000.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION jwt_auth;
CREATE SCHEMA bench;
SELECT format('ALTER DATABASE %I SET %s', current_database(), setting)
FROM unnest('{jwt_auth.argon2_memory = 8, jwt_auth.argon2_iterations = 1, jwt_auth.audit_retention = ''7000d''}'::text[]) AS setting \gexec
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;
SELECT jwt_create_key('ES256');
SELECT jwt_create_user(name, 'correct horse battery staple') FROM unnest('{alice,bob}'::text[]) AS name;

-- The rows are valid as they are made; that need not be checked one by one.
SET session_replication_role = replica;
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - n), 12, '0') || '7' || substr(md5(n::text), 1, 3) || 'a' || substr(md5(n::text), 4, 15))::uuid,
	   u.id, now() - n * interval '1 ms' - CASE WHEN n > :number - 10000 THEN interval '31 d' ELSE '0' END,
	   now() - n * interval '1 ms' + CASE WHEN n > :number - 10000 THEN interval '-1 d' ELSE '29 d' END
FROM generate_series(:number, 1, -1) AS n, jwt_auth.users AS u WHERE u.username = 'alice';
INSERT INTO jwt_auth.refresh_tokens (session_id, generation, nonce, key_number, rotated_at)
SELECT id, 1, gen_random_uuid(), 1, created_at FROM jwt_auth.sessions ORDER BY created_at;

-- Microseconds that a statement takes, whose effect is undone.
CREATE FUNCTION bench.microseconds(statement text) RETURNS numeric LANGUAGE plpgsql AS
$$
DECLARE
	start timestamptz := clock_timestamp();
	elapsed numeric;
BEGIN
	EXECUTE statement;
	elapsed := extract(epoch FROM clock_timestamp() - start) * 1000000;
	RAISE SQLSTATE 'BENCH';
EXCEPTION WHEN SQLSTATE 'BENCH' THEN
	RETURN elapsed;
END
$$;

-- The second time, when plans are made and pages are at hand.
CREATE FUNCTION bench.sessions() RETURNS TABLE (what text, microseconds numeric) LANGUAGE sql VOLATILE AS
$$
	SELECT what, (ARRAY(SELECT bench.microseconds(statement) FROM generate_series(1, 2)))[2]
	FROM (VALUES
		('purge of 10,000', 'SELECT jwt_purge(10000)'),
		('login', $q$SELECT jwt_login('bob', 'correct horse battery staple')$q$),
		('login of a user with so many', $q$SELECT jwt_login('alice', 'correct horse battery staple')$q$)) AS v (what, statement)
$$;
