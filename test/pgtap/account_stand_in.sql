-- What an unknown name costs (F05, T36): as much as one of the hashes that are
-- stored, whatever the settings ask for by now and however the hashes came; the
-- same one as users come and go, and in every connection. Hashes that take 8 kB
-- and such that take 32 MB cannot be mistaken for each other.
CREATE EXTENSION jwt_auth;
CREATE EXTENSION dblink;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 19 assertions
SELECT no_plan();
SET jwt_auth.login_max_failures = 1000;

-- Milliseconds for which the backend has used the processor, whatever else the
-- machine does
CREATE FUNCTION test.processor_time() RETURNS numeric LANGUAGE sql VOLATILE AS
$$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1e6 $$;

-- Cheap or dear, by the faster of two logins that are denied
CREATE FUNCTION test.cost(username text) RETURNS text LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	start numeric;
	least numeric := 'infinity';
BEGIN
	FOR n IN 1 .. 2 LOOP
		start := test.processor_time();
		ASSERT public.jwt_login(username, 'a wrong password') ->> 'error' = 'invalid_grant';
		least := least(least, test.processor_time() - start);
		EXIT WHEN least < 6;
	END LOOP;
	RETURN CASE WHEN least < 6 THEN 'cheap' ELSE 'dear' END;
END
$$;
CREATE FUNCTION test.costs(prefix text, count integer) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT string_agg(c, ' ' ORDER BY c) FROM (SELECT DISTINCT test.cost(prefix || n) AS c FROM generate_series(1, count) AS n) AS v $$;
SELECT test.login('nobody at all');

-- Nobody has a password: the cost of a new one
SELECT is(test.costs('nobody', 5), 'cheap', 'without users, an unknown name costs a new hash, which is cheap');
SET jwt_auth.argon2_memory = '32 MB';
SELECT is(test.costs('nobody', 5), 'dear', 'without users, an unknown name costs a new hash, which is dear');
SELECT jwt_create_user('without password');
SELECT is(test.costs('nobody', 5), 'dear', 'a user without password does not change what unknown names cost');

-- The cost was raised
SET jwt_auth.argon2_memory = 8;
SELECT count(test.create_user('cheap' || n)) FROM generate_series(1, 13) AS n;
SET jwt_auth.argon2_memory = '32 MB';
SELECT is(test.costs('cheap', 13), 'cheap', 'after the cost was raised, known names cost what their hashes do');
SELECT is(test.costs('nobody', 25), 'cheap', 'after the cost was raised, unknown names cost what stored hashes do');
SELECT is(test.cost('without password'), 'cheap', 'after the cost was raised, users without password cost what stored hashes do');
SELECT is(test.cost(E'no\tname'), 'cheap', 'after the cost was raised, what cannot be a name costs what stored hashes do');

-- The cost was lowered
CREATE TABLE public.cheap AS SELECT id, password_hash FROM jwt_auth.users WHERE password_hash IS NOT NULL;
SELECT jwt_create_user('model', test.password());
UPDATE jwt_auth.users SET password_hash = (SELECT password_hash FROM jwt_auth.users WHERE username = 'model')
WHERE password_hash IS NOT NULL;
SET jwt_auth.argon2_memory = 8;
SELECT is(test.costs('cheap', 5), 'dear', 'after the cost was lowered, known names cost what their hashes do');
SELECT is(test.costs('nobody', 10), 'dear', 'after the cost was lowered by direct changes of the table, unknown names cost what stored hashes do');

-- 13 of each, one half imported: unknown names are divided, each for good
UPDATE jwt_auth.users AS u SET password_hash = c.password_hash FROM public.cheap AS c WHERE c.id = u.id;
SELECT count(jwt_import_user('dear' || n, password_hash)) FROM generate_series(1, 12) AS n, jwt_auth.users WHERE username = 'model';
SELECT is(test.costs('cheap', 5), 'cheap', 'with hashes of two costs, the cheap users are cheap'),
	   is(test.costs('dear', 3), 'dear', 'with hashes of two costs, the dear users are dear');
CREATE TABLE public.unknown AS SELECT 'nobody' || n AS name, test.cost('nobody' || n) AS cost FROM generate_series(1, 24) AS n;
SELECT is((SELECT string_agg(DISTINCT cost, ' ' ORDER BY cost) FROM public.unknown), 'cheap dear', 'with hashes of two costs, some unknown names are cheap and some dear');
SELECT is((SELECT count(*) FROM public.unknown WHERE test.cost(name) <> cost), 0::bigint, 'with hashes of two costs, each unknown name keeps its cost');
SELECT count(test.create_user('more' || n)) FROM generate_series(1, 2) AS n;
SELECT is((SELECT count(*) FROM jwt_auth.users WHERE password_hash IS NOT NULL), 28::bigint, 'two more users have passwords');
-- Each takes a twenty-eighth of the names, more or less, and some of those cost the same before
SELECT cmp_ok((SELECT count(*) FROM public.unknown WHERE test.cost(name) <> cost), '<', 12::bigint, 'two more users change the cost of a few unknown names at most');
UPDATE public.unknown SET cost = test.cost(name);
SELECT dblink_connect(format('dbname=%s host=%s port=%s', current_database(), split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port')));
SELECT dblink_exec('SET jwt_auth.argon2_memory = 8; SET jwt_auth.argon2_iterations = 1; SET jwt_auth.login_max_failures = 1000');
SELECT is(changed, 0::bigint, 'in another connection, each unknown name has the same cost')
FROM dblink('SELECT count(*) FROM public.unknown WHERE test.cost(name) <> cost') AS v (changed bigint);
SELECT dblink_disconnect();

-- Nothing is left to stand in
SET jwt_auth.argon2_memory = '32 MB';
TRUNCATE jwt_auth.users CASCADE;
SELECT is(test.costs('nobody', 5), 'dear', 'after all users were truncated, an unknown name costs a new hash');

-- A hash that can't be read costs what one that can does
SET jwt_auth.argon2_memory = 8;
SELECT test.create_user('unreadable') AS unreadable \gset
UPDATE jwt_auth.users SET password_hash = '$argon2id$v=19$m=8' WHERE id = :'unreadable';
SET jwt_auth.argon2_memory = '32 MB';
SELECT is(test.cost('unreadable'), 'dear', 'a hash that cannot be read costs a new one'),
	   is(test.cost('nobody'), 'dear', 'where the only hash cannot be read, an unknown name costs a new one');

SELECT * FROM finish();
