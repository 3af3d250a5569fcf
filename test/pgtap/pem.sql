-- Keys as PEM (RFC 7468; RFC 5958, 5280, 8017 and 5915 inside), made by the
-- openssl command, which is the independent implementation here. Answers T11
-- and T12 for keys that come this way.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 554 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

CREATE TEMP TABLE pem (name text PRIMARY KEY, alg text, kind text, body text);

-- What OpenSSL writes for each form; the line feed that psql strips is not
-- missed.
\set rsa `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null`
\set rsa3072 `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 2>/dev/null`
\set p256 `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null`
\set p384 `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 2>/dev/null`
\set p521 `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 2>/dev/null`
\set k256 `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 2>/dev/null`
\set ed25519 `openssl genpkey -algorithm ED25519 2>/dev/null`
\set ed448 `openssl genpkey -algorithm ED448 2>/dev/null`
INSERT INTO pem VALUES
	('RSA', 'RS256', 'PKCS#8', :'rsa'), ('RSA 3072', 'PS512', 'PKCS#8', :'rsa3072'),
	('P-256', 'ES256', 'PKCS#8', :'p256'), ('P-384', 'ES384', 'PKCS#8', :'p384'),
	('P-521', 'ES512', 'PKCS#8', :'p521'), ('secp256k1', 'ES256K', 'PKCS#8', :'k256'),
	('Ed25519', 'EdDSA', 'PKCS#8', :'ed25519'), ('Ed448', 'EdDSA', 'PKCS#8', :'ed448');
-- Other forms of the same keys
\setenv KEY :rsa
\set form `echo "$KEY" | openssl rsa -traditional 2>/dev/null`
INSERT INTO pem VALUES ('RSA private', 'RS256', 'PKCS#1', :'form');
\set form `echo "$KEY" | openssl rsa -RSAPublicKey_out 2>/dev/null`
INSERT INTO pem VALUES ('RSA public', 'RS256', 'PKCS#1 public', :'form');
\set form `echo "$KEY" | openssl pkey -pubout 2>/dev/null`
INSERT INTO pem VALUES ('RSA SPKI', 'RS256', 'SPKI', :'form');
\set form `T=$(mktemp) && echo "$KEY" >$T && openssl req -x509 -key $T -subj /CN=test -days 2 2>/dev/null; rm -f $T`
INSERT INTO pem VALUES ('RSA certificate', 'RS256', 'X.509', :'form');
\setenv KEY :p256
\set form `echo "$KEY" | openssl ec 2>/dev/null`
INSERT INTO pem VALUES ('P-256 private', 'ES256', 'SEC1', :'form');
\set form `openssl ecparam -name prime256v1 2>/dev/null; echo "$KEY" | openssl ec 2>/dev/null`
INSERT INTO pem VALUES ('P-256 with parameters', 'ES256', 'SEC1 behind EC PARAMETERS', :'form');
\set form `echo "$KEY" | openssl pkey -pubout 2>/dev/null`
INSERT INTO pem VALUES ('P-256 SPKI', 'ES256', 'SPKI', :'form');
\set form `echo "$KEY" | openssl ec -pubout -conv_form compressed 2>/dev/null`
INSERT INTO pem VALUES ('P-256 compressed', 'ES256', 'SPKI', :'form');
\set form `T=$(mktemp) && echo "$KEY" >$T && openssl req -x509 -key $T -subj /CN=test -days 2 2>/dev/null; rm -f $T`
INSERT INTO pem VALUES ('P-256 certificate', 'ES256', 'X.509', :'form');
\setenv KEY :p384
\set form `echo "$KEY" | openssl ec 2>/dev/null`
INSERT INTO pem VALUES ('P-384 private', 'ES384', 'SEC1', :'form');
\setenv KEY :ed25519
\set form `echo "$KEY" | openssl pkey -pubout 2>/dev/null`
INSERT INTO pem VALUES ('Ed25519 SPKI', 'EdDSA', 'SPKI', :'form');
\set form `T=$(mktemp) && echo "$KEY" >$T && openssl req -x509 -key $T -subj /CN=test -days 2 2>/dev/null; rm -f $T`
INSERT INTO pem VALUES ('Ed25519 certificate', 'EdDSA', 'X.509', :'form');
\setenv KEY :ed448
\set form `echo "$KEY" | openssl pkey -pubout 2>/dev/null`
INSERT INTO pem VALUES ('Ed448 SPKI', 'Ed448', 'SPKI', :'form');

SELECT isnt(body, '', format('openssl made %s (%s)', name, kind)) FROM pem;

-- Read, and good for what the form allows
CREATE TEMP TABLE jwk AS
SELECT name, alg, kind, body, jwk_from_pem(body, alg, 'k1') AS key FROM pem;
SELECT is(key ->> 'alg', alg, format('%s (%s): alg is the one that was asked for', name, kind)) FROM jwk;
SELECT is(key ->> 'kid', 'k1', format('%s (%s): kid is the one that was asked for', name, kind)) FROM jwk;
SELECT ok(NOT jwk_from_pem(body, alg) ? 'kid',
		  format('%s (%s): no kid unless one is given', name, kind))
FROM jwk;
SELECT is(key ->> 'kty', CASE WHEN alg LIKE 'E_256K' OR alg LIKE 'ES%' THEN 'EC'
							  WHEN alg LIKE 'Ed%' THEN 'OKP' ELSE 'RSA' END,
		  format('%s (%s): kty', name, kind))
FROM jwk;
SELECT is(key ? 'd', kind LIKE 'PKCS#_' OR kind LIKE 'SEC1%',
		  format('%s (%s): private or public', name, kind))
FROM jwk;
SELECT is(jwt_verify_with(jwt_sign_with('{"a":1}', key), jwk_public(key)), '{"a":1}',
		  format('%s (%s): signs', name, kind))
FROM jwk WHERE key ? 'd';
SELECT is(jws_verify(jws_sign('x', signer.key), verifier.key), 'x',
		  format('%s (%s): verifies', verifier.name, verifier.kind))
FROM jwk AS signer
JOIN jwk AS verifier ON (split_part(signer.name, ' ', 1) = verifier.name
						 OR split_part(verifier.name, ' ', 1) = signer.name)
WHERE signer.kind = 'PKCS#8' AND NOT verifier.key ? 'd' AND verifier.alg = signer.alg;
SELECT is(test.public(other.key) - 'alg', test.public(first.key) - 'alg',
		  format('%s (%s): the same key as in PKCS#8', other.name, other.kind))
FROM jwk AS first
JOIN jwk AS other ON split_part(other.name, ' ', 1) = first.name
WHERE first.kind = 'PKCS#8' AND other.name <> 'RSA 3072' AND other.name <> first.name;
SELECT test.refuses_signing_key(key, format('%s (%s) does not sign', name, kind))
FROM jwk WHERE NOT key ? 'd';

-- Spacing that editors and web forms leave
SELECT is(jwk_from_pem(changed, alg, 'k1'), key, format('%s: %s', name, what))
FROM jwk, LATERAL (VALUES
	('CR LF', replace(body, E'\n', E'\r\n')),
	('a line feed behind', body || E'\n'),
	('lines before', E'Some text\n\n' || body),
	('lines behind', body || E'\nSome text\n')) AS v (what, changed)
WHERE name IN ('RSA', 'P-256 SPKI', 'Ed25519 certificate');

-- Written: PKCS#8 and SPKI, and read back as the same key
SELECT is(jwk_from_pem(jwk_to_pem(key), alg, 'k1'), key,
		  format('%s (%s): to PEM and back', name, kind))
FROM jwk;
SELECT matches(jwk_to_pem(key), CASE WHEN key ? 'd'
	THEN '^-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END PRIVATE KEY-----\n$'
	ELSE '^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END PUBLIC KEY-----\n$'
	END, format('%s (%s): the label', name, kind))
FROM jwk;
SELECT is(rtrim(jwk_to_pem(key), E'\n'), body,
		  format('%s (%s): the same text as OpenSSL''s', name, kind))
FROM jwk
WHERE kind IN ('PKCS#8', 'SPKI') AND name <> 'P-256 compressed'
  AND body ~ '^-----BEGIN (PRIVATE|PUBLIC) KEY';
SELECT is(jwk_from_pem(jwk_to_pem(jwk_public(key)), alg, 'k1'), jwk_public(key),
		  format('%s (%s): its public half to PEM and back', name, kind))
FROM jwk;
SELECT test.raises(format('SELECT jwk_to_pem(%L)', test.key('oct')), '22023',
				   'an HMAC secret cannot be written as PEM');

-- alg must fit the key
SELECT test.raises(format('SELECT jwk_from_pem(%L, %L)', body, wrong), '22023',
				   format('%s (%s) for %s', name, kind, wrong))
FROM pem,
	 unnest('{none,"",HS256,hs256,RS256,PS384,ES256,ES384,ES512,ES256K,EdDSA,Ed25519,
			  Ed448,RSA-OAEP,ML-DSA-44}'::text[]) AS wrong
WHERE name IN ('RSA', 'P-256', 'P-384', 'P-521', 'secp256k1', 'Ed25519', 'Ed448',
			   'RSA certificate', 'P-256 SPKI', 'Ed25519 SPKI')
  AND wrong <> alg
  AND NOT (name LIKE 'RSA%' AND wrong = 'PS384')
  AND NOT (name LIKE 'Ed%' AND wrong = split_part(name, ' ', 1));

-- Keys of other kinds, and weak ones
CREATE TEMP TABLE unfit (name text, alg text, body text);
\set form `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 2>/dev/null`
INSERT INTO unfit VALUES ('RSA of 1024 bits', 'RS256', :'form');
\setenv KEY :form
\set form `echo "$KEY" | openssl pkey -pubout 2>/dev/null`
INSERT INTO unfit VALUES ('public RSA of 1024 bits', 'RS256', :'form');
\set form `T=$(mktemp) && echo "$KEY" >$T && openssl req -x509 -key $T -subj /CN=test -days 2 2>/dev/null; rm -f $T`
INSERT INTO unfit VALUES ('certificate for RSA of 1024 bits', 'RS256', :'form');
\set form `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2047 2>/dev/null`
INSERT INTO unfit VALUES ('RSA of 2047 bits', 'RS256', :'form');
\set form `openssl genpkey -algorithm X25519 2>/dev/null`
INSERT INTO unfit VALUES ('X25519', 'EdDSA', :'form');
\set form `openssl genpkey -algorithm X448 2>/dev/null`
INSERT INTO unfit VALUES ('X448', 'EdDSA', :'form');
\set form `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1 2>/dev/null`
INSERT INTO unfit VALUES ('brainpoolP256r1', 'ES256', :'form');
\set form `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-224 2>/dev/null`
INSERT INTO unfit VALUES ('P-224', 'ES256', :'form');
\set form `openssl genpkey -algorithm DH -pkeyopt group:ffdhe2048 2>/dev/null`
INSERT INTO unfit VALUES ('Diffie-Hellman', 'RS256', :'form');
\set form `openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 2>/dev/null | openssl genpkey -paramfile /dev/stdin 2>/dev/null`
INSERT INTO unfit VALUES ('DSA', 'RS256', :'form');
SELECT isnt(body, '', 'openssl made ' || name) FROM unfit;
SELECT test.raises(format('SELECT jwk_from_pem(%L, %L)', body, alg), '22023',
				   name || ' is refused')
FROM unfit;

-- A curve given by its parameters (RFC 3279 section 2.3.5) is P-256 only with
-- P-256's own generator: with the public key in its place the private key
-- would be 1 (CVE-2020-0601).
\set form `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit 2>/dev/null | openssl pkey -pubout -outform DER 2>/dev/null | od -An -v -tx1 | tr -d ' \n'`
CREATE TEMP TABLE explicit AS
SELECT regexp_replace(form, generator || '(?=.*(04.{128})$)', right(form, 130)) AS forged, form
FROM (VALUES (:'form',
			  '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5'))
	AS v (form, generator);
CREATE FUNCTION pg_temp.spki(hexadecimal text) RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT E'-----BEGIN PUBLIC KEY-----\n' || encode(decode(hexadecimal, 'hex'), 'base64')
	|| E'\n-----END PUBLIC KEY-----\n' $$;
SELECT isnt(forged, form, 'the generator in the explicit parameters is replaced') FROM explicit;
SELECT ok(coalesce(test.sqlstate_of(format('SELECT jwk_from_pem(%L, ''ES256'')', pg_temp.spki(form))),
				   '22023') IN ('22023', '22P02'), 'explicit parameters of P-256 are accepted, or refused as invalid')
FROM explicit;
SELECT ok(test.sqlstate_of(format('SELECT jwk_from_pem(%L, ''ES256'')', pg_temp.spki(forged)))
		  IN ('22023', '22P02'), 'explicit parameters with another generator are refused')
FROM explicit;

-- Encrypted keys are refused, and the message says why
CREATE TEMP TABLE encrypted (name text, alg text, body text);
\set form `openssl genpkey -algorithm ED25519 -aes256 -pass pass:secret 2>/dev/null`
INSERT INTO encrypted VALUES ('PKCS#8', 'EdDSA', :'form');
\set form `openssl genrsa -traditional -aes256 -passout pass:secret 2048 2>/dev/null`
INSERT INTO encrypted VALUES ('PKCS#1', 'RS256', :'form');
\setenv KEY :p256
\set form `echo "$KEY" | openssl ec -aes256 -passout pass:secret 2>/dev/null`
INSERT INTO encrypted VALUES ('SEC1', 'ES256', :'form');
SELECT isnt(body, '', 'openssl made an encrypted key, ' || name) FROM encrypted;
SELECT throws_matching(format('SELECT jwk_from_pem(%L, %L)', body, alg),
					   'encrypted|pass', name || ': the message says that it is encrypted')
FROM encrypted;
SELECT test.raises(format('SELECT jwk_from_pem(%L, %L)', body, alg), '22023',
				   name || ', encrypted')
FROM encrypted;

-- No PEM, and broken ones. Parsers of such text are where the CVEs are, so
-- octets of a key are changed as well, each in a short key, and some in a long one.
SELECT ok(test.sqlstate_of(format('SELECT jwk_from_pem(%L, %L)', changed, alg))
		  IN ('22023', '22P02'), format('%s: %s', name, what))
FROM pem, LATERAL (VALUES
	('empty', ''), ('one line feed', E'\n'), ('text', 'secret'),
	('JSON', '{"kty":"RSA"}'), ('the label alone', split_part(body, E'\n', 1)),
	('without the last line', regexp_replace(body, '\n[^\n]*$', '')),
	('without the first line', regexp_replace(body, '^[^\n]*\n', '')),
	('cut in half', left(body, length(body) / 2)),
	('a line taken out', regexp_replace(body, '\n[^\n]{4}', E'\n')),
	('labels of another kind', regexp_replace(body, '(BEGIN|END) [A-Z ]+', '\1 FOO', 'g')),
	('labels that disagree', regexp_replace(body, 'END [A-Z ]+', 'END FOO')),
	('four dashes', replace(body, '-----', '----')),
	('an asterisk inside', regexp_replace(body, '\nM', E'\n*')),
	('nothing between the labels', regexp_replace(body, '(KEY|CERTIFICATE)-----\n.*\n-----END',
												  E'\\1-----\n-----END')))
	AS v (what, changed)
WHERE name IN ('RSA SPKI', 'P-256', 'P-256 private', 'RSA public', 'Ed25519 SPKI',
			   'RSA certificate');
SELECT ok(test.sqlstate_of(format('SELECT jwk_from_pem(%L, %L)', body, alg))
		  IN ('22023', '22P02'), what)
FROM (VALUES
	('1 MiB of letters', 'RS256', repeat('A', 1048576)),
	('1 MiB in a key', 'RS256', E'-----BEGIN PUBLIC KEY-----\n'
		|| repeat(repeat('A', 64) || E'\n', 16384) || E'-----END PUBLIC KEY-----\n'),
	('100,000 labels', 'RS256', repeat(E'-----BEGIN PUBLIC KEY-----\n', 100000)),
	('a certificate request', 'ES256', E'-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n'),
	('a CRL', 'ES256', E'-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n'),
	('EC parameters alone', 'ES256', E'-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'),
	('an OpenSSH key', 'EdDSA', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJbj')) AS v (what, alg, body);
CREATE FUNCTION pg_temp.states_of_changed_octets(pem text, alg text)
RETURNS SETOF text
LANGUAGE plpgsql AS
$$
DECLARE
	label CONSTANT text := (regexp_match(pem, '-----BEGIN ([A-Z0-9 ]+)-----'))[1];
	der CONSTANT bytea := decode(regexp_replace(pem, '-----[^-]+-----', '', 'g'), 'base64');
BEGIN
	FOR at IN 0 .. length(der) - 1 BY CASE WHEN length(der) < 600 THEN 1 ELSE length(der) / 60 END LOOP
		RETURN NEXT coalesce(test.sqlstate_of(format(
			'SELECT public.jwk_from_pem(%L, %L)',
			format(E'-----BEGIN %s-----\n%s\n-----END %1$s-----\n', label,
				   encode(set_byte(der, at, 255 - get_byte(der, at)), 'base64')),
			alg)), 'accepted');
	END LOOP;
END
$$;
CREATE TEMP TABLE changed AS
SELECT name, kind, array_agg(state) AS states
FROM pem, pg_temp.states_of_changed_octets(body, alg) AS state
WHERE name NOT LIKE 'RSA 3072%'
GROUP BY name, kind;
SELECT ok(states <@ '{accepted,22023,22P02}', format('%s (%s): whichever octet is changed, no other error',
													 name, kind))
FROM changed;
SELECT ok(states && '{22023,22P02}', format('%s (%s): some such change is refused', name, kind))
FROM changed;

SELECT * FROM finish();
