-- What jwt_jwks() publishes (T75): the active key, next ones and those that
-- still verify, public halves only; never a secret, nor a key that is gone.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 65 assertions
SELECT no_plan();

SELECT is(jwt_jwks(), '{"keys":[]}', 'without keys, jwt_jwks returns an empty set');
SELECT jwt_create_key('HS256', 'secret1');
SELECT is(jwt_jwks(), '{"keys":[]}', 'an active secret is not published');
SELECT jwt_create_key('HS512', 'secret2');
SELECT is(jwt_jwks(), '{"keys":[]}', 'a next secret is not published');
SELECT jwt_create_key('ES256', 'e1');
SELECT is(test.published(), '{e1}', 'a next key is published before it signs');
SELECT is(jwt_rotate_key(), 'secret2', 'a rotation promotes the next secret');
SELECT is(jwt_rotate_key(), 'e1', 'the next rotation promotes the public key');
SELECT is((test.published())[1], 'e1', 'the active key is published first');
SELECT is(count(*), 0::bigint, 'no secret is published in any state')
FROM jsonb_path_query(jwt_jwks(), '$.keys[*] ? (@.kty == "oct")') AS k;

-- All kinds, and what is in each
SELECT jwt_create_key(alg, 'a-' || alg)
FROM unnest('{RS256,PS512,ES384,ES512,ES256K,EdDSA,Ed25519,Ed448}'::text[]) AS alg;
SELECT set_has($$SELECT unnest(test.published())$$,
			   $$SELECT 'a-' || alg FROM unnest('{RS256,PS512,ES384,ES512,ES256K,EdDSA,Ed25519,Ed448}'::text[]) AS alg$$,
			   'a key of each kind is published');
SELECT ok(NOT jwk ?| '{d,p,q,dp,dq,qi,oth,k,priv}', 'a published key has no private member: ' || (jwk ->> 'alg')),
	   ok(jwk ?& '{kty,kid,alg,use}', 'a published key has kty, kid, alg and use: ' || (jwk ->> 'alg')),
	   is(jwk ->> 'use', 'sig', 'a published key has use "sig"')
FROM jsonb_array_elements(jwt_jwks() -> 'keys') AS jwk;
SELECT is(jwt_verify_with(jwt_sign('{"jti":"j"}', kid => kid), jwt_jwks()) ->> 'jti', 'j',
		  kid || ': the published set verifies its tokens')
FROM unnest(test.published()) AS kid WHERE test.key_state(kid) IN ('active', 'next');
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, jwt_jwks())', jwt_sign('{}', kid => 'secret3'))),
		  '28J00', 'a token by a secret does not verify with the published set')
FROM (SELECT jwt_create_key('HS256', 'secret3')) AS k;

-- What is gone is not shown
SELECT jwt_sign('{}', kid => 'a-ES384') AS es384 \gset
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, jwt_jwks())', :'es384')), NULL, 'a token by a next key verifies with the published set');
SELECT jwt_retire_key('a-ES384');
SELECT ok(NOT 'a-ES384' = ANY (test.published()), 'a retired key is not published');
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, jwt_jwks())', :'es384')), '28J00', 'a token by a retired key does not verify with the published set');
SELECT jwt_revoke_key('a-ES512');
SELECT ok(NOT 'a-ES512' = ANY (test.published()), 'a revoked key is not published');
SELECT count(jwt_revoke_key(kid)) FROM jwt_auth.keys
WHERE use = 'sig' AND alg ~ '^HS' AND test.key_state(kid) = 'next';
SELECT jwt_revoke_key('e1');
SELECT ok(NOT 'e1' = ANY (test.published()), 'an active key that was revoked is not published');
SELECT is((test.published())[1], (test.active_kids())[1], 'the successor of a revoked active key is published first');

-- A retiring key is shown until its end
SELECT (test.active_kids())[1] AS former \gset
SELECT jwt_rotate_key();
SELECT ok(:'former' = ANY (test.published()), 'a retiring key is published');
SELECT isnt((test.published())[1], :'former', 'a retiring key is not published first');
UPDATE jwt_auth.keys SET verify_until = clock_timestamp() WHERE kid = :'former';
SELECT ok(NOT :'former' = ANY (test.published()), 'a retiring key is not published after its end');

-- A public key of others' shows up, too: it verifies
SELECT jwt_import_key(jwk_public(jwk_generate('ES256', 'imported')));
SELECT ok('imported' = ANY (test.published()), 'an imported public key is published');

-- Keys of refresh tokens and names are secrets
SELECT jwt_rotate_refresh_key();
SELECT is(count(*), 0::bigint, 'a key for refresh tokens is not published')
FROM jwt_auth.keys WHERE use <> 'sig' AND kid = ANY (test.published());

-- In one statement with its change, by any role, and where nothing may be written
CREATE ROLE regress_jwks_user;
SET ROLE regress_jwks_user;
SELECT cmp_ok(jsonb_array_length(jwt_jwks() -> 'keys'), '>', 3, 'a role without rights can call jwt_jwks');
RESET ROLE;
DROP ROLE regress_jwks_user;
BEGIN READ ONLY;
SELECT cmp_ok(jsonb_array_length(jwt_jwks() -> 'keys'), '>', 3, 'jwt_jwks works in a read-only transaction');
COMMIT;
BEGIN;
SELECT jwt_create_key('ES256', 'unsure');
SELECT ok('unsure' = ANY (test.published()), 'a key of the running transaction is published in it');
ROLLBACK;
SELECT ok(NOT 'unsure' = ANY (test.published()), 'a key that was rolled back is not published');

SELECT * FROM finish();
