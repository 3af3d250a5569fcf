-- Sets of keys (T02, T06, T07, F21, F22; RFC 7517 section 5): which member
-- verifies a token, which members are skipped, and which spoil the set.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 300 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

CREATE FUNCTION pg_temp.set_of(VARIADIC members jsonb[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS
$$ SELECT jsonb_build_object('keys', to_jsonb(members)) $$;
CREATE TEMP TABLE pair AS
SELECT name, key, jwk_public(key) AS public
FROM (SELECT name, jwk_generate(alg, kid) AS key
	  FROM (VALUES ('a', 'ES256', 'a'), ('b', 'ES256', 'b'), ('p384', 'ES384', 'p384'),
				   ('rsa', 'RS256', 'rsa'), ('ed', 'EdDSA', 'ed'),
				   ('anonymous', 'ES256', NULL), ('nameless', 'ES256', NULL),
				   ('nameless rsa', 'RS256', NULL)) AS v (name, alg, kid)) AS k;
CREATE FUNCTION pg_temp.private(wanted text) RETURNS jsonb
LANGUAGE sql STABLE AS $$ SELECT key FROM pair WHERE name = wanted $$;
CREATE FUNCTION pg_temp.public(wanted text) RETURNS jsonb
LANGUAGE sql STABLE AS $$ SELECT public FROM pair WHERE name = wanted $$;
-- A token signed by one key; "kid" as given, or none
CREATE FUNCTION pg_temp.signed(by_name text, kid text) RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_sign_with('{}', jsonb_strip_nulls(
		pg_temp.private(by_name) - 'kid' || jsonb_build_object('kid', kid))) $$;
CREATE FUNCTION pg_temp.members(VARIADIC names text[]) RETURNS jsonb
LANGUAGE sql STABLE AS
$$ SELECT jsonb_build_object('keys', jsonb_agg(pg_temp.public(name)))
   FROM unnest(names) AS name $$;

-- With kid: that key and no other
SELECT test.accepts(pg_temp.signed(name, name),
					pg_temp.members('a', 'b', 'p384', 'rsa', 'ed'),
					'kid ' || name || ' picks its key')
FROM unnest('{a,b,p384,rsa,ed}'::text[]) AS name;
SELECT test.refuses(pg_temp.signed(signer, kid),
					pg_temp.members('a', 'b', 'p384', 'rsa', 'ed'),
					format('signed by %s with the kid %s', signer, kid))
FROM unnest('{a,b,p384,rsa,ed}'::text[]) AS signer,
	 unnest('{a,b,p384,rsa,ed,unknown,A,"a "}'::text[]) AS kid
WHERE signer <> kid;
SELECT test.refuses(pg_temp.signed('a', 'a'), pg_temp.members(VARIADIC names),
					format('kid a, set of %s', names))
FROM (VALUES ('{b}'::text[]), ('{b,rsa,ed}'), ('{p384}')) AS v (names);

-- With kid: a key without one, if it is the only one of its kind
SELECT test.accepts(pg_temp.signed(signer, 'unknown'), pg_temp.members(VARIADIC names),
					format('a kid that no key has, signed by %s, set of %s', signer, names))
FROM (VALUES ('anonymous', '{anonymous}'::text[]), ('anonymous', '{rsa,anonymous,ed}'),
			 ('anonymous', '{nameless rsa,anonymous}'), ('nameless rsa', '{a,b,nameless rsa}'))
	AS v (signer, names);
SELECT test.refuses(pg_temp.signed(signer, 'unknown'), pg_temp.members(VARIADIC names),
					format('a kid that no key has, signed by %s, set of %s', signer, names))
FROM (VALUES ('anonymous', '{a,anonymous}'::text[]), ('anonymous', '{anonymous,rsa,b}'),
			 ('a', '{a,anonymous}'), ('a', '{anonymous}'), ('rsa', '{nameless rsa}'))
	AS v (signer, names);
SELECT test.refuses(pg_temp.signed(name, kid), pg_temp.members('anonymous', 'nameless'),
					format('kid %s, two fitting keys without kid: signed by %s',
						   quote_nullable(kid), name))
FROM unnest('{anonymous,nameless}'::text[]) AS name, unnest('{unknown,NULL}'::text[]) AS kid;
SELECT test.refuses(pg_temp.signed('anonymous', 'a'),
					pg_temp.members('a', 'anonymous'),
					'a kid that a key has never stands for another key');
SELECT test.refuses(pg_temp.signed('rsa', 'unknown'),
					pg_temp.members('rsa', 'anonymous'),
					'a kid that no key has never stands for a key with another kid');

-- Without kid: exactly one fitting key
SELECT test.accepts(pg_temp.signed(name, NULL), pg_temp.members(VARIADIC names),
					format('%s without kid, set of %s', name, names))
FROM (VALUES ('a', '{a}'::text[]), ('a', '{a,rsa,ed,p384}'),
			 ('rsa', '{a,b,rsa}'), ('ed', '{ed,a,rsa}'), ('p384', '{a,p384}'),
			 ('anonymous', '{anonymous}'), ('nameless rsa', '{a,b,nameless rsa}'))
	AS v (name, names);
SELECT test.refuses(pg_temp.signed(name, NULL), pg_temp.members(VARIADIC names),
					format('%s without kid, set of %s', name, names))
FROM (VALUES ('a', '{a,b}'::text[]), ('b', '{a,b,rsa}'), ('a', '{a,anonymous}'),
			 ('a', '{rsa,ed}'),
			 ('a', '{b}'), ('rsa', '{nameless rsa}')) AS v (name, names);

-- A single JWK
SELECT test.accepts(pg_temp.signed('a', 'a'), pg_temp.public('a'), 'a single key verifies a token with its kid');
SELECT test.accepts(pg_temp.signed('a', NULL), pg_temp.public('a'),
					'a single key verifies a token without kid');
SELECT test.accepts(pg_temp.signed('a', 'x'), pg_temp.public('a') - 'kid',
					'a single key without kid verifies a token with one');
SELECT test.refuses(pg_temp.signed('a', 'x'), pg_temp.public('a'),
					'a single key refuses a token with another kid');

-- Skipped: kinds and purposes that are not ours, wherever they stand
CREATE TEMP TABLE skipped (jwk jsonb);
INSERT INTO skipped
SELECT jsonb '{"kty":"XYZ","kid":"x","foo":1}'
UNION ALL SELECT '{"kty":"EC","crv":"P-192","kid":"x","x":"AA","y":"AA"}'
UNION ALL SELECT '{"kty":"EC","crv":"brainpoolP256r1","kid":"x","x":"AA","y":"AA"}'
UNION ALL SELECT '{"kty":"OKP","crv":"X25519","kid":"x","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
UNION ALL SELECT '{"kty":"OKP","crv":"X448","kid":"x","x":"AA"}'
UNION ALL SELECT '{"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"}'
UNION ALL SELECT '{"kty":"RSA","alg":"RSA1_5","kid":"x","n":"AQAB","e":"AQAB"}'
UNION ALL SELECT '{"kty":"EC","crv":"P-256","use":"enc","kid":"x","x":"AA","y":"AA"}'
UNION ALL SELECT test.public(test.key('RSA')) || '{"alg":"RSA-OAEP","kid":"x"}'
UNION ALL SELECT test.public(test.key('P-256')) || '{"alg":"ECDH-ES","kid":"x"}'
UNION ALL SELECT test.public(test.key('P-256')) || '{"use":"enc","kid":"x"}'
UNION ALL SELECT test.public(test.key('RSA')) || '{"use":"enc","kid":"x"}'
UNION ALL SELECT test.public(test.key('P-256')) || '{"use":"enc"}';
SELECT test.accepts(pg_temp.signed('a', 'a'),
					pg_temp.set_of(jwk, pg_temp.public('a'), pg_temp.public('b')),
					'skipped before the key: ' || left(jwk::text, 60))
FROM skipped;
SELECT test.accepts(pg_temp.signed('a', NULL),
					pg_temp.set_of(pg_temp.public('a'), jwk),
					'skipped behind the only key: ' || left(jwk::text, 60))
FROM skipped;
SELECT test.refuses_key(pg_temp.signed('a', 'a'), pg_temp.set_of(jwk),
						'nothing usable in the set: ' || left(jwk::text, 60))
FROM skipped;
SELECT test.refuses(jws_sign('{}', test.key('P-256', 'ES256') || '{"kid":"x"}'),
					pg_temp.set_of(pg_temp.public('a'), test.public(test.key('P-256'))
										|| '{"use":"enc","kid":"x"}'),
					'a key for encryption does not verify');
SELECT test.accepts(pg_temp.signed('a', 'a'),
					pg_temp.members('a') || '{"issuer":"x","cache":[1]}',
					'unknown members of the set are ignored');

-- Skipped, too: keys that somebody got wrong, or that are too weak (F21)
CREATE TEMP TABLE unusable (what text, jwk jsonb);
INSERT INTO unusable
SELECT what, jwk FROM (VALUES
	('a number', jsonb '1'), ('null', 'null'), ('a string', '"x"'),
	('an array', '[]'), ('no kty', '{}'), ('no kty, but a kid', '{"kid":"x"}'),
	('kty that is no string', '{"kty":1}'),
	('EC without coordinates', '{"kty":"EC","crv":"P-256","kid":"x"}'),
	('EC without curve', '{"kty":"EC","x":"AA","y":"AA","kid":"x"}'),
	('a point off the curve', test.public(test.key('P-256'))
		|| '{"kid":"x","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"}'),
	('stray bits in x', test.public(test.key('Ed25519'))
		|| '{"kid":"x","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"}'),
	('a small-order Ed25519 key', '{"kty":"OKP","crv":"Ed25519","kid":"x","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'),
	('RSA of 1024 bits', test.public(test.key('RSA')) || jsonb_build_object('kid', 'x',
		'n', left(test.key('RSA') ->> 'n', 168))),
	('RSA with the exponent 1', test.public(test.key('RSA')) || '{"kid":"x","e":"AQ"}'),
	('RSA without modulus', '{"kty":"RSA","e":"AQAB","kid":"x"}'),
	('alg of another type', test.public(test.key('P-256'))
		|| '{"kid":"x","alg":"RS256"}'),
	('alg HS256 on an RSA key', test.public(test.key('RSA'))
		|| '{"kid":"x","alg":"HS256"}'),
	('kid that is no string', test.public(test.key('P-256')) || '{"kid":1}'),
	('alg that is no string', test.public(test.key('P-256')) || '{"kid":"x","alg":1}'),
	('use that is no string', test.public(test.key('P-256')) || '{"kid":"x","use":["sig"]}'),
	('key_ops that is no array', test.public(test.key('P-256')) || '{"kid":"x","key_ops":"verify"}'),
	('kid that is null', test.public(test.key('P-256')) || '{"kid":null}'),
	('kid that is empty', test.public(test.key('P-256')) || '{"kid":""}'),
	('kid that is long', test.public(test.key('P-256')) || jsonb_build_object('kid', repeat('k', 256))),
	('a key that only signs', test.public(test.key('P-256')) || '{"kid":"x","key_ops":["sign"]}'),
	('the same operation twice', test.public(test.key('P-256')) || '{"kid":"x","key_ops":["verify","verify"]}'),
	('another kind with members p, q and d', '{"kty":"XX","kid":"x","p":"AA","q":1,"d":[]}'))
	AS v (what, jwk);
SELECT test.accepts(pg_temp.signed('a', 'a'),
					pg_temp.set_of(jwk, pg_temp.public('a')), 'first member: ' || what)
FROM unusable;
SELECT test.accepts(pg_temp.signed('a', 'a'),
					pg_temp.set_of(pg_temp.public('a'), pg_temp.public('rsa'), jwk),
					'last member: ' || what)
FROM unusable;
SELECT test.refuses_key(pg_temp.signed('a', 'a'), pg_temp.set_of(jwk), 'nothing else in the set: ' || what)
FROM unusable;
SELECT test.refuses_key(pg_temp.signed('a', 'a'), jwk, 'alone, not in a set: ' || what)
FROM unusable WHERE what <> 'a key that only signs';
SELECT test.refuses(pg_temp.signed('a', 'x'), pg_temp.set_of(pg_temp.public('a'), jwk),
					'its kid is that of no key: ' || what)
FROM unusable;

-- null stands for no member (F21)
SELECT test.accepts(pg_temp.signed('a', 'a'), pg_temp.public('a') || jsonb_build_object(member, NULL),
					'null is as nothing: ' || member)
FROM unnest('{use,alg,key_ops}'::text[]) AS member;
SELECT test.refuses_key(pg_temp.signed('a', 'a'), pg_temp.public('a') || '{"kid":null}', 'a kid of null is refused'),
	   test.refuses_key(pg_temp.signed('a', 'a'), pg_temp.public('a') || '{"key_ops":["verify","x","x"]}',
						'key_ops with another value twice are refused'),
	   test.refuses_key(pg_temp.signed('a', 'a'), pg_temp.public('a') || '{"key_ops":["verify","verify"]}',
						'key_ops with "verify" twice are refused');

-- kid and alg together name a key (F21): one kid may stand for several
CREATE TEMP TABLE shared AS
SELECT alg, jwk_generate(alg, 'shared') AS key FROM unnest('{RS256,RS384,PS256,ES256,EdDSA}'::text[]) AS alg;
SELECT test.accepts(jwt_sign_with('{}', key), (SELECT jsonb_build_object('keys', jsonb_agg(jwk_public(key))) FROM shared),
					'one kid, five algorithms: ' || alg)
FROM shared;
SELECT test.refuses(jwt_sign_with('{}', signer.key || jsonb_build_object('alg', 'RS512')),
					(SELECT jsonb_build_object('keys', jsonb_agg(jwk_public(key))) FROM shared),
					'a kid, but none of its algorithms: ' || signer.alg)
FROM shared AS signer WHERE alg IN ('RS256', 'RS384', 'PS256');
SELECT test.refuses(jwt_sign_with('{}', signer.key || jsonb_build_object('alg', claimed.alg)),
					(SELECT jsonb_build_object('keys', jsonb_agg(jwk_public(key))) FROM shared),
					format('a key of %s signs as that of %s', signer.alg, claimed.alg))
FROM shared AS signer, shared AS claimed
WHERE signer.alg <> claimed.alg AND signer.alg ~ '^[RP]S' AND claimed.alg ~ '^[RP]S';

-- Refused: sets whose keys could be mistaken for one another (T02, T07)
SELECT test.refuses_key(pg_temp.signed('a', 'a'), pg_temp.set_of(VARIADIC members), what)
FROM (SELECT jwk_public(jwk_generate('ES256', 'a')) AS twin, test.public(test.key('P-256')) AS ec,
			 test.public(test.key('RSA')) AS rsa, pg_temp.public('a') AS a, test.key('oct', 'HS256') AS secret) AS k,
	 LATERAL (VALUES
	('the same kid and alg twice', ARRAY[a, twin]), ('the same key twice', ARRAY[a, a]),
	('the same kid, the second without alg', ARRAY[a, ec || '{"kid":"a"}']),
	('the same kid, the first without alg', ARRAY[ec || '{"kid":"a"}', a]),
	('the same kid, neither with alg', ARRAY[a, ec || '{"kid":"x"}', rsa || '{"kid":"x"}']),
	('a secret last', ARRAY[a, secret || '{"kid":"x"}']), ('a secret first', ARRAY[secret || '{"kid":"x"}', a]),
	('a secret without alg', ARRAY[a, test.key('oct')]), ('a secret with a null alg', ARRAY[a, test.key('oct') || '{"alg":null}']),
	('a secret that is too short', ARRAY[a, secret || '{"k":"AAAA"}']),
	('a secret of a wrong alg', ARRAY[secret || '{"alg":"ES256"}', a])) AS v (what, members);
SELECT test.refuses_key(pg_temp.signed('a', 'a'), value, 'not a set: ' || value::text)
FROM (VALUES (jsonb '{"keys":[]}'), ('{"keys":null}'), ('{"keys":1}'), ('{"keys":"x"}'),
			 ('{"keys":{}}'), ('{"keys":[null]}'), ('{"keys":[[]]}'), ('{"Keys":[]}'),
			 ('[]')) AS v (value);
SELECT test.refuses_key(pg_temp.signed('a', 'a'),
						jsonb_build_array(pg_temp.public('a')), 'a bare array is refused');
SELECT test.refuses_key(pg_temp.signed('a', 'a'),
						pg_temp.set_of(pg_temp.set_of(pg_temp.public('a'))),
						'a set within a set is refused');

-- Sets of HMAC keys alone. The second member is RFC 7517 A.3's, and skipped.
SELECT test.accepts(test.hs256('{"alg":"HS256","kid":"x"}', '{}'),
					pg_temp.set_of(test.key('oct') || '{"kid":"x"}',
								   '{"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"}'),
					'an HMAC key beside one for wrapping verifies');
SELECT test.accepts(test.hs256('{"alg":"HS256","kid":"x"}', '{}'),
					pg_temp.set_of(test.key('oct', 'HS256') || '{"kid":"x"}',
								   jwk_generate('HS256', 'y')),
					'a set of HMAC keys verifies');
SELECT test.refuses(test.hs256('{"alg":"HS256","kid":"y"}', '{}'),
					pg_temp.set_of(test.key('oct', 'HS256') || '{"kid":"x"}',
								   jwk_generate('HS256', 'y')),
					'a token with the kid of the other HMAC key is refused');
SELECT test.refuses(test.hs256('{"alg":"HS256","kid":"z"}', '{}'),
					pg_temp.set_of(test.key('oct', 'HS256') || '{"kid":"x"}',
								   jwk_generate('HS256', 'y')),
					'a token with an unknown kid is not tried with an HMAC key');
SELECT test.refuses(test.hs256('{"alg":"HS256"}', '{}'),
					pg_temp.set_of(test.key('oct', 'HS256') || '{"kid":"x"}',
								   jwk_generate('HS256', 'y')),
					'a token without kid is refused by a set of two HMAC keys');

-- The same rules for jws_verify
SELECT is(jws_verify(jws_sign('x', pg_temp.private('b')), pg_temp.members('a', 'b')),
		  'x', 'jws_verify picks the key by kid');
SELECT test.refuses_jws(jws_sign('x', pg_temp.private('b') || '{"kid":"a"}'),
						pg_temp.members('a', 'b'), 'jws_verify refuses the kid of another key');
SELECT test.refuses_jws(jws_sign('x', pg_temp.private('b') - 'kid'),
						pg_temp.members('a', 'b'), 'jws_verify refuses a token without kid where two keys fit');

-- A set has its limits
SELECT test.refuses_key(pg_temp.signed('a', 'a'), jsonb_build_object('keys', jsonb_agg(
						test.public(test.key('P-256')) || jsonb_build_object('kid', 'k' || n))),
						'a set of ' || count(*) || ' keys')
FROM generate_series(1, 101) AS n;
SELECT test.refuses_key(pg_temp.signed('a', 'a'),
						pg_temp.members('a') || jsonb_build_object('x', repeat('x', 300000)),
						'a set of 300 kB is refused');

-- One set verifies each of a hundred keys' tokens
SELECT is(count(*)::integer, 100, 'a set of a hundred keys is accepted')
FROM (SELECT jsonb_build_object('keys', jsonb_agg(jwk_public(key))) AS keys,
			 array_agg(key) AS private
	  FROM (SELECT jwk_generate('ES256', 'k' || n) AS key
			FROM generate_series(1, 100) AS n) AS k) AS v,
	 unnest(private) AS key
WHERE jwt_verify_with(jwt_sign_with('{"a":1}', key), keys) = '{"a":1}';

SELECT * FROM finish();
