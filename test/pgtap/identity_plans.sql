-- Identity and plans (T28): an accessor is an index condition; plans that
-- were made for one identity serve another; rows of cursors, loops and
-- functions follow the token that counts when they are fetched.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
-- At least 42 assertions
SELECT no_plan();
SELECT test.token_of('alice') AS alice, test.token_of('bob') AS bob, test.id_of('alice') AS alice_id \gset

CREATE ROLE regress_plans_app;
GRANT USAGE ON SCHEMA public TO regress_plans_app;
GRANT ALL ON SCHEMA public, test TO regress_plans_app;
INSERT INTO public.document SELECT n, gen_random_uuid(), 't-' || n FROM generate_series(7, 20000) AS n;
CREATE INDEX document_tenant ON public.document (tenant);
ANALYZE public.document;
CREATE POLICY p ON public.document USING (owner = public.jwt_user_id());

CREATE FUNCTION test.plan_of(query text) RETURNS text
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

-- Index conditions
SELECT matches(test.plan_of('SELECT * FROM public.document WHERE ' || condition), pattern, 'Index Cond: ' || condition)
FROM (VALUES ('owner = jwt_user_id()', 'Index Cond: \(owner = jwt_user_id\(\)\)'),
			 ('owner = (SELECT jwt_user_id())', 'Index Cond: \(owner = \$\d\)|Index Cond: \(owner = \(InitPlan (?:expr_)?1\)'),
			 ('tenant = jwt_claim(''tenant'')', 'Index Cond: \(tenant = jwt_claim\(''tenant''::text\)\)'),
			 ('tenant = jwt_claims() ->> ''tenant''', 'Index Cond: \(tenant = \(jwt_claims\(\) ->> ''tenant''::text\)\)'))
	AS v (condition, pattern);
SET ROLE regress_plans_app;
SELECT matches(test.plan_of(query), 'Index Cond: \(owner = jwt_user_id\(\)\)', 'the policy is an index condition: ' || query)
FROM unnest(ARRAY['SELECT * FROM public.document', 'DELETE FROM public.document', 'SELECT count(*) FROM public.document WHERE tenant LIKE ''%x''']) AS query;
-- The planner asks for the value, to estimate with it
SET jwt_auth.token = 'x';
SELECT is(test.sqlstate_of('EXPLAIN SELECT owner FROM public.document'), '28J00', 'EXPLAIN with a malformed token is refused');
SELECT is(test.sqlstate_of('SELECT count(*) FROM public.document'), '28J00', 'a query with a malformed token is refused');
RESET jwt_auth.token;

-- Prepared statements, with custom and generic plans, across identities
CREATE FUNCTION test.prepared(mode text) RETURNS text[]
LANGUAGE plpgsql AS
$$
DECLARE
	results text[] := '{}';
	result text;
	name text;
BEGIN
	PERFORM set_config('plan_cache_mode', mode, true);
	FOREACH name IN ARRAY '{alice,bob,nobody,alice,bob,bob,nobody,alice}'::text[] LOOP
		PERFORM set_config('jwt_auth.token', coalesce(test.token_of(name), ''), true);
		EXECUTE 'EXECUTE of_everyone' INTO result;
		results := results || coalesce(result, '-');
		EXECUTE 'EXECUTE of_tenant(''t-bob'')' INTO result;
		results := results || coalesce(result, '-');
	END LOOP;
	RETURN results;
END
$$;
PREPARE of_everyone AS SELECT string_agg(id::text, ',' ORDER BY id) FROM public.document;
PREPARE of_tenant(text) AS SELECT string_agg(id::text, ',' ORDER BY id) FROM public.document WHERE tenant = $1;
SELECT is(test.prepared(mode), ARRAY['1,3,5', '-', '2,4', '2,4', '-', '-', '1,3,5', '-', '2,4', '2,4', '2,4', '2,4', '-', '-', '1,3,5', '-'],
		  'prepared: ' || mode)
FROM unnest('{auto,force_custom_plan,force_generic_plan,auto}'::text[]) AS mode;
-- Prepared as nobody, and as somebody whose token has ended meanwhile
SET jwt_auth.token = :'alice';
PREPARE who AS SELECT jwt_user_id(), jwt_claim('tenant');
SET plan_cache_mode = force_generic_plan;
SELECT is((SELECT count(*) FROM public.document), 3::bigint, 'with alice''s token, the app sees three rows');
CREATE FUNCTION test.executed_who() RETURNS text LANGUAGE plpgsql AS
$$ DECLARE r record; BEGIN EXECUTE 'EXECUTE who' INTO r; RETURN r::text; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;
RESET ROLE;
GRANT ALL ON ALL FUNCTIONS IN SCHEMA test TO PUBLIC;
SELECT is(test.executed_who(), format('(%s,t-alice)', :'alice_id'), 'a generic plan executed with alice''s token returns alice');
SET jwt_auth.token = :'bob';
SELECT is(test.executed_who(), format('(%s,t-bob)', test.id_of('bob')), 'a generic plan executed with bob''s token returns bob');
SET jwt_auth.token = 'x';
SELECT is(test.executed_who(), '28J00', 'a generic plan executed with a malformed token is refused');
RESET jwt_auth.token;
SELECT is(test.executed_who(), '(,)', 'a generic plan executed without token returns nobody');
SELECT test.login('alice') AS ended \gset
SET jwt_auth.token = :'ended';
SELECT is(test.executed_who(), format('(%s,t-alice)', :'alice_id'), 'a generic plan executed with a session''s token returns its user');
SELECT jwt_logout() IS NULL AS unused \gset
SELECT is(test.executed_who(), '28J02', 'a generic plan executed after the end of the session is refused');
RESET jwt_auth.token;
RESET plan_cache_mode;

-- The same plan for another role: RLS or not
SET plan_cache_mode = force_generic_plan;
SET jwt_auth.token = :'alice';
PREPARE counted AS SELECT count(*) FROM public.document;
CREATE FUNCTION test.executed_count() RETURNS bigint LANGUAGE plpgsql AS
$$ DECLARE n bigint; BEGIN EXECUTE 'EXECUTE counted' INTO n; RETURN n; END $$;
SELECT is(test.executed_count(), 20000::bigint, 'a generic plan executed by a superuser counts all rows');
SET ROLE regress_plans_app;
SELECT is(test.executed_count(), 3::bigint, 'a generic plan executed by the app counts alice''s rows');
RESET ROLE;
SELECT is(test.executed_count(), 20000::bigint, 'a generic plan executed by a superuser again counts all rows');
RESET plan_cache_mode;
RESET jwt_auth.token;

-- A policy inside a function of plpgsql and of SQL, whose plans are kept
CREATE FUNCTION public.own_rows() RETURNS integer[] LANGUAGE plpgsql STABLE AS
$$ BEGIN RETURN (SELECT array_agg(id ORDER BY id) FROM public.document); END $$;
CREATE FUNCTION public.own_rows_sql() RETURNS integer[] LANGUAGE sql STABLE AS
$$ SELECT array_agg(id ORDER BY id) FROM public.document $$;
SET ROLE regress_plans_app;
CREATE FUNCTION pg_temp.loop(name text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	results text := '';
BEGIN
	FOR n IN 1 .. 12 LOOP
		PERFORM set_config('jwt_auth.token', test.token_of(CASE n % 2 WHEN 1 THEN 'alice' ELSE 'bob' END), true);
		EXECUTE format('SELECT $1 || coalesce(public.%I()::text, ''-'')', name) INTO results USING results;
	END LOOP;
	RETURN results;
END
$$;
SELECT is(pg_temp.loop(name), repeat('{1,3,5}{2,4}', 6), 'twelve calls of ' || name) FROM unnest('{own_rows,own_rows_sql}'::text[]) AS name;

-- A loop that switches the token at each turn: simple expressions, queries, and
-- a query that is open meanwhile
DO $$
DECLARE
	row record;
	before uuid;
	turn integer := 0;
BEGIN
	FOR row IN SELECT p.name, p.id, p.token FROM test.person AS p, generate_series(1, 50) ORDER BY random() LOOP
		before := public.jwt_user_id();
		PERFORM set_config('jwt_auth.token', row.token, true);
		ASSERT public.jwt_user_id() = row.id, 'an expression';
		ASSERT public.jwt_claim('tenant') = 't-' || row.name, 'a claim';
		ASSERT NOT public.jwt_has_role(row.name), 'a role';
		ASSERT (SELECT bool_and(d.owner = row.id) AND count(*) >= 2 FROM public.document AS d), 'a query';
		turn := turn + 1;
	END LOOP;
	ASSERT turn = 100;
END
$$;
SELECT pass('in a loop that switches the token at each turn, each turn has its identity');
SELECT is(jwt_user_id(), NULL, 'after a loop that switched the token, there is no identity');

-- Cursors
BEGIN;
SELECT jwt_authenticate(:'alice') IS NULL AS unused \gset
DECLARE c CURSOR FOR SELECT id FROM public.document ORDER BY id;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM public.document ORDER BY id;
DECLARE of_claim CURSOR WITH HOLD FOR SELECT jwt_claim('tenant') FROM generate_series(1, 3);
CREATE FUNCTION pg_temp.fetch(name text) RETURNS text LANGUAGE plpgsql AS
$$ DECLARE c refcursor := name; value text; BEGIN FETCH c INTO value; RETURN value; END $$;
SELECT is(pg_temp.fetch('c'), '1', 'the first row of a cursor is alice''s');
SELECT is(pg_temp.fetch('held'), '1', 'the first row of a held cursor is alice''s');
SET LOCAL jwt_auth.token = :'bob';
SELECT is(pg_temp.fetch('held'), '3', 'an index scan that began as alice''s goes on after a switch to bob');
SELECT is(pg_temp.fetch('of_claim'), 't-bob', 'an expression of a cursor has the identity that fetches');
SET LOCAL jwt_auth.token = :'alice';
COMMIT;
SELECT is(jwt_user_id(), NULL, 'after COMMIT, there is no identity');
SELECT is(ARRAY[pg_temp.fetch('held'), pg_temp.fetch('held')], ARRAY['5', NULL], 'a cursor held over COMMIT returns the rows of the one who opened it');
SELECT is(ARRAY[pg_temp.fetch('of_claim'), pg_temp.fetch('of_claim')], '{t-alice,t-alice}', 'an expression of a held cursor has the identity at COMMIT');
CLOSE held;
CLOSE of_claim;
-- A cursor held over the end of its token: COMMIT fetches the rest
\set ON_ERROR_STOP off
BEGIN;
SELECT jwt_authenticate(:'alice') IS NULL AS unused \gset
DECLARE late CURSOR WITH HOLD FOR SELECT jwt_claim('tenant') FROM generate_series(1, 3);
SET LOCAL jwt_auth.token = '';
COMMIT;
\set ON_ERROR_STOP on
SELECT is(pg_temp.fetch('late'), NULL, 'an expression of a held cursor is NULL without identity at COMMIT');
CLOSE late;

-- Materialised: what was written as alice stays
BEGIN;
SELECT jwt_authenticate(:'alice') IS NULL AS unused \gset
CREATE TEMP TABLE taken AS SELECT id FROM public.document;
SELECT is((SELECT array_agg(d.id ORDER BY d.id) FROM public.document AS d JOIN taken USING (id)), '{1,3,5}', 'a table that was created as alice joins alice''s rows');
SELECT is((WITH w AS MATERIALIZED (SELECT id FROM public.document) SELECT count(*) FROM w), 3::bigint, 'a materialized CTE sees alice''s rows');
SELECT is((SELECT array_agg(n) FROM generate_series(1, 2) AS n, LATERAL (SELECT count(*) FROM public.document WHERE id > n) AS l), '{1,2}', 'a LATERAL query sees alice''s rows');
COMMIT;

-- Functions of the extension in an index, a constraint, a generated column: no
RESET ROLE;
SELECT test.raises(statement, state, 'refused: ' || statement)
FROM (VALUES ('CREATE INDEX ON public.document (jwt_user_id())', '42P17'), ('CREATE INDEX ON public.document (id) WHERE jwt_has_role(''x'')', '42P17'),
			 ('ALTER TABLE public.document ADD COLUMN g uuid GENERATED ALWAYS AS (jwt_user_id()) STORED', '42P17')) AS v (statement, state);
ALTER TABLE public.document ALTER COLUMN owner SET DEFAULT public.jwt_user_id();
SET ROLE regress_plans_app;
BEGIN;
SELECT jwt_authenticate(:'bob') IS NULL AS unused \gset
WITH new AS (INSERT INTO public.document (id) VALUES (30000) RETURNING owner)
SELECT is((SELECT owner FROM new), test.id_of('bob'), 'a default can be the identity');
COMMIT;
RESET ROLE;

DROP OWNED BY regress_plans_app;
DROP ROLE regress_plans_app;
SELECT * FROM finish();
