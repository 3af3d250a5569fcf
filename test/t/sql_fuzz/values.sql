-- Gives each type of fuzz.raw a table of the values that the type accepts, and
-- signs what may be claims: with our own key, or one that a caller hands in.
-- Prints the kind, type and id of what can be used.

SET client_min_messages = error;
DO $$
DECLARE
	wanted text;
	value fuzz.raw;
BEGIN
	FOR wanted IN SELECT DISTINCT type FROM fuzz.raw LOOP
		EXECUTE format('CREATE TABLE fuzz.%I (id integer PRIMARY KEY, kind text, v %s)', wanted, wanted);
		EXECUTE format('GRANT SELECT ON fuzz.%I TO PUBLIC', wanted);
	END LOOP;
	FOR value IN SELECT * FROM fuzz.raw LOOP
		BEGIN
			EXECUTE format('INSERT INTO fuzz.%I SELECT $1, $2, $3::%s', value.type, value.type)
			USING value.id, value.kind, value.value;
		EXCEPTION WHEN OTHERS THEN
			CONTINUE;
		END;
	END LOOP;
	FOR value IN SELECT * FROM fuzz.raw WHERE kind ~ 'claims$' LOOP
		BEGIN
			INSERT INTO fuzz.text
			SELECT value.id, kind, jwt_sign_with(claims, key)
			FROM (SELECT v FROM fuzz.jsonb WHERE id = value.id AND jsonb_typeof(v) = 'object') AS c,
				 LATERAL (SELECT CASE WHEN value.id % 4 = 0 THEN v ELSE
							jsonb_strip_nulls(jsonb_build_object('iss', nullif(current_setting('jwt_auth.issuer', true), ''),
							'aud', nullif(current_setting('jwt_auth.audience', true), ''), 'exp', 4102444800)) || v END AS claims) AS d,
				 LATERAL (SELECT g.value::jsonb AS key FROM fuzz.good AS g WHERE g.kind = 'private'
						  AND (value.id % 8 = 1 OR g.value::jsonb ->> 'kid' = 'EdDSA') ORDER BY md5(g.value || value.id) LIMIT 1) AS k,
				 LATERAL (SELECT CASE WHEN value.id % 2 = 0 THEN 'access' ELSE 'token' END AS kind) AS l;
		EXCEPTION WHEN OTHERS THEN
			CONTINUE;
		END;
	END LOOP;
END
$$;

SELECT format('SELECT kind, %L, id FROM fuzz.%I', type, type) FROM (SELECT DISTINCT type FROM fuzz.raw) AS t ORDER BY type
\gexec
