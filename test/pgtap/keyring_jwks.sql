-- What jwt_jwks() publishes (T75): the active key, next ones and those that
-- still verify, public halves only; never a secret, nor a key that is gone.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 65 assertions
SELECT no_plan();

SELECT is(jwt_jwks(), '{"keys":[]}', 'a set without keys is a set');
SELECT jwt_create_key('HS256', 'secret1');
SELECT is(jwt_jwks(), '{"keys":[]}', 'an active secret is not shown');
SELECT jwt_create_key('HS512', 'secret2');
SELECT is(jwt_jwks(), '{"keys":[]}', 'nor a next one');
SELECT jwt_create_key('ES256', 'e1');
SELECT is(test.published(), '{e1}', 'a next key is shown before it signs');
SELECT is(jwt_rotate_key(), 'secret2', 'a secret is retiring');
SELECT is(jwt_rotate_key(), 'e1', 'and another');
SELECT is((test.published())[1], 'e1', 'the active key comes first');
SELECT is(count(*), 0::bigint, 'no secret is shown in any state')
FROM jsonb_path_query(jwt_jwks(), '$.keys[*] ? (@.kty == "oct")') AS k;

-- All kinds, and what is in each
SELECT jwt_create_key(alg, 'a-' || alg)
FROM unnest('{RS256,PS512,ES384,ES512,ES256K,EdDSA,Ed25519,Ed448}'::text[]) AS alg;
SELECT set_has($$SELECT unnest(test.published())$$,
			   $$SELECT 'a-' || alg FROM unnest('{RS256,PS512,ES384,ES512,ES256K,EdDSA,Ed25519,Ed448}'::text[]) AS alg$$,
			   'each kind is published');
SELECT ok(NOT jwk ?| '{d,p,q,dp,dq,qi,oth,k,priv}', 'no private member: ' || (jwk ->> 'alg')),
	   ok(jwk ?& '{kty,kid,alg,use}', 'kty, kid, alg and use: ' || (jwk ->> 'alg')),
	   is(jwk ->> 'use', 'sig', 'it is for signatures')
FROM jsonb_array_elements(jwt_jwks() -> 'keys') AS jwk;
SELECT is(jwt_verify_with(jwt_sign('{"jti":"j"}', kid => kid), jwt_jwks()) ->> 'jti', 'j',
		  kid || ': the set verifies our tokens')
FROM unnest(test.published()) AS kid WHERE test.key_state(kid) IN ('active', 'next');
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, jwt_jwks())', jwt_sign('{}', kid => 'secret3'))),
		  '28J00', 'but not those that a secret signed')
FROM (SELECT jwt_create_key('HS256', 'secret3')) AS k;

-- What is gone is not shown
SELECT jwt_sign('{}', kid => 'a-ES384') AS es384 \gset
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, jwt_jwks())', :'es384')), NULL, 'while it is there');
SELECT jwt_retire_key('a-ES384');
SELECT ok(NOT 'a-ES384' = ANY (test.published()), 'a retired key is not shown');
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, jwt_jwks())', :'es384')), '28J00', 'and verifies nothing');
SELECT jwt_revoke_key('a-ES512');
SELECT ok(NOT 'a-ES512' = ANY (test.published()), 'nor a revoked one');
SELECT count(jwt_revoke_key(kid)) FROM jwt_auth.keys
WHERE use = 'sig' AND alg ~ '^HS' AND test.key_state(kid) = 'next';
SELECT jwt_revoke_key('e1');
SELECT ok(NOT 'e1' = ANY (test.published()), 'nor a revoked active one');
SELECT is((test.published())[1], (test.active_kids())[1], 'its successor comes first');

-- A retiring key is shown until its end
SELECT (test.active_kids())[1] AS former \gset
SELECT jwt_rotate_key();
SELECT ok(:'former' = ANY (test.published()), 'a retiring key is shown');
SELECT isnt((test.published())[1], :'former', 'not in the first place');
UPDATE jwt_auth.keys SET verify_until = clock_timestamp() WHERE kid = :'former';
SELECT ok(NOT :'former' = ANY (test.published()), 'and no longer at its end');

-- A public key of others' shows up, too: it verifies
SELECT jwt_import_key(jwk_public(jwk_generate('ES256', 'imported')));
SELECT ok('imported' = ANY (test.published()), 'an imported public key is shown');

-- Keys of refresh tokens and names are secrets
SELECT jwt_rotate_refresh_key();
SELECT is(count(*), 0::bigint, 'a refresh key is not shown')
FROM jwt_auth.keys WHERE use <> 'sig' AND kid = ANY (test.published());

-- In one statement with its change, by any role, and where nothing may be written
CREATE ROLE regress_jwks_user;
SET ROLE regress_jwks_user;
SELECT cmp_ok(jsonb_array_length(jwt_jwks() -> 'keys'), '>', 3, 'anyone may read it');
RESET ROLE;
DROP ROLE regress_jwks_user;
BEGIN READ ONLY;
SELECT cmp_ok(jsonb_array_length(jwt_jwks() -> 'keys'), '>', 3, 'also in a read-only transaction');
COMMIT;
BEGIN;
SELECT jwt_create_key('ES256', 'unsure');
SELECT ok('unsure' = ANY (test.published()), 'a key of the running transaction');
ROLLBACK;
SELECT ok(NOT 'unsure' = ANY (test.published()), 'is gone with it');

SELECT * FROM finish();
