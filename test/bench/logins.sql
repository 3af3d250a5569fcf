-- Users of an identity provider, and the functions that measure logins with it and
-- with API tokens.  Runs after lifecycle.sql.
--
-- psql variables: members is how many users of the provider there are.

\set ON_ERROR_STOP on
SET client_min_messages = warning;

--
-- An identity provider, whose key is here.  The ID tokens are signed before what is
-- measured, each for a nonce of its own.
--

CREATE TABLE bench.provider AS SELECT jwk_generate('RS256', 'provider') AS key;
SELECT jwt_add_provider('provider', 'https://provider.example', '{bench}',
	jsonb_build_object('keys', jsonb_build_array(jwk_public(key))), '{"sign_up": true}')
FROM bench.provider;

CREATE TABLE bench.visitor (id integer PRIMARY KEY, user_id uuid, id_token text NOT NULL);

-- An ID token of now, as large as those of providers are.
CREATE FUNCTION bench.id_token(visitor integer) RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT jwt_sign_with(jsonb_build_object(
		'iss', 'https://provider.example', 'azp', 'bench', 'aud', 'bench', 'sub', '11016948447438627' || visitor,
		'email', 'visitor' || visitor || '@example.org', 'email_verified', true,
		'name', 'Visitor ' || visitor, 'locale', 'en', 'nonce', jwt_external_nonce() ->> 'nonce',
		'iat', extract(epoch FROM now())::bigint, 'exp', extract(epoch FROM now())::bigint + 3600), key)
	FROM bench.provider
$$;

CREATE FUNCTION bench.sign_id_tokens() RETURNS void
LANGUAGE sql VOLATILE AS $$ UPDATE bench.visitor SET id_token = bench.id_token(id) $$;

-- Each becomes a user by a first login.
INSERT INTO bench.visitor SELECT n, NULL, bench.id_token(n) FROM generate_series(1, :members) AS n;
UPDATE bench.visitor SET user_id =
	((jwt_decode(jwt_login_external('provider', id_token) ->> 'access_token')).claims ->> 'sub')::uuid;

-- Each logs in with the provider, and begins a session without, by turns.
CREATE FUNCTION bench.external_logins() RETURNS TABLE (sample text, microseconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
	logins double precision[];
	sessions double precision[];
	visitor bench.visitor;
	start timestamptz;
	answer jsonb;
BEGIN
	FOR visitor IN SELECT * FROM bench.visitor ORDER BY id LOOP
		start := clock_timestamp();
		answer := jwt_login_external('provider', visitor.id_token);
		logins := logins || bench.since(start);
		ASSERT answer ? 'access_token', answer;
		start := clock_timestamp();
		answer := jwt_start_session(visitor.user_id, '{fed}');
		sessions := sessions || bench.since(start);
		ASSERT answer ? 'access_token', answer;
	END LOOP;
	RETURN QUERY VALUES ('jwt_login_external', bench.median(logins)),
		('session of a visitor', bench.median(sessions));
END
$$;

--
-- API tokens.
--

-- A script exchanges its token, and its user refreshes, by turns: the calls alone,
-- each in a transaction of its own, since versions of one row that a transaction
-- piles up would make each further refresh dearer.
CREATE PROCEDURE bench.api_tokens(exchanges integer, INOUT exchange double precision DEFAULT NULL,
	INOUT refresh double precision DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
	refresh_token text := jwt_login('user1', bench.password()) ->> 'refresh_token';
	api_token text;
	start timestamptz;
	answer jsonb;
	refreshed double precision[];
	exchanged double precision[];
BEGIN
	PERFORM bench.be((SELECT id FROM jwt_auth.users WHERE username = 'user1'));
	api_token := jwt_create_api_token('bench', '', '1 day') ->> 'token';
	FOR i IN 1 .. exchanges LOOP
		COMMIT;
		start := clock_timestamp();
		answer := jwt_refresh(refresh_token);
		refreshed := refreshed || bench.since(start);
		refresh_token := answer ->> 'refresh_token';
		ASSERT refresh_token IS NOT NULL, answer;
		COMMIT;
		start := clock_timestamp();
		answer := jwt_login_api_token(api_token);
		exchanged := exchanged || bench.since(start);
		ASSERT answer ? 'access_token', answer;
	END LOOP;
	exchange := bench.median(exchanged);
	refresh := bench.median(refreshed);
END
$$;
