-- Identity providers and second factors (T133, T163, T168): how old the provider's proof
-- may be to enroll a factor, which proof counts after one was shown, and when an identity
-- is linked whose user has to show one.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
\ir include/providers.psql
-- At least 92 assertions
SELECT no_plan();
SET jwt_auth.webauthn_rp_id = 'mail.example';
SELECT jwt_create_user('alice', test.password(), email => 'alice@mail.example') AS alice, jwt_create_user('bob', test.password(), email => 'bob@mail.example') AS bob \gset
SELECT test.add_idp('{"sign_up":true,"aal2_acr":["phr"]}');
INSERT INTO jwt_auth.identities SELECT 'idp', 'https://idp.example', username, id, now() FROM jwt_auth.users;
CREATE FUNCTION test.become(answer jsonb) RETURNS void LANGUAGE sql VOLATILE AS $$ SELECT set_config('jwt_auth.token', coalesce(answer ->> 'access_token', ''), false) $$;
-- A login with a proof of so long ago
CREATE FUNCTION test.proven(subject text, seconds integer, claims jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT test.external(jsonb_build_object('sub', subject, 'auth_time', test.seconds(-seconds)) || claims) $$;
CREATE FUNCTION test.age_of(answer jsonb) RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT test.seconds() - (test.claims_of(answer) ->> 'auth_time')::bigint $$;
CREATE FUNCTION test.verify(answer jsonb, code text) RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_mfa_verify(answer ->> 'mfa_token', 'totp', jsonb_build_object('code', code)) $$;

-- A first proof of long ago
SELECT test.proven('alice', 7200) AS old \gset
SELECT is(test.error_of(:'old'), 'ok', 'without a factor, a proof of two hours ago logs in'),
	   cmp_ok(test.age_of(:'old'), '>=', 7200::bigint, 'and the session has its time');
SELECT test.become(:'old');
SELECT test.raises('SELECT jwt_enroll_totp()', '28J04', 'which enrolls no factor'),
	   test.raises('SELECT jwt_passkey_register_options()', '28J04', 'and no passkey'),
	   is(jwt_has_aal(1, '5 min'), false, 'nor counts as recent');
SELECT test.become(test.external('{"sub":"alice"}'));
SELECT test.enroll() AS secret, test.age_codes() \gset
SELECT test.become(NULL);
SELECT test.proven('alice', 7200) AS asked \gset
SELECT is(test.error_of(:'asked'), 'mfa_required', 'with a factor, a proof of two hours ago asks for it'),
	   is(:'asked'::jsonb -> 'expires_in', '300', 'within five minutes');
SELECT test.verify(:'asked', test.totp(:'secret')) AS both \gset
SELECT is(test.error_of(:'both'), 'ok', 'the factor begins a session'),
	   cmp_ok(test.age_of(:'both'), '<', 60::bigint, 'whose time is that of the factor'),
	   is(test.claims_of(:'both') -> 'aal', '2', 'at level 2');
SELECT test.become(:'both');
SELECT is(jwt_has_aal(2, '5 min'), true, 'which counts as recent');
SELECT test.become(NULL);

-- A factor that must be enrolled
SELECT jwt_update_user(:'bob', mfa_enrollment => 'required');
SELECT count(*) AS sessions, test.audit_count() AS audited FROM jwt_auth.sessions \gset
SELECT test.proven('bob', 301) AS asked \gset
SELECT is(:'asked'::jsonb, '{"error":"login_required","error_description":"a second factor must be enrolled first, for which the login at the provider is too long ago","max_age":60}', 'a proof of more than five minutes ago enrolls none'),
	   is((SELECT count(*) FROM jwt_auth.sessions), :sessions::bigint, 'no session begins'),
	   is((SELECT array_agg(a) FROM test.audit_since(:audited) AS a), '{"mfa_enrollment_required: authenticated too long ago"}', 'which is audited');
SELECT is(test.error_of(test.proven('bob', seconds)), 'login_required', format('nor one of %s seconds ago', seconds)) FROM unnest('{300,7200,100000000}'::integer[]) AS seconds;
SELECT is(test.error_of(test.external(jsonb_build_object('sub', 'bob', 'iat', test.seconds(-301)))), 'login_required', 'nor an ID token of more than five minutes ago, without a time of proof'),
	   is(test.error_of(test.external(jsonb_build_object('sub', 'bob', 'iat', test.seconds(-301), 'auth_time', claim))), 'login_required', 'nor with a time that is none, or later: ' || claim::text)
FROM unnest(ARRAY[jsonb '"now"', 'true', to_jsonb(test.seconds()), to_jsonb(test.seconds(3600))]) AS claim;
SELECT is(test.error_of(test.proven('bob', 301, '{"acr":"phr"}')), 'login_required', 'whatever level the provider vouches for');
-- A ticket of which fifteen seconds are left
SELECT test.proven('bob', 285) ->> 'mfa_token' AS late \gset
SELECT isnt(jwt_enroll_totp('late', :'late') ->> 'secret', NULL, 'a ticket of almost five minutes ago enrolls');
SELECT pg_sleep(16);
SELECT is(test.error_of(jwt_enroll_totp('late', :'late')), 'invalid_grant', 'a ticket of more than five minutes ago is refused');
DELETE FROM jwt_auth.factors WHERE name = 'late';
SELECT test.proven('bob', 200) AS asked \gset
SELECT is(test.error_of(:'asked'), 'mfa_enrollment_required', 'a proof of less than five minutes ago asks to enroll a factor'),
	   is((:'asked'::jsonb ->> 'expires_in')::integer BETWEEN 40 AND 100, true, 'within what is left of them');
SELECT is((test.external(jsonb_build_object('sub', 'bob', 'iat', test.seconds(-200))) ->> 'expires_in')::integer BETWEEN 40 AND 100, true, 'without a time of proof, that of the ID token counts'),
	   is((test.external('{"sub":"bob"}') ->> 'expires_in')::integer BETWEEN 240 AND 300, true, 'one of now leaves five minutes'),
	   is(test.login('bob') -> 'expires_in', '300', 'as a password does');
SELECT jwt_enroll_totp(NULL, :'asked'::jsonb ->> 'mfa_token') AS begun \gset
SELECT jwt_confirm_totp((:'begun'::jsonb ->> 'factor_id')::uuid, test.totp(:'begun'::jsonb ->> 'secret'), :'asked'::jsonb ->> 'mfa_token') AS enrolled \gset
SELECT is(test.error_of(:'enrolled'), 'ok', 'the factor that is enrolled with it begins a session'),
	   cmp_ok(test.age_of(:'enrolled'), '<', 60::bigint, 'whose time is that of the factor'),
	   is(test.claims_of(:'enrolled') -> 'amr', '["fed","otp","mfa"]', 'by both');
SELECT jwt_reset_factors(:'bob');
-- The ticket ends with the five minutes, and no later
CREATE FUNCTION test.wait_for_end(ticket text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS
$$
BEGIN
	FOR i IN 1 .. 600 LOOP
		EXIT WHEN public.jwt_passkey_register_options(ticket) ->> 'error' = 'invalid_grant';
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN public.jwt_passkey_register_options(ticket) ->> 'error' = 'invalid_grant';
END
$$;
SELECT test.proven('bob', 290) ->> 'mfa_token' AS ticket \gset
SELECT jwt_enroll_totp(NULL, :'ticket') AS begun \gset
SELECT is(:'begun'::jsonb ? 'secret', true, 'a ticket of a proof of 290 seconds ago enrolls'),
	   is(test.wait_for_end(:'ticket'), true, 'until the five minutes are over'),
	   is(test.error_of(jwt_confirm_totp((:'begun'::jsonb ->> 'factor_id')::uuid, test.totp(:'begun'::jsonb ->> 'secret'), :'ticket')), 'invalid_grant', 'not even what was begun before');
-- Who signs up with it
SET jwt_auth.mfa_enrollment = required;
SELECT is(test.error_of(test.proven('carol', 301)), 'login_required', 'who signs up with an old proof'),
	   isnt(test.identity_of('carol'), NULL, 'becomes a user'),
	   is((SELECT count(*) FROM jwt_auth.sessions WHERE user_id = test.identity_of('carol')), 0::bigint, 'without a session'),
	   is(test.error_of(test.proven('carol', 10)), 'mfa_enrollment_required', 'who enrolls a factor with a new one');
RESET jwt_auth.mfa_enrollment;
SELECT is(test.error_of(test.proven('carol', 301)), 'ok', 'an old proof logs in where no factor must be enrolled');

-- An identity whose address is a user's here is linked with the session, and not before
SELECT test.add_idp('{"sign_up":true,"linking":"verified"}');
SELECT jwt_create_user('dora', test.password(), email => 'dora@mail.example') AS dora, jwt_create_user('erin', test.password(), email => 'erin@mail.example') AS erin \gset
CREATE FUNCTION test.by_address(subject text, name text DEFAULT 'dora', claims jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT test.external(jsonb_build_object('sub', subject, 'email', name || '@mail.example', 'email_verified', true) || claims) $$;
CREATE FUNCTION test.notices(name text DEFAULT 'dora') RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT count(*) FROM jwt_auth.outbox WHERE kind = 'factor_added' AND recipient = name || '@mail.example' AND data ->> 'type' = 'identity' $$;
CREATE FUNCTION test.waiting() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT count(*) FROM jwt_auth.one_time_tokens WHERE purpose = 'link' AND consumed_at IS NULL AND expires_at > now() $$;
SELECT is(test.claims_of(test.by_address('e0', 'erin')) ->> 'sub', :'erin', 'without a factor, the identity logs in'),
	   is(test.identity_of('e0'), :'erin', 'and is linked at once'),
	   is(test.notices('erin'), 1::bigint, 'which the user is told'),
	   is(test.waiting(), 0::bigint, 'nothing waits');
BEGIN;
SELECT test.error_of(test.by_address('e1', 'erin')) AS rolled_back \gset
ROLLBACK;
SELECT is(:'rolled_back'::text, 'ok', 'a login that is rolled back'), is(test.identity_of('e1'), NULL, 'links nothing');
SELECT test.become(test.login('dora'));
SELECT test.enroll() AS secret, test.age_codes() \gset
SELECT test.become(NULL);
SELECT credentials_version AS version FROM jwt_auth.users WHERE id = :'dora' \gset
SELECT test.audit_count() AS audited, test.by_address('d1') AS asked \gset
SELECT is(test.error_of(:'asked'), 'mfa_required', 'with a factor, that is asked for'),
	   is(test.identity_of('d1'), NULL, 'the identity is not linked'),
	   is(test.notices(), 0::bigint, 'the user is told of none'),
	   is((SELECT credentials_version FROM jwt_auth.users WHERE id = :'dora'), :version::bigint, 'and nothing else is void');
SELECT is((SELECT array_agg(a) FROM test.audit_since(:audited) AS a), '{"identity_proven: provider idp",mfa_required}', 'the audit log has no link');
SELECT is(test.error_of(test.verify(:'asked', test.wrong_code(:'secret'))), 'invalid_grant', 'a wrong code'),
	   is(test.identity_of('d1'), NULL, 'links nothing'),
	   is(test.error_of(jwt_login_code((SELECT id::text FROM jwt_auth.one_time_tokens WHERE purpose = 'link' AND consumed_at IS NULL))), 'invalid_grant', 'what waits is no link to log in with'),
	   is(test.error_of(test.external('{"sub":"d1"}')), 'ok', 'without the address, the identity is not that of the user');
SELECT is(test.identity_of('d1') = :'dora', false, 'but of another'),
	   is(test.error_of(test.verify(:'asked', test.totp(:'secret'))), 'invalid_grant', 'an identity that became another user''s meanwhile'),
	   is(test.identity_of('d1') = :'dora', false, 'stays that user''s'),
	   is(test.last_audit(), 'login_denied: the identity cannot be linked any more', 'which is audited'),
	   is((SELECT count(*) FROM jwt_auth.sessions WHERE user_id = :'dora' AND method LIKE 'external%'), 0::bigint, 'no session begins');
SELECT test.age_codes(), test.by_address('d2') AS asked \gset
BEGIN;
SELECT test.error_of(test.verify(:'asked', test.totp(:'secret'))) AS rolled_back \gset
ROLLBACK;
SELECT is(:'rolled_back'::text, 'ok', 'a second factor that is rolled back'),
	   is(test.identity_of('d2'), NULL, 'links nothing');
BEGIN READ ONLY;
SELECT test.raises(format('SELECT jwt_mfa_verify(%L, ''totp'', ''{"code":"123456"}'')', :'asked'::jsonb ->> 'mfa_token'), '25006', 'read only: a second factor');
COMMIT;
SELECT test.audit_count() AS audited, test.verify(:'asked', test.totp(:'secret')) AS answer \gset
SELECT is(test.error_of(:'answer'), 'ok', 'the second factor logs in'),
	   is(test.claims_of(:'answer') ->> 'sub', :'dora', 'the user'),
	   is(test.identity_of('d2'), :'dora', 'and links the identity'),
	   is(test.notices(), 1::bigint, 'which the user is told'),
	   is(test.waiting(), 0::bigint, 'nothing waits any more');
SELECT is((SELECT array_agg(a) FROM test.audit_since(:audited) AS a), '{"identity_linked: provider idp","login: second factor"}', 'both are audited'),
	   is((SELECT credentials_version FROM jwt_auth.users WHERE id = :'dora'), :version::bigint + 1, 'tokens of before are void');
SELECT is(test.error_of(test.verify(:'asked', test.totp(:'secret'))), 'invalid_grant', 'the ticket counts once'),
	   is(test.external('{"sub":"d2"}') ->> 'error', 'mfa_required', 'the identity, which is linked, asks for the factor as ever');
-- Two tickets: the first link voids the second
SELECT test.by_address('d3') AS one, test.by_address('d4') AS two, test.by_address('d3') AS again, test.age_codes() \gset
SELECT is(test.error_of(test.verify(:'one', test.totp(:'secret'))), 'ok', 'one of three tickets'),
	   is(test.identity_of('d3'), :'dora', 'links its identity');
SELECT test.age_codes();
SELECT is(test.error_of(test.verify(:'two', test.totp(:'secret'))), 'invalid_grant', 'that for another identity is void'),
	   is(test.error_of(test.verify(:'again', test.totp(:'secret'))), 'invalid_grant', 'and so is another one for the same'),
	   is(test.identity_of('d4'), NULL, 'no other identity is linked');
-- What ends the wait: time, other credentials, a provider that is gone or links no more
SELECT test.by_address('d5') AS asked, test.age_codes() \gset
UPDATE jwt_auth.one_time_tokens SET expires_at = clock_timestamp() WHERE purpose = 'link';
SELECT is(test.error_of(test.verify(:'asked', test.totp(:'secret'))), 'invalid_grant', 'too late'), is(test.identity_of('d5'), NULL, 'nothing is linked after it expired');
SELECT test.by_address('d5') AS asked, test.age_codes() \gset
SELECT jwt_set_password(:'dora', test.password());
SELECT is(test.error_of(test.verify(:'asked', test.totp(:'secret'))), 'invalid_grant', 'after a new password'), is(test.identity_of('d5'), NULL, 'nothing is linked after that');
SELECT test.by_address('d5') AS asked, test.age_codes() \gset
SELECT test.add_idp('{"sign_up":true}');
SELECT is(test.error_of(test.verify(:'asked', test.totp(:'secret'))), 'invalid_grant', 'where linking was taken back'), is(test.identity_of('d5'), NULL, 'nothing is linked then');
SELECT test.add_idp('{"sign_up":true,"linking":"verified"}');
SELECT test.by_address('d5') AS asked, test.age_codes() \gset
SELECT jwt_remove_provider('idp');
SELECT is(test.error_of(test.verify(:'asked', test.totp(:'secret'))), 'invalid_grant', 'where the provider is gone'), is(test.identity_of('d5'), NULL, 'nothing is linked to it');
SELECT test.add_idp('{"sign_up":true,"linking":"verified"}');
SELECT test.by_address('d5') AS asked, test.age_codes() \gset
SELECT jwt_disable_user(:'dora');
SELECT is(test.error_of(test.verify(:'asked', test.totp(:'secret'))), 'invalid_grant', 'a user who is disabled'), is(test.identity_of('d5'), NULL, 'gets no identity');
SELECT jwt_enable_user(:'dora');
-- Beyond the limit of sessions
SET jwt_auth.session_limit_action = deny;
SELECT jwt_update_user(:'erin', max_sessions => 1);
SELECT is(test.error_of(test.by_address('e2', 'erin')), 'session_limit', 'a login that is denied by the limit of sessions'), is(test.identity_of('e2'), NULL, 'links nothing');
RESET jwt_auth.session_limit_action;
SELECT jwt_update_user(:'erin', max_sessions => -1);
-- By a factor that must be enrolled
SELECT jwt_update_user(:'erin', mfa_enrollment => 'required');
SELECT is(test.error_of(test.by_address('e3', 'erin', jsonb_build_object('auth_time', test.seconds(-301)))), 'login_required', 'where a factor must be enrolled, an old proof'), is(test.identity_of('e3'), NULL, 'links nothing');
SELECT test.by_address('e3', 'erin') AS asked \gset
SELECT jwt_enroll_totp(NULL, :'asked'::jsonb ->> 'mfa_token') AS begun \gset
SELECT is(test.error_of(:'asked'), 'mfa_enrollment_required', 'one of now asks to enroll it'), is(test.identity_of('e3'), NULL, 'and links nothing, either');
SELECT jwt_confirm_totp((:'begun'::jsonb ->> 'factor_id')::uuid, test.wrong_code(:'begun'::jsonb ->> 'secret'), :'asked'::jsonb ->> 'mfa_token') AS wrong \gset
SELECT is(test.error_of(:'wrong'), 'invalid_grant', 'a wrong first code'), is(test.identity_of('e3'), NULL, 'links nothing, nor');
SELECT jwt_confirm_totp((:'begun'::jsonb ->> 'factor_id')::uuid, test.totp(:'begun'::jsonb ->> 'secret'), :'asked'::jsonb ->> 'mfa_token') AS enrolled \gset
SELECT is(test.error_of(:'enrolled'), 'ok', 'the factor begins the session'),
	   is(test.identity_of('e3'), :'erin', 'and links the identity');
-- Sealed with the user, and purged
SELECT count(*) AS links FROM jwt_auth.one_time_tokens WHERE purpose = 'link' \gset
SELECT jwt_delete_user(:'dora');
SELECT cmp_ok((SELECT count(*) FROM jwt_auth.one_time_tokens WHERE purpose = 'link'), '<', :links::bigint, 'what waits goes with the user'),
	   is((SELECT count(*) FROM jwt_auth.one_time_tokens WHERE user_id = :'dora'), 0::bigint, 'all of it');
UPDATE jwt_auth.one_time_tokens SET expires_at = now() - interval '2 d' WHERE purpose = 'link';
SELECT is(jwt_purge() >= 1, true, 'jwt_purge');
SELECT is((SELECT count(*) FROM jwt_auth.one_time_tokens WHERE purpose = 'link'), 0::bigint, 'deletes what waited');
SELECT * FROM finish();
