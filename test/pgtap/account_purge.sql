-- Removal of what has expired (F15, T62, T87): all of it, in batches, and nothing
-- that still says or counts something.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 62 assertions
SELECT no_plan();
SELECT test.create_user('alice') AS alice \gset
SELECT is(jwt_purge(), 0::bigint, 'in a new database, a purge removes nothing');
SELECT test.login('alice') AS former \gset
SELECT jwt_rotate_refresh_key();
DELETE FROM jwt_auth.sessions;

-- What stays, and what goes: sessions
CREATE TABLE public.session (name text, answer jsonb, created interval, expires interval, revoked interval, rotated interval, goes boolean);
INSERT INTO public.session
SELECT v.name, test.login('alice'), v.created::interval, v.expires::interval, v.revoked::interval, v.rotated::interval, v.goes
FROM (VALUES
	('live', '1 d', '-29 d', NULL, '1 h', false), ('just expired', '30 d', '1 min', NULL, '1 h', false), ('expired', '30 d', '6 min', NULL, '1 h', true),
	('just revoked', '1 d', '-29 d', '1 h', '1 h', false), ('revoked a day ago', '2 d', '-28 d', '24 h', '2 d', false), ('revoked long ago', '3 d', '-27 d', '24 h 6 min', '3 d', true),
	('idle', '8 d', '-22 d', NULL, '7 d 1 h', false), ('idle for long', '9 d', '-21 d', NULL, '8 d 6 min', true)) AS v (name, created, expires, revoked, rotated, goes);
UPDATE jwt_auth.sessions AS s SET created_at = now() - v.created, expires_at = now() - v.expires, revoked_at = now() - v.revoked
FROM public.session AS v WHERE s.id = test.session_of(v.answer);
UPDATE jwt_auth.refresh_tokens AS r SET rotated_at = now() - v.rotated FROM public.session AS v WHERE r.session_id = test.session_of(v.answer);
-- denials, throttled names, audit rows, secrets of former refresh keys
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'expired', now() - interval '11 s'), ('', 'denied', now() + interval '1 s'), ('x', 'expired', now() - interval '1 d');
INSERT INTO jwt_auth.login_throttle VALUES (sha256('1'), 3, now() - interval '61 min'), (sha256('2'), 30, now() - interval '59 min'), (sha256('3'), 1, now());
UPDATE jwt_auth.audit_log SET at = now() - interval '91 d' WHERE event = 'key_created';
UPDATE jwt_auth.audit_log SET at = now() - interval '89 d' WHERE event = 'user_created';
SELECT count(*) AS old FROM jwt_auth.audit_log WHERE event = 'key_created' \gset
UPDATE jwt_auth.keys SET verify_until = now() - interval '1 s' WHERE use = 'refresh' AND verify_until IS NOT NULL;

SELECT cmp_ok(:old, '>=', 1, 'there are audit rows older than the retention');
SELECT is(jwt_purge(1), 1::bigint, 'jwt_purge(1) removes one row'),
	   is(jwt_purge(2), 2::bigint, 'jwt_purge(2) removes two rows');
SELECT is(jwt_purge(), 3::bigint - 3 + 2 + 1 + :old + 1, 'a purge removes all rows that have expired');
SELECT is(jwt_purge(), 0::bigint, 'a purge after a purge removes nothing');
SELECT is(EXISTS (SELECT FROM jwt_auth.sessions AS s WHERE s.id = test.session_of(v.answer)), NOT goes, 'a purge keeps or removes the session: ' || name) FROM public.session AS v;
SELECT is((SELECT array_agg(jti) FROM jwt_auth.revoked_tokens), '{denied}', 'a purge removes only denials that have expired'),
	   is((SELECT array_agg(name_hash ORDER BY failures) FROM jwt_auth.login_throttle), ARRAY[sha256('3'), sha256('2')], 'a purge removes only throttled names whose hour is over'),
	   is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'key_created'), 0::bigint, 'a purge removes audit rows older than the retention'),
	   is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'user_created'), 1::bigint, 'a purge keeps audit rows younger than the retention'),
	   is((SELECT array_agg(private_jwk IS NULL ORDER BY number) FROM jwt_auth.keys WHERE use = 'refresh'), '{t,f}', 'a purge removes the secret of a refresh key that verifies no more');
SELECT is((SELECT count(*) FROM jwt_auth.refresh_tokens), (SELECT count(*) FROM jwt_auth.sessions), 'a purge removes sessions with their refresh tokens');

-- Verdicts are no other than before
SELECT is(test.access(answer), verdict, 'after the purge, the access token of the session has its former verdict: ' || name),
	   is(test.error_of(test.refresh(answer)), refresh, 'after the purge, the refresh token of the session has its former verdict: ' || name)
FROM public.session JOIN (VALUES ('live', NULL, 'ok'), ('just expired', '28J02', 'invalid_grant'), ('just revoked', '28J02', 'invalid_grant'), ('revoked a day ago', '28J02', 'invalid_grant'),
	('idle', NULL, 'invalid_grant'), ('expired', '28J00', 'invalid_grant'), ('revoked long ago', '28J00', 'invalid_grant')) AS v (name, verdict, refresh) USING (name);

SELECT is(test.sqlstate_of(call), NULL, 'a token of a key whose secret is gone: ' || left(call, 20))
FROM (SELECT format('SELECT %s(%L)', f, :'former'::jsonb ->> 'refresh_token') AS call FROM unnest('{jwt_refresh,jwt_revoke,jwt_introspect}'::text[]) AS f) AS v;
SELECT is(test.error_of(test.refresh(:'former')), 'invalid_grant', 'a token whose key was purged is denied');

-- Settings that it follows
SET jwt_auth.audit_retention = '80 d';
SELECT is(jwt_purge(), 1::bigint, 'with a shorter retention, a purge removes the younger audit row');
RESET jwt_auth.audit_retention;
SET jwt_auth.max_token_ttl = '1 min';
SET jwt_auth.session_idle_timeout = '1 h';
SELECT cmp_ok(jwt_purge(), '>=', 2::bigint, 'with shorter lives of tokens and sessions, a purge removes more');
SELECT is(EXISTS (SELECT FROM jwt_auth.sessions AS s WHERE s.id = test.session_of(v.answer)), name = 'live', 'with shorter lives, only the live session stays: ' || name) FROM public.session AS v WHERE NOT goes AND name <> 'just expired';

SELECT test.raises('SELECT ' || call, '22023', call) FROM unnest('{jwt_purge(0),jwt_purge(-1),jwt_purge(NULL)}'::text[]) AS call;

-- The denial of a token without end stays
SELECT test.import_own_secret();
SET jwt_auth.require_exp = off;
SELECT test.hs256('{"alg":"HS256","kid":"h1"}', '{"jti":"for ever"}') AS endless \gset
SELECT is(test.verdict(:'endless'), NULL, 'with require_exp off, a token without end verifies');
SELECT jwt_revoke(:'endless');
SELECT is(test.verdict(:'endless'), '28J02', 'a revoked token without end is denied');
SELECT is((SELECT expires_at FROM jwt_auth.revoked_tokens WHERE jti = 'for ever'), 'infinity', 'the denial of a token without end has no end');
SELECT jwt_purge();
SELECT is(test.verdict(:'endless'), '28J02', 'a purge keeps the denial of a token without end');
RESET jwt_auth.require_exp;

-- Sessions that were long quiet are asked for once (F15): those in use are noted
-- as such, and the index does not find them again
RESET jwt_auth.max_token_ttl;
RESET jwt_auth.session_idle_timeout;
DELETE FROM jwt_auth.sessions;
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
SELECT gen_random_uuid(), :'alice', now() - interval '20 d' + n * interval '1 ms', now() + interval '10 d' FROM generate_series(1, 60) AS n;
INSERT INTO jwt_auth.refresh_tokens (session_id, generation, nonce, key_number, rotated_at)
SELECT id, 1, gen_random_uuid(), 1, now() - CASE WHEN row_number() OVER (ORDER BY created_at) <= 50 THEN interval '1 h' ELSE interval '19 d' END FROM jwt_auth.sessions;
SELECT is(jwt_purge(20), 10::bigint, 'a purge finds idle sessions behind those in use'),
	   is(jwt_purge(20), 0::bigint, 'a purge after the idle sessions were removed finds none');
SELECT is(count(*), 50::bigint, 'a purge keeps sessions in use'),
	   is(count(*) FILTER (WHERE active_at > now() - interval '2 h'), 50::bigint, 'a purge records when sessions in use were active') FROM jwt_auth.sessions;
UPDATE jwt_auth.refresh_tokens SET rotated_at = now() - interval '9 d';
SELECT is(jwt_purge(), 0::bigint, 'a session that was recorded as active is not looked at before its time');
SET jwt_auth.session_idle_timeout = 60;
UPDATE jwt_auth.sessions SET active_at = now() - interval '9 d';
SELECT is(jwt_purge(), 50::bigint, 'a purge removes sessions whose recorded time is over');
RESET jwt_auth.session_idle_timeout;

-- What a call with nothing to do reads does not grow with what there is (F15)
CREATE FUNCTION test.blocks_of(statement text) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || statement INTO plan;
	RETURN (plan -> 0 -> 'Plan' ->> 'Shared Hit Blocks')::bigint + (plan -> 0 -> 'Plan' ->> 'Shared Read Blocks')::bigint;
END
$$;
SELECT jwt_purge();
INSERT INTO jwt_auth.revoked_tokens SELECT 'x', n, now() + interval '1 d' FROM generate_series(1, 20000) AS n;
INSERT INTO jwt_auth.sessions (id, user_id, created_at, expires_at)
SELECT gen_random_uuid(), :'alice', now(), now() + interval '10 d' FROM generate_series(1, 20000) AS n;
INSERT INTO jwt_auth.login_throttle SELECT sha256(('n' || n)::bytea), 1, now() FROM generate_series(1, 20000) AS n;
SELECT is(jwt_purge(), 0::bigint, 'with nothing to remove beside many rows, a purge removes nothing');
SELECT cmp_ok(test.blocks_of('SELECT jwt_purge()'), '<', 60::bigint, 'with nothing to remove beside many rows, a purge reads few blocks');
SELECT cmp_ok(test.blocks_of('SELECT count(*) FROM jwt_auth.' || name), '>', 100::bigint, 'reading all rows of the table takes more blocks: ' || name)
FROM unnest('{revoked_tokens,sessions,login_throttle}'::text[]) AS name;

SELECT * FROM finish();
