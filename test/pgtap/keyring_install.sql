-- The extension comes, goes and comes again in one session, which keeps
-- nothing of what was; in another schema; and with names of its tables taken (T33).
\ir include/jose.psql
SET client_min_messages = error;
-- At least 40 assertions
SELECT no_plan();

-- Without it: the functions are gone, and nothing that is left misleads
CREATE EXTENSION jwt_auth;
\ir include/keyring.psql
SELECT jwt_create_key('ES256', 'e1'), test.import_own_secret(), jwt_rotate_refresh_key();
SELECT jwt_trust_issuer('https://a.example', jwk_public(test.key('Ed25519', 'EdDSA') || '{"kid":"t"}'), 'api');
CREATE TABLE public.token AS
SELECT jwt_sign('{}') AS signed, test.own() AS own, jwt_sign_with(jsonb_build_object('iss', 'https://a.example', 'aud', 'api',
	'exp', test.seconds(600)), test.key('Ed25519', 'EdDSA') || '{"kid":"t"}') AS theirs;
SELECT is(test.verdict(signed), NULL, 'before DROP EXTENSION, a token signed here verifies'),
	   is(test.verdict(own), NULL, 'before DROP EXTENSION, a token by a secret verifies'),
	   is(test.verdict(theirs), NULL, 'before DROP EXTENSION, a token of an issuer verifies') FROM public.token;
CREATE FUNCTION pg_temp.again() RETURNS SETOF text LANGUAGE sql AS
$$
	SELECT is(test.verdict(t), '28J00', 'a token by a key of the former extension is refused') FROM public.token, unnest(ARRAY[signed, own, theirs]) AS t
	UNION ALL SELECT test.raises('SELECT jwt_sign(''{}'')', '55000', 'in the extension created again, no key signs')
	UNION ALL SELECT is(jwt_jwks(), '{"keys":[]}', 'in the extension created again, no key is published')
	UNION ALL SELECT test.raises('SELECT jwt_distrust_issuer(''https://a.example'')', '22023', 'in the extension created again, no issuer is trusted')
	UNION ALL SELECT is(jwt_create_key('ES256', 'e1'), 'e1', 'in the extension created again, former kids are free')
	UNION ALL SELECT is(test.verdict(jwt_sign('{}')), NULL, 'in the extension created again, a new key signs and verifies')
	UNION ALL SELECT is(test.verdict(signed), '28J00', 'a token by a former key is refused under the same kid') FROM public.token
$$;
DROP EXTENSION jwt_auth;
SELECT is_empty('SELECT nspname FROM pg_namespace WHERE nspname = ''jwt_auth''', 'DROP EXTENSION leaves no table');
CREATE EXTENSION jwt_auth;
SELECT * FROM pg_temp.again();

-- The same where the session has only changed keys, and not read them
DROP EXTENSION jwt_auth;
CREATE EXTENSION jwt_auth;
SELECT is(test.sqlstate_of('SELECT ' || call), NULL, 'after DROP and CREATE EXTENSION: ' || call)
FROM unnest('{jwt_create_key(),jwt_rotate_refresh_key(),"jwt_sign(''{}'')",jwt_jwks()}'::text[]) AS call;
BEGIN;
DROP EXTENSION jwt_auth;
CREATE EXTENSION jwt_auth;
SELECT is(test.sqlstate_of('SELECT ' || call), NULL, 'after DROP and CREATE EXTENSION in one transaction: ' || call)
FROM unnest('{jwt_create_key(),jwt_rotate_refresh_key(),"jwt_sign(''{}'')",jwt_jwks()}'::text[]) AS call;
SELECT jwt_sign('{}') AS unsure \gset
SELECT is(test.verdict(:'unsure'), NULL, 'a token of the extension created in this transaction verifies');
ROLLBACK;
SELECT is(test.verdict(:'unsure'), '28J00', 'after a rollback, a token of the extension created in it is refused');
SELECT is(test.verdict(jwt_sign('{}')), NULL, 'after a rollback, the former extension signs and verifies');
SELECT is(count(*), 1::bigint, 'after a rollback, the former extension has its key') FROM jwt_auth.keys WHERE use = 'sig';

-- Names that are taken: nothing is adopted
DROP EXTENSION jwt_auth;
CREATE SCHEMA jwt_auth;
CREATE TABLE jwt_auth.keys (kid text);
SELECT throws_ok('CREATE EXTENSION jwt_auth', '42P06', NULL, 'the extension is not created where its schema exists');
SELECT is((SELECT count(*) FROM pg_proc WHERE proname ~ '^jw[tks]_'), 0::bigint, 'an installation that failed leaves no function');
SELECT is_empty('SELECT * FROM pg_extension WHERE extname = ''jwt_auth''', 'an installation that failed leaves no extension');
DROP SCHEMA jwt_auth CASCADE;

-- Functions whose schema of tables is not there: a hint, not a crash
CREATE EXTENSION jwt_auth;
SELECT throws_ok(statement, '2BP01', NULL, 'refused: ' || statement)
FROM unnest(ARRAY['DROP TABLE jwt_auth.keys', 'DROP SCHEMA jwt_auth CASCADE', 'DROP TABLE jwt_auth.key_invalidation',
				  'DROP FUNCTION jwt_verify']) AS statement;
ALTER EXTENSION jwt_auth DROP TABLE jwt_auth.key_invalidation;
DROP TABLE jwt_auth.key_invalidation;
SELECT test.raises('SELECT ' || call, '55000', 'without a table: ' || call)
FROM unnest('{jwt_create_key(),"jwt_verify(''a.b.c'')"}'::text[]) AS call;
DROP EXTENSION jwt_auth;

-- Another schema, whose name needs quotes; the tables stay where they are
CREATE SCHEMA "An API";
CREATE EXTENSION jwt_auth SCHEMA "An API";
SELECT is("An API".jwt_create_key('ES256', 'e1'), 'e1', 'in another schema: jwt_create_key');
SELECT is("An API".jwt_verify("An API".jwt_sign('{"a":1}')) ->> 'a', '1', 'in another schema: jwt_sign, jwt_verify');
SELECT is("An API".jwt_rotate_key() <> 'e1', true, 'in another schema: jwt_rotate_key');
SELECT is(count(*), 6::bigint, 'in another schema: the keys are in jwt_auth.keys') FROM jwt_auth.keys;
SELECT is(test.sqlstate_of('SELECT jwt_sign(''{}'')'), '42883', 'in another schema: the functions are not in public');
SELECT is(test.sqlstate_of('SELECT "An API".jwt_verify(''x'')'), '28J00', 'in another schema: refusals');

SELECT * FROM finish();
