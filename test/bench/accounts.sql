-- Users, sessions and the functions that measure them.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION jwt_auth;
CREATE SCHEMA bench;
SELECT jwt_create_key('ES256');

CREATE FUNCTION bench.password() RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'correct horse battery staple' $$;

-- Whose refreshes are measured log in with hashes that cost next to nothing;
-- whose logins are, with the default.
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;
CREATE TABLE bench.member AS
	SELECT n AS id, 'member' || n AS name,
		jwt_create_user('member' || n, bench.password()) AS user_id
	FROM generate_series(1, 1000) AS n;
RESET jwt_auth.argon2_memory;
RESET jwt_auth.argon2_iterations;
SELECT jwt_create_user('user' || n, bench.password(), email => 'user' || n || '@example.org')
FROM generate_series(1, 8) AS n;

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

-- Microseconds of one login at the default cost, from a client that is new each
-- time, so that the user gets a notice, however many were sent before.
CREATE FUNCTION bench.login() RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
	headers text := set_config('request.headers', format('{"user-agent":"%s"}', gen_random_uuid()), true);
	start timestamptz;
	answer jsonb;
	elapsed interval;
BEGIN
	DELETE FROM jwt_auth.login_throttle;
	start := clock_timestamp();
	answer := jwt_login('user1', bench.password());
	elapsed := clock_timestamp() - start;
	ASSERT answer ? 'access_token';
	ASSERT EXISTS (SELECT FROM jwt_auth.outbox WHERE created_at > start AND data ->> 'user_agent' = headers::jsonb ->> 'user-agent'),
		'there was no notice';
	RETURN extract(epoch FROM elapsed) * 1e6;
END
$$;
