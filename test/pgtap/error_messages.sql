-- What an error tells (T05, T47, T82, T84): one text for every refused token,
-- constants alone, and nothing of what was handed in.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 98 assertions
SELECT no_plan();

CREATE FUNCTION pg_temp.error_of(statement text, OUT state text, OUT message text,
								 OUT detail text, OUT hint text, OUT other text)
LANGUAGE plpgsql AS
$$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	GET STACKED DIAGNOSTICS other = COLUMN_NAME;
END
$$;

-- "canary" stands in each place of a token or key from which it could leak
CREATE TEMP TABLE refused (what text, statement text);
INSERT INTO refused
SELECT what, format('SELECT jwt_verify_with(%L, %L, %L, %L)', token,
					keys || '{"canary":"canary"}', audience, issuer)
FROM (SELECT test.key('oct') || '{"kid":"canary"}' AS keys) AS k, LATERAL (VALUES
	('not a token', 'canary', NULL, NULL),
	('four segments', 'canary.canary.canary.canary', NULL, NULL),
	('no base64url', 'can!ary.canary.canary', NULL, NULL),
	('no JSON', test.hs256('canary', '{}'), NULL, NULL),
	('JSON broken in the middle', test.hs256('{"alg":"HS256","canary" canary}', '{}'), NULL, NULL),
	('an unknown alg', test.hs256('{"alg":"canary"}', '{}'), NULL, NULL),
	('alg none', test.hs256('{"alg":"none","canary":1}', '{}'), NULL, NULL),
	('an unknown kid', test.hs256('{"alg":"HS256","kid":"canary "}', '{}'), NULL, NULL),
	('crit', test.hs256('{"alg":"HS256","crit":["canary"],"canary":1}', '{}'), NULL, NULL),
	('typ', test.hs256('{"alg":"HS256","typ":"canary"}', '{}'), NULL, NULL),
	('a wrong signature', test.hs256('{"alg":"HS256"}', '{"sub":"canary"}') || 'AAAA', NULL, NULL),
	('claims no object', test.token('["canary"]'), NULL, NULL),
	('claims no JSON', test.token('{"canary":canary}'), NULL, NULL),
	('a NUL', test.token('{"canary":"canary\u0000"}'), NULL, NULL),
	('a duplicate', test.token('{"canary":1,"canary":2}'), NULL, NULL),
	('a huge number', test.token('{"canary":1e999999999}'), NULL, NULL),
	('no exp', test.token('{"sub":"canary"}'), NULL, NULL),
	('exp no number', test.token('{"exp":"canary"}'), NULL, NULL),
	('nbf ahead', test.token('{"exp":4102444800,"nbf":4102444700,"sub":"canary"}'), NULL, NULL),
	('another audience', test.token('{"exp":4102444800,"aud":"canary"}'), 'canary-api', NULL),
	('another issuer', test.token('{"exp":4102444800,"iss":"canary"}'), NULL, 'canary-issuer'))
	AS v (what, token, audience, issuer);
SELECT is(pg_temp.error_of(statement)::text,
		  ROW('28J00', 'invalid token', '', '', '')::text, what || ': the error is the one public text')
FROM refused;
SELECT is(state || ' ' || message || ' ' || detail, '28J01 token expired ',
		  'the error of an expired token says that it is expired')
FROM pg_temp.error_of(format('SELECT jwt_verify_with(%L, %L)',
							 test.token('{"exp":1,"sub":"canary"}'), test.key('oct')));

CREATE TEMP TABLE misuse (statement text);
INSERT INTO misuse
SELECT format('SELECT jwt_sign_with(''{"a":"canary"}'', %L)', key || '{"kid":"canary"}')
FROM (VALUES (jsonb '{"kty":"canary"}'), ('{"kty":"oct","k":"canary"}'),
			 ('{"kty":"oct","k":"canary=canary"}'), ('{"kty":"EC","crv":"canary"}'),
			 ('{"kty":"EC","crv":"P-256","x":"canary","y":"canary","d":"canary"}'),
			 ('{"kty":"RSA","n":"canary","e":"canary","d":"canary"}'),
			 ('{"kty":"OKP","crv":"Ed25519","x":"canary","d":"canary"}'),
			 ('{"kty":"oct","alg":"canary","k":"canary"}'),
			 ('{"keys":[{"canary":"canary"}]}'),
			 (test.key('P-256', 'ES256') || '{"use":"canary"}'),
			 (test.key('P-256', 'ES256') || '{"key_ops":["canary"]}'),
			 (test.key('P-256', 'ES256') - 'd' || '{"canary":1}')) AS v (key)
UNION ALL SELECT format('SELECT jwt_sign_with(''["canary"]'', %L)', test.key('oct', 'HS256'))
UNION ALL SELECT format('SELECT jws_sign(''canary'', %L, %L)', test.key('oct', 'HS256'), header)
FROM (VALUES (jsonb '{"alg":"canary"}'), ('{"crit":["canary"]}'), ('{"kid":"canary"}'),
			 ('["canary"]')) AS v (header)
UNION ALL SELECT 'SELECT jwk_from_secret(''canary'')'
UNION ALL SELECT 'SELECT jwk_from_secret(''canarycanarycanarycanarycanarycanary'', ''canary'')'
UNION ALL SELECT 'SELECT jwk_generate(''canary'')'
UNION ALL SELECT 'SELECT jwk_generate(''ES256'', repeat(''canary'', 1000))'
UNION ALL SELECT 'SELECT jwk_from_pem(''canary'', ''ES256'')'
UNION ALL SELECT 'SELECT jwk_from_pem(E''-----BEGIN canary-----\ncanary\n-----END canary-----'', ''ES256'')'
UNION ALL SELECT 'SELECT jwk_from_pem(E''-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----'', ''canary'')'
UNION ALL SELECT 'SELECT jwk_from_pem(E''-----BEGIN PRIVATE KEY-----\ncanarycanary\n-----END PRIVATE KEY-----\n'', ''ES256'')'
UNION ALL SELECT 'SELECT jwk_thumbprint(''{"kty":"canary"}'')'
UNION ALL SELECT 'SELECT jwk_public(''{"kty":"EC","crv":"P-256","x":"canary"}'')'
UNION ALL SELECT 'SELECT jwk_to_pem(''{"kty":"oct","k":"canary"}'')';
SELECT ok(state IN ('22023', '22P02'), 'state of ' || left(statement, 90))
FROM misuse, pg_temp.error_of(statement);
SELECT unalike(concat_ws(' ', message, detail, hint, other), '%canary%',
			   'no canary from ' || left(statement, 90))
FROM misuse, pg_temp.error_of(statement);
SELECT unalike(concat_ws(' ', message, detail, hint, other),
			   '%' || (test.key(kind) ->> secret) || '%', 'no key from a wrong use of ' || kind)
FROM (VALUES ('oct', 'k'), ('RSA', 'd'), ('P-256', 'd'), ('Ed25519', 'd')) AS v (kind, secret),
	 pg_temp.error_of(format('SELECT jwt_sign_with(''{}'', %L)', test.key(kind, 'none')));
-- Every such error says what is wrong, and in PostgreSQL's style
SELECT matches(message, '^[^A-Z ][^\n]*[^.\n]$|^(HMAC|RSA|PEM|JWK|PostgreSQL)',
			   'style of: ' || message)
FROM misuse, pg_temp.error_of(statement) GROUP BY message;

SELECT * FROM finish();
