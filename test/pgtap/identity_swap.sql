-- An identity that changes under what was made from it (T28, F01, F46): a value
-- that an accessor has returned stays as it is, whoever the transaction acts
-- for by the time that it is used: in rows, arrays, keys of scans, cursors,
-- sorts, defaults, triggers, RETURNING.  With claims of 100 B, 2 kB and 10 kB.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
SET client_min_messages = warning;
-- At least 200 assertions
SELECT no_plan();

CREATE ROLE regress_swap_app;
GRANT regress_swap_app TO CURRENT_USER;
GRANT ALL ON SCHEMA public, test TO regress_swap_app;

-- Tokens with claims of a size; the numbers of bytes differ, so that memory of
-- one identity never fits the other.
CREATE TABLE test.holder (name text, size integer, token text, fill text, PRIMARY KEY (name, size));
INSERT INTO test.holder
SELECT name, size, test.own(format('"sub":"%s","who":"%s","role":"r-%2$s","fill":"%s"', test.id_of(name), name, fill)), fill
FROM unnest('{100,2000,10000}'::integer[]) AS size, unnest('{alice,bob}'::text[]) AS name,
	 LATERAL repeat(left(name, 1), size + CASE name WHEN 'bob' THEN 30 ELSE 0 END) AS fill;
GRANT SELECT ON test.holder TO PUBLIC;

-- Alice's token becomes the session's.
CREATE FUNCTION test.start(size integer) RETURNS void
LANGUAGE sql VOLATILE AS
$$ SELECT set_config('jwt_auth.token', h.token, false) FROM test.holder AS h WHERE h.name = 'alice' AND h.size = $1 $$;

-- Bob becomes who the transaction acts for, and is looked at; the accessors are
-- called so often that freed memory is taken.
CREATE FUNCTION test.become_bob(size integer) RETURNS text
LANGUAGE plpgsql VOLATILE AS
$$
BEGIN
	PERFORM set_config('jwt_auth.token', h.token, false) FROM test.holder AS h WHERE h.name = 'bob' AND h.size = $1;
	RETURN (SELECT max(c ->> 'who') FROM (SELECT public.jwt_claims() AS c, public.jwt_claim('fill') FROM generate_series(1, 3)) AS s);
END
$$;

-- The same inside the function alone: as_bob_100() and so on. Each returns bob.
DO $$
DECLARE
	holder test.holder;
BEGIN
	FOR holder IN SELECT * FROM test.holder AS h WHERE h.name = 'bob' LOOP
		EXECUTE format('CREATE FUNCTION test.as_bob_%s() RETURNS text LANGUAGE plpgsql VOLATILE SET jwt_auth.token = %L AS %L', holder.size, holder.token,
			'BEGIN RETURN (SELECT max(c ->> ''who'') FROM (SELECT public.jwt_claims() AS c, public.jwt_claim(''fill'')) AS s); END');
	END LOOP;
END
$$;

-- What a query returns for a size, as text: %1$s is the size, %2$s a swap that
-- ends with its function, %3$s one that stays.
CREATE FUNCTION test.swapped(query text, size integer) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	result text;
BEGIN
	PERFORM test.start(size);
	EXECUTE format(query, size, format('test.as_bob_%s()', size), format('test.become_bob(%s)', size)) INTO result;
	RETURN result;
END
$$;

--
-- Within one row. Each accessor, with what is Alice's and Bob's of it; a
-- subquery hands the values on as they are.
--
CREATE TABLE test.accessor (expression text, of_name text);
INSERT INTO test.accessor VALUES
	('jwt_user_id()', 'test.id_of(%L)::text'),
	('jwt_claim(''who'')', '%L'),
	('jwt_claim(''fill'')', '(SELECT h.fill FROM test.holder AS h WHERE h.name = %L AND h.size = %s)'),
	('jwt_claims()', '(SELECT (jwt_decode(h.token)).claims::text FROM test.holder AS h WHERE h.name = %L AND h.size = %s)'),
	('jwt_role()', '''r-'' || %L');
CREATE FUNCTION test.value_of(accessor test.accessor, name text, size integer) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	value text;
BEGIN
	EXECUTE 'SELECT ' || format(accessor.of_name, name, size) INTO value;
	RETURN value;
END
$$;
SELECT is(md5(test.swapped('SELECT concat(r.a, ''|'', r.b, ''|'', r.c) FROM (SELECT ' || a.expression || ' AS a, ' || s.swap || ' AS b, ' || a.expression || ' AS c OFFSET 0) AS r', size)),
		  md5(concat(test.value_of(a, 'alice', size), '|bob|', test.value_of(a, s.then, size))),
		  format('%s, a swap that %s, the same: %s bytes', a.expression, s.note, size))
FROM test.accessor AS a, unnest('{100,2000,10000}'::integer[]) AS size,
	 (VALUES ('%2$s', 'alice', 'ends'), ('%3$s', 'bob', 'stays')) AS s (swap, "then", note);

-- The claims of a session, and jwt_authenticate() itself
BEGIN;
SELECT jwt_authenticate(test.token_of('alice')) IS NULL AS unused \gset
SELECT is((SELECT r::text FROM (SELECT jwt_user_id() AS a, jwt_session_id() AS b, jwt_authenticate(test.token_of('bob')) ->> 'sub' AS c, jwt_user_id() AS d OFFSET 0) AS r),
		  format('(%s,%s,%s,%3$s)', test.id_of('alice'), (jwt_decode(test.token_of('alice'))).claims ->> 'sid', test.id_of('bob')),
		  'jwt_authenticate() between jwt_user_id() and itself');
COMMIT;

-- Values that the executor holds while it evaluates the next one
SELECT is(test.swapped('SELECT (' || replace(expression, 'FILL', 'md5(jwt_claim(''fill''))') || ')::text', size), expected, format('%s: %s bytes', expression, size))
FROM (VALUES ('concat(jwt_claim(''who''), '' '', %2$s, '' '', jwt_claim(''who''))', 'alice bob alice'),
			 ('concat(jwt_claim(''who''), '' '', %3$s, '' '', jwt_claim(''who''))', 'alice bob bob'),
			 ('ARRAY[jwt_claim(''who''), %2$s, jwt_claim(''who''), %3$s, jwt_claim(''who'')]', '{alice,bob,alice,bob,bob}'),
			 ('ROW(jwt_claim(''who''), %2$s, jwt_role(), %3$s, jwt_role())', '(alice,bob,r-alice,bob,r-bob)'),
			 ('jwt_claims() @> jsonb_build_object(''who'', %2$s)', 'false'),
			 ('jwt_claims() ->> CASE %3$s WHEN ''bob'' THEN ''who'' END', 'alice'),
			 ('CASE jwt_claim(''who'') WHEN %2$s THEN ''taken'' WHEN %3$s THEN ''over'' WHEN ''alice'' THEN ''kept'' END', 'kept'),
			 ('jwt_claim(''who'') IN (%2$s, %3$s)', 'false'),
			 ('greatest(jwt_claim(''who''), %2$s, jwt_claim(''who''))', 'bob'),
			 ('jwt_user_id() IS DISTINCT FROM test.id_of(%2$s)', 'true'),
			 ('(jwt_claim(''who''), %3$s) = (''alice'', ''bob'')', 'true'),
			 ('format(''%%s%%s%%s'', length(jwt_claim(''fill'')) - %1$s, %2$s, length(jwt_claim(''fill'')) - %1$s)', '0bob0'))
	AS v (expression, expected), unnest('{100,2000,10000}'::integer[]) AS size;

--
-- One call site, element after element (F46): a cast whose function takes an
-- argument, which PostgreSQL calls for each element of an array.
--
CREATE TYPE test.label;
CREATE FUNCTION test.label_in(cstring) RETURNS test.label LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION test.label_out(test.label) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE test.label (INPUT = test.label_in, OUTPUT = test.label_out, LIKE = text);
CREATE CAST (test.label AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (test.label AS varchar) WITH FUNCTION public.jwt_claim(text);
CREATE FUNCTION test.elements(labels text, lengths integer[]) RETURNS boolean
LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('jwt_auth.token', test.own((SELECT string_agg(format('"%s":"%s"', k, repeat(k, n)), ',') FROM unnest('{a,b,c}'::text[], lengths) AS v (k, n))), false);
	RETURN (SELECT bool_and(v.value IS NOT DISTINCT FROM repeat(l.label, lengths[ascii(l.label) - 96])) AND count(*) = array_length(labels::text[], 1)
			FROM unnest(labels::test.label[]::varchar[]) WITH ORDINALITY AS v (value, n) JOIN unnest(labels::text[]) WITH ORDINALITY AS l (label, n) USING (n));
END
$$;
SELECT is(test.elements(labels, lengths), true, format('%s of lengths %s', labels, lengths))
FROM unnest('{"{a,a,b}","{a,b}","{a,b,a,b,c,c,a}","{b,a,b}","{a,x,b,x}"}'::text[]) AS labels,
	 (VALUES ('{1,1,1}'::integer[]), ('{1,2000,30}'), ('{3000,5,700}'), ('{8,9,3000}'), ('{100,2000,10}'), ('{5000,100,3}')) AS v (lengths);
SELECT test.start(100) IS NULL AS unused \gset
SELECT is((ARRAY['who', 'role', 'who']::text[]::test.label[]::varchar[])::text, '{alice,r-alice,alice}', 'an array that is no constant');
SELECT is((SELECT array_agg(c::text) FROM (SELECT ARRAY[left(n, 4)::test.label, n::test.label]::varchar[] AS c FROM unnest('{who,role}'::text[]) AS n OFFSET 0) AS s), '{"{alice,alice}","{r-alice,r-alice}"}', 'an array of two elements is made anew for each row');
-- The cast's function changes who the transaction acts for
CREATE FUNCTION test.turncoat(test.label) RETURNS uuid LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('jwt_auth.token', test.token_of($1::text), false);
	RETURN public.jwt_user_id();
END
$$;
CREATE CAST (test.label AS uuid) WITH FUNCTION test.turncoat(test.label);
SELECT is('{alice,bob,bob,alice}'::test.label[]::uuid[], ARRAY[test.id_of('alice'), test.id_of('bob'), test.id_of('bob'), test.id_of('alice')], 'each element of an array of user ids has its identity');

--
-- Tables: what is stored
--
CREATE TABLE public.note (id integer GENERATED BY DEFAULT AS IDENTITY, owner uuid, swap text, who text, claims jsonb);
CREATE FUNCTION test.stored(statement text, size integer) RETURNS text
LANGUAGE plpgsql AS
$$
DECLARE
	result text;
BEGIN
	TRUNCATE public.note;
	PERFORM test.start(size);
	EXECUTE format(statement, size, format('test.as_bob_%s()', size), format('test.become_bob(%s)', size));
	SELECT string_agg(concat_ws(' ', p.name, n.swap, n.who, n.claims ->> 'who', length(n.claims ->> 'fill') - size), ', ' ORDER BY n.id) INTO result
	FROM public.note AS n JOIN test.person AS p ON p.id = n.owner;
	RETURN result;
END
$$;
SELECT is(test.stored(statement, size), expected, format('%s: %s bytes', statement, size))
FROM (VALUES ('INSERT INTO public.note (owner, who, claims, swap) VALUES (jwt_user_id(), jwt_claim(''who''), jwt_claims(), %2$s)', 'alice bob alice alice 0'),
			 ('INSERT INTO public.note (owner, swap, who, claims) VALUES (jwt_user_id(), %3$s, jwt_claim(''who''), jwt_claims())', 'alice bob bob bob 30'),
			 ('INSERT INTO public.note (owner, who, claims, swap) VALUES (jwt_user_id(), jwt_claim(''who''), jwt_claims(), %2$s), (jwt_user_id(), jwt_claim(''who''), jwt_claims(), %3$s), (jwt_user_id(), jwt_claim(''who''), jwt_claims(), ''end'')',
			  'alice bob alice alice 0, alice bob alice alice 0, bob end bob bob 30'),
			 ('INSERT INTO public.note (owner, who, claims, swap) SELECT jwt_user_id(), jwt_claim(''who''), jwt_claims(), CASE WHEN n = 2 THEN %3$s ELSE %2$s END FROM generate_series(1, 3) AS n',
			  'alice bob alice alice 0, alice bob alice alice 0, bob bob bob bob 30'),
			 ('WITH w AS (INSERT INTO public.note (swap) VALUES (''r'') RETURNING id, jwt_user_id() AS u, jwt_claim(''who'') AS c, jwt_claims() AS j, %2$s AS s) INSERT INTO public.note (owner, who, claims, swap) SELECT u, c, j, s FROM w',
			  'alice bob alice alice 0'),
			 ('WITH w AS (INSERT INTO public.note (swap) SELECT ''r'' FROM generate_series(1, 3) RETURNING id, jwt_user_id() AS u, jwt_claim(''who'') AS c, jwt_claims() AS j, %3$s AS s) INSERT INTO public.note (owner, who, claims, swap) SELECT u, c, j, s FROM w',
			  'alice bob alice alice 0, bob bob bob bob 30, bob bob bob bob 30'))
	AS v (statement, expected), unnest('{100,2000,10000}'::integer[]) AS size;
-- UPDATE, and what is held for a conflict
INSERT INTO public.note (swap) VALUES ('x') RETURNING id \gset
SELECT test.start(2000) IS NULL AS unused \gset
UPDATE public.note SET owner = jwt_user_id(), who = jwt_claim('who'), claims = jwt_claims(), swap = test.as_bob_2000() WHERE id = :id;
SELECT is((SELECT concat_ws(' ', owner = test.id_of('alice'), who, claims ->> 'who', swap) FROM public.note WHERE id = :id), 't alice alice bob', 'an UPDATE stores the identities in the order of its columns');
-- Defaults: columns that are left out, in INSERT and in COPY
ALTER TABLE public.note ALTER owner SET DEFAULT jwt_user_id(), ALTER who SET DEFAULT jwt_claim('who'), ALTER claims SET DEFAULT jwt_claims(), ALTER swap SET DEFAULT test.as_bob_10000();
SELECT is(test.stored(statement, size), 'alice bob alice alice 0, alice bob alice alice 0', format('%s, with defaults: %s bytes', statement, size))
FROM (VALUES ('INSERT INTO public.note DEFAULT VALUES; INSERT INTO public.note DEFAULT VALUES'), ('INSERT INTO public.note (owner) VALUES (DEFAULT), (DEFAULT)')) AS v (statement),
	 unnest('{100,2000,10000}'::integer[]) AS size;
TRUNCATE public.note;
SELECT test.start(10000) IS NULL AS unused \gset
COPY public.note (id) FROM stdin;
1
2
3
\.
SELECT is((SELECT string_agg(concat_ws(' ', owner = test.id_of('alice'), who, claims ->> 'who', swap), ', ') FROM public.note), 't alice alice bob, t alice alice bob, t alice alice bob', 'a COPY with defaults stores one identity for each row');
ALTER TABLE public.note ALTER owner DROP DEFAULT, ALTER who DROP DEFAULT, ALTER claims DROP DEFAULT, ALTER swap DROP DEFAULT;
-- Triggers: one that swaps before the row is stored, one that asks itself
CREATE FUNCTION test.swap_before() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
	NEW.swap := test.become_bob(TG_ARGV[0]::integer);
	NEW.claims := coalesce(NEW.claims, public.jwt_claims());
	RETURN NEW;
END
$$;
CREATE TRIGGER swap BEFORE INSERT ON public.note FOR EACH ROW EXECUTE FUNCTION test.swap_before(10000);
SELECT is(test.stored(statement, 10000), expected, statement || ', with a trigger that swaps')
FROM (VALUES ('INSERT INTO public.note (owner, who, claims) VALUES (jwt_user_id(), jwt_claim(''who''), jwt_claims())', 'alice bob alice alice 0'),
			 ('INSERT INTO public.note (owner, who) SELECT jwt_user_id(), jwt_claim(''who'') FROM generate_series(1, 2)', 'alice bob alice bob 30, bob bob bob bob 30'),
			 ('WITH w AS (INSERT INTO public.note (owner, who, claims) VALUES (jwt_user_id(), jwt_claim(''who''), jwt_claims()) RETURNING owner, who, claims, jwt_claim(''who'') AS now)
			   UPDATE public.note SET who = w.now FROM w WHERE note.owner = w.owner', 'alice bob alice alice 0')) AS v (statement, expected);
DROP TRIGGER swap ON public.note;

--
-- Scans: a key that the executor evaluates once, a filter that it evaluates for
-- each row. Rows of both owners lie side by side in the indexes, over several
-- pages each.
--
CREATE TABLE public.paper (id integer, owner uuid NOT NULL, fill text NOT NULL, size integer NOT NULL);
INSERT INTO public.paper
SELECT n, test.id_of(h.name), h.fill, h.size FROM generate_series(1, 900) AS n, test.holder AS h;
CREATE INDEX paper_owner ON public.paper (size, owner, id);
CREATE INDEX paper_fill ON public.paper (fill, id);
ALTER TABLE public.paper ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.paper USING (owner = public.jwt_user_id());
GRANT SELECT ON public.paper TO regress_swap_app;
VACUUM ANALYZE public.paper;
SET jwt_auth.token = '';

-- Runs a query with only one kind of scan allowed; what it returns, as text.
CREATE FUNCTION test.scanned(scan text, query text, size integer) RETURNS text
LANGUAGE plpgsql SET role = regress_swap_app AS
$$
DECLARE
	kind text;
	plan text;
	line text;
	result text;
BEGIN
	FOREACH kind IN ARRAY '{seqscan,indexscan,indexonlyscan,bitmapscan,sort,material,memoize}'::text[] LOOP
		PERFORM set_config('enable_' || kind, (kind = scan OR kind = 'indexscan' AND scan = 'indexonlyscan' OR kind IN ('sort', 'material', 'memoize') AND scan <> 'indexscan')::text, true);
	END LOOP;
	PERFORM test.start(size);
	query := format(query, size, format('test.as_bob_%s()', size), format('test.become_bob(%s)', size));
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		plan := concat(plan, line);
	END LOOP;
	EXECUTE query INTO result;
	RETURN concat(CASE WHEN lower(replace(plan, ' ', '')) !~ replace(scan, 'bitmap', 'bitmapheap') THEN 'not a ' || scan || ': ' || plan END, result);
END
$$;
-- By policy and key, with a swap in each row that ends with its function
SELECT is(test.scanned(scan, 'SELECT count(*) || '' '' || count(DISTINCT owner) || '' '' || bool_and(owner = test.id_of(''alice'')) || '' '' || min(s) FROM (SELECT owner, %2$s AS s FROM public.paper WHERE size = %1$s OFFSET 0) AS r', size),
		  '900 1 true bob', format('a swap for each row of a %s: %s bytes', scan, size))
FROM unnest('{seqscan,indexscan,bitmapscan}'::text[]) AS scan, unnest('{100,2000,10000}'::integer[]) AS size;
SELECT is(test.scanned('indexonlyscan', 'SELECT count(*) || '' '' || count(DISTINCT owner) || '' '' || min(s) FROM (SELECT owner, id, %2$s AS s FROM public.paper WHERE size = %1$s OFFSET 0) AS r', size),
		  '900 1 bob', format('a swap for each row of an index-only scan: %s bytes', size))
FROM unnest('{100,10000}'::integer[]) AS size;
-- Text keys of each size
RESET ROLE;
ALTER POLICY p ON public.paper USING (fill = public.jwt_claim('fill'));
SELECT is(test.scanned(scan, 'SELECT count(*) || '' '' || count(DISTINCT owner) || '' '' || bool_and(owner = test.id_of(''alice'')) FROM (SELECT owner, %2$s AS s FROM public.paper OFFSET 0) AS r', size),
		  '900 1 true', format('a swap for each row of a %s with a key of %s bytes', scan, size))
FROM unnest('{seqscan,indexscan,bitmapscan}'::text[]) AS scan, unnest('{100,2000,10000}'::integer[]) AS size;
ALTER POLICY p ON public.paper USING (owner = public.jwt_user_id());
-- A swap that stays: an index scan goes on with its key, a filter with Bob's
SELECT is(test.scanned(scan, 'SELECT count(*) FILTER (WHERE owner = test.id_of(''alice'')) || '' '' || count(*) FILTER (WHERE owner = test.id_of(''bob''))
			FROM (SELECT owner, CASE WHEN id = 10 THEN %3$s END FROM public.paper WHERE size = %1$s OFFSET 0) AS r', size), expected, format('a swap that stays, %s: %s bytes', scan, size))
FROM (VALUES ('indexscan', '900 0'), ('bitmapscan', '900 0')) AS v (scan, expected), unnest('{100,2000,10000}'::integer[]) AS size;
-- The inner side of joins
SELECT is(test.scanned('indexscan', 'SELECT string_agg(r::text, '','') FROM (SELECT n, count(*) AS c, count(DISTINCT p.owner) AS d, min(p.s) AS m FROM generate_series(1, 3) AS n, LATERAL (SELECT owner, %2$s AS s FROM public.paper WHERE size = %1$s AND id > n * 10 OFFSET 0) AS p GROUP BY n ORDER BY n) AS r', size),
		  '(1,890,1,bob),(2,880,1,bob),(3,870,1,bob)', format('the inner side of a nested loop: %s bytes', size))
FROM unnest('{100,10000}'::integer[]) AS size;
SELECT is(test.swapped('SELECT string_agg(concat_ws('' '', n, w, length(f) - %1$s, s), '', '' ORDER BY n) FROM generate_series(1, 4) AS n JOIN (SELECT mod(n, 2) AS k, jwt_claim(''who'') AS w, jwt_claim(''fill'') AS f, CASE n WHEN 1 THEN %3$s END AS s FROM generate_series(0, 1) AS n) AS i ON i.k = mod(n, 2)', size),
		  '1 alice 0 bob, 2 alice 0, 3 alice 0 bob, 4 alice 0', format('the inner side of a hash join: %s bytes', size))
FROM unnest('{100,2000,10000}'::integer[]) AS size;
-- Sorts, groups, windows, sets and aggregates hold values over many rows
SELECT is(test.swapped(query, size), expected, format('%s: %s bytes', query, size))
FROM (VALUES ('SELECT string_agg(concat(w, length(f) - %1$s, s), '' '') FROM (SELECT jwt_claim(''who'') AS w, jwt_claim(''fill'') AS f, CASE n WHEN 2 THEN %3$s END AS s FROM generate_series(1, 3) AS n ORDER BY 2, 1 OFFSET 0) AS r', 'alice0 alice0bob bob30'),
			 ('SELECT string_agg(concat(w, s), '' '' ORDER BY n) FROM (SELECT n, lag(jwt_claim(''who'')) OVER (ORDER BY n) AS w, CASE n WHEN 2 THEN %3$s END AS s FROM generate_series(1, 4) AS n) AS r', ' alicebob bob bob'),
			 ('SELECT array_agg(DISTINCT concat(w, length(f) - %1$s, s)) FROM (SELECT jwt_claim(''who'') AS w, jwt_claim(''fill'') AS f, %2$s AS s FROM generate_series(1, 20)) AS r', '{alice0bob}'),
			 ('SELECT string_agg(w || c, '' '' ORDER BY w) FROM (SELECT w, count(s) AS c FROM (SELECT jwt_claim(''who'') AS w, CASE n WHEN 5 THEN %3$s END AS s FROM generate_series(1, 9) AS n OFFSET 0) AS i GROUP BY w) AS r', 'alice1 bob0'),
			 ('SELECT string_agg(w, '' '') FROM (SELECT max(jwt_claim(''who'')) AS w, %3$s AS s UNION ALL SELECT jwt_claim(''who''), '''' UNION ALL SELECT jwt_claim(''who''), %3$s) AS r', 'alice bob bob'),
			 ('WITH RECURSIVE r (n, w, s) AS (SELECT 1, jwt_claim(''who''), %2$s UNION ALL SELECT n + 1, jwt_claim(''who''), CASE n WHEN 1 THEN %3$s END FROM r WHERE n < 4) SELECT string_agg(w, '' '' ORDER BY n) FROM r', 'alice alice bob bob'),
			 ('SELECT string_agg(x, '' '') FROM unnest(ARRAY[jwt_claim(''who''), %3$s, jwt_claim(''who'')]) AS x', 'alice bob bob'),
			 ('SELECT string_agg(left(x, 1) || length(x) - %1$s, '' '') FROM (SELECT regexp_split_to_table(jwt_claim(''fill''), coalesce(nullif(%3$s, ''bob''), ''z'')) AS x FROM generate_series(1, 2)) AS r', 'a0 b30'),
			 ('SELECT array_to_string(array_agg(md5(c::text) ORDER BY n), '' '') IN (SELECT md5(a.c) || '' '' || md5(a.c) || '' '' || md5(b.c) FROM (SELECT (jwt_decode(token)).claims::text AS c FROM test.holder AS h WHERE h.size = %1$s AND h.name = ''alice'') AS a, (SELECT (jwt_decode(token)).claims::text AS c FROM test.holder AS h WHERE h.size = %1$s AND h.name = ''bob'') AS b) FROM (SELECT n, jwt_claims() AS c, CASE n WHEN 2 THEN %3$s END AS s FROM generate_series(1, 3) AS n) AS r', 'true'))
	AS v (query, expected), unnest('{100,2000,10000}'::integer[]) AS size;

-- Cursors: rows that are fetched before and after; an index scan keeps its key
CREATE FUNCTION test.fetched(scan text, size integer) RETURNS text
LANGUAGE plpgsql SET role = regress_swap_app AS
$$
DECLARE
	papers CURSOR FOR SELECT p.owner = test.id_of('alice') AS is_hers, public.jwt_claim('fill') AS fill, public.jwt_claims() AS claims
					  FROM public.paper AS p WHERE p.size = $2;
	paper record;
	hers integer := 0;
	others integer := 0;
	whose text := '';
BEGIN
	PERFORM set_config('enable_seqscan', (scan = 'seqscan')::text, true), set_config('enable_indexscan', (scan = 'indexscan')::text, true), set_config('enable_bitmapscan', (scan = 'bitmapscan')::text, true);
	PERFORM test.start(size);
	OPEN papers;
	LOOP
		FETCH papers INTO paper;
		EXIT WHEN NOT FOUND;
		hers := hers + paper.is_hers::integer;
		others := others + (NOT paper.is_hers)::integer;
		IF hers + others = 100 THEN
			PERFORM test.become_bob(size);
		END IF;
		IF hers + others IN (100, 101) THEN
			whose := concat(whose, paper.claims ->> 'who', left(paper.fill, 1), length(paper.fill) - size, ' ');
		END IF;
	END LOOP;
	CLOSE papers;
	RETURN concat(whose, hers, ' ', others > 0);
END
$$;
SELECT is(test.fetched(scan, size), 'alicea0 bobb30 900 f', format('a cursor on a %s: %s bytes', scan, size))
FROM unnest('{indexscan,bitmapscan}'::text[]) AS scan, unnest('{100,2000,10000}'::integer[]) AS size;
SELECT matches(test.fetched('seqscan', size), '^alicea0 bobb30 100 ', format('a cursor on a filter, which is Bob''s from then on: %s bytes', size))
FROM unnest('{100,10000}'::integer[]) AS size;

-- In a parallel plan nothing can change the identity; plans serve each in turn
CREATE FUNCTION test.in_parallel(query text, size integer) RETURNS text
LANGUAGE plpgsql SET role = regress_swap_app SET parallel_setup_cost = 0 SET parallel_tuple_cost = 0 SET min_parallel_table_scan_size = 0
SET min_parallel_index_scan_size = 0 SET max_parallel_workers_per_gather = 2 AS
$$
DECLARE
	holder test.holder;
	plan text;
	result text;
	results text := '';
BEGIN
	query := format(query, size);
	FOR holder IN SELECT * FROM test.holder AS h WHERE h.size = $2 ORDER BY h.name LOOP
		PERFORM set_config('jwt_auth.token', holder.token, true);
		EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
		EXECUTE query INTO result;
		results := concat(results, CASE WHEN plan !~ 'Gather' THEN plan END, result, ';');
	END LOOP;
	RETURN results;
EXCEPTION WHEN invalid_transaction_state THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(test.in_parallel('SELECT concat(count(*), '' '', count(DISTINCT owner), '' '', min(jwt_claim(''who'')), '' '', max(length(jwt_claim(''fill''))) - %1$s) FROM public.paper WHERE size = %1$s AND id > 0', size),
		  '900 1 alice 0;900 1 bob 30;', format('a parallel scan of each: %s bytes', size))
FROM unnest('{100,2000,10000}'::integer[]) AS size;
CREATE FUNCTION test.as_bob_in_parallel() RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED AS $$ BEGIN RETURN test.become_bob(100); END $$;
SELECT is(test.in_parallel('SELECT count(s) FROM (SELECT test.as_bob_in_parallel() AS s FROM public.paper WHERE size = %s AND id > 0 OFFSET 0) AS r', 100), '25000', 'a swap in a parallel plan is refused');

-- A call site lends one value; a thousand identities leave no trail of them
CREATE FUNCTION pg_temp.own_kilobytes() RETURNS integer
LANGUAGE sql VOLATILE AS
$$ SELECT (regexp_match(pg_read_file('/proc/self/status'), 'RssAnon:\s+(\d+) kB'))[1]::integer $$;
CREATE FUNCTION pg_temp.growth_in_kilobytes(turns integer) RETURNS integer
LANGUAGE plpgsql AS
$$
DECLARE
	before integer;
	tokens text[] := ARRAY(SELECT h.token FROM test.holder AS h WHERE h.size = 10000 ORDER BY h.name);
	who text;
	seen text;
BEGIN
	FOR turn IN 1 .. turns LOOP
		PERFORM set_config('jwt_auth.token', tokens[turn % 2 + 1], false);
		seen := public.jwt_claim('fill');
		who := public.jwt_claims() ->> 'who';
		ASSERT left(seen, 1) = left(who, 1) AND who = CASE turn % 2 WHEN 0 THEN 'alice' ELSE 'bob' END, 'who it is';
		IF turn = turns / 10 THEN
			before := pg_temp.own_kilobytes();
		END IF;
	END LOOP;
	RETURN pg_temp.own_kilobytes() - before;
END
$$;
-- a sanitizer keeps much of what was freed
\set tool ''
\getenv tool INSTRUMENT
SELECT cmp_ok(pg_temp.growth_in_kilobytes(3000), '<', CASE :'tool' WHEN '' THEN 2000 ELSE 600000 END, 'kB of 2,700 changes of 20 kB each, in one call site');

SET jwt_auth.token = '';
DROP OWNED BY regress_swap_app;
DROP ROLE regress_swap_app;
SELECT * FROM finish();
