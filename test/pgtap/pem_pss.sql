-- RSA keys for RSASSA-PSS alone (id-RSASSA-PSS, RFC 4055), as some certificate
-- authorities and hardware tokens make them (F27): read for the algorithm that
-- their parameters permit, and for no other. The openssl command makes them; what
-- it won't make is written in DER here. Answers T11 for such keys.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 235 assertions
SELECT no_plan();
SET jwt_auth.require_exp = off;

CREATE TEMP TABLE pss (name text, fits text[], pem text);
\set bits '-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048'
\setenv BITS :bits
\set form `openssl genpkey $BITS 2>/dev/null`
INSERT INTO pss VALUES ('no parameters', '{PS256,PS384,PS512}', :'form');
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha256 -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32 2>/dev/null`
INSERT INTO pss VALUES ('SHA-256', '{PS256}', :'form');
\setenv KEY :form
\set certificate `T=$(mktemp) && echo "$KEY" >$T && openssl req -x509 -key $T -subj /CN=test -days 2 2>/dev/null; rm -f $T`
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha384 -pkeyopt rsa_pss_keygen_mgf1_md:sha384 -pkeyopt rsa_pss_keygen_saltlen:20 2>/dev/null`
INSERT INTO pss VALUES ('SHA-384, salt of 20', '{PS384}', :'form');
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha512 -pkeyopt rsa_pss_keygen_mgf1_md:sha512 -pkeyopt rsa_pss_keygen_saltlen:0 2>/dev/null`
INSERT INTO pss VALUES ('SHA-512, salt of 0', '{PS512}', :'form');
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha512 -pkeyopt rsa_pss_keygen_mgf1_md:sha512 -pkeyopt rsa_pss_keygen_saltlen:64 2>/dev/null`
INSERT INTO pss VALUES ('SHA-512, salt of 64', '{PS512}', :'form');
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha256 -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:33 2>/dev/null`
INSERT INTO pss VALUES ('SHA-256, salt of 33', '{}', :'form');
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha512 -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:20 2>/dev/null`
INSERT INTO pss VALUES ('SHA-512, MGF1 with SHA-256', '{}', :'form');
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha256 -pkeyopt rsa_pss_keygen_mgf1_md:sha1 -pkeyopt rsa_pss_keygen_saltlen:20 2>/dev/null`
INSERT INTO pss VALUES ('SHA-256, MGF1 with SHA-1', '{}', :'form');
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha1 -pkeyopt rsa_pss_keygen_mgf1_md:sha1 -pkeyopt rsa_pss_keygen_saltlen:20 2>/dev/null`
INSERT INTO pss VALUES ('SHA-1', '{}', :'form');
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha224 -pkeyopt rsa_pss_keygen_mgf1_md:sha224 -pkeyopt rsa_pss_keygen_saltlen:20 2>/dev/null`
INSERT INTO pss VALUES ('SHA-224', '{}', :'form');
\set form `openssl genpkey $BITS -pkeyopt rsa_pss_keygen_md:sha512-256 -pkeyopt rsa_pss_keygen_mgf1_md:sha512-256 -pkeyopt rsa_pss_keygen_saltlen:20 2>/dev/null`
INSERT INTO pss VALUES ('SHA-512/256', '{}', :'form');
SELECT matches(pem, '^-----BEGIN PRIVATE KEY-----', 'openssl made a key: ' || name) FROM pss;

-- For each algorithm that takes RSA keys, and some that do not
CREATE TEMP TABLE tried AS
SELECT name, pem, alg, alg = ANY (fits) AS fits
FROM pss, unnest('{RS256,RS384,RS512,PS256,PS384,PS512,ES256,Ed25519,HS256}'::text[]) AS alg;
SELECT test.raises(format('SELECT jwk_from_pem(%L, %L)', pem, alg), CASE WHEN NOT fits THEN '22023' END,
				   format('%s for %s', name, alg))
FROM tried;
CREATE TEMP TABLE jwk AS
SELECT name, pem, alg, jwk_from_pem(pem, alg, 'k') AS key FROM tried WHERE fits;
SELECT is(key ->> 'kty', 'RSA', format('%s for %s: kty', name, alg)) FROM jwk;
SELECT is(key ->> 'alg', alg, format('%s for %s: alg', name, alg)) FROM jwk;
SELECT is(jwt_verify_with(jwt_sign_with('{"a":1}', key), jwk_public(key)), '{"a":1}',
		  format('%s for %s: signs', name, alg))
FROM jwk;
SELECT is(jwk_from_pem(jwk_to_pem(key), alg, 'k'), key, format('%s for %s: as plain RSA and back', name, alg))
FROM jwk;

-- The hint names what to pass
CREATE FUNCTION pg_temp.hint_of(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	hint text;
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN hint;
END
$$;
SELECT matches(pg_temp.hint_of(format('SELECT jwk_from_pem(%L, %L)', pem, alg)), 'PS' || substr(name, 5, 3),
			   format('%s for %s: the hint', name, alg))
FROM tried
WHERE alg ~ '^[RP]S' AND NOT fits AND name ~ '^SHA-(256|384|512)(, salt of ([026]|20|64))?$';
SELECT matches(pg_temp.hint_of(format('SELECT jwk_from_pem(%L, ''RS256'')', pem)), 'PS256, PS384 or PS512',
			   'no parameters, for RS256: the hint')
FROM pss WHERE name = 'no parameters';

-- A certificate
SELECT is(jwk_from_pem(:'certificate', 'PS256', 'k'), jwk_public(key), 'a certificate for RSASSA-PSS is read as its public key')
FROM jwk WHERE name = 'SHA-256';
SELECT test.raises(format('SELECT jwk_from_pem(%L, %L)', :'certificate', alg), '22023', 'a certificate for ' || alg)
FROM unnest('{RS256,PS384,PS512,ES256}'::text[]) AS alg;

-- Size and primes are judged as those of any RSA key
\set form `openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024 2>/dev/null`
SELECT test.raises(format('SELECT jwk_from_pem(%L, ''PS256'')', :'form'), '22023', 'RSASSA-PSS of 1024 bits is refused');
\set form `openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2047 2>/dev/null`
SELECT test.raises(format('SELECT jwk_from_pem(%L, ''PS256'')', :'form'), '22023', 'RSASSA-PSS of 2047 bits is refused');
\set form `openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3 2>/dev/null`
SELECT test.raises(format('SELECT jwk_from_pem(%L, ''PS256'')', :'form'), '22023', 'RSASSA-PSS of three primes is refused');

-- Public keys with parameters as DER: tag, length, content
CREATE FUNCTION pg_temp.tlv(tag text, content text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT tag || CASE WHEN length(content) < 256 THEN '' WHEN length(content) < 512 THEN '81' ELSE '82' END
	|| CASE WHEN length(content) < 512 THEN lpad(to_hex(length(content) / 2), 2, '0')
	   ELSE lpad(to_hex(length(content) / 2), 4, '0') END || content $$;
CREATE FUNCTION pg_temp.hash(last text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT pg_temp.tlv('30', '06096086480165030402' || last || '0500') $$;
CREATE FUNCTION pg_temp.mgf(oid text, hash text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT pg_temp.tlv('a1', pg_temp.tlv('30', pg_temp.tlv('06', oid) || hash)) $$;
-- The bit string is that of a plain key.
CREATE FUNCTION pg_temp.spki(parameters text) RETURNS text LANGUAGE sql AS
$$ SELECT E'-----BEGIN PUBLIC KEY-----\n' || encode(decode(pg_temp.tlv('30',
		pg_temp.tlv('30', '06092a864886f70d01010a' || parameters)
		|| substr(encode(decode(regexp_replace(jwk_to_pem(jwk_public(key)), '-----[^-]+-----', '', 'g'), 'base64'), 'hex'), 39)),
		'hex'), 'base64') || E'\n-----END PUBLIC KEY-----\n'
	FROM jwk WHERE name = 'SHA-256' $$;
\set mgf1 '2a864886f70d010108'
CREATE TEMP TABLE written AS
SELECT what, fits, pg_temp.spki(parameters) AS pem
FROM (VALUES
	('nothing', '{PS256,PS384,PS512}'::text[], ''),
	('SHA-256', '{PS256}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('01')) || pg_temp.mgf(:'mgf1', pg_temp.hash('01')) || 'a203020120')),
	('SHA-384 and the default salt', '{PS384}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('02')) || pg_temp.mgf(:'mgf1', pg_temp.hash('02')))),
	('the trailer that is the default', '{PS512}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('03')) || pg_temp.mgf(:'mgf1', pg_temp.hash('03')) || 'a303020101')),
	('another trailer', '{}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('03')) || pg_temp.mgf(:'mgf1', pg_temp.hash('03')) || 'a303020102')),
	('all defaults', '{}', '3000'),
	('SHA-256 and MGF1 by default', '{}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('01')))),
	('SHA-1 and MGF1 with SHA-256', '{}', pg_temp.tlv('30', pg_temp.mgf(:'mgf1', pg_temp.hash('01')))),
	('another mask function', '{}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('01')) || pg_temp.mgf('2a864886f70d010109', pg_temp.hash('01')))),
	('a salt of 33', '{}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('01')) || pg_temp.mgf(:'mgf1', pg_temp.hash('01')) || 'a203020121')),
	('a salt below 0', '{}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('01')) || pg_temp.mgf(:'mgf1', pg_temp.hash('01')) || 'a2030201ff')),
	('a salt of 2^31 + 32', '{}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('01')) || pg_temp.mgf(:'mgf1', pg_temp.hash('01')) || 'a20702050080000020')),
	('a salt of 2^64 + 32', '{}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('01')) || pg_temp.mgf(:'mgf1', pg_temp.hash('01')) || 'a20b0209010000000000000020')),
	('an unknown hash', '{}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('7f')) || pg_temp.mgf(:'mgf1', pg_temp.hash('7f')))),
	('octets behind', '{}', pg_temp.tlv('30', pg_temp.tlv('a0', pg_temp.hash('01')) || pg_temp.mgf(:'mgf1', pg_temp.hash('01')) || 'a203020120') || '0500'),
	('a number', '{}', '020101'))
	AS v (what, fits, parameters);
SELECT ok(CASE WHEN alg = ANY (fits) THEN state IS NULL ELSE coalesce(state, '') IN ('22023', '22P02') END,
		  format('public, with %s, for %s: %s', what, alg, state))
FROM written, unnest('{RS256,PS256,PS384,PS512}'::text[]) AS alg,
	 LATERAL test.sqlstate_of(format('SELECT public.jwk_from_pem(%L, %L)', pem, alg)) AS state;

-- An issuer with such a key
SELECT lives_ok(format('SELECT jwt_trust_issuer(''https://them.example'', %L, ''api'')',
					   jwk_from_pem(pem, 'PS256', 'k')), 'an issuer with an RSASSA-PSS key can be trusted')
FROM written WHERE what = 'SHA-256';
SELECT jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'api', 'sub', 'a',
				'exp', extract(epoch FROM now())::bigint + 60), key) AS token
FROM jwk WHERE name = 'SHA-256' \gset
SELECT is(jwt_verify(:'token', 'api') ->> 'sub', 'a', 'a token by the issuer''s RSASSA-PSS key is accepted');
SELECT test.raises(format('SELECT jwt_verify(%L, ''api'')', test.tampered(:'token')), '28J00', 'a tampered token by the issuer''s RSASSA-PSS key is refused');
SELECT test.raises(format('SELECT jwt_verify(%L, ''api'')', jwt_sign_with(jsonb_build_object(
					   'iss', 'https://them.example', 'aud', 'api', 'sub', 'a',
					   'exp', extract(epoch FROM now())::bigint + 60), key || '{"alg":"RS256"}')), '28J00',
				   'a token by the issuer''s RSASSA-PSS key as RS256 is refused')
FROM jwk WHERE name = 'SHA-256';

SELECT * FROM finish();
