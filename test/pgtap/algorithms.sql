-- A key decides its algorithm, a token never does (T01, T02, T03, T12, T19;
-- RFC 8725 sections 2.1, 3.1 and 3.2).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 770 assertions
SELECT no_plan();

SET jwt_auth.require_exp = off;

CREATE TEMP TABLE pair AS
SELECT alg, jwk_generate(alg) AS key
FROM unnest('{HS256,HS384,HS512,RS256,RS384,RS512,PS256,PS384,PS512,
			  ES256,ES384,ES512,ES256K,EdDSA,Ed25519,Ed448}'::text[]) AS alg;
-- ML-DSA where libcrypto has it
DO $$
DECLARE
	alg text;
BEGIN
	FOREACH alg IN ARRAY '{ML-DSA-44,ML-DSA-65,ML-DSA-87}'::text[] LOOP
		BEGIN
			INSERT INTO pair SELECT alg, public.jwk_generate(alg);
		EXCEPTION WHEN SQLSTATE '22023' THEN
			NULL;
		END;
	END LOOP;
END
$$;
ALTER TABLE pair ADD token text;
UPDATE pair SET token = jwt_sign_with('{"sub":"alice"}', key);
CREATE FUNCTION pg_temp.verifier(key jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE key ->> 'kty' WHEN 'oct' THEN key ELSE public.jwk_public(key) END $$;

SELECT is(key ->> 'alg', alg, alg || ': the generated key names its algorithm')
FROM pair;
SELECT is(jwt_verify_with(token, pg_temp.verifier(key)), '{"sub":"alice"}',
		  alg || ': accepted with its own key')
FROM pair;
SELECT is((jwt_decode(token)).header, jsonb_build_object('alg', alg, 'typ', 'JWT'),
		  alg || ': its token''s header has alg and typ')
FROM pair;
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, %L)',
								  signer.token, pg_temp.verifier(other.key))),
		  '28J00', format('%s token against the %s key', signer.alg, other.alg))
FROM pair AS signer, pair AS other
WHERE signer.alg <> other.alg;
SELECT is(test.sqlstate_of(format('SELECT jws_verify(%L, %L)', signer.token,
								  pg_temp.verifier(other.key))),
		  '28J00', format('%s JWS against another %s key', signer.alg,
						  signer.alg))
FROM pair AS signer,
	 LATERAL (SELECT jwk_generate(signer.alg) AS key) AS other;
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, %L)', token,
								  pg_temp.verifier(key))),
		  '28J00', alg || ': refused without the signature')
FROM (SELECT alg, key, split_part(token, '.', 1) || '.'
			 || split_part(token, '.', 2) || '.' AS token
	  FROM pair) AS unsigned;

-- One key, two algorithms of its type: the token is as good as can be, and
-- yet the key allows only the one it names.
CREATE TEMP TABLE family AS
SELECT key, string_to_array(algs, ' ') AS algs
FROM (VALUES
	(test.key('RSA'), 'RS256 RS384 RS512 PS256 PS384 PS512'),
	(test.key('oct'), 'HS256 HS384 HS512'),
	(test.key('Ed25519'), 'EdDSA Ed25519'),
	((SELECT key - 'alg' FROM pair WHERE alg = 'Ed448'), 'EdDSA Ed448'))
	AS v (key, algs);
CREATE TEMP TABLE relabelled AS
SELECT test.public(key) AS key, signing.alg AS token_alg, verifying.alg AS key_alg,
	   jwt_sign_with('{}', key || jsonb_build_object('alg', signing.alg)) AS token
FROM family, unnest(algs) AS signing (alg), unnest(algs) AS verifying (alg);
SELECT test.refuses(token, key || jsonb_build_object('alg', key_alg),
					format('%s token against the same key marked %s',
						   token_alg, key_alg))
FROM relabelled WHERE token_alg <> key_alg;
SELECT test.accepts(token, key || jsonb_build_object('alg', key_alg),
					format('%s token against the key marked so', token_alg))
FROM relabelled WHERE token_alg = key_alg;
SELECT test.accepts(token, key,
					format('%s token against the key without alg', token_alg))
FROM relabelled WHERE token_alg = key_alg;

-- The header says one algorithm of the family, the signature is another
CREATE FUNCTION pg_temp.with_header(token text, alg text) RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT test.base64url_text('{"alg":"' || alg || '"}') || '.'
	|| split_part(token, '.', 2) || '.' || split_part(token, '.', 3) $$;
SELECT test.refuses(pg_temp.with_header(token, key_alg), key,
					format('%s signature under the name %s', token_alg, key_alg))
FROM relabelled WHERE token_alg <> key_alg;

-- none, in every spelling, with and without something where a signature is
CREATE TEMP TABLE nothing AS
SELECT alg, signing_input
FROM unnest('{none,None,NONE,nOnE,"none ","",null,HS0,plain,unsecured}'::text[])
		AS alg,
	 LATERAL (SELECT test.base64url_text(json_build_object('alg', alg)::text)
					 || '.' || test.base64url_text('{"sub":"alice"}'))
		AS v (signing_input);
SELECT test.refuses(signing_input || '.', test.public(key),
					format('alg %s and no signature, %s key',
						   quote_nullable(alg), key ->> 'kty'))
FROM nothing, family;
SELECT test.refuses(test.seal(signing_input), test.key('oct'),
					format('alg %s and the MAC', quote_nullable(alg)))
FROM nothing;
SELECT test.refuses_jws(signing_input || '.AA', test.public(key),
						format('alg %s and one octet, %s key',
							   quote_nullable(alg), key ->> 'kty'))
FROM nothing, family;
SELECT test.refuses_jws(signing_input, test.key('oct'),
						format('alg %s in two segments', quote_nullable(alg)))
FROM nothing;
SELECT test.refuses('eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.',
					test.key('oct'), 'RFC 7515 A.5');

-- The public key as HMAC secret, in every form in which it can be had
CREATE TEMP TABLE known AS
SELECT kind, key, pem
FROM (SELECT kind, test.public(test.key(kind)) AS key
	  FROM unnest('{RSA,P-256,P-521,Ed25519}'::text[]) AS kind) AS v,
	 LATERAL (SELECT jwk_to_pem(key)) AS p (pem);
CREATE TEMP TABLE secret AS
SELECT kind, key, what, secret
FROM known, LATERAL (VALUES
	('PEM', convert_to(pem, 'UTF8')),
	('PEM without the last line feed', convert_to(rtrim(pem, E'\n'), 'UTF8')),
	('PEM with CR LF', convert_to(replace(pem, E'\n', E'\r\n'), 'UTF8')),
	('base64 of the DER', convert_to(regexp_replace(pem, '-----[^-]*-----|\n',
													'', 'g'), 'UTF8')),
	('DER', decode(regexp_replace(pem, '-----[^-]*-----', '', 'g'), 'base64')),
	('JWK', convert_to(key::text, 'UTF8')),
	('compact JWK', convert_to(replace(key::text, ' ', ''), 'UTF8')),
	('x or n', test.from_base64url(coalesce(key ->> 'n', key ->> 'x'))),
	('x or n as text', convert_to(coalesce(key ->> 'n', key ->> 'x'), 'UTF8')),
	('the thumbprint', convert_to(jwk_thumbprint(key), 'UTF8')),
	('the empty string', bytea '')) AS v (what, secret);
SELECT test.refuses(signing_input || '.' || test.base64url(
						hmac(signing_input::bytea, secret, hash)), key,
					format('HS%s with the %s of the %s key as secret',
						   right(hash, 3), what, kind))
FROM secret, unnest('{sha256,sha384,sha512}'::text[]) AS hash,
	 LATERAL (SELECT test.base64url_text('{"alg":"HS' || right(hash, 3)
										 || '"}') || '.e30')
		AS v (signing_input);
SELECT test.refuses(signing_input || '.' || test.base64url(
						hmac(signing_input::bytea, secret, 'sha256')),
					key || jsonb_build_object('alg', alg),
					format('HS256 with the %s of the %s key marked %s', what,
						   kind, alg))
FROM secret, (VALUES ('RSA', 'RS256'), ('RSA', 'PS256'), ('P-256', 'ES256'),
					 ('P-521', 'ES512'), ('Ed25519', 'EdDSA'),
					 ('Ed25519', 'Ed25519')) AS v (marked_kind, alg),
	 LATERAL (SELECT test.base64url_text('{"alg":"HS256"}') || '.e30')
		AS i (signing_input)
WHERE kind = marked_kind AND what IN ('PEM', 'DER');
SELECT test.refuses(signing_input || '.' || test.base64url(
						hmac(signing_input::bytea, secret, 'sha256')), key,
					format('the header says %s, the signature is an HMAC with the PEM',
						   alg))
FROM secret, (VALUES ('RSA', 'RS256'), ('RSA', 'PS512'), ('P-256', 'ES256'),
					 ('P-521', 'ES512'), ('Ed25519', 'EdDSA')) AS v (named_kind, alg),
	 LATERAL (SELECT test.base64url_text('{"alg":"' || alg || '"}') || '.e30')
		AS i (signing_input)
WHERE kind = named_kind AND what = 'PEM';

-- MACs: empty, cut, of another hash, and of a secret too short for the hash
SELECT test.refuses(signing_input || '.' || test.base64url(
						substr(hmac(signing_input::bytea,
									test.from_base64url(test.key('oct') ->> 'k'),
									'sha256'), 1, size)),
					test.key('oct'), format('the first %s octets of the MAC', size))
FROM (VALUES ('eyJhbGciOiJIUzI1NiJ9.e30')) AS v (signing_input),
	 unnest('{0,1,4,8,10,16,20,28,31}'::integer[]) AS size;
SELECT test.refuses(signing_input || '.' || test.mac(signing_input, hash),
					test.key('oct'),
					format('header %s, MAC of %s', alg, hash))
FROM unnest('{HS256,HS384,HS512}'::text[]) AS alg,
	 unnest('{md5,sha1,sha224,sha256,sha384,sha512}'::text[]) AS hash,
	 LATERAL (SELECT test.base64url_text('{"alg":"' || alg || '"}') || '.e30')
		AS v (signing_input)
WHERE right(alg, 3) <> right(hash, 3);
SELECT test.refuses(signing_input || '.' || test.base64url(
						hmac(signing_input::bytea, secret, 'sha' || right(alg, 3))),
					jsonb_build_object('kty', 'oct', 'k', test.base64url(secret)),
					format('%s with a secret of %s octets without alg', alg,
						   length(secret)))
FROM (VALUES ('HS384', 32), ('HS384', 47), ('HS512', 48), ('HS512', 63))
		AS v (alg, size),
	 LATERAL (SELECT decode(repeat('5a', size), 'hex'),
			  test.base64url_text('{"alg":"' || alg || '"}') || '.e30')
		AS s (secret, signing_input);

-- Names that are registered, or nearly, but are no signature algorithm here
SELECT test.refuses_jws(test.seal(test.base64url_text('{"alg":"' || alg
													  || '"}') || '.e30'),
						test.key('oct'), 'the header names ' || alg)
FROM unnest('{HS1,HS224,"HS256/64",HS128,RS1,RS224,ES224,ES256K-R,ES521,PS1,
			  ED25519,ed25519,EdDSA,Ed25519ph,dir,A128KW,A256GCMKW,RSA-OAEP,
			  RSA1_5,ECDH-ES,PBES2-HS256+A128KW,HS256K,SHA256,HMAC,HS256;none,
			  "HS256,none"}'::text[]) AS alg;
SELECT test.raises(format('SELECT jwk_generate(%L)', alg), '22023',
				   'no key can be made for ' || alg)
FROM unnest('{none,None,"",hs256,HS1,HS128,RS1,ES224,ES512K,EDDSA,X25519,dir,
			  A128KW,RSA-OAEP,ECDH-ES,ML-DSA,ML-DSA-45,SLH-DSA-SHA2-128s}'::text[])
		AS alg;
SELECT test.raises(format('SELECT jws_sign(''x'', %L)',
						  test.key(kind) || jsonb_build_object('alg', alg)),
				   '22023', format('a %s key marked %s does not sign', kind, alg))
FROM (VALUES ('oct', 'none'), ('oct', ''), ('oct', 'RS256'), ('oct', 'ES256'),
			 ('oct', 'EdDSA'), ('oct', 'A128KW'), ('oct', 'hs256'),
			 ('RSA', 'HS256'), ('RSA', 'ES256'), ('RSA', 'none'),
			 ('RSA', 'RSA-OAEP'), ('RSA', 'RS1'), ('P-256', 'ES384'),
			 ('P-256', 'ES256K'), ('P-256', 'HS256'), ('P-256', 'ECDH-ES'),
			 ('P-521', 'ES256'), ('Ed25519', 'Ed448'), ('Ed25519', 'ES256'),
			 ('Ed25519', 'HS256')) AS v (kind, alg);

-- A plan made earlier verifies again, and with what now holds
SET jwt_auth.leeway = '300s';
CREATE TEMP TABLE lately AS
SELECT test.token('{"exp":' || test.seconds(-60) || '}') AS token;
SELECT token AS lately, test.key('oct') AS secret FROM lately \gset
PREPARE verify AS SELECT jwt_verify_with(:'lately', :'secret');
SET plan_cache_mode = force_generic_plan;
SELECT lives_ok('EXECUTE verify', 'expired within the leeway: accepted');
SET jwt_auth.leeway = 0;
SELECT throws_ok('EXECUTE verify', '28J01', NULL,
				 'the same plan without leeway: expired');

SELECT * FROM finish();
