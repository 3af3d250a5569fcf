-- Users with second factors, and the functions that measure what belongs to an
-- account: sign-ups, messages, passkeys and authenticators.  Of identity providers
-- and API tokens, logins.sql has them.
--
-- psql variables: members is how many users there are.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION jwt_auth;
CREATE SCHEMA bench;
SELECT jwt_create_key('ES256');

CREATE FUNCTION bench.password() RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT 'correct horse battery staple' $$;

-- Microseconds since a time.
CREATE FUNCTION bench.since(start timestamptz) RETURNS double precision
LANGUAGE sql VOLATILE AS $$
	SELECT extract(epoch FROM clock_timestamp() - start) * 1e6::double precision
$$;

CREATE FUNCTION bench.median(samples double precision[]) RETURNS double precision
LANGUAGE sql IMMUTABLE AS $$
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s) FROM unnest(samples) AS s
$$;

-- Those who log in with a passkey, those who have an authenticator, and others.
CREATE TABLE bench.holder AS
	SELECT n AS id, jwt_create_user('holder' || n, bench.password()) AS user_id,
		NULL::text AS handle, NULL::text AS token
	FROM generate_series(1, :members) AS n;
CREATE TABLE bench.member AS
	SELECT n AS id, 'member' || n AS name,
		jwt_create_user('member' || n, bench.password(), email => 'member' || n || '@example.org') AS user_id
	FROM generate_series(1, :members) AS n;
SELECT jwt_create_user('user' || n, bench.password()) FROM generate_series(1, :members) AS n;

--
-- Passkeys.  The program passkeys.c has the keys: it reads lines of these
-- functions, and writes credentials.
--

CREATE TABLE bench.credential (id integer GENERATED ALWAYS AS IDENTITY, credential jsonb);

-- Acts for a user, and returns the token.
CREATE FUNCTION bench.be(user_id uuid) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	token text := jwt_start_session(user_id, '{pwd}') ->> 'access_token';
BEGIN
	PERFORM set_config('jwt_auth.token', token, true);
	RETURN token;
END
$$;

CREATE FUNCTION bench.registrations() RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	mine bench.holder;
	options jsonb;
BEGIN
	FOR mine IN SELECT * FROM bench.holder ORDER BY id LOOP
		mine.token := bench.be(mine.user_id);
		options := jwt_passkey_register_options();
		UPDATE bench.holder SET handle = options #>> '{user,id}', token = mine.token
		WHERE id = mine.id;
		RETURN NEXT format('register %s %s', mine.id, options ->> 'challenge');
	END LOOP;
END
$$;

CREATE FUNCTION bench.register() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	registration record;
BEGIN
	FOR registration IN SELECT * FROM bench.credential JOIN bench.holder USING (id) LOOP
		PERFORM set_config('jwt_auth.token', registration.token, true);
		ASSERT jwt_passkey_register(registration.credential) ? 'credential_id', 'a passkey was not registered';
	END LOOP;
	PERFORM set_config('jwt_auth.token', '', true);
END
$$;

-- A challenge for each of them.
CREATE FUNCTION bench.challenges() RETURNS SETOF text
LANGUAGE sql VOLATILE AS $$
	SELECT format('answer %s %s %s', id, jwt_passkey_login_options() ->> 'challenge', handle)
	FROM bench.holder ORDER BY id
$$;

-- Each logs in with a passkey, and begins a session without, by turns.
CREATE FUNCTION bench.passkeys() RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	logins double precision[];
	sessions double precision[];
	holder record;
	start timestamptz;
	answer jsonb;
BEGIN
	FOR holder IN SELECT user_id, credential FROM bench.holder JOIN bench.credential USING (id) ORDER BY id LOOP
		start := clock_timestamp();
		answer := jwt_passkey_login(holder.credential);
		logins := logins || bench.since(start);
		ASSERT answer ? 'access_token', answer;
		start := clock_timestamp();
		answer := jwt_start_session(holder.user_id, '{hwk,user,mfa}');
		sessions := sessions || bench.since(start);
		ASSERT answer ? 'access_token', answer;
	END LOOP;
	RETURN QUERY VALUES ('jwt_passkey_login', bench.median(logins)), ('session of a holder', bench.median(sessions));
END
$$;

-- Tokens for a bare verification.
CREATE TABLE bench.bare AS SELECT jwk_generate('ES256') AS key;
CREATE VIEW bench.bare_token AS
	SELECT jwt_sign_with(jsonb_build_object('challenge', n, 'filling', repeat('x', 80)), key) AS token
	FROM bench.bare, generate_series(1, 100) AS n;

--
-- Authenticators (RFC 6238).  Without a master key, the table has the secrets.
--

CREATE FUNCTION bench.code(factor uuid) RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT lpad((((get_byte(mac, place) & 127) * 16777216 + get_byte(mac, place + 1) * 65536
		+ get_byte(mac, place + 2) * 256 + get_byte(mac, place + 3)) % 1000000)::text, 6, '0')
	FROM jwt_auth.factors,
		hmac(int8send(floor(extract(epoch FROM clock_timestamp()) / 30)::bigint), secret, 'sha1') AS mac,
		LATERAL (SELECT get_byte(mac, 19) & 15) AS p (place)
	WHERE id = factor
$$;

CREATE FUNCTION bench.enroll() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	member bench.member;
	factor uuid;
BEGIN
	FOR member IN SELECT * FROM bench.member LOOP
		PERFORM bench.be(member.user_id);
		factor := jwt_enroll_totp() ->> 'factor_id';
		ASSERT jwt_confirm_totp(factor, bench.code(factor)) ->> 'status' = 'factor_added', 'no factor was added';
	END LOOP;
	PERFORM set_config('jwt_auth.token', '', true);
	DELETE FROM jwt_auth.outbox;
END
$$;

-- Each shows a code after the password, and begins a session without, by turns.
CREATE FUNCTION bench.codes() RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	verified double precision[];
	sessions double precision[];
	member record;
	ticket text;
	response jsonb;
	start timestamptz;
	answer jsonb;
BEGIN
	UPDATE jwt_auth.factors SET last_step = 0;
	FOR member IN SELECT m.*, f.id AS factor FROM bench.member AS m JOIN jwt_auth.factors AS f USING (user_id) LOOP
		ticket := jwt_login(member.name, bench.password()) ->> 'mfa_token';
		response := jsonb_build_object('code', bench.code(member.factor));
		start := clock_timestamp();
		answer := jwt_mfa_verify(ticket, 'totp', response);
		verified := verified || bench.since(start);
		ASSERT answer ? 'access_token', answer;
		start := clock_timestamp();
		answer := jwt_start_session(member.user_id, '{pwd,otp,mfa}');
		sessions := sessions || bench.since(start);
		ASSERT answer ? 'access_token', answer;
	END LOOP;
	RETURN QUERY VALUES ('jwt_mfa_verify', bench.median(verified)), ('session of a member', bench.median(sessions));
END
$$;

-- Sessions of former rounds, which would make each further one dearer.
CREATE FUNCTION bench.forget_sessions() RETURNS void
LANGUAGE sql VOLATILE AS $$ DELETE FROM jwt_auth.sessions $$;

--
-- Sign-ups: who asked for one, and what the mailer got.
--

CREATE SEQUENCE bench.number;
CREATE UNLOGGED TABLE bench.sign_up (address text, flow text);
CREATE UNLOGGED TABLE bench.message (recipient text, token text);
CREATE UNLOGGED TABLE bench.waiting (id integer PRIMARY KEY, token text, flow text);
CREATE SEQUENCE bench.confirmation;

-- Lets those whose messages have come confirm, and returns how many they are.
CREATE FUNCTION bench.deliver() RETURNS bigint
LANGUAGE sql VOLATILE AS $$
	DELETE FROM bench.waiting;
	INSERT INTO bench.waiting
		SELECT row_number() OVER (), token, flow FROM bench.sign_up JOIN bench.message ON recipient = address;
	DELETE FROM bench.sign_up;
	DELETE FROM bench.message;
	SELECT setval('bench.confirmation', 1, false);
	SELECT count(*) FROM bench.waiting;
$$;

-- Bytes of the tables that keep what a sign-up made, and of those that are
-- purged when what was sent has expired, with their indexes.
CREATE FUNCTION bench.bytes(is_purged boolean) RETURNS numeric
LANGUAGE sql VOLATILE AS $$
	SELECT sum(pg_total_relation_size(oid)) FROM pg_class
	WHERE relnamespace = 'jwt_auth'::regnamespace AND relkind = 'r'
		AND (relname IN ('one_time_tokens', 'outbox', 'used_handles', 'login_throttle')) = is_purged
$$;

-- Row versions that were left behind so far.
CREATE FUNCTION bench.dead_rows() RETURNS numeric
LANGUAGE sql VOLATILE AS $$
	SELECT sum(n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE schemaname = 'jwt_auth'
$$;

--
-- The outbox.
--

-- So many people ask to sign up, whom nobody has written to.
CREATE PROCEDURE bench.fill_outbox(messages integer)
LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1 .. messages LOOP
		PERFORM jwt_sign_up('waiting' || n || '@example.org');
		IF n % 500 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
END
$$;

-- Claims of ten messages: the call alone, and as a durable transaction.
CREATE PROCEDURE bench.claim(claims integer, INOUT call double precision DEFAULT NULL,
	INOUT durable double precision DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
	calls double precision[];
	transactions double precision[];
	start timestamptz;
	answer jsonb;
BEGIN
	FOR i IN 1 .. claims LOOP
		start := clock_timestamp();
		answer := jwt_outbox_claim(10);
		calls := calls || bench.since(start);
		COMMIT;
		transactions := transactions || bench.since(start);
		ASSERT jsonb_array_length(answer) = 10 AND answer #> '{9}' ?& '{token,code}', answer;
	END LOOP;
	call := bench.median(calls);
	durable := bench.median(transactions);
END
$$;

-- As if none had been claimed.
CREATE FUNCTION bench.return_messages() RETURNS void
LANGUAGE sql VOLATILE AS $$
	UPDATE jwt_auth.outbox SET leased_until = created_at, attempts = 0 WHERE attempts > 0
$$;

--
-- Challenges and tickets that were used, and have expired.
--

CREATE FUNCTION bench.fill_used_handles(handles integer) RETURNS void
LANGUAGE sql VOLATILE AS $$
	INSERT INTO jwt_auth.used_handles (hash, expires_at)
	SELECT sha256(convert_to(clock_timestamp()::text || n, 'UTF8')), now() - interval '1 hour'
	FROM generate_series(1, handles) AS n
$$;
