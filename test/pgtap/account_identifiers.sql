-- What a person is called: usernames, e-mail addresses and phone numbers in one
-- namespace, each in one canonical form, and a login by any that is verified
-- (T45, T106, T107).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 259 assertions
SELECT no_plan();
CREATE FUNCTION test.canonical(identifier text) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT convert_from(canonical, 'UTF8') FROM jwt_auth.identifiers WHERE value = identifier $$;

-- One user, three ways to be called
SELECT jwt_create_user('Alice', test.password(), email => 'Alice.Smith+news@Example.ORG', phone => '+491701234567') AS alice \gset
SELECT is(array_agg(format('%s: %s, %s, %s', kind, value, convert_from(canonical, 'UTF8'), verified_at = created_at) ORDER BY kind),
	ARRAY['email: Alice.Smith+news@Example.ORG, alice.smith+news@example.org, t',
		  'phone: +491701234567, +491701234567, t', 'username: Alice, alice, t'],
	'each identifier is stored as given and in canonical form, and is verified') FROM jwt_auth.identifiers;
SELECT is(test.error_of(test.login(name)), 'ok', 'an identifier logs in: ' || name),
	   is(jwt_find_user(name), :'alice', 'an identifier finds its user: ' || name)
FROM unnest(ARRAY['alice', 'ALICE', ' alice ', 'alice.smith+news@example.org', 'ALICE.SMITH+NEWS@EXAMPLE.ORG', ' Alice.Smith+News@example.org ',
	U&'alice.smith+news\FF20example.org', U&'alice.smith+news@\FF45xample.org', '+491701234567', ' +491701234567 ', U&'\FF0B\FF14\FF191701234567']) AS name;
SELECT is(test.error_of(test.login(name)), 'invalid_grant', 'a similar name is denied: ' || name),
	   is(jwt_find_user(name), NULL, 'a similar name finds no user: ' || name)
FROM unnest(ARRAY['alicesmith+news@example.org', 'alice.smith@example.org', 'alice.smith+news@example.com', 'alice.smith+news@example.org.', 'alice.smith+news',
	'example.org', '+49170123456', '491701234567', '00491701234567', '+49 170 1234567', '@', 'alice@', '@example.org', '+', '']) AS name
WHERE name <> '';
SELECT is(test.error_of(test.login('')), 'invalid_request', 'an empty name is an invalid request');

-- Domains have one form, that of DNS
SELECT jwt_create_user(NULL, test.password(), email => U&'info@B\00FCcher.example') AS buecher,
	   jwt_create_user(NULL, test.password(), email => U&'info@fa\00DF.example') AS fass \gset
SELECT is(test.canonical(U&'info@B\00FCcher.example'), 'info@xn--bcher-kva.example', 'a domain with an umlaut is compared as its A-label'),
	   is(jwt_find_user('INFO@XN--BCHER-KVA.EXAMPLE'), :'buecher', 'a domain with an umlaut is found by its A-label'),
	   is(jwt_find_user(U&'info@bu\0308cher.example'), :'buecher', 'a domain with an umlaut is found in decomposed form'),
	   is((SELECT username FROM jwt_auth.users WHERE id = :'buecher'), NULL, 'a user created without a username has none'),
	   is(test.error_of(test.login(U&'info@B\00DCCHER.example')), 'ok', 'a user without a username logs in by the address');
SELECT test.raises(format('SELECT jwt_create_user(NULL, email => %L)', address), '23505', 'an address is taken in every spelling: ' || address)
FROM unnest(ARRAY['info@xn--bcher-kva.example', U&'INFO@B\00DCCHER.EXAMPLE', U&'info@bu\0308cher.example']) AS address;

SELECT jwt_create_user(NULL, email => 'info@fass.example') AS fass_ascii \gset
SELECT is(test.canonical(U&'info@fa\00DF.example'), 'info@xn--fa-hia.example', 'a sharp s makes another domain'),
	   is(jwt_find_user('INFO@XN--FA-HIA.EXAMPLE'), :'fass', 'a domain with a sharp s is found by its A-label'),
	   is(jwt_find_user('info@fass.example'), :'fass_ascii', 'a domain with "ss" is another than one with a sharp s'),
	   is(jwt_find_user(U&'info@\FF42\FF55\0308cher\3002example'), :'buecher', 'full-width letters and dots of other scripts are normalized as DNS does');

-- One namespace: nobody is called like somebody's address, in whatever place it is given
SELECT count(*) AS users FROM jwt_auth.users \gset
SELECT test.raises(format('SELECT jwt_create_user(%L, email => %L, phone => %L)', username, email, phone), state, what)
FROM (VALUES ('22023', 'a username that is somebody''s address is refused', 'alice.smith+news@example.org', NULL, NULL), ('22023', 'a username like any address is refused', 'x@y.example', NULL, NULL),
	('22023', 'a username with a full-width @ is refused', U&'x\FF20y', NULL, NULL), ('22023', 'a username with a small @ is refused', U&'x\FE6By', NULL, NULL), ('22023', 'a username of only @ is refused', '@', NULL, NULL),
	('22023', 'a username that is somebody''s phone number is refused', '+491701234567', NULL, NULL), ('22023', 'a username like a phone number with punctuation is refused', '+49 (170) 123-45.67', NULL, NULL),
	('22023', 'a username like a full-width phone number is refused', U&'\FF0B\FF14\FF191701234567', NULL, NULL), ('22023', 'a username like a short phone number is refused', '+1', NULL, NULL),
	('22023', 'a user without any identifier is refused', NULL, NULL, NULL), ('22023', 'an empty username beside an address is refused', '', 'new@x.example', NULL),
	('23505', 'a taken username with a new address is refused', 'ALICE', 'new@x.example', NULL),
	('23505', 'a taken address with a new username is refused', 'new', 'alice.smith+news@EXAMPLE.org', NULL),
	('23505', 'a taken phone number is refused', 'new', 'new@x.example', '+491701234567'),
	('22023', 'a phone number is refused as an address', 'new', '+491701234568', NULL), ('22023', 'a username is refused as an address', 'new', 'somebody', NULL),
	('22023', 'an address is refused as a phone number', 'new', NULL, 'new@x.example'), ('22023', 'a username is refused as a phone number', 'new', NULL, 'somebody')
) AS v (state, what, username, email, phone);
SELECT test.raises(format('SELECT jwt_import_user(%L, ''$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS'', email => %L)', username, email), state, 'an import is refused: ' || what)
FROM (VALUES ('22023', 'a username like an address', 'x@y.example', NULL), ('23505', 'an address that is taken', 'new', 'alice.smith+news@example.org'),
	('22023', 'a malformed address', 'new', 'x@@y.example'), ('22023', 'an address with a Kelvin sign', 'new', U&'\212Aim@y.example'), ('22023', 'an address with a long s', 'new', U&'\017Fam@y.example'), ('22023', 'no name', NULL, NULL)) AS v (state, what, username, email);
SELECT test.raises(format('SELECT jwt_update_user(%L, %L)', :'buecher', username), state, 'an update of the username is refused: ' || username)
FROM (VALUES ('22023', 'x@y.example'), ('22023', '+491701234569'), ('23505', 'alice'), ('22023', U&'x\FF20y')) AS v (state, username);
SELECT is(count(*), :'users'::bigint, 'refused calls create no user') FROM jwt_auth.users;
SELECT is(count(*), 6::bigint, 'refused calls add no identifier') FROM jwt_auth.identifiers;

-- What is no address
SELECT test.raises(format('SELECT jwt_create_user(NULL, email => %L)', address), '22023', 'not an address: ' || left(to_json(address)::text, 70))
FROM unnest(ARRAY['x', '@', 'x@', '@x.example', 'x@@y.example', 'x@y@z.example', 'x@y..example', 'x@.example', 'x@y.example.', 'x@-y.example', 'x@y-.example', 'x@y_z.example', 'x@y z.example',
	'x y@z.example', '"x y"@z.example', '"x"@z.example', 'x,y@z.example', 'x;y@z.example', '<x@z.example>', 'Bob <x@z.example>', 'x@[127.0.0.1]', 'x(y)@z.example', 'x:y@z.example', 'x%elsewhere.example@z.example', 'elsewhere.example!x@z.example', '=?utf-8?q?x=40elsewhere.example?=@z.example', U&'x\FF05elsewhere.example@z.example', U&'elsewhere.example\FF01x@z.example', '=?@z.example',
	E'x\\y@z.example', E'x@z.example\r\nBcc: all@z.example', E'x\n@z.example', E'x@z.example\t', 'x@xn--a.example', 'x@xn--.example', U&'x@a\200Db.example', U&'x\200B@y.example', U&'\FB01le@y.example', U&'stra\00DFe@y.example', U&'\FF58@y.example', U&'x\00AD@y.example', U&'x\FF20y.example', U&'x\2460@y.example', ' x@y.example', 'x@y.example ', U&'\212Aim@y.example', U&'\017Fam@y.example', U&'\0130x@y.example', U&'\212Bx@y.example', U&'\00DCx@y.example', U&'u\0308x@y.example', repeat('x', 65) || '@y.example',
	'x@' || repeat('a', 64) || '.example', 'x@' || repeat(repeat('a', 60) || '.', 4) || repeat('b', 20), repeat('x', 300) || '@y.example', 'x@' || repeat('y', 2000)]) AS address;
-- What is one
SELECT lives_ok(format('SELECT jwt_create_user(NULL, email => %L)', address), 'an address is accepted: ' || address)
FROM unnest(ARRAY['x@localhost', 'o''brien@x.example', 'x+y@x.example', 'x..y@x.example', '.x@x.example', '1@2.example', U&'\00FC@x.example', U&'\7528\6237@\4F8B\5B50.example',
	repeat('x', 63) || '@y.example', 'x/y=z#$&*?^_`{|}~@y.example', '?=@y.example', 'x@a-b.example', 'x@1.2.example']) AS address;
-- What is no phone number, and what is
SELECT test.raises(format('SELECT jwt_create_user(NULL, phone => %L)', number), '22023', 'not a phone number: ' || to_json(number)::text)
FROM unnest(ARRAY['', '+', '491701234568', '00491701234568', '+0491701234', '+49 170 1234568', '+49-170-1234568', '+123456', '+1234567890123456', '+49170123456x', '+49170123456,1', '++491701234568',
	E'+491701234568\n', U&'+\0664\0669\0661\0667\0660\0661\0662\0663\0664']) AS number;
SELECT lives_ok(format('SELECT jwt_create_user(NULL, phone => %L)', number), 'a phone number is accepted: ' || number)
FROM unnest(ARRAY['+1234567', '+123456789012345', U&'\FF0B4917012345']) AS number;
-- Usernames that only remind of one
SELECT test.raises(format('SELECT jwt_create_user(%L)', username), '22023', 'a username that reads as a phone number is refused: ' || to_json(username)::text)
FROM unnest(ARRAY['00491701234568', '0049 170 1234568', '0049-170-1234568', '01701234568', '0170/1234568', '(0170) 1234568', '555-1234', '030 123 45 67', '1-800-555-0199', '555.1234', '0123456',
	U&'+49\2011170\20111234568', U&'0049\2011170\20111234568', U&'555\20101234', U&'555\20121234', U&'555\20131234', U&'555\20141234', U&'555\22121234', U&'555\FE631234', U&'555\FF0D1234',
	U&'555\00AD-1234', U&'555\200B\20111234', U&'555\00A01234', U&'555\20091234', U&'\FF10\FF10\FF14\FF191701234568', U&'+\0664\0669\0661\0667\0660\0661\0662\0663\0664', U&'\0665\0665\0665-\0661\0662\0663\0664',
	U&'\FF0B49\2011170\20111234568', U&'\207A49\2013170 1234568', U&'\27954917012345', U&'555\FF0F1234', U&'\FF08555\FF091234', U&'\2460-234-5678']) AS username;
SELECT test.raises(format('SELECT jwt_update_user(%L, %L)', :'buecher', username), '22023', 'an update to a username that reads as a phone number is refused: ' || username)
FROM unnest(ARRAY['0049 170 1234568', U&'555\20111234']) AS username;
-- One that was made before is found and logs in
SELECT jwt_create_user('of old', test.password()) AS old \gset
UPDATE jwt_auth.identifiers SET canonical = '0049-170-1234568', value = '0049-170-1234568' WHERE user_id = :'old';
SELECT is(test.error_of(test.login('0049-170-1234568')), 'ok', 'an existing username like a phone number logs in'),
	   is(jwt_find_user(U&'0049-170-\FF11234568'), :'old', 'an existing username like a phone number is found'),
	   lives_ok(format('SELECT jwt_update_user(%L, claims => ''{}'')', :'old'), 'a user with such a username can be updated otherwise');
SELECT jwt_delete_user(:'old');
SELECT lives_ok(format('SELECT jwt_create_user(%L)', username), 'a username is accepted: ' || username)
FROM unnest(ARRAY['2024', '007', '0815', '2024-01', '12-34', 'user-1', '555-1234a', 'x0049170123456', '00-11', '0000000000000000000', '1234567890123456789-1', '1234567', '491701234567', '+', '+a', '1+1', '+1a', 'c++', 'alice smith', 'example.org', '-', '(1)']) AS username;

-- An address that is not verified logs nobody in, and counts like an unknown name
UPDATE jwt_auth.identifiers SET verified_at = NULL WHERE kind = 'email' AND user_id = :'alice';
DELETE FROM jwt_auth.login_throttle;
SELECT is(test.error_of(test.login('alice.smith+news@example.org')), 'invalid_grant', 'an unverified address is denied'),
	   is(test.error_of(test.login('nobody@example.org')), 'invalid_grant', 'an unknown address is denied alike'),
	   is(test.error_of(test.login('alice')), 'ok', 'the user''s other identifiers log in'),
	   is(jwt_find_user('alice.smith+news@example.org'), :'alice', 'an unverified address finds its user');
SELECT is(array_agg(failures), '{1,1}', 'unverified and unknown addresses are counted alike') FROM jwt_auth.login_throttle;
UPDATE jwt_auth.identifiers SET verified_at = now() WHERE kind = 'email' AND user_id = :'alice';

-- Failures count against the name that was used, and unlocking clears them all
SET jwt_auth.login_max_failures = 1;
DELETE FROM jwt_auth.login_throttle;
SELECT test.login(name, 'wrong') FROM unnest('{alice,alice.smith+news@example.org,+491701234567}'::text[]) AS name;
SELECT is(test.error_of(test.login(name)), 'temporarily_unavailable', 'a failure throttles the name that was used: ' || name) FROM unnest('{alice,alice.smith+news@example.org,+491701234567}'::text[]) AS name;
SELECT jwt_unlock_user(:'alice');
SELECT is(test.error_of(test.login(name)), 'ok', 'unlocking a user unlocks each name: ' || name) FROM unnest('{alice,alice.smith+news@example.org,+491701234567}'::text[]) AS name;
RESET jwt_auth.login_max_failures;

-- Another username, and a password without one
SELECT jwt_update_user(:'alice', 'Alicia');
SELECT is(test.error_of(test.login('alicia')), 'ok', 'the new username logs in'),
	   is(test.error_of(test.login('alice')), 'invalid_grant', 'the old username is denied'),
	   is(test.error_of(test.login('+491701234567')), 'ok', 'other identifiers still log in after a change of username'),
	   is((SELECT username FROM jwt_auth.users WHERE id = :'alice'), 'Alicia', 'the row of the user has the new username');
SELECT jwt_update_user(:'alice', 'ALICIA');
SELECT is(test.canonical('ALICIA'), 'alicia', 'a user''s own username can be spelled differently');
SELECT jwt_update_user(:'buecher', 'reader');
SELECT is(jwt_find_user('reader'), :'buecher', 'a user gets a first username'),
	   is(jwt_find_user('info@xn--bcher-kva.example'), :'buecher', 'a user with a first username keeps the address');
SELECT jwt_set_password(:'fass', 'another horse battery');
SELECT is(test.error_of(test.login(U&'info@fa\00DF.example', 'another horse battery')), 'ok', 'a user without a username logs in with a new password');
SELECT set_config('jwt_auth.token', test.login(U&'info@fa\00DF.example', 'another horse battery') ->> 'access_token', false);
SELECT is(jwt_change_password('another horse battery', 'a third horse battery'), '{}', 'a user without a username changes the password'),
	   is(jwt_change_password('another horse battery', 'a fourth horse battery') ->> 'error', 'invalid_grant', 'a change of password needs the current one');
RESET jwt_auth.token;
SELECT is(test.error_of(test.login(U&'info@fa\00DF.example', 'a third horse battery')), 'ok', 'a user without a username logs in with the changed password');

-- Deleted with the user, and then free
SELECT jwt_delete_user(:'alice');
SELECT is(count(*), 0::bigint, 'deleting a user deletes the identifiers') FROM jwt_auth.identifiers WHERE user_id = :'alice';
SELECT lives_ok($$ SELECT jwt_create_user('alicia', email => 'alice.smith+news@example.org', phone => '+491701234567') $$, 'identifiers of a deleted user are free for others');
SELECT test.raises($$ INSERT INTO jwt_auth.identifiers VALUES ('x', jwt_find_user('alicia'), 'x', 'x', now()) $$, '23514', 'an identifier of an unknown kind is refused'),
	   test.raises($$ INSERT INTO jwt_auth.identifiers VALUES ('x', jwt_find_user('alicia'), 'username', 'x', now()) $$, '23505', 'a second username of a user is refused');
SELECT finish();
