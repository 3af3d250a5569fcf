-- Behind PostgREST, and nowhere else, a refused token is raised as SQLSTATE
-- PGRST with the HTTP answer as JSON (RFC 6750 section 3; T83, T84).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 55 assertions
SELECT no_plan();

CREATE FUNCTION pg_temp.error_of(statement text, OUT state text, OUT message jsonb,
								 OUT detail jsonb)
LANGUAGE plpgsql AS
$$
DECLARE
	message_text text;
	detail_text text;
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message_text = MESSAGE_TEXT,
		detail_text = PG_EXCEPTION_DETAIL;
	IF state = 'PGRST' THEN
		message := message_text;
		detail := detail_text;
	END IF;
END
$$;
CREATE TEMP TABLE refused AS
SELECT what, statement, code
FROM (SELECT test.key('oct') AS key, test.token('{"exp":1}') AS expired,
			 test.token('{"exp":4102444800}') || 'A' AS tampered) AS v,
	 LATERAL (VALUES
		('tampered', format('SELECT jwt_verify_with(%L, %L)', tampered, key), '28J00'),
		('NULL', format('SELECT jwt_verify_with(NULL, %L)', key), '28J00'),
		('expired', format('SELECT jwt_verify_with(%L, %L)', expired, key), '28J01'),
		('jws_verify', format('SELECT jws_verify(%L, %L)', tampered, key), '28J00'),
		('jwt_decode', 'SELECT jwt_decode(''x'')', '28J00')) AS c (what, statement, code);
CREATE TEMP TABLE misuse AS
SELECT what, statement, code
FROM (SELECT test.token('{"exp":4102444800}') AS token, test.key('oct') AS key) AS v,
	 LATERAL (VALUES
		('a key that is none', format('SELECT jwt_verify_with(%L, ''{}'')', token), '22023'),
		('no key', format('SELECT jwt_verify_with(%L, NULL)', token), '22023'),
		('claims that are none', format('SELECT jwt_sign_with(''[]'', %L)', key), '22023'),
		('PEM that is none', 'SELECT jwk_from_pem(''x'', ''ES256'')', '22P02'))
		AS c (what, statement, code);

SET request.method = 'POST';
SELECT is(state, 'PGRST', what || ': the SQLSTATE') FROM refused, pg_temp.error_of(statement);
SELECT is(message ->> 'code', code, what || ': the code')
FROM refused, pg_temp.error_of(statement);
SELECT is(message ->> 'message', CASE code WHEN '28J01' THEN 'token expired'
										   ELSE 'invalid token' END, what || ': the message')
FROM refused, pg_temp.error_of(statement);
SELECT ok(message ?& '{code,message,details,hint}'::text[], what || ': all members')
FROM refused, pg_temp.error_of(statement);
SELECT is(detail, '{"status": 401,
					"headers": {"WWW-Authenticate": "Bearer error=\"invalid_token\""}}',
		  what || ': status and headers')
FROM refused, pg_temp.error_of(statement);
SELECT is(test.sqlstate_of(statement), code, what || ' is the caller''s error as ever')
FROM misuse;
SELECT is(jwt_verify_with(test.token('{"exp":4102444800}'), test.key('oct')), '{"exp":4102444800}',
		  'behind PostgREST, a valid token is accepted');

-- Any method; the next transactions of a pooled connection find it empty
SET request.method = 'GET';
SELECT is(test.sqlstate_of(statement), 'PGRST', what || ' with GET') FROM refused;
SET request.method = '';
SELECT is(test.sqlstate_of(statement), code, what || ' with an empty method') FROM refused;
RESET request.method;
SELECT is(test.sqlstate_of(statement), code, what || ' without a method') FROM refused;
BEGIN;
SET LOCAL request.method = 'POST';
SELECT is(test.sqlstate_of(statement), 'PGRST', what || ' with SET LOCAL') FROM refused;
COMMIT;
SELECT is(test.sqlstate_of(statement), code, what || ' after SET LOCAL was undone') FROM refused;

SELECT * FROM finish();
