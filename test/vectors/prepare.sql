-- Tables and functions for check.sql and report.sql.
SET client_min_messages = warning;
CREATE EXTENSION jwt_auth;
ALTER DATABASE postgres SET jwt_auth.require_exp = off;

-- What a verifier said of a vector. "call" is the function's name.
CREATE TABLE result (id text, level text, call text, expected text, had text, why text);

-- Verdict of one call: valid, invalid, or whatever else happened.
CREATE FUNCTION verdict(call text, vector json) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	token CONSTANT text := vector ->> 'token';
	payload bytea;
	claims jsonb;
BEGIN
	PERFORM set_config('jwt_auth.leeway', coalesce(vector #>> '{opts,leeway}', '30'), true);
	IF call = 'jws_verify' THEN
		payload := jws_verify(token, (vector -> 'key')::jsonb);
		IF translate(encode(payload, 'base64'), E'+/=\n', '-_')
		   IS DISTINCT FROM coalesce(vector ->> 'payload', translate(encode(payload, 'base64'), E'+/=\n', '-_')) THEN
			RETURN 'valid, with another payload';
		END IF;
	ELSE
		claims := jwt_verify_with(token, (vector -> 'key')::jsonb, vector #>> '{opts,aud}');
		IF claims::text IS DISTINCT FROM
		   coalesce(vector ->> 'claims_json', vector ->> 'claims', claims::text)::jsonb::text THEN
			RETURN 'valid, with other claims';
		END IF;
	END IF;
	RETURN 'valid';
EXCEPTION
	WHEN SQLSTATE '28J00' OR SQLSTATE '28J01' OR SQLSTATE '22023' OR SQLSTATE '22P02' THEN
		RETURN 'invalid';
	WHEN OTHERS THEN
		RETURN 'error ' || SQLSTATE || ': ' || SQLERRM;
END
$$;

CREATE FUNCTION is_available(alg text) RETURNS boolean
LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM jwk_generate(alg);
	RETURN true;
EXCEPTION WHEN SQLSTATE '22023' THEN
	RETURN false;
END
$$;
