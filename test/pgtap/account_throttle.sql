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
			  $$VALUES ('login_denied: wrong password', 18::bigint), ('login_throttled: too many failures', 14)$$, 'for a known name, the start of each wait is audited, and no attempt within');
SELECT test.audit_count() AS events \gset
SELECT pg_temp.waits('nobody');
SELECT set_eq(format('SELECT e, count(*) FROM test.audit_since(%s) AS e GROUP BY e', :'events'),
			  $$VALUES ('login_denied: unknown user', 18::bigint), ('login_throttled: too many failures', 14)$$, 'for an unknown name, the start of each wait is audited, and no attempt within');
SELECT is(test.error_of(test.login('ALICE ')), 'temporarily_unavailable', 'a name waits in another writing'),
	   is(test.error_of(test.login('alice2')), 'invalid_grant', 'while one name waits, other names do not');

-- An attempt during the wait is not hashed: it would take a second
SET jwt_auth.argon2_memory = 262144;
SET jwt_auth.argon2_iterations = 8;
SELECT clock_timestamp() AS start \gset
SELECT is(pg_temp.fail('nobody', 20), 'temporarily_unavailable', 'twenty attempts during the wait of an unknown name are denied'),
	   is(test.error_of(test.login('alice')), 'temporarily_unavailable', 'the right password during the wait of a known name is denied');
SELECT cmp_ok(clock_timestamp() - :'start', '<', interval '1 s', 'attempts during the wait compute no password hash');
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;

-- Refresh is never throttled, and an admin clears the wait
DELETE FROM jwt_auth.login_throttle;
SELECT test.login('alice') AS answer \gset
SELECT is(pg_temp.fail('alice', 6), 'invalid_grant,temporarily_unavailable', 'after five failures, the name waits');
SELECT test.refresh(:'answer') AS answer \gset
SELECT is(test.error_of(:'answer'), 'ok', 'while the name waits, a refresh succeeds'),
	   is(test.access(:'answer'), NULL, 'while the name waits, an access token is valid');
SELECT jwt_unlock_user(:'alice');
SELECT is(test.error_of(test.login('alice')), 'ok', 'after jwt_unlock_user, the name logs in');
SELECT is(pg_temp.fail('alice', 6), 'invalid_grant,temporarily_unavailable', 'after five more failures, the name waits again');
SELECT jwt_enable_user(:'alice');
SELECT is(test.error_of(test.login('alice')), 'ok', 'after jwt_enable_user, the name logs in');

-- Success clears the count; four failures, again and again, are no reason to wait
SELECT is(pg_temp.fail('alice', 4), 'invalid_grant', 'four failures bring no wait'),
	   is(test.error_of(test.login('alice')), 'ok', 'after four failures, the right password logs in'),
	   is(pg_temp.fail('alice', 4), 'invalid_grant', 'after a success, four failures bring no wait'),
	   is(test.error_of(test.login('alice')), 'ok', 'after four failures a second time, the right password logs in');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'a success leaves no row of failures');

-- A row lives for an hour after its last failure; each failure removes two dead ones
SELECT is(pg_temp.fail('alice', 6), 'invalid_grant,temporarily_unavailable', 'after five failures, alice waits');
SELECT test.age_failures('59 min');
SELECT is(pg_temp.fail('alice'), 'invalid_grant', '59 minutes after the last failure, an attempt is free');
SELECT is((SELECT failures FROM jwt_auth.login_throttle), 6, '59 minutes after the last failure, counting goes on');
SELECT test.age_failures('61 min');
SELECT is(pg_temp.fail('alice'), 'invalid_grant', '61 minutes after the last failure, an attempt is free');
SELECT is((SELECT failures FROM jwt_auth.login_throttle), 1, '61 minutes after the last failure, counting begins anew');
DELETE FROM jwt_auth.login_throttle;
SELECT count(pg_temp.fail('flood ' || n)) FROM generate_series(1, 20) AS n;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 20::bigint, 'twenty names that failed have twenty rows');
SELECT test.age_failures('61 min');
SELECT count(pg_temp.fail('later ' || n)) FROM generate_series(1, 10) AS n;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 10::bigint, 'ten failures after an hour leave only their own rows');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle WHERE last_failure_at < now() - interval '1 h'), 0::bigint, 'ten failures remove twenty rows whose hour is over');
SELECT test.age_failures('59 min');
SELECT count(pg_temp.fail('last ' || n)) FROM generate_series(1, 10) AS n;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 20::bigint, 'failures remove no row before its hour is over');

-- A clock that was set back does not prolong a wait
DELETE FROM jwt_auth.login_throttle;
SELECT is(pg_temp.fail('alice', 6), 'invalid_grant,temporarily_unavailable', 'after five failures, alice waits before the clock is set back');
SELECT test.age_failures('-1 d');
SELECT is(test.error_of(test.login('alice')), 'ok', 'a last failure in the future brings no wait');

-- The table tells no names
SELECT is(pg_temp.fail('secret name', 1), 'invalid_grant', 'a wrong password for an unknown name is denied');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle WHERE name_hash IN (sha256('secret name'), 'secret name')), 0::bigint, 'the table of failures holds neither a name nor its plain hash'),
	   is((SELECT string_agg(DISTINCT octet_length(name_hash)::text, ',') FROM jwt_auth.login_throttle), '32', 'keyed hashes of names have 32 bytes');

-- The bytes by which a row is found, which never change while rows are out: the
-- kind's label, NUL, and the canonical name.  Another implementation makes them.
CREATE FUNCTION pg_temp.subject(label text, name text) RETURNS bytea LANGUAGE sql AS
$$ SELECT hmac(label::bytea || '\x00' || name::bytea, test.from_base64url(convert_from(private_jwk, 'UTF8')::jsonb ->> 'k'), 'sha256')
   FROM jwt_auth.keys WHERE use = 'hash' $$;
CREATE FUNCTION pg_temp.count_elsewhere(subject bytea) RETURNS void LANGUAGE sql AS
$$ INSERT INTO jwt_auth.login_throttle VALUES (subject, 20, clock_timestamp()) $$;
DELETE FROM jwt_auth.login_throttle;
SELECT is(pg_temp.fail('ALICE ', 1), 'invalid_grant', 'a wrong password for a known name is denied');
SELECT is((SELECT array_agg(name_hash) FROM jwt_auth.login_throttle), ARRAY[pg_temp.subject('jwt_auth throttle', 'alice')], 'a failure is stored under label, NUL and canonical name');
DELETE FROM jwt_auth.login_throttle;
SELECT pg_temp.count_elsewhere(pg_temp.subject('jwt_auth throttle', 'alice'));
SELECT is(test.error_of(test.login('alice')), 'temporarily_unavailable', 'a row that another implementation wrote counts');
SELECT jwt_unlock_user(:'alice');
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'jwt_unlock_user removes a row that another implementation wrote');

-- Rows of other labels neither count nor are cleared
CREATE TEMPORARY TABLE others AS
SELECT label, pg_temp.subject(label, name) AS subject FROM (VALUES
	('jwt_auth throttle code', 'alice'), ('jwt_auth throttl', 'ealice'), ('jwt_auth throttle ', 'alice'), ('jwt_auth throttlealice', ''),
	('jwt_auth stand-in', 'alice'), ('password', 'alice'), ('', 'alice')) AS v (label, name);
SELECT is((SELECT count(DISTINCT subject) FROM others WHERE subject <> pg_temp.subject('jwt_auth throttle', 'alice')), 7::bigint, 'the rows of seven other labels differ from the throttle''s');
SELECT count(pg_temp.count_elsewhere(subject)) FROM others;
SELECT is(test.error_of(test.login('alice')), 'ok', 'rows of other labels bring no wait');
SELECT is(pg_temp.fail('alice', 1), 'invalid_grant', 'with rows of other labels, a wrong password is denied');
SELECT is(test.error_of(test.login('alice')), 'ok', 'with rows of other labels, the right password logs in');
SELECT is((SELECT failures FROM jwt_auth.login_throttle WHERE name_hash = subject), 20, format('a success keeps the row of the label "%s"', label)) FROM others;
SELECT jwt_unlock_user(:'alice');
SELECT jwt_enable_user(:'alice');
SELECT set_eq('SELECT name_hash FROM jwt_auth.login_throttle', 'SELECT subject FROM others', 'jwt_unlock_user keeps rows of other labels');

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
SELECT is(test.undone('alice', 5), 'invalid_grant', 'five failures in savepoints that were rolled back are denied as usual'),
	   is(test.undone('alice', 1), 'temporarily_unavailable', 'after five failures that were rolled back, the name waits'),
	   is(jwt_login('alice', 'correct horse battery staple') ->> 'error', 'temporarily_unavailable', 'after five failures that were rolled back, the right password waits');
SELECT is(jwt_login('alice', 'correct horse battery staple') ->> 'error', 'temporarily_unavailable', 'failures that were rolled back count in the next transaction');
RESET ROLE;
SELECT is((SELECT count(*) FROM jwt_auth.login_throttle), 0::bigint, 'failures that were rolled back are not in the table');
SELECT jwt_unlock_user(:'alice');
SELECT is(test.error_of(test.login('alice')), 'ok', 'jwt_unlock_user clears failures that were rolled back in this backend');
SET ROLE regress_throttle_caller;
BEGIN;
SELECT is(jwt_login('other', 'wrong') ->> 'error', 'invalid_grant', 'three failures in a transaction are denied as usual') FROM generate_series(1, 3);
ROLLBACK;
BEGIN;
SELECT is(jwt_login('other', 'wrong') ->> 'error', 'invalid_grant', 'two failures in a second transaction are denied as usual') FROM generate_series(1, 2);
ROLLBACK;
SELECT is(jwt_login('other', 'wrong') ->> 'error', 'temporarily_unavailable', 'five failures in two transactions that were rolled back count');
SELECT is(test.undone('mixed', 2), 'invalid_grant', 'two failures that are rolled back bring no wait'),
	   is(jwt_login('mixed', 'wrong') ->> 'error', 'invalid_grant', 'a failure that commits after two that were rolled back brings no wait'),
	   is(test.undone('mixed', 2), 'invalid_grant', 'two more failures that are rolled back bring no wait'),
	   is(jwt_login('mixed', 'wrong') ->> 'error', 'temporarily_unavailable', 'failures that committed and failures that were rolled back count together');
RESET ROLE;
SELECT is((SELECT max(failures) FROM jwt_auth.login_throttle), 1, 'the table counts only failures that committed');
-- Many failures in one transaction that commits count once
DELETE FROM jwt_auth.login_throttle;
SET jwt_auth.login_max_failures = 6;
BEGIN;
SELECT is(pg_temp.fail('committed', 5), 'invalid_grant', 'five failures in one transaction are denied as usual');
COMMIT;
SELECT is(pg_temp.fail('committed', 1), 'invalid_grant', 'the sixth failure, after five that committed together, is denied as usual'),
	   is(pg_temp.fail('committed', 1), 'temporarily_unavailable', 'five failures that commit together and one more bring the wait of six');
RESET jwt_auth.login_max_failures;

DROP OWNED BY regress_throttle_caller;
DROP ROLE regress_throttle_caller;
SELECT * FROM finish();
