-- Anonymous users (T169, T170, T171): off by default; they have a session and nothing else;
-- who signs up with such an identity keeps the id, if the address is proven in the same
-- browser and nobody's; a purge deletes those whose session is gone, however old the others.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/providers.psql
-- At least 84 assertions
SELECT no_plan();
SET jwt_auth.webauthn_rp_id = 'example.org';
SET jwt_auth.webauthn_origins = 'https://example.org';
CREATE ROLE regress_anonymous_caller;
CREATE ROLE regress_anonymous_role;
CREATE ROLE regress_anonymous_super SUPERUSER;
SELECT test.add_idp('{"sign_up":true}');
CREATE FUNCTION test.be(answer jsonb) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('jwt_auth.token', coalesce(answer ->> 'access_token', ''), false); END $$;
CREATE FUNCTION test.sub_of(answer jsonb) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT (test.claims_of(answer) ->> 'sub')::uuid $$;
-- Signs up as who one is, and returns the flow with link and code
CREATE FUNCTION test.ask(identifier text, password text DEFAULT test.password()) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	answer jsonb;
BEGIN
	DELETE FROM jwt_auth.login_throttle;
	PERFORM public.jwt_outbox_claim(100);
	answer = public.jwt_sign_up(identifier, password);
	RETURN answer || coalesce((SELECT m FROM jsonb_array_elements(public.jwt_outbox_claim(100)) AS m), '{}');
END
$$;

-- Off, and what is refused
SELECT test.raises('SELECT jwt_sign_up_anonymous()', '55000', 'anonymous sign-up is off by default');
SET jwt_auth.sign_up = on;
SELECT test.raises('SELECT jwt_sign_up_anonymous()', '55000', 'sign-up of others does not turn it on');
SET jwt_auth.anonymous_sign_up = on;
SELECT test.raises(format('SELECT jwt_sign_up_anonymous(%L)', data), '22023', 'data is refused: ' || what)
FROM (VALUES (NULL, 'NULL'), ('[]', 'an array'), ('"x"', 'a string'), (jsonb_build_object('x', repeat('x', 9000))::text, 'more than 8 kB')) AS v (data, what);
SET ROLE regress_anonymous_caller;
SELECT test.raises('SELECT jwt_sign_up_anonymous()', '42501', 'a role without rights cannot sign up anonymously');
RESET ROLE;
BEGIN READ ONLY;
SELECT test.raises('SELECT jwt_sign_up_anonymous()', '25006', 'a read-only transaction cannot sign up anonymously');
ROLLBACK;
SET jwt_auth.anonymous_role = 'regress_anonymous_super';
SELECT test.raises('SELECT jwt_sign_up_anonymous()', '55000', 'a superuser is no role of anonymous users');
SET jwt_auth.anonymous_role = 'regress_anonymous_nobody';
SELECT test.raises('SELECT jwt_sign_up_anonymous()', '55000', 'an unknown role is no role of anonymous users');
RESET jwt_auth.anonymous_role;
BEGIN;
SELECT jwt_sign_up_anonymous() AS undone \gset
ROLLBACK;
SELECT is(test.access(:'undone'), '28J00', 'when the transaction is rolled back, the token is refused'),
	   is((SELECT count(*) FROM jwt_auth.users), 0::bigint, 'what is refused or undone makes no user');

-- Signed up
SET jwt_auth.anonymous_role = 'regress_anonymous_role';
SET jwt_auth.mfa_enrollment = 'required';
SELECT jwt_sign_up_anonymous() AS anon \gset
RESET jwt_auth.mfa_enrollment;
SELECT test.sub_of(:'anon') AS id \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'anon') AS k), '{access_token,expires_in,refresh_expires_in,refresh_token,token_type}', 'the answer is that of any login'),
	   is(test.claims_of(:'anon') - '{iat,exp,jti,sid,sub,auth_time}'::text[], '{"anonymous":true,"role":"regress_anonymous_role","aal":1,"acr":"aal1"}', 'the token says that the user is anonymous'),
	   is(test.claims_of(test.refresh(:'anon')) -> 'anonymous', 'true', 'and so it does after a refresh'),
	   is((SELECT (username, password_hash, is_anonymous)::text FROM jwt_auth.users), '(,,t)', 'the user has neither name nor password'),
	   is((SELECT method FROM jwt_auth.sessions), 'anonymous', 'the session began anonymously');
SELECT is((SELECT string_agg(concat_ws(': ', event, reason), ', ' ORDER BY at, id) FROM jwt_auth.audit_log WHERE user_id = :'id'), 'signed_up: anonymous, login: anonymous', 'it is audited');
CREATE FUNCTION public.rule(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE sql AS
$$ SELECT CASE WHEN data ? 'bad' THEN '{"error":"not you"}' WHEN data ? 'wild' THEN '{"claims":{"anonymous":false}}' ELSE jsonb_build_object('claims', jsonb_build_object('seen', jsonb_build_array(kind, identifier, data))) END $$;
SET jwt_auth.sign_up_function = 'public.rule';
SELECT is(test.claims_of(jwt_sign_up_anonymous('{"a":1}')) -> 'seen', '["anonymous","",{"a":1}]', 'the operator''s function is told that the user is anonymous, and the data'),
	   is(jwt_sign_up_anonymous('{"bad":1}'), '{"error":"invalid_request","error_description":"not you"}', 'the operator''s function refuses'),
	   test.raises('SELECT jwt_sign_up_anonymous(''{"wild":1}'')', '38000', 'the operator''s function may not say who is anonymous');
RESET jwt_auth.sign_up_function;

-- Who it is
SELECT is(jwt_is_anonymous(), NULL, 'without a token, nobody is anonymous or not');
SELECT test.be(:'anon');
SELECT is(jwt_is_anonymous(), true, 'an anonymous user is told apart'),
	   is(jwt_user_id(), :'id', 'an anonymous user has an id');
SELECT is(test.sqlstate_of('SET LOCAL jwt_auth.token = ''x''; SELECT jwt_is_anonymous()'), '28J00', 'jwt_is_anonymous() refuses a bad token');
SELECT is(test.sqlstate_of('SELECT ' || call), '42501', 'an anonymous user cannot call ' || call)
FROM unnest(ARRAY['jwt_change_password(''x'', ''another horse battery'')', 'jwt_add_identifier(''eve@mail.example'')', 'jwt_confirm_identifier(''jat_x'', ''jaf_x'')',
	'jwt_remove_identifier(''x'')', 'jwt_enroll_totp()', 'jwt_confirm_totp(gen_random_uuid(), ''123456'')', 'jwt_remove_factor(gen_random_uuid())', 'jwt_make_recovery_codes()',
	'jwt_step_up()', 'jwt_create_api_token(''ci'', '''', ''1 day'')', 'jwt_passkey_register_options()', 'jwt_passkey_register(''{}'')', format('jwt_link_external(''idp'', %L)', test.id_token()), 'jwt_unlink_external(''idp'', ''s'')']) AS call;

SELECT test.be(NULL);
SELECT test.raises(format(call, :'id'), '22023', 'an admin gives an anonymous user no ' || what)
FROM (VALUES ('SELECT jwt_set_password(%L, ''another horse battery'')', 'password'), ('SELECT jwt_update_user(%L, ''anon'')', 'username'),
	('SELECT jwt_create_link(%L, ''recovery'')', 'link for a password'), ('SELECT jwt_create_link(%L, ''login'')', 'link to log in')) AS v (call, what);
SELECT is((SELECT (password_hash, username)::text FROM jwt_auth.users WHERE id = :'id'), '(,)', 'what is refused leaves the user as it was');
SELECT lives_ok(format('SELECT jwt_update_user(%L, claims => ''{"plan":"trial"}'')', :'id'), 'an admin gives an anonymous user claims');
SELECT test.be(:'anon');

-- Signs up: the code and the flow, in the same browser
SELECT test.ask('alice@mail.example') AS asked \gset
SELECT is(:'asked'::jsonb ->> 'kind', 'sign_up', 'an anonymous user who signs up is sent what everybody is');
SELECT is((SELECT count(*) FROM jwt_auth.users WHERE id = :'id' AND is_anonymous), 1::bigint, 'until the address is proven, the user stays anonymous'),
	   is(test.error_of(jwt_confirm_sign_up('12345678', :'asked'::jsonb ->> 'flow')), 'invalid_grant', 'a wrong code proves nothing');
SELECT test.be(NULL);
SELECT jwt_confirm_sign_up(:'asked'::jsonb ->> 'code', :'asked'::jsonb ->> 'flow') AS alice \gset
SELECT is(test.sub_of(:'alice'), :'id', 'who signs up keeps the id'),
	   is(test.claims_of(:'alice') ? 'anonymous', false, 'and is no longer anonymous'),
	   is(test.claims_of(test.refresh(:'alice')) ? 'anonymous', false, 'nor after a refresh'),
	   is(test.claims_of(:'alice') ? 'plan', false, 'claims of before are gone'),
	   is(test.claims_of(:'alice') ? 'role', false, 'the role is that of who signs up'),
	   is(test.sub_of(test.login('alice@mail.example')), :'id', 'and can log in'),
	   is(test.access(:'anon'), '28J02', 'the anonymous token is revoked'),
	   is(test.error_of(test.refresh(:'anon')), 'invalid_grant', 'and so is its session'),
	   is((SELECT method FROM jwt_auth.sessions WHERE id = test.session_of(:'alice')), 'sign_up', 'the new session began with a sign-up');
SELECT is((SELECT string_agg(event, ',' ORDER BY at, id) FROM jwt_auth.audit_log WHERE user_id = :'id' AND event IN ('anonymous_upgraded', 'signed_up')), 'signed_up,anonymous_upgraded,signed_up', 'which is audited');
-- Who is no longer anonymous signs up as somebody else
SELECT test.be(:'alice');
SELECT test.ask('second@mail.example') AS asked \gset
SELECT test.be(NULL);
SELECT jwt_confirm_sign_up(:'asked'::jsonb ->> 'code', :'asked'::jsonb ->> 'flow') AS second \gset
SELECT is(test.error_of(:'second'), 'ok', 'a user signs up once more'),
	   isnt(test.sub_of(:'second'), :'id', 'as another user');
SELECT test.be(:'alice');
SELECT is(jwt_is_anonymous(), false, 'whoever has signed up is not anonymous'),
	   is((SELECT count(*) FROM jsonb_array_elements(jwt_identifiers())), 1::bigint, 'and has an address');
SELECT test.be(NULL);
SELECT is(test.error_of(jwt_confirm_sign_up(:'asked'::jsonb ->> 'token', :'asked'::jsonb ->> 'flow')), 'invalid_grant', 'the link is good once');

-- Somebody else's address, and somebody else's browser
SELECT jwt_sign_up_anonymous() AS anon \gset
SELECT test.sub_of(:'anon') AS id \gset
SELECT test.be(:'anon');
SELECT test.ask('alice@mail.example') AS asked \gset
SELECT is(:'asked'::jsonb ->> 'kind', 'account_exists', 'whose address it is gets a message'),
	   is(:'asked'::jsonb ? 'token', false, 'without a link');
SELECT test.ask('victim@mail.example', 'the password of an attacker') AS asked \gset
SELECT test.be(NULL);
SELECT is(jwt_confirm_sign_up(:'asked'::jsonb ->> 'token') ->> 'error', 'password_required', 'the link alone asks for a password');
SELECT jwt_confirm_sign_up(:'asked'::jsonb ->> 'token', NULL, test.password()) AS victim \gset
SELECT isnt(test.sub_of(:'victim'), :'id', 'the link alone does not give its owner what somebody else began'),
	   is(test.access(:'anon'), NULL, 'and leaves the anonymous user'),
	   is((SELECT is_anonymous FROM jwt_auth.users WHERE id = :'id'), true, 'who stays anonymous');
SELECT test.be(:'anon');
SELECT test.ask('other@mail.example') AS asked \gset
SELECT test.be(NULL);
SELECT jwt_confirm_sign_up(:'asked'::jsonb ->> 'token', NULL, test.password()) AS other \gset
SELECT isnt(test.sub_of(:'other'), :'id', 'nor does the link with another password');
SELECT test.be(:'anon');
SELECT test.ask('taken@mail.example') AS asked \gset
SELECT test.be(NULL);
SELECT jwt_create_user(NULL, test.password(), email => 'taken@mail.example') AS taken \gset
SELECT is(test.error_of(jwt_confirm_sign_up(:'asked'::jsonb ->> 'code', :'asked'::jsonb ->> 'flow')), 'invalid_grant', 'an address that somebody has got meanwhile is theirs'),
	   is(test.access(:'anon'), NULL, 'and leaves the anonymous user as before');

-- Who may not become anybody
SELECT test.be(:'anon');
SELECT test.ask('banned@mail.example') AS asked \gset
SELECT test.be(NULL);
SELECT jwt_ban_user(:'id');
SELECT is(test.error_of(jwt_confirm_sign_up(:'asked'::jsonb ->> 'code', :'asked'::jsonb ->> 'flow')), 'invalid_grant', 'a banned user does not become another'),
	   is((SELECT count(*) FROM jwt_auth.identifiers WHERE value = 'banned@mail.example'), 0::bigint, 'and gets no address');
SELECT jwt_unban_user(:'id');
SELECT is(test.error_of(jwt_confirm_sign_up(:'asked'::jsonb ->> 'code', :'asked'::jsonb ->> 'flow')), 'invalid_grant', 'nor when the ban is over');
SELECT jwt_sign_up_anonymous() AS anon \gset
SELECT test.be(:'anon');
SELECT test.ask('disabled@mail.example') AS asked \gset
SELECT test.be(NULL);
SELECT jwt_disable_user(test.sub_of(:'anon'));
SELECT jwt_enable_user(test.sub_of(:'anon'));
SELECT is(test.error_of(jwt_confirm_sign_up(:'asked'::jsonb ->> 'code', :'asked'::jsonb ->> 'flow')), 'invalid_grant', 'nor does one who was disabled and enabled'),
	   is((SELECT count(*) FROM jwt_auth.users WHERE id = test.sub_of(:'anon') AND is_anonymous), 1::bigint, 'who stays anonymous');
SELECT jwt_sign_up_anonymous() AS anon \gset
SELECT test.sub_of(:'anon') AS id \gset
SELECT test.be(:'anon');
SELECT test.ask('twice@mail.example') AS first, test.ask('again@mail.example') AS second \gset
SELECT test.be(NULL);
SELECT jwt_impersonate(:'id', 'why') AS acting \gset
SELECT test.be(:'acting');
SELECT test.ask('staff@mail.example') AS staffed \gset
SELECT test.be(NULL);
SELECT isnt(test.sub_of(jwt_confirm_sign_up(:'staffed'::jsonb ->> 'code', :'staffed'::jsonb ->> 'flow')), :'id', 'whoever acts as an anonymous user makes another one');
SELECT is(test.sub_of(jwt_confirm_sign_up(:'first'::jsonb ->> 'code', :'first'::jsonb ->> 'flow')), :'id', 'of two sign-ups, the first that is confirmed counts');
SELECT is(test.error_of(jwt_confirm_sign_up(:'second'::jsonb ->> 'code', :'second'::jsonb ->> 'flow')), 'invalid_grant', 'and the second no more, since nobody is anonymous');
SELECT jwt_sign_up_anonymous() AS anon \gset
SELECT test.be(:'anon');
SELECT test.ask('gone@mail.example') AS asked \gset
SELECT test.be(NULL);
SELECT jwt_delete_user(test.sub_of(:'anon'));
SELECT is(test.error_of(jwt_confirm_sign_up(:'asked'::jsonb ->> 'code', :'asked'::jsonb ->> 'flow')), 'invalid_grant', 'a deleted user does not become another');

-- Purged by the session, not by age
SELECT jwt_sign_up_anonymous() AS live, jwt_sign_up_anonymous() AS idle \gset
SELECT count(*) AS known FROM jwt_auth.users WHERE NOT is_anonymous \gset
UPDATE jwt_auth.users SET created_at = now() - interval '1 year';
SELECT jwt_purge() AS unused \gset
SELECT is((SELECT count(*) FROM jwt_auth.users WHERE id = test.sub_of(:'idle')), 1::bigint, 'a purge leaves an old anonymous user who has a session');
UPDATE jwt_auth.sessions SET created_at = created_at - interval '10 days' WHERE id IN (test.session_of(:'idle'), test.session_of(:'live'));
SELECT test.age_rotation(:'idle', '10 days');
SELECT jwt_purge() AS unused \gset
SELECT is((SELECT count(*) FROM jwt_auth.users WHERE id = test.sub_of(:'idle')), 0::bigint, 'a purge deletes an anonymous user who has not refreshed for long'),
	   is((SELECT count(*) FROM jwt_auth.users WHERE id = test.sub_of(:'live')), 1::bigint, 'and not one who has'),
	   is((SELECT count(*) FROM jwt_auth.users WHERE NOT is_anonymous), :'known'::bigint, 'and nobody who is known'),
	   is(test.access(:'live'), NULL, 'the token of who is left is valid');

DROP OWNED BY regress_anonymous_caller, regress_anonymous_role, regress_anonymous_super;
DROP ROLE regress_anonymous_caller, regress_anonymous_role, regress_anonymous_super;
SELECT * FROM finish();
