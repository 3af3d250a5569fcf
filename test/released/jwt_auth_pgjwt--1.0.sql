/* jwt_auth_pgjwt--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION jwt_auth_pgjwt" to load this file. \quit

-- Names, arguments and results are those of pgjwt 0.2.0.  Each function acts
-- only on what the caller hands in, and so is granted to PUBLIC.

CREATE FUNCTION url_encode(data bytea)
RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgjwt_url_encode';
COMMENT ON FUNCTION url_encode(bytea) IS
'Encodes bytes as base64url without padding (RFC 7515 section 2).';
GRANT EXECUTE ON FUNCTION url_encode(bytea) TO PUBLIC;

CREATE FUNCTION url_decode(data text)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgjwt_url_decode';
COMMENT ON FUNCTION url_decode(text) IS
'Decodes base64url or base64, padded or not, as decode(..., ''base64'') does. Errors: 22023 for anything else.';
GRANT EXECUTE ON FUNCTION url_decode(text) TO PUBLIC;

CREATE FUNCTION algorithm_sign(signables text, secret text, algorithm text)
RETURNS text
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgjwt_algorithm_sign';
COMMENT ON FUNCTION algorithm_sign(text, text, text) IS
'Returns the HMAC of a text with HS256, HS384 or HS512 in base64url; NULL for a NULL text or secret. Errors: 22023 for another algorithm or a secret over 8192 bytes.';
GRANT EXECUTE ON FUNCTION algorithm_sign(text, text, text) TO PUBLIC;

CREATE FUNCTION sign(payload json, secret text, algorithm text DEFAULT 'HS256')
RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgjwt_sign';
COMMENT ON FUNCTION sign(json, text, text) IS
'Signs a JSON value with HS256, HS384 or HS512 and a secret, as pgjwt does. Its text is signed as it is, with a secret of any length; prefer jwt_sign or jwt_sign_with in new code. Errors: 22023 for another algorithm, a secret over 8192 bytes or a token over 1 MB, 22P05.';
GRANT EXECUTE ON FUNCTION sign(json, text, text) TO PUBLIC;

-- Not IMMUTABLE as in pgjwt, since it reads the clock: an answer that was kept
-- in a plan or an index would outlive its token.
CREATE FUNCTION verify(token text, secret text, algorithm text DEFAULT 'HS256')
RETURNS TABLE (header json, payload json, valid boolean)
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'pgjwt_verify';
COMMENT ON FUNCTION verify(text, text, text) IS
'Checks a token with a secret, and returns header, payload and whether it is valid. Returns one row: header and payload, whether verified or not, NULL if they are not JSON; and whether signature, nbf and exp are valid, NULL only for a NULL token. Prefer jwt_verify or jwt_verify_with in new code. Errors: 22023 for an algorithm other than HS256, HS384 and HS512, or a secret over 8192 bytes.';
GRANT EXECUTE ON FUNCTION verify(text, text, text) TO PUBLIC;

CREATE FUNCTION try_cast_double(inp text)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'pgjwt_try_cast_double';
COMMENT ON FUNCTION try_cast_double(text) IS
'Returns the text as double precision, or NULL if it is not a number.';
GRANT EXECUTE ON FUNCTION try_cast_double(text) TO PUBLIC;

--
-- ALTER DEFAULT PRIVILEGES applies inside CREATE EXTENSION, too: take back
-- whatever it gave to any role but the owner.  What PUBLIC has is said above.
--
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %s CASCADE',
                                 p.oid::pg_catalog.regprocedure, holder.grantee::pg_catalog.regrole)
        FROM pg_catalog.pg_extension AS extension
        JOIN pg_catalog.pg_depend AS member
            ON member.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
            AND member.refobjid OPERATOR(pg_catalog.=) extension.oid
            AND member.deptype OPERATOR(pg_catalog.=) 'e'
            AND member.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
        JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) member.objid
        CROSS JOIN LATERAL pg_catalog.aclexplode(p.proacl) AS holder
        WHERE extension.extname OPERATOR(pg_catalog.=) 'jwt_auth_pgjwt'
            AND holder.grantee OPERATOR(pg_catalog.<>) p.proowner
            AND holder.grantee OPERATOR(pg_catalog.<>) 0
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
