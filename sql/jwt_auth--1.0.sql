/* jwt_auth--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION jwt_auth" to load this file. \quit

-- Each object is followed by its comment and its rights.  Functions are
-- granted to PUBLIC where they act only on what the caller hands in.

--
-- Tokens with keys that the caller hands in
--

CREATE FUNCTION jwt_sign_with(claims jsonb, key jsonb)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_sign_with';
COMMENT ON FUNCTION jwt_sign_with(jsonb, jsonb) IS
'Signs exactly these claims, a JSON object, with a private JWK and returns the JWT (RFC 7519). A key without "alg" signs with the first algorithm that it fits: HS256, RS256, the one of its curve, or EdDSA. Errors: 22023 for an unusable key or claims, 22P05 for text without a UTF-8 form.';
GRANT EXECUTE ON FUNCTION jwt_sign_with(jsonb, jsonb) TO PUBLIC;

CREATE FUNCTION jwt_verify_with(token text, keys jsonb, audience text DEFAULT NULL, issuer text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_verify_with';
COMMENT ON FUNCTION jwt_verify_with(text, jsonb, text, text) IS
'Verifies signature, type, times, and issuer and audience unless they are NULL, with a JWK or JWK Set, and returns the claims (RFC 7519 section 7.2). Reads no table. Errors: 28J00 invalid token, 28J01 token expired, 22023 for unusable keys.';
GRANT EXECUTE ON FUNCTION jwt_verify_with(text, jsonb, text, text) TO PUBLIC;

CREATE FUNCTION jwt_decode(token text, OUT header jsonb, OUT claims jsonb)
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_decode';
COMMENT ON FUNCTION jwt_decode(text) IS
'Reads header and claims of a JWT without verifying anything; for people, never for decisions. Error: 28J00 for what is no JWT.';
GRANT EXECUTE ON FUNCTION jwt_decode(text) TO PUBLIC;

--
-- Signed payloads of any kind
--

CREATE FUNCTION jws_sign(payload bytea, key jsonb, header jsonb DEFAULT '{}')
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jws_sign';
COMMENT ON FUNCTION jws_sign(bytea, jsonb, jsonb) IS
'Signs any payload with a private JWK and returns the JWS in compact serialization (RFC 7515 section 7.1); "alg" and "kid" of the header follow from the key. Error: 22023 for an unusable key or header.';
GRANT EXECUTE ON FUNCTION jws_sign(bytea, jsonb, jsonb) TO PUBLIC;

CREATE FUNCTION jws_verify(token text, keys jsonb)
RETURNS bytea
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jws_verify';
COMMENT ON FUNCTION jws_verify(text, jsonb) IS
'Verifies the signature of a compact JWS with a JWK or JWK Set and returns the payload (RFC 7515 section 5.2). Errors: 28J00 invalid token, 22023 for unusable keys.';
GRANT EXECUTE ON FUNCTION jws_verify(text, jsonb) TO PUBLIC;

--
-- JSON Web Keys
--

CREATE FUNCTION jwk_generate(alg text, kid text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_generate';
COMMENT ON FUNCTION jwk_generate(text, text) IS
'Makes a new private JWK, or HMAC secret, for an algorithm (RFC 7517, RFC 7518). Error: 22023 for an unknown algorithm or kid.';
GRANT EXECUTE ON FUNCTION jwk_generate(text, text) TO PUBLIC;

CREATE FUNCTION jwk_from_secret(secret bytea, alg text DEFAULT 'HS256', kid text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_from_secret';
COMMENT ON FUNCTION jwk_from_secret(bytea, text, text) IS
'Makes a JWK of an HMAC secret of 32 to 8192 bytes, at least as many as the hash has (RFC 7518 section 3.2). Error: 22023.';
GRANT EXECUTE ON FUNCTION jwk_from_secret(bytea, text, text) TO PUBLIC;

CREATE FUNCTION jwk_from_pem(pem text, alg text, kid text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_from_pem';
COMMENT ON FUNCTION jwk_from_pem(text, text, text) IS
'Makes a JWK of a PEM key (PKCS#8, SPKI, PKCS#1, SEC1) or X.509 certificate; private if the PEM is (RFC 7468). Errors: 22P02 for unreadable PEM, 22023 for an encrypted or unusable key.';
GRANT EXECUTE ON FUNCTION jwk_from_pem(text, text, text) TO PUBLIC;

CREATE FUNCTION jwk_public(jwk jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_public';
COMMENT ON FUNCTION jwk_public(jsonb) IS
'Returns the public half of a JWK with its kty, kid, alg, use and key_ops. Error: 22023, also for HMAC secrets, which have none.';
GRANT EXECUTE ON FUNCTION jwk_public(jsonb) TO PUBLIC;

CREATE FUNCTION jwk_to_pem(jwk jsonb)
RETURNS text
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_to_pem';
COMMENT ON FUNCTION jwk_to_pem(jsonb) IS
'Writes a JWK as PEM: PKCS#8 if it is private, else SPKI (RFC 7468). Error: 22023, also for HMAC secrets.';
GRANT EXECUTE ON FUNCTION jwk_to_pem(jsonb) TO PUBLIC;

CREATE FUNCTION jwk_thumbprint(jwk jsonb)
RETURNS text
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_thumbprint';
COMMENT ON FUNCTION jwk_thumbprint(jsonb) IS
'Returns the SHA-256 thumbprint of a JWK in base64url (RFC 7638). Error: 22023.';
GRANT EXECUTE ON FUNCTION jwk_thumbprint(jsonb) TO PUBLIC;

--
-- ALTER DEFAULT PRIVILEGES applies inside CREATE EXTENSION, too: take back
-- whatever it gave to any role but the owner.  What PUBLIC has is said above.
--
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
                                 object.kind, object.identity, holder.grantee::pg_catalog.regrole)
        FROM pg_catalog.pg_extension AS extension
        JOIN pg_catalog.pg_depend AS member
            ON member.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
            AND member.refobjid OPERATOR(pg_catalog.=) extension.oid
            AND member.deptype OPERATOR(pg_catalog.=) 'e'
        CROSS JOIN LATERAL (
            SELECT 'FUNCTION', p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proacl, p.proowner
            FROM pg_catalog.pg_proc AS p
            WHERE member.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                AND p.oid OPERATOR(pg_catalog.=) member.objid
            UNION ALL
            SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                   c.oid::pg_catalog.regclass::pg_catalog.text, c.relacl, c.relowner
            FROM pg_catalog.pg_class AS c
            WHERE member.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                AND c.oid OPERATOR(pg_catalog.=) member.objid
            UNION ALL
            SELECT 'SCHEMA', n.oid::pg_catalog.regnamespace::pg_catalog.text, n.nspacl, n.nspowner
            FROM pg_catalog.pg_namespace AS n
            WHERE member.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
                AND n.oid OPERATOR(pg_catalog.=) member.objid
        ) AS object (kind, identity, acl, owner)
        CROSS JOIN LATERAL pg_catalog.aclexplode(object.acl) AS holder
        WHERE extension.extname OPERATOR(pg_catalog.=) 'jwt_auth'
            AND holder.grantee OPERATOR(pg_catalog.<>) object.owner
            AND holder.grantee OPERATOR(pg_catalog.<>) 0
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
