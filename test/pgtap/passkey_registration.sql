-- What an authenticator may say of a new passkey: CBOR, authenticator data, keys
-- and client data, byte by byte (T148, T149, T152, T153, T154).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/passkeys.psql
-- At least 187 assertions
SELECT no_plan();

SELECT is(test.registration_error(test.registered(test.attestation(test.authenticator()))), NULL, 'a passkey of the test''s authenticator registers');
SELECT is(jwt_webauthn_verify_with(test.registered(test.attestation(test.authenticator())), NULL, test.expected(test.challenge())),
		  '{"verified":true,"id":"AQIDBAUGBwg","origin":"https://example.org","counter":7,"aaguid":"00112233-4455-6677-8899-aabbccddeeff","attestation_format":"none",
			"user_present":true,"user_verified":true,"backup_eligible":false,"backed_up":false}'::jsonb
		  || jsonb_build_object('public_key', test.public(test.key('P-256', 'ES256'))), 'a registration returns what the authenticator reported');

-- Every bit and every end of an attestation object: refused, or another answer
CREATE TABLE pg_temp.good AS SELECT test.attestation(test.authenticator()) AS bytes;
CREATE FUNCTION pg_temp.answer(attestation bytea) RETURNS text
LANGUAGE plpgsql AS
$$
BEGIN
	RETURN public.jwt_webauthn_verify_with(test.registered(attestation), NULL, test.expected(test.challenge()));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(count(*) FILTER (WHERE answer NOT LIKE '{%' AND answer <> '28J00'), 0::bigint, 'an attestation with a flipped bit is refused with 28J00 or accepted')
FROM pg_temp.good, LATERAL generate_series(0, length(bytes) * 8 - 1) AS turned, LATERAL pg_temp.answer(set_bit(bytes, turned, 1 - get_bit(bytes, turned))) AS answer;
SELECT is(count(*) FILTER (WHERE answer = pg_temp.answer(bytes)), 0::bigint, 'a flipped bit changes the answer, except in the two reserved flags')
FROM pg_temp.good, LATERAL (SELECT position(public.digest('example.org', 'sha256') IN bytes) - 1 + 32) AS f (flags),
	 LATERAL generate_series(0, length(bytes) * 8 - 1) AS turned, LATERAL pg_temp.answer(set_bit(bytes, turned, 1 - get_bit(bytes, turned))) AS answer
WHERE turned NOT IN (flags * 8 + 1, flags * 8 + 5);
SELECT is(count(*) FILTER (WHERE pg_temp.answer(substr(bytes, 1, cut)) <> '28J00'), 0::bigint, 'a truncated attestation is refused')
FROM pg_temp.good, LATERAL generate_series(0, length(bytes) - 1) AS cut;

-- Attestation objects
CREATE FUNCTION pg_temp.refuses(what text, attestation bytea, reason text) RETURNS text
LANGUAGE sql AS
$$ SELECT is(test.registration_error(test.registered(attestation)), '28J00 invalid passkey: ' || reason, 'refused: ' || what) $$;
CREATE FUNCTION pg_temp.accepts(what text, attestation bytea) RETURNS text
LANGUAGE sql AS
$$ SELECT is(test.registration_error(test.registered(attestation)), NULL, 'accepted: ' || what) $$;
CREATE FUNCTION pg_temp.nested(depth integer) RETURNS bytea
LANGUAGE sql AS
$$ SELECT decode('a16161' || repeat('81', depth - 2) || '80', 'hex') $$;

SELECT pg_temp.accepts(what, test.attestation(test.authenticator(), format, statement))
FROM (VALUES ('a statement of a format that nobody knows', 'made-up', bytea '\xa1616101'), ('a forged statement', 'packed', '\xa263616c67266373696743414141'::bytea),
	('false, true and null', 'x', '\xa3616af4616bf5616cf6'), ('6 levels', 'x', pg_temp.nested(6)), ('a name of 32 characters', repeat('a', 32), '\xa0'),
	('integers of every size', 'x', bytea '\xa16161851818190100390100' || '\x1a00010000' || '\x1b0000000100000000'::bytea)) AS v (what, format, statement);
SELECT pg_temp.refuses('a statement: ' || what, test.attestation(test.authenticator(), 'x', statement), 'the attestation object is malformed')
FROM (VALUES ('7 levels', pg_temp.nested(7)), ('60000 levels', decode('a16161' || repeat('81', 49000) || '80', 'hex')), ('no map', '\x80'), ('null', '\xf6'), ('nothing', ''),
	('a map without end', '\xbfff'::bytea), ('an array without end', '\xa161619fff'), ('a string without end', '\xa161615f4100ff'), ('text without end', '\xa161617f6161ff'),
	('a tag', '\xa16161c001'), ('a date', '\xa16161c11a514b67b0'), ('a half', '\xa16161f93c00'), ('a float', '\xa16161fa3f800000'), ('a double', '\xa16161fb3ff0000000000000'),
	('undefined', '\xa16161f7'), ('a simple value of its own', '\xa16161e0'), ('a simple value in two bytes', '\xa16161f8ff'), ('a break', '\xa16161ff'),
	('a reserved head', '\xa161611c'), ('another reserved head', '\xa161611f'), ('text that is no UTF-8', '\xa1616161ff'), ('text with a surrogate', '\xa1616163eda080'),
	('a long head for 1', '\xa161611801'), ('a longer head for 1', '\xa16161190001'), ('the longest head for 1', '\xa161611b0000000000000001'), ('a long head for 256', '\xa161611a00000100'),
	('a long head for a length', '\xa16161580141'), ('a long head for a map', '\xb801616101'),
	('2^63 bytes', '\xa161615b8000000000000000'), ('2^64 - 1 bytes', '\xa161615bffffffffffffffff'), ('2^63 elements', '\xa161619b8000000000000000'), ('2^63 pairs', '\xbb8000000000000000'),
	('2^32 - 1 pairs', '\xbaffffffff'), ('2^31 bytes of text', '\xa161617a80000000')) AS v (what, statement);
SELECT pg_temp.refuses('an attestation object: ' || what, object, 'the attestation object is malformed')
FROM test.cbor('fmt'::text) AS fmt, test.cbor('none'::text) AS none, test.cbor('attStmt'::text) AS stmt, test.cbor('authData'::text) AS data, test.cbor(test.authenticator()) AS said,
	 LATERAL (VALUES ('no map', '\x83' || none || '\xa0' || said), ('no statement', '\xa2' || fmt || none || data || said), ('no format', '\xa2' || stmt || '\xa0' || data || said),
	('no data', '\xa2' || fmt || none || stmt || '\xa0'), ('the format twice', '\xa3' || fmt || none || fmt || none || data || said),
	('the data twice', '\xa3' || data || said || fmt || none || data || said), ('the statement twice', '\xa3' || stmt || '\xa0' || stmt || '\xa0' || data || said),
	('a fourth member', '\xa4' || fmt || none || stmt || '\xa0' || data || said || '\x616101'), ('another member', '\xa3' || fmt || none || stmt || '\xa0' || test.cbor('authdata'::text) || said),
	('the format as bytes', '\xa3' || fmt || test.cbor(bytea 'none') || stmt || '\xa0' || data || said), ('the data as text', '\xa3' || fmt || none || stmt || '\xa0' || data || test.cbor('none'::text)),
	('a key as bytes', '\xa3' || test.cbor(bytea 'fmt') || none || stmt || '\xa0' || data || said), ('an empty format', test.attestation(test.authenticator(), '')),
	('a format of 33 characters', test.attestation(test.authenticator(), repeat('a', 33))), ('a format with a quotation mark', test.attestation(test.authenticator(), 'a"')),
	('a format with a space', test.attestation(test.authenticator(), 'a b')), ('a format beyond ASCII', test.attestation(test.authenticator(), U&'\00e4')),
	('a byte behind it', test.attestation(test.authenticator()) || '\x00'), ('itself behind it', test.attestation(test.authenticator()) || test.attestation(test.authenticator())),
	('empty map', '\xa0'::bytea)) AS v (what, object);
SELECT pg_temp.accepts('another order of members', '\xa3' || test.cbor('authData'::text) || test.cbor(test.authenticator()) || test.cbor('fmt'::text) || test.cbor('none'::text)
					   || test.cbor('attStmt'::text) || '\xa0');

-- Authenticator data
SELECT pg_temp.accepts(what, test.attestation(said))
FROM (VALUES ('a user who is present alone', test.authenticator(flags => 65)), ('eligible for backup', test.authenticator(flags => 77)), ('backed up', test.authenticator(flags => 93)),
	('reserved flags', test.authenticator(flags => 103)), ('extensions', test.authenticator(flags => 197, rest => '\xa16b6372656450726f7465637401')), ('no extension', test.authenticator(flags => 197, rest => '\xa0')),
	('the greatest counter', test.authenticator(counter => 4294967295))) AS v (what, said);
SELECT pg_temp.refuses('authenticator data: ' || what, test.attestation(said), reason)
FROM (VALUES ('no user is present', test.authenticator(flags => 64), 'the user was not present'), ('verified, but not present', test.authenticator(flags => 68), 'the user was not present'),
	('backed up, but not eligible', test.authenticator(flags => 85), 'it is backed up but not eligible for backup'), ('another rpId', test.authenticator(rp_id => 'example.com'), 'it is for another relying party'),
	('an empty rpId', test.authenticator(rp_id => ''), 'it is for another relying party'), ('the rpId in capitals', test.authenticator(rp_id => 'EXAMPLE.ORG'), 'it is for another relying party'),
	('no flag for the credential that is there', test.authenticator(flags => 5), 'the authenticator data are malformed'),
	('no credential', substr(test.authenticator(flags => 5), 1, 37), 'the authenticator data are malformed'),
	('a flag for the credential that is missing', substr(test.authenticator(), 1, 37), 'the authenticator data are malformed'),
	('a flag for extensions that are missing', test.authenticator(flags => 197), 'the authenticator data are malformed'),
	('extensions without a flag', test.authenticator(rest => '\xa0'), 'the authenticator data are malformed'), ('extensions that are no map', test.authenticator(flags => 197, rest => '\x80'), 'the authenticator data are malformed'),
	('extensions with something behind', test.authenticator(flags => 197, rest => '\xa000'), 'the authenticator data are malformed'),
	('extensions without end', test.authenticator(flags => 197, rest => '\xbf616101ff'), 'the authenticator data are malformed'),
	('extensions with a long head', test.authenticator(flags => 197, rest => '\xa161611801'), 'the authenticator data are malformed'),
	('an empty id', test.authenticator(id => ''), 'the authenticator data are malformed'), ('an id of 1024 bytes', test.authenticator(id => decode(repeat('aa', 1024), 'hex')), 'the authenticator data are malformed'),
	('another id than the credential''s', test.authenticator(id => '\x0102030405060709'), 'it belongs to another credential'), ('a longer id', test.authenticator(id => '\x010203040506070800'), 'it belongs to another credential'),
	('an id that goes beyond the end', overlay(test.authenticator() PLACING '\x03ff' FROM 54), 'the authenticator data are malformed'), ('no byte', '', 'the authenticator data are malformed'),
	('no key', test.authenticator(key => ''), 'the authenticator data are malformed')) AS v (what, said, reason);

-- Keys: the parameters in any order, but each once, and none beside
SELECT pg_temp.accepts('a key of ' || what, test.attestation(test.authenticator(key => key)))
FROM (VALUES ('P-256', test.cose()), ('Ed25519', test.cose(1, -8, '\x06', test.from_base64url(test.key('Ed25519') ->> 'x'), NULL)),
	('RSA', test.cose(3, -257, test.cbor(test.from_base64url(test.key('RSA') ->> 'n')), '\x010001', NULL)),
	('P-521', test.cose(2, -36, '\x03', test.from_base64url(test.key('P-521') ->> 'x'), test.from_base64url(test.key('P-521') ->> 'y'))),
	('another order', '\xa5' || substr(test.cose(), 6) || substr(test.cose(), 2, 4))) AS v (what, key);
SELECT is(jwt_webauthn_verify_with(test.registered(test.attestation(test.authenticator(key => test.cose(3, -37, test.cbor(test.from_base64url(test.key('RSA') ->> 'n')), '\x010001', NULL)))),
	NULL, test.expected(test.challenge()) || '{"algorithms":["PS256"]}') -> 'public_key', test.public(test.key('RSA', 'PS256')), 'an RSA key has the algorithm that it was registered for');
SELECT pg_temp.refuses('a key: ' || what, test.attestation(test.authenticator(key => key)), reason)
FROM test.cose() AS good, test.from_base64url(test.key('P-256') ->> 'x') AS x, test.from_base64url(test.key('P-256') ->> 'y') AS y, test.from_base64url(test.key('Ed25519') ->> 'x') AS ed,
	 test.from_base64url(test.key('RSA') ->> 'n') AS n, LATERAL (VALUES
	('x twice', '\xa6' || substr(good, 2) || '\x21' || test.cbor(x), 'its public key is malformed'), ('alg twice', '\xa6' || substr(good, 2) || '\x0326', 'its public key is malformed'),
	('kty twice', '\xa6' || substr(good, 2) || '\x0102', 'its public key is malformed'), ('crv twice', '\xa6' || substr(good, 2) || '\x2001', 'its public key is malformed'),
	('a key id', '\xa6' || substr(good, 2) || '\x0241aa', 'its public key is malformed'), ('operations', '\xa6' || substr(good, 2) || '\x048102', 'its public key is malformed'),
	('a private half', '\xa6' || substr(good, 2) || '\x23' || test.cbor(x), 'its public key is malformed'), ('a label of text', '\xa6' || substr(good, 2) || '\x616101', 'its public key is malformed'),
	('the greatest label', '\xa6' || substr(good, 2) || '\x1bffffffffffffffff01', 'its public key is malformed'), ('the smallest label', '\xa6' || substr(good, 2) || '\x3bffffffffffffffff01', 'its public key is malformed'),
	('no kty', '\xa4' || substr(good, 4), 'its public key is malformed'), ('no alg', '\xa4' || substr(good, 2, 2) || substr(good, 6), 'its public key is malformed'),
	('no x', test.cose(x => NULL), 'its public key is malformed'), ('no y', test.cose(y => NULL), 'its public key is malformed'), ('no crv', test.cose(crv => NULL), 'its public key is malformed'), ('empty', '\xa0', 'its public key is malformed'),
	('y as a sign', '\xa5' || substr(test.cose(y => NULL), 2) || '\x22f5', 'its public key is malformed'), ('alg as text', overlay(good PLACING '\x6126' FROM 5 FOR 1), 'its public key is malformed'),
	('a point off the curve', test.cose(y => set_byte(y, 31, 1)), 'its public key is malformed'), ('the point 0, 0', test.cose(x => decode(repeat('00', 32), 'hex'), y => decode(repeat('00', 32), 'hex')), 'its public key is malformed'),
	('x one byte short', test.cose(x => substr(x, 2)), 'its public key is malformed'), ('x one byte long', test.cose(x => '\x00' || x), 'its public key is malformed'), ('x empty', test.cose(x => ''), 'its public key is malformed'),
	('P-384 for ES256', test.cose(crv => '\x02'), 'its public key is malformed'), ('P-256 for ES384', test.cose(alg => -35), 'its public key is malformed'), ('crv as bytes', test.cose(crv => '\x4101'), 'its public key is malformed'),
	('an EC key for EdDSA', test.cose(alg => -8), 'its public key is malformed'), ('an EC key for RS256', test.cose(alg => -257), 'its public key is malformed'), ('a symmetric key', test.cose(kty => 4), 'its public key is malformed'),
	('an OKP key for ES256', test.cose(kty => 1), 'its public key is malformed'), ('Ed25519 of 31 bytes', test.cose(1, -8, '\x06', substr(ed, 2), NULL), 'its public key is malformed'), ('Ed25519 of 33 bytes', test.cose(1, -8, '\x06', ed || '\x00', NULL), 'its public key is malformed'),
	('Ed25519 with a y', test.cose(1, -8, '\x06', ed, ed), 'its public key is malformed'), ('X25519', test.cose(1, -8, '\x04', ed, NULL), 'its public key is malformed'), ('Ed448 for EdDSA', test.cose(1, -8, '\x07', decode(repeat('11', 57), 'hex'), NULL), 'its public key is malformed'),
	('the neutral point of Ed25519', test.cose(1, -8, '\x06', '\x01' || decode(repeat('00', 31), 'hex'), NULL), 'its public key is malformed'),
	('RSA of 1024 bits', test.cose(3, -257, test.cbor(substr(n, 1, 128)), '\x010001', NULL), 'its public key is malformed'), ('RSA with e = 1', test.cose(3, -257, test.cbor(n), '\x01', NULL), 'its public key is malformed'),
	('RSA with e = 2', test.cose(3, -257, test.cbor(n), '\x02', NULL), 'its public key is malformed'), ('RSA without e', test.cose(3, -257, test.cbor(n), NULL, NULL), 'its public key is malformed'),
	('SHA-1', test.cose(3, -65535, test.cbor(n), '\x010001', NULL), 'its algorithm was not offered'), ('HMAC', test.cose(alg => 5), 'its algorithm was not offered'), ('alg 0', test.cose(alg => 0), 'its algorithm was not offered'),
	('an algorithm of ours that was not offered', test.cose(3, -258, test.cbor(n), '\x010001', NULL), 'its algorithm was not offered'), ('PS256 for RS256', test.cose(3, -37, test.cbor(n), '\x010001', NULL), 'its algorithm was not offered'),
	('Ed25519 under its own name, for EdDSA', test.cose(1, -19, '\x06', ed, NULL), 'its algorithm was not offered'))
	AS v (what, key, reason);

-- Client data
CREATE FUNCTION pg_temp.client_error(client bytea, more jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql AS
$$ SELECT test.registration_error(jsonb_set(test.registered(test.attestation(test.authenticator())), '{response,clientDataJSON}', to_jsonb(test.base64url(client))), more) $$;
SELECT is(pg_temp.client_error(convert_to(client, 'UTF8')), NULL, 'client data are accepted: ' || client)
FROM unnest(ARRAY[test.client(), test.client(more => ',"crossOrigin":false'), test.client(more => ',"other":{"a":[1]},"tokenBinding":{"status":"supported"}'), ' ' || test.client() || ' ']) AS client;
SELECT is(pg_temp.client_error(client), '28J00 invalid passkey: clientDataJSON is malformed', 'malformed client data are refused: ' || what)
FROM convert_to(test.client(), 'UTF8') AS good, LATERAL (VALUES
	('a byte order mark', '\xefbbbf' || good), ('a NUL behind', good || '\x00'), ('a brace behind', good || '}'), ('itself behind', good || good), ('a member twice', convert_to(test.client(more => ',"type":"webauthn.create"'), 'UTF8')),
	('an origin twice', convert_to(test.client(more => ',"origin":"https://evil.example"'), 'UTF8')), ('a NUL inside', convert_to(test.client(more => ',"a":"\u0000"'), 'UTF8')), ('no UTF-8', set_byte(good, 2, 255)), ('UTF-16', '\xfffe7b007d00'),
	('an array', '[]'), ('a string', '"webauthn.create"'), ('empty object', '{}'), ('no JSON', 'type=webauthn.create'), ('crossOrigin as text', convert_to(test.client(more => ',"crossOrigin":"false"'), 'UTF8')),
	('crossOrigin null', convert_to(test.client(more => ',"crossOrigin":null'), 'UTF8')), ('topOrigin null', convert_to(test.client(more => ',"topOrigin":null'), 'UTF8')), ('topOrigin an object', convert_to(test.client(more => ',"topOrigin":{}'), 'UTF8')),
	('deeply nested', convert_to(test.client(more => ',"a":' || repeat('[', 5000) || repeat(']', 5000)), 'UTF8')), ('no type', convert_to(replace(test.client(), '"type"', '"Type"'), 'UTF8')),
	('no challenge', convert_to(replace(test.client(), '"challenge"', '"c"'), 'UTF8')), ('no origin', convert_to(replace(test.client(), '"origin"', '"o"'), 'UTF8')), ('an origin as list', convert_to(replace(test.client(), '"https://example.org"', '["https://example.org"]'), 'UTF8')))
	AS v (what, client);
SELECT is(pg_temp.client_error(convert_to(client, 'UTF8'), more), '28J00 invalid passkey: ' || reason, 'client data are refused: ' || client)
FROM (VALUES (test.client(kind => 'webauthn.get'), jsonb '{}', 'it belongs to the other ceremony'), (test.client(kind => 'payment.get'), '{}', 'it belongs to the other ceremony'), (test.client(kind => 'Webauthn.create'), '{}', 'it belongs to the other ceremony'), (test.client(kind => ''), '{}', 'it belongs to the other ceremony'),
	(test.client(origin => 'https://example.org.evil.example'), '{}', 'its origin is not among the expected ones'), (test.client(origin => ''), '{}', 'its origin is not among the expected ones'), (test.client(origin => 'null'), '{}', 'its origin is not among the expected ones'),
	(test.client(origin => 'android:apk-key-hash:AAAA'), '{}', 'its origin is not among the expected ones'), (replace(test.client(), 'QQA"', 'QQB"'), '{}', 'it answers another challenge'), (replace(test.client(), 'QQA"', 'QQA="'), '{}', 'it answers another challenge'),
	(test.client(more => ',"crossOrigin":true'), '{}', 'it was created inside a page of another origin'), (test.client(more => ',"topOrigin":"https://example.com"'), '{}', 'it was created inside a page of another origin'),
	(test.client(more => ',"topOrigin":"https://example.com","crossOrigin":false'), '{"cross_origin":true,"top_origins":["https://example.com"]}', 'it was created inside a page of another origin')) AS v (client, more, reason);
SELECT is(pg_temp.client_error(convert_to(test.client(origin => 'android:apk-key-hash:AAAA'), 'UTF8'), '{"origins":["android:apk-key-hash:AAAA"]}'), NULL, 'an application with its own origin registers');

SELECT * FROM finish();
