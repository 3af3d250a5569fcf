-- JWS with any payload and any harmless header (jws_sign, jws_verify; RFC 7515
-- section 7.1; T08).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 324 assertions
SELECT no_plan();

CREATE TEMP TABLE signer AS
SELECT alg, test.key(kind, alg) AS key
FROM (VALUES ('oct', 'HS256'), ('RSA', 'RS256'), ('P-256', 'ES256'), ('P-521', 'ES512'),
			 ('Ed25519', 'EdDSA')) AS v (kind, alg);
CREATE FUNCTION pg_temp.header_of(token text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS
$$ SELECT convert_from(test.from_base64url(split_part(token, '.', 1)), 'UTF8')::jsonb $$;

-- Payloads
CREATE TEMP TABLE payload (what text, payload bytea);
INSERT INTO payload
SELECT 'empty', bytea ''
UNION ALL SELECT 'one zero octet', '\x00'
UNION ALL SELECT 'every octet', (SELECT string_agg(set_byte('\x00', 0, n), '')
								 FROM generate_series(0, 255) AS n)
UNION ALL SELECT 'text', 'Payload'
UNION ALL SELECT 'no UTF-8', '\xfffe80c3'
UNION ALL SELECT 'a JWT expired', '{"exp":1}'
UNION ALL SELECT 'no object', '[1,2]'
UNION ALL SELECT '10,000 octets', convert_to(repeat('0123456789', 1000), 'UTF8');
SELECT is(jws_verify(jws_sign(payload, key), test.public(key)), payload,
		  format('%s: a signed payload is verified: %s', alg, what))
FROM signer, payload;
SELECT is(test.from_base64url(split_part(jws_sign(payload, key), '.', 2)), payload,
		  format('%s: %s is the second segment', alg, what))
FROM signer, payload;
SELECT is(pg_temp.header_of(jws_sign('x', key)), jsonb_build_object('alg', alg),
		  alg || ': the header of a key without kid holds only alg')
FROM signer;
SELECT is(pg_temp.header_of(jws_sign('x', key || '{"kid":"k1"}')),
		  jsonb_build_object('alg', alg, 'kid', 'k1'), alg || ': the header of a key with kid holds alg and kid')
FROM signer;
SELECT is(jws_sign('x', test.key('oct', 'HS256')),
		  test.seal(test.base64url_text('{"alg":"HS256"}') || '.eA'),
		  'an HS256 JWS equals the one made with pgcrypto');

-- Header members of the caller's
SELECT is(pg_temp.header_of(jws_sign('x', key, header)),
		  header || jsonb_build_object('alg', alg), format('%s: the caller''s header is signed: %s', alg, header))
FROM signer, (VALUES (jsonb '{}'), ('{"typ":"JOSE"}'), ('{"cty":"json","typ":"x+y"}'),
					 ('{"x":{"a":[1,null,"é"]}}'), ('{"b64":true}'), ('{"jku":"https://a.example"}'),
					 ('{"n":12345678901234567890123}')) AS v (header);
SELECT is(jws_verify(jws_sign('x', key, header), test.public(key)), 'x',
		  format('%s: a JWS is verified with the header %s', alg, header))
FROM signer, (VALUES (jsonb '{"typ":"JOSE"}'), ('{"x":{"a":[1,null,"é"]}}'), ('{"b64":true}'))
	AS v (header);
SELECT is(pg_temp.header_of(jws_sign('x', key, jsonb_build_object('alg', alg))),
		  jsonb_build_object('alg', alg), alg || ': the alg of the key is accepted in the header')
FROM signer;
SELECT is(pg_temp.header_of(jws_sign('x', key || '{"kid":"k1"}', '{"kid":"k1"}')),
		  jsonb_build_object('alg', alg, 'kid', 'k1'), alg || ': the kid of the key is accepted in the header')
FROM signer;

-- Header members that are refused
SELECT test.raises(format('SELECT jws_sign(''x'', %L, %L)', key || '{"kid":"k1"}', header),
				   '22023', format('%s: a header is refused: %s', alg, header))
FROM signer, (VALUES (jsonb '{"alg":"none"}'), ('{"alg":"HS384"}'), ('{"alg":"rs256"}'),
					 ('{"alg":""}'), ('{"alg":null}'), ('{"alg":1}'), ('{"alg":["RS256"]}'),
					 ('{"crit":["b64"]}'), ('{"crit":[]}'), ('{"crit":null}'),
					 ('{"crit":["x"],"x":1}'), ('{"zip":"DEF"}'), ('{"zip":null}'),
					 ('{"b64":false}'), ('{"b64":"true"}'), ('{"b64":null}'), ('{"b64":1}'),
					 ('{"kid":"k2"}'), ('{"kid":""}'), ('{"kid":null}'), ('{"kid":1}'),
					 ('[]'), ('["alg"]'), ('"x"'), ('1'), ('null'), ('true')) AS v (header);
SELECT test.raises(format('SELECT jws_sign(''x'', %L, %L)', key, '{'), '22P02',
				   alg || ': a header that is not JSON is refused')
FROM signer;
SELECT test.raises(format('SELECT jws_sign(''x'', %L, %L)', key, header), '22023',
				   format('%s: a kid that the key does not have is refused: %s', alg, header))
FROM signer, (VALUES (jsonb '{"kid":null}'), ('{"kid":1}'), ('{"kid":["x"]}'), ('{"kid":"x"}'))
	AS v (header);
SELECT test.raises(format('SELECT jws_sign(decode(repeat(''00'', 13000), ''hex''), %L)', key),
				   '22023', alg || ': a payload that makes the token too long is refused')
FROM signer;
SELECT test.raises(format('SELECT jws_sign(%s)', arguments), '22023', 'jws_sign refuses NULL: ' || arguments)
FROM (VALUES (format('NULL, %L', test.key('oct', 'HS256'))), ('''x'', NULL'),
			 (format('''x'', %L, NULL', test.key('oct', 'HS256')))) AS v (arguments);

-- Random payloads there and back
SELECT round((random() * 2 - 1)::numeric, 6) AS seed \gset
SELECT diag('random seed ' || :'seed');
SELECT setseed(:'seed') \gset ignored_
CREATE TEMP TABLE random_payload AS
SELECT n, (SELECT coalesce(string_agg(set_byte('\x00', 0, trunc(random() * 256)::integer), ''), '')
		   FROM generate_series(1, n)) AS payload
FROM generate_series(0, 300) AS n;
SELECT is_empty(format('SELECT n FROM random_payload
						WHERE jws_verify(jws_sign(payload, %L), %L) IS DISTINCT FROM payload',
					   key, test.public(key)), alg || ': payloads of 0 to 300 octets are signed and verified')
FROM signer;

SELECT * FROM finish();
