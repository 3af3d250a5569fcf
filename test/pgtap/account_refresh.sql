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
SELECT is(:'g2'::jsonb - '{access_token,refresh_token}'::text[], '{"token_type":"Bearer","expires_in":900,"refresh_expires_in":604800}', 'a refresh answers type and lifetimes'),
	   is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'g2'::jsonb) AS k), '{access_token,expires_in,refresh_expires_in,refresh_token,token_type}', 'a refresh answers with five members'),
	   is((jwt_decode(:'g2'::jsonb ->> 'access_token')).header ->> 'typ', 'at+jwt', 'the access token of a refresh has typ at+jwt'),
	   is(test.claims_of(:'g2') - '{iat,exp,jti}'::text[], test.claims_of(:'g1') - '{iat,exp,jti}'::text[], 'the access token of a refresh has the claims of the former one'),
	   isnt(test.claims_of(:'g2') ->> 'jti', test.claims_of(:'g1') ->> 'jti', 'the access token of a refresh has a jti of its own'),
	   isnt(:'g2'::jsonb ->> 'refresh_token', :'g1'::jsonb ->> 'refresh_token', 'a refresh gives another refresh token'),
	   is(pg_temp.generation_of(:'g1'), 1::bigint, 'the refresh token of a login has generation 1'),
	   is(pg_temp.generation_of(:'g2'), 2::bigint, 'the first refresh gives generation 2'),
	   is(test.generation(:'g2'), 2::bigint, 'after the first refresh, the table holds generation 2'),
	   is(test.access(:'g1'), NULL, 'after a refresh, the former access token is valid until it expires'),
	   is(test.access(:'g2'), NULL, 'after a refresh, the new access token is valid');
SELECT isnt(substr(:'g1'::jsonb ->> 'refresh_token', 5, 40), NULL, 'refresh tokens of one session share their beginning'),
	   isnt(substr(test.from_base64url(substr(:'g1'::jsonb ->> 'refresh_token', 5)), 30, 16),
			substr(test.from_base64url(substr(:'g2'::jsonb ->> 'refresh_token', 5)), 30, 16), 'refresh tokens of one session differ in their nonce');

-- The direct parent: the same child, byte for byte; nothing is written
SELECT rotated_at AS rotated_at, ctid AS place FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1') \gset
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'within its grace, the parent gives the same child') FROM generate_series(1, 3);
SELECT test.refresh(:'g1') AS again \gset
SELECT is(:'again'::jsonb ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'within its grace, the parent gives the same child a fourth time'),
	   is(test.access(:'again'), NULL, 'a child that is given again comes with a valid access token');
SELECT is((SELECT (rotated_at, ctid)::text FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')),
		  (SELECT (:'rotated_at'::timestamptz, :'place'::tid)::text), 'a refresh within the grace changes no row, so that it does not prolong the grace');
SELECT test.age_rotation(:'g1', '9 s');
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'nine seconds after its rotation, the parent still gives the same child');
SELECT test.refresh(:'again') AS g3 \gset
SELECT is(pg_temp.generation_of(:'g3'), 3::bigint, 'a child that was given again can be refreshed');

-- Each generation has a grace of its own (F10, T51)
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g2', '6 s');
SELECT test.refresh(:'g2') AS g3 \gset
SELECT ctid AS place FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1') \gset
SELECT is(test.refresh(old) ->> 'refresh_token', :'g3'::jsonb ->> 'refresh_token', what || ' gives the current token')
FROM (VALUES ('the grandparent', :'g1'::jsonb), ('the parent', :'g2'), ('the grandparent, again', :'g1')) AS v (what, old);
SELECT is(jwt_introspect(:'g1'::jsonb ->> 'refresh_token') ->> 'active', 'true', 'the grandparent is active');
SELECT is((SELECT ctid FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')), :'place'::tid, 'a refresh with the grandparent within its grace writes nothing');
SELECT test.refresh(:'g3') AS g4 \gset
SELECT is(test.refresh(old) ->> 'refresh_token', :'g4'::jsonb ->> 'refresh_token', what || ' gives the current token')
FROM (VALUES ('the great-grandparent', :'g1'::jsonb), ('the grandparent', :'g2'), ('the parent', :'g3')) AS v (what, old);
SELECT is(test.revoke_reason(:'g4'), 'live', 'after refreshes within the grace of each token, the session is live');

-- Replay: a grandparent after its own grace, while younger ones are in theirs
-- (T51), or a parent after its own (T52)
SELECT test.age_rotation(:'g4', '4500 ms');
SELECT is(test.refresh(:'g3') ->> 'refresh_token', :'g4'::jsonb ->> 'refresh_token', 'the parent gives the current token while it is in its grace');
SELECT is(jwt_introspect(:'g1'::jsonb ->> 'refresh_token') ->> 'active', 'false', 'the great-grandparent is inactive after its own grace');
SELECT test.audit_count() AS events \gset
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'the great-grandparent is denied after its own grace');
SELECT is(test.revoke_reason(:'g4'), 'refresh token replayed', 'the replay of a great-grandparent ends the session'),
	   is(test.error_of(test.refresh(:'g4')), 'invalid_grant', 'after a replay, the latest refresh token is denied'),
	   is(test.access(:'g1'), '28J02', 'after a replay, the access token of generation 1 is revoked'),
	   is(test.access(:'g2'), '28J02', 'after a replay, the access token of generation 2 is revoked'),
	   is(test.access(:'g3'), '28J02', 'after a replay, the access token of generation 3 is revoked');
SELECT set_has(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('refresh_replayed: session revoked'::text)$$, 'the replay of a great-grandparent is audited');
SELECT test.login('alice') AS g1 \gset
SELECT test.login('alice') AS bystander \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g1', '11 s');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a parent is denied after its grace');
SELECT is(test.revoke_reason(:'g2'), 'refresh token replayed', 'the replay of a parent ends the session'),
	   is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'after the replay of a parent, its child is denied'),
	   is(test.access(:'g2'), '28J02', 'after the replay of a parent, the access token of its child is revoked'),
	   is(test.error_of(test.refresh(:'bystander')), 'ok', 'after a replay, other sessions of the user go on');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a replayed token of an ended session is denied'),
	   is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'the child of a replayed token is denied in an ended session');
SELECT is(test.revoke_reason(:'g2'), 'refresh token replayed', 'a second replay leaves the reason of the session''s end');

-- A session that has no refresh token, as of a table that was damaged
SELECT test.login('alice') AS g1 \gset
SELECT test.audit_count() AS events \gset
DELETE FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a refresh is denied in a session without its row'),
	   is(test.access(:'g1'), NULL, 'a refresh in a session without its row ends nothing'),
	   set_eq(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('refresh_denied: unknown session'::text)$$, 'a refresh in a session without its row is audited');

-- The tokens of an ended session change nothing, and are no replay
SELECT test.login('alice') AS g1 \gset
SELECT jwt_revoke(:'g1'::jsonb ->> 'refresh_token');
SELECT test.audit_count() AS events \gset
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'the refresh token of an ended session is denied');
SELECT test.age_rotation(:'g1', '1 min');
SELECT ctid AS place FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1') \gset
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'the refresh token of an ended session is denied a minute later');
SELECT is(test.generation(:'g1'), 1::bigint, 'a refresh in an ended session rotates nothing'),
	   is((SELECT ctid FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')), :'place'::tid, 'a refresh in an ended session writes no row'),
	   set_eq(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('refresh_denied: session revoked'::text)$$, 'a refresh in an ended session is audited as denied, and not as a replay');

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
SELECT is(pg_temp.after_theft(:'thief', :'stolen'), 'invalid_grant invalid_grant 28J02 28J02', 'when the thief refreshes first, the owner''s refresh ends the session for both');
SELECT test.login('alice') AS stolen \gset
SELECT test.refresh(:'stolen') AS owner \gset
SELECT test.refresh(:'owner') AS owner \gset
SELECT is(pg_temp.after_theft(:'owner', :'stolen'), 'invalid_grant invalid_grant 28J02 28J02', 'when the owner refreshes first, the thief''s refresh ends the session for both');

-- What a client rolls back is recognised again (T50)
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.refresh(:'g2') AS g3 \gset
SELECT test.age_rotation(:'g3', '11 s');
BEGIN;
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a replay in a transaction is denied');
SELECT is(test.access(:'g3'), '28J02', 'a replay revokes access tokens within its transaction');
ROLLBACK;
SELECT is(test.access(:'g3'), NULL, 'when a replay is rolled back, the session lives');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'after a replay was rolled back, the next replay is denied');
SELECT is(test.access(:'g3'), '28J02', 'after a replay was rolled back, the next replay ends the session');

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
SELECT is(array_agg(test.refresh(answer) ->> 'refresh_token'), ARRAY(SELECT c.answer ->> 'refresh_token' FROM chain AS c, generate_series(2, 17) WHERE c.n = 18), 'each of the sixteen former tokens gives the current token')
FROM (SELECT answer FROM chain WHERE n BETWEEN 2 AND 17) AS v;
SELECT is((SELECT octet_length(earlier) FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g')), 16 * 24, 'the row keeps sixteen former tokens');
SELECT is(test.error_of(test.refresh(:'g')), 'invalid_grant', 'the seventeenth former token is denied');
SELECT is(test.revoke_reason(:'g'), 'refresh token replayed', 'the seventeenth former token ends the session as a replay');
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g2', '71 s');
SELECT test.refresh(:'g2') AS g3 \gset
SELECT is((SELECT octet_length(earlier) FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')), 24, 'a rotation drops former tokens whose grace is long over');
SELECT test.age_rotation(:'g3', '69 s');
SELECT is(test.error_of(test.refresh(:'g3')), 'ok', 'a refresh 69 s after the last rotation succeeds');
SELECT is((SELECT octet_length(earlier) FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g1')), 48, 'a rotation keeps what a waiting statement may have begun in');

-- No grace, and the longest one
SET jwt_auth.refresh_grace = 0;
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'without grace, a parent is denied');
SELECT is(test.access(:'g2'), '28J02', 'without grace, a parent ends the session at once');
SET jwt_auth.refresh_grace = 60;
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g1', '59 s');
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'with a grace of a minute, a parent gives its child after 59 s');
SELECT test.age_rotation(:'g1', '2 s');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'with a grace of a minute, a parent is denied after 61 s');
SELECT test.raises('SET jwt_auth.refresh_grace = 61', '22023', 'refresh_grace cannot be more than a minute');
RESET jwt_auth.refresh_grace;

-- A rotation that was lost never revokes, and none of its tokens is ever good (T96)
SELECT test.login('alice') AS g1 \gset
BEGIN;
SELECT test.refresh(:'g1') AS lost2 \gset
SELECT test.refresh(:'lost2') AS lost3 \gset
SELECT test.refresh(:'lost3') AS lost4 \gset
ROLLBACK;
SELECT test.audit_count() AS events \gset
SELECT is(test.error_of(test.refresh(lost)), 'invalid_grant', 'a token whose rotation was lost is denied')
FROM (VALUES (:'lost4'::jsonb), (:'lost3'), (:'lost2')) AS v (lost);
SELECT is(test.revoke_reason(:'g1'), 'live', 'tokens whose rotation was lost do not revoke the session'),
	   set_eq(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('refresh_denied: its rotation was lost'::text)$$, 'the use of a token whose rotation was lost is audited as denied');
SELECT is(test.access(:'lost2'), NULL, 'the access token of a lost rotation belongs to a live session');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.error_of(:'g2'), 'ok', 'after a lost rotation, the token from before can be refreshed'),
	   isnt(:'g2'::jsonb ->> 'refresh_token', :'lost2'::jsonb ->> 'refresh_token', 'after a lost rotation, the next refresh gives another child');
SELECT is(test.error_of(test.refresh(:'lost2')), 'invalid_grant', 'a lost token of the current generation is denied'),
	   is(test.error_of(test.refresh(:'lost3')), 'invalid_grant', 'a lost token of a later generation is denied');
SELECT is(test.revoke_reason(:'g1'), 'live', 'lost tokens of the current and a later generation revoke nothing');
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'lost tokens leave the parent its grace');
BEGIN;
SAVEPOINT s;
SELECT test.refresh(:'g2') AS lost3 \gset
ROLLBACK TO s;
SELECT is(test.error_of(test.refresh(:'lost3')), 'invalid_grant', 'a token of a savepoint that was rolled back is denied');
SELECT is(test.error_of(test.refresh(:'g2')), 'ok', 'after a savepoint was rolled back, the token from before is accepted');
COMMIT;
SELECT is(test.revoke_reason(:'g1'), 'live', 'after a savepoint was rolled back, the session is live');

-- When the session has gone on beyond its generation, a lost token can't be told
-- from an older one, and no grace is its own: a replay, which ends the session
SELECT test.login('alice') AS g1 \gset
BEGIN;
SELECT test.refresh(:'g1') AS lost2 \gset
SELECT test.refresh(:'lost2') AS lost3 \gset
ROLLBACK;
SELECT test.refresh(test.refresh(:'g1')) AS g3 \gset
SELECT is(test.error_of(test.refresh(:'lost3')), 'invalid_grant', 'a lost token of the session''s current generation is denied'),
	   is(test.revoke_reason(:'g3'), 'live', 'a lost token of the current generation does not revoke the session');
SELECT test.audit_count() AS events \gset
SELECT is(test.error_of(test.refresh(:'lost2')), 'invalid_grant', 'a lost token that the chain has passed is denied');
SELECT is(test.revoke_reason(:'g3'), 'refresh token replayed', 'a lost token that the chain has passed ends the session'),
	   set_has(format('SELECT * FROM test.audit_since(%s)', :'events'), $$VALUES ('refresh_replayed: session revoked'::text)$$, 'the replay of a lost token is audited');
SELECT is(test.error_of(test.refresh(:'g3')), 'invalid_grant', 'after the replay of a lost token, the current refresh token is denied'),
	   is(test.access(:'g3'), '28J02', 'after the replay of a lost token, the current access token is revoked'),
	   is(test.access(:'lost2'), '28J02', 'after the replay of a lost token, its own access token is revoked');

-- A session that never was
BEGIN;
SELECT test.login('alice') AS never \gset
ROLLBACK;
SELECT is(test.error_of(test.refresh(:'never')), 'invalid_grant', 'the refresh token of a login that was rolled back is denied');

-- Idle and absolute limits (T61)
SELECT test.login('alice') AS g1 \gset
SELECT test.age_rotation(:'g1', '6 d 23 h 59 min');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.error_of(:'g2'), 'ok', 'a refresh a minute before the idle limit succeeds');
SELECT test.age_rotation(:'g1', '7 d');
SELECT is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'a refresh after the idle limit is denied');
SELECT is(test.revoke_reason(:'g2'), 'live', 'a refresh after the idle limit is no replay'),
	   is(test.generation(:'g2'), 2::bigint, 'a refresh after the idle limit rotates nothing');
SELECT test.login('alice') AS g1 \gset
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() + interval '100 s' WHERE id = test.session_of(:'g1');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT ok((:'g2'::jsonb -> 'expires_in')::integer BETWEEN 95 AND 100, 'expires_in is bounded by the end of the session'),
	   ok((:'g2'::jsonb -> 'refresh_expires_in')::integer BETWEEN 95 AND 100, 'refresh_expires_in is bounded by the end of the session'),
	   cmp_ok(to_timestamp((test.claims_of(:'g2') -> 'exp')::bigint), '<=', (SELECT expires_at FROM jwt_auth.sessions WHERE id = test.session_of(:'g2')), 'exp is not after the end of the session');
SELECT expires_at AS expires_at FROM jwt_auth.sessions WHERE id = test.session_of(:'g2') \gset
SELECT test.refresh(:'g2') AS g3 \gset
SELECT is((SELECT expires_at FROM jwt_auth.sessions WHERE id = test.session_of(:'g3')), :'expires_at'::timestamptz, 'a refresh does not prolong the session');
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() + interval '20 s' WHERE id = test.session_of(:'g3')
RETURNING expires_at AS session_end \gset
SELECT test.refresh(:'g3') AS g4 \gset
SELECT is(test.error_of(:'g4'), 'ok', 'a refresh 20 s before the end of the session succeeds'),
	   cmp_ok(to_timestamp((test.claims_of(:'g4') -> 'exp')::bigint), '<=', :'session_end'::timestamptz, 'the access token does not outlive a session that has 20 s left'),
	   cmp_ok((:'g4'::jsonb -> 'refresh_expires_in')::integer, '<=', 20, 'refresh_expires_in is at most 20 in a session that has 20 s left');
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() + interval '300 ms' WHERE id = test.session_of(:'g3');
SELECT is(test.error_of(test.refresh(:'g4')), 'invalid_grant', 'a refresh in the last second of a session is denied');
UPDATE jwt_auth.sessions SET expires_at = clock_timestamp() WHERE id = test.session_of(:'g3');
SELECT is(test.error_of(test.refresh(:'g4')), 'invalid_grant', 'a refresh after the end of the session is denied');
SELECT is(test.access(:'g3'), '28J02', 'after the end of the session, its access token is refused');

-- The user is read afresh (T59)
SELECT test.login('alice') AS g1 \gset
CREATE ROLE regress_refresh_new;
SELECT jwt_update_user(:'alice', role => 'regress_refresh_new', claims => '{"tenant":"t2"}');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.claims_of(:'g2') - '{iat,exp,jti,sid,sub,aal,acr,amr,auth_time}'::text[], '{"role":"regress_refresh_new","tenant":"t2"}', 'a refresh takes role and claims of the user as they are now'),
	   is(test.claims_of(test.refresh(:'g1')) ->> 'tenant', 't2', 'the parent in its grace takes the user''s claims as they are now');
BEGIN;
SELECT jwt_disable_user(:'alice');
SELECT is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'the current token of a disabled user is denied'),
	   is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'the parent''s token of a disabled user is denied in its grace');
ROLLBACK;
UPDATE jwt_auth.users SET disabled_at = now() WHERE id = :'alice';
SELECT is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'a refresh is denied to a user disabled by hand, whose session is live');
UPDATE jwt_auth.users SET disabled_at = NULL WHERE id = :'alice';
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
BEGIN;
SELECT jwt_delete_user(:'alice');
SELECT is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'the current token of a deleted user is denied'),
	   is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'the parent''s token of a deleted user is denied in its grace');
ROLLBACK;
SELECT jwt_revoke(:'g2'::jsonb ->> 'refresh_token');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'the parent of a revoked token is denied in its grace'),
	   is(test.error_of(test.refresh(:'g2')), 'invalid_grant', 'a revoked token is denied');

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
SELECT is(jwt_refresh('') ->> 'error', 'invalid_request', 'the empty refresh token is an invalid request'),
	   test.raises('SELECT jwt_refresh(NULL)', '22023', 'a refresh token that is NULL raises an error');
SELECT is(test.audit_count(), :'events', 'malformed refresh tokens are not audited'),
	   is(test.revoke_reason(:'g1'), 'live', 'malformed refresh tokens do not revoke the session'),
	   is(test.generation(:'g1'), 1::bigint, 'malformed refresh tokens rotate nothing');
SELECT is(test.error_of(test.refresh(:'g1')), 'ok', 'after malformed variants of it, the token itself is accepted');
SELECT is((SELECT count(*) FROM (SELECT DISTINCT jwt_refresh(token)::text FROM (VALUES ('x'), ('jar_' || repeat('A', 103)), (:'never'::jsonb ->> 'refresh_token')) AS v (token)) AS w),
		  1::bigint, 'malformed and unknown refresh tokens get the same answer');

-- Keys of refresh tokens: a rotation logs nobody out
SELECT test.login('alice') AS g1 \gset
SELECT test.login('alice') AS h1 \gset
SELECT test.refresh(:'h1') AS h2 \gset
SELECT jwt_rotate_refresh_key() AS number \gset
SELECT is(test.refresh(:'h1') ->> 'refresh_token', :'h2'::jsonb ->> 'refresh_token', 'after a rotation of keys, the parent in its grace gives the child of the former key');
SELECT test.refresh(:'g1') AS g2 \gset
SELECT is(test.error_of(:'g2'), 'ok', 'a token of the former key is accepted'),
	   is(test.to_number(substr(test.from_base64url(substr(:'g2'::jsonb ->> 'refresh_token', 5)), 2, 4)), :'number'::numeric, 'the child of a token of the former key is of the new key');
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'a parent of the former key gives its child in the grace');
SELECT jwt_rotate_refresh_key(), jwt_rotate_refresh_key();
SELECT test.refresh(:'g2') AS g3 \gset
SELECT is(test.error_of(:'g3'), 'ok', 'a token is accepted two keys later'),
	   is(test.error_of(test.refresh(:'h2')), 'ok', 'a token is accepted three keys later');
SELECT test.age_rotation(:'g3', '11 s');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a replay of a token of a former key is denied');
SELECT is(test.access(:'g3'), '28J02', 'a replay of a token of a former key ends the session');
-- a key of a former number says nothing about a number that was not yet given
SELECT is(jwt_refresh('jar_' || test.base64url(overlay(test.from_base64url(substr(:'h2'::jsonb ->> 'refresh_token', 5)) PLACING number FROM 2 FOR 4))) ->> 'error',
		  'invalid_grant', 'key number ' || encode(number, 'hex'))
FROM unnest(ARRAY['\x00000000', '\x000000ff', '\x7fffffff', '\x80000000', '\xffffffff']::bytea[]) AS number;
SELECT test.login('alice') AS g1 \gset
SELECT jwt_reset_after_restore();
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'after a reset, refresh tokens are denied'),
	   is(test.access(:'g1'), '28J00', 'after a reset, access tokens are refused'),
	   is(test.error_of(test.login('alice')), 'ok', 'after a reset, a login succeeds');

-- Isolation levels, each alone
SELECT test.login('alice') AS g1 \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT test.refresh(:'g1') AS g2 \gset
COMMIT;
SELECT is(test.error_of(:'g2'), 'ok', 'a refresh at REPEATABLE READ succeeds');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT test.refresh(:'g2') AS g3 \gset
SELECT is(test.refresh(:'g2') ->> 'refresh_token', :'g3'::jsonb ->> 'refresh_token', 'a parent at SERIALIZABLE gives the same child');
COMMIT;
SELECT is(test.error_of(:'g3'), 'ok', 'a refresh at SERIALIZABLE succeeds'),
	   is(test.access(:'g3'), NULL, 'the access token of a refresh at SERIALIZABLE is valid');
SELECT test.age_rotation(:'g3', '11 s');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'a replay at REPEATABLE READ is denied');
COMMIT;
SELECT is(test.access(:'g3'), '28J02', 'a replay at REPEATABLE READ ends the session');

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
SELECT is(n_tup_upd - :updates, 202::bigint, '202 refreshes are 202 updates'),
	   cmp_ok(n_tup_hot_upd - :hot, '>=', 190::bigint, 'nearly all updates of refreshes are HOT'),
	   is(n_tup_ins - :inserts, 0::bigint, 'refreshes insert no row')
FROM pg_stat_user_tables WHERE relid = 'jwt_auth.refresh_tokens'::regclass;
SELECT is((SELECT generation FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'g')), 203::bigint, 'the generation counts the refreshes'),
	   cmp_ok(pg_relation_size('jwt_auth.refresh_tokens'), '<=', 8 * 8192::bigint, 'refreshes do not let the table grow');

DROP ROLE regress_refresh_member, regress_refresh_new;
SELECT * FROM finish();
