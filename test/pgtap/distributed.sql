-- Tables that Citus manages (its catalog says so) would be read stale, so that all
-- functions refuse them.  Where it hands on SET LOCAL, the token is set by such a
-- statement, with the same effect.
-- At least 20 assertions
CREATE EXTENSION jwt_auth;
CREATE SCHEMA test;
SELECT no_plan();
SELECT jwt_create_key();
SELECT jwt_create_user('alice', 'correct horse battery staple') AS alice, jwt_create_user('bob', 'correct horse battery staple') AS bob \gset
SELECT jwt_sign(jsonb_build_object('sub', :'alice')) AS alice_token, jwt_sign(jsonb_build_object('sub', :'bob')) AS bob_token \gset
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass PRIMARY KEY);
RESET allow_system_table_mods;

SELECT lives_ok(format('SELECT jwt_verify(%L)', :'alice_token'), 'with Citus, tables that it does not manage are used');
INSERT INTO pg_catalog.pg_dist_partition VALUES ('jwt_auth.keys');
ALTER TABLE jwt_auth.keys SET (fillfactor = 100);
SELECT throws_ok(format('SELECT %s', call), '55000', 'table "jwt_auth.keys" is managed by Citus', call)
FROM unnest(ARRAY[
	$$jwt_login('alice', 'correct horse battery staple')$$,
	$$jwt_create_key()$$,
	$$jwt_revoke_key('x')$$,
	$$jwt_jwks()$$,
	$$jwt_rotate_key()$$]) AS call;
SELECT throws_ok(format('SELECT jwt_verify(%L)', jwt_sign_with(jsonb_build_object('exp', 9e9::bigint), jwk_generate('ES256', 'other'))), '55000', NULL,
	'a token that was not seen before is not verified');
DELETE FROM pg_catalog.pg_dist_partition;
INSERT INTO pg_catalog.pg_dist_partition VALUES ('jwt_auth.revoked_tokens');
ALTER TABLE jwt_auth.revoked_tokens SET (fillfactor = 100);
SELECT lives_ok('SELECT jwt_jwks()', 'a table that is managed does not matter to what does not read it');
SELECT throws_ok(format('SELECT jwt_revoke(%L)', jwt_sign('{"jti":"x"}')), '55000', 'table "jwt_auth.revoked_tokens" is managed by Citus', 'and is refused by what does');
DELETE FROM pg_catalog.pg_dist_partition;
SELECT lives_ok(format('SELECT jwt_revoke(%L)', jwt_sign('{"jti":"x"}')), 'once it is managed no more, it is used');

-- The token by a statement
CREATE FUNCTION test.identities(value text) RETURNS TABLE (step text, who uuid) LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM set_config('citus.propagate_set_commands', value, true);
	PERFORM public.jwt_authenticate(current_setting('test.alice'));
	RETURN QUERY SELECT 'first', public.jwt_user_id();
	BEGIN
		PERFORM public.jwt_authenticate(current_setting('test.bob'));
		RETURN QUERY SELECT 'second', public.jwt_user_id();
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
		RETURN QUERY SELECT 'undone', public.jwt_user_id();
	END;
	PERFORM set_config('request.headers', '{}', true);
	PERFORM public.jwt_pre_request();
	RETURN QUERY SELECT 'nobody', public.jwt_user_id();
END
$$;
SET test.alice = :'alice_token';
SET test.bob = :'bob_token';
SELECT results_eq(format('SELECT * FROM test.identities(%L)', value),
	format('VALUES (''first'', %1$L::uuid), (''second'', %2$L), (''undone'', %1$L), (''nobody'', NULL)', :'alice', :'bob'),
	format('the identity is right with citus.propagate_set_commands = %L', value))
FROM unnest('{none,local,LOCAL,""}'::text[]) AS value;
SELECT is(jwt_user_id(), NULL, 'it ends with the transaction');

SET citus.propagate_set_commands = 'local';
BEGIN;
SELECT throws_ok($$SELECT jwt_authenticate('x''; RESET ALL; --')$$, '28J00', NULL, 'what is no token is no part of a statement');
SELECT jwt_authenticate('Bearer ' || :'alice_token') IS NOT NULL;
SELECT is(current_setting('jwt_auth.token'), regexp_replace(:'alice_token', '[^.]*$', '[hidden]'), 'the setting has the token');
SET TRANSACTION READ ONLY;
SELECT lives_ok(format('SELECT jwt_authenticate(%L)', :'bob_token'), 'it can be set in a read-only transaction');
SELECT is(jwt_user_id(), :'bob', 'and acts');
COMMIT;
SELECT is(jwt_user_id(), NULL, 'it is gone after the transaction');
SELECT is((SELECT jwt_authenticate(:'bob_token') ->> 'sub'), :'bob', 'outside of a transaction block it acts for one statement');
SELECT is(jwt_user_id(), NULL, 'and no longer');
SELECT * FROM finish();
