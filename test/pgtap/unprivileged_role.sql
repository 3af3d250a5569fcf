-- A role without rights (T78, T90): it may call what acts only on what it hands
-- in, and can change nothing of the extension.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 21 assertions
SELECT no_plan();

CREATE ROLE regress_unprivileged;
SET ROLE regress_unprivileged;

SELECT is(jwt_verify_with(jwt_sign_with('{"a":1,"exp":4102444800}', key), verifier),
		  '{"a":1,"exp":4102444800}', alg || ': signs and verifies')
FROM (SELECT alg, key, CASE alg WHEN 'HS256' THEN key ELSE jwk_public(key) END AS verifier
	  FROM (SELECT alg, jwk_generate(alg) AS key
			FROM unnest('{HS256,RS256,ES256,EdDSA}'::text[]) AS alg) AS k) AS v;
SELECT is(jws_verify(jws_sign('x', test.key('oct', 'HS256')), test.key('oct')), 'x',
		  'a role without rights can call jws_sign and jws_verify');
SELECT is((jwt_decode(test.token('{"a":1}'))).claims, '{"a":1}', 'a role without rights can call jwt_decode');
SELECT is(jwk_from_pem(jwk_to_pem(test.key('P-256')), 'ES256'), test.key('P-256', 'ES256'),
		  'a role without rights can call jwk_to_pem and jwk_from_pem');
SELECT is(jwk_thumbprint(jwk_from_secret(decode(repeat('5a', 32), 'hex'))),
		  jwk_thumbprint(jwk_from_secret(decode(repeat('5a', 32), 'hex'), 'HS256', 'k1')),
		  'a role without rights can call jwk_from_secret and jwk_thumbprint');
SELECT test.refuses(test.token(test.payload()) || 'A', test.key('oct'), 'for a role without rights, a tampered token is refused');

SELECT test.raises(statement, '42501', 'not allowed: ' || left(statement, 70))
FROM unnest(ARRAY[
	'DROP EXTENSION jwt_auth',
	'ALTER EXTENSION jwt_auth UPDATE',
	'ALTER EXTENSION jwt_auth DROP FUNCTION jwt_decode(text)',
	'DROP FUNCTION jwt_verify_with(text, jsonb, text, text)',
	'ALTER FUNCTION jwt_verify_with(text, jsonb, text, text) IMMUTABLE',
	'ALTER FUNCTION jwt_verify_with(text, jsonb, text, text) OWNER TO regress_unprivileged',
	'ALTER FUNCTION jwt_verify_with(text, jsonb, text, text) RENAME TO f',
	'ALTER FUNCTION jwt_verify_with(text, jsonb, text, text) SET search_path = x',
	'CREATE OR REPLACE FUNCTION public.jwt_decode(token text, OUT header jsonb, OUT claims jsonb)
		LANGUAGE sql AS ''SELECT NULL::jsonb, NULL::jsonb''',
	'CREATE FUNCTION pg_temp.f(text, jsonb, text, text) RETURNS jsonb LANGUAGE C
		AS ''$libdir/jwt_auth'', ''jwt_verify_with''',
	'LOAD ''$libdir/jwt_auth''']) AS statement;
RESET ROLE;

-- A role that owns a database may still not install it (superuser = true)
GRANT CREATE ON SCHEMA public TO regress_unprivileged;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_unprivileged', current_database()) \gexec
DROP EXTENSION jwt_auth;
SET ROLE regress_unprivileged;
SELECT test.raises('CREATE EXTENSION jwt_auth', '42501', 'a role without rights cannot CREATE EXTENSION');
RESET ROLE;

DROP OWNED BY regress_unprivileged;
DROP ROLE regress_unprivileged;
SELECT * FROM finish();
