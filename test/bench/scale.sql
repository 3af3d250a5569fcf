-- Many users and sessions, 1,000 of whom are measured.
--
-- psql variable: number is how many there are, at least 1,000.
--
-- All users are alike: the same hash, which costs next to nothing, names and
-- ids that spread over the indexes as real ones do.  Those who are measured
-- are spread evenly among them, and so are their sessions: each logs in
-- between two portions of other sessions.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION jwt_auth;
CREATE SCHEMA bench;
SELECT format('ALTER DATABASE %I SET %s', current_database(), setting)
FROM unnest('{jwt_auth.access_token_ttl = ''12h'',
	jwt_auth.argon2_memory = 8,
	jwt_auth.argon2_iterations = 1,
	jwt_auth.login_max_failures = 1000,
	jwt_auth.token_cache_size = 0}'::text[]) AS setting \gexec
SET jwt_auth.access_token_ttl = '12h';
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;
SELECT jwt_create_key('ES256');

-- The rows are valid as they are made; that need not be checked one by one.
SET session_replication_role = replica;

CREATE FUNCTION bench.password() RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'correct horse battery staple' $$;

CREATE FUNCTION bench.name(n bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT md5('name' || n) $$;

-- A UUIDv7 of so many milliseconds since 1970.
CREATE FUNCTION bench.uuid(milliseconds bigint, random text) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
	SELECT (lpad(to_hex(milliseconds), 12, '0') || '7' || substr(random, 1, 3)
		|| 'a' || substr(random, 4, 15))::uuid
$$;

CREATE FUNCTION bench.user_id(n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
	SELECT bench.uuid(1700000000000 + n * 100, md5('user' || n))
$$;

SELECT jwt_create_user('model', bench.password());

-- Indexes are built when all rows are there.
UPDATE pg_index SET indisready = false
WHERE indrelid IN ('jwt_auth.users'::regclass, 'jwt_auth.identifiers'::regclass);
INSERT INTO jwt_auth.users (id, username, password_hash,
	claims, created_at, password_set_at)
SELECT bench.user_id(n), bench.name(n),
	password_hash, claims, created_at, password_set_at
FROM generate_series(1, :number) AS n, jwt_auth.users AS model
WHERE username = 'model';
REINDEX TABLE jwt_auth.users;
ALTER TABLE jwt_auth.identifiers DISABLE TRIGGER ALL;
INSERT INTO jwt_auth.identifiers (canonical, user_id, kind, value, created_at, verified_at)
SELECT convert_to(bench.name(n), 'UTF8'), bench.user_id(n), 'username', bench.name(n), now(), now()
FROM generate_series(1, :number) AS n;
ALTER TABLE jwt_auth.identifiers ENABLE TRIGGER ALL;
REINDEX TABLE jwt_auth.identifiers;
CREATE TABLE bench.member (name text, access_token text, refresh_token text);

-- One of a thousand portions: a session for each of so many users who come in
-- no order, and then one who is measured.
CREATE PROCEDURE bench.add_sessions(portion integer, number bigint)
LANGUAGE plpgsql AS $$
DECLARE
	milliseconds constant bigint := extract(epoch FROM clock_timestamp()) * 1000;
	size constant bigint := number / 1000;
	name constant text := bench.name(portion * size);
	answer jsonb;
BEGIN
	WITH session AS (
		INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
		SELECT bench.uuid(milliseconds, md5('session' || n)),
			bench.user_id(n * 7919 % number + 1), clock_timestamp(),
			clock_timestamp() + interval '30 d'
		FROM generate_series((portion - 1) * size + 1, portion * size) AS n
		RETURNING id
	)
	INSERT INTO jwt_auth.refresh_tokens (session_id, generation, nonce,
		key_number, rotated_at)
	SELECT id, 1, gen_random_uuid(), 1, clock_timestamp() FROM session;
	answer := jwt_login(name, bench.password());
	INSERT INTO bench.member
	VALUES (name, answer ->> 'access_token', answer ->> 'refresh_token');
	COMMIT;
END
$$;

SELECT format('CALL bench.add_sessions(%s, %s)', portion, :number)
FROM generate_series(1, 1000) AS portion \gexec

CREATE FUNCTION bench.microseconds_since(start timestamptz, calls integer)
RETURNS double precision
LANGUAGE sql VOLATILE AS $$
	SELECT extract(epoch FROM clock_timestamp() - start)
		* 1e6::double precision / calls
$$;

-- Microseconds per call, after a first one that fills the backend's caches:
-- login of a thousand users, of a thousand names that nobody has, verifying
-- tokens, none of which the backend remembers, and refresh.
CREATE FUNCTION bench.among()
RETURNS TABLE (what text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := jwt_login('model', bench.password());
	start timestamptz;
	names text[];
	tokens text[];
	counted bigint;
BEGIN
	PERFORM jwt_verify(answer ->> 'access_token'),
		jwt_refresh(answer ->> 'refresh_token'), jwt_login('nobody', 'nothing');

	start := clock_timestamp();
	SELECT count(jwt_login(name, bench.password()) ->> 'access_token')
	INTO counted FROM bench.member;
	RETURN QUERY SELECT 'login', bench.microseconds_since(start, 1000);
	ASSERT counted = 1000;

	start := clock_timestamp();
	SELECT count(jwt_login(md5('nobody' || name), 'nothing') ->> 'error')
	INTO counted FROM bench.member;
	RETURN QUERY SELECT 'denied', bench.microseconds_since(start, 1000);
	ASSERT counted = 1000;

	start := clock_timestamp();
	SELECT count(jwt_verify(access_token)) INTO counted FROM bench.member;
	RETURN QUERY SELECT 'verify', bench.microseconds_since(start, 1000);
	ASSERT counted = 1000;

	start := clock_timestamp();
	SELECT array_agg(name), array_agg(jwt_refresh(refresh_token) ->> 'refresh_token')
	INTO names, tokens FROM bench.member;
	RETURN QUERY SELECT 'refresh', bench.microseconds_since(start, 1000);
	ASSERT array_position(tokens, NULL) IS NULL;
	UPDATE bench.member AS m SET refresh_token = r.token
	FROM unnest(names, tokens) AS r (name, token) WHERE r.name = m.name;
END
$$;

-- The same for refreshes that are durable transactions of their own.
CREATE PROCEDURE bench.refresh_durably(INOUT what text DEFAULT 'durable refresh',
	INOUT microseconds double precision DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz;
	names text[];
	tokens text[];
BEGIN
	SELECT array_agg(name), array_agg(refresh_token) INTO names, tokens FROM bench.member;
	start := clock_timestamp();
	FOR i IN 1 .. 1000 LOOP
		tokens[i] := jwt_refresh(tokens[i]) ->> 'refresh_token';
		COMMIT;
	END LOOP;
	microseconds := bench.microseconds_since(start, 1000);
	ASSERT array_position(tokens, NULL) IS NULL;
	UPDATE bench.member AS m SET refresh_token = r.token
	FROM unnest(names, tokens) AS r (name, token) WHERE r.name = m.name;
END
$$;
