-- The outer shape of a token (T08, T09, T10, T12): three segments, nothing
-- around them, a bounded size, and no character that may differ.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 111 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

CREATE TEMP TABLE good AS
SELECT token, split_part(token, '.', 1) AS header,
	   split_part(token, '.', 2) AS payload,
	   split_part(token, '.', 3) AS signature
FROM (SELECT test.token('{"sub":"alice","admin":false}')) AS v (token);

SELECT test.accepts(token, test.key('oct'), 'the unchanged token is accepted') FROM good;

CREATE TEMP TABLE odd AS
SELECT what, v.token FROM good, LATERAL (VALUES
	('the empty string', ''),
	('one space', ' '),
	('one segment', header),
	('two segments', header || '.' || payload),
	('one dot', '.'),
	('two dots', '..'),
	('three dots', '...'),
	('a trailing dot', good.token || '.'),
	('a leading dot', '.' || good.token),
	('four segments', good.token || '.' || signature),
	('the five segments of a JWE', good.token || '.' || signature || '.AA'),
	('no header', test.seal('.' || payload)),
	('no payload', test.seal(header || '.')),
	('no signature', header || '.' || payload || '.'),
	('no header and no payload', test.seal('.')),
	('a doubled dot', header || '..' || payload || '.' || signature),
	('a comma for a dot', replace(good.token, '.', ',')),
	('an encoded dot', replace(good.token, '.', '%2E')),
	('a full-width dot', replace(good.token, '.', U&'\FF0E')),
	('a leading space', ' ' || good.token),
	('a trailing space', good.token || ' '),
	('a trailing line feed', good.token || E'\n'),
	('a leading tab', E'\t' || good.token),
	('spaces around the dots', replace(good.token, '.', ' . ')),
	('quotes around', '"' || good.token || '"'),
	('a bearer scheme before it', 'Bearer ' || good.token),
	('two tokens', good.token || good.token),
	('two tokens with a space', good.token || ' ' || good.token),
	('two tokens with a comma', good.token || ',' || good.token),
	('segments in another order', payload || '.' || header || '.' || signature),
	('the signature of another payload', header || '.'
		|| test.base64url_text('{"sub":"alice","admin":true}') || '.' || signature),
	('a payload without its last letters', header || '.' || left(payload, -4)
		|| '.' || signature),
	('a signature without its last letters', left(good.token, -4)),
	('a signature with more letters', good.token || 'AAAA'),
	('half a signature', header || '.' || payload || '.'
		|| left(signature, 16 * 4 / 3)),
	('a doubled signature', header || '.' || payload || '.'
		|| test.base64url(test.from_base64url(signature)
						  || test.from_base64url(signature))),
	('a signature in hexadecimal', header || '.' || payload || '.'
		|| encode(test.from_base64url(signature), 'hex')),
	('a signature in capitals', header || '.' || payload || '.'
		|| upper(signature)),
	('flattened JSON serialization (RFC 7515 7.2.2)',
		json_build_object('protected', header, 'payload', payload,
						  'signature', signature)::text),
	('general JSON serialization (RFC 7515 7.2.1)',
		json_build_object('payload', payload, 'signatures',
			json_build_array(json_build_object('protected', header,
											   'signature', signature)))::text),
	('a JSON string', to_json(good.token)::text),
	('text that is no token', 'not-a-token'),
	('an SQL fragment', ''' OR 1=1 --'),
	('a refresh token', 'jar_' || signature)
	) AS v (what, token);

-- What people copy along is taken off a token of ours, but not off a JWS
SELECT test.refuses(token, test.key('oct'), 'a token is refused: ' || what) FROM odd
WHERE what !~ '^a (leading|trailing) (space|tab|line feed)$' AND what <> 'a bearer scheme before it';
SELECT test.refuses_jws(token, test.key('oct'), 'a JWS is refused: ' || what)
FROM odd WHERE what <> 'no payload';
SELECT is((jwt_decode(token)).claims, '{"sub":"alice","admin":false}',
		  'jwt_decode reads the payload') FROM good;
SELECT is((jwt_decode(token)).header, '{"alg":"HS256"}',
		  'jwt_decode reads the header') FROM good;
SELECT test.raises(format('SELECT jwt_decode(%L)', token), '28J00',
				   'jwt_decode refuses ' || what)
FROM odd
WHERE what IN ('the empty string', 'one segment', 'two segments', 'two dots',
			   'a trailing dot', 'four segments', 'the five segments of a JWE',
			   'no header', 'no payload', 'spaces around the dots',
			   'quotes around', 'a JSON string');

-- No other token of the same length passes: each letter of the token is
-- replaced by each other one of the alphabet.
CREATE FUNCTION pg_temp.accepted_neighbours(token text) RETURNS SETOF text
LANGUAGE plpgsql AS
$$
DECLARE
	alphabet CONSTANT text :=
		'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
	other text;
	at integer;
	letter text;
BEGIN
	FOR at IN 1 .. length(token) LOOP
		FOREACH letter IN ARRAY string_to_array(alphabet, NULL) LOOP
			other := overlay(token PLACING letter FROM at);
			CONTINUE WHEN other = token;
			BEGIN
				PERFORM public.jwt_verify_with(other, test.key('oct'));
				RETURN NEXT other;
			EXCEPTION WHEN SQLSTATE '28J00' THEN
				NULL;
			END;
		END LOOP;
	END LOOP;
END
$$;
SELECT is_empty(format('SELECT pg_temp.accepted_neighbours(%L)', token),
				'no token that differs in one letter is accepted')
FROM good;

-- Size: jwt_auth.max_token_size counts the token's octets
CREATE FUNCTION pg_temp.token_of_size(size integer) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	token text;
	filler integer;
BEGIN
	FOR filler IN GREATEST(0, size * 3 / 4 - 80) .. size LOOP
		token := test.token('{"a":"' || repeat('x', filler) || '"}');
		IF length(token) >= size THEN
			RETURN token;
		END IF;
	END LOOP;
END
$$;
SET jwt_auth.max_token_size = '1kB';
SELECT test.accepts(token, test.key('oct'),
					'a token of ' || length(token) || ' octets is accepted with the limit 1024')
FROM (SELECT pg_temp.token_of_size(1020)) AS v (token);
SELECT test.refuses(token, test.key('oct'),
					'a token of ' || length(token) || ' octets is refused with the limit 1024')
FROM (SELECT pg_temp.token_of_size(1025)) AS v (token);
SELECT test.refuses_jws(token, test.key('oct'),
						'a JWS of ' || length(token) || ' octets is refused with the limit 1024')
FROM (SELECT pg_temp.token_of_size(1025)) AS v (token);
SELECT test.raises(format('SELECT jwt_decode(%L)', pg_temp.token_of_size(1025)),
				   '28J00', 'jwt_decode refuses a token above the limit');
RESET jwt_auth.max_token_size;
SELECT test.accepts(test.token('{"a":"' || repeat('x', 12000) || '"}'),
					test.key('oct'), 'a token just below 16 kB is accepted');
SELECT test.refuses(test.token('{"a":"' || repeat('x', 13000) || '"}'),
					test.key('oct'), 'a token above 16 kB is refused');
SELECT test.refuses(test.token('{"a":"' || repeat('x', 1048576) || '"}'),
					test.key('oct'), 'a payload of 1 MiB is refused');
SELECT test.refuses(test.seal(repeat('A', 1048576) || '.e30'), test.key('oct'),
					'a header of 1 MiB is refused');
SELECT test.refuses('eyJhbGciOiJIUzI1NiJ9.e30.' || repeat('A', 1048576),
					test.key('oct'), 'a signature of 1 MiB is refused');
SELECT test.refuses('eyJhbGciOiJIUzI1NiJ9.e30.' || repeat('A', 16000),
					test.key('oct'), 'a signature of 16,000 letters is refused');
SELECT test.refuses(repeat('.', 1048576), test.key('oct'), '1 MiB of dots is refused as a token');
SELECT test.refuses_jws(repeat('.', 1048576), test.key('oct'),
						'1 MiB of dots is refused as a JWS');
SELECT test.raises('SELECT jwt_decode(repeat(''a.'', 524288))', '28J00',
				   'jwt_decode refuses a token of 1 MiB');

SELECT * FROM finish();
