-- Parallel workers verify as the leader does (T26), with the session's settings.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 14 assertions
SELECT no_plan();

SELECT p.proname || ' is parallel safe' AS description, p.proparallel = 's' AS safe
INTO TEMP mark
FROM pg_proc AS p
WHERE p.proname IN ('jwt_verify_with', 'jws_verify', 'jwt_decode', 'jwt_sign_with', 'jws_sign');
SELECT ok(safe, description) FROM mark;

CREATE TABLE public.request AS
SELECT n, CASE n % 4 WHEN 0 THEN test.token('{"n":' || n || '}')
					 ELSE test.token('{"exp":4102444800,"n":' || n || '}') END AS token
FROM generate_series(1, 20000) AS n;
ALTER TABLE public.request SET (parallel_workers = 2);
ANALYZE public.request;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT test.key('oct') AS key \gset

CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN plan;
END
$$;
SELECT format('SELECT sum((jwt_verify_with(token, %L) ->> ''n'')::integer) FROM public.request',
			  :'key') AS query \gset
SELECT matches(pg_temp.plan_of(:'query'), 'Gather', 'the plan is parallel');
SELECT test.raises(:'query', '28J00', 'a worker refuses a token without exp');
SET jwt_auth.require_exp = off;
SELECT is((jwt_verify_with(token, :'key') ->> 'n')::integer, n, 'the leader verifies token ' || n)
FROM public.request WHERE n IN (1, 4, 20000);
SELECT results_eq(:'query', 'SELECT sum(n) FROM public.request',
				  'workers verify all tokens with the session''s setting');
SELECT results_eq(format('SELECT count(*) FROM public.request WHERE jws_verify(token, %L) IS NOT NULL',
						 :'key'), 'SELECT 20000::bigint', 'workers run jws_verify');
SELECT results_eq('SELECT sum(((jwt_decode(token)).claims ->> ''n'')::integer) FROM public.request',
				  'SELECT sum(n) FROM public.request', 'workers run jwt_decode');
SELECT results_eq(format('SELECT count(*) FROM public.request
						  WHERE jwt_verify_with(jwt_sign_with(jsonb_build_object(''n'', n), %L), %1$L)
								= jsonb_build_object(''n'', n)', test.key('oct', 'HS256')),
				  'SELECT 20000::bigint', 'workers sign');

SELECT * FROM finish();
