-- Identities and accounts (T157, T158, T160, T161, T162, T163, T166): whose address counts,
-- what happens if it is somebody's here, linking by its user, and unlinking.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
\ir include/providers.psql
-- At least 144 assertions
SELECT no_plan();
SET jwt_auth.sign_up = on;
SELECT jwt_create_user('alice', test.password(), email => 'alice@mail.example') AS alice, jwt_create_user('bob', test.password(), email => 'bob@mail.example') AS bob \gset
CREATE FUNCTION test.become(answer jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$ SELECT set_config('jwt_auth.token', coalesce(answer ->> 'access_token', ''), false) $$;
CREATE FUNCTION test.say(answer jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(answer ->> 'status', answer ->> 'error', 'ok') $$;
CREATE FUNCTION test.subject_of(answer jsonb) RETURNS text LANGUAGE sql STABLE AS $$ SELECT test.claims_of(answer) ->> 'sub' $$;

-- The address of a new user counts only if it is the user's (T161)
CREATE FUNCTION test.address(options jsonb, claims jsonb, issuer text DEFAULT 'https://idp.example') RETURNS text LANGUAGE plpgsql VOLATILE AS
$$
DECLARE
	who text := gen_random_uuid();
BEGIN
	PERFORM test.add_idp(options, issuer => issuer);
	PERFORM test.external(jsonb_build_object('sub', who, 'iss', replace(issuer, '{tenantid}', coalesce(claims ->> 'tid', ''))) || claims);
	RETURN (SELECT string_agg(value, ' ') FROM jwt_auth.identifiers WHERE user_id = test.identity_of(who) AND verified_at IS NOT NULL);
END
$$;
SELECT is(test.address(options, '{"email":"Carol@Own.example"}' || claims), expected, format('%s, %s', options, claims))
FROM (VALUES
	(jsonb '{}', jsonb '{}', NULL), ('{}', '{"email_verified":false}', NULL), ('{}', '{"email_verified":"false"}', NULL), ('{}', '{"email_verified":null}', NULL), ('{}', '{"email_verified":[true]}', NULL), ('{}', '{"email_verified":"TRUE"}', NULL), ('{}', '{"email_verified":2}', NULL),
	('{}', '{"xms_edov":true}', NULL), ('{"email":"never"}', '{"email_verified":true}', NULL),
	('{"email":"domains","domains":"other.example"}', '{"email_verified":true}', NULL), ('{"email":"domains","domains":["own.example"]}', '{"email_verified":false}', NULL), ('{"email":"domains","domains":"wn.example"}', '{}', NULL), ('{"email":"domains","domains":"example"}', '{}', NULL),
	('{"email":"domains","domains":["other.example","OWN.example"]}', '{}', 'Carol@Own.example')) AS v (options, claims, expected);
DELETE FROM jwt_auth.identifiers WHERE value ~* 'carol';
SELECT is(test.address('{}', '{"email":"dave@own.example","email_verified":"true"}'), 'dave@own.example', 'the text true, as Apple writes it'),
	   is(test.address('{}', '{"email":"erin@own.example","email_verified":true}'), 'erin@own.example', 'true');
SELECT is(test.address('{}', jsonb_build_object('email', email, 'email_verified', true)), NULL, 'no address: ' || email) FROM unnest(ARRAY['', 'frank', '+491701234567', 'a@b@own.example', '@own.example', 'frank@', 'frank@own example']) AS email;
SELECT is(test.address('{}', '{"email":1,"email_verified":true}'), NULL, 'no address: a number'),
	   is(test.address('{}', '{"upn":"frank@own.example","preferred_username":"frank@own.example","email_verified":true}'), NULL, 'no address: other claims');
-- Microsoft: only where it says that the domain is the tenant's
SELECT is(test.address(options, '{"email":"grace@own.example","tid":"t1"}' || claims, issuer), NULL, format('%s %s %s', issuer, options, claims))
FROM (VALUES
	('https://login.microsoftonline.com/t1/v2.0', jsonb '{}', jsonb '{}'), ('https://login.microsoftonline.com/t1/v2.0', '{}', '{"email_verified":true}'), ('https://login.microsoftonline.com/t1/v2.0', '{"email":"claim"}', '{"email_verified":true,"xms_edov":false}'), ('https://login.microsoftonline.com/t1/v2.0', '{"email":"claim"}', '{"xms_edov":"0"}'),
	('https://login.microsoftonline.com/{tenantid}/v2.0', '{"tenants":"t1","email":"domains","domains":"own.example"}', '{}'), ('https://sts.windows.net/t1/', '{}', '{"email_verified":true}'), ('https://login.microsoftonline.com/t1/v2.0', '{"email":"never"}', '{"xms_edov":true}'),
	('https://login.microsoftonline.com/t1/v2.0', '{}', '{"email":null,"upn":"grace@own.example","xms_edov":true}')) AS v (issuer, options, claims);
SELECT is(test.address('{"tenants":["t0","t1"]}', jsonb_build_object('email', email, 'tid', 't1', 'xms_edov', edov), 'https://login.microsoftonline.com/{tenantid}/v2.0'), email, 'xms_edov is ' || edov::text)
FROM (VALUES ('grace1@own.example', jsonb 'true'), ('grace2@own.example', '1'), ('grace3@own.example', '"1"'), ('grace4@own.example', '"true"')) AS v (email, edov);

-- Tenants (T160)
SELECT test.add_idp('{"tenants":["t0","t1"]}', issuer => 'https://login.microsoftonline.com/{tenantid}/v2.0');
SELECT is(test.error_of(test.external(claims)), expected, 'tenants: ' || claims::text)
FROM (VALUES
	(jsonb '{"tid":"t1","iss":"https://login.microsoftonline.com/t1/v2.0"}', 'ok'), ('{"tid":"t0","iss":"https://login.microsoftonline.com/t0/v2.0"}', 'ok'),
	('{"tid":"t2","iss":"https://login.microsoftonline.com/t2/v2.0"}', 'invalid_grant'), ('{"tid":"t1","iss":"https://login.microsoftonline.com/t2/v2.0"}', 'invalid_grant'), ('{"tid":"t1","iss":"https://login.microsoftonline.com/t0/v2.0"}', 'invalid_grant'),
	('{"iss":"https://login.microsoftonline.com/t1/v2.0"}', 'invalid_grant'), ('{"tid":["t1"],"iss":"https://login.microsoftonline.com/t1/v2.0"}', 'invalid_grant'), ('{"tid":"t1","iss":"https://login.microsoftonline.com/{tenantid}/v2.0"}', 'invalid_grant'), ('{"tid":"{tenantid}","iss":"https://login.microsoftonline.com/{tenantid}/v2.0"}', 'invalid_grant')) AS v (claims, expected);
SELECT isnt(test.identity_of('sub-1'), NULL, 'a user of each'),
	   is((SELECT count(DISTINCT user_id) FROM jwt_auth.identities WHERE subject = 'sub-1'), 2::bigint, 'a subject is one user in each tenant');
SELECT jwt_trust_issuer('https://login.microsoftonline.com/t9/v2.0', test.idp_keys(), 'app');
SELECT test.raises('SELECT test.add_idp(''{"tenants":["t9"]}'', issuer => ''https://login.microsoftonline.com/{tenantid}/v2.0'')', '22023', 'a tenant that is trusted as an issuer');
SELECT test.raises(format('SELECT jwt_trust_issuer(''https://login.microsoftonline.com/t1/v2.0'', %L, ''app'')', test.idp_keys()), '22023', 'trusting a provider''s tenant');
SELECT test.add_idp('{"tenants":"t1"}');
SELECT is(test.error_of(test.external(claims)), expected, 'tenants of one issuer: ' || claims::text) FROM (VALUES (jsonb '{"tid":"t1","sub":"one"}', 'ok'), ('{"tid":"t2","sub":"one"}', 'invalid_grant'), ('{"sub":"one"}', 'invalid_grant')) AS v (claims, expected);

-- Ask: who logs in proves to be the user
SELECT test.add_idp();
TRUNCATE jwt_auth.outbox;
SELECT test.nonce() AS nonce \gset
SELECT test.id_token(jsonb_build_object('sub', 'a', 'email', 'ALICE@mail.example', 'email_verified', true, 'nonce', :'nonce')) AS token \gset
SELECT count(*) AS users FROM jwt_auth.users \gset
SELECT jwt_login_external('idp', :'token') AS asked \gset
SELECT is(:'asked'::jsonb - '{link_token,error_description}'::text[], '{"error":"account_exists","expires_in":600}', 'an address that is somebody''s'),
	   matches(:'asked'::jsonb ->> 'link_token', '^jal_[A-Za-z0-9_-]{135}$', 'comes with a ticket'),
	   is(test.identity_of('a'), NULL, 'links nothing'),
	   is((SELECT count(*) FROM jwt_auth.users), :users::bigint, 'makes no user'),
	   is(test.last_audit(), 'link_asked: provider idp', 'is audited');
SELECT is(test.say(jwt_refresh(:'asked'::jsonb ->> 'link_token')), 'invalid_grant', 'the ticket is no refresh token'),
	   is(test.error_of(jwt_mfa_verify(:'asked'::jsonb ->> 'link_token', 'totp', '{"code":"123456"}')), 'invalid_grant', 'nor a ticket for a second factor'),
	   is(test.verdict(:'asked'::jsonb ->> 'link_token'), '28J00', 'nor an access token');
SELECT is(test.error_of(test.external('{"sub":"x","email":"alice@mail.example"}')), 'ok', 'who cannot show that it is theirs is not told that it is somebody''s');
-- An argument in place of each
CREATE FUNCTION test.link(token text, ticket text, provider text DEFAULT 'idp', nonce text DEFAULT NULL) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.say(public.jwt_link_external(provider, token, nonce, link_token => ticket)) $$;
SELECT test.raises(format('SELECT test.link(%L, %L)', :'token', :'asked'::jsonb ->> 'link_token'), '28J03', 'linking without an identity');
SELECT test.become(test.login('bob'));
SELECT is(test.link(:'token', :'asked'::jsonb ->> 'link_token'), 'invalid_grant', 'the ticket of another user');
SELECT test.become(test.login('alice'));
SELECT test.add_idp('{}', 'idp2');
SELECT is(test.link(token, ticket, provider), expected, 'linking, refused: ' || what)
FROM (VALUES
	('no ticket', :'token', '', 'idp', 'invalid_grant'), ('a ticket that was changed', :'token', overlay(:'asked'::jsonb ->> 'link_token' PLACING 'AAAA' FROM 20), 'idp', 'invalid_grant'), ('an mfa ticket''s form', :'token', replace(:'asked'::jsonb ->> 'link_token', 'jal_', 'jam_'), 'idp', 'invalid_grant'),
	('another ID token', test.id_token('{"sub":"b"}'), :'asked'::jsonb ->> 'link_token', 'idp', 'invalid_grant'), ('another provider', :'token', :'asked'::jsonb ->> 'link_token', 'idp2', 'invalid_grant'), ('no such provider', :'token', :'asked'::jsonb ->> 'link_token', 'nobody', 'invalid_request'),
	('a damaged ID token', test.tampered(:'token'), :'asked'::jsonb ->> 'link_token', 'idp', 'invalid_grant'), ('the ID token without its ticket', :'token', NULL, 'idp', 'invalid_grant')) AS v (what, token, ticket, provider, expected);
UPDATE jwt_auth.sessions SET auth_time = now() - interval '301 s';
SELECT test.raises(format('SELECT test.link(%L, %L)', :'token', :'asked'::jsonb ->> 'link_token'), '28J04', 'linking in a session of more than 5 minutes ago'), test.raises('SELECT jwt_unlink_external(''idp'', ''a'')', '28J04', 'unlinking in one');
SELECT test.become(test.login('alice'));
SELECT is(test.link(:'token', :'asked'::jsonb ->> 'link_token'), 'identity_linked', 'the user links it'),
	   is(test.identity_of('a'), :'alice', 'the identity is the user''s'),
	   is(test.last_audit(), 'identity_linked: provider idp', 'which is audited');
SELECT is((SELECT array_agg(kind || ' ' || recipient || ' ' || data) FROM jwt_auth.outbox), '{"factor_added alice@mail.example {\"type\": \"identity\", \"provider\": \"idp\"}"}', 'and told to the user'),
	   is(jwt_identities() -> 0 ->> 'subject', 'a', 'who sees it'),
	   is(test.link(:'token', :'asked'::jsonb ->> 'link_token'), 'invalid_grant', 'a ticket counts once');
SELECT test.become(NULL);
SELECT is(test.subject_of(test.external('{"sub":"a","email":"alice@mail.example","email_verified":true}')), :'alice', 'it logs the user in'),
	   is(test.subject_of(test.external('{"sub":"a"}')), :'alice', 'whatever the address');
-- Credentials that changed meanwhile
SELECT jwt_login_external('idp', test.id_token('{"sub":"b","email":"bob@mail.example","email_verified":true}')) AS asked, jwt_create_user('carl', test.password(), email => 'carl@mail.example') AS carl \gset
SELECT test.id_token('{"sub":"c","email":"carl@mail.example","email_verified":true}') AS token \gset
SELECT jwt_login_external('idp', :'token') AS asked \gset
SELECT jwt_set_password(:'carl', 'another horse battery staple');
SELECT test.become(test.login('carl', 'another horse battery staple'));
SELECT is(test.link(:'token', :'asked'::jsonb ->> 'link_token'), 'invalid_grant', 'a ticket of before the password was changed');
SELECT test.become(NULL);
-- A provider that was removed, and added again
SELECT test.id_token('{"sub":"again","email":"carl@mail.example","email_verified":true}') AS token \gset
SELECT test.add_idp(name => 'again');
SELECT jwt_login_external('again', :'token') AS asked \gset
SELECT test.become(test.login('carl', 'another horse battery staple'));
SELECT jwt_remove_provider('again');
SELECT test.add_idp(name => 'again');
SELECT is(test.say(jwt_link_external('again', :'token', link_token => :'asked'::jsonb ->> 'link_token')), 'invalid_grant', 'a ticket of before the provider was removed and added again'),
	   is(test.identity_of('again'), NULL, 'links nothing');
SELECT test.become(NULL);
SELECT created_at AS added FROM jwt_auth.providers WHERE name = 'again' \gset
SELECT test.add_idp('{"sign_up":true}', 'again');
SELECT is(created_at, :'added', 'a provider that is changed stays the same') FROM jwt_auth.providers WHERE name = 'again';
SELECT test.add_idp(name => 'again', issuer => 'https://other.example');
SELECT cmp_ok(created_at, '>', :'added', 'with another issuer, it is added anew') FROM jwt_auth.providers WHERE name = 'again';
SELECT jwt_remove_provider('again');
-- A provider that is gone, an ID token that has expired
SELECT test.id_token(jsonb_build_object('sub', 'c', 'email', 'carl@mail.example', 'email_verified', true, 'exp', test.seconds(-28))) AS token \gset
SELECT jwt_login_external('idp', :'token') AS asked \gset
SELECT test.become(test.login('carl', 'another horse battery staple'));
SELECT pg_sleep(2.5);
SELECT jwt_update_provider_keys('idp', jwk_public(jwk_generate('ES256', 'x')));
SELECT is(test.link(:'token', :'asked'::jsonb ->> 'link_token'), 'invalid_grant', 'a key that is gone');
SELECT test.add_idp();
SELECT is(test.error_of(jwt_login_external('idp', :'token')), 'invalid_grant', 'an ID token that has expired meanwhile logs nobody in'),
	   is(test.link(:'token', :'asked'::jsonb ->> 'link_token'), 'identity_linked', 'and is good for its ticket still'),
	   is(test.identity_of('c'), :'carl', 'which links it');
SELECT test.become(NULL);

-- By its user, with a nonce of the session (T158, T166)
SELECT jwt_external_nonce() ->> 'nonce' AS outside \gset
SELECT test.become(test.login('bob'));
CREATE FUNCTION test.link_with(nonce text, subject text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.say(public.jwt_link_external('idp', test.id_token(jsonb_build_object('sub', subject, 'nonce', nonce)))) $$;
SELECT is(test.link_with(:'outside', 'bob-1'), 'invalid_grant', 'linking with a nonce of no session'),
	   is(test.link_with('mine', 'bob-1'), 'invalid_grant', 'or of the client''s own');
SELECT test.nonce() AS bobs \gset
SELECT test.become(test.login('alice'));
SELECT is(test.link_with(:'bobs', 'bob-1'), 'invalid_grant', 'or of another''s session'),
	   is(test.identity_of('bob-1'), NULL, 'links nothing');
SELECT test.become(test.login('bob'));
SELECT is(test.link_with(:'bobs', 'bob-1'), 'invalid_grant', 'or of another session of the user');
SELECT test.nonce() AS bobs \gset
SELECT is(test.link_with(:'bobs', 'bob-1'), 'identity_linked', 'with one of the session'),
	   is(test.link_with(:'bobs', 'bob-2'), 'invalid_grant', 'which counts once'),
	   is(test.identity_of('bob-1'), :'bob', 'it is linked');
SELECT is(test.link_with(test.nonce(), 'bob-1'), 'identity_linked', 'one that is the user''s already'),
	   is(test.link_with(test.nonce(), 'a'), 'invalid_request', 'one of another user is refused'),
	   is(test.identity_of('a'), :'alice', 'and stays');
SELECT is(test.link_with(test.nonce(), 'bob-' || n), CASE WHEN n <= 20 THEN 'identity_linked' ELSE 'invalid_request' END, 'identity ' || n) FROM generate_series(18, 37) AS n WHERE n IN (18, 19);
INSERT INTO jwt_auth.identities SELECT 'idp', 'https://idp.example', 'many-' || n, :'bob', now() FROM generate_series(1, 17) AS n;
SELECT is(test.link_with(test.nonce(), 'bob-21'), 'invalid_request', 'no more than 20');
DELETE FROM jwt_auth.identities WHERE subject ~ '^many|bob-1[89]';
SELECT test.raises('SELECT jwt_link_external(''idp'', NULL)', '22023', 'no ID token'), test.raises('SELECT jwt_unlink_external(NULL, ''x'')', '22023', 'no provider'), test.raises('SELECT jwt_unlink_external(''idp'', NULL)', '22023', 'no subject');
SELECT set_config('jwt_auth.token', jwt_sign(jsonb_build_object('sub', :'bob')), false) AS token \gset
SELECT test.raises(call, '28J04', 'a token without session: ' || call) FROM unnest(ARRAY['SELECT test.link_with(test.nonce(), ''z'')', 'SELECT jwt_unlink_external(''idp'', ''bob-1'')']) AS call;
-- A second factor is needed where there is one
SELECT test.become(test.login('bob'));
SELECT test.enroll() AS secret \gset
SELECT test.raises('SELECT test.link_with(test.nonce(), ''bob-3'')', '28J04', 'linking below level 2, with a second factor'), test.raises('SELECT jwt_unlink_external(''idp'', ''bob-1'')', '28J04', 'unlinking below it');
SELECT jwt_reset_factors(:'bob');

-- Unlinking, but for the last way in (T166)
SELECT test.become(test.login('bob'));
SELECT is(test.say(jwt_unlink_external(provider, subject)), 'invalid_request', format('unlinking what is not the user''s: %s %s', provider, subject)) FROM (VALUES ('idp', 'a'), ('idp', ''), ('nobody', 'bob-1'), ('idp', 'BOB-1')) AS v (provider, subject);
SELECT is(test.say(jwt_unlink_external('idp', 'bob-1')), 'identity_unlinked', 'unlinking'),
	   is(test.identity_of('bob-1'), NULL, 'the identity is nobody''s'),
	   is(test.last_audit(), 'identity_unlinked: provider idp', 'which is audited'),
	   is(jwt_identities(), '[]', 'and seen');
SELECT test.become(NULL);
SELECT isnt(test.subject_of(test.external('{"sub":"bob-1"}')), :'bob', 'it logs the user in no more');
SELECT test.external('{"sub":"only"}') AS only \gset
SELECT test.become(:'only');
SELECT is(test.say(jwt_unlink_external('idp', 'only')), 'invalid_request', 'the last way in stays');
SELECT is(test.link_with(test.nonce(), 'second'), 'identity_linked', 'with another identity');
SELECT test.add_idp(name => 'gone');
UPDATE jwt_auth.identities SET provider = 'gone' WHERE subject = 'second';
SELECT jwt_remove_provider('gone');
SELECT is(test.say(jwt_unlink_external('idp', 'only')), 'invalid_request', 'of a provider that is gone, it is still the last');
UPDATE jwt_auth.identities SET provider = 'idp' WHERE subject = 'second';
SELECT is(test.say(jwt_unlink_external('idp', 'only')), 'identity_unlinked', 'else it is not'),
	   is(test.say(jwt_unlink_external('idp', 'second')), 'invalid_request', 'but the other is, then');
INSERT INTO jwt_auth.webauthn_credentials SELECT gen_random_uuid(), test.subject_of(:'only')::uuid, 'x', '{}', gen_random_uuid(), 0, false, false, gen_random_uuid(), NULL, NULL, now();
SELECT test.raises('SELECT jwt_unlink_external(''idp'', ''second'')', '28J04', 'a passkey is a factor, with which level 2 is needed');
SELECT test.become(jwt_start_session(test.subject_of(:'only')::uuid, '{mfa}'));
SELECT is(test.say(jwt_unlink_external('idp', 'second')), 'identity_unlinked', 'with a passkey, there is another way in');
SELECT test.become(NULL);
SELECT test.external('{"sub":"mailed","email":"mailed@own.example","email_verified":true}') AS mailed \gset
SELECT test.become(:'mailed');
SELECT is(test.say(jwt_unlink_external('idp', 'mailed')), 'identity_unlinked', 'and with a verified address');
SELECT test.become(NULL);

-- Verified: the identity becomes one of the user with the verified address
SELECT test.add_idp('{"linking":"verified"}');
TRUNCATE jwt_auth.outbox;
SELECT is(test.subject_of(test.external('{"sub":"v1","email":"bob@mail.example","email_verified":true}')), :'bob', 'an address that both have verified'),
	   is(test.identity_of('v1'), :'bob', 'links the identity');
SELECT is((SELECT array_agg(kind || ' ' || recipient) FROM jwt_auth.outbox WHERE kind = 'factor_added'), '{"factor_added bob@mail.example"}', 'and is told to the user'),
	   isnt(test.subject_of(test.external('{"sub":"v2","email":"bob@mail.example"}')), :'bob', 'one that the provider has not verified links nothing'),
	   is(test.identity_of('v2') = :'bob', false, 'but makes another user');
SELECT count(*) AS proposals FROM jwt_auth.one_time_tokens \gset
SET jwt_auth.max_sessions_per_user = 1;
SET jwt_auth.session_limit_action = 'deny';
SELECT is(test.error_of(test.external('{"sub":"v3","email":"bob@mail.example","email_verified":true}')), 'session_limit', 'with a session too many, the login is denied'),
	   is(test.identity_of('v3'), NULL, 'and links nothing'),
	   is((SELECT count(*) FROM jwt_auth.one_time_tokens), :proposals::bigint, 'nor leaves a proposal');
RESET jwt_auth.session_limit_action;
RESET jwt_auth.max_sessions_per_user;
INSERT INTO jwt_auth.identities SELECT 'idp', 'https://idp.example', 'many' || n, :'bob', now() FROM generate_series(1, 20 - (SELECT count(*) FROM jwt_auth.identities WHERE user_id = :'bob')) AS n;
SELECT is(test.error_of(test.external('{"sub":"v7","email":"bob@mail.example","email_verified":true}')), 'invalid_grant', 'beyond 20 identities the login is denied'),
	   is(test.identity_of('v7'), NULL, 'and links nothing'),
	   is(test.error_of(test.external('{"sub":"v1"}')), 'ok', 'those that are linked still log in');
DELETE FROM jwt_auth.identities WHERE subject LIKE 'many%';
UPDATE jwt_auth.identifiers SET verified_at = NULL WHERE user_id = :'carl' AND kind = 'email';
SELECT test.external('{"sub":"v3","email":"carl@mail.example","email_verified":true}') AS other \gset
SELECT isnt(test.subject_of(:'other'), :'carl', 'one that was never verified here links nothing (T162)'),
	   is(test.error_of(:'other'), 'ok', 'but makes another user');
SELECT test.add_idp();
SELECT is(test.error_of(test.external('{"sub":"v4","email":"carl@mail.example","email_verified":true}')), 'account_exists', 'or its user is asked');
SELECT test.add_idp('{"linking":"verified"}');
SELECT test.become(test.login('bob'));
SELECT test.enroll() AS secret \gset
SELECT test.become(NULL);
SELECT test.age_codes();
SELECT test.external('{"sub":"v5","email":"bob@mail.example","email_verified":true}') AS asked \gset
SELECT is(:'asked'::jsonb ->> 'error', 'mfa_required', 'a second factor is asked for'),
	   is(test.error_of(jwt_mfa_verify(:'asked'::jsonb ->> 'mfa_token', 'totp', jsonb_build_object('code', test.totp(:'secret')))), 'ok', 'and begins the session');
SELECT jwt_disable_user(:'bob');
SELECT is(test.error_of(test.external('{"sub":"v6","email":"bob@mail.example","email_verified":true}')), 'invalid_grant', 'a disabled user is denied'),
	   is(test.identity_of('v6'), NULL, 'and gets no identity');
-- Never
SELECT test.add_idp('{"linking":"never"}');
SELECT test.external('{"sub":"n1","email":"alice@mail.example","email_verified":true}') AS other \gset
SELECT is(test.error_of(:'other'), 'ok', 'where linking is off'),
	   isnt(test.subject_of(:'other'), :'alice', 'another user is made'),
	   is((SELECT count(*) FROM jwt_auth.identifiers WHERE user_id = test.identity_of('n1')), 0::bigint, 'without the address');
-- Undoing a change of identifiers takes what came since
SELECT test.become(test.login('alice'));
SELECT jwt_add_identifier('alicia') ->> 'status' AS status \gset
SELECT is(test.link_with(test.nonce(), 'thief'), 'identity_linked', 'an identity that was linked after a change');
SELECT test.become(NULL);
SELECT test.say(jwt_undo_change(m ->> 'token')) AS undone FROM jsonb_array_elements(jwt_outbox_claim(100)) AS m WHERE m ->> 'kind' = 'identifier_changed' LIMIT 1 \gset
SELECT is(:'undone'::text, 'undone', 'the change is undone'),
	   is(test.identity_of('thief'), NULL, 'the identity is gone with it'),
	   is(test.identity_of('a'), :'alice', 'one of before stays');
SELECT * FROM finish();
