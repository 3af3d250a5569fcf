-- What the load works on: users, a table under a policy, and a session for
-- each client.
--
-- psql variables: clients, and hash, a password hash at the default cost.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE ROLE regress_load_app NOLOGIN;
CREATE ROLE regress_load_gateway LOGIN NOINHERIT;
GRANT regress_load_app TO regress_load_gateway;
GRANT EXECUTE ON FUNCTION jwt_login, jwt_refresh TO regress_load_gateway;
CREATE SCHEMA load;
GRANT USAGE ON SCHEMA load TO PUBLIC;

-- Those who log in, and those whose passwords are guessed, have hashes of the
-- default cost.
CREATE TABLE load.member AS
	SELECT n AS id, jwt_import_user('member' || n, :'hash', role => 'regress_load_app') AS user_id
	FROM generate_series(1, 200) AS n;
SELECT count(jwt_import_user('victim' || n, :'hash')) FROM generate_series(1, 1000) AS n;

-- Those who are logged in
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;
CREATE TABLE load.client AS
	SELECT n AS id, jwt_create_user('client' || n, 'correct horse battery staple', role => 'regress_load_app') AS user_id
	FROM generate_series(0, :clients - 1) AS n;
ALTER TABLE load.client ADD answer jsonb;

CREATE TABLE load.note AS
	SELECT user_id AS owner, n AS id, repeat('x', 100) AS body FROM load.client, generate_series(1, 10) AS n;
CREATE INDEX ON load.note (owner);
ALTER TABLE load.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON load.note USING (owner = jwt_user_id());
GRANT SELECT ON load.note TO regress_load_app;
GRANT SELECT ON load.client TO regress_load_gateway;

-- Answers that the load may get.  Whoever waits for a name may be told to come
-- again; everything else that is no token is an error.
CREATE TABLE load.denial (error text);
GRANT INSERT ON load.denial TO PUBLIC;

CREATE FUNCTION load.expect_tokens(answer jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF answer ->> 'error' = 'temporarily_unavailable' THEN
		INSERT INTO load.denial VALUES (answer ->> 'error');
	ELSIF NOT answer ? 'access_token' THEN
		RAISE EXCEPTION 'unexpected answer: %', answer ->> 'error';
	END IF;
	RETURN answer;
END
$$;

CREATE FUNCTION load.expect(rows bigint, wanted bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF rows <> wanted THEN
		RAISE EXCEPTION 'unexpected number of rows: %', rows;
	END IF;
	RETURN true;
END
$$;

-- What an attacker may get
CREATE FUNCTION load.expect_denial(answer jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF coalesce(answer ->> 'error', '') NOT IN ('invalid_grant', 'temporarily_unavailable') THEN
		RAISE EXCEPTION 'an attack was answered with %', coalesce(answer ->> 'error', 'tokens');
	END IF;
	RETURN answer ->> 'error';
END
$$;

-- A token of somebody, with another signature
CREATE FUNCTION load.forge(token text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT regexp_replace(token, '[^.]*$', '') || substr(md5(random()::text) || md5(random()::text) || md5(random()::text), 1, 85) || 'A'
$$;

CREATE FUNCTION load.expect_refusal(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM jwt_verify(token);
	RAISE EXCEPTION 'a forged token was accepted';
EXCEPTION WHEN SQLSTATE '28J00' THEN
	RETURN 'refused';
END
$$;
VACUUM ANALYZE;
