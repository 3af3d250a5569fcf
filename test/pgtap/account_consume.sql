-- Tokens for a single use (F31, F39): one call gets the claims, later ones 28J02;
-- tokens of sessions, of other issuers, or without jti are not for that.
-- At least 33 assertions
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
SELECT no_plan();
-- The message and hint of what a statement raises, or nothing
CREATE FUNCTION test.error_texts(statement text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE hint text;
BEGIN
	EXECUTE statement;
	RETURN '';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLERRM || ': ' || hint;
END
$$;
SELECT test.create_user('alice') AS alice \gset
SELECT test.import_own_secret();
SELECT jwt_sign('{"jti":"j1","purpose":"invite"}') AS token \gset
SELECT jwt_sign('{"jti":"j2"}') AS other \gset
SELECT is(jwt_verify(:'token') ->> 'purpose', 'invite', 'verified before its use');
SELECT is(jwt_consume(:'token') - '{exp,iat}'::text[], '{"jti":"j1","purpose":"invite"}', 'its claims');
SELECT test.raises(format('SELECT jwt_consume(%L)', :'token'), '28J02', 'used twice');
SELECT is(test.verdict(:'token'), '28J02', 'nor does it verify any longer'), is(test.verdict(:'other'), NULL, 'another one does');
SELECT is((SELECT count(*) FROM jwt_auth.revoked_tokens WHERE jti = 'j1' AND expires_at > now()), 1::bigint, 'denied until it has expired');
SET jwt_auth.check_revocation = off;
SELECT test.raises(format('SELECT jwt_consume(%L)', :'token'), '28J02', 'used twice, though nobody looks for revocation');
SELECT is(jwt_consume(:'other') ->> 'jti', 'j2', 'another one, once');
SELECT test.raises(format('SELECT jwt_consume(%L)', :'other'), '28J02', 'and not twice');
RESET jwt_auth.check_revocation;
SELECT jwt_sign('{"jti":"j3"}') AS token \gset
SELECT jwt_revoke(:'token');
SELECT test.raises(format('SELECT jwt_consume(%L)', :'token'), '28J02', 'revoked before its use');

-- It says that the token is spent, and not to log in, which its holder cannot
SELECT jwt_sign('{"jti":"said"}') AS token \gset
SELECT test.error_texts(format('SELECT jwt_consume(%L)', :'token')) AS first,
	   test.error_texts(format('SELECT jwt_consume(%L)', :'token')) AS second \gset
SET jwt_auth.check_revocation = off;
SELECT test.error_texts(format('SELECT jwt_consume(%L)', :'token')) AS third \gset
RESET jwt_auth.check_revocation;
SELECT is(:'first'::text, '', 'the first use says nothing');
SELECT matches(said, '^the token was used or denied: .*a new one', 'it was used'), doesnt_match(said, '(?i)log in', 'without a login')
FROM unnest(ARRAY[:'second', :'third']) AS said;
SELECT is(test.error_texts(format('SELECT %s(%L)', name, :'token')), 'token revoked: Log in again.', 'any other use: ' || name)
FROM unnest('{jwt_verify,jwt_authenticate}'::text[]) AS name;
SELECT test.login('alice') ->> 'access_token' AS ended \gset
SELECT jwt_revoke(:'ended');
SELECT is(test.error_texts(format('SELECT jwt_consume(%L)', :'ended')), 'token revoked: Log in again.', 'a token of a session that ended');

-- Rolled back, it was not used
SELECT jwt_sign('{"jti":"j4"}') AS token \gset
BEGIN;
SELECT jwt_consume(:'token');
SELECT test.sqlstate_of(format('SELECT jwt_consume(%L)', :'token')) AS state \gset
ROLLBACK;
SELECT is(:'state'::text, '28J02', 'twice in a transaction');
SELECT is(jwt_consume(:'token') ->> 'jti', 'j4', 'after a rollback it is good');

-- What is not for a single use, is not for this audience, or is no token
SELECT test.login('alice') AS s \gset
SELECT test.raises(format('SELECT jwt_consume(%L)', :'s'::jsonb ->> 'access_token'), '28J00', 'a token of a session');
SELECT is(test.access(:'s'), NULL, 'which stays good');
SELECT test.raises(format('SELECT jwt_consume(%L)', test.hs256('{"alg":"HS256","kid":"h1"}', '{"exp":4000000000}')), '28J00', 'a token without jti');
SELECT jwt_trust_issuer('https://them.example', jwk_public(test.key('P-256', 'ES256') || '{"kid":"p"}'), 'api');
SELECT jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'api', 'exp', test.seconds(600), 'jti', 'theirs'), test.key('P-256', 'ES256') || '{"kid":"p"}') AS theirs \gset
SELECT is(test.verdict(:'theirs'), NULL, 'a token of another issuer'), test.raises(format('SELECT jwt_consume(%L)', :'theirs'), '28J00', 'is not ours to use up');
SELECT jwt_sign('{"jti":"j5","aud":"mail"}') AS token \gset
SELECT test.raises(format('SELECT jwt_consume(%L)', :'token'), '28J00', 'an audience that is not ours'), test.raises(format('SELECT jwt_consume(%L, ''web'')', :'token'), '28J00', 'another audience');
SELECT is(jwt_consume(:'token', 'mail') ->> 'jti', 'j5', 'its audience');
SELECT test.raises('SELECT jwt_consume(' || quote_nullable(token) || ')', '28J00', 'no token: ' || coalesce(token, 'NULL')) FROM unnest(ARRAY['x', '', NULL, test.tampered(:'token')]) AS token;
BEGIN READ ONLY;
SELECT test.sqlstate_of(format('SELECT jwt_consume(%L)', :'other')) AS state \gset
ROLLBACK;
SELECT is(:'state'::text, '25006', 'a read-only transaction');
SELECT * FROM finish();
