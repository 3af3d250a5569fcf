-- aud and iss (T15, T16; RFC 7519 sections 4.1.1 and 4.1.3).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 101 assertions
SELECT no_plan();

CREATE FUNCTION pg_temp.verdict(members text, audience text DEFAULT NULL,
								issuer text DEFAULT NULL)
RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT test.sqlstate_of(format(
		'SELECT public.jwt_verify_with(%L, %L, %L, %L)',
		test.token(test.payload(members)), test.key('oct'), audience, issuer)) $$;

-- aud
SELECT is(pg_temp.verdict('"aud":' || aud, 'api'), NULL, 'accepted: aud ' || aud)
FROM unnest(ARRAY['"api"', '["api"]', '["web","api"]', '["api","web"]',
				  '["api","api"]', '"\u0061pi"', '[ "a","b","c","d","api" ]'])
	AS aud;
SELECT is(pg_temp.verdict('"aud":' || aud, 'api'), '28J00', 'refused: aud ' || aud)
FROM unnest(ARRAY['null', '""', '[]', '{}', '1', 'true', '"web"', '["web"]',
				  '["web","ap","apii"]', '"Api"', '"API"', '"api "', '" api"',
				  '"ap"', '"apii"', '"api/"', '"api,web"', '"api web"', '"*"',
				  '"%"', '"api\u200b"', '"%61pi"', '"https://api"', '[["api"]]',
				  '{"api":1}', '{"aud":"api"}', '[{"api":"api"}]', '[null]',
				  '[null,"api"]', '["api",null]', '["api",1]', '[1,"api"]',
				  '["api",["web"]]', '["api",{}]', '["api",true]', '[[]]'])
	AS aud;
SELECT is(pg_temp.verdict('', 'api'), '28J00', 'refused: no aud where one is expected');
SELECT is(pg_temp.verdict('"Aud":"api"', 'api'), '28J00', 'refused: Aud in place of aud');
SELECT is(pg_temp.verdict('"a":{"aud":"api"}', 'api'), '28J00',
		  'refused: an aud within another claim');
SELECT is(pg_temp.verdict('"aud":"api\u0000"', 'api'), '28J00',
		  'refused: an aud with a NUL at its end');
SELECT is(pg_temp.verdict('"aud":"' || aud || '"', expected), state,
		  format('aud %s, expected %s', aud, expected))
FROM (VALUES ('https://a.example/x', 'https://a.example/x', NULL),
			 ('https://a.example/x', 'https://a.example/x/', '28J00'),
			 ('https://a.example/x', 'https://A.example/x', '28J00'),
			 ('https://a.example:443/x', 'https://a.example/x', '28J00'),
			 ('caf\u00e9', U&'caf\00E9', NULL),
			 ('cafe\u0301', U&'caf\00E9', '28J00'),
			 ('STRASSE', U&'stra\00DFe', '28J00'),
			 ('', ' ', '28J00')) AS v (aud, expected, state);
-- A NULL audience skips the check, here and only here
SELECT is(pg_temp.verdict('"aud":"web"'), NULL, 'with an audience of NULL, any aud is accepted');
SELECT is(pg_temp.verdict(''), NULL, 'with an audience of NULL, a token without aud is accepted');
SELECT is(pg_temp.verdict('"aud":' || aud), '28J00', 'with an audience of NULL, a malformed aud is refused: ' || aud)
FROM unnest(ARRAY['[]', '1', 'true', '{}', '[1]', '["api",1]', '["api",null]', '[["api"]]']) AS aud;
SET jwt_auth.audience = 'api';
SELECT is(pg_temp.verdict('"aud":"web"'), NULL,
		  'the setting jwt_auth.audience does not apply to jwt_verify_with');
SELECT is(pg_temp.verdict(''), NULL, 'with jwt_auth.audience set, jwt_verify_with accepts a token without aud');
RESET jwt_auth.audience;

-- iss
SELECT is(pg_temp.verdict('"iss":' || iss, NULL, 'https://us.example'), NULL,
		  'accepted: iss ' || iss)
FROM unnest(ARRAY['"https://us.example"', '"https:\/\/us.example"']) AS iss;
SELECT is(pg_temp.verdict('"iss":' || iss, NULL, 'https://us.example'), '28J00',
		  'refused: iss ' || iss)
FROM unnest(ARRAY['null', '""', '1', 'true', '{}', '[]', '["https://us.example"]',
				  '{"iss":"https://us.example"}', '"https://us.example/"',
				  '"https://US.example"', '"http://us.example"', '"us.example"',
				  '" https://us.example"', '"https://us.example "',
				  '"https://us.example.attacker.example"',
				  '"https://us.example@attacker.example"',
				  '"https://us.exampl"', '"https://them.example"', '"%"'])
	AS iss;
SELECT is(pg_temp.verdict('', NULL, 'https://us.example'), '28J00',
		  'refused: no iss where one is expected');
SELECT is(pg_temp.verdict('"iss":"https://us.example\u0000"', NULL,
						  'https://us.example'), '28J00',
		  'refused: an iss with a NUL at its end');
SELECT is(pg_temp.verdict('"Iss":"https://us.example"', NULL,
						  'https://us.example'), '28J00', 'refused: Iss in place of iss');
SELECT is(pg_temp.verdict('"iss":"https://them.example"'), NULL,
		  'with an issuer of NULL, any iss is accepted');

-- Both, and by name
SELECT is(pg_temp.verdict('"iss":"us","aud":"api"', 'api', 'us'), NULL,
		  'accepted: aud and iss both as expected');
SELECT is(pg_temp.verdict('"iss":"api","aud":"us"', 'api', 'us'), '28J00',
		  'refused: aud and iss in each other''s place');
SELECT is(pg_temp.verdict('"iss":"us","aud":"web"', 'api', 'us'), '28J00',
		  'refused: the expected iss with another aud');
SELECT is(pg_temp.verdict('"iss":"them","aud":"api"', 'api', 'us'), '28J00',
		  'refused: the expected aud with another iss');
SELECT is(jwt_verify_with(issuer => 'us', keys => test.key('oct'),
						  token => test.token('{"iss":"us","exp":4102444800}')),
		  '{"iss":"us","exp":4102444800}', 'jwt_verify_with takes its arguments by name');

-- The key of one issuer vouches for no other one
CREATE TEMP TABLE issuer AS
SELECT name, jwk_generate('ES256', name) AS key
FROM unnest('{a,b}'::text[]) AS name;
SELECT is(test.sqlstate_of(format(
			'SELECT jwt_verify_with(%L, %L, NULL, %L)',
			jwt_sign_with(jsonb_build_object('iss', claimed.name, 'exp', 4102444800),
						  signer.key || jsonb_build_object('kid', claimed.name)),
			jwk_public(claimed.key), claimed.name)),
		  CASE WHEN signer.name = claimed.name THEN NULL ELSE '28J00' END,
		  format('signed by %s, says it is %s', signer.name, claimed.name))
FROM issuer AS signer, issuer AS claimed;

SELECT * FROM finish();
