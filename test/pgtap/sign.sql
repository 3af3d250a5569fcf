-- Signing claims (jwt_sign_with): the exact bytes of header and payload, exact
-- numbers and text, and what is refused.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 86 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

CREATE FUNCTION pg_temp.payload_of(token text) RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT convert_from(test.from_base64url(split_part(token, '.', 2)), 'UTF8') $$;
CREATE FUNCTION pg_temp.header_of(token text) RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT convert_from(test.from_base64url(split_part(token, '.', 1)), 'UTF8') $$;

-- The header
SELECT is(pg_temp.header_of(jwt_sign_with('{}', test.key('oct', 'HS256'))),
		  '{"alg":"HS256","typ":"JWT"}', 'a key without kid gives a header of alg and typ');
SELECT is(pg_temp.header_of(jwt_sign_with('{}', test.key('oct', 'HS512')
										  || '{"kid":"k1","use":"sig"}')),
		  '{"alg":"HS512","kid":"k1","typ":"JWT"}', 'a key with kid gives a header of alg, kid and typ');
SELECT is(pg_temp.header_of(jwt_sign_with('{}', test.key('P-256', 'ES256')
										  || jsonb_build_object('kid', kid)))::jsonb ->> 'kid',
		  kid, 'the kid is kept: ' || to_json(kid))
FROM (VALUES ('"\'), (E'line\nfeed'), ('é€😀')) AS v (kid);

-- A key without alg signs with the algorithm that it is made for
SELECT is(pg_temp.header_of(jwt_sign_with('{}', key - 'alg'))::jsonb ->> 'alg', alg,
		  format('%s key without alg', key ->> 'kty'))
FROM (SELECT test.key(kind) AS key, alg
	  FROM (VALUES ('oct', 'HS256'), ('RSA', 'RS256'), ('P-256', 'ES256'), ('P-521', 'ES512'),
				   ('Ed25519', 'EdDSA')) AS v (kind, alg)
	  UNION ALL
	  SELECT jwk_generate(alg), alg FROM unnest('{ES384,ES256K}'::text[]) AS alg) AS k;

-- The whole token, beside an independent signer
SELECT is(jwt_sign_with('{"sub":"alice"}', test.key('oct') || jsonb_build_object('alg', alg)),
		  signing_input || '.' || test.mac(signing_input, 'sha' || right(alg, 3)),
		  alg || ': the token of pgcrypto')
FROM unnest('{HS256,HS384,HS512}'::text[]) AS alg,
	 LATERAL (SELECT test.base64url_text('{"alg":"' || alg || '","typ":"JWT"}') || '.'
					 || test.base64url_text('{"sub":"alice"}')) AS v (signing_input);

-- The payload: compact JSON of exactly these claims
SELECT is(pg_temp.payload_of(jwt_sign_with(claims::jsonb, test.key('oct', 'HS256'))),
		  payload, 'payload of ' || claims)
FROM (VALUES
	('{}', '{}'),
	('{ "a" : 1 , "b" : [ 1 , 2 ] }', '{"a":1,"b":[1,2]}'),
	('{"a":{"b":{}},"c":[],"d":null,"e":true,"f":false}',
	 '{"a":{"b":{}},"c":[],"d":null,"e":true,"f":false}'),
	('{"a": "x, y: z"}', '{"a":"x, y: z"}'),
	('{"a":"\", \": "}', '{"a":"\", \": "}'),
	('{"a":"é€😀"}', '{"a":"é€😀"}'),
	('{"a":"\u00e9\ud83d\ude00"}', '{"a":"é😀"}'),
	('{"a":"\"\\"}', '{"a":"\"\\"}'),
	('{"n":9007199254740993}', '{"n":9007199254740993}'),
	('{"n":18446744073709551616}', '{"n":18446744073709551616}'),
	('{"n":-123456789012345678901234567890}', '{"n":-123456789012345678901234567890}'),
	('{"n":0.1}', '{"n":0.1}'),
	('{"n":1.10}', '{"n":1.10}'),
	('{"n":0.1234567890123456789012345}', '{"n":0.1234567890123456789012345}'))
	AS v (claims, payload);
SELECT is(jwt_verify_with(jwt_sign_with(claims::jsonb, test.key('oct', 'HS256')),
						  test.key('oct')), claims::jsonb,
		  'there and back: ' || left(claims, 60))
FROM (VALUES ('{"n":1e2,"m":1E-2,"o":-0.0}'), ('{"n":1e400,"m":1e-400}'),
			 ('{"n":1e4000}'), ('{"a":"\u0001\u007f"}'), ('{"":{"":[""]}}'),
			 ('{"jti":1,"exp":4102444800.5}'), ('{"a":[[[[[[[[[[1]]]]]]]]]]}'),
			 ('{"a":"' || repeat('x', 10000) || '"}')) AS v (claims);
SELECT is(jwt_verify_with(jwt_sign_with(jsonb_build_object('n', repeat('7', 4000)::numeric),
										test.key('oct', 'HS256')),
						  test.key('oct')) ->> 'n', repeat('7', 4000), 'a number of 4000 digits is signed and verified');
-- Random numbers; the seed repeats them
SELECT round((random() * 2 - 1)::numeric, 6) AS seed \gset
SELECT diag('random seed ' || :'seed');
SELECT setseed(:'seed') \gset ignored_
SELECT is(count(*)::integer, 1000, 'a thousand random numbers are signed and verified')
FROM (SELECT jsonb_build_object('n', (trunc((random() - 0.5)::numeric * 1e15)
			 * 10::numeric ^ trunc(random() * 60 - 30)::integer)) AS claims
	  FROM generate_series(1, 1000)) AS v
WHERE jwt_verify_with(jwt_sign_with(claims, test.key('oct', 'HS256')),
					  test.key('oct'))::text = claims::text;

-- Signs what it is given and adds nothing, even where no verifier would accept it
SELECT is(pg_temp.payload_of(jwt_sign_with(claims::jsonb, test.key('oct', 'HS256')))::jsonb,
		  claims::jsonb, 'exactly these claims: ' || claims)
FROM (VALUES ('{"exp":1}'), ('{"sub":"alice"}')) AS v (claims);

-- Refused
SELECT test.raises(format('SELECT jwt_sign_with(%L, %L)', claims, key), '22023',
				   format('claims that are no object: %s, %s', claims, key ->> 'kty'))
FROM (VALUES ('[]'), ('[{}]'), ('1'), ('"x"'), ('null'), ('true')) AS v (claims),
	 (VALUES (test.key('oct', 'HS256')), (test.key('P-256', 'ES256')),
			 (test.key('Ed25519', 'EdDSA'))) AS k (key);
SELECT test.raises(format('SELECT jwt_sign_with(%L, %L)', claims,
						  test.key('oct', 'HS256')), '22P02',
				   'claims that are no JSON: ' || claims)
FROM (VALUES (''), ('{'), ('x'), ('{"a":NaN}')) AS v (claims);
SELECT test.raises(format('SELECT jwt_sign_with(%L, %L)',
						  jsonb_build_object('a', repeat('x', 13000)), test.key('oct', 'HS256')),
				   '22023', 'claims that make the token too long are refused');
SELECT test.raises(format('SELECT jwt_sign_with(%L, %L)', claims, test.key('oct', 'HS256')), '22023',
				   'claims that no verifier here accepts: ' || left(claims, 20))
FROM (VALUES ('{"a":' || repeat('[', 32) || repeat(']', 32) || '}'),
			 (repeat('{"a":', 33) || '1' || repeat('}', 33)),
			 ('{"a":1e4096}'), ('{"a":1e-5000}'), ('{"a":' || repeat('9', 4097) || '}'))
	AS v (claims);
SELECT test.raises(format('SELECT jwt_sign_with(NULL, %L)', test.key('oct', 'HS256')),
				   '22023', 'claims that are NULL are refused');
SELECT test.raises('SELECT jwt_sign_with(''{}'', NULL)', '22023', 'a key that is NULL is refused');

-- Every signature with a random part differs, and all verify
SELECT is(count(DISTINCT token), CASE WHEN random_part THEN 10 ELSE 1 END::bigint,
		  format('%s: %s', alg, CASE WHEN random_part THEN 'ten signatures'
									 ELSE 'one signature' END))
FROM (SELECT alg, random_part, jwt_sign_with('{}', test.key(kind, alg)) AS token
	  FROM (VALUES ('oct', 'HS256', false), ('RSA', 'RS256', false),
				   ('RSA', 'PS256', true), ('P-256', 'ES256', true),
				   ('P-521', 'ES512', true), ('Ed25519', 'EdDSA', false))
			AS v (kind, alg, random_part), generate_series(1, 10)) AS t
GROUP BY alg, random_part;
SELECT is(length(test.from_base64url(split_part(jwt_sign_with('{}', test.key(kind, alg)),
											   '.', 3))), size,
		  format('%s: the signature has %s octets', alg, size))
FROM (VALUES ('oct', 'HS256', 32), ('oct', 'HS384', 48), ('oct', 'HS512', 64),
			 ('RSA', 'RS256', 256), ('RSA', 'PS512', 256), ('P-256', 'ES256', 64),
			 ('P-521', 'ES512', 132), ('Ed25519', 'EdDSA', 64)) AS v (kind, alg, size);
-- ECDSA's r and s may begin with zero octets, which must stay
SELECT is(count(*)::integer, 600, 'ES256: six hundred signatures verify')
FROM generate_series(1, 600) AS n
WHERE jwt_verify_with(jwt_sign_with(jsonb_build_object('n', n), test.key('P-256', 'ES256')),
					  test.public(test.key('P-256'))) = jsonb_build_object('n', n);

SELECT * FROM finish();
