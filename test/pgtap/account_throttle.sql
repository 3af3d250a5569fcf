-- Waits after failed logins (T38, T40, T42, T87): from a number of failures on each
-- wait is twice as long; unknown names alike; success and admins clear it;
-- what a caller rolls back counts all the same.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 202 assertions
SELECT no_plan();
SELECT test.create_user('alice') AS alice \gset

-- The first failures cost nothing; then one second, twice as much each time
CREATE FUNCTION pg_temp.fail(username text, times integer DEFAULT 1) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(DISTINCT public.jwt_login(username, 'wrong ' || n) ->> 'error', ',') FROM generate_series(1, times) AS n $$;

CREATE FUNCTION pg_temp.waits(name text) RETURNS SETOF text LANGUAGE plpgsql AS
$$
DECLARE
	answer jsonb;
	wait integer;
	hash bytea;
BEGIN
	RETURN NEXT is(pg_temp.fail(name, 5), 'invalid_grant', name || ': five failures');
	SELECT name_hash INTO hash FROM jwt_auth.login_throttle ORDER BY last_failure_at DESC LIMIT 1;
	FOR n IN 0 .. 12 LOOP
		wait := least(power(2, n), 900);
		answer := test.login(name);
		RETURN NEXT is(answer ->> 'error', 'temporarily_unavailable', format('%s: must wait after %s failures, even with the right password', name, 5 + n));
		RETURN NEXT ok((answer -> 'retry_after')::integer BETWEEN wait - 1 AND wait AND (answer -> 'retry_after')::integer > 0,
					   format('%s: %s s of %s', name, answer -> 'retry_after', wait));
		IF n = 0 THEN
			RETURN NEXT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(answer) AS k), '{error,error_description,retry_after}', 'members of the answer');
		END IF;
		RETURN NEXT is((SELECT failures FROM jwt_auth.login_throttle WHERE name_hash = hash), 5 + n, name || ': an attempt during the wait is not counted');
		UPDATE jwt_auth.login_throttle SET last_failure_at = last_failure_at - make_interval(secs => wait - 0.5) WHERE name_hash = hash;
		RETURN NEXT is(pg_temp.fail(name), 'temporarily_unavailable', format('%s: half a second too early', name));
		UPDATE jwt_auth.login_throttle SET last_failure_at = last_failure_at - interval '0.5 s' WHERE name_hash = hash;
		RETURN NEXT is(pg_temp.fail(name), 'invalid_grant', format('%s: after %s s one attempt is free', name, wait));
	END LOOP;
END
$$;
SELECT test.audit_count() AS events \gset
SELECT pg_temp.waits('alice');
SELECT set_eq(format('SELECT e, count(*) FROM test.audit_since(%s) AS e GROUP BY e', :'events'),
			  $$VALUES ('login_denied: wrong password', 18::bigint), ('login_throttled: too many failures', 14)$$, 'the start of each wait is audited, and no attempt within');
SELECT test.audit_count() AS events \gset
SELECT pg_temp.waits('nobody');
SELECT set_eq(format('SELECT e, count(*) FROM test.audit_since(%s) AS e GROUP BY e', :'events'),
			  $$VALUES ('login_denied: unknown user', 18::bigint), ('login_throttled: too many failures', 14)$$, 'unknown names alike');
SELECT is(test.error_of(test.login('ALICE ')), 'temporarily_unavailable', 'another writing of a name waits, too'),
	   is(test.error_of(test.login('alice2')), 'invalid_grant', 'other names don''t');

-- An attempt during the wait is not hashed: it would take a second
SET jwt_auth.argon2_memory = 262144;
SET jwt_auth.argon2_iterations = 8;
SELECT clock_timestamp() AS start \gset
SELECT is(pg_temp.fail('nobody', 20), 'temporarily_unavailable', 'twenty attempts during the wait'), is(test.error_of(test.login('alice')), 'temporarily_unavailable', 'and one');
SELECT cmp_ok(clock_timestamp() - :'start', '<', interval '1 s', 'take no time');
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;

-- Refresh is never throttled, and an admin clears the wait
DELETE FROM jwt_auth.login_throttle;
SELECT test.login('alice') AS answer \gset
SELECT is(pg_temp.fail('alice', 6), 'invalid_grant,temporarily_unavailable', 'the name waits');
SELECT test.refresh(:'answer') AS answer \gset
SELECT is(test.error_of(:'answer'), 'ok', 'refresh goes on'), is(test.access(:'answer'), NULL, 'and so does the access token');
SELECT jwt_unlock_user(:'alice');
SELECT is(test.error_of(test.login('alice')), 'ok', 'unlocked');
SELECT is(pg_temp.fail('alice', 6), 'invalid_grant,temporarily_unavailable', 'the name waits');
SELECT jwt_enable_user(:'alice');
SELECT is(test.error_of(test.login('alice')), 'ok', 'enabled');

-- Success clears the count; four failures, again and again, are no reason to wait
SELECT is(pg_temp.fail('alice', 4), 'invalid_grant', 'four failures'), is(test.error_of(test.login('alice')), 'ok', 'and a success'),
	   is(pg_temp.fail('alice', 4), 'invalid_grant', 'four failures'), is(test.error_of(test.login('alice')), 'ok', 'and a success');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'leave no row');

-- A row lives for an hour after its last failure; each failure removes two dead ones
SELECT is(pg_temp.fail('alice', 6), 'invalid_grant,temporarily_unavailable', 'the name waits');
SELECT test.age_failures('59 min');
SELECT is(pg_temp.fail('alice'), 'invalid_grant', 'an attempt much later');
SELECT is((SELECT failures FROM jwt_auth.login_throttle), 6, 'goes on counting');
SELECT test.age_failures('61 min');
SELECT is(pg_temp.fail('alice'), 'invalid_grant', 'an attempt after an hour');
SELECT is((SELECT failures FROM jwt_auth.login_throttle), 1, 'begins anew');
DELETE FROM jwt_auth.login_throttle;
SELECT count(pg_temp.fail('flood ' || n)) FROM generate_series(1, 20) AS n;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 20::bigint, 'twenty names');
SELECT test.age_failures('61 min');
SELECT count(pg_temp.fail('later ' || n)) FROM generate_series(1, 10) AS n;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 10::bigint, 'ten later failures removed them');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle WHERE last_failure_at < now() - interval '1 h'), 0::bigint, 'all that were dead');
SELECT test.age_failures('59 min');
SELECT count(pg_temp.fail('last ' || n)) FROM generate_series(1, 10) AS n;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 20::bigint, 'none is forgotten before its time');

-- A clock that was set back does not prolong a wait
DELETE FROM jwt_auth.login_throttle;
SELECT is(pg_temp.fail('alice', 6), 'invalid_grant,temporarily_unavailable', 'the name waits');
SELECT test.age_failures('-1 d');
SELECT is(test.error_of(test.login('alice')), 'ok', 'a failure in the future');

-- The table tells no names
SELECT is(pg_temp.fail('secret name', 1), 'invalid_grant', 'a failure');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle WHERE name_hash IN (sha256('secret name'), 'secret name')), 0::bigint, 'is kept as a keyed hash'),
	   is((SELECT string_agg(DISTINCT octet_length(name_hash)::text, ',') FROM jwt_auth.login_throttle), '32', 'of one length');

-- The bytes by which a row is found, which never change while rows are out: the
-- kind's label, NUL, and the canonical name.  Another implementation makes them.
CREATE FUNCTION pg_temp.subject(label text, name text) RETURNS bytea LANGUAGE sql AS
$$ SELECT hmac(label::bytea || '\x00' || name::bytea, test.from_base64url(convert_from(private_jwk, 'UTF8')::jsonb ->> 'k'), 'sha256')
   FROM jwt_auth.keys WHERE use = 'hash' $$;
CREATE FUNCTION pg_temp.count_elsewhere(subject bytea) RETURNS void LANGUAGE sql AS
$$ INSERT INTO jwt_auth.login_throttle VALUES (subject, 20, clock_timestamp()) $$;
DELETE FROM jwt_auth.login_throttle;
SELECT is(pg_temp.fail('ALICE ', 1), 'invalid_grant', 'a failure of alice');
SELECT is((SELECT array_agg(name_hash) FROM jwt_auth.login_throttle), ARRAY[pg_temp.subject('jwt_auth throttle', 'alice')], 'has the row of the canonical name');
DELETE FROM jwt_auth.login_throttle;
SELECT pg_temp.count_elsewhere(pg_temp.subject('jwt_auth throttle', 'alice'));
SELECT is(test.error_of(test.login('alice')), 'temporarily_unavailable', 'a row that was written elsewhere with these bytes counts');
SELECT jwt_unlock_user(:'alice');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'and an admin clears it');

-- Rows of other labels neither count nor are cleared
CREATE TEMPORARY TABLE others AS
SELECT label, pg_temp.subject(label, name) AS subject FROM (VALUES
	('jwt_auth throttle code', 'alice'), ('jwt_auth throttl', 'ealice'), ('jwt_auth throttle ', 'alice'), ('jwt_auth throttlealice', ''),
	('jwt_auth stand-in', 'alice'), ('password', 'alice'), ('', 'alice')) AS v (label, name);
SELECT is((SELECT count(DISTINCT subject) FROM others WHERE subject <> pg_temp.subject('jwt_auth throttle', 'alice')), 7::bigint, 'seven other labels');
SELECT count(pg_temp.count_elsewhere(subject)) FROM others;
SELECT is(test.error_of(test.login('alice')), 'ok', 'no row of another label counts');
SELECT is(pg_temp.fail('alice', 1), 'invalid_grant', 'a failure');
SELECT is(test.error_of(test.login('alice')), 'ok', 'and a success, which clears its own row');
SELECT is((SELECT failures FROM jwt_auth.login_throttle WHERE name_hash = subject), 20, format('but not that of the label "%s"', label)) FROM others;
SELECT jwt_unlock_user(:'alice');
SELECT jwt_enable_user(:'alice');
SELECT set_eq('SELECT name_hash FROM jwt_auth.login_throttle', 'SELECT subject FROM others', 'nor does an admin who unlocks the user');

-- Failures that the caller rolls back (T38)
DELETE FROM jwt_auth.login_throttle;
CREATE ROLE regress_throttle_caller;
GRANT EXECUTE ON FUNCTION jwt_login(text, text, interval) TO regress_throttle_caller;
CREATE FUNCTION test.undone(username text, times integer) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	answer text;
BEGIN
	FOR n IN 1 .. times LOOP
		BEGIN
			answer := public.jwt_login(username, 'wrong') ->> 'error';
			RAISE EXCEPTION 'undone';
		EXCEPTION WHEN raise_exception THEN
			NULL;
		END;
	END LOOP;
	RETURN answer;
END
$$;
SET ROLE regress_throttle_caller;
SELECT is(test.undone('alice', 5), 'invalid_grant', 'savepoints: five failures that were rolled back'), is(test.undone('alice', 1), 'temporarily_unavailable', 'count'),
	   is(jwt_login('alice', 'correct horse battery staple') ->> 'error', 'temporarily_unavailable', 'for the right password, too');
SELECT is(jwt_login('alice', 'correct horse battery staple') ->> 'error', 'temporarily_unavailable', 'in the next transaction, too');
RESET ROLE;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'although the table knows nothing');
SELECT jwt_unlock_user(:'alice');
SELECT is(test.error_of(test.login('alice')), 'ok', 'unlocked here');
SET ROLE regress_throttle_caller;
BEGIN;
SELECT is(jwt_login('other', 'wrong') ->> 'error', 'invalid_grant', 'transactions: a failure') FROM generate_series(1, 3);
ROLLBACK;
BEGIN;
SELECT is(jwt_login('other', 'wrong') ->> 'error', 'invalid_grant', 'and another') FROM generate_series(1, 2);
ROLLBACK;
SELECT is(jwt_login('other', 'wrong') ->> 'error', 'temporarily_unavailable', 'five that were rolled back count');
SELECT is(test.undone('mixed', 2), 'invalid_grant', 'rolled back'), is(jwt_login('mixed', 'wrong') ->> 'error', 'invalid_grant', 'and not'),
	   is(test.undone('mixed', 2), 'invalid_grant', 'by turns'), is(jwt_login('mixed', 'wrong') ->> 'error', 'temporarily_unavailable', 'both count');
RESET ROLE;
SELECT is((SELECT max(failures) FROM jwt_auth.login_throttle), 1, 'the table counts what committed');
-- Many failures in one transaction that commits count once
DELETE FROM jwt_auth.login_throttle;
SET jwt_auth.login_max_failures = 6;
BEGIN;
SELECT is(pg_temp.fail('committed', 5), 'invalid_grant', 'five');
COMMIT;
SELECT is(pg_temp.fail('committed', 1), 'invalid_grant', 'and one are six'), is(pg_temp.fail('committed', 1), 'temporarily_unavailable', 'not eleven, not five');
RESET jwt_auth.login_max_failures;

DROP OWNED BY regress_throttle_caller;
DROP ROLE regress_throttle_caller;
SELECT * FROM finish();
