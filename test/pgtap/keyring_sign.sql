-- jwt_sign: iss, aud, iat, exp and jti are added where they are absent and
-- only there; lifetimes are bounded, in seconds that no caller's TimeZone or
-- style moves (22023); the kid argument; claims of the wrong type.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 146 assertions
SELECT no_plan();
SELECT jwt_create_key('ES256', 'k1'), jwt_create_key('HS256', 'k2');

CREATE FUNCTION pg_temp.claims(claims jsonb, expires_in interval DEFAULT NULL, kid text DEFAULT NULL)
RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT (jwt_decode(jwt_sign(claims, expires_in, kid))).claims $$;

-- Header
SELECT is((jwt_decode(jwt_sign('{}'))).header, '{"alg":"ES256","kid":"k1","typ":"JWT"}', 'jwt_sign writes alg, kid and typ of the active key');
SELECT is((jwt_decode(jwt_sign('{}', kid => 'k2'))).header, '{"alg":"HS256","kid":"k2","typ":"JWT"}',
		  'jwt_sign writes alg and kid of the key that was asked for');
SELECT test.raises(format('SELECT jwt_sign(''{}'', kid => %L)', kid), '22023', 'no such kid: ' || left(kid, 10))
FROM unnest(ARRAY['', 'K1', 'k1 ', 'k', 'k11', repeat('k', 300)]) AS kid;

-- What is added
SELECT is(ARRAY(SELECT jsonb_object_keys(pg_temp.claims('{}')) ORDER BY 1), '{exp,iat,jti}',
		  'without settings, jwt_sign adds exp, iat and jti');
SELECT is((c ->> 'exp')::bigint - (c ->> 'iat')::bigint, 900::bigint, 'the default lifetime is access_token_ttl'),
	   ok(abs((c ->> 'iat')::bigint - test.seconds()) <= 2, 'iat is the time of the call'),
	   matches(c ->> 'jti', '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$', 'jti is a UUIDv7'),
	   is(jsonb_typeof(c -> 'exp'), 'number', 'exp is a number'),
	   is(jsonb_typeof(c -> 'iat'), 'number', 'iat is a number')
FROM pg_temp.claims('{}') AS c;
SELECT isnt(pg_temp.claims('{}') ->> 'jti', pg_temp.claims('{}') ->> 'jti', 'each token has a new jti');
SET jwt_auth.issuer = 'https://us.example';
SET jwt_auth.audience = 'api';
SELECT is(pg_temp.claims('{"sub":"a"}') - '{exp,iat,jti}'::text[],
		  '{"sub":"a","iss":"https://us.example","aud":"api"}', 'with jwt_auth.issuer and audience set, jwt_sign adds iss and aud');

-- What is there stays
SELECT is(pg_temp.claims(claims) @> claims, true, 'kept: ' || claims::text)
FROM (SELECT jsonb_build_object('exp', test.seconds(60)) AS exp) AS v,
	 LATERAL unnest(ARRAY[exp, '{"iat":1000}', '{"iat":0}', '{"jti":"mine"}', '{"jti":""}', '{"aud":"web"}',
						  '{"aud":["api","web"]}', '{"iss":"https://us.example"}', '{"nbf":4000000000}',
						  '{"sub":"x","a":{"b":[1,null,"\u00e9"]}}', '{"exp":1}',
						  exp || '{"iat":5,"jti":"j","aud":"a","iss":"https://us.example"}']::jsonb[]) AS claims;
SELECT is(pg_temp.claims('{"exp":1000}', '1 h') ->> 'exp', '1000', 'an exp of the claims takes precedence over expires_in');
SELECT is(pg_temp.claims('{"iss":"https://us.example"}') ->> 'iss', 'https://us.example', 'an iss that equals jwt_auth.issuer is kept');
SELECT test.raises(format('SELECT jwt_sign(%L)', claims), '22023', 'refused: ' || claims)
FROM unnest(ARRAY['{"iss":"https://them.example"}', '{"iss":""}', '{"iss":null}', '{"iss":1}',
				  '{"iss":["https://us.example"]}']) AS claims;
RESET jwt_auth.issuer;
SELECT test.raises(format('SELECT jwt_sign(%L)', claims), '22023', 'refused without jwt_auth.issuer: ' || claims)
FROM unnest(ARRAY['{"iss":"https://us.example"}', '{"iss":""}', '{"iss":null}']) AS claims;
SET jwt_auth.issuer = '';
SET jwt_auth.audience = '';
SELECT is(pg_temp.claims('{}') ?| '{iss,aud}', false, 'with jwt_auth.issuer and audience empty, jwt_sign adds neither iss nor aud');
RESET jwt_auth.issuer;
RESET jwt_auth.audience;

-- Claims of the wrong type
SELECT test.raises(format('SELECT jwt_sign(%L)', claims), '22023', 'refused: ' || left(claims, 60))
FROM unnest(ARRAY['null', '[]', '[{}]', '"x"', '1', 'true',
	'{"exp":"4000000000"}', '{"exp":null}', '{"exp":true}', '{"exp":[]}', '{"exp":{}}', '{"exp":-1}', '{"exp":1e300}',
	'{"iat":"1"}', '{"iat":null}', '{"iat":-1}', '{"iat":1e18}', '{"nbf":"1"}', '{"nbf":null}', '{"nbf":[]}',
	'{"nbf":-0.5}', '{"jti":1}', '{"jti":null}', '{"jti":["a"]}', '{"sub":1}', '{"sub":null}', '{"sub":{}}',
	'{"sid":1}', '{"sid":null}', '{"sid":true}', '{"aud":[]}', '{"aud":1}', '{"aud":{}}', '{"aud":["api",1]}']) AS claims;
SELECT is(test.sqlstate_of(format('SELECT jwt_sign(%L)', '{"x":"' || repeat('x', 20000) || '"}')), '22023',
		  'a token too long to be verified is not signed');

-- Lifetimes
SELECT is((c ->> 'exp')::bigint - (c ->> 'iat')::bigint, seconds, format('expires_in %s', expires_in))
FROM (VALUES (interval '1 s', 1::bigint), ('1 min', 60), ('1.9 s', 1), ('1 h', 3600), ('1 d', 86400),
			 ('24 h', 86400), ('1 mon -29 d', 86400), ('1 y -364 d', -364 * 86400 + 12 * 30 * 86400),
			 ('2 d -24 h', 86400)) AS v (expires_in, seconds),
	 pg_temp.claims('{}', expires_in) AS c
WHERE seconds BETWEEN 1 AND 86400;
SELECT test.raises(format('SELECT jwt_sign(''{}'', %L)', expires_in), '22023', 'refused: expires_in ' || expires_in)
FROM unnest('{0,0.5 s,-1 s,-1 d,1 d 1 s,25 h,1 mon,100 y,170000000 y,-170000000 y,1 mon -30 d,1 d -24 h}'::text[])
	AS expires_in;
SELECT test.raises('SELECT jwt_sign(''{}'', ''tomorrow'')', '22007', 'an expires_in that is no interval is refused');
SELECT is(test.sqlstate_of(format('SELECT jwt_sign(''{"exp":%s}'')', test.seconds(86400 + ahead))), state,
		  format('exp in 1 d and %s s', ahead))
FROM (VALUES (-10, NULL), (0, NULL), (10, '22023'), (1000000, '22023')) AS v (ahead, state);
SET jwt_auth.max_token_ttl = '5min';
SELECT is((c ->> 'exp')::bigint - (c ->> 'iat')::bigint, 300::bigint, 'the default lifetime is bounded by max_token_ttl')
FROM pg_temp.claims('{}') AS c;
SELECT test.raises('SELECT jwt_sign(''{}'', ''301 s'')', '22023', 'an expires_in beyond max_token_ttl is refused');
SELECT is(test.sqlstate_of('SELECT jwt_sign(''{}'', ''300 s'')'), NULL, 'an expires_in of max_token_ttl is accepted');
SELECT test.raises(format('SELECT jwt_sign(''{"exp":%s}'')', test.seconds(310)), '22023', 'an exp beyond max_token_ttl is refused');
SET jwt_auth.max_token_ttl = '1d';
SET jwt_auth.access_token_ttl = '1h';
SELECT is((c ->> 'exp')::bigint - (c ->> 'iat')::bigint, 3600::bigint, 'the default lifetime follows access_token_ttl')
FROM pg_temp.claims('{}') AS c;
RESET jwt_auth.access_token_ttl;

-- No setting of the caller's moves a time
CREATE TABLE public.style (name text, value text);
INSERT INTO public.style VALUES
	('TimeZone', 'Pacific/Kiritimati'), ('TimeZone', 'Etc/GMT+12'), ('TimeZone', 'Asia/Kathmandu'),
	('TimeZone', 'America/New_York'), ('IntervalStyle', 'sql_standard'), ('IntervalStyle', 'iso_8601'),
	('IntervalStyle', 'postgres_verbose'), ('DateStyle', 'SQL, DMY'), ('DateStyle', 'German, DMY'),
	('extra_float_digits', '-15'), ('bytea_output', 'escape'), ('lc_numeric', 'C'), ('xmloption', 'document');
SELECT is((c ->> 'exp')::bigint - (c ->> 'iat')::bigint, 86400::bigint, format('%s %s: a day has 86400 s', name, value)),
	   ok(abs((c ->> 'iat')::bigint - test.seconds()) <= 2, format('%s %s: now is now', name, value)),
	   is(test.verdict(token), NULL, format('%s %s: verifies', name, value))
FROM public.style, LATERAL set_config(name, value, true) AS s,
	 LATERAL (SELECT CASE WHEN s IS NULL THEN NULL ELSE jwt_sign('{}', '1 d') END) AS t (token),
	 LATERAL (SELECT (jwt_decode(token)).claims) AS d (c);

-- Two keys of one session: the token verifies with what signed it
SELECT is(test.verdict(token), NULL, 'a token verifies with the key that signed it'),
	   is(test.verdict(replace(token, split_part(token, '.', 1),
		  test.base64url_text('{"alg":"ES256","kid":"k2","typ":"JWT"}'))), '28J00', 'a token with the kid and alg of another key is refused'),
	   is(test.verdict(replace(token, split_part(token, '.', 1),
		  test.base64url_text('{"alg":"HS256","kid":"k1","typ":"JWT"}'))), '28J00', 'a token with another alg under its kid is refused')
FROM jwt_sign('{}') AS token;

SELECT * FROM finish();
