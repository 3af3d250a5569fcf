-- Acting as a user (T171, T172): an admin gets one access token that says who acts, without
-- refresh token and of level 1; the user is told, sees the session and can end it; how
-- the user logs in stays out of reach, and nobody acts on from there.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/providers.psql
-- At least 117 assertions
SELECT no_plan();
SET jwt_auth.webauthn_rp_id = 'example.org';
SET jwt_auth.webauthn_origins = 'https://example.org';
CREATE ROLE regress_acting_caller;
SELECT jwt_create_user('alice', test.password(), claims => '{"tenant":"t1"}', email => 'alice@mail.example') AS alice, test.create_user('bob') AS bob,
	   format('role:%s', session_user) AS me \gset
SELECT test.add_idp();
CREATE FUNCTION test.be(answer jsonb) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('jwt_auth.token', coalesce(answer ->> 'access_token', ''), false); END $$;
CREATE FUNCTION test.last_impersonation() RETURNS jwt_auth.audit_log LANGUAGE sql VOLATILE AS
$$ SELECT * FROM jwt_auth.audit_log WHERE event = 'impersonated' ORDER BY at DESC, id DESC LIMIT 1 $$;

-- What is refused, and begins nothing
SELECT test.audit_count() AS audited \gset
SELECT test.raises(format('SELECT jwt_impersonate(%s)', arguments), '22023', 'acting is refused: ' || what)
FROM (VALUES ('NULL, ''why''', 'as nobody'), ('gen_random_uuid(), ''why''', 'as an unknown user'), (format('%L, NULL', :'alice'), 'without a reason'),
	(format('%L, ''''', :'alice'), 'for an empty reason'), (format('%L, repeat(''x'', 1025)', :'alice'), 'for a reason that is too long'),
	(format('%L, ''why'', ''0 s''', :'alice'), 'for no time'), (format('%L, ''why'', ''-1 h''', :'alice'), 'for a negative time'),
	(format('%L, ''why'', ''25 h''', :'alice'), 'for longer than any token lives')) AS v (arguments, what);
SET ROLE regress_acting_caller;
SELECT test.raises(format('SELECT jwt_impersonate(%L, ''why'')', :'alice'), '42501', 'a role without rights cannot act as a user');
RESET ROLE;
BEGIN READ ONLY;
SELECT test.raises(format('SELECT jwt_impersonate(%L, ''why'')', :'alice'), '25006', 'a read-only transaction cannot begin to act as a user');
ROLLBACK;
SELECT jwt_disable_user(:'bob');
SELECT is(jwt_impersonate(:'bob', 'why'), '{"error":"invalid_grant","error_description":"the user is disabled"}', 'nobody acts as a disabled user');
SELECT jwt_enable_user(:'bob');
SELECT jwt_ban_user(:'bob');
SELECT is(jwt_impersonate(:'bob', 'why') ->> 'error', 'invalid_grant', 'nobody acts as a banned user');
SELECT jwt_unban_user(:'bob');
SELECT is((SELECT count(*) FROM jwt_auth.sessions), 0::bigint, 'what is refused begins no session'),
	   is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'impersonated'), 0::bigint, 'what is refused is not audited as done');
BEGIN;
SELECT jwt_impersonate(:'alice', 'why') AS undone \gset
ROLLBACK;
SELECT is(test.access(:'undone'), '28J00', 'when the transaction is rolled back, the token is refused');

-- Begun by a role of the database
SELECT test.login('alice') AS own \gset
SELECT count(*) AS unused FROM jwt_outbox_claim(100) \gset
SELECT jwt_impersonate(:'alice', 'ticket 4711') AS acting \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'acting') AS k), '{access_token,expires_in,token_type}', 'the answer has no refresh token'),
	   is(:'acting'::jsonb -> 'expires_in', '900', 'acting lasts for a quarter of an hour'),
	   is(test.claims_of(:'acting') - '{iat,exp,jti,sid}'::text[], jsonb_build_object('sub', :'alice', 'tenant', 't1', 'aal', 1, 'acr', 'aal1', 'auth_time', 0, 'act', jsonb_build_object('sub', :'me')), 'the token is the user''s, of level 1, and says who acts'),
	   is(test.access(:'acting'), NULL, 'the token is valid'),
	   is((SELECT count(*) FROM jwt_auth.refresh_tokens WHERE session_id = test.session_of(:'acting')), 0::bigint, 'the session cannot be refreshed');
SELECT is((SELECT expires_at - created_at FROM jwt_auth.sessions WHERE id = test.session_of(:'acting')), interval '15 min', 'the session ends with its token');
SELECT is((SELECT (reason, method, acting, user_id, session_id)::text FROM test.last_impersonation()), (SELECT ('ticket 4711', 'impersonated', :'me'::text, :'alice'::uuid, test.session_of(:'acting'))::text), 'the audit log says who acts as whom, and why');
SELECT is(array_agg(m ->> 'kind' || ' ' || (m ->> 'recipient')), '{impersonated alice@mail.example}', 'the user is told'),
	   is(array_agg((m -> 'data' ->> 'until')::timestamptz), (SELECT array_agg(expires_at) FROM jwt_auth.sessions WHERE id = test.session_of(:'acting')), 'the notice says until when, and not why')
FROM jsonb_array_elements(jwt_outbox_claim(100)) AS m;
SELECT is(jwt_impersonate(:'alice', 'why', '1 h') -> 'expires_in', '3600', 'acting lasts as long as is asked for');

-- Who it is
SELECT test.be(:'acting');
SELECT is(jwt_user_id(), :'alice', 'whoever acts is the user'),
	   is(jwt_actor(), :'me', 'jwt_actor() tells who acts'),
	   is(jwt_aal(), 1, 'whoever acts has level 1'),
	   is(jwt_has_aal(1), true, 'whoever acts has what needs level 1'),
	   is(jwt_has_aal(1, '1 year'), false, 'whoever acts has nothing that needs a recent authentication'),
	   is(jwt_amr(), '{}', 'whoever acts has shown no proof') FROM (VALUES (1)) AS v;
SELECT is((SELECT string_agg(DISTINCT format('%s %s', method, actor), ',') FROM jwt_sessions() WHERE is_current), format('impersonated %s', :'me'), 'the list of sessions shows that of whoever acts');
SELECT test.be(:'own');
SELECT is(jwt_actor(), NULL, 'the user acts without actor'),
	   is((SELECT count(*) FROM jwt_sessions() WHERE actor = :'me'), 2::bigint, 'the user sees the sessions of whoever acts'),
	   is((SELECT array_agg(method) FROM jwt_sessions() WHERE actor IS NULL), '{password}', 'and the user''s own');
SELECT test.be(NULL);
SELECT is(jwt_actor(), NULL, 'without a token, nobody acts');
SELECT is(test.sqlstate_of('SET LOCAL jwt_auth.token = ''x''; SELECT jwt_actor()'), '28J00', 'jwt_actor() refuses a bad token');
SELECT is(test.sqlstate_of(format('SET LOCAL jwt_auth.token = %L; SELECT jwt_require_aal(1, ''1 year'')', :'acting'::jsonb ->> 'access_token')), '28J04', 'what requires a recent authentication is refused');

-- What changes how to log in
SELECT test.be(:'acting');
SELECT is(test.sqlstate_of('SELECT ' || call), '42501', 'whoever acts cannot call ' || call)
FROM unnest(ARRAY[format('jwt_change_password(%L, ''another horse battery'')', test.password()), 'jwt_add_identifier(''eve@mail.example'')',
	'jwt_confirm_identifier(''jat_x'', ''jaf_x'')', 'jwt_remove_identifier(''alice'')', 'jwt_enroll_totp()', 'jwt_confirm_totp(gen_random_uuid(), ''123456'')',
	'jwt_remove_factor(gen_random_uuid())', 'jwt_make_recovery_codes()', 'jwt_step_up()', 'jwt_passkey_register_options()', 'jwt_passkey_register(''{}'')',
	format('jwt_link_external(''idp'', %L)', test.id_token()), 'jwt_unlink_external(''idp'', ''s'')', format('jwt_impersonate(%L, ''why'')', :'bob'),
	format('jwt_start_session(%L)', :'bob'), format('jwt_start_session(%L, ''{mfa}'')', :'alice'), 'jwt_create_api_token(''x'', '''', ''1 h'')',
	'jwt_revoke_api_token(gen_random_uuid())', 'jwt_logout(''others'')', 'jwt_logout(''global'')', format('jwt_revoke_session(%L)', test.session_of(:'own'))]) AS call;
SELECT is(test.access(:'own'), NULL, 'the user''s session goes on');
SELECT is(test.error_of(test.login('alice')), 'ok', 'the password is as it was'),
	   is((SELECT count(*) FROM jwt_auth.factors) + (SELECT count(*) FROM jwt_auth.identities), 0::bigint, 'nothing was added'),
	   is(jwt_refresh(:'acting'::jsonb ->> 'access_token') ->> 'error', 'invalid_grant', 'the access token does not refresh');
SELECT test.audit_count() AS audited \gset
SELECT jwt_logout();
SELECT is((SELECT string_agg(format('%s %s', event, acting), ',') FROM (SELECT * FROM jwt_auth.audit_log ORDER BY at, id OFFSET :audited) AS a), format('session_revoked %s', :'me'), 'what is done while acting is audited with who acts');
SELECT is(test.error_of(jwt_start_session(:'bob')), 'ok', 'a token that has ended hinders no session that the application begins');
SELECT test.be(NULL);
SELECT is(test.access(:'acting'), '28J02', 'whoever acts can end that'),
	   is(test.access(:'own'), NULL, 'which leaves the user''s own session');
SELECT test.audit_count() AS audited \gset
SELECT test.error_of(test.login('alice')) AS unused \gset
SELECT is((SELECT string_agg(format('%s %s %s', event, method, acting), ',') FROM (SELECT * FROM jwt_auth.audit_log ORDER BY at, id OFFSET :audited) AS a), 'login password ', 'a login afterwards is the user''s');

-- Begun by a user
SELECT test.login('bob') AS bobs \gset
SELECT test.be(:'bobs');
SELECT jwt_impersonate(:'alice', 'why') AS acting \gset
SELECT is(test.claims_of(:'acting') -> 'act', jsonb_build_object('sub', :'bob'), 'an identity acts by its sub');
SELECT test.be(:'acting');
SELECT is(jwt_actor(), :'bob', 'jwt_actor() is the id of the user who acts');
SELECT is(test.sqlstate_of(format('SELECT jwt_impersonate(%L, ''why'')', :'bob')), '42501', 'whoever acts cannot act on');
SELECT test.be(:'own');
SELECT jwt_revoke_session(test.session_of(:'acting'));
SELECT is(test.access(:'acting'), '28J02', 'the user ends the session of whoever acts');
SELECT test.be(NULL);

-- What ends the sessions of a user ends those in which that user acts, and no others
CREATE FUNCTION test.act_as(who jsonb, user_id uuid) RETURNS jsonb LANGUAGE plpgsql AS
$$ DECLARE answer jsonb; BEGIN PERFORM test.be(who); answer := public.jwt_impersonate(user_id, 'why'); PERFORM test.be(NULL); RETURN answer; END $$;
SELECT test.create_user('staff' || n) FROM generate_series(1, 8) AS n;
SELECT test.act_as(test.login('bob'), :'alice') AS bobs, jwt_impersonate(:'alice', 'why') AS roles \gset
SELECT test.login('staff8') AS current \gset
CREATE TEMP TABLE ends (n integer, statement text, token jsonb);
INSERT INTO ends SELECT n, statement, test.act_as(test.login('staff' || n), :'alice')
FROM (VALUES (1, 'SELECT jwt_ban_user(%L)'), (2, 'SELECT jwt_disable_user(%L)'), (3, 'SELECT jwt_delete_user(%L)'), (4, 'SELECT jwt_set_password(%L, ''another horse battery staple'')'),
	(5, 'SELECT jwt_end_sessions(%L)'), (6, 'UPDATE jwt_auth.users SET disabled_at = now() WHERE id = %L'), (7, 'DELETE FROM jwt_auth.users WHERE id = %L')) AS v (n, statement);
INSERT INTO ends SELECT 8, 'SELECT test.be(NULL)', test.act_as(:'current', :'alice');
SELECT is(test.access(token), NULL, 'while its user may, a session acts: ' || statement) FROM ends;
SELECT lives_ok(format(statement, test.user_id('staff' || n)), 'it ends the sessions of the user: ' || statement) FROM ends;
SELECT is(test.access(token), '28J02', 'and those in which that user acts: ' || statement) FROM ends WHERE n < 8;
SELECT is(test.access(token), NULL, 'another user acts on') FROM ends WHERE n = 8;
SELECT test.be(:'current');
SELECT jwt_logout('others');
SELECT test.be(NULL);
SELECT is(test.access(token), '28J02', 'logging out elsewhere ends acting') FROM ends WHERE n = 8;
SELECT is(test.access(:'current'), NULL, 'and leaves the session that logs out');
SELECT is(test.access(:'bobs'), NULL, 'a user whose sessions nobody ended acts on'),
	   is(test.access(:'roles'), NULL, 'and so does a role');
SELECT test.login('bob') AS current \gset
SELECT test.be(:'current');
SELECT jwt_disable_user(:'bob');
SELECT is(test.sqlstate_of(format('SELECT jwt_impersonate(%L, ''why'')', :'alice')), '28J02', 'who was disabled acts no more');
SELECT test.be(NULL);
SELECT jwt_enable_user(:'bob');
SELECT set_config('jwt_auth.token', jwt_sign(jsonb_build_object('sub', gen_random_uuid())), false) AS unused \gset
SELECT is(test.sqlstate_of(format('SELECT jwt_impersonate(%L, ''why'')', :'alice')), '28J03', 'nobody acts who is no user');
SELECT test.create_user('mia') AS mia \gset
SELECT set_config('jwt_auth.token', jwt_sign(jsonb_build_object('sub', :'mia')), false) AS unused \gset
SELECT is(test.claims_of(jwt_impersonate(:'alice', 'why')) -> 'act' ->> 'sub', :'mia', 'a user acts by a token without session, too'),
	   is(test.claims_of(jwt_impersonate(:'mia', 'why')) -> 'act' ->> 'sub', :'mia', 'also as the same');
SELECT test.be(NULL);

-- Another issuer's identity, and one that has no sub
SELECT jwk_generate('ES256', 'k') AS pair \gset
SELECT jwt_trust_issuer('https://staff.example', jwk_public(:'pair'), 'api');
SELECT set_config('jwt_auth.token', jwt_sign_with(jsonb_build_object('iss', 'https://staff.example', 'aud', 'api', 'sub', 'eve', 'act', '{"sub":"x"}'::jsonb, 'exp', test.seconds(300)), :'pair'), false) AS unused \gset
SELECT is(jwt_actor(), NULL, 'what another issuer says of its actors is its own');
SELECT is(test.claims_of(jwt_impersonate(:'alice', 'why')) -> 'act' ->> 'sub', 'https://staff.example eve', 'another issuer''s identity acts by issuer and sub');
SELECT set_config('jwt_auth.token', jwt_sign_with(jsonb_build_object('iss', 'https://staff.example', 'aud', 'api', 'exp', test.seconds(300)), :'pair'), false) AS unused \gset
SELECT is(test.sqlstate_of(format('SELECT jwt_impersonate(%L, ''why'')', :'alice')), '28J03', 'an identity that nobody is acts as nobody');
SELECT test.be(NULL);

-- A claim act of any other form denies, too
SELECT is(test.sqlstate_of(format('SET LOCAL jwt_auth.token = %L; SELECT jwt_change_password(''x'', ''y'')', jwt_sign(jsonb_build_object('sub', :'alice', 'act', act)))), '42501', format('with the claim act %s, nothing changes how to log in', act))
FROM unnest('{"{}","null","\"x\"","[]","{\"sub\":1}"}'::jsonb[]) AS act;

-- Beside the user's sessions
SET jwt_auth.max_sessions_per_user = 1;
SELECT test.login('alice') AS own \gset
SELECT jwt_impersonate(:'alice', 'why') AS acting \gset
SELECT is(test.access(:'own'), NULL, 'acting takes no session of the user''s');
SELECT test.login('alice') AS next \gset
SELECT is(test.access(:'acting'), NULL, 'the user''s next login does not end that of whoever acts'),
	   is(test.access(:'own'), '28J02', 'but the user''s own');
RESET jwt_auth.max_sessions_per_user;
SELECT jwt_ban_user(:'alice');
SELECT is(test.access(:'acting'), '28J02', 'a ban ends acting as the user');
SELECT jwt_unban_user(:'alice');
SELECT jwt_impersonate(:'alice', 'why', '1 min') AS acting \gset
UPDATE jwt_auth.sessions SET expires_at = now() WHERE id = test.session_of(:'acting');
SELECT is(test.access(:'acting'), '28J02', 'a session that has reached its end is over');
SET jwt_auth.notices = 'none';
SELECT count(*) AS messages FROM jwt_auth.outbox \gset
SELECT jwt_impersonate(:'alice', 'why') IS NULL AS unused \gset
SELECT is((SELECT count(*) FROM jwt_auth.outbox), :'messages'::bigint, 'where notices are turned off, none is sent');

DROP OWNED BY regress_acting_caller;
DROP ROLE regress_acting_caller;
SELECT * FROM finish();
