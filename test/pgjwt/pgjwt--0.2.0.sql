-- What pgjwt 0.2.0 does, written anew in PL/pgSQL on pgcrypto, for tests that
-- compare with it or move away from it: the same names, arguments, results,
-- errors and markings.  It is never installed but into the private server.

\echo Use "CREATE EXTENSION pgjwt" to load this file. \quit

CREATE FUNCTION url_encode(data bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    base64 text := replace(encode(data, 'base64'), chr(10), '');
BEGIN
    RETURN replace(replace(rtrim(base64, '='), '+', '-'), '/', '_');
END
$$;

CREATE FUNCTION url_decode(data text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    base64 text := replace(replace(data, '-', '+'), '_', '/');
BEGIN
    WHILE char_length(base64) % 4 <> 0 LOOP
        base64 := base64 || '=';
    END LOOP;
    RETURN decode(base64, 'base64');
END
$$;

-- An unknown algorithm reaches hmac() as a hash without a name.
CREATE FUNCTION algorithm_sign(signables text, secret text, algorithm text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    hash text := '';
BEGIN
    IF algorithm IN ('HS256', 'HS384', 'HS512') THEN
        hash := 'sha' || right(algorithm, 3);
    END IF;
    RETURN @extschema@.url_encode(@extschema@.hmac(signables, secret, hash));
END
$$;

CREATE FUNCTION sign(payload json, secret text, algorithm text DEFAULT 'HS256') RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    header text := '{"alg":"' || algorithm || '","typ":"JWT"}';
    input text := @extschema@.url_encode(convert_to(header, 'UTF8')) || '.'
        || @extschema@.url_encode(convert_to(payload::text, 'UTF8'));
BEGIN
    RETURN input || '.' || @extschema@.algorithm_sign(input, secret, algorithm);
END
$$;

CREATE FUNCTION try_cast_double(inp text) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CAST(inp AS double precision);
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;

CREATE FUNCTION verify(token text, secret text, algorithm text DEFAULT 'HS256')
RETURNS TABLE (header json, payload json, valid boolean)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    segments text[] := regexp_split_to_array(token, '\.');
    signature text := @extschema@.algorithm_sign(
        segments[1] || '.' || segments[2], secret, algorithm);
    earliest timestamptz;
    latest timestamptz;
BEGIN
    header := convert_from(@extschema@.url_decode(segments[1]), 'UTF8');
    payload := convert_from(@extschema@.url_decode(segments[2]), 'UTF8');
    earliest := to_timestamp(@extschema@.try_cast_double(payload ->> 'nbf'));
    latest := to_timestamp(@extschema@.try_cast_double(payload ->> 'exp'));
    valid := segments[3] = signature
        AND tstzrange(earliest, latest, '[)') @> transaction_timestamp();
    RETURN NEXT;
END
$$;
