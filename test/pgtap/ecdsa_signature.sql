-- ECDSA signatures (T11; RFC 7518 section 3.4): r and s of the curve's length,
-- neither zero nor beyond the order, and never DER.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 292 assertions
SELECT no_plan();

CREATE TEMP TABLE curve (alg text, size integer, curve_order bytea);
INSERT INTO curve VALUES
	('ES256', 32, '\xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
	('ES384', 48, '\xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973'),
	('ES512', 66, '\x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409'),
	('ES256K', 32, '\xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141');

CREATE TEMP TABLE signed AS
SELECT alg, size, curve_order, jwk_public(key) AS key,
	   split_part(token, '.', 1) || '.' || split_part(token, '.', 2) AS signing_input,
	   test.from_base64url(split_part(token, '.', 3)) AS signature
FROM (SELECT *, jwt_sign_with('{"exp":4102444800}', key) AS token
	  FROM (SELECT *, jwk_generate(alg) AS key FROM curve) AS k) AS t;
ALTER TABLE signed ADD r bytea, ADD s bytea, ADD zeros bytea, ADD one bytea;
UPDATE signed SET r = substr(signature, 1, size), s = substr(signature, size + 1),
				  zeros = test.zeros(size), one = set_byte(test.zeros(size), size - 1, 1);

-- An INTEGER of DER, and a SEQUENCE of two
CREATE FUNCTION pg_temp.der_length(size integer) RETURNS bytea
LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN size < 128 THEN set_byte('\x00', 0, size)
			   ELSE set_byte('\x8100', 1, size) END $$;
CREATE FUNCTION pg_temp.der_integer(number bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE AS
$$
BEGIN
	WHILE length(number) > 1 AND get_byte(number, 0) = 0 LOOP
		number := substr(number, 2);
	END LOOP;
	IF get_byte(number, 0) >= 128 THEN
		number := '\x00'::bytea || number;
	END IF;
	RETURN '\x02'::bytea || pg_temp.der_length(length(number)) || number;
END
$$;
CREATE FUNCTION pg_temp.der(r bytea, s bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE AS
$$ SELECT '\x30'::bytea || pg_temp.der_length(length(content)) || content
   FROM (SELECT pg_temp.der_integer(r) || pg_temp.der_integer(s)) AS v (content) $$;

SELECT is(length(signature), 2 * size, alg || ': the signature is two numbers of the curve''s length')
FROM signed;
SELECT test.accepts(signing_input || '.' || test.base64url(r || s), key,
					alg || ': the signature as issued is accepted')
FROM signed;

CREATE TEMP TABLE odd AS
SELECT alg, key, signing_input, what, changed
FROM signed, LATERAL (VALUES
	('DER', pg_temp.der(r, s)),
	('DER, filled up to the length', pg_temp.der(r, s)
		|| test.zeros(GREATEST(0, 2 * size - length(pg_temp.der(r, s))))),
	('DER, cut to the length', substr(pg_temp.der(r, s), 1, 2 * size)),
	('DER of zeros', pg_temp.der(zeros, zeros)),
	('empty', ''),
	('one octet', '\x00'),
	('r alone', r),
	('r = 0', zeros || s),
	('s = 0', r || zeros),
	('both zero', zeros || zeros),
	('both one', one || one),
	('r = 1, s = 0', one || zeros),
	('r = n', curve_order || s),
	('s = n', r || curve_order),
	('both n', curve_order || curve_order),
	('r = n, s = 0', curve_order || zeros),
	('r = 0, s = n', zeros || curve_order),
	('r = n, s = 1', curve_order || one),
	('r = n - 1', test.from_number(test.to_number(curve_order) - 1, size) || s),
	('r = n + 1', test.from_number(test.to_number(curve_order) + 1, size) || s),
	('s = n + 1', r || test.from_number(test.to_number(curve_order) + 1, size)),
	('all bits set', decode(repeat('ff', 2 * size), 'hex')),
	('r and s exchanged', s || r),
	('r twice', r || r),
	('-r', test.from_number(test.to_number(curve_order) - test.to_number(r), size) || s),
	('an octet too short', substr(r || s, 1, 2 * size - 1)),
	('an octet too short in front', substr(r || s, 2)),
	('an octet more', r || s || '\x00'),
	('an octet more in front', '\x00' || r || s),
	('an octet more in front of each', '\x00' || r || '\x00' || s),
	('eight octets more in front of each', test.zeros(8) || r || test.zeros(8) || s),
	('the signature twice', r || s || r || s),
	('1000 octets more', r || s || test.zeros(1000)),
	('as text in hexadecimal', convert_to(encode(r || s, 'hex'), 'UTF8')),
	('in IEEE P1363 of another curve', test.zeros(34) || r || test.zeros(34) || s))
	AS v (what, changed);
SELECT test.refuses(signing_input || '.' || test.base64url(changed), key,
					format('%s: %s', alg, what))
FROM odd;
SELECT test.refuses_jws(signing_input || '.' || test.base64url(changed), key,
						format('%s JWS: %s', alg, what))
FROM odd;

-- Numbers that are short by chance keep their length, and must
CREATE FUNCTION pg_temp.with_leading_zero(key jsonb, at integer) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	token text;
BEGIN
	FOR attempt IN 1 .. 20000 LOOP
		token := public.jwt_sign_with('{"exp":4102444800}', key);
		IF get_byte(test.from_base64url(split_part(token, '.', 3)), at) = 0 THEN
			RETURN token;
		END IF;
	END LOOP;
END
$$;
CREATE TEMP TABLE short AS
SELECT name, at, token,
	   split_part(token, '.', 1) || '.' || split_part(token, '.', 2) AS signing_input,
	   test.from_base64url(split_part(token, '.', 3)) AS signature
FROM (SELECT name, at, pg_temp.with_leading_zero(test.key('P-256', 'ES256'), at) AS token
	  FROM (VALUES ('r', 0), ('s', 32)) AS v (name, at)) AS t;
SELECT test.accepts(token, test.public(test.key('P-256')), name || ' with a zero octet in front')
FROM short;
SELECT test.refuses(signing_input || '.' || test.base64url(
						substr(signature, 1, at) || substr(signature, at + 2)),
					test.public(test.key('P-256')), name || ' without its zero octet in front')
FROM short;

SELECT * FROM finish();
