-- Ending of sessions by tokens and by their users (T63, T64, T91,
-- T93): revoke, logout, the list of sessions, and what each does to access
-- tokens; nobody learns of, or ends, what is somebody else's.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 115 assertions
SELECT no_plan();
SELECT test.create_user('alice') AS alice, test.create_user('bob') AS bob \gset
CREATE FUNCTION test.act_as(answer jsonb) RETURNS void LANGUAGE sql VOLATILE AS
$$ SELECT set_config('jwt_auth.token', coalesce(answer ->> 'access_token', ''), false) $$;
CREATE FUNCTION test.refresh_token(answer jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT answer ->> 'refresh_token' $$;

-- Revoke, by a refresh token of any generation, or by an access token
SELECT test.login('alice') AS g1 \gset
SELECT test.login('alice') AS other \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.refresh(:'g2') AS g3 \gset
SELECT test.audit_count() AS events \gset
SELECT is(jwt_revoke(test.refresh_token(:'g3'))::text, '', 'revoke returns nothing');
SELECT is(test.access(:'g3'), '28J02', 'a revoked refresh token ends the access token of its refresh'),
	   is(test.access(:'g1'), '28J02', 'a revoked refresh token ends the access token of the login'),
	   is(test.error_of(test.refresh(:'g3')), 'invalid_grant', 'a revoked refresh token is denied'),
	   is(test.access(:'other'), NULL, 'revoking one session leaves the user''s other session alive');
SELECT set_eq(format('SELECT * FROM test.audit_since(%s) LIMIT 1', :'events'), $$VALUES ('session_revoked: token revoked'::text)$$, 'a revoked session is audited');
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.refresh(:'g2') AS g3 \gset
SELECT jwt_revoke(test.refresh_token(:'g1'));
SELECT is(test.access(:'g3'), '28J02', 'revoking the refresh token of generation 1 ends the whole session'),
	   is(test.revoke_reason(:'g3'), 'token revoked', 'revoking a refresh token of generation 1 is no replay');
SELECT test.login('alice') AS g1 \gset
SELECT jwt_revoke(:'g1'::jsonb ->> 'access_token');
SELECT is(test.access(:'g1'), '28J02', 'revoking an access token ends its session'),
	   is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'after an access token was revoked, its refresh token is denied');
SET jwt_auth.leeway = 0;
SET jwt_auth.access_token_ttl = 1;
SELECT test.login('alice') AS g1 \gset
RESET jwt_auth.access_token_ttl;
DO $$ BEGIN WHILE clock_timestamp() < statement_timestamp() + interval '1.01 s' LOOP PERFORM pg_sleep(0.01); END LOOP; END $$;
SELECT is(test.access(:'g1'), '28J01', 'an access token has expired after its second');
SELECT jwt_revoke(:'g1'::jsonb ->> 'access_token');
SELECT is(test.revoke_reason(:'g1'), 'token revoked', 'revoking an expired access token ends its session');
RESET jwt_auth.leeway;
SELECT test.login('alice') AS g1 \gset
SELECT jwt_rotate_refresh_key(), jwt_rotate_key();
SELECT jwt_revoke(test.refresh_token(:'g1'));
SELECT is(test.access(:'g1'), '28J02', 'revoking a refresh token whose keys were rotated ends its session');

-- Own tokens without session are denied by their jti
SELECT jwt_sign('{"x":1}') AS token, jwt_sign('{"x":2}') AS token2, jwt_sign(jsonb_build_object('jti', repeat('j', 5000))) AS long_jti \gset
SELECT jwt_revoke(:'token'), jwt_revoke(:'long_jti');
SELECT is(test.verdict(:'token'), '28J02', 'a revoked token without session is denied'),
	   is(test.verdict(:'token2'), NULL, 'revoking one token without session leaves another valid'),
	   is(test.verdict(:'long_jti'), '28J02', 'a revoked token with a jti of 5000 bytes is denied');
SELECT is((SELECT max(length(jti)) < 300 AND bool_and(expires_at > now() + interval '15 min') FROM jwt_auth.revoked_tokens), true, 'denials of tokens are short, and last as long as the tokens');
SELECT cmp_ok((SELECT expires_at FROM jwt_auth.revoked_tokens WHERE jti = c ->> 'jti'), '>', to_timestamp((c ->> 'exp')::bigint) + interval '30 s', 'the denial of a token outlives the leeway')
FROM (SELECT (jwt_decode(:'token')).claims AS c) AS t;
SELECT (SELECT count(*) FROM jwt_auth.revoked_tokens) AS denied, test.audit_count() AS events \gset
SELECT jwt_sign(jsonb_build_object('exp', test.seconds(-40))) AS ended \gset
SELECT is(test.verdict(:'ended'), '28J01', 'a token that ended 40 s ago has expired');
SELECT jwt_revoke(:'ended');
SELECT is((SELECT count(*) FROM jwt_auth.revoked_tokens), :'denied', 'revoking an expired token adds no denial'),
	   is(test.audit_count(), :'events', 'revoking an expired token is not audited');
BEGIN;
SELECT jwt_revoke(:'token2');
SELECT is(test.verdict(:'token2'), '28J02', 'a revoked token is denied in the transaction that revokes it');
ROLLBACK;
SELECT is(test.verdict(:'token2'), NULL, 'when a revocation is rolled back, the token is valid');

-- Unknown tokens are no error, and change nothing (T63)
SELECT test.login('alice') AS g1 \gset
SELECT test.audit_count() AS events, (SELECT count(*) FROM jwt_auth.revoked_tokens) AS denied \gset
SELECT jwt_trust_issuer('https://them.example', jwk_public(jwk_from_pem(jwk_to_pem(test.key('P-256')), 'ES256', 'p')), 'api');
SELECT test.audit_count() AS events \gset
SELECT jwt_sign_with(jsonb_build_object('iss', 'https://them.example', 'aud', 'api', 'exp', test.seconds(600), 'jti', 'theirs', 'sub', :'alice',
					 'sid', test.session_of(:'g1')), test.key('P-256', 'ES256') || '{"kid":"p"}') AS theirs \gset
SELECT is(test.sqlstate_of(format('SELECT jwt_revoke(%L)', token)), NULL, 'no error: ' || what)
FROM (SELECT test.refresh_token(:'g1') AS r, :'g1'::jsonb ->> 'access_token' AS a) AS t, LATERAL (VALUES
	('', 'empty'), ('x', 'a letter'), ('a.b.c', 'three segments'), ('jar_', 'a prefix'), (left(r, -1), 'a short refresh token'), (test.tampered(r), 'a wrong MAC'),
	(upper(r), 'upper case'), (left(a, -1), 'a short access token'), (test.tampered(a), 'a wrong signature'), ('Basic ' || a, 'with another scheme'),
	(jwt_sign_with(jsonb_build_object('exp', test.seconds(600), 'sid', test.session_of(:'g1')), jwk_generate('ES256', 'e1')), 'a forged one'),
	(:'theirs', 'another issuer''s'), (repeat('x', 20000), 'long'), (test.hs256('{"alg":"none","kid":"e1"}', '{}'), 'alg none')) AS v (token, what);
SELECT test.raises('SELECT jwt_revoke(NULL)', '28J00', 'revoking NULL raises an error');
SELECT is(test.access(:'g1'), NULL, 'unknown tokens that are revoked leave the session alive'),
	   is(test.audit_count(), :'events', 'unknown tokens that are revoked are not audited'),
	   is((SELECT count(*) FROM jwt_auth.revoked_tokens), :'denied', 'unknown tokens that are revoked add no denial'),
	   is(test.verdict(:'theirs'), NULL, 'the token of another issuer cannot be revoked here');
SELECT jwt_revoke(test.refresh_token(:'g1'));
SELECT test.audit_count() AS events \gset
SELECT jwt_revoke(test.refresh_token(:'g1'));
SELECT is(test.audit_count(), :'events', 'revoking a token twice is audited once');

-- Own sessions: listed, the latest first
SELECT jwt_end_sessions(:'alice');
SELECT test.login('bob') AS bobs \gset
SELECT set_config('request.headers', '{"user-agent":"first agent","x-forwarded-for":"192.0.2.1, 10.0.0.1"}', false);
SELECT test.login('alice') AS a1 \gset
SELECT set_config('request.headers', '', false);
SELECT test.login('alice') AS a2 \gset
SELECT test.login('alice') AS a3 \gset
SELECT test.refresh(:'a1') AS a1 \gset
SELECT test.act_as(:'a2');
SELECT is((SELECT array_agg(session_id ORDER BY n) FROM jwt_sessions() WITH ORDINALITY AS s (session_id, c, r, e, u, a, x, i, n)),
		  ARRAY[test.session_of(:'a1'), test.session_of(:'a3'), test.session_of(:'a2')], 'the session that was refreshed last is listed first'),
	   is((SELECT array_agg(session_id) FROM jwt_sessions() WHERE is_current), ARRAY[test.session_of(:'a2')], 'exactly the session of the caller''s token is the current one'),
	   is((SELECT (user_agent, client_address, claimed_address, refreshed_at > created_at, expires_at - refreshed_at)::text FROM jwt_sessions() WHERE session_id = test.session_of(:'a1')),
		  '("first agent",,"192.0.2.1, 10.0.0.1",t,"7 days")', 'the list shows agent, addresses and idle limit of a session'),
	   is((SELECT count(*) FROM jwt_sessions() WHERE session_id = test.session_of(:'bobs')), 0::bigint, 'the list shows no session of another user');
SET TimeZone = 'America/New_York';
SELECT is((SELECT string_agg(DISTINCT extract(epoch FROM expires_at - refreshed_at)::text, ',') FROM jwt_sessions()), '604800.000000', 'the idle limit of listed sessions is in seconds, whatever the TimeZone');
RESET TimeZone;
SET jwt_auth.session_idle_timeout = '60 d';
SELECT is((SELECT bool_and(expires_at = created_at + interval '720 h') FROM jwt_sessions() WHERE NOT is_current), true, 'where the absolute limit is nearer, listed sessions end with it');
RESET jwt_auth.session_idle_timeout;
SELECT test.age_rotation(:'a3', '8 d');
SELECT is((SELECT count(*) FROM jwt_sessions()), 2::bigint, 'an idle session is not listed');
UPDATE jwt_auth.sessions SET expires_at = now() WHERE id = test.session_of(:'a1');
SELECT is((SELECT count(*) FROM jwt_sessions()), 1::bigint, 'an expired session is not listed');

-- Ended one by one; somebody else's is as unknown as nobody's (T64)
SELECT test.login('alice') AS a1 \gset
SELECT test.audit_count() AS events \gset
SELECT is(test.sqlstate_of(format('SELECT jwt_revoke_session(%L)', id)), NULL, 'no error: ' || what)
FROM (VALUES (test.session_of(:'bobs'), 'somebody else''s'), (gen_random_uuid(), 'nobody''s'), ('00000000-0000-0000-0000-000000000000', 'zero')) AS v (id, what);
SELECT test.raises('SELECT jwt_revoke_session(NULL)', '22023', 'revoking the session NULL raises an error');
SELECT is(test.access(:'bobs'), NULL, 'a user cannot revoke the session of another'),
	   is(test.audit_count(), :'events', 'revoking foreign and unknown sessions is not audited');
SELECT jwt_revoke_session(test.session_of(:'a1'));
SELECT is(test.access(:'a1'), '28J02', 'a user can revoke an own session'),
	   is(test.error_of(test.refresh(:'a1')), 'invalid_grant', 'after a user revoked an own session, its refresh token is denied'),
	   is(test.access(:'a2'), NULL, 'revoking another own session leaves the current one alive'),
	   is(test.revoke_reason(:'a1'), 'ended by user', 'a session that its user revoked has the reason "ended by user"');
SELECT jwt_revoke_session(test.session_of(:'a2'));
SELECT test.raises('SELECT jwt_revoke_session(gen_random_uuid())', '28J02', 'after revoking the current session, the caller has no identity');

-- Logout
CREATE FUNCTION pg_temp.three() RETURNS TABLE (a jsonb, b jsonb, c jsonb) LANGUAGE sql VOLATILE AS
$$ SELECT test.login('alice'), test.login('alice'), test.login('alice') $$;
SELECT * FROM pg_temp.three() \gset
SELECT test.act_as(:'a');
SELECT jwt_logout();
SELECT is(test.access(:'a'), '28J02', 'a local logout ends this session'),
	   is(test.error_of(test.refresh(:'a')), 'invalid_grant', 'after a local logout, the refresh token is denied'),
	   is(test.access(:'b'), NULL, 'a local logout leaves the user''s other sessions alive');
SELECT test.raises('SELECT jwt_logout()', '28J02', 'a local logout after a local logout is refused'),
	   test.raises('SELECT jwt_logout(''global'')', '28J02', 'a global logout after a local logout is refused');
SELECT test.act_as(:'b');
SELECT jwt_logout('others');
SELECT is(test.access(:'b'), NULL, 'logging out the others leaves this session alive'),
	   is(test.access(:'c'), '28J02', 'logging out the others ends another session of the user'),
	   is(test.access(:'bobs'), NULL, 'logging out the others leaves sessions of other users alive');
SELECT test.login('alice') AS c \gset
SELECT jwt_logout('global');
SELECT is(test.access(:'b'), '28J02', 'a global logout ends this session'),
	   is(test.access(:'c'), '28J02', 'a global logout ends the user''s other sessions'),
	   is(test.access(:'bobs'), NULL, 'a global logout leaves sessions of other users alive');
SELECT * FROM pg_temp.three() \gset
SELECT test.act_as(:'a');
SELECT test.raises(format('SELECT jwt_logout(%L)', scope), '22023', format('scope %L', scope)) FROM unnest('{NULL,"",all,LOCAL,"local "}'::text[]) AS scope;
BEGIN;
SELECT jwt_logout();
SELECT is(test.access(:'a'), '28J02', 'a logout ends the session within its transaction');
ROLLBACK;
SELECT is(test.access(:'a'), NULL, 'when a logout is rolled back, the access token is valid'),
	   is(test.error_of(test.refresh(:'a')), 'ok', 'when a logout is rolled back, the refresh token is accepted');
-- by a token without session
SELECT jwt_sign(jsonb_build_object('sub', :'alice')) AS machine \gset
SELECT set_config('jwt_auth.token', :'machine', false);
SELECT is((SELECT count(*) FROM jwt_sessions() WHERE is_current), 0::bigint, 'with a token without session, no listed session is current'),
	   is((SELECT count(*) FROM jwt_sessions()), 3::bigint, 'with a token without session, the user''s sessions are listed');
SELECT jwt_logout();
SELECT is(test.verdict(:'machine'), '28J02', 'a logout with a token without session denies that token'),
	   is(test.access(:'b'), NULL, 'a logout with a token without session ends no session');

-- Who is nobody here (T91)
SELECT test.session_of(:'a') AS session \gset
CREATE FUNCTION pg_temp.state_as(token text, call text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('jwt_auth.token', token, true); RETURN test.sqlstate_of('SELECT public.' || call); END $$;
SELECT is(pg_temp.state_as(token, call), state, what || ': ' || call)
FROM (VALUES ('', '28J03', 'no token'), (:'theirs', '28J03', 'another issuer''s token with our user and session'), (jwt_sign('{}'), '28J03', 'no sub'),
			 (jwt_sign('{"sub":"service"}'), '28J03', 'a sub that is no user'), ('x.y.z', '28J00', 'a bad token')) AS v (token, state, what),
	 unnest('{jwt_logout(),jwt_logout(''global''),jwt_sessions(),jwt_revoke_session(gen_random_uuid()),"jwt_change_password(''x'', ''y'')"}'::text[]) AS call;
SELECT is(test.access(:'b'), NULL, 'callers without identity here end no session');

-- Without revocation checks the functions that end sessions say so
SET jwt_auth.check_revocation = off;
SELECT is(test.access(:'c'), NULL, 'with check_revocation off, an ended session''s access token is valid');
SELECT jwt_revoke(test.refresh_token(:'c'));
SELECT is(test.access(:'c'), NULL, 'with check_revocation off, revoking leaves the access token valid'),
	   is(test.error_of(test.refresh(:'c')), 'invalid_grant', 'with check_revocation off, a revoked refresh token is denied');
RESET jwt_auth.check_revocation;
SELECT is(test.access(:'c'), '28J02', 'with check_revocation on again, the access token is refused');

SELECT * FROM finish();
