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
SELECT is(test.verdict(plain), NULL, 'a token is verified, and remembered') FROM public.kept;
SELECT is(test.verdict(changed), '28J00', 'a variant of the remembered token is refused: ' || what)
FROM public.kept, LATERAL (VALUES
	('another header', test.base64url_text('{"kid":"h1","alg":"HS256"}') || substr(plain, strpos(plain, '.'))),
	('another payload', split_part(plain, '.', 1) || '.' || split_part(named, '.', 2) || '.' || split_part(plain, '.', 3)),
	('a sign of the header', overlay(plain PLACING chr(ascii(substr(plain, 12, 1)) # 1) FROM 12 FOR 1)),
	('a sign of the payload', overlay(plain PLACING chr(ascii(substr(plain, length(plain) - 50, 1)) # 1) FROM length(plain) - 50 FOR 1)),
	('shorter', left(plain, -1)), ('longer', plain || 'A'), ('another end', left(plain, -1) || '_'),
	('its end alone', right(plain, 32)), ('a space within', overlay(plain PLACING ' ' FROM 12 FOR 0)), ('no header', substr(plain, strpos(plain, '.'))))
	AS v (what, changed);
SELECT is(test.verdict(plain), NULL, 'after refused variants, the remembered token is accepted') FROM public.kept;

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
	   is(test.verdict(plain), NULL, 'after the setting was reset, the remembered token is accepted')
FROM public.kept, (VALUES
	('issuer', 'https://us.example', '28J00'), ('issuer', 'x', '28J00'), ('audience', 'api', '28J00'),
	('max_token_size', '256B', NULL), ('leeway', '0', NULL), ('require_exp', 'on', NULL),
	('check_revocation', 'off', NULL), ('token_cache_size', '0', NULL)) AS v (setting, value, state);
SELECT is(pg_temp.under('max_token_size', '256B', test.own('"x":"' || repeat('x', 200) || '"')), '28J00',
		  'max_token_size refuses a token it has not seen');
SELECT test.own('"x":"' || repeat('x', 300) || '"') AS long \gset
SELECT is(test.verdict(:'long'), NULL, 'a token above 256 bytes is accepted');
SELECT is(pg_temp.under('max_token_size', '256B', :'long'), '28J00', 'a remembered token above a lowered max_token_size is refused');
SELECT is(test.verdict(:'long'), NULL, 'a remembered token is accepted after max_token_size was reset');
SELECT is(test.verdict(plain, 'api'), '28J00', 'a remembered token without aud is refused where an audience is expected') FROM public.kept;
SELECT is(test.verdict(plain, NULL, 'x'), '28J00', 'a remembered token without iss is refused where an issuer is expected') FROM public.kept;
SELECT is(test.verdict(for_api, audience), state, format('audience %s of two', audience))
FROM public.kept, (VALUES ('api', NULL), ('web', NULL), ('app', '28J00'), (NULL, '28J00'), ('api', NULL)) AS v (audience, state);

-- Our issuer changes: ours, nobody's, another's, ours again
SET jwt_auth.issuer = 'https://us.example';
SELECT is(test.verdict(named), NULL, 'with its iss as jwt_auth.issuer, an own token is accepted') FROM public.kept;
SET jwt_auth.issuer = 'https://other.example';
SELECT is(test.verdict(named), '28J00', 'with another jwt_auth.issuer, a remembered token is refused') FROM public.kept;
RESET jwt_auth.issuer;
SELECT is(test.verdict(named), '28J00', 'without jwt_auth.issuer, a remembered token with iss is refused') FROM public.kept;
SELECT is(test.verdict(plain), NULL, 'without jwt_auth.issuer, a remembered token without iss is accepted') FROM public.kept;
SET jwt_auth.issuer = 'https://us.example';
SELECT is(test.verdict(named), NULL, 'with its iss as jwt_auth.issuer again, a remembered token is accepted') FROM public.kept;
SELECT is(test.verdict(plain), '28J00', 'with jwt_auth.issuer set, a remembered token without iss is refused') FROM public.kept;
RESET jwt_auth.issuer;

-- A trusted issuer's token, remembered, when its name becomes ours; and ours,
-- when its name becomes a trusted issuer's
SELECT jwt_trust_issuer('https://them.example', jwk_public(jwk_from_pem(jwk_to_pem(test.key('P-256')), 'ES256', 'p')), 'api');
SELECT jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'api', 'exp', test.seconds(600)),
					 test.key('P-256', 'ES256') || '{"kid":"p"}') AS theirs \gset
SELECT is(test.verdict(:'theirs'), NULL, 'the token of a trusted issuer is accepted');
SET jwt_auth.issuer = 'https://them.example';
SELECT is(test.verdict(:'theirs'), '28J00', 'with that issuer''s name as jwt_auth.issuer, its remembered token is refused');
RESET jwt_auth.issuer;
SELECT is(test.verdict(:'theirs'), NULL, 'with jwt_auth.issuer reset, the issuer''s remembered token is accepted');
SELECT is(test.verdict(:'theirs', 'api'), NULL, 'the issuer''s remembered token is accepted for its audience');
SELECT is(test.verdict(:'theirs', 'web'), '28J00', 'the issuer''s remembered token is refused for another audience');

-- The clock: a token expires while it is remembered
SET jwt_auth.leeway = 0;
SELECT jwt_sign('{}', '4 s') AS brief \gset
SELECT is(test.sqlstate_of(format('SELECT jwt_verify(%L)', :'brief')), NULL, 'a token of four seconds is accepted');
SELECT pg_sleep_for('4 s') IS NULL AS unused \gset
SELECT is(test.verdict(:'brief'), '28J01', 'a remembered token is refused after it has expired');
SET jwt_auth.leeway = 30;
SELECT is(test.verdict(:'brief'), NULL, 'a remembered token that has expired is accepted within the leeway');
RESET jwt_auth.leeway;

-- Keys: a rotation, a revocation, a roll back
SELECT is(test.verdict(signed), NULL, 'a token by the active key is accepted') FROM public.kept;
SELECT jwt_rotate_key();
SELECT is(test.verdict(signed), NULL, 'a remembered token by a retiring key is accepted') FROM public.kept;
BEGIN;
SELECT jwt_revoke_key('e1');
SELECT is(test.verdict(signed), '28J00', 'a remembered token by a key that this transaction revoked is refused') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(signed), NULL, 'when the revocation of its key is rolled back, a remembered token is accepted') FROM public.kept;
BEGIN;
SAVEPOINT s;
SELECT jwt_revoke_key('e1');
SELECT is(test.verdict(signed), '28J00', 'a remembered token by a key that this savepoint revoked is refused') FROM public.kept;
ROLLBACK TO s;
SELECT is(test.verdict(signed), NULL, 'when the savepoint that revoked its key is rolled back, a remembered token is accepted') FROM public.kept;
COMMIT;
SELECT is(test.verdict(signed), NULL, 'after the commit, a token whose key''s revocation was rolled back is accepted') FROM public.kept;
SELECT jwt_revoke_key('e1');
SELECT is(test.verdict(signed), '28J00', 'a remembered token by a revoked key is refused') FROM public.kept;
-- a token of a key that never was
BEGIN;
SELECT jwt_create_key('ES256', 'never');
SELECT jwt_sign('{}', kid => 'never') AS never \gset
SELECT is(test.verdict(:'never'), NULL, 'a token by a key of this transaction is accepted');
SELECT is(test.verdict(:'never'), NULL, 'a token by a key of this transaction is accepted a second time');
ROLLBACK;
SELECT is(test.verdict(:'never'), '28J00', 'a token by a key that was rolled back is refused');
BEGIN;
SAVEPOINT s;
SELECT jwt_trust_issuer('https://never.example', jwk_public(test.key('Ed25519', 'EdDSA') || '{"kid":"n"}'), 'api');
SELECT jwt_sign_with(jsonb_build_object('iss', 'https://never.example', 'aud', 'api', 'exp', test.seconds(600)),
					 test.key('Ed25519', 'EdDSA') || '{"kid":"n"}') AS never \gset
SELECT is(test.verdict(:'never'), NULL, 'a token of an issuer of this savepoint is accepted');
ROLLBACK TO s;
SELECT is(test.verdict(:'never'), '28J00', 'a token of an issuer that was rolled back to a savepoint is refused');
COMMIT;
SELECT is(test.verdict(:'never'), '28J00', 'after the commit, a token of an issuer that was rolled back is refused');

-- A session of the running transaction, which invalidates nothing: what rests on it
-- is not remembered (T39)
SELECT test.own('"sid":"0190163d-8694-739b-aea5-966c26f8ad91"') AS mine \gset
INSERT INTO jwt_auth.users (id, username, created_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad90', 'alice', now());
SELECT is(test.verdict(:'mine'), '28J00', 'a token of an unknown session is refused');
BEGIN;
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad91', '0190163d-8694-739b-aea5-966c26f8ad90', now(), now() + interval '1 d');
SELECT is(test.verdict(:'mine'), NULL, 'a token of a session of this transaction is accepted');
ROLLBACK;
SELECT is(test.verdict(:'mine'), '28J00', 'a token of a session that was rolled back is refused');
BEGIN;
SAVEPOINT s;
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad91', '0190163d-8694-739b-aea5-966c26f8ad90', now(), now() + interval '1 d');
SELECT is(test.verdict(:'mine'), NULL, 'a token of a session of this savepoint is accepted');
ROLLBACK TO s;
SELECT is(test.verdict(:'mine'), '28J00', 'a token of a session that was rolled back to a savepoint is refused');
COMMIT;
SELECT is(test.verdict(:'mine'), '28J00', 'after the commit, a token of a session that was rolled back is refused');
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad91', '0190163d-8694-739b-aea5-966c26f8ad90', now(), now() + interval '1 d');
SELECT is(test.verdict(:'mine'), NULL, 'a token of a session that was committed is accepted');
BEGIN;
UPDATE jwt_auth.sessions SET revoked_at = now();
SELECT is(test.verdict(:'mine'), '28J02', 'a remembered token of a session that this transaction ended is refused');
ROLLBACK;
SELECT is(test.verdict(:'mine'), NULL, 'when the end of its session is rolled back, a remembered token is accepted');
-- that it reaches its end invalidates nothing either
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
VALUES ('0190163d-8694-739b-aea5-966c26f8ad92', '0190163d-8694-739b-aea5-966c26f8ad90', now(), clock_timestamp() + interval '4 s')
RETURNING expires_at AS session_end \gset
SELECT test.own('"sid":"0190163d-8694-739b-aea5-966c26f8ad92"') AS brief \gset
SELECT is(test.verdict(:'brief'), NULL, 'a token of a session that is about to end is accepted');
SELECT pg_sleep_until(:'session_end') IS NULL AS unused \gset
SELECT is(test.verdict(:'brief'), '28J02', 'a remembered token of a session that has reached its end is refused');
DELETE FROM jwt_auth.users;
SELECT is(test.verdict(:'mine'), '28J00', 'a remembered token of a session whose user was deleted is refused');

-- Revocations
SELECT is(test.verdict(plain), NULL, 'before any denial, the token is accepted') FROM public.kept;
BEGIN;
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'k1', now() + interval '1 d');
SELECT is(test.verdict(plain), '28J02', 'a remembered token that this transaction denied is refused') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(plain), NULL, 'when the denial is rolled back, a remembered token is accepted') FROM public.kept;
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'k1', now() + interval '1 d');
SELECT is(test.verdict(plain), '28J02', 'a remembered token that was denied is refused') FROM public.kept;
BEGIN;
DELETE FROM jwt_auth.revoked_tokens;
SELECT is(test.verdict(plain), NULL, 'a token whose denial this transaction removed is accepted') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(plain), '28J02', 'when the removal of its denial is rolled back, the token is refused') FROM public.kept;
SET jwt_auth.check_revocation = off;
SELECT is(test.verdict(plain), NULL, 'with check_revocation off, a denied token is accepted') FROM public.kept;
SET jwt_auth.check_revocation = on;
SELECT is(test.verdict(plain), '28J02', 'with check_revocation on again, a denied token is refused') FROM public.kept;
BEGIN;
TRUNCATE jwt_auth.revoked_tokens;
SELECT is(test.verdict(plain), NULL, 'after revoked_tokens was truncated in this transaction, the token is accepted') FROM public.kept;
ROLLBACK;
SELECT is(test.verdict(plain), '28J02', 'when the truncation is rolled back, the token is refused') FROM public.kept;
DELETE FROM jwt_auth.revoked_tokens;
SELECT is(test.verdict(plain), NULL, 'after the owner deleted its denial, the token is accepted') FROM public.kept;
-- Other settings of a session leave that alone
SET session_replication_role = replica;
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'k1', now() + interval '1 d');
SELECT is(test.verdict(plain), '28J02', 'a token denied with session_replication_role = replica is refused') FROM public.kept;
DELETE FROM jwt_auth.revoked_tokens;
RESET session_replication_role;
SET jwt_auth.audit = off;
SELECT jwt_create_key('ES256', 'e2');
SELECT jwt_sign('{}', kid => 'e2') AS e2 \gset
BEGIN;
SELECT is(test.verdict(:'e2'), NULL, 'with audit off, a token by a new key is accepted');
SELECT jwt_revoke_key('e2');
SELECT is(test.verdict(:'e2'), '28J00', 'with audit off, a token by a key that this transaction revoked is refused');
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
SELECT cmp_ok(:first, '>', 0, 'after 10,000 tokens, the cache has a memory context of its own');
SELECT cmp_ok(:first, '<', 2 * 1024 * 1024, 'after 10,000 tokens, the cache has less than 2 MB');
SELECT cmp_ok(:second, '<=', :first, 'after 20,000 tokens, the cache has no more than after 10,000');
SELECT cmp_ok(pg_temp.flood(1, 800, padding), '<', 2 * 1024 * 1024::bigint, format('flood: of %s bytes more each', padding))
FROM unnest('{10,200,500,1000,2000,3000,6000,9000}'::integer[]) AS padding;
SET jwt_auth.token_cache_size = 65536;
SELECT cmp_ok(pg_temp.flood(1, 5000, padding), '<', 2 * 1024 * 1024::bigint, format('flood: of %s bytes, many allowed', padding))
FROM unnest('{0,700}'::integer[]) AS padding;
RESET jwt_auth.token_cache_size;
SELECT is(test.verdict(plain), NULL, 'a token that was pushed out of the cache is verified again') FROM public.kept;

SELECT * FROM finish();
