-- The header's members (T01, T04, T05, T06, T08, T10, T17): extensions that are not
-- understood, keys that travel in the token, and odd kids.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 332 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

-- Accepted: what is registered and harmless, or unknown and not critical
SELECT test.accepts(test.hs256(header, '{}'), test.key('oct'),
					'accepted: ' || to_json(header)::text)
FROM (VALUES ('{"alg":"HS256"}'),
			 ('{"alg":"HS256","typ":"JWT"}'),
			 ('{"alg":"HS256","typ":"at+jwt"}'),
			 ('{"alg":"HS256","typ":"application/jwt"}'),
			 ('{"alg":"HS256","typ":"application/at+jwt"}'),
			 ('{"alg":"HS256","b64":true}'),
			 ('{"alg":"HS256","kid":"any"}'),
			 ('{"alg":"HS256","x":{"y":[1,2,{"z":null}]}}'),
			 ('{"alg":"HS256","cty":"text/plain"}'),
			 (' { "alg" : "HS256" } '),
			 (E'{"typ":"JWT",\r\n "alg":"HS256"}'),
			 ('{"\u0061lg":"HS\u003256"}')) AS v (header);

-- Refused by whoever verifies a JWS
CREATE TEMP TABLE refused (header text);
INSERT INTO refused VALUES
	-- crit (RFC 7515 4.1.11)
	('{"alg":"HS256","crit":["exp"],"exp":1}'),
	('{"alg":"HS256","crit":["b64"],"b64":true}'),
	('{"alg":"HS256","crit":["b64"],"b64":false}'),
	('{"alg":"HS256","crit":["alg"]}'),
	('{"alg":"HS256","crit":["http://example.com/x"],"http://example.com/x":1}'),
	('{"alg":"HS256","crit":[]}'),
	('{"alg":"HS256","crit":["x"]}'),
	('{"alg":"HS256","crit":"exp"}'),
	('{"alg":"HS256","crit":null}'),
	('{"alg":"HS256","crit":{}}'),
	('{"alg":"HS256","crit":false}'),
	('{"alg":"HS256","\u0063rit":["x"],"x":1}'),
	-- b64 (RFC 7797 section 7)
	('{"alg":"HS256","b64":false}'),
	('{"alg":"HS256","b64":"true"}'),
	('{"alg":"HS256","b64":"false"}'),
	('{"alg":"HS256","b64":null}'),
	('{"alg":"HS256","b64":0}'),
	('{"alg":"HS256","b64":[]}'),
	-- zip, of JWE
	('{"alg":"HS256","zip":"DEF"}'),
	('{"alg":"HS256","zip":""}'),
	('{"alg":"HS256","zip":null}'),
	-- alg
	('{}'),
	('{"typ":"JWT"}'),
	('{"alg":null}'),
	('{"alg":""}'),
	('{"alg":256}'),
	('{"alg":true}'),
	('{"alg":["HS256"]}'),
	('{"alg":{"alg":"HS256"}}'),
	('{"Alg":"HS256"}'),
	('{"ALG":"HS256"}'),
	('{"alg":"hs256"}'),
	('{"alg":"Hs256"}'),
	('{"alg":" HS256"}'),
	('{"alg":"HS256 "}'),
	('{"alg":"HS256\n"}'),
	('{"alg":"HS256\u0000"}'),
	('{"alg":"HS2560"}'),
	('{"alg":"HS25"}'),
	('{"alg":"SHA256"}'),
	-- kid that is no string
	('{"alg":"HS256","kid":1}'),
	('{"alg":"HS256","kid":null}'),
	('{"alg":"HS256","kid":true}'),
	('{"alg":"HS256","kid":["k1"]}'),
	('{"alg":"HS256","kid":{"k":"k1"}}'),
	('{"alg":"HS256","kid":"\u0000"}'),
	('{"alg":"HS256","kid":"k1\u0000"}'),
	('{"alg":"HS256","kid":"\ud800"}'),
	-- duplicate members (RFC 7515 section 4)
	('{"alg":"HS256","alg":"HS256"}'),
	('{"alg":"none","alg":"HS256"}'),
	('{"alg":"HS256","alg":"none"}'),
	('{"alg":"HS256","\u0061lg":"none"}'),
	('{"\u0061lg":"none","alg":"HS256"}'),
	('{"alg":"HS256","kid":"a","kid":"b"}'),
	('{"alg":"HS256","typ":"JWT","typ":"JWT"}'),
	('{"alg":"HS256","x":1,"x":2}'),
	('{"alg":"HS256","x":{"y":1,"y":2}}'),
	('{"alg":"HS256","x":[{"y":1,"y":2}]}'),
	-- not one JSON object
	('[]'),
	('["alg","HS256"]'),
	('[{"alg":"HS256"}]'),
	('"HS256"'),
	('null'),
	('true'),
	('1'),
	(' '),
	('{'),
	('{"alg":"HS256"'),
	('{"alg":"HS256"}}'),
	('{"alg":"HS256"}{}'),
	('{"alg":"HS256"} x'),
	('{"alg":"HS256",}'),
	('{,"alg":"HS256"}'),
	('{"alg":"HS256";}'),
	('{"alg" "HS256"}'),
	('{"alg":"HS256" "typ":"JWT"}'),
	('{alg:"HS256"}'),
	('{''alg'':''HS256''}'),
	('{"alg":HS256}'),
	('{"alg":"HS256"}//'),
	('/**/{"alg":"HS256"}'),
	('{"alg":"HS256","x":NaN}'),
	('{"alg":"HS256","x":Infinity}'),
	('{"alg":"HS256","x":01}'),
	('{"alg":"HS256","x":1e999999999}'),
	('{"alg":"HS256","x":"' || chr(9) || '"}'),
	('{"alg":"HS256","x":"\x"}'),
	('{"alg":"HS256","x":"\u12"}'),
	('{"alg":"HS256","x":"\udc00"}'),
	(U&'\FEFF{"alg":"HS256"}'),
	('{"alg":"HS256","x":' || repeat('[', 32) || repeat(']', 32) || '}'),
	('{"alg":"HS256","x":' || repeat('[', 5000)),
	('{"alg":"HS256","x":' || repeat('{"a":', 1000) || '1'
	 || repeat('}', 1000) || '}');
SELECT test.refuses(test.hs256(header, '{}'), test.key('oct'),
					'refused: ' || left(header, 60))
FROM refused;
SELECT test.refuses_jws(test.hs256(header, '{}'), test.key('oct'),
						'refused as a JWS: ' || left(header, 60))
FROM refused;

-- Bytes that are no UTF-8 in the header
SELECT test.refuses(test.seal(test.base64url('{"alg":"HS256","x":"'::bytea
									|| bytes || '"}'::bytea) || '.e30'),
					test.key('oct'), 'header with the bytes ' || bytes::text)
FROM (VALUES (bytea '\xff'), ('\xc080'), ('\xc3'), ('\xeda080'),
			 ('\xf4908080'), ('\xe282'), ('\x80'), ('\x00')) AS v (bytes);

-- typ is checked for a JWT (RFC 8725 3.11), and is the caller's in a JWS
CREATE TEMP TABLE foreign_type (header text);
INSERT INTO foreign_type VALUES
	('{"alg":"HS256","typ":""}'),
	('{"alg":"HS256","typ":"JOSE"}'),
	('{"alg":"HS256","typ":"JWE"}'),
	('{"alg":"HS256","typ":"JWT "}'),
	('{"alg":"HS256","typ":" JWT"}'),
	('{"alg":"HS256","typ":"JWTX"}'),
	('{"alg":"HS256","typ":"text/JWT"}'),
	('{"alg":"HS256","typ":"application/"}'),
	('{"alg":"HS256","typ":"application/application/jwt"}'),
	('{"alg":"HS256","typ":"dpop+jwt"}'),
	('{"alg":"HS256","typ":"logout+jwt"}'),
	('{"alg":"HS256","typ":"secevent+jwt"}'),
	('{"alg":"HS256","typ":"refresh+jwt"}'),
	('{"alg":"HS256","typ":"id+jwt"}');
SELECT test.refuses(test.hs256(header, '{}'), test.key('oct'),
					'refused: ' || header)
FROM foreign_type;
SELECT is(jws_verify(test.hs256(header, '{}'), test.key('oct')), '{}',
		  'accepted as a JWS: ' || header)
FROM foreign_type;
SELECT test.refuses(test.hs256('{"alg":"HS256","typ":' || typ || '}', '{}'),
					test.key('oct'), 'typ that is no string: ' || typ)
FROM (VALUES ('null'), ('1'), ('true'), ('["JWT"]'), ('{}')) AS v (typ);

-- Keys that the token brings along or names are never used (RFC 8725 3.10)
CREATE TEMP TABLE attacker AS
SELECT jwk_generate('ES256') AS ec, jwk_generate('RS256') AS rsa,
	   jwk_generate('EdDSA') AS okp;
CREATE TEMP TABLE carried AS
SELECT 'an EC jwk' AS what, ec AS key, jsonb_build_object('jwk',
		test.public(ec)) AS header FROM attacker
UNION ALL
SELECT 'an RSA jwk', rsa, jsonb_build_object('jwk', test.public(rsa))
FROM attacker
UNION ALL
SELECT 'an OKP jwk', okp, jsonb_build_object('jwk', test.public(okp))
FROM attacker
UNION ALL
SELECT member, ec, jsonb_build_object(member, value)
FROM attacker,
	 (VALUES ('jku', jsonb '"https://attacker.example/jwks.json"'),
			 ('x5u', '"https://attacker.example/chain.pem"'),
			 ('x5c', '["MIIB"]'),
			 ('x5t', '"AAAA"'),
			 ('x5t#S256', '"AAAA"'),
			 ('jku', '"file:///etc/passwd"'),
			 ('jwk', '1'),
			 ('jwk', 'null')) AS v (member, value);
SELECT test.refuses(jws_sign('{}', key, header),
					test.public(test.key('P-256')),
					'the key of the token is not used against an EC key: '
					|| what)
FROM carried;
SELECT test.refuses(jws_sign('{}', key, header), test.key('oct'),
					'the key of the token is not used against an HMAC key: ' || what)
FROM carried;
SELECT test.refuses(jws_sign('{}', key, header),
					jsonb_build_object('keys', jsonb_build_array(
						test.public(test.key('P-256')),
						test.public(test.key('RSA')),
						test.public(test.key('Ed25519')))),
					'the key of the token is not used against a set: ' || what)
FROM carried;
SELECT test.accepts(jws_sign('{}', test.key('P-256', 'ES256'), header),
					test.public(test.key('P-256')),
					'the member is ignored where the key is right: ' || what)
FROM carried;
SELECT test.refuses(signing_input || '.' || test.base64url(
						hmac(signing_input::bytea, 'attacker', 'sha256')),
					test.key('oct'), 'an oct jwk in the header is not used')
FROM (SELECT test.base64url_text('{"alg":"HS256","jwk":{"kty":"oct","k":"'
			|| test.base64url('attacker') || '"}}') || '.e30')
	AS v (signing_input);

-- kid: an exact comparison of text, never a pattern, a path or a fall-back
CREATE TEMP TABLE kid (kid text);
INSERT INTO kid VALUES
	(''), ('K1'), ('k1 '), (' k1'), ('k'), ('k11'), ('k1.'), ('%'), ('k_'),
	('k1%00'), (U&'k1\200B'), (U&'\FF4B1'), (E'k1\n'),
	(''' OR 1=1 --'), ('k1''; DROP TABLE x; --'), ('../../dev/null'),
	('/dev/null'), ('file:///dev/null'), ('| id'), ('$(id)'),
	(E'k1\r\nX-Header: 1'), (E'\x1b[31mk1'), (repeat('k', 10240));
SELECT test.accepts(test.hs256('{"alg":"HS256","kid":"k1"}', '{}'),
					test.key('oct') || '{"kid":"k1"}', 'accepted: the kid of the key');
SELECT test.accepts(test.hs256('{"alg":"HS256","kid":"\u006b\u0031"}', '{}'),
					test.key('oct') || '{"kid":"k1"}',
					'accepted: the kid of the key, escaped');
SELECT test.refuses(test.hs256(json_build_object('alg', 'HS256', 'kid', kid)::text,
							   '{}'),
					test.key('oct') || '{"kid":"k1"}',
					'another kid: ' || left(to_json(kid)::text, 40))
FROM kid;
SELECT test.refuses(test.hs256(json_build_object('alg', 'HS256', 'kid', kid)::text,
							   '{}'),
					jsonb_build_object('keys', jsonb_build_array(
						test.key('oct') || '{"kid":"k1"}')),
					'another kid than the set''s: '
					|| left(to_json(kid)::text, 40))
FROM kid;

SELECT * FROM finish();
