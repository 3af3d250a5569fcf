-- NULL never means "the default" or "no check" (T99, F39): a missing token is
-- 28J00, and any other missing argument 22023.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 68 assertions
SELECT no_plan();

SELECT test.payload() AS payload \gset
SELECT test.token(:'payload') AS token, test.key('oct', 'HS256') AS secret,
	   jwk_to_pem(test.key('P-256')) AS pem \gset

SELECT test.raises('SELECT ' || call, state, 'NULL is refused or denied: ' || regexp_replace(call, '([^'']{24})[^'']+', '\1...', 'g'))
FROM (VALUES
	(format('jwt_verify_with(NULL, %L)', :'secret'), '28J00'),
	(format('jwt_verify_with(NULL::text, %L::jsonb)', :'secret'), '28J00'),
	(format('jwt_verify_with(%L, NULL)', :'token'), '22023'),
	(format('jwt_verify_with(%L, NULL::jsonb)', :'token'), '22023'),
	(format('jwt_verify_with(%L, ''null'')', :'token'), '22023'),
	(format('jwt_verify_with(%L, NULL, NULL, NULL)', :'token'), '22023'),
	(format('jwt_verify_with(token => %L, keys => NULL, audience => ''api'')', :'token'), '22023'),
	('jwt_decode(NULL)', '28J00'),
	('jwt_decode(NULL::text)', '28J00'),
	(format('jwt_sign_with(NULL, %L)', :'secret'), '22023'),
	(format('jwt_sign_with(''null'', %L)', :'secret'), '22023'),
	('jwt_sign_with(''{}'', NULL)', '22023'),
	('jwt_sign_with(NULL, NULL)', '22023'),
	('jwt_sign_with(''{}'', ''null'')', '22023'),
	(format('jws_sign(NULL, %L)', :'secret'), '22023'),
	('jws_sign(''x'', NULL)', '22023'),
	('jws_sign(''x'', ''null'')', '22023'),
	(format('jws_sign(''x'', %L, NULL)', :'secret'), '22023'),
	(format('jws_sign(''x'', %L, ''null'')', :'secret'), '22023'),
	(format('jws_verify(NULL, %L)', :'secret'), '28J00'),
	(format('jws_verify(%L, NULL)', :'token'), '22023'),
	(format('jws_verify(%L, ''null'')', :'token'), '22023'),
	('jwk_generate(NULL)', '22023'),
	('jwk_generate(NULL, ''k1'')', '22023'),
	('jwk_from_secret(NULL)', '22023'),
	('jwk_from_secret(NULL::bytea, ''HS256'')', '22023'),
	('jwk_from_secret(decode(repeat(''00'', 64), ''hex''), NULL)', '22023'),
	('jwk_from_pem(NULL, ''ES256'')', '22023'),
	(format('jwk_from_pem(%L, NULL)', :'pem'), '22023'),
	('jwk_from_pem(NULL, NULL)', '22023'),
	('jwk_public(NULL)', '22023'),
	('jwk_public(''null'')', '22023'),
	('jwk_to_pem(NULL)', '22023'),
	('jwk_to_pem(''null'')', '22023'),
	('jwk_thumbprint(NULL)', '22023'),
	('jwk_thumbprint(''null'')', '22023')) AS v (call, state);

-- and the message names it (F39)
CREATE FUNCTION pg_temp.message_of(statement text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT is(pg_temp.message_of('SELECT ' || call), format('22023 argument "%s" must not be null', argument),
		  'the error names the argument: ' || regexp_replace(call, '([^'']{24})[^'']+', '\1...', 'g'))
FROM (VALUES
	('jwk_generate(NULL)', 'alg'), ('jwk_from_secret(NULL)', 'secret'),
	('jwk_from_secret(decode(repeat(''00'', 64), ''hex''), NULL)', 'alg'),
	('jwk_from_pem(NULL, ''ES256'')', 'pem'), (format('jwk_from_pem(%L, NULL)', :'pem'), 'alg'),
	('jwt_create_key(NULL)', 'alg'), ('jwt_retire_key(NULL)', 'kid'), ('jwt_revoke_key(NULL)', 'kid'),
	('jwt_distrust_issuer(NULL)', 'issuer'),
	('jwt_trust_issuer(NULL, ''{}'', ''api'')', 'issuer'), ('jwt_trust_issuer(''i'', NULL, ''api'')', 'jwks'),
	(format('jwt_trust_issuer(''i'', %L, NULL)', jwk_public(test.key('P-256'))), 'audience'),
	(format('jwt_trust_issuer(''i'', %L, ''api'', NULL)', jwk_public(test.key('P-256'))), 'roles'),
	(format('jwt_trust_issuer(''i'', %L, ''api'', ''{}'', NULL)', jwk_public(test.key('P-256'))), 'options'))
	AS v (call, argument);
SELECT is(pg_temp.message_of(format('SELECT jwt_trust_issuer(%L, %L, %L)', issuer, jwk_public(test.key('P-256')), audience)),
		  '22023 argument ' || said, 'the error tells empty and too long arguments apart: ' || said)
FROM (VALUES ('', 'api', '"issuer" is empty'), (repeat('i', 1025), 'api', '"issuer" is too long'), ('i', '', '"audience" is empty'),
			 ('i', repeat('a', 1025), '"audience" is too long')) AS v (issuer, audience, said);
SELECT is(pg_temp.message_of(format('SELECT jwt_trust_issuer(%L, %L, %L)', repeat('i', 1024), jwk_public(test.key('P-256')), repeat('a', 1024))), NULL,
		  'the longest arguments are accepted');

-- Text where keys are meant is a JSON error of the caller, never a fall-back
SELECT test.raises('SELECT ' || call, '22P02', 'text that is not JSON is refused: ' || regexp_replace(call, '([^'']{24})[^'']+', '\1...', 'g'))
FROM (VALUES
	(format('jwt_verify_with(%L, ''secret'')', :'token')),
	(format('jwt_verify_with(%L, '''')', :'token')),
	(format('jwt_verify_with(%L, %L)', :'token', :'pem')),
	(format('jws_verify(%L, ''secret'')', :'token')),
	('jwt_sign_with(''{}'', ''secret'')'),
	('jwk_public(''secret'')')) AS v (call);

-- What may be NULL: kid, audience, issuer
SELECT test.raises('SELECT ' || call, NULL, 'a call is accepted: ' || regexp_replace(call, '([^'']{24})[^'']+', '\1...', 'g'))
FROM (VALUES
	(format('jwt_verify_with(%L, %L, NULL, NULL)', :'token', :'secret')),
	('jwk_generate(''ES256'', NULL)'),
	('jwk_from_secret(decode(repeat(''00'', 64), ''hex''), ''HS512'', NULL)'),
	(format('jwk_from_pem(%L, ''ES256'', NULL)', :'pem'))) AS v (call);

-- The arguments may come as NULL from rows, too, beside good ones
CREATE TEMP TABLE request AS
SELECT NULL::text AS token, test.key('oct') AS keys
UNION ALL SELECT :'token', NULL
UNION ALL SELECT NULL, NULL;
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(token, keys) FROM request
								   WHERE token IS NOT DISTINCT FROM %L
									 AND keys IS NOT DISTINCT FROM %L', token, keys)),
		  CASE WHEN token IS NULL THEN '28J00' ELSE '22023' END,
		  format('NULL from a row is refused: token %s, keys %s', token IS NOT NULL, keys IS NOT NULL))
FROM request;

SELECT * FROM finish();
