-- New extensions, and good values of each kind, printed as JSON: the round's
-- settings are the database's by then.

SET client_min_messages = error;
SET jwt_auth.claims_function = '';
DROP EXTENSION IF EXISTS jwt_auth CASCADE;
DROP SCHEMA IF EXISTS fuzz CASCADE;
CREATE EXTENSION jwt_auth SCHEMA public;
CREATE EXTENSION jwt_auth_pgjwt SCHEMA public;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public, jwt_auth TO regress_sql_fuzz_admin;
GRANT USAGE ON SCHEMA jwt_auth TO regress_sql_fuzz_admin;
GRANT ALL ON ALL TABLES IN SCHEMA jwt_auth TO regress_sql_fuzz_admin;

CREATE SCHEMA fuzz;
GRANT USAGE ON SCHEMA fuzz TO PUBLIC;
CREATE TABLE fuzz.raw (id integer PRIMARY KEY, kind text NOT NULL, type text NOT NULL, value text NOT NULL);
CREATE TABLE fuzz.good (kind text NOT NULL, value text NOT NULL);

INSERT INTO fuzz.good
SELECT 'private', jwk::text
FROM unnest('{HS256,HS512,ES256,ES384,ES512,ES256K,EdDSA,Ed25519,Ed448}'::text[]) AS alg, jwk_generate(alg, alg) AS jwk
UNION ALL
SELECT 'private', (jwk_generate('ES256') - '{alg,kid}'::text[])::text;

-- RFC 7515 A.2
INSERT INTO fuzz.good VALUES ('private', '{"kty":"RSA",
	"n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
	"e":"AQAB",
	"d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
	"p":"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
	"q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
	"dp":"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
	"dq":"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
	"qi":"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"}');

INSERT INTO fuzz.good
SELECT 'public', jwk_public(value::jsonb)::text FROM fuzz.good WHERE kind = 'private' AND value !~ '"oct"';

INSERT INTO fuzz.good
SELECT 'pem', jwk_to_pem(value::jsonb) FROM fuzz.good WHERE value !~ '"oct"'
UNION ALL
SELECT 'jwks', jsonb_build_object('keys', jsonb_agg(value::jsonb))::text FROM fuzz.good WHERE kind = 'public';

-- Our own key is one that the round knows, so that it can sign whatever it likes.
SELECT jwt_import_key(value::jsonb) FROM fuzz.good WHERE kind = 'private' AND value::jsonb ->> 'kid' = 'EdDSA';
SELECT jwt_create_key('ES256', 'next');
SELECT jwt_trust_issuer('https://other.example', value::jsonb, 'api', '{regress_sql_fuzz_member}')
FROM fuzz.good WHERE kind = 'public' AND value::jsonb ->> 'kid' = 'ES384';

CREATE TABLE fuzz.account AS
SELECT name, 'fuzzcanary of ' || name AS password,
	   jwt_create_user(name, 'fuzzcanary of ' || name, role, '{"scope":"read write"}', name || '@mail.example') AS id
FROM (VALUES ('alice', 'regress_sql_fuzz_member'), ('bob', NULL), ('carol', NULL)) AS v (name, role);

CREATE TABLE fuzz.login AS
SELECT jwt_login(name, password) AS answer FROM fuzz.account, generate_series(1, 3);

INSERT INTO fuzz.good
SELECT 'username', name FROM fuzz.account
UNION ALL SELECT 'username', 'dave' || n FROM generate_series(1, 5) AS n
UNION ALL SELECT 'password', password FROM fuzz.account
UNION ALL SELECT 'password', 'a new fuzzcanary password'
UNION ALL SELECT 'user', id::text FROM fuzz.account
UNION ALL SELECT 'session', id::text FROM jwt_auth.sessions
UNION ALL SELECT 'access', answer ->> 'access_token' FROM fuzz.login WHERE answer ? 'access_token'
UNION ALL SELECT 'refresh', answer ->> 'refresh_token' FROM fuzz.login WHERE answer ? 'refresh_token'
UNION ALL SELECT 'role', role FROM unnest('{regress_sql_fuzz_member,regress_sql_fuzz_anyone}'::text[]) AS role
UNION ALL SELECT 'roles', '{regress_sql_fuzz_member}'
UNION ALL SELECT 'address', name || '@mail.example' FROM fuzz.account
UNION ALL SELECT 'kid', kid FROM jwt_auth.keys WHERE kid IS NOT NULL
UNION ALL SELECT 'stored_kid', 'EdDSA'
UNION ALL SELECT 'next_kid', 'next'
UNION ALL SELECT 'kid', 'new' || n FROM generate_series(1, 5) AS n
UNION ALL SELECT 'issuer', issuer FROM unnest(ARRAY['https://other.example', 'https://third.example', current_setting('jwt_auth.issuer', true)]) AS issuer WHERE issuer <> '';

-- A child of each first session, so that the parent is spent
INSERT INTO fuzz.good
SELECT 'refresh', answer ->> 'refresh_token'
FROM (SELECT jwt_refresh(value) AS answer FROM fuzz.good WHERE kind = 'refresh' LIMIT 3) AS r
WHERE answer ? 'refresh_token';

INSERT INTO fuzz.good
SELECT 'token', jwt_sign(claims::jsonb)
FROM unnest(ARRAY['{}', '{"sub":"x","scope":"read write"}', '{"role":"regress_sql_fuzz_member"}', '{"token_use":"refresh"}', '{"cnf":{}}']) AS claims
UNION ALL
SELECT 'token', jwt_sign_with(claims, value::jsonb)
FROM fuzz.good, LATERAL (SELECT jsonb_build_object('iss', 'https://other.example', 'aud', 'api', 'sub', 'fuzzcanary', 'exp', 4102444800) AS claims) AS c
WHERE kind = 'private';

-- A token and its key that the caller hands in, and one of ours that is used up
INSERT INTO fuzz.good
SELECT 'their_token', jwt_sign_with('{"iss":"https://other.example","aud":"api","exp":4102444800}', value::jsonb)
FROM fuzz.good WHERE kind = 'private' AND value::jsonb ->> 'kid' = 'ES256'
UNION ALL SELECT 'their_keys', value FROM fuzz.good WHERE kind = 'public' AND value::jsonb ->> 'kid' = 'ES256'
UNION ALL SELECT 'pem_of_curve', jwk_to_pem(value::jsonb) FROM fuzz.good WHERE kind = 'private' AND value::jsonb ->> 'kid' = 'ES256'
UNION ALL SELECT 'new_private', jwk_generate('ES256', 'new')::text
UNION ALL SELECT 'own_token', jwt_sign('{}');

-- What is sent to users, and sessions that were authenticated enough for everything
SET jwt_auth.sign_up = on;
SET jwt_auth.anonymous_sign_up = on;
INSERT INTO fuzz.good
SELECT 'flow', answer ->> 'flow'
FROM (VALUES (jwt_request_recovery('alice@mail.example')), (jwt_request_login('bob@mail.example')),
			 (jwt_sign_up('erin@mail.example', 'a new fuzzcanary password'))) AS v (answer)
UNION ALL SELECT 'invitation', jwt_invite('frank@mail.example')::text;
CREATE TABLE fuzz.message AS SELECT m FROM jsonb_array_elements(jwt_outbox_claim(10, '1 h')) AS m;
INSERT INTO fuzz.good
SELECT 'message', m ->> 'id' FROM fuzz.message
UNION ALL SELECT 'link', m ->> 'token' FROM fuzz.message WHERE m ? 'token'
UNION ALL SELECT 'link', jwt_create_link(id, 'recovery') FROM fuzz.account
UNION ALL SELECT 'code', m ->> 'code' FROM fuzz.message WHERE m ? 'code'
UNION ALL SELECT 'strong', jwt_start_session(id, '{pwd,mfa}') ->> 'access_token'
FROM fuzz.account, generate_series(1, 3) WHERE name = 'alice';
INSERT INTO fuzz.good SELECT 'access', value FROM fuzz.good WHERE kind = 'strong';
BEGIN;
SELECT set_config('jwt_auth.token', value, true) FROM fuzz.good WHERE kind = 'strong' LIMIT 1;
INSERT INTO fuzz.good SELECT 'factor', jwt_enroll_totp() ->> 'factor_id'
UNION ALL SELECT 'api_token', jwt_create_api_token('fuzzcanary', 'read', '1 h') ->> 'token';
COMMIT;

INSERT INTO fuzz.good
SELECT 'client', answer ->> 'client_id' FROM (SELECT jwt_create_client('fuzzcanary') AS answer FROM generate_series(1, 3)) AS c
UNION ALL
SELECT 'token_request', (answer || '{"grant_type":"client_credentials"}')::text FROM jwt_create_client('fuzzcanary', '{"scope":"read"}') AS answer;

SELECT jwt_add_provider('idp', 'https://idp.example', '{app}', value::jsonb, '{"sign_up":true,"nonce":"none"}')
FROM fuzz.good WHERE kind = 'public' AND value::jsonb ->> 'kid' = 'ES256';
INSERT INTO fuzz.good
SELECT 'id_token', jwt_sign_with(jsonb_build_object('iss', 'https://idp.example', 'aud', 'app', 'sub', 's' || n, 'iat', extract(epoch FROM now())::bigint,
												   'exp', extract(epoch FROM now())::bigint + 3600), value::jsonb)
FROM fuzz.good, generate_series(1, 5) AS n
WHERE kind = 'private' AND value::jsonb ->> 'kid' = 'ES256';

-- The registration "none-es256" of Web Authentication Level 3, section "Test Vectors"
INSERT INTO fuzz.good
SELECT 'credential', jsonb_build_object('id', id, 'rawId', id, 'type', 'public-key', 'clientExtensionResults', '{}'::jsonb, 'response', jsonb_build_object(
	'clientDataJSON', 'eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiQU1NUHQ0VXh4R1RTdG5jZHE0MTdZRHdCRmk4dnBJYS1wdzhvT3VWVzRUQSIsIm9yaWdpbiI6Imh0dHBzOi8vZXhhbXBsZS5vcmciLCJjcm9zc09yaWdpbiI6ZmFsc2UsImV4dHJhRGF0YSI6ImNsaWVudERhdGFKU09OIG1heSBiZSBleHRlbmRlZCB3aXRoIGFkZGl0aW9uYWwgZmllbGRzIGluIHRoZSBmdXR1cmUsIHN1Y2ggYXMgdGhpczogQmtRZURqZGNUQnJYQmlBd0pUTEU1USJ9',
	'attestationObject', 'o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVikv6vDdDKViwYzYNOtZGHJxHNa5_jt1GWSpeDwFFKy5LVZAAAAAIRGzLmrHbN0dQsjZ_9vOh8AIPkfOR20ybL94OpwGJy6P7Y_V5umEiszrZT_PsMwCEvkpQECAyYgASFYIK_voW-XypstI-uGzLZAmNINuQhWBi6yScM6m2cvJt9hIlggkwpWuHovymYzSwNFir-HlxfBLMaO1zKQry4mZHlrkiA'))::text
FROM (VALUES ('-R85HbTJsv3g6nAYnLo_tj9Xm6YSKzOtlP8-wzAIS-Q')) AS v (id)
UNION ALL
SELECT 'expected', '{"challenge":"AMMPt4UxxGTStncdq417YDwBFi8vpIa-pw8oOuVW4TA","origins":["https://example.org"],"rp_id":"example.org","user_verification":"discouraged"}';

-- For the drop-in for pgjwt, whose keys are texts
INSERT INTO fuzz.good
SELECT 'secret', secret FROM unnest('{fuzzcanary,fuzzcanary of a longer secret}'::text[]) AS secret;
INSERT INTO fuzz.good
SELECT 'sealed', sign(payload::json, secret, algorithm)
FROM unnest(ARRAY['{}', '{"sub":"fuzzcanary","exp":4102444800}', '{"nbf":"1","exp":"1e9"}', '["fuzzcanary"]']) AS payload,
	 unnest('{HS256,HS384,HS512}'::text[]) AS algorithm,
	 LATERAL (SELECT value AS secret FROM fuzz.good WHERE kind = 'secret' LIMIT 2) AS s;

INSERT INTO fuzz.good SELECT 'good_sealed', sign('{}', secret) FROM unnest('{fuzzcanary}'::text[]) AS secret;

SELECT json_build_array(kind, value) FROM fuzz.good;
