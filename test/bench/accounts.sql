-- Users, sessions and the functions that measure them.
--
-- psql variable: filler is the number of users and sessions that only fill
-- the tables.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION jwt_auth;
CREATE SCHEMA bench;
SELECT jwt_create_key('ES256');

CREATE FUNCTION bench.password() RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'correct horse battery staple' $$;

-- Those who are measured log in with hashes that cost next to nothing, but for
-- the login itself.
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;
CREATE TABLE bench.member AS
	SELECT n AS id, 'member' || n AS name,
		jwt_create_user('member' || n, bench.password()) AS user_id
	FROM generate_series(1, 1000) AS n;
RESET jwt_auth.argon2_memory;
RESET jwt_auth.argon2_iterations;
SELECT jwt_create_user('user' || n, bench.password())
FROM generate_series(1, 8) AS n;

INSERT INTO jwt_auth.users (id, username, canonical_name, password_hash,
	cost_profile, claims, created_at)
SELECT md5('user' || n)::uuid, 'filler' || n, convert_to('filler' || n, 'UTF8'),
	password_hash, cost_profile, claims, created_at
FROM generate_series(1, :filler) AS n,
	(SELECT * FROM jwt_auth.users WHERE username = 'user1') AS model;
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
SELECT md5('session' || n)::uuid, md5('user' || n)::uuid, now(),
	now() + interval '30 d'
FROM generate_series(1, :filler) AS n;
INSERT INTO jwt_auth.refresh_tokens (session_id, generation, nonce, key_number,
	rotated_at)
SELECT md5('session' || n)::uuid, 1, md5('nonce' || n)::uuid, 1, now()
FROM generate_series(1, :filler) AS n;

CREATE TABLE bench.token (id integer PRIMARY KEY, session_id uuid, token text);

-- A session for each client of pgbench, whose rows are on pages of their own,
-- as those of users who come at random are.
CREATE FUNCTION bench.new_sessions() RETURNS void
LANGUAGE sql
SET jwt_auth.argon2_memory = 8
SET jwt_auth.argon2_iterations = 1
AS $$
	DELETE FROM bench.token;
	INSERT INTO bench.token
	SELECT id / 125, ((jwt_decode(answer ->> 'access_token')).claims ->> 'sid')::uuid,
		answer ->> 'refresh_token'
	FROM (SELECT id, jwt_login(name, bench.password()) AS answer
		FROM bench.member ORDER BY id OFFSET 0) AS login
	WHERE id % 125 = 0;
$$;

-- How often those sessions' tokens were rotated.
CREATE FUNCTION bench.rotations() RETURNS bigint
LANGUAGE sql AS $$
	SELECT sum(generation - 1)
	FROM bench.token JOIN jwt_auth.refresh_tokens USING (session_id)
$$;

-- Microseconds of one login at the default cost.
CREATE FUNCTION bench.login() RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz := clock_timestamp();
	answer jsonb := jwt_login('user1', bench.password());
	elapsed interval := clock_timestamp() - start;
BEGIN
	ASSERT answer ? 'access_token';
	RETURN extract(epoch FROM elapsed) * 1e6;
END
$$;

-- Microseconds per call for 1,000 users and sessions among all: login with a
-- cheap hash, verifying a token not seen before, refresh.
CREATE FUNCTION bench.among() RETURNS TABLE (what text, microseconds double precision)
LANGUAGE plpgsql
SET jwt_auth.argon2_memory = 8
SET jwt_auth.argon2_iterations = 1
AS $$
DECLARE
	answers jsonb[];
	start timestamptz := clock_timestamp();
	checked bigint;
BEGIN
	SELECT array_agg(jwt_login(name, bench.password()) ORDER BY md5(name))
	INTO answers FROM bench.member;
	RETURN QUERY SELECT 'login', extract(epoch FROM clock_timestamp() - start) * 1e3::double precision;
	start := clock_timestamp();
	SELECT count(jwt_verify(answer ->> 'access_token'))
	INTO checked FROM unnest(answers) AS answer;
	RETURN QUERY SELECT 'verify', extract(epoch FROM clock_timestamp() - start) * 1e3::double precision;
	start := clock_timestamp();
	SELECT count(jwt_refresh(answer ->> 'refresh_token') -> 'access_token')
	INTO checked FROM unnest(answers) AS answer;
	RETURN QUERY SELECT 'refresh', extract(epoch FROM clock_timestamp() - start) * 1e3::double precision;
	ASSERT checked = 1000;
END
$$;
