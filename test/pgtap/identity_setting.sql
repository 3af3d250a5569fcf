-- The setting jwt_auth.token (T17, T18, T24, T25): however it is set, the
-- identity follows, and goes when the setting goes; what it holds is harmless
-- until it is used; and showing it shows no signature.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
SELECT test.token_of('alice') AS alice, test.token_of('bob') AS bob \gset

-- It also drops what pgTAP keeps
SET jwt_auth.token = :'alice';
SELECT jwt_user_id() = test.id_of('alice') AS before_discard \gset
DISCARD ALL;
SELECT jwt_user_id() IS NULL AS after_discard \gset
-- At least 89 assertions
SELECT no_plan();
SELECT ok(:'before_discard', 'before DISCARD ALL, the identity is alice');
SELECT ok(:'after_discard', 'after DISCARD ALL, there is no identity');

-- "alice", "bob", NULL for nobody, or the SQLSTATE.
CREATE FUNCTION test.who() RETURNS text
LANGUAGE plpgsql VOLATILE AS
$$
BEGIN
	RETURN (SELECT coalesce((SELECT p.name FROM test.person AS p WHERE p.id = u.id), u.id::text)
			FROM public.jwt_user_id() AS u (id));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;

SELECT is(test.who(), NULL, 'a new session has no identity');
SET jwt_auth.token = :'alice';
SELECT is(test.who(), 'alice', 'SET sets the identity');
SET jwt_auth.token = :'bob';
SELECT is(test.who(), 'bob', 'a second SET changes the identity');
SELECT set_config('jwt_auth.token', :'alice', false) IS NULL AS unused \gset
SELECT is(test.who(), 'alice', 'set_config for the session sets the identity');
SET jwt_auth.token = '';
SELECT is(test.who(), NULL, 'an empty token is no identity');
SET jwt_auth.token = :'alice';
RESET jwt_auth.token;
SELECT is(test.who(), NULL, 'after RESET, there is no identity');
SET jwt_auth.token = :'alice';
RESET ALL;
SELECT is(test.who(), NULL, 'after RESET ALL, there is no identity');
SET jwt_auth.token TO DEFAULT;
SELECT is(test.who(), NULL, 'after SET TO DEFAULT, there is no identity');

-- Of one transaction
SET jwt_auth.token = :'bob';
BEGIN;
SET LOCAL jwt_auth.token = :'alice';
SELECT is(test.who(), 'alice', 'SET LOCAL sets the identity of the transaction');
COMMIT;
SELECT is(test.who(), 'bob', 'after COMMIT, a SET LOCAL is undone');
BEGIN;
SET LOCAL jwt_auth.token = :'alice';
SELECT is(test.who(), 'alice', 'SET LOCAL sets the identity of a second transaction');
ROLLBACK;
SELECT is(test.who(), 'bob', 'after ROLLBACK, a SET LOCAL is undone');
BEGIN;
SELECT set_config('jwt_auth.token', :'alice', true) IS NULL AS unused \gset
SELECT is(test.who(), 'alice', 'set_config for the transaction sets its identity');
COMMIT;
SELECT is(test.who(), 'bob', 'after COMMIT, a set_config for the transaction is undone');
BEGIN;
SET jwt_auth.token = :'alice';
ROLLBACK;
SELECT is(test.who(), 'bob', 'after ROLLBACK, a SET is undone');
BEGIN;
SET jwt_auth.token = :'alice';
SET LOCAL jwt_auth.token = '';
SELECT is(test.who(), NULL, 'SET LOCAL to an empty token hides the session''s token');
COMMIT;
SELECT is(test.who(), 'alice', 'after COMMIT, the session''s token is back');
RESET jwt_auth.token;

-- An error in mid-transaction
\set ON_ERROR_STOP off
\set VERBOSITY sqlstate
BEGIN;
SET LOCAL jwt_auth.token = :'alice';
SELECT is(test.who(), 'alice', 'before an error, the transaction has its identity');
SELECT 1 / 0;
SELECT test.who();
COMMIT;
SELECT is(test.who(), NULL, 'after an error in the transaction, there is no identity');
BEGIN;
SET jwt_auth.token = :'alice';
SELECT 1 / 0;
ROLLBACK;
SELECT is(test.who(), NULL, 'after an error in the transaction, a SET is undone');
\set ON_ERROR_STOP on

-- Savepoints
BEGIN;
SET LOCAL jwt_auth.token = :'alice';
SAVEPOINT s;
SET LOCAL jwt_auth.token = :'bob';
SELECT is(test.who(), 'bob', 'SET LOCAL within a savepoint sets the identity');
ROLLBACK TO SAVEPOINT s;
SELECT is(test.who(), 'alice', 'after ROLLBACK TO SAVEPOINT, the former identity is back');
SET LOCAL jwt_auth.token = :'bob';
RELEASE SAVEPOINT s;
SELECT is(test.who(), 'bob', 'after RELEASE SAVEPOINT, the new identity stays');
COMMIT;
SELECT is(test.who(), NULL, 'after COMMIT, a SET LOCAL of a released savepoint is undone');
BEGIN;
SAVEPOINT s;
SELECT jwt_authenticate(:'alice') IS NULL AS unused \gset
ROLLBACK TO SAVEPOINT s;
SELECT is(test.who(), NULL, 'when its savepoint is rolled back, jwt_authenticate is undone');
COMMIT;
DO $$
BEGIN
	PERFORM set_config('jwt_auth.token', test.token_of('alice'), false);
	BEGIN
		PERFORM set_config('jwt_auth.token', test.token_of('bob'), false);
		ASSERT test.who() = 'bob';
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
		NULL;
	END;
END
$$;
SELECT is(test.who(), 'alice', 'after an exception block that failed, the former identity is back');
RESET jwt_auth.token;

-- A function with a setting of its own
CREATE FUNCTION test.who_inside() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN test.who(); END';
SELECT format('ALTER FUNCTION test.who_inside() SET jwt_auth.token = %L', :'bob') \gexec
SET jwt_auth.token = :'alice';
SELECT is(ARRAY[test.who(), test.who_inside(), test.who()], '{alice,bob,alice}',
		  'the setting of a function holds within it');
SELECT is((SELECT array_agg(CASE WHEN n % 2 = 0 THEN test.who() ELSE test.who_inside() END ORDER BY n)
		   FROM generate_series(1, 4) AS n), '{bob,alice,bob,alice}', 'the setting of a function holds for each call');
ALTER FUNCTION test.who_inside() SET jwt_auth.token = '';
SELECT is(ARRAY[test.who_inside(), test.who()], ARRAY[NULL, 'alice'], 'an empty setting of a function holds within it');
ALTER FUNCTION test.who_inside() SET jwt_auth.token FROM CURRENT;
SELECT is(ARRAY[test.who_inside(), test.who()], '{28J00,alice}',
		  'SET FROM CURRENT of a function stores what is shown, which is no token');
RESET jwt_auth.token;

-- Odd values: harmless until used
CREATE FUNCTION test.odd_value(value text) RETURNS text[]
LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('jwt_auth.token', value, false);
	PERFORM count(*) FROM pg_settings;
	RETURN (SELECT array_agg(DISTINCT test.sqlstate_of('SELECT public.' || call))
			FROM unnest('{jwt_user_id(),jwt_claims(),jwt_claim(''sub''),jwt_session_id(),jwt_issuer(),'
						'jwt_role(),jwt_has_role(''x''),jwt_has_scope(''x''),jwt_require_scope(''x'')}'::text[]) AS call);
END
$$;
SELECT is(test.odd_value(value), '{28J00}', 'no token: ' || left(what, 40))
FROM (VALUES ('x', 'x'), ('a space', ' '), ('dots', '..'), ('one dot', '.'), ('quotes', ''''' OR true --'),
			 ('a line end', E'a.b.c\n'), ('not ASCII', 'ä.ö.ü'), ('percent signs', '%s.%n.%s'),
			 ('JSON', '{"sub":"x"}'), ('20 kB', repeat('a', 20000)), ('2 MB', repeat('a', 2000000)),
			 ('dots only', repeat('.', 5000)), ('NULL as text', 'NULL')) AS v (what, value);
SELECT is(test.odd_value(value), '{28J00}', 'alice''s token and ' || what)
FROM (VALUES ('a space before it', ' ' || :'alice'), ('a space behind it', :'alice' || ' '),
			 ('a line end', :'alice' || E'\n'), ('a scheme', 'Bearer ' || :'alice'),
			 ('one more letter', :'alice' || 'A'), ('one less', left(:'alice', -1)),
			 ('no signature', substring(:'alice' FROM '^.*\.')),
			 ('bob''s signature', substring(:'alice' FROM '^.*\.') || split_part(:'bob', '.', 3)),
			 ('bob''s payload', split_part(:'alice', '.', 1) || '.' || split_part(:'bob', '.', 2) || '.'
							  || split_part(:'alice', '.', 3)),
			 ('alg none', test.base64url_text('{"alg":"none"}') || '.' || split_part(:'alice', '.', 2) || '.'))
	AS v (what, value);
SELECT is(test.odd_value(test.own(members)), ARRAY[state], 'a good signature over ' || members)
FROM (VALUES ('"exp":1', '28J01'), ('"exp":"soon"', '28J00'), ('"nbf":4102444800', '28J00'),
			 ('"aud":"another"', '28J00'), ('"iss":"another"', '28J00'),
			 ('"sid":"0197a5b0-0000-7000-8000-000000000000"', '28J00'), ('"sid":7', '28J00'),
			 ('"token_use":"refresh"', '28J00'), ('"token_use":"id"', '28J00'), ('"token_use":1', '28J00'),
			 ('"cnf":{"jkt":"x"}', '28J00'), ('"cnf":null', '28J00')) AS v (members, state);
SET jwt_auth.token = :'alice';
SELECT is(test.who(), 'alice', 'after malformed values, a valid token sets the identity');
SELECT is(test.odd_value(test.own('"token_use":"access","sub":"x"')), ARRAY['42501', NULL],
		  'a token with token_use "access" is an identity');

-- No value that follows a bad one is taken for it
SELECT is((test.odd_value('x'), test.odd_value(:'alice'), test.odd_value('x'))::text,
		  ('{28J00}'::text[], ARRAY['42501', NULL], '{28J00}'::text[])::text, 'a malformed value before and after a valid one is refused');
RESET jwt_auth.token;

-- The settings of the operator act upon a token that was used already
SET jwt_auth.token = :'alice';
SELECT is(test.who(), 'alice', 'before a setting changes, the identity is alice');
SET jwt_auth.audience = 'api';
SELECT is(test.who(), '28J00', 'with another jwt_auth.audience, the token is refused');
RESET jwt_auth.audience;
SET jwt_auth.issuer = 'https://auth.example.org';
SELECT is(test.who(), '28J00', 'with another jwt_auth.issuer, the token is refused');
RESET jwt_auth.issuer;
SELECT is(test.who(), 'alice', 'with the former settings, the identity is alice');
RESET jwt_auth.token;

-- Shown without its signature
SET jwt_auth.token = :'alice';
SELECT ok(current_setting('jwt_auth.token') LIKE left(:'alice', 20) || '%', 'current_setting shows the beginning of the token');
SELECT ok(position(split_part(:'alice', '.', 3) IN current_setting('jwt_auth.token')) = 0,
		  'current_setting shows no signature');
CREATE FUNCTION pg_temp.shown_by(statement text) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	line record;
	shown text := '';
BEGIN
	FOR line IN EXECUTE statement LOOP
		shown := shown || line;
	END LOOP;
	RETURN shown;
END
$$;
SELECT pg_temp.shown_by('SHOW jwt_auth.token') AS shown, pg_temp.shown_by('SHOW ALL') AS all_shown \gset
SELECT ok(position(left(:'alice', 20) IN :'shown') > 0, 'SHOW shows the beginning of the token');
SELECT ok(position(split_part(:'alice', '.', 3) IN :'shown') = 0, 'SHOW shows no signature');
SELECT ok(position('jwt_auth.leeway' IN :'all_shown') > 0 AND position('(jwt_auth.token,' IN :'all_shown') = 0
		  AND position(split_part(:'alice', '.', 3) IN :'all_shown') = 0, 'SHOW ALL leaves the setting out');
SELECT is(test.odd_value(:'shown'), '{28J00}', 'what SHOW shows is no token');
SET jwt_auth.token = :'alice';
SELECT is((SELECT count(*) FROM pg_settings WHERE name = 'jwt_auth.token'
		   OR concat(setting, reset_val, boot_val, sourcefile) LIKE '%' || split_part(:'alice', '.', 3) || '%'), 0::bigint,
		  'pg_settings has neither the setting nor the signature');
SELECT is((SELECT count(*) FROM pg_show_all_settings() AS s
		   WHERE s::text LIKE '%' || split_part(:'alice', '.', 3) || '%'), 0::bigint,
		  'pg_show_all_settings does not show the signature');
SELECT is(test.odd_value('no dots at all'), '{28J00}', 'a value without dots is no token');
SELECT ok(position('dots' IN current_setting('jwt_auth.token')) = 0, 'a value without dots is not shown');
RESET jwt_auth.token;
SELECT is(current_setting('jwt_auth.token'), '', 'an empty token is shown as empty');

-- The clock: accessors go by the statement's time, jwt_verify by the clock
SET jwt_auth.leeway = 0;
SELECT set_config('jwt_auth.token', test.own(format('"sub":"%s","exp":%s', test.id_of('bob'),
												  extract(epoch FROM clock_timestamp()) + 3)), false) AS shortly \gset
DO $$
DECLARE
	first text := test.who();
	token text := test.own(format('"exp":%s', extract(epoch FROM statement_timestamp())));
BEGIN
	PERFORM pg_sleep_for('3.1 s');
	ASSERT first = 'bob', first;
	ASSERT test.who() = 'bob', 'within one statement it does not expire';
	ASSERT test.sqlstate_of(format('SELECT public.jwt_verify(%L)', token)) = '28J01';
END
$$;
SELECT is(test.who(), '28J01', 'a token that expired is refused in the next statement');
BEGIN;
SELECT is(test.who(), '28J01', 'a token that expired is refused at the start of a transaction');
SET LOCAL jwt_auth.leeway = 60;
SELECT is(test.who(), 'bob', 'within jwt_auth.leeway, a token that expired is the identity');
SET LOCAL jwt_auth.leeway = 0;
SELECT is(test.who(), '28J01', 'beyond jwt_auth.leeway, a token that expired is refused');
COMMIT;

SELECT * FROM finish();
