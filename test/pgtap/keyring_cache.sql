-- Tokens that the backend remembers (T18, T39, T75, T81, F52): a hit compares the
-- whole token and repeats every check that depends on the call, the settings,
-- the clock, keys and revocations; a flood of tokens takes no memory.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 115 assertions
SELECT no_plan();
SELECT jwt_create_key('ES256', 'e1'), test.import_own_secret();

CREATE TABLE public.kept AS
SELECT test.own('"sub":"a","jti":"k1"') AS plain, test.own('"iss":"https://us.example"') AS named,
	   test.own('"aud":["api","web"]') AS for_api, jwt_sign('{}') AS signed;

-- The whole token counts
SELECT is(test.verdict(plain), NULL, 'remembered') FROM public.kept;
SELECT is(test.verdict(changed), '28J00', 'not the same: ' || what)
FROM public.kept, LATERAL (VALUES
	('another header', test.base64url_text('{"kid":"h1","alg":"HS256"}') || substr(plain, strpos(plain, '.'))),
	('another payload', split_part(plain, '.', 1) || '.' || split_part(named, '.', 2) || '.' || split_part(plain, '.', 3)),
	('a sign of the header', overlay(plain PLACING chr(ascii(substr(plain, 12, 1)) # 1) FROM 12 FOR 1)),
	('a sign of the payload', overlay(plain PLACING chr(ascii(substr(plain, length(plain) - 50, 1)) # 1) FROM length(plain) - 50 FOR 1)),
	('shorter', left(plain, -1)), ('longer', plain || 'A'), ('another end', left(plain, -1) || '_'),
	('its end alone', right(plain, 32)), ('a space within', overlay(plain PLACING ' ' FROM 12 FOR 0)), ('no header', substr(plain, strpos(plain, '.'))))
	AS v (what, changed);
SELECT is(test.verdict(plain), NULL, 'itself still') FROM public.kept;

-- Settings and arguments, changed while it is remembered; there and back
CREATE FUNCTION pg_temp.under(setting text, value text, token text, audience text DEFAULT NULL, issuer text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	verdict text;
BEGIN
	PERFORM set_config('jwt_auth.' || setting, value, true);
	verdict := test.sqlstate_of(format('SELECT public.jwt_verify(%L, %L, %L)', token, audience, issuer));
	EXECUTE format('RESET jwt_auth.%I', setting);
	RETURN verdict;
END
$$;
SELECT is(pg_temp.under(setting, value, plain), state, format('%s = %L', setting, value)),
	   is(test.verdict(plain), NULL, 'and back')
FROM public.kept, (VALUES
	('issuer', 'https://us.example', '28J00'), ('issuer', 'x', '28J00'), ('audience', 'api', '28J00'),
	('max_token_size', '256B', NULL), ('leeway', '0', NULL), ('require_exp', 'on', NULL),
	('check_revocation', 'off', NULL), ('token_cache_size', '0', NULL)) AS v (setting, value, state);
SELECT is(pg_temp.under('max_token_size', '256B', test.own('"x":"' || repeat('x', 200) || '"')), '28J00',
		  'max_token_size refuses a token it has not seen');
SELECT test.own('"x":"' || repeat('x', 300) || '"') AS long \gset
SELECT is(test.verdict(:'long'), NULL, 'a token above 256 bytes');
SELECT is(pg_temp.under('max_token_size', '256B', :'long'), '28J00', 'is refused when the limit is lowered');
SELECT is(test.verdict(:'long'), NULL, 'and good again');
SELECT is(test.verdict(plain, 'api'), '28J00', 'an audience is asked for') FROM public.kept;
SELECT is(test.verdict(plain, NULL, 'x'), '28J00', 'an issuer is asked for') FROM public.kept;
SELECT is(test.verdict(for_api, audience), state, format('audience %s of two', audience))
FROM public.kept, (VALUES ('api', NULL), ('web', NULL), ('app', '28J00'), (NULL, '28J00'), ('api', NULL)) AS v (audience, state);

-- Our issuer changes: ours, nobody's, another's, ours again
SET jwt_auth.issuer = 'https://us.example';
SELECT is(test.verdict(named), NULL, 'ours') FROM public.kept;
SET jwt_auth.issuer = 'https://other.example';
SELECT is(test.verdict(named), '28J00', 'no longer ours') FROM public.kept;
RESET jwt_auth.issuer;
SELECT is(test.verdict(named), '28J00', 'we carry none') FROM public.kept;
SELECT is(test.verdict(plain), NULL, 'which these do') FROM public.kept;
SET jwt_auth.issuer = 'https://us.example';
SELECT is(test.verdict(named), NULL, 'ours again') FROM public.kept;
SELECT is(test.verdict(plain), '28J00', 'and this is not') FROM public.kept;
RESET jwt_auth.issuer;

-- A trusted issuer's token, remembered, when its name becomes ours; and ours,
-- when its name becomes a trusted issuer's
SELECT jwt_trust_issuer('https://them.example', jwk_public(jwk_from_pem(jwk_to_pem(test.key('P-256')), 'ES256', 'p')), 'api');
SELECT jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'api', 'exp', test.seconds(600)),
					 test.key('P-256', 'ES256') || '{"kid":"p"}') AS theirs \gset
SELECT is(test.verdict(:'theirs'), NULL, 'theirs');
SET jwt_auth.issuer = 'https://them.example';
SELECT is(test.verdict(:'theirs'), '28J00', 'their keys do not vouch for us');
RESET jwt_auth.issuer;
SELECT is(test.verdict(:'theirs'), NULL, 'theirs again');
SELECT is(test.verdict(:'theirs', 'api'), NULL, 'their audience');
SELECT is(test.verdict(:'theirs', 'web'), '28J00', 'another one');

-- The clock: a token expires while it is remembered
SET jwt_auth.leeway = 0;
SELECT jwt_sign('{}', '4 s') AS brief \gset
SELECT is(test.sqlstate_of(format('SELECT jwt_verify(%L)', :'brief')), NULL, 'remembered for some seconds');
SELECT pg_sleep_for('4 s') IS NULL AS unused \gset
SELECT is(test.verdict(:'brief'), '28J01', 'expired after that');
SET jwt_auth.leeway = 30;
SELECT is(test.verdict(:'brief'), NULL, 'but for the leeway');
RESET jwt_auth.leeway;

-- Keys: a rotation, a revocation, a roll back
SELECT is(test.verdict(signed), NULL, 'signed by the active key') FROM public.kept;
SELECT jwt_rotate_key();
SELECT is(test.verdict(signed), NULL, 'by a retiring key') FROM public.kept;
BEGIN;
SELECT jwt_revoke_key('e1');
SELECT is(test.verdict(signed), '28J00', 'by a key that this transaction revoked') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(signed), NULL, 'and did not') FROM public.kept;
BEGIN;
SAVEPOINT s;
SELECT jwt_revoke_key('e1');
SELECT is(test.verdict(signed), '28J00', 'or in a savepoint') FROM public.kept;
ROLLBACK TO s;
SELECT is(test.verdict(signed), NULL, 'that was rolled back') FROM public.kept;
COMMIT;
SELECT is(test.verdict(signed), NULL, 'so that it holds') FROM public.kept;
SELECT jwt_revoke_key('e1');
SELECT is(test.verdict(signed), '28J00', 'by a revoked key') FROM public.kept;
-- a token of a key that never was
BEGIN;
SELECT jwt_create_key('ES256', 'never');
SELECT jwt_sign('{}', kid => 'never') AS never \gset
SELECT is(test.verdict(:'never'), NULL, 'a key of this transaction');
SELECT is(test.verdict(:'never'), NULL, 'twice');
ROLLBACK;
SELECT is(test.verdict(:'never'), '28J00', 'that was rolled back');
BEGIN;
SAVEPOINT s;
SELECT jwt_trust_issuer('https://never.example', jwk_public(test.key('Ed25519', 'EdDSA') || '{"kid":"n"}'), 'api');
SELECT jwt_sign_with(jsonb_build_object('iss', 'https://never.example', 'aud', 'api', 'exp', test.seconds(600)),
					 test.key('Ed25519', 'EdDSA') || '{"kid":"n"}') AS never \gset
SELECT is(test.verdict(:'never'), NULL, 'an issuer of this savepoint');
ROLLBACK TO s;
SELECT is(test.verdict(:'never'), '28J00', 'that was rolled back');
COMMIT;
SELECT is(test.verdict(:'never'), '28J00', 'and stays so');

-- A session of the running transaction, which sends no signal: what rests on it
-- is not remembered (T39)
SELECT test.own('"sid":"0190163d-8694-739b-aea5-966c26f8ad91"') AS mine \gset
INSERT INTO jwt_auth.users (id, username, created_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad90', 'alice', now());
SELECT is(test.verdict(:'mine'), '28J00', 'a session that is not there');
BEGIN;
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad91', '0190163d-8694-739b-aea5-966c26f8ad90', now(), now() + interval '1 d');
SELECT is(test.verdict(:'mine'), NULL, 'a session of this transaction');
ROLLBACK;
SELECT is(test.verdict(:'mine'), '28J00', 'that was rolled back');
BEGIN;
SAVEPOINT s;
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad91', '0190163d-8694-739b-aea5-966c26f8ad90', now(), now() + interval '1 d');
SELECT is(test.verdict(:'mine'), NULL, 'a session of this savepoint');
ROLLBACK TO s;
SELECT is(test.verdict(:'mine'), '28J00', 'that was rolled back, too');
COMMIT;
SELECT is(test.verdict(:'mine'), '28J00', 'and stays so');
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad91', '0190163d-8694-739b-aea5-966c26f8ad90', now(), now() + interval '1 d');
SELECT is(test.verdict(:'mine'), NULL, 'a session that was committed');
BEGIN;
UPDATE jwt_auth.sessions SET revoked_at = now();
SELECT is(test.verdict(:'mine'), '28J02', 'ended by this transaction');
ROLLBACK;
SELECT is(test.verdict(:'mine'), NULL, 'and not');
-- that it reaches its end is no signal either
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad92', '0190163d-8694-739b-aea5-966c26f8ad90', now(), clock_timestamp() + interval '4 s')
RETURNING expires_at AS session_end \gset
SELECT test.own('"sid":"0190163d-8694-739b-aea5-966c26f8ad92"') AS brief \gset
SELECT is(test.verdict(:'brief'), NULL, 'a session that is about to end');
SELECT pg_sleep_until(:'session_end') IS NULL AS unused \gset
SELECT is(test.verdict(:'brief'), '28J02', 'and has ended');
DELETE FROM jwt_auth.users;
SELECT is(test.verdict(:'mine'), '28J00', 'gone with its user');

-- Revocations
SELECT is(test.verdict(plain), NULL, 'not denied') FROM public.kept;
BEGIN;
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'k1', now() + interval '1 d');
SELECT is(test.verdict(plain), '28J02', 'denied by this transaction') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(plain), NULL, 'and not') FROM public.kept;
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'k1', now() + interval '1 d');
SELECT is(test.verdict(plain), '28J02', 'denied') FROM public.kept;
BEGIN;
DELETE FROM jwt_auth.revoked_tokens;
SELECT is(test.verdict(plain), NULL, 'allowed by this transaction') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(plain), '28J02', 'and not') FROM public.kept;
SET jwt_auth.check_revocation = off;
SELECT is(test.verdict(plain), NULL, 'not looked at') FROM public.kept;
SET jwt_auth.check_revocation = on;
SELECT is(test.verdict(plain), '28J02', 'looked at again') FROM public.kept;
BEGIN;
TRUNCATE jwt_auth.revoked_tokens;
SELECT is(test.verdict(plain), NULL, 'truncated') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(plain), '28J02', 'and not') FROM public.kept;
DELETE FROM jwt_auth.revoked_tokens;
SELECT is(test.verdict(plain), NULL, 'the owner may take it back') FROM public.kept;
-- Other settings of a session leave that alone
SET session_replication_role = replica;
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'k1', now() + interval '1 d');
SELECT is(test.verdict(plain), '28J02', 'denied while triggers are those of a replica') FROM public.kept;
DELETE FROM jwt_auth.revoked_tokens;
RESET session_replication_role;
SET jwt_auth.audit = off;
SELECT jwt_create_key('ES256', 'e2');
SELECT jwt_sign('{}', kid => 'e2') AS e2 \gset
BEGIN;
SELECT is(test.verdict(:'e2'), NULL, 'without an audit log');
SELECT jwt_revoke_key('e2');
SELECT is(test.verdict(:'e2'), '28J00', 'a revocation acts within its transaction, too');
COMMIT;
RESET jwt_auth.audit;

-- Sizes of the cache: none, one, few; more tokens than fit
CREATE TABLE public.token AS SELECT n, test.own(format('"n":%s', n)) AS token FROM generate_series(1, 40) AS n;
CREATE FUNCTION pg_temp.with_size(size text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	good bigint;
	bad bigint;
BEGIN
	PERFORM set_config('jwt_auth.token_cache_size', size, true);
	SELECT count(*) INTO good FROM public.token, generate_series(1, 3) WHERE (jwt_verify(token) ->> 'n')::integer = n;
	SELECT count(*) INTO bad FROM public.token
	WHERE test.sqlstate_of(format('SELECT public.jwt_verify(%L)', token || 'A')) = '28J00';
	RETURN good || ' ' || bad;
END
$$;
SELECT is(pg_temp.with_size(size), '120 40', 'token_cache_size = ' || size)
FROM unnest('{0,1,2,39,40,41,65536,0}'::text[]) AS size;

-- A flood: our contexts stay below 2 MB, and do not grow from there
CREATE FUNCTION pg_temp.own_memory() RETURNS bigint
LANGUAGE sql VOLATILE AS
$$ SELECT coalesce(sum(total_bytes), 0)::bigint FROM pg_backend_memory_contexts WHERE name ~ '^jwt_auth' $$;
CREATE FUNCTION pg_temp.flood(first integer, last integer, padding integer) RETURNS bigint LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM jwt_verify(jwt_sign_with(jsonb_build_object('exp', 4000000000, 'n', n, 'x', repeat('x', padding)), key))
	FROM (SELECT test.key('oct', 'HS256') || '{"kid":"h1"}' AS key OFFSET 0) AS k, generate_series(first, last) AS n;
	RETURN pg_temp.own_memory();
END
$$;
SELECT pg_temp.flood(1, 10000, 100) AS first \gset
SELECT pg_temp.flood(10001, 20000, 100) AS second \gset
SELECT cmp_ok(:first, '>', 0, 'flood: the cache has a memory context of its own');
SELECT cmp_ok(:first, '<', 2 * 1024 * 1024, 'flood: below 2 MB after 10,000 tokens');
SELECT cmp_ok(:second, '<=', :first, 'flood: no more after 20,000');
SELECT cmp_ok(pg_temp.flood(1, 800, padding), '<', 2 * 1024 * 1024::bigint, format('flood: of %s bytes more each', padding))
FROM unnest('{10,200,500,1000,2000,3000,6000,9000}'::integer[]) AS padding;
SET jwt_auth.token_cache_size = 65536;
SELECT cmp_ok(pg_temp.flood(1, 5000, padding), '<', 2 * 1024 * 1024::bigint, format('flood: of %s bytes, many allowed', padding))
FROM unnest('{0,700}'::integer[]) AS padding;
RESET jwt_auth.token_cache_size;
SELECT is(test.verdict(plain), NULL, 'what was pushed out is verified again') FROM public.kept;

SELECT * FROM finish();
