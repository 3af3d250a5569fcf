-- Accounts for ./capacity, and the procedures that it measures.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION jwt_auth;
CREATE SCHEMA bench;
SELECT jwt_create_key('ES256');

CREATE FUNCTION bench.password() RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'correct horse battery staple' $$;

-- Names spread over the indexes as real ones do.
CREATE FUNCTION bench.name(n integer) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'u' || left(md5(n::text), 12) $$;

CREATE UNLOGGED TABLE bench.account (id integer PRIMARY KEY, access_token text, refresh_token text);

-- Each call below is a transaction of its own, as a request is.
CREATE PROCEDURE bench.create_users(first integer, last integer)
LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN first .. last LOOP
		PERFORM jwt_create_user(bench.name(n), bench.password(), email => bench.name(n) || '@example.org');
		COMMIT;
	END LOOP;
END
$$;

CREATE PROCEDURE bench.log_in(first integer, last integer, step integer DEFAULT 1)
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	FOR n IN first .. last BY step LOOP
		answer := jwt_login(bench.name(n), bench.password());
		ASSERT answer ? 'access_token', answer;
		INSERT INTO bench.account VALUES (n, answer ->> 'access_token', answer ->> 'refresh_token')
		ON CONFLICT (id) DO NOTHING;
		COMMIT;
	END LOOP;
END
$$;

-- In no order, so that each meets another page.
CREATE FUNCTION bench.scattered(n integer, first integer, last integer) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$ SELECT (n * 7919::bigint % (last - first + 1) + first)::integer $$;

CREATE PROCEDURE bench.refresh(first integer, last integer)
LANGUAGE plpgsql AS $$
DECLARE
	mine integer;
	answer jsonb;
BEGIN
	FOR n IN first .. last LOOP
		mine := bench.scattered(n, first, last);
		answer := jwt_refresh(refresh_token) FROM bench.account WHERE id = mine;
		ASSERT answer ? 'access_token', answer;
		UPDATE bench.account
		SET access_token = answer ->> 'access_token', refresh_token = answer ->> 'refresh_token'
		WHERE id = mine;
		COMMIT;
	END LOOP;
END
$$;

-- What the loop of refreshes does besides.
CREATE PROCEDURE bench.refresh_nothing(first integer, last integer)
LANGUAGE plpgsql AS $$
DECLARE
	mine integer;
	token text;
BEGIN
	FOR n IN first .. last LOOP
		mine := bench.scattered(n, first, last);
		token := refresh_token FROM bench.account WHERE id = mine;
		UPDATE bench.account SET refresh_token = token WHERE id = mine;
		COMMIT;
	END LOOP;
END
$$;

CREATE PROCEDURE bench.log_out(first integer, last integer, step integer DEFAULT 1)
LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN first .. last BY step LOOP
		PERFORM jwt_revoke(refresh_token) FROM bench.account WHERE id = n;
		COMMIT;
	END LOOP;
END
$$;

CREATE FUNCTION bench.verify(first integer, last integer) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
	SELECT count(jwt_verify(access_token)) FROM bench.account WHERE id BETWEEN first AND last
$$;

-- A token that the backend remembers, so many times, and the same loop without.
CREATE FUNCTION bench.verify_again(calls integer) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
	SELECT count(jwt_verify(access_token || left(n::text, 0)))
	FROM bench.account, generate_series(1, calls) AS n WHERE id = 1
$$;

CREATE FUNCTION bench.scan_again(calls integer) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
	SELECT count(octet_length(access_token || left(n::text, 0)))
	FROM bench.account, generate_series(1, calls) AS n WHERE id = 1
$$;

CREATE FUNCTION bench.scan(first integer, last integer) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
	SELECT count(octet_length(access_token)) FROM bench.account WHERE id BETWEEN first AND last
$$;

-- Makes sessions old enough to be purged, with what the audit log says of them.
CREATE FUNCTION bench.make_older(first integer, last integer) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
	WITH session AS (
		UPDATE jwt_auth.sessions AS s
		SET created_at = created_at - interval '200 d', expires_at = expires_at - interval '200 d'
		FROM bench.account WHERE account.id BETWEEN first AND last
			AND s.id = ((jwt_decode(access_token)).claims ->> 'sid')::uuid
		RETURNING s.id
	), row AS (
		UPDATE jwt_auth.audit_log SET at = at - interval '200 d' FROM session WHERE session_id = session.id
		RETURNING audit_log.id
	)
	SELECT count(*) FROM row
$$;

-- Bytes per row of the tables that grow with users, sessions and logins, and of
-- their indexes.
CREATE FUNCTION bench.sizes() RETURNS TABLE (name text, bytes numeric)
LANGUAGE plpgsql AS $$
DECLARE
	relation regclass;
	number bigint;
BEGIN
	FOREACH relation IN ARRAY '{jwt_auth.users,jwt_auth.identifiers,jwt_auth.sessions,jwt_auth.refresh_tokens,jwt_auth.audit_log}'::regclass[] LOOP
		EXECUTE format('SELECT count(*) FROM %s', relation) INTO number;
		RETURN QUERY SELECT format('%s/%s', substr(relation::text, 10), what), round(size::numeric / number, 1)
		FROM (VALUES ('table', pg_table_size(relation)), ('indexes', pg_indexes_size(relation))) AS v (what, size);
	END LOOP;
END
$$;
