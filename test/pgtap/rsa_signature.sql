-- RSA signatures (T11; RFC 7518 sections 3.3 and 3.5, RFC 8017): exactly
-- as long as the modulus, below it, and padded as the algorithm says.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 252 assertions
SELECT no_plan();

-- A signature that begins with a zero octet; one in 256 does
CREATE FUNCTION pg_temp.with_leading_zero(key jsonb) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	token text;
BEGIN
	FOR attempt IN 1 .. 20000 LOOP
		token := public.jwt_sign_with(jsonb_build_object('exp', 4102444800, 'n', attempt), key);
		IF get_byte(test.from_base64url(split_part(token, '.', 3)), 0) = 0 THEN
			RETURN token;
		END IF;
	END LOOP;
END
$$;
CREATE TEMP TABLE signed AS
SELECT alg, token,
	   split_part(token, '.', 1) || '.' || split_part(token, '.', 2) AS signing_input,
	   test.from_base64url(split_part(token, '.', 3)) AS signature,
	   test.from_base64url(test.key('RSA') ->> 'n') AS modulus,
	   test.public(test.key('RSA', alg)) AS key
FROM (SELECT alg, pg_temp.with_leading_zero(test.key('RSA', alg)) AS token
	  FROM unnest('{RS256,RS384,RS512,PS256,PS384,PS512}'::text[]) AS alg) AS t;

SELECT is(length(signature), 256, alg || ': a signature is as long as the modulus') FROM signed;
SELECT test.accepts(token, key, alg || ': a signature with a leading zero octet is accepted') FROM signed;

CREATE TEMP TABLE odd AS
SELECT alg, key, signing_input, what, changed
FROM signed, LATERAL (VALUES
	('without its leading zero octet', substr(signature, 2)),
	('a zero octet more in front', '\x00' || signature),
	('16 zero octets more in front', test.zeros(16) || signature),
	('a zero octet behind', signature || '\x00'),
	('its last octet missing', substr(signature, 1, 255)),
	('empty', ''),
	('one octet', '\x00'),
	('0', test.zeros(256)),
	('1', test.from_number(1, 256)),
	('n - 1', test.from_number(test.to_number(modulus) - 1, 256)),
	('n', modulus),
	('n + 1', test.from_number(test.to_number(modulus) + 1, 256)),
	('s + n', test.from_number(test.to_number(signature) + test.to_number(modulus), 256)),
	('n - s', test.from_number(test.to_number(modulus) - test.to_number(signature), 256)),
	('all bits set', decode(repeat('ff', 256), 'hex')),
	('twice', signature || signature),
	('half', substr(signature, 1, 128)),
	('the padded hash itself', '\x0001'::bytea || decode(repeat('ff', 202), 'hex') || '\x00'
		|| '\x3031300d060960864801650304020105000420'
		|| digest(convert_to(signing_input, 'UTF8'), 'sha256')),
	('of another length, 4096 bits', test.zeros(256) || signature),
	('as text in hexadecimal', convert_to(encode(signature, 'hex'), 'UTF8')))
	AS v (what, changed);
SELECT test.refuses(signing_input || '.' || test.base64url(changed), key,
					format('%s: a signature is refused: %s', alg, what))
FROM odd;
SELECT test.refuses_jws(signing_input || '.' || test.base64url(changed), key - 'alg',
						format('%s: a signature is refused with a key without alg: %s', alg, what))
FROM odd;

SELECT * FROM finish();
