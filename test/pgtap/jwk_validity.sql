-- Keys that must not be used (T11, T12, T20; RFC 7517 section 4, RFC 7518
-- section 6, RFC 8037 section 2): weak, malformed, inconsistent, or meant for
-- something else. Each is the caller's error, 22023.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 1033 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

CREATE TEMP TABLE good AS
SELECT kind, alg, test.key(kind) AS key, test.public(test.key(kind)) AS verifier,
	   jws_sign('{}', test.key(kind, alg)) AS token
FROM (VALUES ('oct', 'HS256'), ('RSA', 'RS256'), ('P-256', 'ES256'),
			 ('P-521', 'ES512'), ('Ed25519', 'EdDSA')) AS v (kind, alg);
SELECT test.accepts(token, verifier, kind || ': the valid key verifies') FROM good;
SELECT test.accepts(token, verifier || '{"x-vendor":{"a":[1]},"exp":0,"iat":"x"}',
					kind || ': unknown members are ignored')
FROM good;
SELECT test.accepts(token, verifier || jsonb_build_object('alg', alg, 'use', 'sig',
														  'key_ops', key_ops),
					format('%s: alg, use and key_ops %s agree', kind, key_ops))
FROM good, (VALUES (jsonb '["verify"]'), ('["sign","verify"]'),
				   ('["verify","encrypt"]')) AS v (key_ops);

-- Members of any type of key: unusable for verifying
CREATE TEMP TABLE spoilt (member text, value jsonb);
INSERT INTO spoilt VALUES
	('kty', 'null'), ('kty', '""'), ('kty', '1'), ('kty', '"dsa"'),
	('kty', '["EC"]'), ('kty', '"EC "'), ('kty', '"ec"'), ('kty', '"rsa"'),
	('kty', '"OCT"'), ('kty', '"okp"'),
	('alg', '"none"'), ('alg', '""'), ('alg', '1'), ('alg', '["HS256"]'),
	('alg', '{}'), ('alg', '"RSA-OAEP"'), ('alg', '"ECDH-ES"'), ('alg', '"dir"'),
	('alg', '"A256GCM"'), ('alg', '"hs256"'), ('alg', '"es256"'),
	('alg', '"eddsa"'), ('alg', '"ES256\u200b"'),
	('use', '"enc"'), ('use', '"SIG"'), ('use', '""'), ('use', '1'),
	('use', '["sig"]'),
	('key_ops', '["encrypt"]'), ('key_ops', '["deriveKey","wrapKey"]'),
	('key_ops', '[]'), ('key_ops', '"verify"'), ('key_ops', '{"verify":1}'),
	('key_ops', '1'), ('key_ops', '["Verify"]'), ('key_ops', '[["verify"]]'),
	('key_ops', '["sign"]'),
	('kid', '1'), ('kid', '["k"]'), ('kid', '{}'), ('kid', 'true');
SELECT test.refuses_key(token, verifier || jsonb_build_object(member, value),
						format('%s with %s %s', kind, member, value))
FROM good, spoilt;
SELECT test.refuses_key(token, verifier - 'kty', kind || ' without kty')
FROM good;
SELECT test.refuses_key(token, verifier - member, format('%s without %s', kind, member))
FROM good, unnest('{k,n,e,crv,x,y}'::text[]) AS member
WHERE verifier ? member;
SELECT test.refuses_key(token, verifier || jsonb_build_object(member, value),
						format('%s with %s %s', kind, member, value))
FROM good, unnest('{k,n,e,crv,x,y}'::text[]) AS member,
	 (VALUES (jsonb 'null'), ('""'), ('1'), ('[]'), ('{}'), ('"="'), ('"A"'),
			 ('"+/+/"'), ('"AQ=="'), ('" AQAB"'), ('"AR"'), ('"\u00e9"')) AS v (value)
WHERE verifier ? member;

-- alg that another type, curve or length needs
SELECT test.refuses_key(token, verifier || jsonb_build_object('alg', other),
						format('%s marked %s', kind, other))
FROM good,
	 unnest('{HS256,RS256,PS384,ES256,ES384,ES512,ES256K,EdDSA,Ed25519,Ed448,
			  ML-DSA-44}'::text[]) AS other
WHERE other <> alg
  AND NOT (kind = 'RSA' AND other IN ('RS256', 'PS384'))
  AND NOT (kind = 'Ed25519' AND other = 'Ed25519');

-- Not a key at all
SELECT test.refuses_key(token, value, kind || ' token against ' || value::text)
FROM good, (VALUES (jsonb 'null'), ('1'), ('"secret"'), ('true'), ('[]'), ('{}'),
				   ('[{"kty":"oct"}]'), ('{"kid":"k1"}'),
				   ('{"k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}'))
	AS v (value);
SELECT test.raises(format('SELECT jwt_verify_with(%L, %L)', token, 'secret'),
				   '22P02', 'keys that are no JSON: ' || kind)
FROM good;

-- HMAC secrets (RFC 7518 section 3.2): at least as long as the hash
SELECT test.refuses_key(test.token('{}'), jsonb_build_object('kty', 'oct', 'alg', alg,
						'k', test.base64url(decode(repeat('5a', size), 'hex'))),
						format('a secret of %s octets marked %s', size, alg))
FROM (VALUES ('HS256', 0), ('HS256', 1), ('HS256', 16), ('HS256', 31),
			 ('HS384', 32), ('HS384', 47), ('HS512', 32), ('HS512', 63))
	AS v (alg, size);
SELECT test.refuses_key(test.token('{}'), jsonb_build_object('kty', 'oct',
						'k', test.base64url(decode(repeat('5a', size), 'hex'))),
						format('a secret of %s octets without alg', size))
FROM unnest('{0,1,8,16,24,31}'::integer[]) AS size;
SELECT test.raises(format('SELECT jwk_from_secret(%L, %L)',
						  decode(repeat('5a', size), 'hex'), alg), state,
				   format('jwk_from_secret: %s octets for %s', size, alg))
FROM (VALUES ('HS256', 0, '22023'), ('HS256', 31, '22023'), ('HS256', 32, NULL),
			 ('HS384', 47, '22023'), ('HS384', 48, NULL), ('HS512', 63, '22023'),
			 ('HS512', 64, NULL), ('HS512', 500, NULL), ('RS256', 64, '22023'),
			 ('ES256', 64, '22023'), ('EdDSA', 32, '22023'), ('none', 64, '22023'),
			 ('', 64, '22023'), ('hs256', 64, '22023'), ('A128KW', 64, '22023'))
	AS v (alg, size, state);
SELECT is(jwk_from_secret('\x00fbff' || decode(repeat('5a', 29), 'hex')) ->> 'k',
		  test.base64url('\x00fbff' || decode(repeat('5a', 29), 'hex')),
		  'jwk_from_secret keeps the octets');

-- RSA (RFC 7518 section 3.3): from 2048 bits, with a sound exponent
CREATE TEMP TABLE modulus AS
SELECT test.from_base64url(verifier ->> 'n') AS n, token, verifier
FROM good WHERE kind = 'RSA';
SELECT test.refuses_key(token, verifier || jsonb_build_object('n',
						test.base64url(set_byte(substr(n, 1, bits / 8), bits / 8 - 1, 161))),
						format('RSA of %s bits', bits))
FROM modulus, unnest('{8,64,512,768,1024,1536,2040}'::integer[]) AS bits;
SELECT test.refuses_key(token, verifier || jsonb_build_object('n', test.base64url(
						set_byte(set_byte(n, 0, 127), 255, 161))),
						'RSA of 2047 bits is refused')
FROM modulus;
SELECT test.refuses_key(token, verifier || jsonb_build_object('n', test.base64url(
						test.zeros(128) || substr(n, 129))),
						'RSA of 1024 bits with zero octets in front is refused')
FROM modulus;
SELECT test.refuses_key(token, verifier || jsonb_build_object('n', test.base64url(
						set_byte(n, 255, 160))), 'RSA with an even modulus is refused')
FROM modulus;
SELECT test.refuses_key(token, verifier || jsonb_build_object('e', e),
						'RSA with the exponent ' || what)
FROM modulus, (VALUES ('0', 'AA'), ('1', 'AQ'), ('2', 'Ag'), ('65536', 'AQAA'),
					  ('65538', 'AQAC'), ('1 behind zero octets', 'AAAAAQ'))
	AS v (what, e);
SELECT test.refuses_key(token, verifier || jsonb_build_object('e', verifier ->> 'n'),
						'RSA with the modulus as exponent is refused')
FROM modulus;
SELECT test.refuses_key(token, verifier || jsonb_build_object('n',
						test.base64url(decode(repeat('ff', 8192), 'hex'))),
						'RSA of 65536 bits, whose use costs too much, is refused')
FROM modulus;

-- EC (RFC 7518 section 6.2): the named curve, full-length coordinates, a point
-- on the curve
CREATE TEMP TABLE point AS
SELECT kind, token, verifier, test.from_base64url(verifier ->> 'x') AS x,
	   test.from_base64url(verifier ->> 'y') AS y
FROM good WHERE verifier ->> 'kty' = 'EC';
SELECT test.refuses_key(token, verifier || jsonb_build_object('crv', crv),
						format('%s as %s', kind, crv))
FROM point,
	 unnest('{P-256,P-384,P-521,secp256k1,P-192,P-224,p-256,secp256r1,prime256v1,
			  brainpoolP256r1,Ed25519,X25519,SM2,""}'::text[]) AS crv
WHERE crv <> kind;
SELECT test.refuses_key(token, verifier || jsonb_build_object(
						'x', test.base64url(new_x), 'y', test.base64url(new_y)),
						format('%s: %s', kind, what))
FROM point, LATERAL (VALUES
	('y changed in its last bit', x, set_bit(y, 8 * length(y) - 8, 1 - get_bit(y, 8 * length(y) - 8))),
	('x changed in its last bit', set_bit(x, 8 * length(x) - 8, 1 - get_bit(x, 8 * length(x) - 8)), y),
	('the coordinates exchanged', y, x),
	('y equal to x', x, x),
	('both zero', test.zeros(length(x)), test.zeros(length(x))),
	('x zero', test.zeros(length(x)), y),
	('y zero', x, test.zeros(length(x))),
	('x too short', substr(x, 2), y),
	('y too short', x, substr(y, 2)),
	('x with an octet in front', '\x00' || x, y),
	('y with an octet in front', x, '\x00' || y),
	('x with an octet behind', x || '\x00', y),
	('an uncompressed point as x', '\x04' || x || y, y),
	('a compressed point as x', '\x03' || x, y),
	('all bits set', decode(repeat('ff', length(x)), 'hex'),
	 decode(repeat('ff', length(x)), 'hex'))) AS v (what, new_x, new_y);
-- x and x + p are the same number modulo p; the second is no coordinate. The
-- point (5, y) of P-256 leaves room for it.
SELECT test.refuses_key(token, verifier || jsonb_build_object('x',
						test.base64url('\xffffffff00000001000000000000000000000001000000000000000000000004')),
						'P-256 with x = 5 + p is refused')
FROM point WHERE kind = 'P-256';
SELECT test.refuses_key(token, test.public(jwk_generate('ES256K'))
						|| '{"crv":"P-256","alg":"ES256"}',
						'a point of secp256k1 is refused as P-256')
FROM point WHERE kind = 'P-256';
SELECT test.refuses_key(token, verifier || '{"crv":"secp256k1"}',
						'a point of P-256 is refused as secp256k1')
FROM point WHERE kind = 'P-256';

-- Ed25519 and Ed448 (RFC 8037, RFC 8032): length, canonical, on the curve, and
-- of no small order. The token is one that such keys accept where nobody looks.
CREATE TEMP TABLE weak AS
SELECT test.base64url_text('{"alg":"EdDSA"}') || '.e30.'
	   || test.base64url('\x01' || test.zeros(63)) AS ed25519,
	   test.base64url_text('{"alg":"EdDSA"}') || '.e30.'
	   || test.base64url('\x01' || test.zeros(113)) AS ed448;
SELECT test.refuses_key(ed25519, jsonb_build_object('kty', 'OKP', 'crv', 'Ed25519',
						'x', test.base64url(x)), 'Ed25519: ' || what)
FROM weak, (VALUES
	('the identity', bytea '\x0100000000000000000000000000000000000000000000000000000000000000'),
	('the identity with a sign', '\x0100000000000000000000000000000000000000000000000000000000000080'),
	('order 2', '\xecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
	('order 2 with a sign', '\xecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'),
	('order 4', '\x0000000000000000000000000000000000000000000000000000000000000000'),
	('order 4, the other one', '\x0000000000000000000000000000000000000000000000000000000000000080'),
	('order 8, the first', '\xc7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'),
	('order 8, the second', '\xc7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'),
	('order 8, the third', '\x26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
	('order 8, the fourth', '\x26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'),
	('y = p', '\xedffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
	('y = p with a sign', '\xedffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'),
	('y = p + 1', '\xeeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
	('y = p + 1 with a sign', '\xeeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'),
	('y = p + 3', '\xf0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
	('not on the curve', '\x0200000000000000000000000000000000000000000000000000000000000000'),
	('all bits set', '\xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'),
	('empty', ''), ('one octet', '\x01'), ('31 octets', test.zeros(31)),
	('33 octets', '\x01' || test.zeros(32)), ('57 octets', test.zeros(57)))
	AS v (what, x);
SELECT test.refuses_key(ed448, jsonb_build_object('kty', 'OKP', 'crv', 'Ed448',
						'x', test.base64url(x)), 'Ed448: ' || what)
FROM weak, (VALUES
	('the identity', '\x01' || test.zeros(56)),
	('the identity with a sign', '\x01' || test.zeros(55) || '\x80'),
	('order 2', '\xfefffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffff00'),
	('order 4', test.zeros(57)),
	('order 4, the other one', test.zeros(56) || '\x80'),
	('y = p', '\xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffffffffffffffffffff00'),
	('y = p + 1', '\x00000000000000000000000000000000000000000000000000000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffff00'),
	('y = p + 3', '\x02000000000000000000000000000000000000000000000000000000ffffffffffffffffffffffffffffffffffffffffffffffffffffffff00'),
	('a bit beside the sign', '\x01' || test.zeros(55) || '\x01'),
	('56 octets', test.zeros(56)), ('58 octets', '\x01' || test.zeros(57)),
	('32 octets', '\x01' || test.zeros(31))) AS v (what, x);
SELECT test.refuses_key(token, verifier || jsonb_build_object('crv', crv),
						'Ed25519 as ' || crv)
FROM good, unnest('{Ed448,X25519,X448,ed25519,P-256,""}'::text[]) AS crv
WHERE kind = 'Ed25519';

-- ML-DSA (RFC 9964): keys of another length, or no such algorithm here
SELECT test.refuses_key(test.base64url_text('{"alg":"ML-DSA-44"}') || '.e30.AA',
						jwk, 'AKP: ' || jwk::text)
FROM (VALUES (jsonb '{"kty":"AKP"}'), ('{"kty":"AKP","alg":"ML-DSA-44"}'),
			 ('{"kty":"AKP","alg":"ML-DSA-44","pub":""}'),
			 ('{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}'),
			 ('{"kty":"AKP","alg":"ML-DSA-44","pub":1}'),
			 ('{"kty":"AKP","alg":"ES256","pub":"AAAA"}')) AS v (jwk);

-- Keys that must not sign. A public key can't.
SELECT test.refuses_signing_key(verifier || jsonb_build_object('alg', alg),
								kind || ': the public key does not sign')
FROM good WHERE kind <> 'oct';
SELECT lives_ok(format('SELECT jwt_sign_with(''{}'', %L)',
					   test.key(kind, alg)
					   || '{"use":"sig","key_ops":["sign"]}'),
				kind || ': a key with use "sig" and key_ops "sign" signs')
FROM good;
SELECT test.refuses_signing_key(test.key(kind, alg) || jsonb_build_object(member, value),
								format('%s with %s %s does not sign', kind, member, value))
FROM good, (SELECT * FROM spoilt WHERE NOT (member = 'key_ops' AND value = '["sign"]')
			UNION ALL VALUES ('key_ops', jsonb '["verify"]'))
	AS v (member, value);
SELECT test.refuses_signing_key(test.key(kind, alg) || jsonb_build_object('d', value),
								format('%s with d %s', kind, value))
FROM good, (VALUES (jsonb 'null'), ('""'), ('1'), ('[]'), ('"A"'), ('"AQ=="'),
				   ('"+/+/"'), ('"AA"'), ('"AQ"')) AS v (value)
WHERE kind <> 'oct';
SELECT test.refuses_signing_key(test.key(kind, alg) || jsonb_build_object('d',
								test.base64url(changed)),
								format('%s: d %s', kind, what))
FROM good,
	 LATERAL (SELECT test.from_base64url(test.key(kind) ->> 'd')) AS o (d),
	 LATERAL (VALUES
		('of another key', set_byte(d, 17, 255 - get_byte(d, 17))),
		('zero', test.zeros(length(d))),
		('all bits set', decode(repeat('ff', length(d)), 'hex'))) AS v (what, changed)
WHERE kind <> 'oct';
SELECT test.refuses_signing_key(test.key(kind, alg) || jsonb_build_object('d',
								test.base64url(changed)),
								format('%s: d %s', kind, what))
FROM good,
	 LATERAL (SELECT test.from_base64url(test.key(kind) ->> 'd')) AS o (d),
	 LATERAL (VALUES
		('too short', substr(d, 2)),
		('with an octet in front', '\x00' || d),
		('with an octet behind', d || '\x00')) AS v (what, changed)
WHERE kind NOT IN ('oct', 'RSA');
SELECT test.refuses_signing_key(test.key('P-256', 'ES256') || jsonb_build_object('d',
								test.base64url(d)), 'P-256: d ' || what)
FROM (VALUES
	('is the order', bytea '\xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
	('is above the order', '\xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552'))
	AS v (what, d);
SELECT test.refuses_signing_key(test.key(kind, alg)
								|| (test.public(jwk_generate(alg)) - 'alg'),
								kind || ': the public half of another key')
FROM good WHERE kind <> 'oct';
-- RSA's further private members: all of them or none, and right
SELECT test.refuses_signing_key(test.key('RSA', 'RS256') - member,
								'RSA: without ' || member || ', the others given')
FROM unnest('{p,q,dp,dq,qi}'::text[]) AS member;
SELECT test.refuses_signing_key(test.key('RSA', 'RS256') || jsonb_build_object(member,
								test.base64url(set_byte(octets, 60, 255 - get_byte(octets, 60)))),
								'RSA: another ' || member)
FROM unnest('{p,q,dp,dq,qi}'::text[]) AS member,
	 LATERAL (SELECT test.from_base64url(test.key('RSA') ->> member)) AS v (octets);
SELECT test.refuses_signing_key(test.key('RSA', 'RS256') || jsonb_build_object(member, value),
								format('RSA: %s %s', member, value))
FROM unnest('{p,q,dp,dq,qi}'::text[]) AS member,
	 (VALUES (jsonb 'null'), ('1'), ('""'), ('"A"'), ('"AA"'), ('"AQ=="')) AS v (value);
SELECT test.refuses_signing_key(test.key('RSA', 'RS256')
								|| '{"oth":[{"r":"AQAB","d":"AQAB","t":"AQAB"}]}',
								'RSA of more than two primes is refused');
SELECT test.refuses_signing_key(test.key('RSA', 'RS256') || '{"p":"AQ"}'
								|| jsonb_build_object('q', test.key('RSA') ->> 'n'),
								'RSA with the modulus as prime is refused');
SELECT test.refuses_signing_key(jsonb_build_object('keys',
								jsonb_build_array(test.key('oct', 'HS256'))),
								'a set does not sign');
SELECT test.refuses_signing_key(value, 'not a key: ' || value::text)
FROM (VALUES (jsonb 'null'), ('1'), ('"secret"'), ('[]'), ('{}')) AS v (value);

-- The tools check as strictly as the verifier
SELECT test.raises(format('SELECT %I(%L)', tool, jwk), '22023',
				   format('%s: %s', tool, left(jwk::text, 60)))
FROM unnest('{jwk_public,jwk_thumbprint,jwk_to_pem}'::text[]) AS tool,
	 (VALUES (jsonb 'null'), ('[]'), ('{}'), ('"x"'), ('{"kty":"XX"}'), ('{"kty":"EC"}'),
			 ('{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}'),
			 ('{"kty":"RSA","n":"AQAB","e":"AQAB"}'),
			 ('{"kty":"OKP","crv":"Ed25519","x":"AA"}'),
			 ('{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'),
			 (jsonb_build_object('keys', jsonb_build_array(test.public(test.key('P-256'))))))
	AS v (jwk);
SELECT is(jwk_public(key || '{"kid":"k1","use":"sig"}'),
		  verifier || '{"kid":"k1","use":"sig"}',
		  kind || ': jwk_public takes the private members away')
FROM good WHERE kind <> 'oct';
SELECT is(jwk_public(verifier), verifier, kind || ': jwk_public returns a public key as it is')
FROM good WHERE kind <> 'oct';
SELECT test.raises(format('SELECT jwk_public(%L)', test.key('oct')), '22023',
				   'jwk_public refuses an HMAC key');
SELECT ok(NOT jwk_generate(alg) ? 'kid', alg || ': no kid unless one is given')
FROM unnest('{HS256,RS256,ES256,EdDSA}'::text[]) AS alg;
SELECT is(jwk_generate(alg, 'k1') ->> 'kid', 'k1', alg || ': the kid given')
FROM unnest('{HS256,RS256,ES256,EdDSA}'::text[]) AS alg;
SELECT test.raises(format('SELECT %s', call), '22023', 'kid of wrong length: ' || left(call, 40))
FROM (SELECT format(form, kid) AS call
	  FROM unnest(ARRAY['', repeat('k', 256), repeat('k', 100000)]) AS kid,
		   unnest(ARRAY['jwk_generate(''ES256'', %L)',
						'jwk_from_secret(decode(repeat(''5a'', 64), ''hex''), ''HS256'', %L)',
						'jwk_from_pem(jwk_to_pem(jwk_generate(''ES256'')), ''ES256'', %L)']) AS form)
	AS v;
SELECT test.raises('SELECT jwk_from_secret(decode(repeat(''5a'', 8193), ''hex''))', '22023',
				   'a secret of more than 8192 octets is refused');
SELECT is(jwk_public(key || '{"key_ops":["sign"]}') -> 'key_ops', '["verify"]',
		  kind || ': the public half of a key for signing verifies')
FROM good WHERE kind <> 'oct';
SELECT isnt(jwk_generate(alg) - 'alg', jwk_generate(alg) - 'alg',
			alg || ': each key is new')
FROM unnest('{HS256,HS384,HS512,RS256,PS256,ES256,ES384,ES512,ES256K,EdDSA,
			  Ed25519,Ed448}'::text[]) AS alg;
SELECT is(length(test.from_base64url(jwk_generate(alg) ->> 'k')), size,
		  alg || ': the secret is as long as the hash')
FROM (VALUES ('HS256', 32), ('HS384', 48), ('HS512', 64)) AS v (alg, size);

SELECT * FROM finish();
