-- Prints the disagreements and the table, and ends with an error where they
-- are not tolerable.
\pset tuples_only on
SELECT format('%s (%s, %s): expected %s, had %s; %s', id, level, call, expected, had, why)
FROM result
WHERE had NOT IN (expected, 'passed over')
ORDER BY level, id, call;

\pset format aligned
\pset tuples_only off
\pset footer off
SELECT coalesce(level, 'all') AS level, count(DISTINCT id) AS vectors, count(*) AS calls,
	   count(*) FILTER (WHERE had = expected) AS agree,
	   count(*) FILTER (WHERE had NOT IN (expected, 'passed over')) AS disagree,
	   count(*) FILTER (WHERE had = 'passed over') AS "passed over"
FROM result
GROUP BY ROLLUP (level)
ORDER BY array_position('{must,should,policy}', level);

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM result) THEN
		RAISE EXCEPTION 'no vector was run';
	END IF;
	IF EXISTS (SELECT FROM result
			   WHERE had NOT IN (expected, 'passed over')
				 AND (level = 'must' OR had LIKE 'error%')) THEN
		RAISE EXCEPTION 'vectors disagree that must not';
	END IF;
END
$$;
