-- New passwords (T42, T47): what is on the list of blocked ones, or easy to
-- guess, is refused wherever a password is set, with reasons that a form can
-- show; the settings are the default ones. A login asks nothing of a password
-- that is there.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 115 assertions
SELECT no_plan();
CREATE FUNCTION pg_temp.reasons(password text, words text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS
$$ SELECT jwt_password_strength(password, words) ->> 'reasons' $$;
CREATE FUNCTION pg_temp.detail(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws('|', message, detail, hint);
END
$$;

-- SHA-1 of the passwords below; printf %s PASSWORD | sha1sum
INSERT INTO jwt_auth.blocked_passwords
SELECT decode(sha1, 'hex') FROM unnest('{f8024496bcdc8b69e1491881e92b88416d6d68a0,
	5361fca33cab1237145abcb4790ddba289b7ac57,
	b7a875fc1ea228b9061041b7cec4bd3c52ab3ce3,
	882bf07116b267ef4f7f61ba78d244732042e1eb,
	8dce8363c6cae271c42cb0008de1fd2157b8ec7c}'::text[]) AS sha1;

SELECT test.create_user('alice') AS alice, test.create_user('bob') AS bob \gset

-- Accepted
SELECT is(pg_temp.reasons(password), '[]', 'accepted: ' || password)
FROM unnest('{correct horse battery staple,rowing on a quiet lake,kX9#mQ2$vL7pW4zR8,xkqzjvwpfhtmbcd,Tr0ub4dor&3 on a tricycle}'::text[]) AS password;
SELECT isnt(jwt_create_user('new' || n, password), NULL, 'created with: ' || password)
FROM unnest('{rowing on a quiet lake,reading by candle light}'::text[]) WITH ORDINALITY AS v (password, n);
SELECT cmp_ok((jwt_password_strength('correct horse battery staple') ->> 'bits')::integer, '>', 50, 'a password that is hard to guess has more than 50 bits');
SELECT is(jwt_password_strength('xkqzjvwpfhtmbcd', NULL) ->> 'accepted', 'true', 'a password can be rated with words NULL'),
	   is(jwt_password_strength('xkqzjvwpfhtmbcd', '{NULL,NULL,""}') ->> 'accepted', 'true', 'words that are NULL or empty do not count');

-- Refused, with all reasons, and what was found
SELECT is(jwt_password_strength(password, words) - 'bits', jsonb_build_object('accepted', false, 'reasons', reasons, 'patterns', patterns), 'refused: ' || left(password, 40))
FROM (VALUES ('password', '{}'::text[], jsonb '["too_short","too_weak"]', jsonb '["dictionary"]'), ('', '{}', '["too_short","too_weak"]', '[]'),
	('passwordpassword', '{}', '["too_weak"]', '["dictionary","repetition"]'), ('abcdefghijklmnopqrstuvwxyz', '{}', '["too_weak"]', '["sequence"]'),
	('P4ssw0rdP4ssw0rd', '{}', '["too_weak"]', '["dictionary"]'),
	('Alice.Smith@Example.org', '{alice.smith@example.org}', '["too_weak"]', '["name"]'), ('smithalicesmith', '{alice.smith@example.org}', '["too_weak"]', '["name","dictionary"]')) AS v (password, words, reasons, patterns);
SELECT is(pg_temp.reasons(password), reasons, 'reasons: ' || password)
FROM (VALUES ('correct horse of breaches', '["blocked"]'), ('iloveyouiloveyou', '["blocked", "too_weak"]'), ('letmein', '["too_short", "blocked", "too_weak"]'),
	(U&'fifteen chars !\0378', '["character"]'), (repeat('a', 1024), '["too_weak"]'), (repeat('password', 128), '["too_weak"]'), (repeat(U&'\00E9', 512), '["too_weak"]'),
	('correct horse of breaches ', '[]'), ('Correct horse of breaches', '[]')) AS v (password, reasons);

-- Each end of a long one counts: neither weak start nor weak end makes it weak
SELECT is(pg_temp.reasons(repeat('a', n) || 'kX9#mQ2$vL7pW4zR8'), '[]', n || ' letters, then what is strong') FROM unnest('{1,31,32,33,100,1000}'::integer[]) AS n;
SELECT is(pg_temp.reasons('kX9#mQ2$vL7pW4zR8' || repeat('a', n)), '[]', 'what is strong, then ' || n || ' letters') FROM unnest('{1,31,32,33,100,1000}'::integer[]) AS n;

-- The list has passwords as they were typed; what is typed and its normal form are looked up
SELECT is(pg_temp.reasons(U&'e\0301tang de la rivi\00E8re bleue'), '["blocked"]', 'a password that is blocked as typed is refused'),
	   is(pg_temp.reasons(U&'\00E9tang de la rivi\00E8re bleue'), '[]', 'the normal form of a password that is blocked as typed is accepted'),
	   is(pg_temp.reasons(U&'ma\00F1ana por la ma\00F1ana'), '["blocked"]', 'a password whose normal form is blocked is refused'),
	   is(pg_temp.reasons(U&'man\0303ana por la man\0303ana'), '["blocked"]', 'a password that normalises to a blocked one is refused');

-- Names of the user and of the issuer
SET jwt_auth.issuer = 'https://login.zyxgarden.example';
SELECT is(pg_temp.reasons('zyxgarden.zyxgarden'), '["too_weak"]', 'a password made of the issuer''s name is too weak'),
	   is(jwt_password_strength('zyxgarden.zyxgarden') -> 'patterns' ? 'name', true, 'the issuer''s name in a password is found as a name');
RESET jwt_auth.issuer;
SELECT is(pg_temp.reasons('zyxgarden.wvugarten'), '[]', 'another word twice is accepted without the issuer''s name');
SELECT test.raises(format('SELECT jwt_create_user(%L, %L, email => %L)', username, password, email), '22023', 'own names: ' || password)
FROM (VALUES ('qzwxkvjpolter', 'qzwxkvjpolter12', NULL), ('x', 'qzwxkvjpolter12', 'qzwxkvjpolter@a.example'), ('x', 'a.qzwxkvjpolter!', 'info@qzwxkvjpolter.example')) AS v (username, password, email);
SELECT isnt(jwt_create_user('other', 'qzwxkvjpolter12'), NULL, 'the name of another user makes a password no weaker');
SELECT jwt_create_user('dora', test.password(), email => 'qzwxkvjpolter@d.example') AS dora \gset
SELECT test.raises(format('SELECT jwt_set_password(%L, ''qzwxkvjpolter12'')', :'dora'), '22023', 'jwt_set_password knows the email address of the user');
SELECT set_config('jwt_auth.token', test.login('dora') ->> 'access_token', false);
SELECT is(jwt_change_password(test.password(), 'qzwxkvjpolter12') -> 'patterns' ? 'name', true, 'jwt_change_password knows the email address of the user');

-- Refused wherever one is set, and nothing changed
SELECT count(*) AS users, test.audit_count() AS events FROM jwt_auth.users \gset
SELECT test.raises(format('SELECT jwt_create_user(''x'', %L)', password), '22023', 'create_user: ' || password),
	   test.raises(format('SELECT jwt_set_password(%L, %L)', :'alice', password), '22023', 'set_password: ' || password)
FROM unnest('{passwordpassword,correct horse of breaches,iloveyouiloveyou,abcdefghijklmnop,111111111111111}'::text[]) AS password;
SELECT is(pg_temp.detail(format('SELECT jwt_set_password(%L, %L)', :'alice', password)), wanted, 'what the error says: ' || password)
FROM (VALUES ('passwordpassword', 'password is easy to guess|Found in it: dictionary, repetition.|Choose one that takes more guesses: at least 30 bits (jwt_auth.password_min_bits).'),
	('correct horse of breaches', 'password is on the list of passwords that may not be used||Choose another password: this one is in jwt_auth.blocked_passwords.'),
	('short', 'password is too short||A password needs at least 15 characters (jwt_auth.password_min_length).')) AS v (password, wanted);
SELECT set_config('jwt_auth.token', test.login('alice') ->> 'access_token', false);
SELECT is(jwt_change_password(test.password(), password), answer || '{"error":"invalid_request"}', 'change_password: ' || password)
FROM (VALUES ('passwordpassword', jsonb '{"error_description":"password is easy to guess","reasons":["too_weak"],"patterns":["dictionary","repetition"]}'),
	('correct horse of breaches', '{"error_description":"password is on the list of passwords that may not be used","reasons":["blocked"]}'),
	('iloveyouiloveyou', '{"error_description":"password is on the list of passwords that may not be used","reasons":["blocked","too_weak"],"patterns":["dictionary","repetition"]}'),
	('letmein', '{"error_description":"password is too short, it needs at least 15 characters","reasons":["too_short","blocked","too_weak"],"patterns":["dictionary"]}')) AS v (password, answer);
SELECT is(jwt_change_password('wrong', 'passwordpassword') ->> 'error', 'invalid_grant', 'jwt_change_password checks the old password before the new one');
SELECT is(test.error_of(test.login('alice')), 'ok', 'refused passwords leave alice''s password'),
	   is((SELECT count(*) FROM jwt_auth.users), :'users'::bigint, 'refused passwords create no user');
SELECT is((SELECT count(*) FROM jwt_auth.audit_log WHERE event IN ('password_set', 'password_changed', 'user_created') AND user_id = :'alice'), 1::bigint, 'refused passwords are not audited as changes');

-- Settings
SET jwt_auth.password_min_bits = 0;
SELECT is(pg_temp.reasons('passwordpassword'), '[]', 'with password_min_bits 0, a weak password is accepted'),
	   is(jwt_password_strength('passwordpassword') ->> 'bits', '1', 'with password_min_bits 0, the bits of a password are still told'),
	   is(pg_temp.reasons('iloveyouiloveyou'), '["blocked"]', 'with password_min_bits 0, a blocked password is refused');
SELECT jwt_set_password(:'bob', 'passwordpassword');
SET jwt_auth.password_min_bits = 128;
SELECT is(pg_temp.reasons('correct horse battery staple'), '["too_weak"]', 'with password_min_bits 128, a good password is too weak');
SELECT test.raises('SET jwt_auth.password_min_bits = ' || value, '22023', 'not a value: ' || value) FROM unnest('{-1,129,''x''}'::text[]) AS value;
RESET jwt_auth.password_min_bits;
SELECT is(current_setting('jwt_auth.password_min_bits'), '30', 'password_min_bits is 30 by default');

-- A login asks nothing of a password that is there, nor does an import
SELECT is(test.error_of(jwt_login('bob', 'passwordpassword')), 'ok', 'a user whose password is weak can log in');
INSERT INTO jwt_auth.blocked_passwords SELECT decode('abf7aad6438836dbe526aa231abde2d0eef74d42', 'hex');
SELECT is(test.error_of(test.login('alice')), 'ok', 'a user whose password is blocked can log in'),
	   is(pg_temp.reasons(test.password()), '["blocked"]', 'a password that was blocked later cannot be set');
SELECT is(jwt_login('nobody', 'passwordpassword'), jwt_login('bob', 'passwordpassword!'), 'a wrong password that is weak gets the answer of an unknown name');
SELECT isnt(jwt_import_user('imported', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'), NULL, 'the hash of a weak password can be imported');
SELECT is(test.error_of(jwt_login('imported', 'U*U')), 'ok', 'a user with the hash of a weak password can log in');
SELECT is((SELECT imported_hash FROM jwt_auth.users WHERE username = 'imported'), false, 'a login replaces the hash of a weak password');
DELETE FROM jwt_auth.blocked_passwords WHERE sha1 = decode('abf7aad6438836dbe526aa231abde2d0eef74d42', 'hex');

-- The operator's function judges what our rules let pass, and only that
CREATE TABLE public.asked (password text);
CREATE FUNCTION public.judge(username text, password text) RETURNS text LANGUAGE sql AS
$$ INSERT INTO public.asked VALUES (password); SELECT CASE WHEN password OPERATOR(pg_catalog.~) 'lake' THEN 'no lakes' END $$;
SET jwt_auth.password_check_function = 'public.judge';
SELECT test.raises(format('SELECT jwt_set_password(%L, %L)', :'bob', password), '22023', 'refused: ' || password)
FROM unnest('{passwordpassword,iloveyouiloveyou,short,rowing on a quiet lake}'::text[]) AS password;
SELECT jwt_set_password(:'bob', 'reading by candle light');
SELECT jwt_password_strength('rowing on a quiet lake');
SELECT is((SELECT array_agg(a.password) FROM public.asked AS a), '{reading by candle light}', 'the operator''s function is called once for a password that passes, and not for a rating');
RESET jwt_auth.password_check_function;

-- The list within a transaction
BEGIN;
INSERT INTO jwt_auth.blocked_passwords SELECT decode('836f0814802945f3bc7e27c3b1e4a2407af99195', 'hex');
SELECT is(pg_temp.reasons('rowing on a quiet lake'), '["blocked"]', 'a password blocked in this transaction is refused');
ROLLBACK;
SELECT is(pg_temp.reasons('rowing on a quiet lake'), '[]', 'when blocking a password is rolled back, the password is accepted');
SELECT test.raises(format('INSERT INTO jwt_auth.blocked_passwords VALUES (%L)', value), state, 'no hash: ' || coalesce(left(value, 20), 'NULL'))
FROM (VALUES ('\x', '23514'), ('\x00', '23514'), ('\x' || repeat('00', 19), '23514'), ('\x' || repeat('00', 21), '23514'), (NULL, '23502'), ('\xf8024496bcdc8b69e1491881e92b88416d6d68a0', '23505')) AS v (value, state);

-- What cannot be asked
SELECT test.raises('SELECT jwt_password_strength(' || arguments || ')', '22023', 'not asked: ' || left(arguments, 60))
FROM unnest(ARRAY['NULL', 'NULL, NULL', 'repeat(''x'', 1025)', 'repeat(U&''\FDFA'', 300)', '''x'', array_fill(''a''::text, ''{33}'')', '''x'', ARRAY[repeat(''x'', 1025)]', '''x'', array_fill(''a''::text, ''{6,6}'')']) AS arguments;
SELECT test.raises('SELECT jwt_password_strength(' || arguments || ')', NULL, 'asked: ' || left(arguments, 60))
FROM unnest(ARRAY['repeat(''x'', 1024)', '''x'', array_fill(repeat(''word '', 204), ''{32}'')', '''x'', array_fill(''a''::text, ''{4,8}'')', '''x'', ''{}''']) AS arguments;

-- A role without rights asks, and reads nothing; a hostile search_path changes nothing
CREATE ROLE regress_new_password;
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.length(bytea) RETURNS integer LANGUAGE sql AS 'SELECT 20';
CREATE FUNCTION hostile.equal(bytea, bytea) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR hostile.= (FUNCTION = hostile.equal, LEFTARG = bytea, RIGHTARG = bytea);
CREATE TABLE hostile.blocked_passwords (sha1 bytea);
GRANT USAGE ON SCHEMA hostile, test TO regress_new_password;
SET ROLE regress_new_password;
SET search_path = hostile, pg_catalog, public;
SELECT public.is(public.jwt_password_strength('iloveyouiloveyou') -> 'reasons', '["blocked","too_weak"]', 'a role without rights can rate a password');
SELECT public.is((SELECT string_agg(test.sqlstate_of(statement), ' ') FROM unnest(ARRAY['TABLE jwt_auth.blocked_passwords', 'DELETE FROM jwt_auth.blocked_passwords',
	'INSERT INTO jwt_auth.blocked_passwords VALUES (''\x00'')', 'SET jwt_auth.password_min_bits = 0']) AS statement), '42501 42501 42501 42501', 'a role without rights can neither read nor change blocked passwords');
RESET ROLE;
SELECT test.raises('INSERT INTO jwt_auth.blocked_passwords VALUES (''\x00'')', '23514', 'the check of blocked_passwords holds under a hostile search_path');
RESET search_path;
GRANT pg_read_all_data TO regress_new_password;
SET ROLE regress_new_password;
SELECT is((SELECT count(*) FROM jwt_auth.blocked_passwords), 0::bigint, 'a role that reads all data sees no blocked password');
RESET ROLE;

SELECT * FROM finish();
