-- exp, nbf and iat (T14, T18, T19; RFC 7519 sections 4.1.4 to 4.1.6).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 220 assertions
SELECT no_plan();

CREATE FUNCTION pg_temp.verdict(members text) RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT test.sqlstate_of(format('SELECT public.jwt_verify_with(%L, %L)',
		test.token('{' || members || '}'), test.key('oct'))) $$;
CREATE FUNCTION pg_temp.time_claim(name text, ahead bigint) RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT '"' || name || '":' || test.seconds(ahead) $$;

SELECT is(current_setting('jwt_auth.leeway'), '30s', 'the leeway is 30 s');
SELECT is(current_setting('jwt_auth.require_exp'), 'on', 'exp is required');

-- Around now, with the default leeway. The clock moves on meanwhile, so an
-- accepted case keeps some seconds' distance on one side.
SELECT is(pg_temp.verdict(pg_temp.time_claim('exp', ahead)), NULL,
		  format('exp %s s ahead: accepted', ahead))
FROM unnest('{-20,-1,0,1,60,86400}'::bigint[]) AS ahead;
SELECT is(pg_temp.verdict(pg_temp.time_claim('exp', ahead)), '28J01',
		  format('exp %s s ahead: expired', ahead))
FROM unnest('{-30,-31,-60,-86400,-1000000000}'::bigint[]) AS ahead;
CREATE FUNCTION pg_temp.verdict_with(name text, ahead bigint) RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT pg_temp.verdict(pg_temp.time_claim('exp', 3600) || ','
						  || pg_temp.time_claim(name, ahead)) $$;
SELECT is(pg_temp.verdict_with(name, ahead), NULL,
		  format('%s %s s ahead: accepted', name, ahead))
FROM unnest('{nbf,iat}'::text[]) AS name,
	 unnest('{-1000000000,-60,-1,0,1,25,30}'::bigint[]) AS ahead;
SELECT is(pg_temp.verdict_with(name, ahead), '28J00',
		  format('%s %s s ahead: not yet', name, ahead))
FROM unnest('{nbf,iat}'::text[]) AS name,
	 unnest('{45,60,3000,1000000000}'::bigint[]) AS ahead;

-- Other leeways
SET jwt_auth.leeway = 0;
SELECT is(pg_temp.verdict(pg_temp.time_claim('exp', ahead)), state,
		  format('leeway 0, exp %s s ahead', ahead))
FROM (VALUES (0, '28J01'), (-1, '28J01'), (15, NULL)) AS v (ahead, state);
SELECT is(pg_temp.verdict_with(name, ahead), state,
		  format('leeway 0, %s %s s ahead', name, ahead))
FROM unnest('{nbf,iat}'::text[]) AS name,
	 (VALUES (0, NULL), (-1, NULL), (15, '28J00')) AS v (ahead, state);
SELECT is(pg_temp.verdict('"exp":' || test.seconds(15) || fraction), NULL,
		  'leeway 0, exp with the fraction ' || fraction)
FROM unnest('{.0,.5,.999999999,.123456789012345678901234567890}'::text[])
	AS fraction;
SELECT is(pg_temp.verdict('"exp":' || test.seconds(-1) || fraction), '28J01',
		  'leeway 0, past exp with the fraction ' || fraction)
FROM unnest('{.0,.00001}'::text[]) AS fraction;
SET jwt_auth.leeway = '5min';
SELECT is(pg_temp.verdict(pg_temp.time_claim('exp', ahead)), state,
		  format('leeway 300 s, exp %s s ahead', ahead))
FROM (VALUES (-290, NULL), (-300, '28J01'), (-400, '28J01')) AS v (ahead, state);
SELECT is(pg_temp.verdict_with(name, ahead), state,
		  format('leeway 300 s, %s %s s ahead', name, ahead))
FROM unnest('{nbf,iat}'::text[]) AS name,
	 (VALUES (290, NULL), (300, NULL), (320, '28J00')) AS v (ahead, state);
RESET jwt_auth.leeway;

-- The forms of a number (RFC 7519 section 2, NumericDate)
SELECT is(pg_temp.verdict('"exp":' || value), NULL, 'exp ' || value)
FROM unnest('{4102444800,4102444800.0,4102444800.75,41024448e2,4.1024448E+9,
			  41024448000e-1,253402300799,1e11}'::text[]) AS value;
SELECT is(pg_temp.verdict('"exp":4102444800,"' || name || '":' || value), NULL,
		  name || ' ' || value)
FROM unnest('{nbf,iat}'::text[]) AS name,
	 unnest('{1300819380,1300819380.5,13008e5,0,1e0,0.5}'::text[]) AS value;
SELECT is(pg_temp.verdict('"exp":' || value), '28J01', 'past exp ' || value)
FROM unnest('{0,1,0.5,1300819380,1300819380.999,13008e5,1e9,1e-100}'::text[])
	AS value;

-- What is no such number, or of no time that there is. Each must be refused,
-- as invalid or as expired.
CREATE TEMP TABLE no_date (value text);
INSERT INTO no_date VALUES
	('null'), ('true'), ('false'), ('""'), ('"never"'), ('"4102444800"'),
	('"2100-01-01T00:00:00Z"'), ('" 4102444800"'), ('"Infinity"'), ('[]'),
	('[4102444800]'), ('{}'), ('{"$numberLong":"4102444800"}'),
	('9223372036854775807'), ('9223372036854775808'), ('18446744073709551616'),
	('99999999999999999999999999999999'), ('1e19'), ('1e30'), ('1e308'), ('1e309'),
	('1e400'), ('1e4000'), ('1.7976931348623157e308');
CREATE TEMP TABLE past_date (value text);
INSERT INTO past_date VALUES
	('-1'), ('-0.5'), ('-4102444800'), ('-9223372036854775808'),
	('-9223372036854775809'), ('-1e30'), ('-1e400');
SELECT is(pg_temp.verdict('"exp":' || value), '28J00', 'exp ' || value)
FROM no_date;
SELECT ok(pg_temp.verdict('"exp":' || value) IN ('28J00', '28J01'),
		  'exp ' || value || ' is invalid or past')
FROM past_date;
SELECT is(pg_temp.verdict('"exp":4102444800,"' || name || '":' || value),
		  '28J00', name || ' ' || value)
FROM unnest('{nbf,iat}'::text[]) AS name, no_date;
SELECT is(pg_temp.verdict('"exp":NaN'), '28J00', 'exp NaN');
SELECT is(pg_temp.verdict('"exp":4102444800,"nbf":NaN'), '28J00', 'nbf NaN');

-- exp absent
SELECT is(pg_temp.verdict('"sub":"alice"'), '28J00', 'refused: no exp where one is required');
SELECT is(pg_temp.verdict('"Exp":4102444800'), '28J00', 'refused: Exp in place of exp');
SELECT is(pg_temp.verdict('"a":{"exp":4102444800}'), '28J00',
		  'refused: an exp within another claim');
SET jwt_auth.require_exp = off;
SELECT is(pg_temp.verdict('"sub":"alice"'), NULL, 'accepted: no exp where none is required');
SELECT is(pg_temp.verdict('"exp":' || value), '28J00',
		  'exp not required, yet ' || value || ' is refused')
FROM no_date;
SELECT is(pg_temp.verdict('"exp":1300819380'), '28J01',
		  'exp not required, yet an expired token is refused');
SELECT is(pg_temp.verdict('"' || name || '":' || value), '28J00',
		  'exp not required: ' || name || ' ' || value)
FROM unnest('{nbf,iat}'::text[]) AS name, no_date
WHERE value IN ('null', '"4102444800"', '1e400');
RESET jwt_auth.require_exp;

-- nbf after exp: valid at no time, whatever the leeway
SELECT is(pg_temp.verdict(pg_temp.time_claim('exp', exp) || ','
						  || pg_temp.time_claim('nbf', nbf)), '28J00',
		  format('exp %s s and nbf %s s ahead', exp, nbf))
FROM (VALUES (5, 20), (15, 25), (60, 3600), (-10, 20)) AS v (exp, nbf);

-- The order of the checks: an expired token says so only when all else is right
CREATE FUNCTION pg_temp.verdict_of(token text, audience text, issuer text)
RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT test.sqlstate_of(format(
		'SELECT public.jwt_verify_with(%L, %L, %L, %L)',
		token, test.key('oct'), audience, issuer)) $$;
SELECT is(pg_temp.verdict_of(test.token('{"exp":1,"aud":"api","iss":"us"}'),
							 'api', 'us'), '28J01', 'expired, all else right');
SELECT is(pg_temp.verdict_of(test.tampered(test.token('{"exp":1}')), NULL,
							 NULL), '28J00', 'expired, with a wrong signature');
SELECT is(pg_temp.verdict_of(split_part(test.token('{"exp":1}'), '.', 1) || '.'
							 || split_part(test.token('{"exp":1}'), '.', 2)
							 || '.', NULL, NULL), '28J00',
		  'expired, without a signature');
SELECT is(pg_temp.verdict_of(test.hs256('{"alg":"HS256","typ":"id+jwt"}',
										'{"exp":1}'), NULL, NULL), '28J00',
		  'expired, of another type');
SELECT is(pg_temp.verdict_of(test.token('{"exp":1,"aud":"other"}'), 'api', NULL),
		  '28J00', 'expired, for another audience');
SELECT is(pg_temp.verdict_of(test.token('{"exp":1,"iss":"them"}'), NULL, 'us'),
		  '28J00', 'expired, of another issuer');
SELECT is(pg_temp.verdict_of(test.token('{"exp":1,"nbf":4102444800}'), NULL, NULL),
		  '28J00', 'expired, and not yet valid');

-- The wall clock decides, not the time at which the transaction began
BEGIN;
CREATE TEMP TABLE soon AS SELECT test.seconds(4) AS exp;
SET LOCAL jwt_auth.leeway = 0;
SELECT is(pg_temp.verdict('"exp":' || exp), NULL, 'before its end, a token is accepted within the transaction') FROM soon;
SELECT pg_sleep_until(to_timestamp(exp)) FROM soon;
SELECT is(pg_temp.verdict('"exp":' || exp), '28J01',
		  'a token that expires in the course of the transaction is refused after its end') FROM soon;
COMMIT;

-- The result does not hang on the caller's time zone or date style
SET TimeZone = 'Pacific/Kiritimati';
SET DateStyle = 'SQL, DMY';
SELECT is(pg_temp.verdict(pg_temp.time_claim('exp', 60)), NULL,
		  'a time zone ahead does not end a valid token');
SELECT is(pg_temp.verdict(pg_temp.time_claim('exp', -60)), '28J01',
		  'a time zone ahead does not prolong an expired token');
SET TimeZone = 'Etc/GMT+12';
SELECT is(pg_temp.verdict(pg_temp.time_claim('exp', 60)), NULL,
		  'a time zone behind does not end a valid token');
SELECT is(pg_temp.verdict(pg_temp.time_claim('exp', -60)), '28J01',
		  'a time zone behind does not prolong an expired token');

SELECT * FROM finish();
