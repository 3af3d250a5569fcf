-- What the accessors answer (T27, T39): types, values of any
-- kind of claim, and nothing without a token; revocation and disabling act in
-- the next statement of the one who does it, and a token that is not good is
-- an error, never nobody.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
-- At least 166 assertions
SELECT no_plan();
SELECT test.token_of('alice') AS alice \gset

-- Sets the session's token to an own one with the members.
CREATE FUNCTION test.be(members text) RETURNS void
LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('jwt_auth.token', test.own(members), false); END $$;

SELECT function_returns(name, args, type, format('%s returns %s', name, type))
FROM (VALUES ('jwt_claims', '{}'::name[], 'jsonb'), ('jwt_claim', '{text}', 'text'), ('jwt_user_id', '{}', 'uuid'),
			 ('jwt_session_id', '{}', 'uuid'), ('jwt_issuer', '{}', 'text'), ('jwt_role', '{}', 'text'),
			 ('jwt_has_scope', '{text}', 'boolean'), ('jwt_has_role', '{text}', 'boolean'),
			 ('jwt_require_scope', '{text}', 'void'), ('jwt_authenticate', '{text,boolean}', 'jsonb'))
	AS v (name, args, type);
SELECT is((p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof)::text, '(s,s,f,f,f)',
		  p.proname || ' is stable, parallel safe, and neither strict, definer nor leakproof')
FROM pg_proc AS p
WHERE p.proname = ANY ('{jwt_claims,jwt_claim,jwt_user_id,jwt_session_id,jwt_issuer,jwt_role,jwt_has_scope,
						 jwt_has_role,jwt_require_scope}');

-- Nobody
SELECT is((jwt_claims()::text, jwt_claim('sub'), jwt_user_id()::text, jwt_session_id()::text, jwt_issuer(),
		   jwt_role())::text, '(,,,,,)', 'without a token, all accessors are NULL');
SELECT is(jwt_has_role(role), false, 'no role: ' || coalesce(role, 'NULL'))
FROM unnest(ARRAY['x', '', NULL, 'postgres', 'none']) AS role;
SELECT is(jwt_has_scope(scope), false, 'no scope: ' || coalesce(scope, 'NULL'))
FROM unnest(ARRAY['x', '', NULL, ' ']) AS scope;
SELECT test.raises(format('SELECT public.jwt_require_scope(%L)', scope), '28J03', 'without a token, jwt_require_scope raises 28J03')
FROM unnest(ARRAY['x', '', NULL]) AS scope;
SELECT is(jwt_claim(NULL), NULL, 'jwt_claim(NULL) is NULL');

-- A session of ours
SET jwt_auth.token = :'alice';
SELECT is(jwt_user_id(), test.id_of('alice'), 'jwt_user_id returns the user of the session');
SELECT is(jwt_session_id(), (SELECT s.id FROM jwt_auth.sessions AS s WHERE s.user_id = test.id_of('alice')),
		  'jwt_session_id returns the session of the token');
SELECT is(jwt_claims(), (jwt_decode(:'alice')).claims, 'jwt_claims returns the claims of the token');
SELECT is(jwt_claim('tenant'), 't-alice', 'jwt_claim returns a claim of the user');
SELECT is(jwt_claim('sub'), test.id_of('alice')::text, 'jwt_claim returns sub');
SELECT is(jwt_claim(name), NULL, 'no such claim: ' || coalesce(left(name, 20), 'NULL'))
FROM unnest(ARRAY['x', '', NULL, 'Sub', 'sub ', 'SUB', 'tenan', 'tenants', repeat('x', 63), repeat('x', 64),
				  repeat('x', 65), repeat('x', 100000)]) AS name;
SELECT is((jwt_issuer(), jwt_role())::text, '(,)', 'jwt_issuer and jwt_role are NULL for a token without iss and role');
SELECT is(jwt_has_role('alice'), false, 'jwt_has_role does not take the name of a user for a role');

-- Claims of every kind, as ->> gives them
SELECT test.be('"t":"text","e":"","n":12,"f":1.50,"b":true,"z":null,"o":{"a":[1,{"b":"c"}]},"a":["x",2],"u":"ä€😀"') IS NULL AS unused \gset
SELECT is(jwt_claim(name), jwt_claims() ->> name, 'the claim ' || name)
FROM unnest('{t,e,n,f,b,z,o,a,u,exp,none}'::text[]) AS name;
SELECT is(ARRAY[jwt_claim('t'), jwt_claim('e'), jwt_claim('n'), jwt_claim('f'), jwt_claim('b'), jwt_claim('z'),
				jwt_claim('o'), jwt_claim('a'), jwt_claim('u')],
		  ARRAY['text', '', '12', '1.50', 'true', NULL, '{"a": [1, {"b": "c"}]}', '["x", 2]', 'ä€😀'],
		  'jwt_claim returns claims of every type at call sites of their own');
SELECT is((jwt_claim('o')::jsonb #>> '{a,1,b}'), 'c', 'nested values of a claim are reached by a cast');
SELECT is((SELECT array_agg(jwt_claim(CASE n % 3 WHEN 0 THEN 't' WHEN 1 THEN repeat('t', 70) ELSE 'n' END) ORDER BY n)
		   FROM generate_series(0, 5) AS n), ARRAY['text', NULL, '12', 'text', NULL, '12'],
		  'jwt_claim at one call site answers changing names');
SELECT is((SELECT array_agg(jwt_has_scope(scope) ORDER BY n)
		   FROM unnest(ARRAY['a', 'b', 'a', NULL, 'b']) WITH ORDINALITY AS s (scope, n), LATERAL test.be('"scope":"a"')),
		  '{t,f,t,f,f}', 'jwt_has_scope at one call site answers changing scopes');

-- sub and sid
SELECT is((test.be(members), jwt_user_id()::text, jwt_session_id()::text, jwt_claim('sub'))::text,
		  format('("",%s,,%s)', user_id, sub), 'sub: ' || members)
FROM (VALUES ('"x":1', '', ''), ('"sub":"alice"', '', 'alice'), ('"sub":""', '', '""'),
			 ('"sub":"0197a5b0-0000-7000-8000-00000000000"', '', '0197a5b0-0000-7000-8000-00000000000'),
			 ('"sub":"0197a5b0-0000-7000-8000-00000000000g"', '', '0197a5b0-0000-7000-8000-00000000000g'),
			 ('"sub":"0197a5b0-0000-7000-8000-000000000000 "', '', '"0197a5b0-0000-7000-8000-000000000000 "'),
			 ('"sub":"00000000-0000-0000-0000-000000000000"', '00000000-0000-0000-0000-000000000000',
			  '00000000-0000-0000-0000-000000000000'),
			 ('"sub":"0197a5b0-0000-7000-8000-000000000000"', '0197a5b0-0000-7000-8000-000000000000',
			  '0197a5b0-0000-7000-8000-000000000000'),
			 ('"sub":7', '', '7'), ('"sub":null', '', ''), ('"sub":["x"]', '', '"[""x""]"'), ('"sub":true', '', 'true'))
	AS v (members, user_id, sub);
SELECT is((test.be(members), test.sqlstate_of('SELECT public.jwt_session_id()'))::text, '("",28J00)',
		  'a sid that is no session: ' || members)
FROM unnest(ARRAY['"sid":"x"', '"sid":""', '"sid":7', '"sid":null', '"sid":{}',
				  '"sid":"0197a5b0-0000-7000-8000-000000000000"']) AS members;

-- Roles
SELECT is((test.be(members), coalesce(jwt_role(), 'NULL'), jwt_has_role('editor'))::text, format('("",%s)', answer),
		  'role: ' || members)
FROM (VALUES ('"role":"editor"', 'editor,t'), ('"role":"Editor"', 'Editor,f'), ('"role":"editors"', 'editors,f'),
			 ('"role":"editor "', '"editor ",f'), ('"role":""', '"",f'), ('"role":["editor"]', 'NULL,f'),
			 ('"role":7', 'NULL,f'), ('"role":null', 'NULL,f'), ('"roles":["editor"]', 'NULL,f')) AS v (members, answer);

-- Scopes: a string of words (RFC 8693 4.2), or an array
SELECT is((test.be(format('"scope":%s', scope)), jwt_has_scope('read'))::text, format('("",%s)', left(has::text, 1)),
		  'read in ' || scope)
FROM (VALUES ('"read"', true), ('"read write"', true), ('"write read"', true), ('"a read b"', true),
			 ('"  read  "', true), ('["read"]', true), ('["write","read"]', true),
			 ('""', false), ('"write"', false), ('"reader"', false), ('"READ"', false), ('"spread"', false),
			 ('"read,write"', false), ('"read\twrite"', false), ('"re ad"', false), ('[]', false), ('["write"]', false),
			 ('["read write"]', false), ('[["read"]]', false), ('[{"read":1}]', false), ('{"read":true}', false),
			 ('7', false), ('null', false), ('true', false)) AS v (scope, has);
SELECT is((test.be('"scope":"a  b"'), jwt_has_scope(scope))::text, '("",f)', 'no scope: ' || coalesce('"' || scope || '"', 'NULL'))
FROM unnest(ARRAY['', ' ', 'a ', ' a', 'a  b', 'c', NULL, repeat('a', 100000)]) AS scope;
SELECT is((test.be('"scope":"a b"'), test.sqlstate_of(format('SELECT public.jwt_require_scope(%L)', scope)))::text,
		  format('("",%s)', state), 'jwt_require_scope of ' || coalesce('"' || scope || '"', 'NULL'))
FROM (VALUES ('a', NULL), ('b', NULL), ('c', '42501'), ('', '42501'), ('a b', '42501'), ('A', '42501'), (NULL, '42501'))
	AS v (scope, state);
SELECT is((test.be('"sub":"x"'), test.sqlstate_of('SELECT public.jwt_require_scope(''a'')'))::text, '("",42501)',
		  'without a claim "scope", jwt_require_scope raises 42501');

-- Revoked in mid-transaction: the next statement of the same transaction sees it
SELECT test.login('alice') AS other \gset
BEGIN;
SET LOCAL jwt_auth.token = :'other';
SELECT is(jwt_user_id(), test.id_of('alice'), 'before a logout, jwt_user_id returns the user');
SELECT lives_ok('SELECT public.jwt_logout()', 'jwt_logout succeeds within a transaction');
SELECT is(test.sqlstate_of('SELECT public.' || call), '28J02', call || ' after logout in the same transaction')
FROM unnest('{jwt_user_id(),jwt_claim(''sub''),jwt_has_role(''x''),jwt_require_scope(''x'')}'::text[]) AS call;
ROLLBACK;
SET jwt_auth.token = :'other';
SELECT is(jwt_user_id(), test.id_of('alice'), 'when a logout is rolled back, jwt_user_id returns the user');
BEGIN;
SAVEPOINT s;
SELECT jwt_logout() IS NULL AS unused \gset
ROLLBACK TO SAVEPOINT s;
SELECT is(jwt_user_id(), test.id_of('alice'), 'when a logout is rolled back to a savepoint, jwt_user_id returns the user');
COMMIT;
SELECT jwt_logout() IS NULL AS unused \gset
SELECT is(test.sqlstate_of('SELECT public.jwt_user_id()'), '28J02', 'after a logout that committed, jwt_user_id raises 28J02');
SET jwt_auth.check_revocation = off;
SELECT is(jwt_user_id(), test.id_of('alice'), 'with check_revocation off, jwt_user_id returns the user after a logout');
RESET jwt_auth.check_revocation;
SELECT is(test.sqlstate_of('SELECT public.jwt_user_id()'), '28J02', 'with check_revocation on again, jwt_user_id raises 28J02');

-- A login that does not commit makes nobody
SELECT is(jwt_user_id(), NULL, 'after jwt_auth.token was emptied, jwt_user_id is NULL') FROM set_config('jwt_auth.token', '', false);
BEGIN;
SELECT test.login('alice') AS lost \gset
SET LOCAL jwt_auth.token = :'lost';
SELECT is(jwt_user_id(), test.id_of('alice'), 'in the transaction of a login, jwt_user_id returns the user');
SELECT is(jwt_user_id(), test.id_of('alice'), 'in the transaction of a login, jwt_user_id returns the user a second time');
ROLLBACK;
SET jwt_auth.token = :'lost';
SELECT is(test.sqlstate_of('SELECT public.jwt_user_id()'), '28J00', 'after a login was rolled back, jwt_user_id raises 28J00');

-- A token without session, of a user
SELECT test.own(format('"sub":"%s"', test.id_of('bob'))) AS service \gset
SET jwt_auth.token = :'service';
SELECT is(jwt_user_id(), test.id_of('bob'), 'with a token without session, jwt_user_id returns the user');
SELECT is(jwt_session_id(), NULL, 'with a token without session, jwt_session_id is NULL');
SELECT jwt_disable_user(test.id_of('bob')) IS NULL AS unused \gset
SELECT is(test.sqlstate_of('SELECT public.jwt_user_id()'), '28J02', 'with a token of a disabled user, jwt_user_id raises 28J02');
SELECT jwt_enable_user(test.id_of('bob')) IS NULL AS unused \gset
SELECT is(jwt_user_id(), test.id_of('bob'), 'with a token of a user enabled again, jwt_user_id returns the user');
SELECT jwt_delete_user(test.id_of('bob')) IS NULL AS unused \gset
SELECT is(test.sqlstate_of('SELECT public.jwt_user_id()'), '28J02', 'with a token of a deleted user, jwt_user_id raises 28J02');

-- Keys
SET jwt_auth.token = :'alice';
SELECT is(jwt_user_id(), test.id_of('alice'), 'before its key is revoked, jwt_user_id returns the user');
BEGIN;
SELECT jwt_revoke_key(test.kid_of(:'alice')) IS NULL AS unused \gset
SELECT is(test.sqlstate_of('SELECT public.jwt_user_id()'), '28J00', 'after its key was revoked in this transaction, jwt_user_id raises 28J00');
ROLLBACK;
SELECT is(jwt_user_id(), test.id_of('alice'), 'when the revocation of its key is rolled back, jwt_user_id returns the user');
SELECT jwt_rotate_key() IS NOT NULL AS unused \gset
SELECT is(jwt_user_id(), test.id_of('alice'), 'after a rotation of keys, jwt_user_id returns the user');
SELECT jwt_revoke_key(test.kid_of(:'alice')) IS NULL AS unused \gset
SELECT is(test.sqlstate_of('SELECT public.jwt_user_id()'), '28J00', 'after its key was revoked, jwt_user_id raises 28J00');
RESET jwt_auth.token;

-- No memory is kept per row
CREATE FUNCTION pg_temp.own_kilobytes() RETURNS integer
LANGUAGE sql VOLATILE AS
$$ SELECT (regexp_match(pg_read_file('/proc/self/status'), 'RssAnon:\s+(\d+) kB'))[1]::integer $$;
CREATE FUNCTION pg_temp.growth_in_kilobytes(expression text) RETURNS integer
LANGUAGE plpgsql AS
$$
DECLARE
	growth integer;
BEGIN
	EXECUTE format('SELECT max(pg_temp.own_kilobytes()) FILTER (WHERE n = 100000)
						 - max(pg_temp.own_kilobytes()) FILTER (WHERE n = 10000)
					FROM (SELECT n, count(%s) OVER (ROWS CURRENT ROW) FROM generate_series(1, 100000) AS n) AS c (n, counted)
					WHERE counted >= 0', expression) INTO growth;
	RETURN growth;
END
$$;
SELECT test.be(format('"big":"%s","role":"x","scope":["a","b"]', repeat('x', 1000))) IS NULL AS unused \gset
SELECT cmp_ok(pg_temp.growth_in_kilobytes(expression), '<', 4000, expression || ' of each of 90,000 rows, in kB')
FROM (VALUES ('jwt_user_id()'), ('jwt_claims()'), ('jwt_claim(''big'')'), ('jwt_claim(repeat(''x'', 100))'),
			 ('jwt_claim(CASE n % 2 WHEN 0 THEN ''big'' ELSE ''role'' END)'), ('jwt_has_role(''r'' || n)'),
			 ('jwt_has_scope(''s'' || n)')) AS v (expression);

SELECT * FROM finish();
