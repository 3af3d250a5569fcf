-- Policies by identity (T27, T28, T31, T79, T85, F54): which rows whoever sees
-- and writes; that no token, and any bad one, never opens a row; and what views,
-- SECURITY DEFINER functions, triggers and a change of the token in between do.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
-- At least 114 assertions
SELECT no_plan();
SELECT test.token_of('alice') AS alice, test.token_of('bob') AS bob \gset

CREATE ROLE regress_policies_app;
GRANT USAGE ON SCHEMA public TO regress_policies_app;
CREATE FUNCTION test.use_policy(condition text) RETURNS void
LANGUAGE plpgsql AS
$$
BEGIN
	DROP POLICY IF EXISTS p ON public.document;
	EXECUTE format('CREATE POLICY p ON public.document USING (%s)', condition);
END
$$;
SET client_min_messages = warning;

-- What the app sees under a policy with a token, or the SQLSTATE.
CREATE FUNCTION test.seen_with(condition text, token text) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	seen text;
BEGIN
	PERFORM test.use_policy(condition);
	PERFORM set_config('jwt_auth.token', coalesce(token, ''), true);
	SET LOCAL ROLE regress_policies_app;
	seen := test.seen();
	RESET ROLE;
	PERFORM set_config('jwt_auth.token', '', true);
	RETURN seen;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;

-- Rows by user
SELECT is(test.seen_with(condition, :'alice'), '{1,3,5}', 'alice: ' || condition),
	   is(test.seen_with(condition, :'bob'), '{2,4}', 'bob: ' || condition),
	   is(test.seen_with(condition, NULL), '{}', 'nobody: ' || condition)
FROM unnest(ARRAY['owner = jwt_user_id()', 'owner = (SELECT jwt_user_id())', 'jwt_user_id() = owner',
				  'owner::text = jwt_claim(''sub'')', 'tenant = jwt_claim(''tenant'')',
				  'owner IN (SELECT jwt_user_id())', 'owner = ANY (ARRAY[jwt_user_id()])',
				  'tenant = jwt_claims() ->> ''tenant''',
				  'EXISTS (SELECT FROM test.person AS p WHERE p.id = jwt_user_id() AND p.id = document.owner)',
				  'CASE WHEN jwt_user_id() IS NULL THEN false ELSE owner = jwt_user_id() END']) AS condition;

-- Nobody, and NULL: a comparison with nobody denies, and so does its NOT. The
-- has functions are false for nobody, so that a policy that needs one denies.
SELECT is(test.seen_with(condition, NULL), '{}', 'nobody: ' || condition)
FROM unnest(ARRAY['owner <> jwt_user_id()', 'NOT owner = jwt_user_id()', 'NOT (owner <> jwt_user_id())',
				  'owner > jwt_user_id() OR owner < jwt_user_id()', 'jwt_user_id() NOT IN (owner)',
				  'jwt_has_role(''x'')', 'jwt_has_scope(''x'')', 'jwt_has_role(NULL)', 'jwt_has_scope(NULL)',
				  'jwt_role() = ''x''', 'jwt_role() <> ''x''', 'NOT jwt_role() = ''x''',
				  'jwt_claim(''banned'') = ''false''', 'jwt_claim(''banned'') <> ''true''', 'NOT jwt_claim(''banned'')::boolean',
				  'jwt_session_id() IS NOT NULL', 'jwt_issuer() <> ''x''', 'jwt_claims() ? ''sub''',
				  'jwt_claims() @> ''{}''', 'NOT jwt_claims() ? ''banned''']) AS condition;
-- What a row without owner needs is IS NOT DISTINCT FROM, and a policy must not say so
SELECT is(test.seen_with('owner IS NOT DISTINCT FROM jwt_user_id()', NULL), '{6}',
		  'IS NOT DISTINCT FROM opens the rows of nobody to nobody');
SELECT is(test.seen_with('owner = jwt_user_id() OR owner IS NULL', token), rows, 'rows without owner, if the policy says so')
FROM (VALUES (:'alice', '{1,3,5,6}'), (NULL, '{6}')) AS v (token, rows);
SELECT is(test.seen_with('NOT jwt_has_role(''banned'')', NULL), '{1,2,3,4,5,6}', 'a policy of NOT jwt_has_role alone shows every row to nobody');
SELECT is(test.seen_with('owner = jwt_user_id() AND NOT jwt_has_role(''banned'')', test.own(format('"sub":"%s"%s', test.id_of('alice'), role))),
		  rows, 'beside the identity it does what it says' || role)
FROM (VALUES ('', '{1,3,5}'), (',"role":"banned"', '{}')) AS v (role, rows);

-- A token that is not good is an error, even if the policy has another way
SELECT is(test.seen_with(condition, token), state, format('%s: %s', state, condition))
FROM unnest(ARRAY['owner = jwt_user_id()', 'jwt_user_id() IS NULL', 'jwt_has_role(''x'')', 'NOT jwt_has_scope(''x'')',
				  'coalesce(jwt_claim(''sub''), ''x'') = ''x''']) AS condition,
	 (VALUES ('x', '28J00'), (test.tampered(:'alice'), '28J00'), (test.own('"exp":1'), '28J01')) AS v (token, state);
SELECT is(test.seen_with('jwt_user_id() IS NOT NULL OR true', 'x'), '{1,2,3,4,5,6}', 'a condition that is true for everybody does not look at the token');

-- Writing
SELECT test.use_policy('owner = jwt_user_id()') IS NULL AS unused \gset
SELECT test.login('alice') AS ended \gset
SELECT jwt_revoke(:'ended') IS NULL AS unused \gset
SET ROLE regress_policies_app;
SET jwt_auth.token = :'alice';
SELECT test.raises(format('INSERT INTO public.document VALUES (7, %L)', owner), state, 'alice inserts for ' || who)
FROM (VALUES ('herself', test.id_of('alice'), NULL), ('bob', test.id_of('bob'), '42501'), ('nobody', NULL, '42501'))
	AS v (who, owner, state);
SELECT test.raises(format('UPDATE public.document SET owner = %L WHERE id = 1', test.id_of('bob')), '42501', 'alice cannot give her row to bob');
WITH changed AS (UPDATE public.document SET tenant = 'x' WHERE id IN (1, 2, 6) RETURNING id)
SELECT is((SELECT array_agg(id) FROM changed), '{1}', 'alice''s UPDATE changes only her row');
WITH gone AS (DELETE FROM public.document WHERE id > 1 RETURNING id)
SELECT is((SELECT array_agg(id ORDER BY id) FROM gone), '{3,5,7}', 'alice''s DELETE removes only her rows');
RESET jwt_auth.token;
SELECT test.raises(format('INSERT INTO public.document VALUES (8, %L)', owner), '42501', 'a caller without token cannot insert')
FROM (VALUES (test.id_of('alice')), (NULL)) AS v (owner);
WITH gone AS (DELETE FROM public.document RETURNING id)
SELECT is((SELECT count(*) FROM gone), 0::bigint, 'a DELETE of a caller without token removes no row');
SET jwt_auth.token = :'ended';
SELECT test.raises(statement, '28J02', 'after logout: ' || statement)
FROM unnest(ARRAY['SELECT * FROM public.document', 'DELETE FROM public.document', 'UPDATE public.document SET tenant = NULL',
				  'INSERT INTO public.document VALUES (8)', 'TABLE public.document LIMIT 1']) AS statement;
\set ON_ERROR_STOP off
COPY public.document TO STDOUT;
\set ON_ERROR_STOP on
SELECT is(:'SQLSTATE'::text, '28J02', 'after a logout, COPY raises 28J02');
RESET jwt_auth.token;
RESET ROLE;
TRUNCATE public.document;
INSERT INTO public.document SELECT n, test.id_of(CASE n % 2 WHEN 1 THEN 'alice' ELSE 'bob' END) FROM generate_series(1, 6) AS n;

-- The owner's rows: RLS does not bind the owner unless forced
ALTER TABLE public.document OWNER TO regress_policies_app;
SET ROLE regress_policies_app;
SET jwt_auth.token = :'bob';
SELECT is(test.seen(), '{1,2,3,4,5,6}', 'the owner of the table sees every row');
ALTER TABLE public.document FORCE ROW LEVEL SECURITY;
SELECT is(test.seen(), '{2,4,6}', 'the owner of a table with FORCE ROW LEVEL SECURITY sees the rows of the identity');
RESET ROLE;
ALTER TABLE public.document NO FORCE ROW LEVEL SECURITY;
ALTER TABLE public.document OWNER TO postgres;
GRANT ALL ON public.document TO regress_policies_app;
RESET jwt_auth.token;

-- Views, and functions of the owner
CREATE VIEW public.of_owner AS SELECT id FROM public.document;
CREATE VIEW public.barrier WITH (security_barrier, security_invoker) AS SELECT id, owner FROM public.document;
CREATE VIEW public.filtered WITH (security_barrier) AS SELECT id, owner FROM public.document WHERE owner = public.jwt_user_id();
CREATE FUNCTION public.count_as_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM public.document';
CREATE FUNCTION public.who_as_owner() RETURNS uuid LANGUAGE sql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp AS 'SELECT public.jwt_user_id()';
CREATE FUNCTION public.leak(id integer, owner uuid) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
$$ BEGIN RAISE EXCEPTION SQLSTATE 'LEAK0'; END $$;
GRANT SELECT ON public.of_owner, public.barrier, public.filtered TO regress_policies_app;
SET ROLE regress_policies_app;
SET jwt_auth.token = :'alice';
SELECT is((SELECT count(*) FROM public.of_owner), 6::bigint, 'a view of the table''s owner shows every row');
SELECT is((SELECT array_agg(id ORDER BY id) FROM public.barrier), '{1,3,5}', 'a view with security_invoker shows the rows of the identity');
SELECT is((SELECT array_agg(id ORDER BY id) FROM public.filtered), '{1,3,5}', 'a security barrier view that filters by identity shows its rows');
SELECT is(public.count_as_owner(), 6::bigint, 'a SECURITY DEFINER function of the table''s owner counts every row');
SELECT is(public.who_as_owner(), test.id_of('alice'), 'within a SECURITY DEFINER function, the identity is the caller''s');
-- A function that is not leakproof is only called for rows that pass
SELECT is((SELECT count(*) FROM public.filtered WHERE owner <> test.id_of('alice') AND public.leak(id, owner)), 0::bigint,
		  'no row of bob reaches a function in alice''s query of a barrier view');
SELECT is(test.sqlstate_of('SELECT * FROM public.' || relation || ' WHERE public.leak(id, owner)'), 'LEAK0', 'her own rows do: ' || relation)
FROM unnest('{document,barrier,filtered}'::text[]) AS relation;
RESET jwt_auth.token;
SELECT is(test.sqlstate_of('SELECT * FROM public.' || relation || ' WHERE public.leak(id, owner)'), NULL, 'nobody''s query reaches no row: ' || relation)
FROM unnest('{document,barrier,filtered}'::text[]) AS relation;
RESET ROLE;

-- The token swapped in the middle (T28): only to one that the caller holds, and
-- a bad one is an error for what follows
CREATE FUNCTION public.swap_to(token text) RETURNS boolean LANGUAGE plpgsql VOLATILE COST 0.0001 AS
$$ BEGIN PERFORM set_config('jwt_auth.token', token, false); RETURN true; END $$;
SET ROLE regress_policies_app;
SET jwt_auth.token = :'alice';
SELECT ok((SELECT array_agg(id) FROM public.document WHERE public.swap_to(:'bob')) <@ '{1,2,3,4,5,6}'
		  AND NOT EXISTS (SELECT FROM public.document WHERE owner = test.id_of('alice')), 'a query that swaps the token to bob''s sees the rows of alice or bob');
SELECT is(jwt_user_id(), test.id_of('bob'), 'after a query that swapped the token, the identity is bob');
-- A sequential scan asks for each row; an index scan asked before the first
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT is(test.sqlstate_of(format('SELECT * FROM public.document WHERE public.swap_to(%L)', test.tampered(:'alice'))), '28J00', 'a query that swaps to a forged token is refused');
SELECT is(test.sqlstate_of('SELECT * FROM public.document WHERE public.swap_to(''x'')'), '28J00', 'a query that swaps to a malformed token is refused');
SELECT is(jwt_user_id(), test.id_of('bob'), 'a swap in a query that failed is undone');
RESET enable_indexscan;
RESET enable_bitmapscan;
SET enable_seqscan = off;
SELECT is((SELECT array_agg(id ORDER BY id) FROM public.document WHERE public.swap_to('x')), '{2,4,6}',
		  'an index scan that began as bob''s goes on after a swap to a malformed token');
SELECT is(test.sqlstate_of('SELECT public.jwt_user_id()'), '28J00', 'the statement after a swap to a malformed token is refused');
RESET enable_seqscan;
RESET ROLE;
CREATE FUNCTION public.swap_trigger() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('jwt_auth.token', test.token_of('bob'), true); RETURN NEW; END $$;
CREATE TRIGGER swap BEFORE INSERT ON public.document FOR EACH ROW EXECUTE FUNCTION public.swap_trigger();
SET ROLE regress_policies_app;
SET jwt_auth.token = :'alice';
SELECT test.raises(format('INSERT INTO public.document VALUES (9, %L)', test.id_of('alice')), '42501',
				   'with a trigger that swaps to bob, alice cannot insert a row of hers');
SELECT is(jwt_user_id(), test.id_of('alice'), 'after an INSERT that failed in a trigger, the identity is alice');
SELECT test.raises(format('INSERT INTO public.document VALUES (9, %L)', test.id_of('bob')), NULL, 'with a trigger that swaps to bob, alice can insert a row of bob''s');
RESET ROLE;
DROP TRIGGER swap ON public.document;
RESET jwt_auth.token;

-- A policy can call nothing that has been replaced under another name
SELECT is((SELECT count(*) FROM pg_depend AS d
		   JOIN pg_policy AS p ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
		   WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = 'public.jwt_user_id()'::regprocedure), 1::bigint,
		  'a policy depends on the accessor that it calls');
SELECT test.raises('DROP EXTENSION jwt_auth', '2BP01', 'the extension cannot be dropped while a policy needs it');
SELECT test.raises('DROP FUNCTION public.jwt_user_id()', '2BP01', 'an accessor cannot be dropped while a policy needs it');

DROP OWNED BY regress_policies_app;
DROP ROLE regress_policies_app;
SELECT * FROM finish();
