-- Where pgjwt is wrong the drop-in answers safely (T01, T08, T09, T10, T12,
-- T14): valid is false, never NULL, and nothing is raised, whatever a token
-- holds; header and payload are there only if they are JSON.
\ir include/pgjwt.psql
-- At least 296 assertions
SELECT no_plan();

SELECT is(test.verdict(test.token('{"a":1}')), '(header,payload,t)', 'a good token is valid');
SELECT new.sign('{"a":1}', 'secret') AS good \gset
SELECT split_part(:'good', '.', 1) AS header, split_part(:'good', '.', 2) AS payload,
	   split_part(:'good', '.', 3) AS signature \gset

-- Shape: other than three segments, each decodable; nothing is shown of what is
-- no token
SELECT is(test.verdict(token), '(-,-,f)', 'a token without three segments is invalid and shows nothing: ' || left(token, 40))
FROM unnest(ARRAY['', '.', 'a', 'a.b', '....', :'header', :'header' || '.' || :'payload', :'good' || '.', :'good' || '.x',
	'.' || :'good', :'good' || '.' || :'signature', :'good' || '..', :'header' || '..' || :'payload' || '.' || :'signature',
	replace(:'good', '.', ','), replace(:'good', '.', '。'), test.seal(test.seal(:'header' || '.' || :'payload')),
	'{"alg":"HS256"}', repeat('.', 1000), repeat('a', 100000)]) AS token;
SELECT is(test.verdict('..'), '(-,-,f)', 'three empty segments are invalid and show nothing');
SELECT is(test.verdict(test.seal('.')), '(-,-,f)', 'a signed token with empty header and payload is invalid and shows nothing');

-- Base64: what pgjwt decodes leniently
SELECT is(test.verdict(test.seal(:'header' || '.' || payload)), verdict, 'a payload segment is decoded strictly: ' || payload)
FROM (VALUES
	('eyJhIjoxfQ', '(header,payload,t)'), ('eyJhIjoxfQ==', '(header,-,f)'), ('eyJhIjoxfQ=', '(header,-,f)'), ('eyJhIjoxfR', '(header,-,f)'),
	(E'eyJh\nIjoxfQ', '(header,-,f)'), (' eyJhIjoxfQ', '(header,-,f)'), (E'eyJhIjoxfQ\t', '(header,-,f)'), ('eyJhIjoxf', '(header,-,f)'),
	('eyJhIjo*fQ', '(header,-,f)'), ('eyJhIjoxfQé', '(header,-,f)'), ('', '(header,-,f)'), ('eyJhIjoiPz8_In0', '(header,payload,t)'),
	('eyJhIjoiPz8/In0', '(header,-,f)'), ('eyJhIjoiPj4-In0', '(header,payload,t)'), ('eyJhIjoiPj4+In0', '(header,-,f)')) AS v (payload, verdict);
SELECT is(test.verdict(test.seal(header || '.' || :'payload')), '(-,payload,f)', 'a malformed header segment is invalid and not shown: ' || header)
FROM unnest(ARRAY['', :'header' || '=', :'header' || E'\n', ' ' || :'header', 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9*', 'eyJhbGciOiJIUzI1NiJ9é',
	'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ', 'x', '%%%%', 'AA', '_w']) AS header;
SELECT is(test.verdict(:'header' || '.' || :'payload' || '.' || signature), '(header,payload,f)', 'a malformed signature segment is invalid: ' || left(signature, 60))
FROM unnest(ARRAY['', ' ', :'signature' || '=', :'signature' || ' ', E'\n' || :'signature', :'signature' || E'\n', left(:'signature', -1), :'signature' || 'A',
	left(:'signature', 4), left(:'signature', 22), lower(:'signature'), reverse(:'signature'), translate(:'signature', '-_', '+/') || '=',
	overlay(:'signature' PLACING 'A' FROM 1 FOR 1), left(:'signature', -1) || 'é', repeat('A', 43), repeat('A', 64), repeat('A', 86),
	repeat('A', 100000), encode(new.url_decode(:'signature'), 'hex')]) AS signature;

-- Each character of the signature counts, stray bits of the last one, too
SELECT is(test.verdict(:'header' || '.' || :'payload' || '.' || overlay(:'signature' PLACING
			CASE substr(:'signature', place, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM place FOR 1)), '(header,payload,f)',
		  'a signature with character ' || place || ' changed is invalid')
FROM generate_series(1, 43) AS place;
SELECT is((SELECT count(*)::integer FROM regexp_split_to_table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', '') AS last
		   WHERE test.verdict(:'header' || '.' || :'payload' || '.' || left(:'signature', -1) || last) = '(header,payload,t)'), 1,
		  'a signature is valid with one last character only');

-- Headers: rightly signed, and still not what was asked for
SELECT is(test.verdict(test.token('{"a":1}', header)), verdict, 'a token is judged by its header: ' || left(header, 70))
FROM (VALUES
	('{"alg":"none"}', '(header,payload,f)'), ('{"alg":"None"}', '(header,payload,f)'), ('{"alg":"HS384"}', '(header,payload,f)'),
	('{"alg":"HS512"}', '(header,payload,f)'), ('{"alg":"RS256"}', '(header,payload,f)'), ('{"alg":"ES256"}', '(header,payload,f)'),
	('{"alg":"hs256"}', '(header,payload,f)'), ('{"alg":"HS256 "}', '(header,payload,f)'), ('{"alg":""}', '(header,payload,f)'),
	('{"alg":null}', '(header,payload,f)'), ('{"alg":256}', '(header,payload,f)'), ('{"alg":["HS256"]}', '(header,payload,f)'),
	('{"alg":{"HS256":1}}', '(header,payload,f)'), ('{"Alg":"HS256"}', '(header,payload,f)'), ('{"typ":"JWT"}', '(header,payload,f)'),
	('{"alg":"none","alg":"HS256"}', '(header,payload,f)'), ('{"alg":"HS256","alg":"HS256"}', '(header,payload,f)'), ('{}', '(header,payload,f)'),
	('{"alg":"HS256","crit":["exp"]}', '(header,payload,f)'), ('{"alg":"HS256","crit":[]}', '(header,payload,f)'),
	('{"alg":"HS256","crit":null}', '(header,payload,f)'), ('{"alg":"HS256","b64":false}', '(header,payload,f)'),
	('{"alg":"HS256","b64":false,"crit":["b64"]}', '(header,payload,f)'), ('{"alg":"HS256","zip":"DEF"}', '(header,payload,f)'),
	('{"alg":"HS256","typ":1}', '(header,payload,f)'), ('{"alg":"HS256","kid":7}', '(header,payload,f)'),
	('{"alg":"HS256","kid":"' || repeat('k', 256) || '"}', '(header,payload,f)'),
	('["HS256"]', '(header,payload,f)'), ('"HS256"', '(header,payload,f)'), ('null', '(header,payload,f)'), ('1', '(header,payload,f)'),
	('', '(-,payload,f)'), ('{', '(-,payload,f)'), ('{"alg":"HS256"}}', '(-,payload,f)'), ('{"alg":"HS256"', '(-,payload,f)'),
	('alg', '(-,payload,f)'), ('{"alg":''HS256''}', '(-,payload,f)'), ('{"alg":"HS256\u0000"}', '(-,payload,f)'),
	('{"alg":"HS256","x":"\ud800"}', '(-,payload,f)')) AS v (header, verdict);
SELECT is(test.verdict(new.sign('{}', 'secret', signed), 'secret', asked), CASE signed WHEN asked THEN '(header,payload,t)' ELSE '(header,payload,f)' END,
		  'a token signed with ' || signed || ' is verified as ' || asked || ' only if they are the same')
FROM unnest('{HS256,HS384,HS512}'::text[]) AS signed, unnest('{HS256,HS384,HS512}'::text[]) AS asked;
-- The MAC of the algorithm asked for does not mend what the header says
SELECT is(test.verdict(test.seal(:'header' || '.' || :'payload', 'secret', hash), 'secret', algorithm), '(header,payload,f)',
		  'a MAC with ' || hash || ' is invalid under a header with HS256, verified as ' || algorithm)
FROM (VALUES ('sha384', 'HS384'), ('sha512', 'HS512'), ('sha384', 'HS256'), ('sha512', 'HS256'), ('md5', 'HS256'), ('sha1', 'HS256')) AS v (hash, algorithm);

-- Payloads: no objects, and no JSON that has one meaning and is bounded
SELECT is(test.verdict(test.token(payload)), '(header,payload,f)', 'a payload is invalid and shown: ' || left(payload, 60))
FROM unnest(ARRAY['[]', '[{"a":1}]', '"text"', '1', '-1.5e3', 'true', 'false', 'null', '""',
	'{"a":1,"a":2}', '{"exp":1,"exp":4102444800}', '{"exp":4102444800,"exp":1}', '{"a":{"b":1,"b":1}}', '{"a":1,"\u0061":2}',
	'{"n":1e5000}', '{"n":' || repeat('9', 5000) || '}', '{"n":1e-5000}', '{"n":1e999999999999}']) AS payload;
SELECT is(test.verdict(test.token(payload)), '(header,-,f)', 'a payload is invalid and not shown: ' || left(payload, 60))
FROM unnest(ARRAY['', ' ', '{', '}', '{"a":1', '{"a":1}{', '{"a":1} x', 'x', '{a:1}', '{''a'':1}', '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":NaN}', '{"exp":Infinity}', '{"a":1,}',
	'[1,]', '{"a":"\u0000"}', '{"\u0000":1}', '{"a":"\ud800"}', '{"a":"\udc00\ud800"}', '{"a":"\x"}', E'{"a":"\t"}', '{"a":tru}', 'nul', '/**/{}',
	repeat('[', 33) || repeat(']', 33), repeat('{"a":', 33) || '1' || repeat('}', 33), repeat('[', 100000), repeat('{"a":', 100000) || '1' || repeat('}', 100000),
	'{"a":' || repeat('[', 32) || repeat(']', 32) || '}']) AS payload;
SELECT is(test.verdict(test.token('{"a":' || repeat('[', 31) || repeat(']', 31) || '}')), '(header,payload,t)', 'a payload nested 32 deep is valid');
SELECT is(test.verdict(test.seal(:'header' || '.' || new.url_encode(octets))), '(header,-,f)', 'a payload that is not UTF-8 is invalid and not shown: ' || octets::text)
FROM unnest(ARRAY['\x7b2261223a22ff227d', '\x7b2261223a22c080227d', '\x7b2261223a22eda080227d', '\x7b2261223a22c3227d', '\xefbbbf7b7d',
	'\xfffe7b007d00', '\x007b7d', '\x7b7d00', '\x7b2261223a2200227d', '\x00', '\xff', '\x1f8b0800']::bytea[]) AS octets;

-- Times: what pgjwt raises for, and numbers that it takes for none
SELECT is(test.verdict(test.token(payload)), '(header,payload,f)', 'a token with unusable times is invalid: ' || left(payload, 60))
FROM unnest(ARRAY['{"exp":"NaN"}', '{"nbf":"NaN"}', '{"exp":"nan","nbf":1}', '{"exp":1e20}', '{"exp":1e300}', '{"exp":-1e300}', '{"nbf":-1e300}', '{"nbf":1e300}',
	'{"exp":9224318016000}', '{"nbf":-210866803201}', '{"exp":99999999999999999999}', '{"exp":999999999999999999}', '{"exp":"1e300"}', '{"nbf":"-1e300"}',
	'{"exp":1e309}', '{"exp":1e400}', '{"nbf":-1e400}', '{"exp":1e-400}', '{"exp":-1e-400}', '{"exp":' || repeat('9', 400) || '}', '{"exp":"1e400"}', '{"exp":" 1e400 "}',
	'{"nbf":"-1e400"}', '{"exp":"1e-400"}', '{"exp":"' || repeat('9', 400) || '"}', '{"nbf":2,"exp":1}', '{"nbf":4102444800,"exp":1}', '{"nbf":4102444801,"exp":4102444800}',
	'{"nbf":"Infinity","exp":"-Infinity"}', '{"nbf":1,"exp":"NaN"}', '{"nbf":1e300,"exp":4102444800}', '{"exp":1,"nbf":"x"}', '{"exp":"1","nbf":null}']) AS payload;

-- Secrets: none and empty ones verify nothing; there is no other than the right
SELECT is(test.verdict(token, secret), CASE WHEN secret IS NULL OR secret = '' THEN '(header,payload,f)' ELSE '(header,payload,t)' END,
		  format('an absent or empty secret verifies nothing: %L', secret))
FROM unnest(ARRAY[NULL, '', ' ', 'x']) AS secret,
	 LATERAL (SELECT coalesce(old.sign('{"a":1}', secret), :'good')) AS t (token);
SELECT is(test.verdict(:'good', secret), '(header,payload,f)', format('another secret verifies nothing: %L', left(secret, 20)))
FROM unnest(ARRAY['', 'Secret', 'secre', 'secret ', ' secret', 'secrets', E'secret\n', 'sécret', upper('secret'), repeat('secret', 2), repeat('s', 8192), NULL]) AS secret;
-- Zeros at the end of a secret are no other secret for HMAC, but text has none
SELECT is(test.answer_of('SELECT * FROM new.verify(' || quote_literal(:'good') || ', repeat(''s'', 8193))'), '22023 HMAC secret is too long', 'verify refuses a secret that is too long');
SELECT is(test.answer_of('SELECT new.sign(''{}'', repeat(''s'', 8193))'), '22023 HMAC secret is too long', 'sign refuses a secret that is too long');
SELECT is(test.answer_of('SELECT new.algorithm_sign(''x'', repeat(''s'', 1000000), ''HS256'')'), '22023 HMAC secret is too long', 'algorithm_sign refuses a secret that is too long');
-- Another secret, algorithm or role in between changes nothing
SELECT is(array_agg(v.valid ORDER BY n), '{t,f,t,f,f,t}'::boolean[], 'each call uses its own secret and algorithm')
FROM (VALUES (1, 'secret', 'HS256'), (2, 'x', 'HS256'), (3, 'secret', 'HS256'), (4, 'secret', 'HS384'), (5, '', 'HS256'), (6, 'secret', 'HS256')) AS a (n, secret, algorithm),
	 LATERAL new.verify(:'good', secret, algorithm) AS v;

-- Sizes: up to 1 MB
SELECT is(test.verdict(test.token('{"a":"' || repeat('x', 700000) || '"}')), '(header,payload,t)', 'a token of 0.9 MB is valid');
SELECT is(test.verdict(test.token('{"a":"' || repeat('x', 800000) || '"}')), '(-,-,f)', 'a token of more than 1 MB is invalid and shows nothing');
SELECT is(test.verdict(repeat('x', 1000000) || '.' || repeat('x', 1000000) || '.x'), '(-,-,f)', 'a token of 2 MB is invalid and shows nothing');
SELECT is(left(test.answer_of('SELECT new.sign(to_json(repeat(''x'', ' || size || ')), ''k'')'), 5), state, 'a payload of ' || size || ' characters is signed up to 1 MB')
FROM (VALUES (700000, '(eyJh'), (800000, '22023'), (2000000, '22023')) AS v (size, state);
SELECT is(test.answer_of('SELECT octet_length(new.url_encode(convert_to(repeat(''x'', 3000000), ''UTF8'')))'), '(4000000)', 'url_encode encodes 3 MB');
SELECT is(test.answer_of('SELECT octet_length(new.url_decode(repeat(''xxxx'', 1000000)))'), '(3000000)', 'url_decode decodes 4 MB');
SELECT is(left(test.answer_of('SELECT new.url_decode(repeat(''x'', 4000001))'), 5), '22023', 'url_decode refuses 4 MB with one character too many');

-- A message never holds a secret, token or payload
SELECT unalike(test.answer_of(query), '%k3y%', 'an error message holds no secret, token or payload: ' || left(query, 60))
FROM unnest(ARRAY['SELECT new.sign(''{"a":"k3y"}'', ''k3y'', ''k3y'')', 'SELECT * FROM new.verify(''k3y'', ''k3y'', ''k3y'')',
	'SELECT new.algorithm_sign(''k3y'', ''k3y'', ''k3y'')', 'SELECT new.sign(to_json(repeat(''k3y'', 1000000)), ''k3y'')',
	'SELECT new.algorithm_sign(''x'', repeat(''k3y'', 10000), ''HS256'')', 'SELECT new.url_decode(''k3y'')']) AS query;

SELECT * FROM finish();
