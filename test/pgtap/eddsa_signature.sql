-- Ed25519 and Ed448 signatures (T11; RFC 8032 sections 5.1.7 and 5.2.7): of
-- exact length, with S below the order, by this key.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 102 assertions
SELECT no_plan();

CREATE FUNCTION pg_temp.reversed(octets bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE AS
$$ SELECT string_agg(substr(octets, n, 1), '' ORDER BY n DESC)
   FROM generate_series(1, length(octets)) AS n $$;

-- L, the order of the base point
CREATE TEMP TABLE curve (alg text, size integer, curve_order numeric);
INSERT INTO curve VALUES
	('Ed25519', 32, 2::numeric ^ 252 + 27742317777372353535851937790883648493),
	('Ed448', 57, 2::numeric ^ 446
	 - 13818066809895115352007386748515426880336692474882178609894547503885);
CREATE TEMP TABLE signed AS
SELECT alg, size, curve_order, jwk_public(key) AS key,
	   split_part(token, '.', 1) || '.' || split_part(token, '.', 2) AS signing_input,
	   test.from_base64url(split_part(token, '.', 3)) AS signature
FROM (SELECT *, jwt_sign_with('{"exp":4102444800}', key) AS token
	  FROM (SELECT *, jwk_generate(alg) AS key FROM curve) AS k) AS t;
ALTER TABLE signed ADD r bytea, ADD s bytea, ADD s_number numeric;
UPDATE signed SET r = substr(signature, 1, size), s = substr(signature, size + 1),
				  s_number = test.to_number(pg_temp.reversed(substr(signature, size + 1)));

SELECT is(length(signature), 2 * size, alg || ': the signature has the length of two numbers') FROM signed;
SELECT ok(s_number < curve_order, alg || ': S is below the order') FROM signed;
SELECT test.accepts(signing_input || '.' || test.base64url(r || s), key,
					alg || ': the signature as issued is accepted')
FROM signed;

CREATE TEMP TABLE odd AS
SELECT alg, key, signing_input, what, changed
FROM signed, LATERAL (VALUES
	('S + L', r || pg_temp.reversed(test.from_number(s_number + curve_order, size))),
	('S = 0', r || test.zeros(size)),
	('S = L', r || pg_temp.reversed(test.from_number(curve_order, size))),
	('L - S', r || pg_temp.reversed(test.from_number(curve_order - s_number, size))),
	('all of S set', r || decode(repeat('ff', size), 'hex')),
	('the highest bit of S set', r || set_bit(s, 8 * size - 1, 1 - get_bit(s, 8 * size - 1))),
	('R = 0', test.zeros(size) || s),
	('R the identity', set_byte(test.zeros(size), 0, 1) || s),
	('R the identity, S = 0', set_byte(test.zeros(size), 0, 1) || test.zeros(size)),
	('R of the other sign', set_bit(r, 8 * size - 1, 1 - get_bit(r, 8 * size - 1)) || s),
	('R the public key', test.from_base64url(key ->> 'x') || s),
	('all of R set', decode(repeat('ff', size), 'hex') || s),
	('all zero', test.zeros(2 * size)),
	('all bits set', decode(repeat('ff', 2 * size), 'hex')),
	('exchanged', s || r),
	('S twice', s || s),
	('S big-endian', r || pg_temp.reversed(s)),
	('empty', ''),
	('R alone', r),
	('an octet too short', substr(r || s, 1, 2 * size - 1)),
	('an octet too long', r || s || '\x00'),
	('an octet in front', '\x00' || r || s),
	('twice', r || s || r || s),
	('as long as the other curve''s', substr(r || s || test.zeros(50), 1, 178 - 2 * size)))
	AS v (what, changed);
SELECT test.refuses(signing_input || '.' || test.base64url(changed), key,
					format('%s: %s', alg, what))
FROM odd;
SELECT test.refuses_jws(signing_input || '.' || test.base64url(changed), key - 'alg',
						format('%s, key without alg: %s', alg, what))
FROM odd;

SELECT * FROM finish();
