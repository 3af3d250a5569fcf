-- Thumbprints of keys (RFC 7638, RFC 8037 appendix A.3).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 53 assertions
SELECT no_plan();

SELECT is(jwk_thumbprint('{
	"kty": "RSA",
	"n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
	"e": "AQAB",
	"alg": "RS256",
	"kid": "2011-04-29"}'),
	'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs', 'the thumbprint of RFC 7638 3.1');
SELECT is(jwk_thumbprint(test.public(test.key('Ed25519'))),
		  'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', 'the thumbprint of RFC 8037 A.3');

-- The members of each type, in order (RFC 7638 section 3.2), hashed here
CREATE TEMP TABLE known AS
SELECT kind, test.key(kind) AS key
FROM unnest('{oct,RSA,P-256,P-521,Ed25519}'::text[]) AS kind
UNION ALL
SELECT alg, jwk_generate(alg)
FROM unnest('{HS256,HS512,RS256,ES256,ES384,ES512,ES256K,EdDSA,Ed448}'::text[]) AS alg;
SELECT is(jwk_thumbprint(key), test.base64url(digest(convert_to(
		CASE key ->> 'kty'
		WHEN 'EC' THEN format('{"crv":"%s","kty":"EC","x":"%s","y":"%s"}',
							  key ->> 'crv', key ->> 'x', key ->> 'y')
		WHEN 'OKP' THEN format('{"crv":"%s","kty":"OKP","x":"%s"}', key ->> 'crv',
							   key ->> 'x')
		WHEN 'RSA' THEN format('{"e":"%s","kty":"RSA","n":"%s"}', key ->> 'e',
							   key ->> 'n')
		WHEN 'oct' THEN format('{"k":"%s","kty":"oct"}', key ->> 'k')
		END, 'UTF8'), 'sha256')), kind || ': the hash of its required members')
FROM known;
SELECT is(jwk_thumbprint(key || '{"kid":"x","use":"sig","x-vendor":1}'),
		  jwk_thumbprint(key), kind || ': other members do not count')
FROM known;
SELECT is(jwk_thumbprint(test.public(key)), jwk_thumbprint(key),
		  kind || ': the same for the public half')
FROM known;
SELECT is(count(DISTINCT jwk_thumbprint(key)), count(*), 'the thumbprints of different keys differ') FROM known;

SELECT test.raises(format('SELECT jwk_thumbprint(%L)', jwk), state, what)
FROM (VALUES
	('22023', 'no object', jsonb '[]'), ('22023', 'no members', '{}'),
	('22023', 'null', 'null'),
	('22023', 'an unknown type', '{"kty":"XYZ","x":"AA"}'),
	('22023', 'a member missing', test.public(test.key('P-256')) - 'y'),
	('22023', 'a member that is no string', test.key('P-256') || '{"y":1}'),
	('22023', 'padding, which would change the hash', test.key('oct')
		|| jsonb_build_object('k', (test.key('oct') ->> 'k') || '==')),
	('22023', 'a set', jsonb_build_object('keys', jsonb_build_array(test.key('oct')))))
	AS v (state, what, jwk);

SELECT * FROM finish();
