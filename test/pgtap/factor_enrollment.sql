-- Users who must have a second factor (T129, T130, T133, T134): every login answers with
-- a ticket that enrolls one, and opens nothing else; the first code begins the session.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
-- At least 102 assertions
SELECT no_plan();
SELECT jwt_create_user('alice', test.password(), email => 'alice@mail.example') AS alice, test.create_user('bob') AS bob, test.create_user('carol') AS carol \gset
CREATE FUNCTION test.ticket(answer jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT answer ->> 'mfa_token' $$;
CREATE FUNCTION test.mailed(kind text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT m ->> 'token' FROM jsonb_array_elements(public.jwt_outbox_claim(100)) AS m WHERE m ->> 'kind' = $1 ORDER BY m ->> 'created_at' DESC LIMIT 1 $$;
CREATE FUNCTION test.confirm(begun jsonb, ticket text, code text DEFAULT NULL) RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_confirm_totp((begun ->> 'factor_id')::uuid, coalesce(code, test.totp(begun ->> 'secret')), ticket) $$;
SELECT test.login('alice') AS before \gset

-- Nobody must, unless that is said
SELECT is(current_setting('jwt_auth.mfa_enrollment'), 'optional', 'a second factor is optional'),
	   is(test.error_of(:'before'), 'ok', 'and a login asks for none');
SELECT test.raises('SET jwt_auth.mfa_enrollment = ''' || value || '''', '22023', 'mfa_enrollment is not ' || value) FROM unnest('{on,none,""}'::text[]) AS value;
SELECT jwt_update_user(:'bob', mfa_enrollment => 'required');
SELECT is(test.error_of(test.login('bob')), 'mfa_enrollment_required', 'an admin asks it of one user'),
	   is(test.error_of(test.login('carol')), 'ok', 'and of no other');
SET jwt_auth.mfa_enrollment = required;
SELECT jwt_update_user(:'carol', mfa_enrollment => 'optional');
SELECT is(test.error_of(test.login('alice')), 'mfa_enrollment_required', 'the setting asks it of all'),
	   is(test.error_of(test.login('carol')), 'ok', 'but of whom an admin has excepted');
SELECT jwt_update_user(:'carol', claims => '{"a":1}');
SELECT is(test.error_of(test.login('carol')), 'ok', 'which another change leaves');
SELECT jwt_update_user(:'carol', mfa_enrollment => '');
SELECT is(test.error_of(test.login('carol')), 'mfa_enrollment_required', 'until that is taken back');
SELECT test.raises(format('SELECT jwt_update_user(%L, mfa_enrollment => %L)', :'bob', value), '22023', 'no mfa_enrollment of a user: ' || value) FROM unnest('{on,Required,none}'::text[]) AS value;
SELECT test.raises(format('UPDATE jwt_auth.users SET mfa_enrollment = %L', value), '23514', 'nor by hand: ' || value) FROM unnest('{on,""}'::text[]) AS value;
SELECT is(test.error_of(test.login('alice', 'wrong')), 'invalid_grant', 'a wrong password is told nothing of it');
SELECT is(test.error_of(test.refresh(:'before')), 'ok', 'a session of before goes on'),
	   is(test.access(:'before'), NULL, 'so do its tokens');
SELECT is(test.error_of(jwt_start_session(:'alice', '{pwd}')), 'ok', 'an application that starts a session is not asked');

-- What it answers
SELECT count(*) AS sessions, test.audit_count() AS audited FROM jwt_auth.sessions \gset
SELECT test.login('alice') AS asked \gset
SELECT is(:'asked'::jsonb - 'mfa_token', '{"error": "mfa_enrollment_required", "error_description": "a second factor must be enrolled first", "expires_in": 300}', 'a login answers that a factor must be enrolled'),
	   matches(test.ticket(:'asked'), '^jam_[A-Za-z0-9_-]{238}$', 'with a ticket');
SELECT is((SELECT count(*) FROM jwt_auth.sessions), :'sessions', 'no session begins before it'),
	   is((SELECT array_agg(a) FROM test.audit_since(:audited) AS a), '{mfa_enrollment_required}', 'that is audited');

-- The ticket opens nothing else
SELECT is(test.error_of(jwt_mfa_verify(test.ticket(:'asked'), method, '{"code":"123456"}')), 'invalid_grant', 'it is no ticket of a second factor: ' || method) FROM unnest('{totp,recovery_code}'::text[]) AS method;
SELECT is(jwt_refresh(test.ticket(:'asked')) ->> 'error', 'invalid_grant', 'nor a refresh token'),
	   is(test.verdict(test.ticket(:'asked')), '28J00', 'nor an access token');
SELECT test.raises(call, '28J03', 'it is no identity: ' || call)
FROM unnest('{SELECT jwt_factors(),SELECT jwt_step_up(),SELECT jwt_make_recovery_codes(),SELECT jwt_identifiers(),SELECT jwt_enroll_totp()}'::text[]) AS call;

-- What is no such ticket enrolls nothing
SELECT jwt_enroll_totp('phone', test.ticket(:'asked')) AS begun \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'begun') AS k), '{expires_in,factor_id,secret,uri}', 'with the ticket, an authenticator is begun');
UPDATE jwt_auth.users SET mfa_enrollment = 'optional' WHERE id = :'carol';
SELECT test.login('carol') AS carol_login \gset
SELECT test.be(:'carol_login');
SELECT test.enroll() AS carol_secret \gset
SELECT set_config('jwt_auth.token', '', false) IS NULL AS unused \gset
SELECT is(test.error_of(test.login('carol')), 'mfa_required', 'whoever has a factor is asked for it instead');
SELECT is(test.error_of(jwt_enroll_totp(NULL, ticket)), 'invalid_grant', 'nothing is begun with ' || what),
	   is(test.error_of(test.confirm(:'begun', ticket)), 'invalid_grant', 'nothing is confirmed with ' || what),
	   is(test.error_of(jwt_passkey_register_options(ticket)), 'invalid_grant', 'no passkey is made with ' || what),
	   is(test.error_of(jwt_passkey_register('{}', NULL, ticket)), 'invalid_grant', 'no passkey is registered with ' || what)
FROM (VALUES ('an empty text', ''), ('a text', 'jam_x'), ('a refresh token', :'before'::jsonb ->> 'refresh_token'), ('an access token', left(:'before'::jsonb ->> 'access_token', 1000)),
	('a ticket of a second factor', test.ticket(test.login('carol'))),
	('another end', left(test.ticket(:'asked'), -1) || CASE right(test.ticket(:'asked'), 1) WHEN 'A' THEN 'Q' ELSE 'A' END)) AS v (what, ticket);
SELECT test.raises(call, '22023', call) FROM unnest(ARRAY['SELECT jwt_enroll_totp(NULL, repeat(''x'', 1025))', 'SELECT jwt_confirm_totp(gen_random_uuid(), ''123456'', repeat(''x'', 1025))',
	'SELECT jwt_passkey_register_options(repeat(''x'', 1025))', 'SELECT jwt_passkey_register(''{}'', NULL, repeat(''x'', 1025))']) AS call;

-- Of the ticket's user, whoever is the identity
SELECT test.login('bob') AS bob_asked \gset
SELECT is(test.error_of(test.confirm(:'begun', test.ticket(:'bob_asked'))), 'invalid_request', 'somebody else''s factor is not confirmed');
SELECT test.be(:'carol_login');
SELECT test.confirm(:'begun', test.ticket(:'asked'), test.wrong_code(:'begun'::jsonb ->> 'secret')) AS wrong \gset
SELECT is(test.error_of(:'wrong'), 'invalid_grant', 'a wrong code confirms nothing'),
	   is((SELECT array_agg(factor_failures ORDER BY username) FROM jwt_auth.users), '{1,0,0}', 'and counts for the user of the ticket');
SELECT test.audit_count() AS audited, credentials_version AS version FROM jwt_auth.users WHERE id = :'alice' \gset
BEGIN;
SELECT test.error_of(test.confirm(:'begun', test.ticket(:'asked'))) AS rolled_back \gset
ROLLBACK;
SELECT is(:'rolled_back'::text, 'ok', 'a confirmation that is rolled back is accepted');
SELECT test.confirm(:'begun', test.ticket(:'asked')) AS answer \gset
SELECT is(test.error_of(:'answer'), 'ok', 'leaves ticket and code, and the right code begins a session');
SELECT is(test.claims_of(:'answer') ->> 'sub', :'alice', 'of the user of the ticket'),
	   is(test.claims_of(:'answer') -> 'aal', '2', 'at level 2'),
	   is(test.claims_of(:'answer') -> 'amr', '["pwd", "otp", "mfa"]', 'by password and code'),
	   is((SELECT factor_id FROM jwt_auth.sessions WHERE id = test.session_of(:'answer')), (:'begun'::jsonb ->> 'factor_id')::uuid, 'and this factor');
SELECT is((SELECT array_agg(a) FROM test.audit_since(:audited) AS a), '{factor_added,"login: factor enrolled"}', 'both are audited'),
	   is((SELECT credentials_version FROM jwt_auth.users WHERE id = :'alice'), :'version'::bigint + 1, 'the version of the credentials rises'),
	   is((SELECT count(*) FROM jwt_auth.outbox WHERE kind = 'factor_added'), 1::bigint, 'the user is told of the factor');
SELECT is(test.error_of(jwt_enroll_totp(NULL, test.ticket(:'asked'))), 'invalid_grant', 'the ticket is used'),
	   is(test.error_of(test.confirm(:'begun', test.ticket(:'asked'))), 'invalid_grant', 'and confirms no more');
SELECT is(test.error_of(test.login('alice')), 'mfa_required', 'the next login asks for the factor');
SELECT test.be(:'answer');
SELECT is(jwt_remove_factor((:'begun'::jsonb ->> 'factor_id')::uuid), '{"status": "factor_removed"}', 'the last factor may be removed');
SELECT is(test.error_of(test.login('alice')), 'mfa_enrollment_required', 'and the next login asks to enroll one');

-- Void with the credentials, with the time, and with another ticket that was first
SELECT set_config('jwt_auth.token', '', false) IS NULL AS unused \gset
SELECT test.ticket(test.login('bob')) AS first, test.ticket(test.login('bob')) AS second \gset
SELECT jwt_enroll_totp('one', :'first') AS begun1, jwt_enroll_totp('two', :'second') AS begun2 \gset
SELECT is(test.error_of(test.confirm(:'begun1', :'second')), 'ok', 'any ticket of the user confirms'),
	   is(test.error_of(test.confirm(:'begun2', :'first')), 'invalid_grant', 'but one factor only');
SELECT jwt_reset_factors(:'bob');
SELECT test.ticket(test.login('bob')) AS ticket \gset
SELECT jwt_set_password(:'bob', 'another horse battery');
SELECT is(test.error_of(jwt_enroll_totp(NULL, :'ticket')), 'invalid_grant', 'a ticket of before the password changed is refused');
SELECT test.ticket(test.login('bob', 'another horse battery')) AS ticket \gset
SELECT jwt_disable_user(:'bob');
SELECT is(test.error_of(jwt_enroll_totp(NULL, :'ticket')), 'invalid_grant', 'a ticket of a disabled user is refused');
SELECT jwt_enable_user(:'bob');
SELECT is(test.error_of(jwt_enroll_totp(NULL, :'ticket')), 'invalid_grant', 'and stays void');
SELECT test.ticket(test.login('bob', 'another horse battery')) AS ticket, credentials_version FROM jwt_auth.users WHERE id = :'bob' \gset
SELECT jwt_enroll_totp(NULL, :'ticket') AS begun \gset
UPDATE jwt_auth.factors SET created_at = created_at - interval '10 min';
SELECT is(test.error_of(test.confirm(:'begun', :'ticket')), 'invalid_request', 'a factor that was not confirmed within ten minutes is void');
SELECT count(*) AS confirmed FROM jwt_auth.factors WHERE confirmed_at IS NOT NULL \gset
SELECT jwt_purge() > 0 AS purged \gset
SELECT ok(:'purged', 'jwt_purge deletes a factor that was not confirmed in time'),
	   is((SELECT count(*) FROM jwt_auth.factors), :'confirmed'::bigint, 'jwt_purge keeps factors that were confirmed, however old');
SELECT jwt_enroll_totp(NULL, :'ticket') IS NULL AS unused, jwt_purge() IS NULL AS purged \gset
SELECT is((SELECT count(*) FROM jwt_auth.factors WHERE confirmed_at IS NULL), 1::bigint, 'jwt_purge keeps a factor that may still be confirmed');
SELECT jwt_delete_user(:'bob');
SELECT is(test.error_of(jwt_enroll_totp(NULL, :'ticket')), 'invalid_grant', 'a ticket of a user who is gone is refused');

-- By mail, by sign-up and by invitation
SET jwt_auth.sign_up = on;
TRUNCATE jwt_auth.outbox;
SELECT jwt_request_login('alice@mail.example') ->> 'flow' AS flow \gset
SELECT jwt_login_code(test.mailed('login'), :'flow') AS asked \gset
SELECT is(test.error_of(:'asked'), 'mfa_enrollment_required', 'a login by mail asks to enroll a factor');
SELECT test.age_codes(), jwt_enroll_totp(NULL, test.ticket(:'asked')) AS begun \gset
SELECT test.confirm(:'begun', test.ticket(:'asked')) AS answer \gset
SELECT is((test.claims_of(:'answer') -> 'aal', test.claims_of(:'answer') -> 'amr')::text, '(2,"[""otp"", ""mfa""]")', 'mailbox and device are two kinds');
SELECT jwt_sign_up('dora@mail.example', test.password()) ->> 'flow' AS flow \gset
SELECT test.audit_count() AS audited \gset
SELECT jwt_confirm_sign_up(test.mailed('sign_up'), :'flow') AS asked \gset
SELECT is(test.error_of(:'asked'), 'mfa_enrollment_required', 'a sign-up asks to enroll a factor'),
	   is((SELECT array_agg(a) FROM test.audit_since(:audited) AS a), '{signed_up,mfa_enrollment_required}', 'and has made the user');
SELECT jwt_enroll_totp(NULL, test.ticket(:'asked')) AS begun \gset
SELECT is(test.error_of(test.confirm(:'begun', test.ticket(:'asked'))), 'ok', 'who gets a session with it');
SELECT jwt_invite('eve@mail.example') IS NULL AS unused \gset
SELECT jwt_accept_invitation(test.mailed('invitation'), test.password()) AS asked \gset
SELECT is(test.error_of(:'asked'), 'mfa_enrollment_required', 'an invitation asks to enroll a factor');
SELECT jwt_enroll_totp(NULL, test.ticket(:'asked')) AS begun \gset
SELECT is(test.error_of(test.confirm(:'begun', test.ticket(:'asked'))), 'ok', 'which begins the session');
SELECT jwt_recover(jwt_create_link(test.user_id('carol'), 'recovery'), 'another horse battery') ->> 'error' AS recovered \gset
SELECT is(:'recovered'::text, 'mfa_required', 'recovery asks for a factor that there is');
SELECT jwt_create_user('fay', test.password()) AS fay \gset
SELECT is(jwt_recover(jwt_create_link(:'fay', 'recovery'), 'another horse battery'), '{"status": "password_set"}', 'and for none where there is none');

-- Where nothing may be written
SELECT test.ticket(test.login('fay', 'another horse battery')) AS ticket \gset
BEGIN TRANSACTION READ ONLY;
SELECT test.raises(call, '25006', 'read only: ' || call)
FROM unnest(ARRAY[format('SELECT jwt_enroll_totp(NULL, %L)', :'ticket'), format('SELECT jwt_confirm_totp(gen_random_uuid(), ''123456'', %L)', :'ticket'), format('SELECT jwt_passkey_register(''{}'', NULL, %L)', :'ticket')]) AS call;
COMMIT;

SELECT * FROM finish();
