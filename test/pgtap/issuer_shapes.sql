-- JWK Sets and tokens in the shapes in which issuers make them (F21, F23, T91,
-- T92): each is trusted with the options that its documentation asks for, and
-- becomes an identity with the role and the scopes that it names; the same
-- token for another application, by another key or of another issuer does not.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
-- At least 214 assertions
SET client_min_messages = error;
SELECT no_plan();
SELECT jwt_create_key('ES256', 'ours') \gset

-- Two pairs that the issuers share, under kids of their own, and one for nobody
CREATE TABLE public.pair AS
SELECT name, jwk_generate(alg) - 'kid' - 'alg' AS key
FROM (VALUES ('rsa', 'RS256'), ('rsa 2', 'RS256'), ('ec', 'ES256'), ('stranger', 'RS256')) AS v (name, alg);
-- A private key, and what its issuer publishes of it
CREATE FUNCTION pg_temp.private(signer text, members jsonb) RETURNS jsonb LANGUAGE sql AS
$$ SELECT key || members FROM public.pair WHERE name = signer $$;
CREATE FUNCTION pg_temp.published(published text, members jsonb) RETURNS jsonb LANGUAGE sql AS
$$ SELECT test.public(key) || members FROM public.pair WHERE name = published $$;

-- "alg" is the header's, "kid" that of the first pair; "header" is what else
-- stands there.  "role" and "scope" are what the token gives here.
CREATE TABLE public.shape (
	name text PRIMARY KEY, issuer text NOT NULL, keys jsonb NOT NULL, kid text NOT NULL, header jsonb NOT NULL, claims jsonb NOT NULL,
	audience text, roles name[] NOT NULL, options jsonb NOT NULL, role text, scope text);
INSERT INTO public.shape VALUES
	('Google', 'https://accounts.google.com', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"6a906ec119d7ba46a6a43ef1ea842e34a8ee08b4","alg":"RS256","use":"sig"}'),
		pg_temp.published('rsa 2', '{"kid":"0d8a67399e7882acae7d7f68b2280256a796a582","alg":"RS256","use":"sig"}')),
		'6a906ec119d7ba46a6a43ef1ea842e34a8ee08b4', '{"typ":"JWT"}',
		'{"azp":"web.apps.googleusercontent.com","aud":"ios.apps.googleusercontent.com","sub":"110169484474386276334",
		  "hd":"example.com","email":"a@example.com","email_verified":true,"at_hash":"HK6E_P6Dh8Y93mRNtsDB1Q","name":"A"}',
		'web.apps.googleusercontent.com', '{}', '{"audiences":["ios.apps.googleusercontent.com","android.apps.googleusercontent.com"]}', NULL, NULL),
	('Firebase', 'https://securetoken.google.com/project', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"f1","alg":"RS256","use":"sig"}')), 'f1', '{"typ":"JWT"}',
		'{"aud":"project","auth_time":1700000000,"user_id":"uY","sub":"uY","role":"regress_editor",
		  "firebase":{"identities":{"email":["a@example.com"]},"sign_in_provider":"password"}}',
		'project', '{regress_editor}', '{}', 'regress_editor', NULL),
	('Entra, version 2', 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', jsonb_build_array(
		pg_temp.published('rsa', '{"use":"sig","kid":"nOo3ZDrODXEK1jKWhXslHR_KXEg","x5t":"nOo3ZDrODXEK1jKWhXslHR_KXEg","x5c":["MIIC"],
			"cloud_instance_name":"microsoftonline.com","issuer":"https://login.microsoftonline.com/{tenantid}/v2.0"}'),
		pg_temp.published('rsa 2', '{"use":"sig","kid":"l3sQ-50cCH4xBVZLHTGwnSR7680","x5t":"l3sQ-50cCH4xBVZLHTGwnSR7680"}')),
		'nOo3ZDrODXEK1jKWhXslHR_KXEg', '{"typ":"JWT"}',
		'{"aud":"6e74172b-be56-4843-9ff4-e66a39bb12e3","azp":"72f988bf-86f1-41af-91ab-2d7cd011db47","azpacr":"0","ver":"2.0",
		  "oid":"690222be-ff1a-4d56-abd1-7e4f7d38e474","tid":"9188040d-6c67-4c5b-b112-36a304b66dad","sub":"HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
		  "scp":"access_as_user Files.Read","roles":["Unlisted.Role","regress_editor"],"rh":"I","uti":"fqiBqXLPj0eQa82S-IYFAA","wids":[]}',
		'6e74172b-be56-4843-9ff4-e66a39bb12e3', '{regress_editor}', '{"role_claim":"roles"}', 'regress_editor', 'Files.Read'),
	('Entra, version 1', 'https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/', jsonb_build_array(
		pg_temp.published('rsa', '{"use":"sig","kid":"nOo3","x5t":"nOo3","alg":null,"key_ops":null}')),
		'nOo3', '{"typ":"JWT","x5t":"nOo3"}',
		'{"aud":"api://app","appid":"72f988bf","appidacr":"1","idp":"https://sts.windows.net/x/","ver":"1.0","scp":"user_impersonation"}',
		'api://app', '{}', '{}', NULL, 'user_impersonation'),
	('Auth0', 'https://tenant.eu.auth0.com/', jsonb_build_array(
		pg_temp.published('rsa', '{"use":"sig","alg":"RS256","kid":"NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg","x5t":"NjVB","x5c":["MIIC"]}')),
		'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg', '{"typ":"at+jwt"}',
		'{"sub":"auth0|60c7","aud":["https://api.example","https://tenant.eu.auth0.com/userinfo"],"azp":"my_client_id","gty":"password",
		  "scope":"openid profile","permissions":["read:posts","write:posts"],"https://api.example/roles":["regress_editor"]}',
		'https://api.example', '{regress_editor}', '{"scope_claim":"permissions","role_claim":["https://api.example/roles"]}', 'regress_editor', 'write:posts'),
	('Okta', 'https://dev-1.okta.com/oauth2/default', jsonb_build_array(
		pg_temp.published('rsa', '{"alg":"RS256","kid":"U5R8cHbGw445Qbq8zVO1PcCpXL8yG6IcovVa3laCoxM","use":"sig"}')),
		'U5R8cHbGw445Qbq8zVO1PcCpXL8yG6IcovVa3laCoxM', '{}',
		'{"ver":1,"jti":"AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE","aud":"api://default","cid":"0oab8eb55Kb9jdMIr5d6","uid":"00u3b9wbzmgV2YrP2t7",
		  "scp":["openid","offline_access"],"sub":"a@example.com","groups":["Everyone","regress_editor"],"auth_time":1700000000}',
		'api://default', '{regress_editor}', '{"role_claim":["groups"]}', 'regress_editor', 'offline_access'),
	('Keycloak', 'https://kc.example/realms/app', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"same","alg":"RSA-OAEP","use":"enc","x5c":["MIIC"],"x5t#S256":"x"}'),
		pg_temp.published('rsa', '{"kid":"same","alg":"RS256","use":"sig","x5c":["MIIC"],"x5t#S256":"x"}'),
		'{"kid":"o","kty":"OKP","alg":"ECDH-ES","crv":"X25519","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'::jsonb),
		'same', '{"typ":"JWT"}',
		'{"jti":"f6","sub":"0190163d-8694-739b-aea5-966c26f8ad91","typ":"Bearer","azp":"frontend","sid":"0190163d-8694-739b-aea5-966c26f8ad91","acr":"1",
		  "allowed-origins":["https://app.example"],"realm_access":{"roles":["offline_access","uma_authorization","regress_editor","regress_reader"]},
		  "resource_access":{"frontend":{"roles":["regress_reader"]}},"scope":"openid email","email_verified":false}',
		'frontend', '{regress_reader,regress_editor}', '{"audience_claim":"azp","role_claim":["realm_access","roles"]}', 'regress_editor', 'email'),
	('Keycloak, roles of a client', 'https://kc.example/realms/two', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"same","alg":"RS256","use":"sig"}')), 'same', '{"typ":"JWT"}',
		'{"typ":"Bearer","azp":"frontend","aud":["backend","account"],"realm_access":{"roles":["regress_editor"]},
		  "resource_access":{"backend":{"roles":["view","regress_reader"]}},"scope":"openid"}',
		'backend', '{regress_reader,regress_editor}', '{"role_claim":["resource_access","backend","roles"]}', 'regress_reader', 'openid'),
	('Apple', 'https://appleid.apple.com', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"pggnQeNCOU","use":"sig","alg":"RS256"}'), pg_temp.published('rsa 2', '{"kid":"T8tIJ1zSrO","use":"sig","alg":"RS256"}')),
		'pggnQeNCOU', '{}',
		'{"aud":"com.example.app","sub":"001234.aaaa.1234","nonce_supported":true,"email":"x@privaterelay.appleid.com","email_verified":"true",
		  "is_private_email":"true","auth_time":1700000000,"c_hash":"uqpM"}',
		'com.example.web', '{regress_reader}', '{"audiences":["com.example.app"],"default_role":"regress_reader"}', 'regress_reader', NULL),
	('Cognito, access token', 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AAA', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"1234example=","use":"sig","alg":"RS256"}'), pg_temp.published('rsa 2', '{"kid":"5678example=","use":"sig","alg":"RS256"}')),
		'1234example=', '{}',
		'{"sub":"0190163d-8694-739b-aea5-966c26f8ad91","token_use":"access","client_id":"1example23456789","scope":"aws.cognito.signin.user.admin orders/read",
		  "cognito:groups":["other","regress_editor"],"username":"a","event_id":"e","origin_jti":"o","version":2,"auth_time":1700000000}',
		'1example23456789', '{regress_editor}', '{"audience_claim":"client_id","token_use":["access"],"role_claim":["cognito:groups"]}',
		'regress_editor', 'orders/read'),
	('Cognito, ID token', 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_BBB', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"1234example=","use":"sig","alg":"RS256"}')), '1234example=', '{}',
		'{"sub":"0190163d-8694-739b-aea5-966c26f8ad91","token_use":"id","aud":"1example23456789","email_verified":true,"cognito:username":"a"}',
		'1example23456789', '{}', '{"token_use":["id"]}', NULL, NULL),
	('Clerk', 'https://clerk.app.example', jsonb_build_array(
		pg_temp.published('rsa', '{"use":"sig","kid":"ins_2iA","alg":"RS256"}')), 'ins_2iA', '{"cat":"cl_B7d4PD111AAA","typ":"JWT"}',
		'{"azp":"https://app.example","sid":"sess_2","sub":"user_2","fva":[9,-1],"sts":"active","v":2,"o":{"id":"org_1","rol":"regress_editor","slg":"x"}}',
		'https://app.example', '{regress_editor}', '{"audience_claim":"azp","role_claim":["o","rol"]}', 'regress_editor', NULL),
	('GitHub Actions', 'https://token.actions.githubusercontent.com', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"cc413527-173f-5a05-976e-9c52b1d7b431","use":"sig","alg":"RS256","x5c":["MIIC"],"x5t":"eYbX"}')),
		'cc413527-173f-5a05-976e-9c52b1d7b431', '{"typ":"JWT","x5t":"eYbX"}',
		'{"jti":"7f","sub":"repo:example/app:ref:refs/heads/main","aud":"https://api.example","ref":"refs/heads/main","repository":"example/app",
		  "repository_owner":"example","run_attempt":"1","job_workflow_ref":"example/app/.github/workflows/x.yml@refs/heads/main","event_name":"push"}',
		'https://api.example', '{regress_reader}', '{"default_role":"regress_reader"}', 'regress_reader', NULL),
	('GitLab', 'https://gitlab.com', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"4i3sFE7sxqNPOT7FdvcGA1ZVGGI_r-tsDXnEuYT4ZqE","use":"sig","alg":"RS256"}')),
		'4i3sFE7sxqNPOT7FdvcGA1ZVGGI_r-tsDXnEuYT4ZqE', '{"typ":"JWT"}',
		'{"aud":"https://api.example","sub":"project_path:my/app:ref_type:branch:ref:main","namespace_path":"my","user_login":"a","ref_protected":"true","nbf":1700000000}',
		'https://api.example', '{}', '{}', NULL, NULL),
	('ForgeRock', 'https://am.example/am/oauth2', jsonb_build_array(
		pg_temp.published('rsa', '{"kid":"wU3ifIIaLOUAReRB/FG6eM1P1QM=","use":"sig","alg":"RS256","x5t":"5e"}'),
		pg_temp.published('rsa', '{"kid":"wU3ifIIaLOUAReRB/FG6eM1P1QM=","use":"sig","alg":"RS384","x5t":"5e"}'),
		pg_temp.published('rsa', '{"kid":"wU3ifIIaLOUAReRB/FG6eM1P1QM=","use":"sig","alg":"RS512","x5t":"5e"}'),
		pg_temp.published('ec', '{"kid":"ec","use":"sig","alg":"ES256"}'),
		pg_temp.published('rsa 2', '{"kid":"wU3ifIIaLOUAReRB/FG6eM1P1QM=","use":"enc","alg":"RSA-OAEP-256"}')),
		'wU3ifIIaLOUAReRB/FG6eM1P1QM=', '{"typ":"JWT"}',
		'{"sub":"a","cts":"OAUTH2_STATELESS_GRANT","auth_level":0,"aud":"client","tokenName":"access_token","token_type":"Bearer","realm":"/",
		  "grant_type":"client_credentials","scope":["write","read"],"expires_in":3600,"jti":"j"}',
		'client', '{}', '{}', NULL, 'read'),
	('a signer of old', 'old app', jsonb_build_array('{"kty":"oct","k":"c3VwZXItc2VjcmV0LWp3dC10b2tlbi13aXRoLTMyLWNoYXJhY3RlcnM","alg":"HS256"}'::jsonb),
		'', '{"typ":"JWT"}', '{"role":"regress_reader","user_id":7}',
		NULL, '{regress_reader}', '{"issuer":"none","audience":"none"}', 'regress_reader', NULL);

-- What a shape's issuer signs, with changed claims; by another pair, if told
CREATE FUNCTION pg_temp.token(s public.shape, changes jsonb DEFAULT '{}', pair text DEFAULT 'rsa', alg text DEFAULT 'RS256')
RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT jws_sign(convert_to((jsonb_build_object('iat', test.seconds(), 'exp', test.seconds(600))
				|| CASE WHEN s.kid = '' THEN '{}' ELSE jsonb_build_object('iss', s.issuer) END || s.claims || changes)::text, 'UTF8'),
			CASE s.kid WHEN '' THEN CASE pair WHEN 'rsa' THEN s.keys -> 0 ELSE jwk_generate('HS256') - 'kid' END
			ELSE pg_temp.private(pair, jsonb_build_object('kid', s.kid, 'alg', alg)) END, s.header) $$;

SELECT is(test.verdict(pg_temp.token(s)), '28J00', name || ': before its issuer is trusted, a token is refused') FROM public.shape AS s;
SELECT lives_ok(format('SELECT jwt_trust_issuer(%L, %L, %L, %L, %L)', issuer, jsonb_build_object('keys', keys), audience, roles, options),
				name || ': the issuer can be trusted')
FROM public.shape;
SELECT is(test.verdict(pg_temp.token(s)), NULL, name || ': a token verifies') FROM public.shape AS s;

-- What the identity is; the statement after the one that sets it asks
CREATE FUNCTION pg_temp.identity(token text, scope text) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM public.jwt_authenticate(token);
	RETURN concat_ws(' ', 'role', coalesce(public.jwt_role(), '-'), 'issuer', public.jwt_issuer(), 'user', coalesce(public.jwt_user_id()::text, '-'),
					 'session', coalesce(public.jwt_session_id()::text, '-'), 'scope', public.jwt_has_scope(scope), public.jwt_has_scope(scope || 'x'));
END
$$;
SELECT is(pg_temp.identity(pg_temp.token(s), coalesce(scope, 'openid')), format('role %s issuer %s user - session - scope %s f',
				 coalesce(role, '-'), issuer, CASE WHEN scope IS NULL THEN 'f' ELSE 't' END), name || ': a token becomes an identity with its role and scope')
FROM public.shape AS s;

-- Refused
SELECT is(test.verdict(pg_temp.token(s, '{}', 'stranger')), '28J00', name || ': refused: signed by a stranger''s key') FROM public.shape AS s;
SELECT is(test.verdict(pg_temp.token(s, '{"aud":"another","azp":"another","client_id":"another"}')), '28J00', name || ': refused: for another application'),
	   is(test.verdict(pg_temp.token(s, '{"aud":[]}')), '28J00', name || ': refused: for an empty list of applications'),
	   is(test.verdict(pg_temp.token(s, jsonb_build_object('exp', test.seconds(-600)))), '28J01', name || ': refused: expired'),
	   is(test.verdict(pg_temp.token(s, '{"iss":"https://nobody.example"}')), '28J00', name || ': refused: of an issuer nobody trusts'),
	   is(test.verdict(pg_temp.token(s, '{"iss":null}')), '28J00', name || ': refused: with an iss of null'),
	   is(test.verdict(test.tampered(pg_temp.token(s))), '28J00', name || ': refused: tampered')
FROM public.shape AS s;
SELECT is(test.verdict(pg_temp.token(s, '{"azp":null,"client_id":null}')), '28J00', name || ': refused: for no application')
FROM public.shape AS s WHERE options ? 'audience_claim' AND NOT claims ? 'aud';
SELECT is(test.verdict(pg_temp.token(s, '{}', 'rsa 2')), '28J00', name || ': refused: signed by another key of the set, under this kid')
FROM public.shape AS s WHERE jsonb_array_length(keys) > 1;
SELECT is(test.verdict(pg_temp.token(s, '{}', 'rsa', alg)), state, format('ForgeRock: %s under the same kid', alg))
FROM public.shape AS s, (VALUES ('RS256', NULL), ('RS384', NULL), ('RS512', NULL), ('PS256', '28J00'), ('PS512', '28J00')) AS v (alg, state)
WHERE name = 'ForgeRock';
SELECT is(test.verdict(pg_temp.token(s, jsonb_build_object('token_use', use))), CASE WHEN s.claims ->> 'token_use' = use THEN NULL ELSE '28J00' END,
		  format('%s with token_use %s', name, use))
FROM public.shape AS s, unnest('{access,id,refresh,""}'::text[]) AS use WHERE name LIKE 'Cognito%';
SELECT is(test.verdict(pg_temp.token(s, '{"token_use":null}')), '28J00', name || ': refused: with token_use null') FROM public.shape AS s WHERE name LIKE 'Cognito%';
SELECT test.raises(format('SELECT jwt_authenticate(%L)', pg_temp.token(s, '{"token_use":"id"}')), '28J00', name || ': an ID token is no identity')
FROM public.shape AS s WHERE NOT options ? 'token_use';

SELECT * FROM finish();
