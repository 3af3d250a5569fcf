-- Runs the vectors that come as input, one JSON object a line.
CREATE TEMP TABLE line (vector json);
-- Neither character occurs in JSON, so that each line is one value.
\copy line FROM pstdin (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')

INSERT INTO result
SELECT vector ->> 'id', vector ->> 'level', call, expected,
	   CASE WHEN EXISTS (SELECT FROM json_array_elements_text(vector -> 'requires') AS alg
						 WHERE NOT is_available(alg))
			THEN 'passed over' ELSE verdict(call, vector) END,
	   vector ->> 'why'
FROM line,
	 LATERAL (SELECT 'jwt_verify_with', coalesce(vector ->> 'expect_jwt', vector ->> 'expect')
			  WHERE vector ->> 'kind' = 'jwt' OR vector ->> 'expect_jwt' IS NOT NULL
			  UNION ALL
			  SELECT 'jws_verify', vector ->> 'expect'
			  WHERE vector ->> 'kind' = 'jws') AS calls (call, expected);
