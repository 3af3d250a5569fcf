-- Identity providers and second factors (T133, T168): how old the provider's proof may
-- be to enroll a factor, and which proof counts after one was shown.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
\ir include/providers.psql
-- At least 45 assertions
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
SELECT * FROM finish();
