-- Bans (T171): sessions and tokens end at once, every way in is closed with the answer
-- of any denial until the time that was given, which no job must end, and what was
-- handed out before stays void when it has come.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
\ir include/providers.psql
-- At least 73 assertions
SELECT no_plan();
CREATE ROLE regress_ban_caller;
SELECT jwt_create_user('alice', test.password(), email => 'alice@mail.example') AS alice, test.create_user('bob') AS bob,
	   jwt_create_user('carol', test.password(), email => 'carol@mail.example') AS carol \gset
SELECT test.add_idp('{"linking":"verified","email":"claim"}');
SELECT test.import_own_secret();
CREATE FUNCTION test.links() RETURNS TABLE (kind text, token text) LANGUAGE sql VOLATILE AS
$$ SELECT m ->> 'kind', m ->> 'token' FROM jsonb_array_elements(public.jwt_outbox_claim(100)) AS m $$;
-- The clock moves past the end of all bans
CREATE FUNCTION test.outlast_bans() RETURNS void LANGUAGE sql VOLATILE AS
$$ UPDATE jwt_auth.users SET banned_until = clock_timestamp() - interval '1 us' WHERE banned_until IS NOT NULL $$;

-- What is refused, and changes nothing
SELECT test.audit_count() AS audited \gset
SELECT test.raises(format('SELECT jwt_ban_user(%s)', arguments), '22023', 'a ban is refused: ' || what)
FROM (VALUES ('NULL', 'no user'), ('gen_random_uuid()', 'an unknown user'), (format('%L, now()', :'alice'), 'until now'),
	(format('%L, now() - interval ''1 s''', :'alice'), 'until a second ago'), (format('%L, ''-infinity''', :'alice'), 'until ever before'),
	(format('%L, NULL, repeat(''x'', 1025)', :'alice'), 'a reason that is too long')) AS v (arguments, what);
SELECT test.raises('SELECT jwt_unban_user(NULL)', '22023', 'lifting the ban of no user is refused'),
	   test.raises('SELECT jwt_unban_user(gen_random_uuid())', '22023', 'lifting the ban of an unknown user is refused');
SET ROLE regress_ban_caller;
SELECT test.raises(format('SELECT jwt_ban_user(%L)', :'alice'), '42501', 'a role without rights cannot ban'),
	   test.raises(format('SELECT jwt_unban_user(%L)', :'alice'), '42501', 'a role without rights cannot lift a ban');
RESET ROLE;
BEGIN READ ONLY;
SELECT test.raises(format('SELECT jwt_ban_user(%L)', :'alice'), '25006', 'a read-only transaction cannot ban'),
	   test.raises(format('SELECT jwt_unban_user(%L)', :'alice'), '25006', 'a read-only transaction cannot lift a ban');
ROLLBACK;
SELECT test.raises(format('UPDATE jwt_auth.users SET banned_until = ''infinity'' WHERE id = %L', :'alice'), '23514', 'a ban in the table needs the time when it began');
SELECT is((SELECT count(*) FROM jwt_auth.users WHERE banned_at IS NOT NULL OR banned_until IS NOT NULL), 0::bigint, 'refused bans leave nobody banned'),
	   is(test.audit_count(), :'audited', 'refused bans are not audited');

-- What alice has when the ban comes
SELECT test.login('alice') AS one \gset
SELECT test.login('alice') AS two \gset
SELECT test.login('bob') AS bobs \gset
SELECT jwt_sign(jsonb_build_object('sub', :'alice')) AS sessionless, jwt_sign(jsonb_build_object('sub', :'bob')) AS other,
	   jwt_create_link(:'alice', 'recovery') AS recovery, jwt_create_link(:'alice', 'login') AS login \gset
SELECT test.error_of(test.external('{"email":"alice@mail.example","email_verified":true}')) AS linked \gset
SELECT is(:'linked'::text, 'ok', 'alice has an identity at a provider');
SELECT is(test.verdict(:'sessionless'), NULL, 'before the ban, a token without session is valid');

-- A ban that is rolled back
BEGIN;
SELECT jwt_ban_user(:'alice');
SELECT is(test.access(:'one'), '28J02', 'a ban is in force in the transaction that imposes it');
ROLLBACK;
SELECT is(test.access(:'one'), NULL, 'after a ban was rolled back, the token is valid'),
	   is(test.verdict(:'sessionless'), NULL, 'after a ban was rolled back, a token without session is valid'),
	   is(test.error_of(test.login('alice')), 'ok', 'after a ban was rolled back, the user can log in');

-- What lets a user in again and is rolled back: no session remembers it
SELECT test.create_user('dora') AS dora \gset
SELECT jwt_sign(jsonb_build_object('sub', :'dora')) AS doras \gset
SELECT jwt_disable_user(:'dora');
SELECT is(test.verdict(:'doras'), '28J02', 'a token without session of a disabled user is denied');
BEGIN;
SELECT jwt_enable_user(:'dora');
SELECT is(test.verdict(:'doras'), NULL, 'the transaction that enables the user finds the token valid');
ROLLBACK;
SELECT is(test.verdict(:'doras'), '28J02', 'after the user was enabled and that was rolled back, the token is denied');
BEGIN;
UPDATE jwt_auth.users SET disabled_at = NULL WHERE id = :'dora';
SELECT is(test.verdict(:'doras'), NULL, 'the transaction that enables the user in the table finds the token valid');
ROLLBACK;
SELECT is(test.verdict(:'doras'), '28J02', 'after that was rolled back, the token is denied');

-- A ban of a day
SELECT test.audit_count() AS audited \gset
SELECT jwt_ban_user(:'alice', now() + interval '1 day', 'spam') IS NULL AS unused \gset
SELECT is((SELECT (banned_at <= now(), banned_until = now() + interval '1 day', ban_reason)::text FROM jwt_auth.users WHERE id = :'alice'), '(t,f,spam)', 'the row has beginning, end and reason of the ban'),
	   is(array_agg(a), '{user_banned: spam}', 'a ban is audited with its reason') FROM test.audit_since(:'audited') AS a;
SELECT is(test.access(:'one'), '28J02', 'a ban revokes an access token'),
	   is(test.access(:'two'), '28J02', 'a ban revokes the access token of another session'),
	   is(test.verdict(:'sessionless'), '28J02', 'a ban revokes a token without session'),
	   is(test.verdict(jwt_sign(jsonb_build_object('sub', :'alice', 'iat', test.seconds(5)))), '28J02', 'a token without session that is issued during the ban is refused'),
	   is(test.revoke_reason(:'one'), 'user banned', 'the session says why it ended'),
	   is(test.live_sessions('alice'), 0::bigint, 'a banned user has no live session'),
	   is(test.access(:'bobs'), NULL, 'a ban leaves another user''s token valid'),
	   is(test.verdict(:'other'), NULL, 'a ban leaves another user''s token without session valid');
SELECT test.raises(format('SELECT jwt_authenticate(%L)', :'one'::jsonb ->> 'access_token'), '28J02', 'a banned user is no identity');

-- Every way in, with the answer that any denial has
SELECT jwt_login('alice', 'a wrong horse battery') AS wrong \gset
SELECT is(test.login('alice'), :'wrong'::jsonb, 'a banned user who logs in gets the answer of a wrong password'),
	   is(test.refresh(:'one'), jwt_refresh('jar_x'), 'a banned user who refreshes gets the answer of an unknown token');
SELECT test.age_failures('2 h');
SELECT is(test.login('alice') - 'retry_after', :'wrong'::jsonb, 'the answer stays the same later') ;
SELECT is(jwt_login_code(:'login'), jwt_login_code('jat_x'), 'a link to log in is as good as an unknown one'),
	   is(jwt_recover(:'recovery', 'another horse battery'), jwt_recover('jat_x', 'another horse battery'), 'a link to recover is as good as an unknown one'),
	   is(test.error_of(test.external()), 'invalid_grant', 'an ID token lets no banned user in'),
	   is(test.error_of(jwt_start_session(:'alice')), 'invalid_grant', 'the application cannot begin a session for a banned user');
SELECT is(jwt_start_session(:'alice') ->> 'error_description', 'the user is disabled', 'the application is told what it is told of a disabled user');
SELECT jwt_request_recovery('alice@mail.example') IS NULL AS unused, jwt_request_login('alice@mail.example') IS NULL AS unused2 \gset
SELECT is((SELECT count(*) FROM test.links() WHERE token IS NOT NULL), 0::bigint, 'no link is sent to a banned user');
SELECT is((SELECT array_agg(DISTINCT reason) FROM jwt_auth.audit_log WHERE event IN ('login_denied', 'refresh_denied') AND user_id = :'alice' AND reason LIKE '%banned'),
		  '{"provider idp: user banned","user banned"}', 'only the audit log knows of the ban');
SELECT jwt_enable_user(:'alice');
SELECT is(test.error_of(test.login('alice')), 'invalid_grant', 'enabling a user lifts no ban');

-- It ends by itself
SELECT jwt_create_link(:'alice', 'login') AS during \gset
SELECT test.outlast_bans();
SELECT test.age_failures('2 h');
SELECT is(test.error_of(test.login('alice')), 'ok', 'when the ban has ended, the user can log in'),
	   is(test.error_of(test.external()), 'ok', 'when the ban has ended, the user can log in at the provider'),
	   is(test.access(:'one'), '28J02', 'when the ban has ended, a former access token stays revoked'),
	   is(test.error_of(test.refresh(:'two')), 'invalid_grant', 'when the ban has ended, a former refresh token stays denied'),
	   is(test.verdict(:'sessionless'), '28J02', 'when the ban has ended, a former token without session stays revoked'),
	   is(test.error_of(jwt_login_code(:'login')), 'invalid_grant', 'when the ban has ended, a former link stays void'),
	   is(test.verdict(jwt_sign(jsonb_build_object('sub', :'alice', 'iat', test.seconds(5)))), NULL, 'when the ban has ended, a new token without session is valid'),
	   is(test.verdict(test.own(format('"sub":"%s"', :'alice'))), '28J02', 'after a ban, a token without session that does not tell its age is refused');

-- Without end, changed, and lifted
SELECT test.login('alice') AS one \gset
SELECT jwt_ban_user(:'alice');
SELECT is((SELECT (banned_until, ban_reason)::text FROM jwt_auth.users WHERE id = :'alice'), '(infinity,)', 'a ban without a time has no end'),
	   is(test.access(:'one'), '28J02', 'a second ban ends the sessions since the first');
SELECT jwt_ban_user(:'alice', clock_timestamp() + interval '1 h', 'for an hour');
SELECT is((SELECT ban_reason FROM jwt_auth.users WHERE id = :'alice'), 'for an hour', 'a ban replaces the former one');
SELECT test.audit_count() AS audited \gset
SELECT jwt_unban_user(:'alice');
SELECT is(array_agg(a), '{user_unbanned}', 'lifting a ban is audited') FROM test.audit_since(:'audited') AS a;
SELECT is((SELECT (banned_until, ban_reason)::text FROM jwt_auth.users WHERE id = :'alice'), '(,)', 'a lifted ban leaves neither end nor reason'),
	   is(test.error_of(test.login('alice')), 'ok', 'after a ban was lifted, the user can log in'),
	   is(test.access(:'one'), '28J02', 'after a ban was lifted, a former access token stays revoked');
SELECT jwt_unban_user(:'alice');
SELECT jwt_disable_user(:'alice');
SELECT jwt_unban_user(:'alice');
SELECT is(test.error_of(test.login('alice')), 'invalid_grant', 'lifting a ban enables nobody');
SELECT jwt_enable_user(:'alice');

-- Between two proofs
SELECT test.login('carol') AS carols \gset
SELECT test.be(:'carols');
SELECT test.enroll('phone') AS secret \gset
SELECT set_config('jwt_auth.token', '', false);
SELECT test.login('carol') ->> 'mfa_token' AS ticket \gset
SELECT jwt_ban_user(:'carol', now() + interval '1 h');
SELECT test.age_codes();
SELECT is(jwt_mfa_verify(:'ticket', 'totp', jsonb_build_object('code', test.totp(:'secret'))) ->> 'error_description', 'the code or passkey is wrong, expired or was used', 'the second proof of a banned user gets the answer of a wrong code'),
	   is(test.error_of(test.login('carol')), 'invalid_grant', 'a banned user with a factor gets no ticket');
SELECT test.outlast_bans();
SELECT test.age_failures('2 h');
SELECT is(test.error_of(jwt_mfa_verify(:'ticket', 'totp', jsonb_build_object('code', test.totp(:'secret')))), 'invalid_grant', 'when the ban has ended, a former ticket stays void'),
	   is(test.error_of(test.login('carol')), 'mfa_required', 'when the ban has ended, the second factor is asked for');

-- In the table
SELECT test.login('bob') AS bobs \gset
SELECT test.audit_count() AS audited \gset
UPDATE jwt_auth.users SET banned_at = clock_timestamp(), banned_until = 'infinity' WHERE id = :'bob';
SELECT is(array_agg(a), '{user_banned}', 'a ban in the table is audited') FROM test.audit_since(:'audited') AS a;
SELECT is(test.access(:'bobs'), '28J02', 'a ban in the table revokes an access token'),
	   is(test.verdict(:'other'), '28J02', 'a ban in the table revokes a token without session'),
	   is(test.revoke_reason(:'bobs'), 'user banned', 'a ban in the table ends the session'),
	   is(test.error_of(test.login('bob')), 'invalid_grant', 'a user banned in the table cannot log in');
UPDATE jwt_auth.users SET banned_until = NULL WHERE id = :'bob';
SELECT is(test.error_of(test.login('bob')), 'ok', 'once a ban was lifted in the table, the user can log in');

DROP OWNED BY regress_ban_caller;
DROP ROLE regress_ban_caller;
SELECT * FROM finish();
