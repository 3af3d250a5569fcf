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
SELECT is(jwt_verify(:'token') ->> 'purpose', 'invite', 'before its use, a token for a single use verifies');
SELECT is(jwt_consume(:'token') - '{exp,iat}'::text[], '{"jti":"j1","purpose":"invite"}', 'the first jwt_consume returns the claims');
SELECT test.raises(format('SELECT jwt_consume(%L)', :'token'), '28J02', 'the second jwt_consume raises 28J02');
SELECT is(test.verdict(:'token'), '28J02', 'after its use, a token no longer verifies'),
	   is(test.verdict(:'other'), NULL, 'after the use of one token, another verifies');
SELECT is((SELECT count(*) FROM jwt_auth.revoked_tokens WHERE jti = 'j1' AND expires_at > now()), 1::bigint, 'a used token is denied until it has expired');
SET jwt_auth.check_revocation = off;
SELECT test.raises(format('SELECT jwt_consume(%L)', :'token'), '28J02', 'with check_revocation off, a used token cannot be used again');
SELECT is(jwt_consume(:'other') ->> 'jti', 'j2', 'with check_revocation off, an unused token can be used');
SELECT test.raises(format('SELECT jwt_consume(%L)', :'other'), '28J02', 'with check_revocation off, a token can be used only once');
RESET jwt_auth.check_revocation;
SELECT jwt_sign('{"jti":"j3"}') AS token \gset
SELECT jwt_revoke(:'token');
SELECT test.raises(format('SELECT jwt_consume(%L)', :'token'), '28J02', 'a revoked token cannot be used');

-- It says that the token is spent, and not to log in, which its holder cannot
SELECT jwt_sign('{"jti":"said"}') AS token \gset
SELECT test.error_texts(format('SELECT jwt_consume(%L)', :'token')) AS first,
	   test.error_texts(format('SELECT jwt_consume(%L)', :'token')) AS second \gset
SET jwt_auth.check_revocation = off;
SELECT test.error_texts(format('SELECT jwt_consume(%L)', :'token')) AS third \gset
RESET jwt_auth.check_revocation;
SELECT is(:'first'::text, '', 'the first use raises no error');
SELECT matches(said, '^the token was used or denied: .*a new one', 'the error of a second use says that the token was used or denied'),
	   doesnt_match(said, '(?i)log in', 'the error of a second use does not ask for a login')
FROM unnest(ARRAY[:'second', :'third']) AS said;
SELECT is(test.error_texts(format('SELECT %s(%L)', name, :'token')), 'token revoked: Log in again.', 'the error of a used token asks for a login: ' || name)
FROM unnest('{jwt_verify,jwt_authenticate}'::text[]) AS name;
SELECT test.login('alice') ->> 'access_token' AS ended \gset
SELECT jwt_revoke(:'ended');
SELECT is(test.error_texts(format('SELECT jwt_consume(%L)', :'ended')), 'token revoked: Log in again.', 'the error of a token whose session ended asks for a login');

-- Rolled back, it was not used
SELECT jwt_sign('{"jti":"j4"}') AS token \gset
BEGIN;
SELECT jwt_consume(:'token');
SELECT coalesce(test.sqlstate_of(format('SELECT jwt_consume(%L)', :'token')), 'no error') AS state \gset
ROLLBACK;
SELECT is(:'state'::text, '28J02', 'a token cannot be used twice in one transaction');
SELECT is(jwt_consume(:'token') ->> 'jti', 'j4', 'when a use is rolled back, the token can be used');

-- What is not for a single use, is not for this audience, or is no token
SELECT test.login('alice') AS s \gset
SELECT test.raises(format('SELECT jwt_consume(%L)', :'s'::jsonb ->> 'access_token'), '28J00', 'the access token of a session cannot be used up');
SELECT is(test.access(:'s'), NULL, 'an access token that jwt_consume refused stays valid');
SELECT test.raises(format('SELECT jwt_consume(%L)', test.hs256('{"alg":"HS256","kid":"h1"}', '{"exp":4000000000}')), '28J00', 'a token without jti cannot be used up');
SELECT jwt_trust_issuer('https://them.example', jwk_public(test.key('P-256', 'ES256') || '{"kid":"p"}'), 'api');
SELECT jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'api', 'exp', test.seconds(600), 'jti', 'theirs'), test.key('P-256', 'ES256') || '{"kid":"p"}') AS theirs \gset
SELECT is(test.verdict(:'theirs'), NULL, 'the token of another issuer verifies'),
	   test.raises(format('SELECT jwt_consume(%L)', :'theirs'), '28J00', 'the token of another issuer cannot be used up');
SELECT jwt_sign('{"jti":"j5","aud":"mail"}') AS token \gset
SELECT test.raises(format('SELECT jwt_consume(%L)', :'token'), '28J00', 'a token with an audience needs an expected one to be used up'),
	   test.raises(format('SELECT jwt_consume(%L, ''web'')', :'token'), '28J00', 'a token for another audience cannot be used up');
SELECT is(jwt_consume(:'token', 'mail') ->> 'jti', 'j5', 'a token is used up with its audience');
SELECT test.raises('SELECT jwt_consume(' || quote_nullable(token) || ')', '28J00', 'no token: ' || coalesce(token, 'NULL')) FROM unnest(ARRAY['x', '', NULL, test.tampered(:'token')]) AS token;
BEGIN READ ONLY;
SELECT coalesce(test.sqlstate_of(format('SELECT jwt_consume(%L)', :'other')), 'no error') AS state \gset
ROLLBACK;
SELECT is(:'state'::text, '25006', 'a token cannot be used up in a read-only transaction');
SELECT * FROM finish();
