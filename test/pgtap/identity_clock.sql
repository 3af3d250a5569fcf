-- When a token counts (T18, F03, F52): its beginning is judged by the clock, so that
-- one which is issued within a long statement counts there; its end by the
-- start of the statement, or of the transaction where a procedure has begun
-- another; jwt_verify and jwt_authenticate judge both by the clock.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
-- At least 20 assertions
SELECT no_plan();
SET jwt_auth.leeway = 0;
CREATE FUNCTION test.who() RETURNS text
LANGUAGE plpgsql VOLATILE AS
$$ BEGIN RETURN coalesce((SELECT name FROM test.person WHERE id = public.jwt_user_id()), 'nobody'); EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;

-- Sets a token of the user whose times are so many seconds from now.
CREATE FUNCTION test.be(name text, times text, VARIADIC seconds numeric[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	members text := format('"sub":"%s"', test.id_of(name));
BEGIN
	FOR i IN 1 .. cardinality(seconds) LOOP
		members := members || format(',"%s":%s', split_part(times, ' ', i), extract(epoch FROM clock_timestamp()) + seconds[i]);
	END LOOP;
	PERFORM set_config('jwt_auth.token', test.own(members), false);
END
$$;

-- A statement that takes longer than the leeway
CREATE TEMP TABLE found (at text, who text);
DO $$
DECLARE
	ends_soon text := test.own(format('"sub":"%s","exp":%s', test.id_of('alice'), extract(epoch FROM clock_timestamp()) + 1));
	ended text := test.own(format('"sub":"%s","exp":%s', test.id_of('bob'), extract(epoch FROM statement_timestamp()) - 0.01));
BEGIN
	PERFORM set_config('jwt_auth.token', ends_soon, false);
	INSERT INTO found VALUES ('at once', test.who());
	PERFORM pg_sleep_for('1.2 s');
	INSERT INTO found VALUES ('over its end', test.who()), ('jwt_verify at its end', test.sqlstate_of(format('SELECT public.jwt_verify(%L)', ends_soon))),
		('jwt_authenticate at its end', test.sqlstate_of(format('SELECT public.jwt_authenticate(%L)', ends_soon)));
	PERFORM set_config('jwt_auth.token', public.jwt_sign(jsonb_build_object('sub', test.id_of('bob'))), false);
	INSERT INTO found VALUES ('issued meanwhile', test.who());
	PERFORM test.be('bob', 'iat nbf exp', 0, 0, 60);
	INSERT INTO found VALUES ('iat and nbf are now', test.who());
	PERFORM test.be('bob', 'iat exp', 5, 60);
	INSERT INTO found VALUES ('iat in the future', test.who());
	PERFORM test.be('bob', 'nbf exp', 5, 60);
	INSERT INTO found VALUES ('nbf in the future', test.who());
	PERFORM set_config('jwt_auth.token', ended, false);
	INSERT INTO found VALUES ('ended when it began', test.who());
	PERFORM set_config('jwt_auth.token', public.jwt_login('alice', 'correct horse of alice') ->> 'access_token', false);
	INSERT INTO found VALUES ('a login meanwhile', test.who()), ('in a query', (SELECT max(test.who()) FROM generate_series(1, 3)));
	PERFORM test.be('bob', 'nbf', 0.5);
	INSERT INTO found VALUES ('before nbf', test.who());
	PERFORM pg_sleep_for('0.6 s');
	INSERT INTO found VALUES ('after nbf', test.who());
END
$$;
SELECT is(f.who, v.who, 'in a long statement: ' || at)
FROM found AS f FULL JOIN (VALUES ('at once', 'alice'), ('over its end', 'alice'), ('jwt_verify at its end', '28J01'), ('jwt_authenticate at its end', '28J01'), ('issued meanwhile', 'bob'),
	('iat and nbf are now', 'bob'), ('iat in the future', '28J00'), ('nbf in the future', '28J00'), ('ended when it began', '28J01'), ('a login meanwhile', 'alice'), ('in a query', 'alice'),
	('before nbf', '28J00'), ('after nbf', 'bob')) AS v (at, who) USING (at);

-- A procedure keeps no token over its end: COMMIT and ROLLBACK begin anew
CREATE PROCEDURE test.goes_on(ends text) LANGUAGE plpgsql AS
$$
BEGIN
	TRUNCATE found;
	INSERT INTO found VALUES ('1 before', test.who());
	PERFORM pg_sleep_for('1.2 s');
	INSERT INTO found VALUES ('2 after the end', test.who());
	IF ends = 'commit' THEN
		COMMIT;
	ELSE
		COMMIT;
		INSERT INTO found VALUES ('x', 'x');
		ROLLBACK;
	END IF;
	INSERT INTO found VALUES ('3 in the next transaction', test.who());
	PERFORM set_config('jwt_auth.token', public.jwt_sign(jsonb_build_object('sub', test.id_of('bob'))), false);
	INSERT INTO found VALUES ('4 with another token', test.who());
	COMMIT;
	INSERT INTO found VALUES ('5 over the next COMMIT', test.who());
END
$$;
SELECT test.be('alice', 'exp', 1) IS NULL AS unused \gset
CALL test.goes_on('commit');
SELECT is((SELECT string_agg(who, ' ' ORDER BY at) FROM found), 'alice alice 28J01 bob bob', 'a procedure that commits keeps no token beyond its end');
SELECT test.be('alice', 'exp', 1) IS NULL AS unused \gset
CALL test.goes_on('rollback');
SELECT is((SELECT string_agg(who, ' ' ORDER BY at) FROM found), 'alice alice 28J01 bob bob', 'a procedure that rolls back keeps no token beyond its end');
SELECT test.be('alice', 'exp', 1) IS NULL AS unused \gset
DO $$
BEGIN
	TRUNCATE found;
	PERFORM pg_sleep_for('1.2 s');
	INSERT INTO found VALUES ('1', test.who());
	COMMIT;
	INSERT INTO found VALUES ('2', test.who());
END
$$;
SELECT is((SELECT string_agg(who, ' ' ORDER BY at) FROM found), 'alice 28J01', 'a DO block that commits keeps no token beyond its end');
-- So the end of its session
SELECT test.login('alice') AS short \gset
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() + interval '1 s' WHERE id = ((jwt_decode(:'short')).claims ->> 'sid')::uuid;
SET jwt_auth.token = :'short';
CALL test.goes_on('commit');
SELECT is((SELECT string_agg(who, ' ' ORDER BY at) FROM found), 'alice alice 28J02 bob bob', 'a procedure that commits keeps no token beyond the end of its session');

-- Statements that are sent as one begin together; so does the transaction
TRUNCATE found;
SELECT test.be('alice', 'exp', 1) IS NULL AS unused \gset
INSERT INTO found VALUES ('1', test.who()) \; SELECT pg_sleep_for('1.2 s') \; INSERT INTO found VALUES ('2', test.who()) \; BEGIN \; INSERT INTO found VALUES ('3', test.who()) \; COMMIT;
INSERT INTO found VALUES ('4', test.who());
SELECT is((SELECT string_agg(who, ' ' ORDER BY at) FROM found), 'alice alice alice 28J01', 'a batch has the identity of its beginning, and the statement after it has none');
-- A transaction does not prolong it: each statement is judged for itself
SELECT test.be('alice', 'exp', 1) IS NULL AS unused \gset
BEGIN;
SELECT is(test.who(), 'alice', 'the first statement of a transaction has the identity');
SELECT pg_sleep_for('1.2 s');
SELECT is(test.who(), '28J01', 'a statement of the transaction after the token''s end is refused');
COMMIT;

SET jwt_auth.token = '';
SELECT * FROM finish();
