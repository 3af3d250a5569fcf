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
		  (hash, true)::text, 'as it came: ' || left(hash, 25))
FROM public.imported AS i;
-- The most, and the shortest, that is accepted; what is beyond stands among the refused ones
SELECT lives_ok(format('SELECT jwt_import_user(%L, %L)', 'dear' || row_number() OVER (), hash), 'at the bound: ' || left(hash, 25))
FROM unnest(ARRAY['$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
				  '$scrypt$ln=18,r=8,p=2$AAECAwQFBgcICQoLDA0ODw$' || repeat('A', 43),
				  '$pbkdf2-sha256$5000000$AAECAwQFBgcICQoLDA0ODw$' || repeat('A', 43),
				  '$pbkdf2-sha512$2500000$AAECAwQFBgcICQoLDA0ODw$' || repeat('A', 86),
				  'AQAAAAAAAAPoAAAACND/TwCj7ACYgZ2obJ9aLxwqLAClKtEsFw==',
				  'pbkdf2:sha512:2500000$salt$' || repeat('a', 128)]) AS hash;
-- bcrypt looks at 72 bytes, here as everywhere
SELECT is(test.error_of(jwt_login(name, bad)), 'invalid_grant', format('not with %s: %s', what, left(hash, 25)))
FROM public.imported, LATERAL (VALUES (1, password || 'x', 'a longer one'), (2, left(password, -1), 'a shorter one'),
									  (3, upper(password) || '!', 'another case'), (4, hash, 'the hash')) AS v (n, bad, what)
WHERE NOT (source ~ 'wrapper' AND length(password) >= 72) AND (n = 1 OR hash !~ 'm=65536|1000000|rounds=\d{5,}');
SELECT is((SELECT password_hash FROM jwt_auth.users AS u WHERE u.id = i.id), hash, 'not rehashed: ' || left(hash, 25)) FROM public.imported AS i;
SELECT is(test.error_of(jwt_login(name, password)), 'ok', 'logs in: ' || left(hash, 25)) FROM public.imported;
SELECT is((SELECT (password_hash ~ '^\$argon2id\$v=19\$m=8,t=1,p=1\$', imported_hash)::text FROM jwt_auth.users AS u WHERE u.id = i.id),
		  '(t,f)', 'rehashed: ' || left(hash, 25))
FROM public.imported AS i WHERE octet_length(password) <= 72 OR hash !~ '^\$2';
SELECT is(test.error_of(jwt_login(name, password)), 'ok', 'and logs in again: ' || left(hash, 25)) FROM public.imported;

-- bcrypt passes over what follows 72 bytes: a tail that was mistyped must not
-- become part of the password
SELECT jwt_import_user('long', hash) AS long, password AS right, left(password, 72) || 'mistyped' AS mistyped
FROM accepted_hashes WHERE password ~ 'chars after 72' LIMIT 1 \gset
SELECT is(test.error_of(jwt_login('long', :'mistyped')), 'ok', 'a tail that does not count');
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE id = :'long'), true, 'is not rehashed'),
	   is(test.error_of(jwt_login('long', :'right')), 'ok', 'so that the right password stays right'),
	   is(test.error_of(jwt_login('long', left(:'right', 71) || 'x')), 'invalid_grant', 'and what counts is compared'),
	   is(test.error_of(jwt_login('long', left(:'right', 72))), 'ok', '72 bytes');
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE id = :'long'), false, 'are rehashed'),
	   is(test.error_of(jwt_login('long', :'mistyped')), 'invalid_grant', 'and then a tail counts');

-- A rehash sets no password
UPDATE jwt_auth.users SET password_set_at = '2020-01-01' WHERE id IN (SELECT id FROM public.imported LIMIT 1) RETURNING id AS rehashed, username AS rehashed_name \gset
SELECT password AS rehashed_password FROM public.imported WHERE id = :'rehashed' \gset
SET jwt_auth.argon2_iterations = 2;
SELECT is(test.error_of(jwt_login(:'rehashed_name', :'rehashed_password')), 'ok', 'a login with another cost');
SELECT is((SELECT (password_hash ~ 't=2', password_set_at = '2020-01-01')::text FROM jwt_auth.users WHERE id = :'rehashed'), '(t,t)',
		  'rehashes, and the password was set when it was');
SET jwt_auth.argon2_iterations = 1;
SELECT jwt_set_password(:'rehashed', test.password());
SELECT isnt((SELECT password_set_at FROM jwt_auth.users WHERE id = :'rehashed'), '2020-01-01', 'but a new password is set now');

-- A rehash is part of the login
SELECT jwt_import_user('tom', '$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS') AS tom \gset
BEGIN;
SELECT is(test.error_of(test.login('tom')), 'ok', 'a login');
ROLLBACK;
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE id = :'tom'), true, 'that was rolled back left the hash');
SELECT is(test.error_of(test.login('tom')), 'ok', 'which is good');

-- Hashes of our own follow the settings; what they are now stays otherwise
SELECT password_hash AS before FROM jwt_auth.users WHERE id = :'tom' \gset
SELECT test.login('tom');
SELECT is((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), :'before', 'not rehashed without need');
SET jwt_auth.argon2_iterations = 2;
SELECT is(test.error_of(jwt_login('tom', 'wrong')), 'invalid_grant', 'a wrong password');
SELECT is((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), :'before', 'rehashes nothing');
SELECT test.login('tom');
SELECT matches((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), '^\$argon2id\$v=19\$m=8,t=2,p=1\$', 'rehashed when the policy changed');
SET jwt_auth.argon2_memory = 16;
SELECT test.login('tom');
SELECT matches((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), '^\$argon2id\$v=19\$m=16,t=2,p=1\$', 'or its memory');
SELECT is(test.error_of(test.login('tom')), 'ok', 'and good');
SET jwt_auth.argon2_memory = 65536;
SET jwt_auth.argon2_iterations = 64;
SELECT is(test.error_of(test.login('tom')), 'ok', 'both settings beyond what a hash may ask for');
SELECT matches((SELECT password_hash FROM jwt_auth.users WHERE id = :'tom'), '^\$argon2id\$v=19\$m=65536,t=32,p=1\$', 'give the most that it may');
SET jwt_auth.argon2_memory = 8;
SET jwt_auth.argon2_iterations = 1;

-- PostgreSQL's own, of a password that SASLprep changes
CREATE ROLE regress_imports_scram PASSWORD U&'scram\00A0pass\00ADword';
SELECT jwt_import_user('scram', rolpassword) AS scram FROM pg_authid WHERE rolname = 'regress_imports_scram' \gset
SELECT is(test.error_of(jwt_login('scram', 'scram passworD')), 'invalid_grant', 'SCRAM-SHA-256: another password');
SELECT is(test.error_of(jwt_login('scram', 'scram passwor')), 'invalid_grant', 'SCRAM-SHA-256: a shorter one');
SELECT is(test.error_of(jwt_login('scram', 'scram password')), 'ok', 'SCRAM-SHA-256: what SASLprep takes for the same');
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE id = :'scram'), false, 'SCRAM-SHA-256: rehashed');
DROP ROLE regress_imports_scram;

-- What the rounds and the length of a password ask for together is bounded
SELECT jwt_import_user('rounds', '$6$rounds=1000000$salt$' || repeat('.', 86)) AS rounds \gset
SELECT clock_timestamp() AS start \gset
SELECT is(test.error_of(jwt_login('rounds', repeat('x', 96))), 'invalid_grant', 'as long a password as the rounds admit');
SELECT clock_timestamp() - :'start' AS longest, clock_timestamp() AS start \gset
SELECT is(test.error_of(jwt_login('rounds', repeat('x', 511))), 'invalid_grant', 'a longer one is denied');
SELECT cmp_ok(clock_timestamp() - :'start', '<', 2.5 * :'longest'::interval, 'and takes no longer');
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
SELECT is(test.error_of(jwt_login('iterations', repeat('x', 253))), 'invalid_grant', 'as long a password as the iterations admit');
SELECT clock_timestamp() - :'start' AS longest, clock_timestamp() AS start \gset
SELECT is(test.error_of(jwt_login('iterations', repeat('x', 1024))), 'invalid_grant', 'a longer one is denied');
SELECT cmp_ok(clock_timestamp() - :'start', '<', 1.8 * :'longest'::interval, 'and takes no longer');
DELETE FROM jwt_auth.users WHERE id = :'iterations';

-- Imported: the password as it was typed; afterwards, in any normal form
SELECT jwt_import_user('nfd', 'pbkdf2_sha256$1000$zVxMcWIQN4Cl4tjwWjZVmZ$848T1EtA6fvwHmsPqASobG4ZC4eu1nvD+A4hcGfCwkA=');
SELECT is(test.error_of(jwt_login('nfd', normalize('Pässwörd ünd ﬁ ligature Å', NFKC))), 'invalid_grant', 'not normalised');
SELECT is(test.error_of(jwt_login('nfd', password)), 'ok', 'as typed') FROM accepted_hashes
WHERE hash ~ '848T1EtA6fvwHmsPqASobG4ZC4eu1nvD';
SELECT is(test.error_of(jwt_login('nfd', normalize(password, NFKD))), 'ok', 'then normalised') FROM accepted_hashes
WHERE hash ~ '848T1EtA6fvwHmsPqASobG4ZC4eu1nvD';

-- The password hook and the length are not asked at import
SET jwt_auth.password_min_length = 1000;
SELECT lives_ok('SELECT jwt_import_user(''short'', ''$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'')', 'a short password can be imported');
SELECT is(test.error_of(jwt_login('short', 'U*U')), 'ok', 'and is rehashed all the same');
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE username = 'short'), false, 'by the login');
RESET jwt_auth.password_min_length;

-- Refused
SELECT count(*) AS users FROM jwt_auth.users \gset
SELECT test.raises(format('SELECT jwt_import_user(''x'', %L)', hash), '22023', format('%s, %s: %s', reason, what, left(hash, 40))) FROM refused_hashes;
SELECT test.raises(format('SELECT jwt_import_user(''x'', %L)', hash), '22023', what)
FROM (VALUES (repeat('x', 1025), 'too long an argument'), ('$argon2id$' || repeat('x', 400), 'too long a hash'), ('$argon2id$', 'a prefix alone'), ('$', 'a dollar'))
	AS v (hash, what);
SELECT test.raises('SELECT jwt_import_user(''tom'', ''$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS'')', '23505', 'a name that is taken');
SELECT is((SELECT count(*) FROM jwt_auth.users), :'users', 'no user was made');

SELECT * FROM finish();
