-- Users (T43, T45, T46, T59, T89, T138, F19, F39, F40): made, changed, disabled, enabled, deleted; what
-- cannot be a name, password, role or claims is 22023, a name that is taken
-- 23505, and none of it leaves a row or an event.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 302 assertions
SELECT no_plan();
CREATE ROLE regress_account_member;
CREATE ROLE regress_account_super SUPERUSER;
CREATE ROLE regress_account_bypass BYPASSRLS;
CREATE ROLE regress_account_replica REPLICATION;

-- Made
SELECT jwt_create_user('Alice', test.password(), 'regress_account_member', '{"tenant":"t1","a":{"b":[1,null]}}') AS alice \gset
SELECT is((SELECT (username, convert_from(canonical, 'UTF8'), imported_hash, role, claims, disabled_at)::text
		   FROM jwt_auth.users JOIN jwt_auth.identifiers ON user_id = id WHERE id = :'alice'),
		  (SELECT ('Alice'::text, 'alice'::text, false, 'regress_account_member'::name, '{"tenant":"t1","a":{"b":[1,null]}}'::jsonb, NULL::timestamptz)::text),
		  'a user that is created has the name, role and claims that were asked for');
SELECT is(substr(:'alice', 15, 1), '7', 'the id of a user is a UUIDv7');
SELECT matches((SELECT password_hash FROM jwt_auth.users WHERE id = :'alice'),
			   '^\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$', 'the hash is argon2id in PHC form');
SELECT test.create_user('Bob') AS bob \gset
SELECT isnt((SELECT password_hash FROM jwt_auth.users WHERE id = :'alice'), (SELECT password_hash FROM jwt_auth.users WHERE id = :'bob'),
			'equal passwords of two users have different salts');
SELECT jwt_create_user('carol') AS carol \gset
SELECT is((SELECT (password_hash, password_set_at, role, claims)::text FROM jwt_auth.users WHERE id = :'carol'), '(,,,{})',
		  'a user can be created without password, role and claims');
SELECT is((SELECT count(DISTINCT id) FROM (SELECT jwt_create_user('many' || n) AS id FROM generate_series(1, 50) AS n) AS v), 50::bigint,
		  'the ids of fifty users differ');

-- Refused, by create and import, and by update where it takes the argument
SELECT count(*) AS users FROM jwt_auth.users \gset
SELECT test.audit_count() AS events \gset
CREATE TABLE public.refused (state text, what text, username text, role name, claims jsonb);
INSERT INTO public.refused VALUES
	('22023', 'no name', '', NULL, '{}'), ('22023', 'spaces', '   ', NULL, '{}'), ('22023', 'wide spaces', U&'\3000\00A0', NULL, '{}'),
	('22023', 'a line end', E'a\nb', NULL, '{}'), ('22023', 'a control character', E'a\x01b', NULL, '{}'),
	('22023', 'DEL', E'a\x7f', NULL, '{}'), ('22023', 'NEL', U&'a\0085b', NULL, '{}'), ('22023', 'a line separator', U&'a\2028', NULL, '{}'),
	('22023', 'not assigned', U&'a\0378', NULL, '{}'), ('22023', 'a noncharacter', U&'a\FFFE', NULL, '{}'),
	('22023', 'invisible characters alone', U&'\200B\00AD', NULL, '{}'),
	('22023', '256 characters', repeat('a', 256), NULL, '{}'), ('22023', '1025 bytes', repeat('a', 1025), NULL, '{}'),
	('22023', 'few characters that fold to many', repeat(U&'\FDFA', 100), NULL, '{}'),
	('22023', 'an unknown role', 'x', 'regress_account_nobody', '{}'), ('22023', 'an empty role', 'x', '', '{}'),
	('22023', 'a superuser', 'x', 'regress_account_super', '{}'), ('22023', 'a role with BYPASSRLS', 'x', 'regress_account_bypass', '{}'),
	('22023', 'a role with REPLICATION', 'x', 'regress_account_replica', '{}'),
	('22023', 'the bootstrap superuser', 'x', current_user, '{}'),
	('22023', 'an array', 'x', NULL, '[]'), ('22023', 'a string', 'x', NULL, '"x"'), ('22023', 'a JSON null', 'x', NULL, 'null'),
	('22023', 'a number', 'x', NULL, '1'), ('22023', 'large claims', 'x', NULL, jsonb_build_object('x', repeat('x', 9000))),
	('23505', 'a name that is taken', 'Alice', NULL, '{}'), ('23505', 'in another case', 'aLICE', NULL, '{}'),
	('23505', 'in full width', U&'\FF21\FF4C\FF49\FF43\FF45', NULL, '{}');
INSERT INTO public.refused SELECT '22023', 'the reserved claim ' || name, 'x', NULL, jsonb_build_object('ok', 1, name, 'x')
FROM unnest('{iss,sub,aud,exp,nbf,iat,jti,sid,role,aal,acr,amr,auth_time,act,may_act,azp,client_id,cnf,token_use,anonymous,nonce,at_hash}'::text[]) AS name;
SELECT test.raises(format('SELECT jwt_create_user(%L, %L, %L, %L)', username, test.password(), role, claims), state, 'create: ' || what),
	   test.raises(format('SELECT jwt_import_user(%L, ''$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS'', %L, %L)',
						  username, role, claims), state, 'import: ' || what),
	   test.raises(format('SELECT jwt_update_user(%L, %L, %L, %L)', :'bob', username, role, claims), state, 'update: ' || what)
FROM public.refused WHERE what <> 'an empty role';
-- What stands in a row all the same goes into no token
BEGIN;
SET LOCAL jwt_auth.token = '';
SET LOCAL session_replication_role = replica; -- or a trigger would refuse them
UPDATE jwt_auth.users SET claims = '{"aal":2,"acr":"x","amr":[],"auth_time":1,"act":{},"may_act":{},"azp":"x","client_id":"x","cnf":{},"token_use":"id","anonymous":true,"nonce":"x","at_hash":"x","sid":"x","kept":1,"deep":{"cnf":1}}' WHERE id = :'bob';
SET LOCAL session_replication_role = origin;
SELECT test.login('bob') AS answer \gset
SELECT is(test.claims_of(:'answer') - '{iat,exp,jti,sid,sub,role,auth_time}'::text[], '{"kept":1,"deep":{"cnf":1},"aal":1,"acr":"aal1","amr":["pwd"]}', 'reserved claims of a user''s row are left out of the access token'),
	   is(jwt_authenticate(:'answer'::jsonb ->> 'access_token') ->> 'sub', :'bob', 'a token of a user whose row has reserved claims becomes an identity');
ROLLBACK;
SELECT test.raises('SELECT ' || call, '22023', call)
FROM unnest(ARRAY['jwt_create_user(NULL)', 'jwt_create_user(NULL, ''correct horse battery'')', 'jwt_create_user(''x'', claims => NULL)',
	'jwt_create_user(''x'', '''')', 'jwt_create_user(''x'', ''fourteen chars'')', 'jwt_create_user(''x'', repeat(U&''\00E9'', 14))',
	'jwt_create_user(''x'', repeat(''x'', 1025))', 'jwt_create_user(''x'', repeat(U&''\FDFA'', 300))',
	'jwt_create_user(''x'', U&''fifteen chars !\0378'')',
	'jwt_import_user(NULL, ''x'')', 'jwt_import_user(''x'', NULL)', 'jwt_import_user(''x'', ''$5$x$'', claims => NULL)',
	'jwt_update_user(NULL)', 'jwt_update_user(NULL, ''x'')', 'jwt_update_user(gen_random_uuid(), ''x'')', 'jwt_update_user(gen_random_uuid())',
	'jwt_set_password(NULL, ''correct horse battery'')', 'jwt_set_password(gen_random_uuid(), ''correct horse battery'')',
	'jwt_disable_user(NULL)', 'jwt_disable_user(gen_random_uuid())', 'jwt_enable_user(NULL)', 'jwt_enable_user(gen_random_uuid())',
	'jwt_unlock_user(NULL)', 'jwt_unlock_user(gen_random_uuid())', 'jwt_delete_user(NULL)', 'jwt_delete_user(gen_random_uuid())',
	'jwt_end_sessions(NULL)', 'jwt_end_sessions(gen_random_uuid())', 'jwt_find_user(NULL)', 'jwt_find_user(repeat(''x'', 1025))', 'jwt_purge(NULL)', 'jwt_purge(0)', 'jwt_purge(-1)']) AS call;
SELECT test.raises(format('SELECT jwt_set_password(%L, %L)', :'bob', password), '22023', 'set_password: ' || what)
FROM (VALUES (NULL, 'NULL'), ('', 'empty'), ('fourteen chars', 'short'), (repeat('x', 1025), 'long'), (U&'fifteen chars !\0378', 'not assigned'))
	AS v (password, what);
-- What is wrong with an argument is told
CREATE FUNCTION pg_temp.message_of(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	hint text;
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLERRM || ' ' || hint;
END
$$;
SELECT matches(pg_temp.message_of('SELECT ' || call), pattern, call || ' tells: ' || pattern)
FROM (VALUES ('jwt_create_user(NULL)', 'needs a username'), ('jwt_set_password(NULL, ''x'')', '"user_id"'), ('jwt_import_user(''x'', NULL)', '"password_hash"'),
			 ('jwt_import_user(repeat(''x'', 1025), ''x'')', '"username".* 1024 '), ('jwt_login(''alice'', NULL)', '"password"'),
			 ('jwt_create_user(''x'', ''short'')', ' 15 '), ('jwt_end_sessions(gen_random_uuid())', 'jwt_find_user')) AS v (call, pattern);
SELECT is((SELECT count(*) FROM jwt_auth.users), :'users', 'refused calls create no user');
SELECT is(test.audit_count(), :'events', 'refused calls are not audited');
SELECT is(test.error_of(test.login('bob')), 'ok', 'refused changes leave bob''s password as it is');

-- The length of passwords is counted in characters, after NFKC
SET jwt_auth.password_min_bits = 0;
SELECT jwt_set_password(:'bob', repeat(U&'\00E9', 15));
SELECT is(test.error_of(jwt_login('bob', repeat(U&'\00E9', 15))), 'ok', 'a password of 15 characters is accepted');
SELECT is(test.error_of(jwt_login('bob', repeat(U&'e\0301', 15))), 'ok', 'a password matches in another composition');
SELECT is(test.error_of(jwt_login('bob', repeat('e', 15))), 'invalid_grant', 'a password without its accents does not match');
SELECT jwt_set_password(:'bob', repeat('x', 1024));
SELECT is(test.error_of(jwt_login('bob', repeat('x', 1024))), 'ok', 'a password of 1024 bytes is accepted');
SELECT is(test.error_of(jwt_login('bob', repeat('x', 1023))), 'invalid_grant', 'a password of 1024 bytes does not match without its last byte');
SELECT is(test.error_of(jwt_login('bob', repeat('x', 1023) || 'y')), 'invalid_grant', 'the last of 1024 bytes of a password counts');
SET jwt_auth.password_min_length = 3;
SELECT jwt_set_password(:'bob', 'abc');
SELECT is(test.error_of(jwt_login('bob', 'abc')), 'ok', 'a password of three characters is accepted where that is the minimum');
SELECT test.raises(format('SELECT jwt_set_password(%L, ''ab'')', :'bob'), '22023', 'a password of two characters is refused where three are the minimum');
RESET jwt_auth.password_min_length;
RESET jwt_auth.password_min_bits;
SELECT is(test.error_of(jwt_login('bob', 'abc')), 'ok', 'a stored password shorter than the minimum still logs in');
SELECT jwt_set_password(:'bob', '  spaces  count  ');
SELECT is(test.error_of(jwt_login('bob', 'spaces  count')), 'invalid_grant', 'a password does not match without its outer spaces'),
	   is(test.error_of(jwt_login('bob', '  Spaces  count  ')), 'invalid_grant', 'a password does not match in another case'),
	   is(test.error_of(jwt_login('bob', '  spaces  count  ')), 'ok', 'a password with outer spaces matches itself');
SELECT jwt_set_password(:'bob', test.password());

-- Changed: name, role and claims; NULL leaves as is
SELECT test.login('alice') AS answer \gset
SELECT jwt_update_user(:'alice');
SELECT is((SELECT (username, role, claims)::text FROM jwt_auth.users WHERE id = :'alice'),
		  (SELECT ('Alice'::text, 'regress_account_member'::name, '{"a": {"b": [1, null]}, "tenant": "t1"}'::jsonb)::text), 'an update without arguments changes nothing');
SELECT jwt_update_user(:'alice', 'ALICIA');
SELECT is(test.error_of(test.login('alice')), 'invalid_grant', 'after a change of name, the former name is unknown'),
	   is(test.error_of(test.login('alicia')), 'ok', 'after a change of name, the new name logs in');
SELECT jwt_update_user(:'alice', 'alicia');
SELECT is((SELECT username FROM jwt_auth.users WHERE id = :'alice'), 'alicia', 'a user''s own name can be set in another writing');
SELECT is(jwt_create_user('alice') IS NOT NULL, true, 'a name that was given up is free for another user');
SELECT test.raises(format('SELECT jwt_update_user(%L, ''Alice '')', :'alice'), '23505', 'a name that was given up and created again is taken');
SELECT jwt_update_user(:'alice', claims => '{"tenant":"t2"}');
SELECT is(test.claims_of(:'answer') ->> 'tenant', 't1', 'an access token keeps the claims of its time after an update');
SELECT is(test.access(:'answer'), NULL, 'an access token stays valid after an update of claims');
SELECT test.refresh(:'answer') AS answer \gset
SELECT is(test.claims_of(:'answer') ->> 'tenant', 't2', 'updated claims are in the token of the next refresh'),
	   is(test.claims_of(:'answer') ? 'a', false, 'claims that an update leaves out are not in the token of the next refresh'),
	   is(test.claims_of(:'answer') ->> 'role', 'regress_account_member', 'an update of claims leaves the role');
CREATE ROLE regress_account_other;
SELECT jwt_update_user(:'alice', role => 'regress_account_other');
SELECT is(test.claims_of(test.refresh(:'answer')) ->> 'role', 'regress_account_other', 'an updated role is in the token of the next refresh');
SELECT test.refresh(test.login('alicia')) AS answer \gset
SELECT jwt_update_user(:'alice', role => '');
SELECT is((SELECT role FROM jwt_auth.users WHERE id = :'alice'), NULL, 'updating the role to an empty name removes it'),
	   is(test.claims_of(test.refresh(:'answer')) ? 'role', false, 'a refresh after the role was removed has no claim "role"');
SELECT jwt_update_user(:'alice', role => 'regress_account_other');

-- Found by name, in any writing
SELECT is(jwt_find_user('alicia'), :'alice', 'a user is found by name'),
	   is(jwt_find_user(' ALICIA '), :'alice', 'a user is found by a name in another writing'),
	   is(jwt_find_user('nobody'), NULL, 'finding an unknown name returns NULL'),
	   is(jwt_find_user(''), NULL, 'finding an empty name returns NULL'),
	   is(jwt_find_user(E'a\nb'), NULL, 'finding what cannot be a name returns NULL');

-- Disabled, enabled, deleted
SELECT test.login('alicia') AS one \gset
SELECT test.login('alicia') AS two \gset
SELECT jwt_disable_user(:'alice');
SELECT is(test.access(:'one'), '28J02', 'disabling a user revokes the first access token'),
	   is(test.access(:'two'), '28J02', 'disabling a user revokes the access token of another session'),
	   is(test.error_of(test.refresh(:'one')), 'invalid_grant', 'a disabled user''s refresh token is denied'),
	   is(test.error_of(test.login('alicia')), 'invalid_grant', 'a disabled user cannot log in'),
	   is(test.live_sessions('alicia'), 0::bigint, 'a disabled user has no live session');
SELECT disabled_at AS disabled_at FROM jwt_auth.users WHERE id = :'alice' \gset
SELECT jwt_disable_user(:'alice');
SELECT is((SELECT disabled_at FROM jwt_auth.users WHERE id = :'alice'), :'disabled_at'::timestamptz, 'disabling a user again leaves the time');
SELECT jwt_enable_user(:'alice');
SELECT is(test.error_of(test.login('alicia')), 'ok', 'an enabled user can log in'),
	   is(test.access(:'one'), '28J02', 'after a user was enabled, former access tokens stay revoked'),
	   is(test.error_of(test.refresh(:'two')), 'invalid_grant', 'after a user was enabled, former refresh tokens are denied');
SELECT jwt_enable_user(:'alice');
SELECT test.login('alicia') AS one \gset
SELECT jwt_sign(jsonb_build_object('sub', :'alice')) AS without_session, jwt_sign('{"x": 1}') AS denied, jwt_sign('{"x": 2}') AS other \gset
SET jwt_auth.max_token_ttl = '30 d';
SELECT jwt_sign(jsonb_build_object('sub', :'alice'), '30 d') AS long_lived \gset
RESET jwt_auth.max_token_ttl;
SELECT is(test.verdict(:'without_session'), NULL, 'a token with the user''s sub and without session is valid'),
	   is(test.verdict(:'long_lived'), NULL, 'a token with the user''s sub from when tokens lived longer is valid');
BEGIN;
SELECT jwt_delete_user(:'alice');
SELECT is(test.access(:'one'), '28J00', 'a user''s access token is refused in the transaction that deletes the user');
ROLLBACK;
SELECT is(test.access(:'one'), NULL, 'when the deletion of a user is rolled back, the access token is valid');
SELECT jwt_delete_user(:'alice');
SELECT is(test.access(:'one'), '28J00', 'after the deletion of the user, the access token is refused'),
	   is(test.error_of(test.refresh(:'one')), 'invalid_grant', 'after the deletion of the user, the refresh token is denied'),
	   is(test.error_of(test.login('alicia')), 'invalid_grant', 'a deleted user cannot log in'),
	   is(test.verdict(:'without_session'), '28J02', 'after the deletion of the user, a token with that sub and without session is denied'),
	   is(test.verdict(:'denied'), NULL, 'after the deletion of a user, a token without sub is valid');
SELECT jwt_revoke(:'denied');
SELECT is(test.verdict(:'denied'), '28J02', 'a revoked token without sub is denied'),
	   is(test.verdict(:'other'), NULL, 'revoking a token without sub leaves another valid');
SELECT is((SELECT count(*) FROM jwt_auth.deleted_users WHERE id = :'alice' AND deleted_at <= now()), 1::bigint, 'a deleted user is recorded in deleted_users'),
	   is((SELECT count(*) FROM jwt_auth.revoked_tokens WHERE jti = :'alice'), 0::bigint, 'a deleted user adds no row to revoked_tokens');

-- Ids that users had elsewhere
SELECT gen_random_uuid() AS former, gen_random_uuid() AS imported \gset
SELECT is(jwt_create_user('former', test.password(), user_id => :'former'), :'former', 'a user is created with an id from elsewhere'),
	   is(jwt_import_user('brought', '$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS', user_id => :'imported'), :'imported', 'a user is imported with an id from elsewhere');
SELECT is(test.claims_of(test.login('former')) ->> 'sub', :'former', 'the id from elsewhere is the sub of tokens');
SELECT count(*) AS users FROM jwt_auth.users \gset
SELECT test.audit_count() AS events \gset
SELECT test.raises(format('SELECT jwt_create_user(''again'', user_id => %L)', id), '23505', 'create: ' || what),
	   test.raises(format('SELECT jwt_import_user(''again'', ''$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS'', user_id => %L)', id), '23505', 'import: ' || what)
FROM (VALUES (:'former', 'the id of a user'), (:'bob', 'the id of a user that was generated'), (:'alice', 'the id of a deleted user')) AS v (id, what);
SELECT matches(pg_temp.message_of(format('SELECT jwt_create_user(''again'', user_id => %L)', :'former')), '^this id belongs to .*deleted', 'an id that is taken is told from a name that is taken');
SELECT is((SELECT count(*) FROM jwt_auth.users), :'users', 'an id that is taken leaves no user'),
	   is(jwt_find_user('again'), NULL, 'an id that is taken leaves no name'),
	   is(test.audit_count(), :'events', 'an id that is taken is not audited');
BEGIN;
SELECT jwt_delete_user(:'former');
SELECT test.raises(format('SELECT jwt_create_user(''again'', user_id => %L)', :'former'), '23505', 'an id is refused in the transaction that deleted its user');
ROLLBACK;
SELECT is((SELECT count(*) FROM jwt_auth.deleted_users WHERE id = :'former'), 0::bigint, 'a deletion that was rolled back leaves the id to its user');
SELECT isnt(jwt_create_user('generated', user_id => NULL), NULL, 'without an id, one is generated');
SELECT jwt_purge();
SELECT is(test.verdict(:'long_lived'), '28J02', 'a purge keeps the denial of a deleted user');
DELETE FROM jwt_auth.revoked_tokens;
SELECT is(test.verdict(:'denied'), NULL, 'without rows in revoked_tokens, a revoked token is valid'),
	   is(test.verdict(:'without_session'), '28J02', 'without rows in revoked_tokens, a deleted user''s token is denied');
INSERT INTO jwt_auth.revoked_tokens VALUES ('', :'alice', 'infinity'), ('urn:jwt_auth:deleted-user', :'bob', 'infinity');
SELECT jwt_sign(jsonb_build_object('sub', :'bob')) AS of_bob \gset
SELECT is(test.verdict(:'without_session'), '28J02', 'rows of revoked_tokens with the user''s id leave the deleted user denied'),
	   is(test.verdict(:'of_bob'), NULL, 'a row of revoked_tokens with a made-up issuer denies no user');
DELETE FROM jwt_auth.deleted_users;
SELECT is(test.verdict(:'without_session'), NULL, 'after deleted_users was emptied by hand, the user''s token is valid');
INSERT INTO jwt_auth.deleted_users VALUES (:'alice', now());
SELECT is(test.verdict(:'without_session'), '28J02', 'after a user was inserted into deleted_users by hand, the user''s token is denied');
UPDATE jwt_auth.deleted_users SET id = gen_random_uuid();
SELECT is(test.verdict(:'without_session'), NULL, 'after a row of deleted_users was changed to another id, the user''s token is valid'),
	   is(test.verdict(:'of_bob'), NULL, 'after a row of deleted_users was changed to another id, bob''s token is valid');
INSERT INTO jwt_auth.deleted_users VALUES (:'alice', now());
SELECT is(test.verdict(:'without_session'), '28J02', 'after a second insertion into deleted_users by hand, the user''s token is denied');
TRUNCATE jwt_auth.deleted_users;
SELECT is(test.verdict(:'without_session'), NULL, 'after deleted_users was truncated, the user''s token is valid');
DELETE FROM jwt_auth.revoked_tokens;
SELECT is((SELECT count(*) FROM jwt_auth.sessions WHERE user_id = :'alice'), 0::bigint, 'a deleted user has no session'),
	   is((SELECT count(*) FROM jwt_auth.refresh_tokens AS r WHERE NOT EXISTS (SELECT FROM jwt_auth.sessions AS s WHERE s.id = r.session_id)),
		  0::bigint, 'no refresh token is left without its session');
SELECT test.raises(format('SELECT jwt_delete_user(%L)', :'alice'), '22023', 'deleting a deleted user is refused');

-- Set password and end_sessions end sessions, and no one else's
SELECT test.login('bob') AS bobs \gset
SELECT test.create_user('dave') AS dave \gset
SELECT test.login('dave') AS one \gset
SELECT jwt_set_password(:'dave', 'another horse battery');
SELECT is(test.access(:'one'), '28J02', 'setting a password revokes access tokens'),
	   is(test.error_of(test.refresh(:'one')), 'invalid_grant', 'setting a password ends the sessions'' refresh tokens'),
	   is(test.error_of(test.login('dave')), 'invalid_grant', 'after a password was set, the former one is denied'),
	   is(test.error_of(jwt_login('dave', 'another horse battery')), 'ok', 'after a password was set, the new one logs in');
SELECT jwt_login('dave', 'another horse battery') AS one \gset
SELECT jwt_end_sessions(:'dave');
SELECT is(test.access(:'one'), '28J02', 'ending a user''s sessions revokes access tokens'),
	   is(test.error_of(test.refresh(:'one')), 'invalid_grant', 'ending a user''s sessions ends their refresh tokens'),
	   is(test.error_of(jwt_login('dave', 'another horse battery')), 'ok', 'after all sessions were ended, the user can log in');
SELECT is(test.access(:'bobs'), NULL, 'changes of one user leave the access tokens of others valid'),
	   is(test.error_of(test.refresh(:'bobs')), 'ok', 'changes of one user leave the refresh tokens of others valid');

-- Rows that were not made by these functions
SELECT test.raises(format('UPDATE jwt_auth.users SET password_hash = %L', hash), '23514', 'direct: ' || hash)
FROM unnest('{plain text,"",md5a3556571e93b0d20722ba62be61e8c2d,SCRAM-SHA-256$4096:x}'::text[]) AS hash;
SELECT test.raises('UPDATE jwt_auth.users SET claims = ''[]''', '23514', 'claims that are no object cannot be written to the table');
UPDATE jwt_auth.users SET password_hash = '$argon2id$v=19$m=4194304,t=1000000000,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA' WHERE username = 'dave';
SELECT is(test.error_of(test.login('dave')), 'invalid_grant', 'a hash in the table that asks for too much work is not computed');
UPDATE jwt_auth.users SET password_hash = '$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1' WHERE username = 'dave';
SELECT is(test.error_of(test.login('dave')), 'invalid_grant', 'a hash of unknown kind in the table is not computed');
UPDATE jwt_auth.users SET disabled_at = now() WHERE username = 'Bob';
SELECT is(test.error_of(test.login('bob')), 'invalid_grant', 'a user disabled in the table cannot log in'),
	   is(test.error_of(test.refresh(:'bobs')), 'invalid_grant', 'the refresh token of a user disabled in the table is denied');

DROP ROLE regress_account_member, regress_account_super, regress_account_bypass, regress_account_replica, regress_account_other;
SELECT * FROM finish();
