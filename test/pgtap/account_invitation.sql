-- Invitations: an admin's word on role and claims, for the owner of an address
-- (T109, T110, T112, T114, T127).
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 178 assertions
SELECT no_plan();
CREATE ROLE regress_invited;
CREATE ROLE regress_other;
-- Invites, and claims the only message
CREATE FUNCTION test.invite(identifier text, role name DEFAULT NULL, claims jsonb DEFAULT '{}', expires_in interval DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	invitation uuid;
	message jsonb;
BEGIN
	PERFORM test.claim();
	invitation := public.jwt_invite(identifier, role, claims, expires_in);
	SELECT jsonb_build_object('invitation', invitation) || m INTO STRICT message FROM test.claim() AS m;
	RETURN message;
END
$$;
CREATE FUNCTION test.accept(token text, password text DEFAULT test.password()) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.error_of(public.jwt_accept_invitation(token, password)) $$;

-- What is written: no user
SELECT test.invite('Alice.Smith@Example.ORG', 'regress_invited', '{"tenant":"t1"}') AS m \gset
SELECT is((SELECT count(*) FROM jwt_auth.users), 0::bigint, 'an invitation creates no user'),
	   is((SELECT count(*) FROM jwt_auth.identifiers), 0::bigint, 'an invitation creates no identifier');
SELECT is(:'m'::jsonb - 'id' - 'invitation' - 'token' - 'created_at' - 'expires_at', '{"kind":"invitation","channel":"email","recipient":"Alice.Smith@example.org"}', 'the mailer claims an invitation with a link and no code'),
	   matches(:'m'::jsonb ->> 'token', '^jat_[A-Za-z0-9_-]{94}$', 'the message of an invitation has a token');
SELECT is(format('%s %s %s %s', user_id IS NULL, purpose, data -> 'role', data -> 'claims'), 't invitation "regress_invited" {"tenant": "t1"}', 'an invitation stores role and claims'),
	   is(id::text, :'m'::jsonb ->> 'invitation', 'jwt_invite returns the id of the invitation'),
	   is(expires_at - created_at, '7 days', 'an invitation is valid for a week') FROM jwt_auth.one_time_tokens;
SELECT is(count(*), 1::bigint, 'an invitation is audited') FROM jwt_auth.audit_log WHERE event = 'invited' AND name_hash IS NOT NULL;

-- Accepted once: a user of that address, with that role and those claims
SELECT jwt_accept_invitation(:'m'::jsonb ->> 'token', test.password()) AS session \gset
SELECT is(test.error_of(:'session'), 'ok', 'accepting an invitation starts a session'),
	   is(test.claims_of(:'session') - '{iat,exp,jti,sid,sub,aal,acr,amr,auth_time}'::text[], '{"role":"regress_invited","tenant":"t1"}', 'the session of an invitation has its role and claims'),
	   is(test.access(:'session'), NULL, 'the access token of an accepted invitation is valid'),
	   is(test.error_of(test.login('alice.smith@example.org')), 'ok', 'the password given at acceptance logs in');
SELECT is(array_agg(format('%s %s %s', kind, value, verified_at IS NOT NULL)), '{email Alice.Smith@Example.ORG t}', 'an accepted invitation verifies the address and adds no other identifier') FROM jwt_auth.identifiers;
SELECT is(count(*), 1::bigint, 'an accepted invitation is audited with user and session') FROM jwt_auth.audit_log WHERE event = 'invitation_accepted' AND user_id = (SELECT id FROM jwt_auth.users) AND session_id = test.session_of(:'session');
SELECT is(test.accept(:'m'::jsonb ->> 'token'), 'invalid_grant', 'an invitation is accepted once');
SELECT test.raises('SELECT jwt_invite(''ALICE.smith@example.org'')', '23505', 'an address that is taken is not invited'), test.raises('SELECT jwt_invite(''alice.smith@EXAMPLE.org'', ''regress_invited'')', '23505', 'an address that is taken is not invited in another spelling');
SELECT test.invite('+491701234567') AS m \gset
SELECT is(:'m'::jsonb ->> 'channel', 'phone', 'a phone number can be invited'),
	   is(test.accept(:'m'::jsonb ->> 'token', NULL), 'ok', 'an invitation is accepted without a password');
SELECT is(format('%s %s %s', password_hash, role, claims), '  {}', 'a user who accepted without a password has none') FROM jwt_auth.users WHERE id = jwt_find_user('+491701234567');
SELECT test.invite('bob@example.org') AS m \gset
SELECT is(test.accept(:'m'::jsonb ->> 'token', password), 'invalid_request', 'an invitation with a refused password is an invalid request: ' || password) FROM unnest('{"",short,passwordpassword,bob@example.org 1}'::text[]) AS password;
SELECT is(test.accept(:'m'::jsonb ->> 'token'), 'ok', 'a refused password does not consume the invitation');

-- Inviting again sends again; each link is good, for what was said last
SELECT test.invite('carol@example.org', 'regress_invited', '{"admin":true}') AS first, test.invite('Carol@EXAMPLE.org', 'regress_other') AS second \gset
SELECT isnt(:'first'::jsonb ->> 'token', :'second'::jsonb ->> 'token', 'a second invitation has another link'),
	   isnt(:'first'::jsonb ->> 'invitation', :'second'::jsonb ->> 'invitation', 'a second invitation has another id');
SELECT jwt_accept_invitation(:'first'::jsonb ->> 'token', test.password()) AS session \gset
SELECT is(test.claims_of(:'session') - '{iat,exp,jti,sid,sub,aal,acr,amr,auth_time}'::text[], '{"role":"regress_other"}', 'the link of an earlier invitation gives the role and claims of the latest'),
	   is(test.accept(:'second'::jsonb ->> 'token'), 'invalid_grant', 'accepting an invitation voids the others to the address');
SELECT test.invite('dan@example.org') FROM generate_series(1, 4);
SELECT is(count(*), 3::bigint, 'an address has at most three live invitations') FROM jwt_auth.one_time_tokens WHERE canonical = 'dan@example.org' AND consumed_at IS NULL;
SELECT is(jwt_request_recovery('dan@example.org') ->> 'status', 'sent', 'a recovery after four invitations is answered'),
	   is_empty('SELECT test.claim()', 'invitations count towards the limit of messages to an address');

-- Revoked, with all others to the address
SELECT test.invite('eve@example.org') AS first, test.invite('eve@example.org') AS second, test.invite('frank@example.org') AS other \gset
SELECT jwt_revoke_invitation((:'first'::jsonb ->> 'invitation')::uuid);
SELECT is(test.accept(m ->> 'token'), 'invalid_grant', 'a revoked invitation is denied') FROM unnest(ARRAY[:'first', :'second']::jsonb[]) AS m;
SELECT is(count(*), 1::bigint, 'revoking an invitation is audited') FROM jwt_auth.audit_log WHERE event = 'invitation_revoked';
SELECT is(count(*), 0::bigint, 'revoking an invitation leaves no pending data') FROM jwt_auth.one_time_tokens WHERE canonical = 'eve@example.org' AND data IS NOT NULL;
SELECT is(test.accept(:'other'::jsonb ->> 'token'), 'ok', 'revoking an invitation leaves those to other addresses');
SELECT test.invite('late@example.org') AS late \gset
UPDATE jwt_auth.one_time_tokens SET expires_at = now() WHERE canonical = 'late@example.org';
SELECT test.raises(format('SELECT jwt_revoke_invitation(%L)', id), '22023', 'jwt_revoke_invitation refuses: ' || what)
FROM (VALUES ('revoked', :'first'::jsonb ->> 'invitation'), ('accepted', :'other'::jsonb ->> 'invitation'), ('expired', :'late'::jsonb ->> 'invitation'), ('unknown', gen_random_uuid()::text), ('NULL', NULL)) AS v (what, id);
SELECT is(test.accept(:'late'::jsonb ->> 'token'), 'invalid_grant', 'an expired invitation is denied');
SELECT test.invite('sue@example.org') AS m \gset
SET jwt_auth.sign_up = on;
SELECT jwt_sign_up('sue@example.org', test.password()) IS NOT NULL AS asked \gset
RESET jwt_auth.sign_up;
SELECT test.raises(format('SELECT jwt_revoke_invitation(%L)', id), '22023', 'jwt_revoke_invitation refuses a sign-up to the same address') FROM jwt_auth.one_time_tokens WHERE purpose = 'sign_up' AND canonical = 'sue@example.org';
SELECT is(test.accept(:'m'::jsonb ->> 'token'), 'ok', 'which leaves the invitation');
SELECT test.invite('again@example.org') AS m \gset
SELECT jwt_revoke_invitation((:'m'::jsonb ->> 'invitation')::uuid);
UPDATE jwt_auth.outbox SET leased_until = now();
SELECT is_empty('SELECT m FROM test.claim() AS m WHERE m ->> ''recipient'' = ''again@example.org''', 'a revoked invitation is not sent');

-- What cannot be invited
CREATE ROLE regress_invited_super SUPERUSER;
CREATE ROLE regress_invited_bypass BYPASSRLS;
SELECT test.raises(format('SELECT jwt_invite(%L)', identifier), '22023', 'not an address: ' || identifier) FROM unnest(ARRAY['alice', '', '@', 'x@', 'x@@y', '+1', '+0123456789', 'a b@c.example', U&'\FB01le@example.org', U&'\212Aim@example.org', U&'\017Fam@example.org', repeat('x', 1025)]) AS identifier;
SELECT test.raises('SELECT jwt_invite(NULL)', '22023', 'NULL is not an address');
SELECT test.raises(format('SELECT jwt_invite(''g@example.org'', %L)', role), '22023', 'an unusable role is refused: ' || role) FROM unnest('{regress_nobody,regress_invited_super,regress_invited_bypass,""}'::name[]) AS role;
SELECT test.raises(format('SELECT jwt_invite(''g@example.org'', claims => %L)', claims), '22023', 'unusable claims are refused: ' || coalesce(left(claims, 30), 'NULL')) FROM unnest(ARRAY[NULL, 'null', '[]', '"x"', '{"sub":"x"}', '{"role":"x"}', '{"aal":2}', '{"cnf":{}}', '{"amr":[]}', '{"n":1e5000}', repeat('{"a":', 40) || '1' || repeat('}', 40), '{"a":"' || repeat('x', 9000) || '"}']) AS claims;
SELECT test.raises(format('SELECT jwt_invite(''g@example.org'', expires_in => %L)', age), '22023', 'an unusable lifetime is refused: ' || age) FROM unnest('{0,-1 h,7 days 1 s}'::text[]) AS age;
SELECT is(count(*), 0::bigint, 'a refused invitation stores nothing') FROM jwt_auth.one_time_tokens WHERE canonical = 'g@example.org';
SELECT is(expires_at - created_at, '1 h', 'an invitation is valid for the time that the admin gives') FROM jwt_auth.one_time_tokens WHERE id = jwt_invite('g@example.org', expires_in => '1 h');
SET jwt_auth.invitation_ttl = '2 h';
SELECT is(expires_at - created_at, '2 h', 'an invitation is valid for invitation_ttl by default') FROM jwt_auth.one_time_tokens WHERE id = jwt_invite('g2@example.org');
RESET jwt_auth.invitation_ttl;

-- Role and claims are the row's, and refused as elsewhere when they count
SELECT test.invite('role@example.org', 'regress_invited') AS m \gset
ALTER ROLE regress_invited BYPASSRLS;
SELECT test.raises(format('SELECT jwt_accept_invitation(%L)', :'m'::jsonb ->> 'token'), '22023', 'an invitation is refused if its role has gained BYPASSRLS');
ALTER ROLE regress_invited NOBYPASSRLS;
SELECT is(test.accept(:'m'::jsonb ->> 'token'), 'ok', 'an invitation refused for its role is not consumed');

-- What was made elsewhere, changed or cut, or for another purpose
SET jwt_auth.sign_up = on;
SELECT test.invite('forged@example.org', 'regress_invited') AS m, jwt_sign_up('signed@example.org') AS signed_up \gset
SELECT m AS sign_up FROM test.claim() AS m \gset
SELECT is(test.accept('jat_' || test.base64url(set_byte(bytes, n, get_byte(bytes, n) # 1))), 'invalid_grant', 'a link in which byte ' || n || ' was changed is denied')
FROM test.from_base64url(substr(:'m'::jsonb ->> 'token', 5)) AS bytes, generate_series(0, 69) AS n;
SELECT is(test.accept(token), 'invalid_grant', 'jwt_accept_invitation denies: ' || what) FROM (VALUES ('cut', left(:'m'::jsonb ->> 'token', 90)), ('longer', (:'m'::jsonb ->> 'token') || 'A'), ('a sign-up', :'sign_up'::jsonb ->> 'token'), ('the code of a sign-up', :'sign_up'::jsonb ->> 'code'),
	('a flow', :'signed_up'::jsonb ->> 'flow'), ('a JWT', jwt_sign('{}')), ('digits', '12345678'), ('an id', :'m'::jsonb ->> 'invitation')) AS v (what, token);
SELECT is(test.accept(''), 'invalid_request', 'an empty token is an invalid request'),
	   is(jwt_recover(:'m'::jsonb ->> 'token', 'another horse battery') ->> 'error', 'invalid_grant', 'jwt_recover denies an invitation'),
	   is(jwt_confirm_sign_up(:'m'::jsonb ->> 'token', NULL, test.password()) ->> 'error', 'invalid_grant', 'jwt_confirm_sign_up denies an invitation');
-- An address that signs up instead: the invitation ends with the sign-up
DELETE FROM jwt_auth.login_throttle;
SELECT jwt_sign_up('forged@example.org', test.password()) ->> 'flow' AS flow \gset
SELECT m AS sign_up FROM test.claim() AS m \gset
SELECT jwt_confirm_sign_up(:'sign_up'::jsonb ->> 'code', :'flow') AS session \gset
SELECT is(test.claims_of(:'session') ->> 'role', NULL, 'a sign-up does not get the role of an invitation'),
	   is(test.accept(:'m'::jsonb ->> 'token'), 'invalid_grant', 'a confirmed sign-up voids invitations to the address');
-- An address that becomes a user's in another way
SELECT test.invite('gone@example.org', 'regress_invited') AS made, test.invite('moved@example.org', 'regress_invited') AS added \gset
SELECT jwt_create_user(NULL, NULL, email => 'GONE@example.org') AS gone, jwt_create_user('mover', test.password()) AS mover \gset
SELECT jwt_delete_user(:'gone');
SELECT is(test.accept(:'made'::jsonb ->> 'token'), 'invalid_grant', 'an invitation whose address an admin gave to a user stays void after the user is deleted');
DELETE FROM jwt_auth.login_throttle;
SELECT test.login('mover') ->> 'access_token' AS access \gset
SET jwt_auth.token = :'access';
SELECT jwt_add_identifier('moved@example.org') ->> 'flow' AS flow \gset
SELECT m AS moved FROM test.claim() AS m WHERE m ->> 'kind' = 'identifier' \gset
SELECT is(jwt_confirm_identifier(:'moved'::jsonb ->> 'token', :'flow') ->> 'status', 'identifier_added', 'an invited address can be added to an account');
SELECT is(jwt_remove_identifier('moved@example.org') ->> 'status', 'identifier_removed', 'an invited address can be removed from an account');
RESET jwt_auth.token;
SELECT is(test.accept(:'added'::jsonb ->> 'token'), 'invalid_grant', 'an invitation whose address a user added stays void after it is removed'),
	   is(count(*), 0::bigint, 'a void invitation keeps no role and no claims') FROM jwt_auth.one_time_tokens WHERE canonical IN ('gone@example.org', 'moved@example.org') AND data ? 'claims';
SELECT test.invite('kept@example.org') AS kept, jwt_create_user('kept', NULL) AS other \gset
SELECT test.raises('SELECT jwt_create_user(''kept'', NULL, email => ''kept@example.org'')', '23505', 'a user with a taken name is not created'),
	   is(test.accept(:'kept'::jsonb ->> 'token'), 'ok', 'a user who is not created voids no invitation');
RESET jwt_auth.sign_up;
SELECT test.invite('off@example.org') AS m \gset
SELECT is(test.accept(:'m'::jsonb ->> 'token'), 'ok', 'an invitation is accepted while sign-up is off');

-- What voids one
CREATE FUNCTION test.after(change text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	message jsonb := test.invite('after@example.org');
	again text;
BEGIN
	EXECUTE change;
	UPDATE jwt_auth.outbox SET leased_until = now() WHERE id = (message ->> 'id')::uuid;
	SELECT concat(m -> 'token') INTO again FROM test.claim() AS m WHERE m ->> 'id' = message ->> 'id';
	RETURN concat_ws(' ', test.accept(message ->> 'token'), again);
END
$$;
SELECT is(test.after(change), 'invalid_grant', 'an invitation is void, and its message not sent, after ' || change) FROM unnest(ARRAY['UPDATE jwt_auth.one_time_tokens SET expires_at = now()', 'UPDATE jwt_auth.one_time_tokens SET consumed_at = now()', 'DELETE FROM jwt_auth.one_time_tokens',
	'UPDATE jwt_auth.keys SET revoked_at = now() WHERE use = ''handle''', 'SELECT jwt_create_user(NULL, NULL, email => ''AFTER@example.org'')']) AS change;

-- Nothing is looked at where nothing can be written; nobody's to call until they are granted
SELECT test.invite('scanned@example.org') AS m \gset
BEGIN READ ONLY;
SELECT test.raises(call, '25006', 'read-only: ' || left(call, 40)) FROM unnest(ARRAY['SELECT jwt_invite(''x@example.org'')', 'SELECT jwt_accept_invitation(''x'')', format('SELECT jwt_accept_invitation(%L)', :'m'::jsonb ->> 'token'), format('SELECT jwt_revoke_invitation(%L)', :'m'::jsonb ->> 'invitation')]) AS call;
COMMIT;
CREATE ROLE regress_invitee;
SET ROLE regress_invitee;
SELECT throws_ok(call, '42501', NULL, 'without rights: ' || call) FROM unnest(ARRAY['SELECT jwt_invite(''x@example.org'')', 'SELECT jwt_accept_invitation(''x'')', 'SELECT jwt_revoke_invitation(gen_random_uuid())']) AS call;
RESET ROLE;
GRANT EXECUTE ON FUNCTION jwt_accept_invitation TO regress_invitee;
SET ROLE regress_invitee;
SELECT jwt_accept_invitation(:'m'::jsonb ->> 'token', 'correct horse battery staple') AS session \gset
RESET ROLE;
SELECT is(test.error_of(:'session'), 'ok', 'a gateway accepts an invitation with no other right, after read-only attempts');

-- What expired goes
SELECT test.invite('purged@example.org');
UPDATE jwt_auth.one_time_tokens SET expires_at = now() - interval '1 h';
SELECT jwt_purge() > 0 AS purged \gset
SELECT is(count(*), 0::bigint, 'expired invitations are purged') FROM jwt_auth.one_time_tokens;
SELECT test.invite('restored@example.org') AS m \gset
SELECT jwt_reset_after_restore();
SELECT is(test.accept(:'m'::jsonb ->> 'token'), 'invalid_grant', 'after a reset, earlier invitations are void');

DROP OWNED BY regress_invitee, regress_invited, regress_other;
DROP ROLE regress_invitee, regress_invited, regress_other, regress_invited_super, regress_invited_bypass;
SELECT * FROM finish();
