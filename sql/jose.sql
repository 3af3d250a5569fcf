-- Tokens, keys and thumbprints as bytes, with keys of RFCs 7515, 7638 and 8037.
-- HS256 and EdDSA signatures have no random part.
CREATE EXTENSION jwt_auth;

\set secret '{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}'
\set ed25519 '{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
\set ed25519_public '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'

-- Sign, verify, decode
SELECT jwt_sign_with('{"sub": "alice", "exp": 4102444800}', :'secret') AS token \gset
\echo :token
SELECT jwt_verify_with(:'token', :'secret');
SELECT * FROM jwt_decode(:'token');
SELECT jwt_sign_with('{"sub": "alice", "exp": 4102444800}', :'ed25519') AS token \gset
\echo :token
SELECT jwt_verify_with(:'token', :'ed25519_public');
SELECT jwt_verify_with(:'token', jsonb_build_object('keys', jsonb_build_array(:'ed25519_public'::jsonb)));
SELECT jwt_verify_with(token => :'token', keys => :'ed25519_public', audience => 'api');
SELECT jwt_verify_with(:'token' || 'A', :'ed25519_public');
SELECT jwt_verify_with(:'token', :'secret');

-- Expired
SELECT jwt_verify_with(jwt_sign_with('{"sub": "alice", "exp": 1300819380}', :'secret'), :'secret');

-- RFC 7515 A.1 and RFC 8037 A.4
SELECT encode(jws_verify('eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk', :'secret'), 'escape');
SELECT jws_sign('Example of Ed25519 signing', :'ed25519');
SELECT jws_sign('Example of Ed25519 signing', :'ed25519', '{"typ": "text"}');

-- Keys
SELECT jwk_public(:'ed25519');
SELECT jwk_thumbprint(:'ed25519');
SELECT jwk_to_pem(:'ed25519');
SELECT jwk_to_pem(:'ed25519_public');
SELECT jwk_from_pem(jwk_to_pem(:'ed25519'), 'EdDSA', 'k1');
SELECT jwk_from_secret(decode(repeat('5a', 32), 'hex'), kid => 'k1');

-- Misuse
SELECT jwt_verify_with(:'token', NULL);
SELECT jwt_verify_with(NULL, :'secret');
SELECT jwt_sign_with('[]', :'secret');
SELECT jwt_sign_with('{}', :'ed25519_public');
SELECT jwk_from_secret('too short');
SELECT jwk_from_pem('no key', 'EdDSA');
SELECT jwk_generate('none');

DROP EXTENSION jwt_auth;
