-- The drop-in for pgjwt answers as pgjwt does to whatever pgjwt handles rightly:
-- the same rows, texts, NULLs and errors, side by side with a stand-in; and it
-- goes by the clock (T19).
\ir include/pgjwt.psql
-- At least 2840 assertions
SELECT no_plan();

-- Known tokens, as many programs make them
SELECT is(new.sign('{"sub":"1234567890","name":"John Doe","admin":true}', 'secret', algorithm), token,
		  algorithm || ': a known token')
FROM (VALUES
	('HS256', 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWV9.TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ'),
	('HS384', 'eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWV9.DtVnCyiYCsCbg8gUP-579IC2GJ7P3CtFw6nfTTPw-0lZUzqgWAo9QIQElyxOpoRm'),
	('HS512', 'eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWV9.YI0rUGDq5XdRw8vW2sDLRNFMN8Waol03iSFH8I4iLzuYK7FKHaQYWzPt0BJFGrAmKJ6SjY0mJIMZqNQJFVpkuw')
	) AS v (algorithm, token);

-- Payloads, secrets and algorithms, each with each: signed byte for byte alike,
-- and read back by either with the right secret, another one and another
-- algorithm
CREATE TABLE public.payload (body text);
INSERT INTO public.payload VALUES
	('{}'), ('{"a":1}'), (E' {\t"a" : 1.50,\r\n "b": [ {}, [] ] } '),
	('{"name":"caf\u00e9"}'), ('{"name":"café, 日本語, 😀"}'), ('{"n":123456789012345678901234567890.125}'),
	('{"exp":4102444800}'), ('{"exp":4102444800.5}'), ('{"exp":"4102444800"}'), ('{"exp":" 4102444800 "}'),
	('{"exp":4.1024448e9}'), ('{"exp":"0x7fffffff1"}'), ('{"exp":1}'), ('{"exp":0}'), ('{"exp":-1}'), ('{"exp":1.5e9}'),
	('{"exp":"1500000000"}'), ('{"exp":"Infinity"}'), ('{"exp":"-Infinity"}'), ('{"exp":"inf"}'),
	('{"exp":null}'), ('{"exp":true}'), ('{"exp":""}'), ('{"exp":"never"}'), ('{"exp":"1e"}'), ('{"exp":[1]}'), ('{"exp":{"exp":1}}'),
	('{"nbf":1}'), ('{"nbf":-1}'), ('{"nbf":4102444800}'), ('{"nbf":"4102444800"}'), ('{"nbf":"-Infinity"}'), ('{"nbf":"Infinity"}'),
	('{"nbf":null}'), ('{"nbf":"tomorrow"}'), ('{"nbf":[4102444800]}'),
	('{"nbf":1,"exp":4102444800}'), ('{"nbf":4102444800,"exp":4102444801}'), ('{"nbf":1,"exp":2}'), ('{"nbf":1500000000,"exp":1500000000}'),
	('{"iat":4102444800}'), ('{"iat":"x","aud":1,"iss":[],"jti":{},"sub":null}'), ('{"EXP":1,"a":{"exp":1}}'),
	('{"exp":9224318015999}'), ('{"nbf":-210866803199}'),
	('{"long":"' || repeat('x', 20000) || '"}');
CREATE TABLE public.secret (name text, value text);
INSERT INTO public.secret VALUES ('one letter', 'x'), ('short', 'secret'), ('not ASCII', 'gehéim €'), ('space', ' '),
	('block', repeat('k', 64)), ('longer than a block', repeat('k', 65)), ('longest', repeat('k', 8192));
SELECT is(new.sign(body::json, value, algorithm), old.sign(body::json, value, algorithm),
		  format('sign, %s, %s: %s', algorithm, name, left(body, 60)))
FROM public.payload, public.secret, unnest('{HS256,HS384,HS512}'::text[]) AS algorithm;
SELECT test.same(format('SELECT * FROM %%.verify(%L, %L, %L)', old.sign(body::json, value, algorithm), value, algorithm),
				 format('verify, %s, %s: %s', algorithm, name, left(body, 60)))
FROM public.payload, public.secret, unnest('{HS256,HS384,HS512}'::text[]) AS algorithm;
SELECT test.same(format('SELECT * FROM %%.verify(%L, %L)', old.sign(body::json, 'secret'), other),
				 format('verify, secret %s instead: %s', other, left(body, 60)))
FROM public.payload, unnest('{Secret,"secret ",s,x}'::text[]) AS other;
SELECT test.same(format('SELECT * FROM %%.verify(%L, ''secret'', ''HS512'')', old.sign(body::json, 'secret')),
				 format('verify, another algorithm: %s', left(body, 60)))
FROM public.payload;

-- Headers that other programs write, and values within them that do not count
SELECT test.same(format('SELECT * FROM %%.verify(%L, ''secret'')', test.token('{"a":1}', header)), 'header ' || header)
FROM unnest(ARRAY['{"typ":"JWT","alg":"HS256"}', '{"alg":"HS256"}', '{ "alg" : "HS256", "kid" : "k1" }',
	'{"alg":"HS256","typ":"at+jwt"}', '{"alg":"HS256","typ":"x"}', '{"alg":"HS256","jku":"https://x","jwk":{}}',
	'{"alg":"HS256","b64":true}', '{"alg":"HS256","x":"日本語"}']) AS header;

-- One row whatever is asked for, also from rows and in other places
SELECT is((SELECT count(*)::integer FROM new.verify(NULL, NULL, NULL)), 1, 'verify of NULLs returns one row');
SELECT results_eq($$SELECT n, v.valid FROM (VALUES (1, 'secret'), (2, 'x'), (3, NULL)) AS s (n, secret),
					LATERAL new.verify(new.sign('{"a":1}', 'secret'), secret) AS v ORDER BY n$$,
				  $$VALUES (1, true), (2, false), (3, false)$$, 'verify in a LATERAL join returns a row for each');
SELECT is((SELECT (new.verify(new.sign('{"a":1}', 'secret'), 'secret')).valid), true, 'verify works in a select list');
SELECT is((SELECT v.payload ->> 'a' FROM new.verify(secret => 'secret', token => new.sign('{"a":1}', 'secret')) AS v), '1',
		  'verify takes its arguments by name');
SELECT is(new.sign(secret => 'x', payload => '{}'), old.sign(secret => 'x', payload => '{}'), 'sign takes its arguments by name');
SELECT is(new.sign(row_to_json(r), 'x'), old.sign(row_to_json(r), 'x'), 'sign takes a row as JSON')
FROM (SELECT 1 AS a, 'x' AS b, NULL::text AS c) AS r;
SELECT is(new.algorithm_sign(signables => 'a', secret => 'b', algorithm => 'HS256'),
		  old.algorithm_sign(signables => 'a', secret => 'b', algorithm => 'HS256'), 'algorithm_sign takes its arguments by name');

-- The helpers: every byte, every length, whatever text
SELECT is(new.url_encode(bytes), old.url_encode(bytes), format('url_encode of %s bytes', length(bytes)))
FROM (SELECT substr(decode(repeat((SELECT string_agg(lpad(to_hex(b), 2, '0'), '' ORDER BY b)
								   FROM generate_series(0, 255) AS b), 2), 'hex'), 1, n) AS bytes
	  FROM generate_series(0, 512, 3) AS n UNION ALL
	  SELECT decode(md5(n::text) || md5('x' || n), 'hex') FROM generate_series(1, 50) AS n) AS v;
SELECT is(new.url_decode(data => new.url_encode(data => bytes)), bytes, format('url_decode of %s bytes', length(bytes)))
FROM (SELECT substr('\x00ff10fbefbf7f80'::bytea, 1, n) AS bytes FROM generate_series(0, 8) AS n) AS v;
SELECT test.same(format('SELECT %%.url_decode(%L)', encoded), format('url_decode(%L)', encoded))
FROM unnest(ARRAY['', 'YQ', 'YQ==', 'YWI', 'YWI=', 'YWJj', '-_-_', '+/+/', '-/+_', 'YR', 'YWJ', E'YW Jj', E'Y\nW\rJ\tj', 'YQ=',
	'Y', 'YWJjZ', 'YQ===', '=', '==', 'YQ==YQ==', 'Y=Q=', 'YW*j', 'YWé', 'é', 'YWJj!', '日本語', '.', E'\x01']) AS encoded;
SELECT test.same(format('SELECT %%.algorithm_sign(%L, %L, %L)', input, secret, algorithm),
				 format('algorithm_sign(%L, %L, %L)', input, secret, algorithm))
FROM unnest(ARRAY['', 'a', 'a.b', 'é €', NULL]) AS input, unnest(ARRAY['', 'k', 'é', NULL]) AS secret,
	 unnest(ARRAY['HS256', 'HS384', 'HS512', 'hs256', 'HS256 ', 'RS256', 'ES256', 'EdDSA', 'none', 'sha256', 'md5', '', 'bogus', NULL]) AS algorithm;
SELECT test.same(format('SELECT %%.try_cast_double(%L)', text), format('try_cast_double(%L)', text))
FROM unnest(ARRAY['1', '-1', '+1', ' 1.5 ', E'\t1\n', '1e10', '1E-10', '.5', '5.', '0x10', '-0', 'NaN', 'nan', 'Infinity', '-infinity',
	'inf', '1e308', '1e309', '-1e309', '1e-320', '1e-400', '', ' ', 'x', '1x', '1 1', '1,5', '1_000', '1e', 'true', '[1]', 'é', '１',
	repeat('9', 400), repeat('0', 100000) || '1', NULL]) AS text;

-- Unknown algorithms raise what pgcrypto says, and NULLs what pgjwt makes of them
SELECT test.same(format('SELECT %%.sign(%L, %L, %L)', payload, secret, algorithm),
				 format('sign(%L, %L, %L)', payload, secret, algorithm))
FROM unnest(ARRAY['{}', NULL]) AS payload, unnest(ARRAY['', 'k', NULL]) AS secret,
	 unnest(ARRAY['HS256', 'HS512', 'hs256', 'none', 'RS256', 'bogus', '', 'HS256"', NULL]) AS algorithm;
SELECT test.same(format('SELECT * FROM %%.verify(%L, %L, %L)', token, secret, algorithm),
				 format('verify of %L, %L, %L', left(token, 4), secret, algorithm))
FROM unnest(ARRAY[new.sign('{}', 'k'), NULL]) AS token, unnest(ARRAY['k', NULL]) AS secret,
	 unnest(ARRAY['HS256', 'hs256', 'none', 'RS256', 'bogus', '', NULL]) AS algorithm
WHERE token IS NULL OR secret IS NOT NULL;
SELECT throws_ok('SELECT new.sign(''{}'', ''k'', ''bogus'')', '22023', 'Cannot use "": No such hash algorithm', 'the error of sign for an unknown algorithm is pgcrypto''s');
SELECT throws_ok('SELECT new.verify(new.sign(''{}'', ''k''), ''k'', ''bogus'')', '22023', 'Cannot use "": No such hash algorithm',
				 'the error of verify for an unknown algorithm is pgcrypto''s');
SELECT test.same('SELECT %.sign(''{'', ''k'')', 'sign of what is no JSON is refused by the type');

-- The clock's end of [nbf, exp): what begins now is valid, what ends now is not
SELECT results_eq($$SELECT name, (new.verify(new.sign(json_build_object(name, extract(epoch FROM clock_timestamp()) + shift), 'k'), 'k')).valid
					FROM (VALUES ('exp', 60), ('exp', 0), ('exp', -1), ('nbf', 60), ('nbf', 0), ('nbf', -1)) AS v (name, shift)$$,
				  $$VALUES ('exp', true), ('exp', false), ('exp', false), ('nbf', false), ('nbf', true), ('nbf', true)$$,
				  'a token is valid from nbf on, and until before exp');

-- Bodies that are strings call the drop-in unchanged; whoever is on the path
-- first is called
SET search_path = public, old;
CREATE FUNCTION public.user_of(token text) RETURNS text
LANGUAGE sql STABLE AS
$$ SELECT payload ->> 'sub' FROM verify(token, 'secret') WHERE valid $$;
SELECT results_eq($$SELECT set_config('search_path', schema || ', public', false), public.user_of(test.token('{"sub":"carol"}'))
					FROM unnest('{old,new}'::text[]) AS schema$$,
				  $$VALUES ('old, public', 'carol'), ('new, public', 'carol')$$, 'a function whose body is a string calls the first verify on the path');
SET search_path = public;

-- What the planner may rely on: all but verify can be kept
SELECT is(array_agg(concat(p.proname, ' ', p.provolatile, p.proparallel) ORDER BY p.proname),
		  '{algorithm_sign is,sign is,try_cast_double is,url_decode is,url_encode is,verify vs}'::text[], 'functions have the volatility and parallel safety of pgjwt''s or better')
FROM pg_proc AS p WHERE p.pronamespace = 'new'::regnamespace AND p.probin IS NOT NULL;
CREATE TABLE public.stored (token text);
SELECT lives_ok('CREATE INDEX ON public.stored (new.algorithm_sign(token, ''k'', ''HS256''))', 'algorithm_sign can be used in an index');
SELECT throws_ok('CREATE INDEX ON public.stored (((new.verify(token, ''k'')).valid))', '0A000', NULL, 'verify cannot be used in an index');
SELECT throws_ok('ALTER TABLE public.stored ADD valid boolean GENERATED ALWAYS AS ((SELECT v.valid FROM new.verify(token, ''k'') AS v)) STORED',
				 '0A000', NULL, 'verify cannot be used in a generated column');

-- A prepared plan asks the clock each time, also within one transaction
SELECT new.sign(json_build_object('exp', extract(epoch FROM clock_timestamp()) + 2), 'k') AS brief \gset
SET plan_cache_mode = force_generic_plan;
PREPARE judge AS SELECT valid FROM new.verify(:'brief', 'k');
CREATE TEMP TABLE verdict (number serial, valid boolean);
BEGIN;
DO $$
DECLARE
	is_valid boolean := true;
BEGIN
	WHILE is_valid LOOP
		EXECUTE 'EXECUTE judge' INTO is_valid;
		INSERT INTO verdict (valid) VALUES (is_valid);
		PERFORM pg_sleep(0.05);
	END LOOP;
END
$$;
COMMIT;
SELECT is((SELECT valid FROM verdict WHERE number = 1), true, 'a prepared verify calls a token valid before its end');
SELECT is((SELECT valid FROM verdict ORDER BY number DESC LIMIT 1), false, 'a prepared verify calls a token invalid after its end');

SELECT * FROM finish();
