-- The identity provider of the example, with the variables "issuer" and "jwks".  It has
-- the same name in external.js.

SELECT jwt_add_provider('example-id', :'issuer', '{notebook}', :'jwks', '{"sign_up": true}');
