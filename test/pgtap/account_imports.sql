-- Imported hashes (T20, T43, T44, F08, F19, F20, F30): every kind that is accepted logs in with its
-- password and no other, and is replaced by argon2id in the same transaction;
-- everything else is 22023.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/password_hashes.psql
-- At least 859 assertions
SELECT no_plan();
SET jwt_auth.login_max_failures = 1000;

CREATE TABLE public.imported AS
SELECT jwt_import_user('u' || row_number() OVER (), hash) AS id, 'u' || row_number() OVER () AS name, * FROM accepted_hashes;
SELECT is((SELECT (u.password_hash, imported_hash)::text FROM jwt_auth.users AS u WHERE u.id = i.id),
		  (hash, true)::text, 'an imported hash is stored as it came: ' || left(hash, 25))
FROM public.imported AS i;
-- The most, and the shortest, that is accepted; what is beyond stands among the refused ones
SELECT lives_ok(format('SELECT jwt_import_user(%L, %L)', 'dear' || row_number() OVER (), hash), 'a hash at the bound of its cost is accepted: ' || left(hash, 25))
FROM unnest(ARRAY['$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
				  '$scrypt$ln=18,r=8,p=2$AAECAwQFBgcICQoLDA0ODw$' || repeat('A', 43),
				  '$pbkdf2-sha256$5000000$AAECAwQFBgcICQoLDA0ODw$' || repeat('A', 43),
				  '$pbkdf2-sha512$2500000$AAECAwQFBgcICQoLDA0ODw$' || repeat('A', 86),
				  'AQAAAAAAAAPoAAAACND/TwCj7ACYgZ2obJ9aLxwqLAClKtEsFw==',
				  'pbkdf2:sha512:2500000$salt$' || repeat('a', 128)]) AS hash;
-- bcrypt looks at 72 bytes, here as everywhere
SELECT is(test.error_of(jwt_login(name, bad)), 'invalid_grant', format('an imported hash is not matched by %s: %s', what, left(hash, 25)))
FROM public.imported, LATERAL (VALUES (1, password || 'x', 'a longer password'), (2, left(password, -1), 'a shorter password'),
									  (3, upper(password) || '!', 'the password in another case'), (4, hash, 'the hash')) AS v (n, bad, what)
WHERE NOT (source ~ 'wrapper' AND length(password) >= 72) AND (n = 1 OR hash !~ 'm=65536|1000000|rounds=\d{5,}');
SELECT is((SELECT password_hash FROM jwt_auth.users AS u WHERE u.id = i.id), hash, 'a wrong password does not rehash: ' || left(hash, 25)) FROM public.imported AS i;
SELECT is(test.error_of(jwt_login(name, password)), 'ok', 'the password of an imported hash logs in: ' || left(hash, 25)) FROM public.imported;
SELECT is((SELECT (password_hash ~ '^\$argon2id\$v=19\$m=8,t=1,p=1\$', imported_hash)::text FROM jwt_auth.users AS u WHERE u.id = i.id),
		  '(t,f)', 'a login replaces an imported hash by argon2id: ' || left(hash, 25))
FROM public.imported AS i WHERE octet_length(password) <= 72 OR hash !~ '^\$2';
SELECT is(test.error_of(jwt_login(name, password)), 'ok', 'the password logs in after its hash was replaced: ' || left(hash, 25)) FROM public.imported;

-- bcrypt passes over what follows 72 bytes: a tail that was mistyped must not
-- become part of the password
SELECT jwt_import_user('long', hash) AS long, password AS right, left(password, 72) || 'mistyped' AS mistyped
FROM accepted_hashes WHERE password ~ 'chars after 72' LIMIT 1 \gset
SELECT is(test.error_of(jwt_login('long', :'mistyped')), 'ok', 'for bcrypt, a mistyped tail after 72 bytes does not count');
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE id = :'long'), true, 'a login with more than 72 bytes leaves a bcrypt hash'),
	   is(test.error_of(jwt_login('long', :'right')), 'ok', 'after a login with a mistyped tail, the right password logs in'),
	   is(test.error_of(jwt_login('long', left(:'right', 71) || 'x')), 'invalid_grant', 'for bcrypt, a wrong 72nd byte is denied'),
	   is(test.error_of(jwt_login('long', left(:'right', 72))), 'ok', 'for bcrypt, the first 72 bytes of a longer password log in');
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE id = :'long'), false, 'a login with 72 bytes replaces a bcrypt hash'),
	   is(test.error_of(jwt_login('long', :'mistyped')), 'invalid_grant', 'after a bcrypt hash was replaced, a mistyped tail is denied');

-- A rehash sets no password
UPDATE jwt_auth.users SET password_set_at = '2020-01-01' WHERE id IN (SELECT id FROM public.imported LIMIT 1) RETURNING id AS rehashed, username AS rehashed_name \gset
SELECT password AS rehashed_password FROM public.imported WHERE id = :'rehashed' \gset
SET jwt_auth.argon2_iterations = 2;
SELECT is(test.error_of(jwt_login(:'rehashed_name', :'rehashed_password')), 'ok', 'after a change of the cost, the password logs in');
SELECT is((SELECT (password_hash ~ 't=2', password_set_at = '2020-01-01')::text FROM jwt_auth.users WHERE id = :'rehashed'), '(t,t)',
		  'a login after a change of the cost rehashes, and leaves password_set_at');
SET jwt_auth.argon2_iterations = 1;
SELECT jwt_set_password(:'rehashed', test.password());
SELECT isnt((SELECT password_set_at FROM jwt_auth.users WHERE id = :'rehashed'), '2020-01-01', 'jwt_set_password sets password_set_at');

-- A rehash is part of the login
SELECT jwt_import_user('tom', '$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS') AS tom \gset
BEGIN;
SELECT is(test.error_of(test.login('tom')), 'ok', 'the password of an imported hash logs in within a transaction');
ROLLBACK;
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE id = :'tom'), true, 'when the login is rolled back, the imported hash stays');
SELECT is(test.error_of(test.login('tom')), 'ok', 'after a login that was rolled back, the password logs in');

-- Hashes of our own follow the settings; what they are now stays otherwise
SELECT password_hash AS before FROM jwt_auth.users WHERE id = :'tom' \gset
SELECT test.login('tom');
SELECT is((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), :'before', 'a login with unchanged cost does not rehash');
SET jwt_auth.argon2_iterations = 2;
SELECT is(test.error_of(jwt_login('tom', 'wrong')), 'invalid_grant', 'after a change of iterations, a wrong password is denied');
SELECT is((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), :'before', 'a wrong password after a change of iterations does not rehash');
SELECT test.login('tom');
SELECT matches((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), '^\$argon2id\$v=19\$m=8,t=2,p=1\$', 'a login after a change of iterations rehashes');
SET jwt_auth.argon2_memory = 16;
SELECT test.login('tom');
SELECT matches((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), '^\$argon2id\$v=19\$m=16,t=2,p=1\$', 'a login after a change of memory rehashes');
SELECT is(test.error_of(test.login('tom')), 'ok', 'after two rehashes, the password logs in');
SET jwt_auth.argon2_memory = 65536;
SET jwt_auth.argon2_iterations = 64;
SELECT is(test.error_of(test.login('tom')), 'ok', 'with more work in the settings than a hash may ask for, the password logs in');
SELECT matches((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), '^\$argon2id\$v=19\$m=65536,t=32,p=1\$', 'with more work in the settings than a hash may ask for, iterations are cut');
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;

-- PostgreSQL's own, of a password that SASLprep changes
CREATE ROLE regress_imports_scram PASSWORD U&'scram\00A0pass\00ADword';
SELECT jwt_import_user('scram', rolpassword) AS scram FROM pg_authid WHERE rolname = 'regress_imports_scram' \gset
SELECT is(test.error_of(jwt_login('scram', 'scram passworD')), 'invalid_grant', 'SCRAM-SHA-256: a password in another case is denied');
SELECT is(test.error_of(jwt_login('scram', 'scram passwor')), 'invalid_grant', 'SCRAM-SHA-256: a shorter password is denied');
SELECT is(test.error_of(jwt_login('scram', 'scram password')), 'ok', 'SCRAM-SHA-256: a password that SASLprep takes for the same logs in');
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE id = :'scram'), false, 'SCRAM-SHA-256: a login replaces the hash');
DROP ROLE regress_imports_scram;

-- What the rounds and the length of a password ask for together is bounded
SELECT jwt_import_user('rounds', '$6$rounds=1000000$salt$' || repeat('.', 86)) AS rounds \gset
SELECT clock_timestamp() AS start \gset
SELECT is(test.error_of(jwt_login('rounds', repeat('x', 96))), 'invalid_grant', '$6$: the longest password that the rounds allow is computed');
SELECT clock_timestamp() - :'start' AS longest, clock_timestamp() AS start \gset
SELECT is(test.error_of(jwt_login('rounds', repeat('x', 511))), 'invalid_grant', '$6$: a longer password than the rounds allow is denied');
SELECT clock_timestamp() - :'start' AS longer, clock_timestamp() AS start \gset
SELECT test.error_of(jwt_login('rounds', repeat('x', 96))) AS again \gset
SELECT cmp_ok(:'longer'::interval, '<', 2.5 * greatest(:'longest', clock_timestamp() - :'start'), '$6$: a longer password than the rounds allow takes no longer');
DELETE FROM jwt_auth.users WHERE id = :'rounds';
-- right passwords of 511 bytes: at the bound, with one round more, and at the cap
SELECT is(test.error_of(jwt_login(name, repeat('x', 511))), expected, format('%s rounds and 511 bytes', rounds))
FROM (VALUES
	('at the bound', 278260, 'ok', '$6$rounds=278260$salt$OArIvgGnwRjasH5VwXVuVXXqw2pyRS52bxLOllucXPGXKDSquepXScAAk90tcBBwEg.fvhC3zH2PauYYYQbYP1'),
	('one beyond', 278261, 'invalid_grant', '$5$rounds=278261$salt$XKCUNHc.7PVKRIePD2mJ.Vk99yljEpxImknIXPe4QB3'),
	('far beyond', 1000000, 'invalid_grant', '$6$rounds=1000000$salt$RcQBiKdtYW8cAgeytzl5KrGUIFUA6DMp6krnFH6KLO69GyQIP0cD7V.UXrWw0Zl9QZK3XDvZYX1h7IZ01i6p50'))
	AS v (name, rounds, expected, hash), LATERAL jwt_import_user(name, hash) AS id;
DELETE FROM jwt_auth.users WHERE username IN ('at the bound', 'one beyond', 'far beyond');

-- So it is for the iterations of phpass
SELECT jwt_import_user('iterations', '$S$IsaltsaltX' || repeat('.', 42)) AS iterations \gset
SELECT clock_timestamp() AS start \gset
SELECT is(test.error_of(jwt_login('iterations', repeat('x', 253))), 'invalid_grant', '$S$: the longest password that the iterations allow is computed');
SELECT clock_timestamp() - :'start' AS longest, clock_timestamp() AS start \gset
SELECT is(test.error_of(jwt_login('iterations', repeat('x', 1024))), 'invalid_grant', '$S$: a longer password than the iterations allow is denied');
SELECT clock_timestamp() - :'start' AS longer, clock_timestamp() AS start \gset
SELECT test.error_of(jwt_login('iterations', repeat('x', 253))) AS again \gset
SELECT cmp_ok(:'longer'::interval, '<', 1.8 * greatest(:'longest', clock_timestamp() - :'start'), '$S$: a longer password than the iterations allow takes no longer');
DELETE FROM jwt_auth.users WHERE id = :'iterations';

-- Imported: the password as it was typed; afterwards, in any normal form
SELECT jwt_import_user('nfd', 'pbkdf2_sha256$1000$zVxMcWIQN4Cl4tjwWjZVmZ$848T1EtA6fvwHmsPqASobG4ZC4eu1nvD+A4hcGfCwkA=');
SELECT is(test.error_of(jwt_login('nfd', normalize('Pässwörd ünd ﬁ ligature Å', NFKC))), 'invalid_grant', 'an imported hash is not matched by the normalised password');
SELECT is(test.error_of(jwt_login('nfd', password)), 'ok', 'an imported hash is matched by the password as typed') FROM accepted_hashes
WHERE hash ~ '848T1EtA6fvwHmsPqASobG4ZC4eu1nvD';
SELECT is(test.error_of(jwt_login('nfd', normalize(password, NFKD))), 'ok', 'after its hash was replaced, a password matches in another normal form') FROM accepted_hashes
WHERE hash ~ '848T1EtA6fvwHmsPqASobG4ZC4eu1nvD';

-- The password hook and the length are not asked at import
SET jwt_auth.password_min_length = 1000;
SELECT lives_ok('SELECT jwt_import_user(''short'', ''$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'')', 'a short password can be imported');
SELECT is(test.error_of(jwt_login('short', 'U*U')), 'ok', 'an imported password shorter than the minimum logs in');
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE username = 'short'), false, 'an imported password shorter than the minimum is rehashed by a login');
RESET jwt_auth.password_min_length;

-- Refused
SELECT count(*) AS users FROM jwt_auth.users \gset
SELECT test.raises(format('SELECT jwt_import_user(''x'', %L)', hash), '22023', format('%s, %s: %s', reason, what, left(hash, 40))) FROM refused_hashes;
SELECT test.raises(format('SELECT jwt_import_user(''x'', %L)', hash), '22023', what)
FROM (VALUES (repeat('x', 1025), 'too long an argument'), ('$argon2id$' || repeat('x', 400), 'too long a hash'), ('$argon2id$', 'a prefix alone'), ('$', 'a dollar'))
	AS v (hash, what);
SELECT test.raises('SELECT jwt_import_user(''tom'', ''$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS'')', '23505', 'a hash cannot be imported for a name that is taken');
SELECT is((SELECT count(*) FROM jwt_auth.users), :'users', 'refused imports create no user');

SELECT * FROM finish();
