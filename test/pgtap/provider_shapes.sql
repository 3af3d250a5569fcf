-- ID tokens of the shapes that providers document (T159, T160, T161): each logs in with
-- the options that doc/providers.md names, and those of other applications do not.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/providers.psql
-- At least 48 assertions
SELECT no_plan();
SET jwt_auth.sign_up = on;

-- Issuer, client IDs, options, the claims, what is hashed, and the address that counts
CREATE TABLE test.shape (name text, issuer text, client_ids text[], options jsonb, claims jsonb, hashes boolean, email text);
INSERT INTO test.shape VALUES
	('google', 'https://accounts.google.com', '{1008719970978-web.apps.googleusercontent.com,1008719970978-android.apps.googleusercontent.com}', '{}',
	 '{"iss":"https://accounts.google.com","azp":"1008719970978-android.apps.googleusercontent.com","aud":"1008719970978-web.apps.googleusercontent.com","sub":"110169484474386276334","email":"billd1600@gmail.example","email_verified":true,"name":"Test User","picture":"https://lh4.googleusercontent.example/kYgzyAWpZzJ","given_name":"Test","family_name":"User","locale":"en"}', false, 'billd1600@gmail.example'),
	('workspace', 'https://accounts.google.com', '{web.apps.googleusercontent.com}', '{"email":"domains","domains":"staff.example"}',
	 '{"iss":"https://accounts.google.com","azp":"web.apps.googleusercontent.com","aud":"web.apps.googleusercontent.com","sub":"1","hd":"staff.example","email":"ann@staff.example","email_verified":true,"at_hash":"HK6E_P6Dh8Y93mRNtsDB1Q"}', false, 'ann@staff.example'),
	('apple', 'https://appleid.apple.com', '{com.example.app}', '{"nonce":"sha256"}',
	 '{"iss":"https://appleid.apple.com","aud":"com.example.app","sub":"001999.1f0bc1d3aa9d4b5a9c1b4a6a0f7c9d11.0908","c_hash":"HK6E_P6Dh8Y93mRNtsDB1Q","email":"dpdcnf87nu@privaterelay.appleid.example","email_verified":"true","is_private_email":"true","auth_time":1700000000,"nonce_supported":true,"real_user_status":2}', true, 'dpdcnf87nu@privaterelay.appleid.example'),
	('entra', 'https://login.microsoftonline.com/{tenantid}/v2.0', '{6cb04018-a3f5-46a7-b995-940c78f5aef3}', '{"tenants":["9122040d-6c67-4c5b-b112-36a304b66dad"]}',
	 '{"ver":"2.0","iss":"https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0","sub":"AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ","aud":"6cb04018-a3f5-46a7-b995-940c78f5aef3","name":"Abe Lincoln","preferred_username":"abeli@tenant.example","oid":"00000000-0000-0000-66f3-3332eca7ea81","tid":"9122040d-6c67-4c5b-b112-36a304b66dad","email":"abeli@tenant.example","aio":"Df2UVXL1ix","uti":"x","rh":"0.x"}', false, NULL),
	('entra-edov', 'https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0', '{6cb04018-a3f5-46a7-b995-940c78f5aef3}', '{"tenants":"9122040d-6c67-4c5b-b112-36a304b66dad"}',
	 '{"ver":"2.0","iss":"https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0","sub":"B","aud":"6cb04018-a3f5-46a7-b995-940c78f5aef3","tid":"9122040d-6c67-4c5b-b112-36a304b66dad","email":"verified@tenant.example","xms_edov":true}', false, 'verified@tenant.example'),
	('auth0', 'https://you.auth0.example/', '{kyxYg3nZTHJ}', '{}',
	 '{"nickname":"jdoe","name":"jdoe@auth0.example","picture":"https://s.gravatar.example/avatar","updated_at":"2026-11-01T00:00:00.000Z","email":"jdoe@auth0.example","email_verified":true,"iss":"https://you.auth0.example/","aud":"kyxYg3nZTHJ","sub":"auth0|6512a7d0c1c1c2","sid":"M5rPhqJ","https://you.example/roles":["admin"]}', false, 'jdoe@auth0.example'),
	('keycloak', 'https://keycloak.example/realms/app', '{web}', '{"aal2_acr":"2"}',
	 '{"auth_time":1700000000,"jti":"b9a3f2ba-1c43-4b02-9e06-c5f0a8f0a5a5","iss":"https://keycloak.example/realms/app","aud":"web","sub":"5b9a1d0e-a6a3-4b0d-b0ad-61d43a03e2cb","typ":"ID","azp":"web","session_state":"8a8f","at_hash":"HK6E_P6Dh8Y93mRNtsDB1Q","acr":"2","sid":"8a8f","email_verified":false,"preferred_username":"kim","email":"kim@keycloak.example"}', false, NULL);
SELECT lives_ok(format('SELECT jwt_add_provider(%L, %L, %L, %L, %L)', name, issuer, client_ids, test.idp_keys(), options), name || ': added') FROM test.shape;
-- A login with the claims of a shape, and others
CREATE FUNCTION test.shaped(name text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_login_external(s.name, test.id_token(claims || jsonb_build_object('nonce', CASE WHEN hashes THEN n ->> 'nonce_sha256' ELSE n ->> 'nonce' END) || more, 'r1'), CASE WHEN hashes THEN n ->> 'nonce' END)
   FROM test.shape AS s, public.jwt_external_nonce() AS n WHERE s.name = $1 $$;
SELECT is(test.error_of(test.shaped(name)), 'ok', name || ': logs in'),
	   is(test.error_of(test.shaped(name)), 'ok', name || ': logs in again') FROM test.shape;
SELECT is((SELECT string_agg(value, ' ') FROM jwt_auth.identifiers WHERE user_id = test.identity_of(claims ->> 'sub', name)), email, name || ': the address that counts') FROM test.shape;
SELECT is(test.error_of(test.shaped(name, '{"aud":"another application"}')), 'invalid_grant', name || ': for another application') FROM test.shape;
SELECT is(test.error_of(test.shaped(name, '{"nonce":"n-0S6_WzA2Mj"}')), 'invalid_grant', name || ': with a nonce of the application') FROM test.shape;
SELECT is(test.error_of(test.shaped('entra', '{"tid":"9188040d-6c67-4c5b-b112-36a304b66dad","iss":"https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"}')), 'invalid_grant', 'entra: a private account, whose tenant is not listed');
SELECT is(test.error_of(test.shaped('google', '{"azp":"2222-web.apps.googleusercontent.com"}')), 'invalid_grant', 'google: asked for by another application');
SELECT is(test.claims_of(test.shaped('keycloak')) -> 'auth_time', '1700000000', 'keycloak: the time of the login there counts'),
	   is(test.claims_of(test.shaped('keycloak')) -> 'aal', '1', 'keycloak: so long ago, level 2 has lapsed'),
	   is(test.claims_of(test.shaped('keycloak', jsonb_build_object('auth_time', test.seconds(-60)))) -> 'aal', '2', 'keycloak: acr is mapped');
SELECT is((SELECT count(*) FROM jwt_auth.users), (SELECT count(*) FROM test.shape), 'each is one user');
SELECT * FROM finish();
