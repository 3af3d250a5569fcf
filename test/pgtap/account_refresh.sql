-- Refresh (F10, F52, T49, T50, T51, T52, T53, T59, T61, T96): each token is
-- used once; an earlier one gives the current one for a short time after its own
-- rotation; later it ends the session, and that commits; a rotation that was
-- lost never does.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 325 assertions
SELECT no_plan();
CREATE ROLE regress_refresh_member;
SELECT test.create_user('alice', 'regress_refresh_member', '{"tenant":"t1"}') AS alice \gset
CREATE FUNCTION pg_temp.generation_of(answer jsonb) RETURNS bigint LANGUAGE sql AS
$$ SELECT test.to_number(substr(test.from_base64url(substr(answer ->> 'refresh_token', 5)), 22, 8))::bigint $$;

-- Rotation
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(:'g2'::jsonb - '{access_token,refresh_token}'::text[], '{"token_type":"Bearer","expires_in":900,"refresh_expires_in":604800}', 'the answer''s shape'),
	   is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'g2'::jsonb) AS k), '{access_token,expires_in,refresh_expires_in,refresh_token,token_type}', 'its members'),
	   is((jwt_decode(:'g2'::jsonb ->> 'access_token')).header ->> 'typ', 'at+jwt', 'the header'),
	   is(test.claims_of(:'g2') - '{iat,exp,jti}'::text[], test.claims_of(:'g1') - '{iat,exp,jti}'::text[], 'the same claims'),
	   isnt(test.claims_of(:'g2') ->> 'jti', test.claims_of(:'g1') ->> 'jti', 'another jti'),
	   isnt(:'g2'::jsonb ->> 'refresh_token', :'g1'::jsonb ->> 'refresh_token', 'another refresh token'),
	   is(pg_temp.generation_of(:'g1'), 1::bigint, 'of generation 1'), is(pg_temp.generation_of(:'g2'), 2::bigint, 'then 2'),
	   is(test.generation(:'g2'), 2::bigint, 'as in the table'),
	   is(test.access(:'g1'), NULL, 'the former access token is good until it expires'), is(test.access(:'g2'), NULL, 'and so is the new one');
SELECT isnt(substr(:'g1'::jsonb ->> 'refresh_token', 5, 40), NULL, 'they share their beginning'),
	   isnt(substr(test.from_base64url(substr(:'g1'::jsonb ->> 'refresh_token', 5)), 30, 16),
			substr(test.from_base64url(substr(:'g2'::jsonb ->> 'refresh_token', 5)), 30, 16), 'but not the nonce');

-- The direct parent: the same child, byte for byte; nothing is written
SELECT rotated_at AS rotated_at, ctid AS place FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1') \gset
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'the parent gives the same child') FROM generate_series(1, 3);
SELECT test.refresh(:'g1') AS again \gset
SELECT is(:'again'::jsonb ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'and again'), is(test.access(:'again'), NULL, 'with a good access token');
SELECT is((SELECT (rotated_at, ctid)::text FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')),
		  (SELECT (:'rotated_at'::timestamptz, :'place'::tid)::text), 'the row is what it was, so that its grace is not prolonged');
SELECT test.age_rotation(:'g1', '9 s');
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'nine seconds later, too');
SELECT test.refresh(:'again') AS g3 \gset
SELECT is(pg_temp.generation_of(:'g3'), 3::bigint, 'the child goes on');

-- Each generation has a grace of its own (F10, T51)
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g2', '6 s');
SELECT test.refresh(:'g2') AS g3 \gset
SELECT ctid AS place FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1') \gset
SELECT is(test.refresh(old) ->> 'refresh_token', :'g3'::jsonb ->> 'refresh_token', what || ' gives the current token')
FROM (VALUES ('the grandparent', :'g1'::jsonb), ('the parent', :'g2'), ('the grandparent, again', :'g1')) AS v (what, old);
SELECT is(jwt_introspect(:'g1'::jsonb ->> 'refresh_token') ->> 'active', 'true', 'the grandparent is active');
SELECT is((SELECT ctid FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')), :'place'::tid, 'and nothing was written');
SELECT test.refresh(:'g3') AS g4 \gset
SELECT is(test.refresh(old) ->> 'refresh_token', :'g4'::jsonb ->> 'refresh_token', what || ' gives the current token')
FROM (VALUES ('the great-grandparent', :'g1'::jsonb), ('the grandparent', :'g2'), ('the parent', :'g3')) AS v (what, old);
SELECT is(test.revoke_reason(:'g4'), 'live', 'the session is live');

-- Replay: a grandparent after its own grace, while younger ones are in theirs
-- (T51), or a parent after its own (T52)
SELECT test.age_rotation(:'g4', '4500 ms');
SELECT is(test.refresh(:'g3') ->> 'refresh_token', :'g4'::jsonb ->> 'refresh_token', 'the parent is in its grace');
SELECT is(jwt_introspect(:'g1'::jsonb ->> 'refresh_token') ->> 'active', 'false', 'the great-grandparent is not active');
SELECT test.audit_count() AS events \gset
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'the great-grandparent is a replay');
SELECT is(test.revoke_reason(:'g4'), 'refresh token replayed', 'ended the session'), is(test.error_of(test.refresh(:'g4')), 'invalid_grant', 'the latest token is dead'),
	   is(test.access(:'g1'), '28J02', 'access tokens are dead'), is(test.access(:'g2'), '28J02', 'each'), is(test.access(:'g3'), '28J02', 'of them');
SELECT set_has(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('refresh_replayed: session revoked'::text)$$, 'audited');
SELECT test.login('alice') AS g1 \gset
SELECT test.login('alice') AS bystander \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g1', '11 s');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a parent after its grace');
SELECT is(test.revoke_reason(:'g2'), 'refresh token replayed', 'ended the session'), is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'no refresh'),
	   is(test.access(:'g2'), '28J02', 'no access'), is(test.error_of(test.refresh(:'bystander')), 'ok', 'other sessions go on');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a replay of what ended'), is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'changes nothing');
SELECT is(test.revoke_reason(:'g2'), 'refresh token replayed', 'the reason stays');

-- The tokens of an ended session change nothing, and are no replay
SELECT test.login('alice') AS g1 \gset
SELECT jwt_revoke(:'g1'::jsonb ->> 'refresh_token');
SELECT test.audit_count() AS events \gset
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'ended: a refresh');
SELECT test.age_rotation(:'g1', '1 min');
SELECT ctid AS place FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1') \gset
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'ended: another, later');
SELECT is(test.generation(:'g1'), 1::bigint, 'ended: nothing rotates'),
	   is((SELECT ctid FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')), :'place'::tid, 'ended: no row is written'),
	   set_eq(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('refresh_denied: session revoked'::text)$$, 'ended: nothing passes for a replay');

-- A stolen token (T53): whoever comes second ends the session for both
CREATE FUNCTION pg_temp.after_theft(theirs jsonb, second jsonb) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM test.age_rotation(second, '11 s');
	RETURN concat_ws(' ', test.error_of(test.refresh(second)), test.error_of(test.refresh(theirs)), test.access(theirs), test.access(second));
END
$$;
SELECT test.login('alice') AS stolen \gset
SELECT test.refresh(:'stolen') AS thief \gset
SELECT is(pg_temp.after_theft(:'thief', :'stolen'), 'invalid_grant invalid_grant 28J02 28J02', 'the thief came first');
SELECT test.login('alice') AS stolen \gset
SELECT test.refresh(:'stolen') AS owner \gset
SELECT test.refresh(:'owner') AS owner \gset
SELECT is(pg_temp.after_theft(:'owner', :'stolen'), 'invalid_grant invalid_grant 28J02 28J02', 'the owner came first, and went on');

-- What a client rolls back is recognised again (T50)
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.refresh(:'g2') AS g3 \gset
SELECT test.age_rotation(:'g3', '11 s');
BEGIN;
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a replay');
SELECT is(test.access(:'g3'), '28J02', 'acts at once');
ROLLBACK;
SELECT is(test.access(:'g3'), NULL, 'that was rolled back');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'and tried again');
SELECT is(test.access(:'g3'), '28J02', 'ends the session');

-- As many generations as the row keeps, and their order
SELECT test.login('alice') AS g \gset
CREATE TEMPORARY TABLE chain (n integer, answer jsonb);
CREATE FUNCTION pg_temp.refresh_chain(first jsonb, times integer) RETURNS void LANGUAGE plpgsql AS
$$
BEGIN
	INSERT INTO chain VALUES (1, first);
	FOR i IN 2 .. times LOOP
		INSERT INTO chain SELECT i, test.refresh(answer) FROM chain WHERE n = i - 1;
	END LOOP;
END
$$;
SELECT pg_temp.refresh_chain(:'g', 18);
SELECT is(array_agg(test.refresh(answer) ->> 'refresh_token'), ARRAY(SELECT c.answer ->> 'refresh_token' FROM chain AS c, generate_series(2, 17) WHERE c.n = 18), 'each of the sixteen before gives the current token')
FROM (SELECT answer FROM chain WHERE n BETWEEN 2 AND 17) AS v;
SELECT is((SELECT octet_length(earlier) FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g')), 16 * 24, 'the row keeps sixteen');
SELECT is(test.error_of(test.refresh(:'g')), 'invalid_grant', 'the seventeenth before is a replay');
SELECT is(test.revoke_reason(:'g'), 'refresh token replayed', 'and ends the session');
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g2', '71 s');
SELECT test.refresh(:'g2') AS g3 \gset
SELECT is((SELECT octet_length(earlier) FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')), 24, 'what is long over is dropped by the next rotation');
SELECT test.age_rotation(:'g3', '69 s');
SELECT is(test.error_of(test.refresh(:'g3')), 'ok', 'another rotation');
SELECT is((SELECT octet_length(earlier) FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')), 48, 'keeps what a statement that waits may have begun in');

-- No grace, and the longest one
SET jwt_auth.refresh_grace = 0;
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'no grace: a parent');
SELECT is(test.access(:'g2'), '28J02', 'ends the session at once');
SET jwt_auth.refresh_grace = 60;
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g1', '59 s');
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'a minute of grace');
SELECT test.age_rotation(:'g1', '2 s');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'and no more');
SELECT test.raises('SET jwt_auth.refresh_grace = 61', '22023', 'nor a longer one');
RESET jwt_auth.refresh_grace;

-- A rotation that was lost never revokes, and none of its tokens is ever good (T96)
SELECT test.login('alice') AS g1 \gset
BEGIN;
SELECT test.refresh(:'g1') AS lost2 \gset
SELECT test.refresh(:'lost2') AS lost3 \gset
SELECT test.refresh(:'lost3') AS lost4 \gset
ROLLBACK;
SELECT test.audit_count() AS events \gset
SELECT is(test.error_of(test.refresh(lost)), 'invalid_grant', 'a lost token is denied')
FROM (VALUES (:'lost4'::jsonb), (:'lost3'), (:'lost2')) AS v (lost);
SELECT is(test.revoke_reason(:'g1'), 'live', 'the session is not revoked'),
	   set_eq(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('refresh_denied: its rotation was lost'::text)$$, 'it is audited');
SELECT is(test.access(:'lost2'), NULL, 'its access token belongs to a live session');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.error_of(:'g2'), 'ok', 'the token from before goes on'), isnt(:'g2'::jsonb ->> 'refresh_token', :'lost2'::jsonb ->> 'refresh_token', 'with another child');
SELECT is(test.error_of(test.refresh(:'lost2')), 'invalid_grant', 'the current generation with another nonce'), is(test.error_of(test.refresh(:'lost3')), 'invalid_grant', 'a later generation');
SELECT is(test.revoke_reason(:'g1'), 'live', 'revoke nothing');
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'the parent still has its grace');
BEGIN;
SAVEPOINT s;
SELECT test.refresh(:'g2') AS lost3 \gset
ROLLBACK TO s;
SELECT is(test.error_of(test.refresh(:'lost3')), 'invalid_grant', 'a token of a savepoint that was rolled back');
SELECT is(test.error_of(test.refresh(:'g2')), 'ok', 'and the one before');
COMMIT;
SELECT is(test.revoke_reason(:'g1'), 'live', 'live');

-- When the session has gone on beyond its generation, a lost token can't be told
-- from an older one, and no grace is its own: a replay, which ends the session
SELECT test.login('alice') AS g1 \gset
BEGIN;
SELECT test.refresh(:'g1') AS lost2 \gset
SELECT test.refresh(:'lost2') AS lost3 \gset
ROLLBACK;
SELECT test.refresh(test.refresh(:'g1')) AS g3 \gset
SELECT is(test.error_of(test.refresh(:'lost3')), 'invalid_grant', 'a lost token of the current generation'), is(test.revoke_reason(:'g3'), 'live', 'still revokes nothing');
SELECT test.audit_count() AS events \gset
SELECT is(test.error_of(test.refresh(:'lost2')), 'invalid_grant', 'a lost token that the chain has passed is denied');
SELECT is(test.revoke_reason(:'g3'), 'refresh token replayed', 'and ends the session'),
	   set_has(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('refresh_replayed: session revoked'::text)$$, 'which is audited');
SELECT is(test.error_of(test.refresh(:'g3')), 'invalid_grant', 'no refresh'), is(test.access(:'g3'), '28J02', 'no access'), is(test.access(:'lost2'), '28J02', 'for anybody');

-- A session that never was
BEGIN;
SELECT test.login('alice') AS never \gset
ROLLBACK;
SELECT is(test.error_of(test.refresh(:'never')), 'invalid_grant', 'a login that was rolled back');

-- Idle and absolute limits (T61)
SELECT test.login('alice') AS g1 \gset
SELECT test.age_rotation(:'g1', '6 d 23 h 59 min');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.error_of(:'g2'), 'ok', 'shortly before the idle limit');
SELECT test.age_rotation(:'g1', '7 d');
SELECT is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'idle for too long');
SELECT is(test.revoke_reason(:'g2'), 'live', 'is no replay'), is(test.generation(:'g2'), 2::bigint, 'and rotates nothing');
SELECT test.login('alice') AS g1 \gset
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() + interval '100 s' WHERE id = test.session_of(:'g1');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT ok((:'g2'::jsonb -> 'expires_in')::integer BETWEEN 95 AND 100, 'the access token ends with the session'),
	   ok((:'g2'::jsonb -> 'refresh_expires_in')::integer BETWEEN 95 AND 100, 'and the refresh token'),
	   cmp_ok(to_timestamp((test.claims_of(:'g2') -> 'exp')::bigint), '<=', (SELECT expires_at FROM jwt_auth.sessions WHERE id = test.session_of(:'g2')), 'never after it');
SELECT expires_at AS expires_at FROM jwt_auth.sessions WHERE id = test.session_of(:'g2') \gset
SELECT test.refresh(:'g2') AS g3 \gset
SELECT is((SELECT expires_at FROM jwt_auth.sessions WHERE id = test.session_of(:'g3')), :'expires_at'::timestamptz, 'a refresh does not prolong the session');
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() + interval '20 s' WHERE id = test.session_of(:'g3')
RETURNING expires_at AS session_end \gset
SELECT test.refresh(:'g3') AS g4 \gset
SELECT is(test.error_of(:'g4'), 'ok', 'shortly before the end of a session'),
	   cmp_ok(to_timestamp((test.claims_of(:'g4') -> 'exp')::bigint), '<=', :'session_end'::timestamptz, 'no token outlives it'),
	   cmp_ok((:'g4'::jsonb -> 'refresh_expires_in')::integer, '<=', 20, 'nor is it said so');
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() + interval '300 ms' WHERE id = test.session_of(:'g3');
SELECT is(test.error_of(test.refresh(:'g4')), 'invalid_grant', 'in its last second there is none');
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() WHERE id = test.session_of(:'g3');
SELECT is(test.error_of(test.refresh(:'g4')), 'invalid_grant', 'the session is over');
SELECT is(test.access(:'g3'), '28J02', 'so is its access token');

-- The user is read afresh (T59)
SELECT test.login('alice') AS g1 \gset
CREATE ROLE regress_refresh_new;
SELECT jwt_update_user(:'alice', role => 'regress_refresh_new', claims => '{"tenant":"t2"}');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.claims_of(:'g2') - '{iat,exp,jti,sid,sub}'::text[], '{"role":"regress_refresh_new","tenant":"t2"}', 'role and claims'),
	   is(test.claims_of(test.refresh(:'g1')) ->> 'tenant', 't2', 'also for the parent in its grace');
BEGIN;
SELECT jwt_disable_user(:'alice');
SELECT is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'disabled'), is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'in the grace, too');
ROLLBACK;
UPDATE jwt_auth.users SET disabled_at = now() WHERE id = :'alice';
SELECT is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'disabled by hand, the session still live');
UPDATE jwt_auth.users SET disabled_at = NULL WHERE id = :'alice';
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
BEGIN;
SELECT jwt_delete_user(:'alice');
SELECT is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'deleted'), is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'in the grace, too');
ROLLBACK;
SELECT jwt_revoke(:'g2'::jsonb ->> 'refresh_token');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'revoked, in the grace'), is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'revoked');

-- Tokens that are none: one answer, nothing written, no session ended
SELECT test.login('alice') AS g1 \gset
SELECT test.audit_count() AS events \gset
CREATE FUNCTION pg_temp.flipped(token text, at integer, n integer) RETURNS text LANGUAGE sql AS
$$ SELECT 'jar_' || test.base64url(set_bit(bytes, at * 8 + n, 1 - get_bit(bytes, at * 8 + n)))
   FROM (SELECT test.from_base64url(substr(token, 5))) AS v (bytes) $$;
SELECT is(jwt_refresh(pg_temp.flipped(:'g1'::jsonb ->> 'refresh_token', at, n)) ->> 'error', 'invalid_grant',
		  format('bit %s of byte %s changed: %s', n, at, CASE WHEN at = 0 THEN 'version' WHEN at < 5 THEN 'key number' WHEN at < 21 THEN 'session'
																WHEN at < 29 THEN 'generation' WHEN at < 45 THEN 'nonce' ELSE 'MAC' END))
FROM generate_series(0, 76) AS at, unnest('{0,7}'::integer[]) AS n;
SELECT is(jwt_refresh(token) ->> 'error', 'invalid_grant', what)
FROM (SELECT :'g1'::jsonb ->> 'refresh_token') AS t (good), LATERAL (VALUES
	('another prefix', 'jas_' || substr(good, 5)), ('upper case', 'JAR_' || substr(good, 5)), ('no prefix', substr(good, 5)), ('the prefix alone', 'jar_'),
	('one shorter', left(good, -1)), ('one longer', good || 'A'), ('a space within', overlay(good PLACING ' ' FROM 50 FOR 0)), ('another scheme', 'Basic ' || good), ('a line end within', overlay(good PLACING E'\n' FROM 50 FOR 0)),
	('padding', good || '='), ('stray bits', left(good, -1) || chr(ascii(right(good, 1)) + 1)), ('a plus', overlay(good PLACING '+' FROM 50 FOR 1)), ('twice', good || good), ('twice the scheme', 'Bearer Bearer ' || good),
	('an access token', :'g1'::jsonb ->> 'access_token'), ('1024 bytes', repeat('x', 1024)), ('no letters', repeat(U&'\00E9', 50)),
	('zeros', 'jar_' || repeat('A', 103)), ('a long one', 'jar_' || repeat('A', 107))) AS v (what, token);
SELECT is(jwt_refresh('') ->> 'error', 'invalid_request', 'empty'), test.raises('SELECT jwt_refresh(NULL)', '22023', 'NULL');
SELECT is(test.audit_count(), :'events', 'nothing is audited'), is(test.revoke_reason(:'g1'), 'live', 'nothing revoked'), is(test.generation(:'g1'), 1::bigint, 'nothing rotated');
SELECT is(test.error_of(test.refresh(:'g1')), 'ok', 'and the token itself is good');
SELECT is((SELECT count(*) FROM (SELECT DISTINCT jwt_refresh(token)::text FROM (VALUES ('x'), ('jar_' || repeat('A', 103)), (:'never'::jsonb ->> 'refresh_token')) AS v (token)) AS w),
		  1::bigint, 'one answer for all');

-- Keys of refresh tokens: a rotation logs nobody out
SELECT test.login('alice') AS g1 \gset
SELECT test.login('alice') AS h1 \gset
SELECT test.refresh(:'h1') AS h2 \gset
SELECT jwt_rotate_refresh_key() AS number \gset
SELECT is(test.refresh(:'h1') ->> 'refresh_token', :'h2'::jsonb ->> 'refresh_token', 'grace across a rotation: the child is rebuilt with its own key');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.error_of(:'g2'), 'ok', 'a token of the former key'),
	   is(test.to_number(substr(test.from_base64url(substr(:'g2'::jsonb ->> 'refresh_token', 5)), 2, 4)), :'number'::numeric, 'its child is of the new one');
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'a parent of the former key in its grace');
SELECT jwt_rotate_refresh_key(), jwt_rotate_refresh_key();
SELECT test.refresh(:'g2') AS g3 \gset
SELECT is(test.error_of(:'g3'), 'ok', 'two keys later'), is(test.error_of(test.refresh(:'h2')), 'ok', 'three keys later');
SELECT test.age_rotation(:'g3', '11 s');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a replay');
SELECT is(test.access(:'g3'), '28J02', 'is recognised whatever the key');
-- a key of a former number says nothing about a number that was not yet given
SELECT is(jwt_refresh('jar_' || test.base64url(overlay(test.from_base64url(substr(:'h2'::jsonb ->> 'refresh_token', 5)) PLACING number FROM 2 FOR 4))) ->> 'error',
		  'invalid_grant', 'key number ' || encode(number, 'hex'))
FROM unnest(ARRAY['\x00000000', '\x000000ff', '\x7fffffff', '\x80000000', '\xffffffff']::bytea[]) AS number;
SELECT test.login('alice') AS g1 \gset
SELECT jwt_reset_after_restore();
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a reset ends them all'), is(test.access(:'g1'), '28J00', 'and access tokens'),
	   is(test.error_of(test.login('alice')), 'ok', 'login goes on');

-- Isolation levels, each alone
SELECT test.login('alice') AS g1 \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT test.refresh(:'g1') AS g2 \gset
COMMIT;
SELECT is(test.error_of(:'g2'), 'ok', 'REPEATABLE READ');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT test.refresh(:'g2') AS g3 \gset
SELECT is(test.refresh(:'g2') ->> 'refresh_token', :'g3'::jsonb ->> 'refresh_token', 'SERIALIZABLE: the grace');
COMMIT;
SELECT is(test.error_of(:'g3'), 'ok', 'SERIALIZABLE'), is(test.access(:'g3'), NULL, 'and its access token');
SELECT test.age_rotation(:'g3', '11 s');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'REPEATABLE READ: a replay');
COMMIT;
SELECT is(test.access(:'g3'), '28J02', 'ends the session');

-- One narrow row per session, updated in place: refreshes are HOT, but for one where a page is full
-- while somebody's snapshot, such as that of an automatic ANALYZE, keeps former versions
SELECT test.login('alice') AS g \gset
SELECT pg_stat_force_next_flush();
SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot, n_tup_ins AS inserts FROM pg_stat_user_tables WHERE relid = 'jwt_auth.refresh_tokens'::regclass \gset
SELECT :'g'::jsonb ->> 'refresh_token' AS token \gset
SELECT jwt_refresh(:'token') ->> 'refresh_token' AS token \gset
SELECT jwt_refresh(:'token') ->> 'refresh_token' AS token \gset
CREATE PROCEDURE public.refresh_often(INOUT token text, times integer) LANGUAGE plpgsql AS
$$
BEGIN
	FOR n IN 1 .. times LOOP
		token := jwt_refresh(token) ->> 'refresh_token';
		COMMIT;
	END LOOP;
END
$$;
CALL public.refresh_often(:'token', 200) \gset
SELECT pg_stat_force_next_flush();
SELECT is(n_tup_upd - :updates, 202::bigint, '202 refreshes are 202 updates'), cmp_ok(n_tup_hot_upd - :hot, '>=', 190::bigint, 'nearly each of them HOT'), is(n_tup_ins - :inserts, 0::bigint, 'and no other row')
FROM pg_stat_user_tables WHERE relid = 'jwt_auth.refresh_tokens'::regclass;
SELECT is((SELECT generation FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g')), 203::bigint, 'the generation counts them'),
	   cmp_ok(pg_relation_size('jwt_auth.refresh_tokens'), '<=', 8 * 8192::bigint, 'the table does not grow');

DROP ROLE regress_refresh_member, regress_refresh_new;
SELECT * FROM finish();
