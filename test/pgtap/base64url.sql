-- Strict base64url in every segment (T09): RFC 7515 section 2 and RFC 4648
-- section 3.5. The MAC is right over the odd text, so that nothing but the
-- decoder can refuse it.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 139 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

-- Payloads of each length modulo 3, and both letters beyond the alphanumeric
SELECT test.accepts(test.token(payload), test.key('oct'), 'a payload is accepted: ' || payload)
FROM (VALUES ('{"a":1}'), ('{"a":12}'), ('{"a":123}'),
			 ('{"a":"???>>>~~~"}')) AS v (payload);
SELECT matches(test.token('{"a":"???>>>~~~"}'), '\..*-.*\.',
			   'the encoded payload has the letter -');
SELECT matches(test.token('{"a":"???>>>~~~"}'), '\..*_.*\.',
			   'the encoded payload has the letter _');
SELECT is(public.jws_verify(test.seal('eyJhbGciOiJIUzI1NiJ9.'), test.key('oct')),
		  '', 'an empty payload of a JWS is the empty string');

CREATE TEMP TABLE variant (what text, change text, argument text);
INSERT INTO variant VALUES
	('one padding character', 'append', '='),
	('two padding characters', 'append', '=='),
	('percent-encoded padding', 'append', '%3D'),
	('a trailing line feed', 'append', E'\n'),
	('a trailing CR LF', 'append', E'\r\n'),
	('a trailing space', 'append', ' '),
	('a trailing tab', 'append', E'\t'),
	('a trailing letter of another script', 'append', 'é'),
	('a trailing no-break space', 'append', U&'\00A0'),
	('a byte order mark behind', 'append', U&'\FEFF'),
	('a leading space', 'prepend', ' '),
	('a leading line feed', 'prepend', E'\n'),
	('a leading byte order mark', 'prepend', U&'\FEFF'),
	('a leading padding character', 'prepend', '='),
	('a space inside', 'insert', ' '),
	('a line feed inside', 'insert', E'\n'),
	('an asterisk inside', 'insert', '*'),
	('a padding group inside', 'insert', '===='),
	('a control character inside', 'insert', E'\x01'),
	('a full-width A inside', 'insert', U&'\FF21\FF21\FF21\FF21');

CREATE FUNCTION pg_temp.changed(segment text, change text, argument text)
RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE change
	WHEN 'append' THEN segment || argument
	WHEN 'prepend' THEN argument || segment
	WHEN 'insert' THEN overlay(segment PLACING argument FROM 5 FOR 0)
	END $$;

CREATE TEMP TABLE part AS
SELECT test.base64url_text('{"alg":"HS256"}') AS header,
	   test.base64url_text('{"sub":"alice"}') AS payload;

SELECT test.refuses(test.seal(pg_temp.changed(header, change, argument)
							  || '.' || payload),
					test.key('oct'), 'a token is refused with a header with ' || what)
FROM part, variant;
SELECT test.refuses(test.seal(header || '.'
							  || pg_temp.changed(payload, change, argument)),
					test.key('oct'), 'a token is refused with a payload with ' || what)
FROM part, variant;
SELECT test.refuses_jws(test.seal(header || '.'
								  || pg_temp.changed(payload, change, argument)),
						test.key('oct'), 'a JWS is refused with a payload with ' || what)
FROM part, variant;
SELECT test.refuses(header || '.' || payload || '.'
					|| pg_temp.changed(test.mac(header || '.' || payload),
									   change, argument),
					test.key('oct'), 'a token is refused with a signature with ' || what)
FROM part, variant
WHERE NOT (change = 'append' AND argument ~ '^[ \t\r\n]+$');

-- The alphabet of RFC 4648 section 4
SELECT test.refuses(test.seal(replace(signing_input, '-', '+')),
					test.key('oct'), 'a payload with + for - is refused')
FROM (SELECT test.base64url_text('{"alg":"HS256"}') || '.'
	  || test.base64url_text('{"a":"???>>>~~~"}')) AS v (signing_input);
SELECT test.refuses(test.seal(replace(signing_input, '_', '/')),
					test.key('oct'), 'a payload with / for _ is refused')
FROM (SELECT test.base64url_text('{"alg":"HS256"}') || '.'
	  || test.base64url_text('{"a":"???>>>~~~"}')) AS v (signing_input);
SELECT test.refuses(translate(token, '-_', '+/'), test.key('oct'),
					'a signature in the standard alphabet is refused')
FROM (SELECT test.token(format('{"n":%s}', n)) AS token
	  FROM generate_series(1, 100) AS n) AS v
WHERE split_part(token, '.', 3) ~ '[-_]' AND split_part(token, '.', 2) !~ '[-_]'
LIMIT 1;

-- Bits of the last letter that belong to no octet
SELECT test.refuses(test.seal('eyJhbGciOiJIUzI1NiJ9.' || payload),
					test.key('oct'), 'a payload with stray bits is refused: ' || payload)
FROM (VALUES ('eyJhIjoxfR'), ('eyJhIjoxfS'), ('eyJhIjoxfX'), ('eyJhIjoxff'),
			 ('eyJhIjoxMn1'), ('eyJhIjoxMn2'), ('eyJhIjoxMn3')) AS v (payload)
WHERE payload NOT IN (test.base64url_text('{"a":1}'),
					  test.base64url_text('{"a":12}'));
SELECT test.refuses(test.seal('eyJhbGciOiJIUzI1NiIgfR.eyJhIjoxfQ'),
					test.key('oct'), 'a header with stray bits is refused');
SELECT test.refuses(left(token, -1) || translate(right(token, 1),
					'AEIMQUYcgkosw048', 'BFJNRVZdhlptx159'),
					test.key('oct'), 'a signature with stray bits is refused')
FROM (SELECT test.token('{"a":1}')) AS v (token);

-- A single letter holds no octet
SELECT test.refuses(test.seal('eyJhbGciOiJIUzI1NiJ9.' || payload),
					test.key('oct'), 'a payload of length 1 modulo 4 is refused: ' || payload)
FROM (VALUES ('A'), ('eyJhIjoxMjN9A'), ('eyJhI')) AS v (payload);

-- The same decoder reads keys
SELECT test.refuses_key(test.token('{}'),
						jsonb_build_object('kty', 'oct', 'k',
							pg_temp.changed(test.key('oct') ->> 'k', change,
											argument)),
						'a key is refused with a k with ' || what)
FROM variant;
SELECT test.refuses_key(test.token('{}'),
						jsonb_build_object('kty', 'oct', 'k',
							left(test.key('oct') ->> 'k', -1) || 'x'),
						'a key is refused with stray bits in its k');

-- And jwt_decode, which verifies nothing
SELECT test.raises(format('SELECT jwt_decode(%L)',
						  test.seal(header || '.'
							|| pg_temp.changed(payload, change, argument))),
				   '28J00', 'jwt_decode refuses a payload with ' || what)
FROM part, variant;

SELECT * FROM finish();
