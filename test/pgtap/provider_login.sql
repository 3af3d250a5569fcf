-- Login with an identity provider (T157, T158, T159, T160, T161, T163, T164, T165, T167, T168):
-- which ID tokens count, for whom, once, and with a nonce of ours; what users are made
-- of them; and what an administrator may say of a provider.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
\ir include/providers.psql
-- At least 281 assertions
SELECT no_plan();
CREATE ROLE regress_provider_member;
SET jwt_auth.issuer = 'https://own.example';

-- What an administrator may say of a provider
SELECT test.raises(format('SELECT jwt_add_provider(%s)', call), '22023', 'not usable: ' || what)
FROM (VALUES
	('a name with an upper-case letter', $$'Idp', 'https://idp.example', '{app}', %s$$), ('an empty name', $$'', 'https://idp.example', '{app}', %s$$),
	('a name with a slash', $$'a/b', 'https://idp.example', '{app}', %s$$), ('a long name', $$repeat('a', 64), 'https://idp.example', '{app}', %s$$),
	('an empty issuer', $$'idp', '', '{app}', %s$$), ('a long issuer', $$'idp', repeat('i', 1025), '{app}', %s$$), ('our own issuer', $$'idp', 'https://own.example', '{app}', %s$$),
	('no client ID', $$'idp', 'https://idp.example', '{}', %s$$), ('an empty client ID', $$'idp', 'https://idp.example', '{""}', %s$$), ('a null client ID', $$'idp', 'https://idp.example', '{NULL}', %s$$),
	('client IDs in two dimensions', $$'idp', 'https://idp.example', '{{app}}', %s$$), ('too many client IDs', $$'idp', 'https://idp.example', array_fill('x'::text, '{65}'), %s$$),
	('tenants that are not listed', $$'idp', 'https://idp.example/{tenantid}', '{app}', %s$$)) AS v (what, arguments), LATERAL format(arguments, quote_literal(test.idp_keys())) AS call;
SELECT test.raises(format('SELECT jwt_add_provider(''idp'', ''https://idp.example'', ''{app}'', %L)', jwks), '22023', 'not usable as keys: ' || what)
FROM (VALUES ('a secret', jwk_generate('HS256')), ('a private key', jwk_generate('ES256')), ('an empty set', '{"keys":[]}'), ('no object', '[]'), ('a set with a secret only', jsonb_build_object('keys', jsonb_build_array(jwk_generate('HS256', 'h'))))) AS v (what, jwks);
SELECT test.raises(format('SELECT test.add_idp(%L)', options), '22023', 'not usable as options: ' || options::text)
FROM unnest(ARRAY['[]', 'null', '"x"', '{"x":1}', '{"nonce":"md5"}', '{"nonce":1}', '{"email":"always"}', '{"email":true}', '{"email":"domains"}', '{"domains":"a.example"}', '{"email":"domains","domains":[]}',
	'{"email":"domains","domains":"a@b.example"}', '{"email":"domains","domains":"not a domain"}', '{"linking":"always"}', '{"linking":null}', '{"sign_up":"on"}', '{"tenants":[]}', '{"tenants":[1]}', '{"aal2_acr":1}', '{"aal2_amr":{}}',
	'{"jwks_uri":"http://idp.example/keys"}', '{"jwks_uri":"https://idp.example/a b"}', '{"jwks_uri":1}']::jsonb[]) AS options;
SELECT is(jwt_providers(), '[]', 'what is refused leaves nothing');
SELECT test.raises(format('SELECT jwt_update_provider_keys(''idp'', %L)', test.idp_keys()), '22023', 'the keys of no provider'), test.raises('SELECT jwt_remove_provider(''idp'')', '22023', 'removing no provider');
SELECT is(jwt_login_external('idp', test.id_token()) ->> 'error', 'invalid_request', 'a login with no provider'),
	   is(jwt_login_external(repeat('i', 100), 'x') ->> 'error', 'invalid_request', 'a login with what no provider can be called');

-- Nothing that is trusted as an identity
SELECT jwt_trust_issuer('https://idp.example', test.idp_keys(), 'app');
SELECT test.raises('SELECT test.add_idp()', '22023', 'an issuer that is trusted with a client ID as audience');
SELECT jwt_trust_issuer('https://idp.example', test.idp_keys(), 'api', '{}', '{"audiences":["x","app-ios"]}');
SELECT test.raises('SELECT test.add_idp()', '22023', 'or with one as another audience');
SELECT jwt_trust_issuer('https://idp.example', test.idp_keys(), 'api');
SELECT lives_ok('SELECT test.add_idp(''{"sign_up":true}'')', 'an issuer that is trusted with another audience');
SELECT test.raises(format('SELECT jwt_trust_issuer(''https://idp.example'', %L, %L, ''{}'', %L)', test.idp_keys(), audience, options), '22023', 'trusting a provider''s issuer: ' || audience || options)
FROM (VALUES ('app', '{}'), ('app-ios', '{}'), ('api', '{"audiences":"app"}')) AS v (audience, options);
SELECT lives_ok(format('SELECT jwt_trust_issuer(''https://idp.example'', %L, ''app'', ''{}'', ''{"issuer":"none"}'')', test.idp_keys()), 'an issuer whose tokens carry no iss');
SELECT jwt_distrust_issuer('https://idp.example');
SELECT is(jsonb_array_length(jwt_providers()), 1, 'the provider is there'),
	   is(jwt_providers() -> 0 ->> 'client_ids', '["app", "app-ios"]', 'with its client IDs'),
	   is((jwt_providers() -> 0) - '{jwks,created_at,updated_at}'::text[], '{"name":"idp","issuer":"https://idp.example","client_ids":["app","app-ios"],"options":{"sign_up":true},"keys_wanted_at":null}', 'and what was given of it'),
	   is((SELECT array_agg(DISTINCT reason) FROM jwt_auth.audit_log WHERE event = 'provider_added'), '{idp}', 'adding is audited');

-- A first login makes a user
SELECT test.external('{"email":"Alice@Mail.example","email_verified":true}') AS first \gset
SELECT is(test.error_of(:'first'), 'ok', 'a first login'),
	   is(test.access(:'first'), NULL, 'whose access token is valid'),
	   is(test.error_of(test.refresh(:'first')), 'ok', 'and whose refresh token is');
SELECT user_id AS alice FROM jwt_auth.identities \gset
SELECT is(test.claims_of(:'first') ->> 'sub', :'alice', 'the token is the new user''s'),
	   is(test.claims_of(:'first') - '{iat,exp,auth_time,jti,sid,sub}'::text[], '{"iss":"https://own.example","aal":1,"acr":"aal1","amr":["fed"]}', 'and says no more than that'),
	   is((SELECT row(provider, issuer, subject)::text FROM jwt_auth.identities), '(idp,https://idp.example,sub-1)', 'the identity is kept'),
	   is((SELECT row(kind, value, verified_at IS NOT NULL)::text FROM jwt_auth.identifiers WHERE user_id = :'alice'), '(email,Alice@Mail.example,t)', 'the address is a verified identifier'),
	   is((SELECT row(role, claims, password_hash)::text FROM jwt_auth.users WHERE id = :'alice'), '(,{},)', 'there is no role, claim or password'),
	   is((SELECT array_agg(a) FROM test.audit_since(test.audit_count() - 2) AS a), '{signed_up: provider idp,login: provider idp}', 'the audit log tells the provider');
SELECT is(test.claims_of(test.external('{"email":"other@mail.example","email_verified":true}', kid => k)) ->> 'sub', :'alice', 'a later login by a key of ' || k) FROM unnest('{r1,e1,d1}'::text[]) AS k;
SELECT is((SELECT count(*) FROM jwt_auth.identifiers), 1::bigint, 'which changes no identifier'),
	   is(test.error_of(test.login('alice@mail.example')), 'invalid_grant', 'and gives no password');
SELECT is(test.verdict(test.id_token()), '28J00', 'an ID token does not verify'), test.raises(format('SELECT jwt_authenticate(%L)', test.id_token()), '28J00', 'an ID token is no identity'),
	   is(jwt_introspect(test.id_token()), '{"active": false}', 'an ID token is not active'), test.raises(format('SELECT jwt_consume(%L)', test.id_token()), '28J00', 'an ID token is not for a single use here');

-- What is no ID token of this provider, for us, of now
CREATE FUNCTION test.refused(claims jsonb, description text, kid text DEFAULT 'e1') RETURNS SETOF text LANGUAGE sql VOLATILE AS
$$ SELECT is(test.external(claims, kid => kid) - 'error_description', '{"error":"invalid_grant"}', 'refused: ' || description) $$;
SELECT test.refused(claims, what)
FROM (VALUES
	(jsonb '{"aud":"other"}', 'for another application'), ('{"aud":["other","app"]}', 'for several without azp'), ('{"aud":["app","other"],"azp":"other"}', 'for several, asked for by another'),
	('{"azp":"other"}', 'for us, asked for by another'), ('{"azp":1}', 'an azp that is a number'), ('{"aud":["app","app-ios"],"azp":""}', 'an empty azp'), ('{"aud":["other"],"azp":"app"}', 'for another, asked for by us'), ('{"aud":[]}', 'for nobody'), ('{"aud":null}', 'without aud'), ('{"aud":{"app":1}}', 'an aud that is an object'), ('{"aud":["app",1]}', 'an aud with a number'),
	('{"iss":"https://idp.example/"}', 'of another issuer'), ('{"iss":null}', 'without iss'), ('{"iss":["https://idp.example"]}', 'with an array as iss'), ('{"iss":"https://own.example"}', 'of our own name'),
	('{"sub":null}', 'without sub'), ('{"sub":""}', 'with an empty sub'), ('{"sub":1}', 'with a number as sub'), (jsonb_build_object('sub', repeat('s', 256)), 'with a long sub'),
	(jsonb_build_object('exp', test.seconds(-31)), 'expired'), ('{"exp":null}', 'without exp'), ('{"exp":"never"}', 'with a text as exp'), (jsonb_build_object('nbf', test.seconds(60)), 'not yet valid'),
	(jsonb_build_object('iat', test.seconds(-635)), 'issued more than 10 minutes ago'), ('{"iat":null}', 'without iat'), (jsonb_build_object('iat', test.seconds(60), 'exp', test.seconds(600)), 'issued in the future'),
	('{"nonce":null}', 'without nonce'), ('{"nonce":""}', 'with an empty nonce'), ('{"nonce":"a nonce of the client"}', 'with a nonce of the client''s own'), ('{"nonce":1}', 'with a number as nonce'), (jsonb_build_object('nonce', overlay(test.nonce() PLACING 'AAAA' FROM 90)), 'with a changed nonce'), (jsonb_build_object('nonce', left(test.nonce(), 60)), 'with half a nonce'),
	('{"token_use":"access"}', 'an access token by token_use'), ('{"token_use":1}', 'a number as token_use'), ('{"events":{"http://schemas.openid.net/event/backchannel-logout":{}}}', 'a token for a logout')) AS v (claims, what);
SELECT test.refused(claims - 'x', 'also where exp is not required: without exp') FROM (VALUES (jsonb '{"exp":null}')) AS v (claims);
SET jwt_auth.require_exp = off;
SELECT test.refused('{"exp":null}', 'without exp, where our own tokens need none');
RESET jwt_auth.require_exp;
SELECT is(test.error_of(test.external(claims)), 'ok', 'accepted: ' || claims::text)
FROM (VALUES (jsonb '{"aud":["app"]}'), ('{"aud":"app-ios"}'), ('{"azp":"app"}'), ('{"aud":["other","app"],"azp":"app"}'), ('{"aud":["app","app-ios"],"azp":"app-ios"}'), ('{"token_use":"id"}'), (jsonb_build_object('exp', test.seconds(-20), 'iat', test.seconds(-300))), (jsonb_build_object('iat', test.seconds(-590)))) AS v (claims);
SELECT is(test.error_of(jwt_login_external('idp', token)), 'invalid_grant', 'no ID token: ' || what)
FROM (VALUES ('nothing', ''), ('a word', 'x'), ('two segments', 'a.b'), ('an own access token', :'first'::jsonb ->> 'access_token'), ('an own refresh token', :'first'::jsonb ->> 'refresh_token'), ('an own signed token', jwt_sign(jsonb_build_object('aud', 'app', 'sub', 'sub-1', 'nonce', test.nonce()))),
	('a megabyte', repeat('x', 1048576)), ('a damaged one', test.tampered(test.id_token())), ('one by another key of that name', jwt_sign_with((jwt_decode(test.id_token())).claims, jwk_generate('ES256', 'e1'))), ('one by an unknown key', jwt_sign_with((jwt_decode(test.id_token())).claims, jwk_generate('ES256', 'x9'))),
	('one without a kid, where several fit', jwt_sign_with((jwt_decode(test.id_token())).claims, jwk_generate('ES384') - 'kid')),
	('an HMAC under a public key', test.hs256('{"alg":"HS256","kid":"e1"}', (jwt_decode(test.id_token())).claims::text)), ('alg none', test.base64url_text('{"alg":"none"}') || '.' || split_part(test.id_token(), '.', 2) || '.'),
	('an access token by type', jws_sign(convert_to((jwt_decode(test.id_token())).claims::text, 'UTF8'), test.idp_key(), '{"typ":"at+jwt"}')),
	('a token for a logout by type', jws_sign(convert_to((jwt_decode(test.id_token())).claims::text, 'UTF8'), test.idp_key(), '{"typ":"logout+jwt"}')),
	('a key of the token''s own', jws_sign(convert_to((jwt_decode(test.id_token())).claims::text, 'UTF8'), jwk_generate('ES256', 'j'), jsonb_build_object('jku', 'https://evil.example/keys', 'x5u', 'https://evil.example/cert'))),
	('a payload that is no object', jws_sign('[]', test.idp_key(), '{}'))) AS v (what, token);
SELECT is(test.error_of(jwt_login_external('idp', jws_sign(convert_to((jwt_decode(test.id_token())).claims::text, 'UTF8'), test.idp_key(), '{"typ":"JWT"}'))), 'ok', 'the type JWT');

-- Authentic ones that are refused are audited, made-up ones are not
SELECT test.external('{"aud":"other"}') ->> 'error' AS error \gset
SELECT is(test.last_audit(), 'login_denied: provider idp: "aud" does not contain the expected audience', 'an ID token for another application is audited with the reason');
SELECT test.audit_count() AS audited, test.id_token('{"aud":"other"}') AS token, test.id_token('{"aud":"other"}') AS other_token \gset
SELECT is(test.error_of(jwt_login_external('idp', t)), 'invalid_grant', 'shown again and again') FROM unnest(ARRAY[:'token', :'token', :'token', :'other_token', :'token']) AS t;
SELECT is(test.audit_count() - :audited, 2::bigint, 'each of them is audited once');
SELECT test.audit_count() AS audited \gset
SELECT jwt_login_external('idp', test.tampered(test.id_token())) ->> 'error' AS error \gset
SELECT is(test.audit_count(), :audited::bigint, 'a damaged ID token is not audited');

-- Once (T158)
SELECT test.nonce() AS nonce \gset
SELECT test.id_token(jsonb_build_object('nonce', :'nonce')) AS token \gset
SELECT jwt_login_external('idp', :'token') AS once \gset
SELECT is(test.error_of(:'once'), 'ok', 'an ID token logs in'),
	   is(test.error_of(jwt_login_external('idp', :'token')), 'invalid_grant', 'and not again'),
	   is(test.last_audit(), 'login_denied: provider idp: the ID token was used before', 'which is audited'),
	   is(test.access(:'once'), NULL, 'the first session goes on');
SELECT test.audit_count() AS audited \gset
SELECT is(test.error_of(jwt_login_external('idp', :'token')), 'invalid_grant', 'nor a third time'),
	   is(test.error_of(jwt_login_external('idp', :'token', access_token => 'x')), 'invalid_grant', 'nor for another reason');
SELECT is((SELECT array_agg(a) FROM test.audit_since(:audited) AS a), '{"login_denied: provider idp: \"at_hash\" is missing, or not that of the access token"}', 'of which only that is audited anew');
SELECT is(test.error_of(jwt_login_external('idp', test.id_token(jsonb_build_object('nonce', :'nonce', 'jti', 'another')))), 'invalid_grant', 'nor does another ID token with the same nonce'),
	   is(test.last_audit(), 'login_denied: provider idp: the nonce was used before', 'which is audited, too');
-- s and n - s sign alike
CREATE FUNCTION test.other_signature(token text) RETURNS text LANGUAGE sql AS
$$ SELECT regexp_replace(token, '[^.]+$', '') || test.base64url(substr(bytes, 1, 32) || test.from_number(test.to_number('\xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551') - test.to_number(substr(bytes, 33)), 32))
   FROM test.from_base64url(split_part(token, '.', 3)) AS bytes $$;
SELECT test.add_idp('{"sign_up":true,"nonce":"none"}', 'quiet');
SELECT test.id_token('{"nonce":null}') AS token \gset
SELECT is(test.error_of(jwt_login_external('quiet', :'token')), 'ok', 'an ID token without nonce, where the provider has none'),
	   isnt(test.other_signature(:'token'), :'token', 'the same with another signature'),
	   is(jws_verify(test.other_signature(:'token'), test.idp_keys()), jws_verify(:'token', test.idp_keys()), 'which is right'),
	   is(test.error_of(jwt_login_external('quiet', test.other_signature(:'token'))), 'invalid_grant', 'does not log in again'),
	   is(test.error_of(test.external('{"nonce":"of an SDK"}', 'quiet')), 'ok', 'a nonce that the provider''s SDK adds does not matter there');
BEGIN;
SELECT test.id_token() AS token \gset
SAVEPOINT a;
SELECT is(test.error_of(jwt_login_external('idp', :'token')), 'ok', 'a login that is rolled back');
ROLLBACK TO a;
SELECT is(test.error_of(jwt_login_external('idp', :'token')), 'ok', 'spends nothing');
COMMIT;

-- The nonce: ours, of the form that the provider writes
SELECT test.add_idp('{"sign_up":true,"nonce":"sha256"}', 'hashing');
CREATE FUNCTION test.hashed(claim text, shown text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.error_of(public.jwt_login_external('hashing', test.id_token(jsonb_build_object('nonce', claim)), shown)) $$;
SELECT jwt_external_nonce() AS made \gset
SELECT is(:'made'::jsonb - '{nonce,nonce_sha256}'::text[], '{"expires_in":600}', 'a nonce is for 10 minutes'),
	   is(:'made'::jsonb ->> 'nonce_sha256', encode(sha256(convert_to(:'made'::jsonb ->> 'nonce', 'UTF8')), 'hex'), 'with its hash');
SELECT is(test.hashed(claim, shown), 'invalid_grant', 'hashed, refused: ' || what)
FROM (VALUES ('no nonce shown', :'made'::jsonb ->> 'nonce_sha256', NULL), ('the hash shown', :'made'::jsonb ->> 'nonce_sha256', :'made'::jsonb ->> 'nonce_sha256'), ('the nonce itself in the token', :'made'::jsonb ->> 'nonce', :'made'::jsonb ->> 'nonce'), ('another nonce shown', :'made'::jsonb ->> 'nonce_sha256', test.nonce()),
	('a nonce of the client''s own', encode(sha256('mine'), 'hex'), 'mine'), ('an empty one', encode(sha256(''), 'hex'), '')) AS v (what, claim, shown);
SELECT is(test.hashed(:'made'::jsonb ->> 'nonce_sha256', :'made'::jsonb ->> 'nonce'), 'ok', 'a hashed nonce'),
	   is(test.hashed(:'made'::jsonb ->> 'nonce_sha256', :'made'::jsonb ->> 'nonce'), 'invalid_grant', 'counts once');
SELECT test.nonce() AS nonce \gset
SELECT is(test.error_of(jwt_login_external('idp', test.id_token(jsonb_build_object('nonce', :'nonce')), test.nonce())), 'invalid_grant', 'a plain nonce that is not what the client shows'),
	   is(test.error_of(jwt_login_external('idp', test.id_token(jsonb_build_object('nonce', :'nonce')), :'nonce')), 'ok', 'one that is');
SELECT is(test.error_of(test.external(jsonb_build_object('nonce', jwt_passkey_login_options() ->> 'challenge'))), 'invalid_grant', 'a challenge for a passkey is no nonce')
FROM set_config('jwt_auth.webauthn_rp_id', 'example.org', true);
SELECT test.nonce() AS nonce \gset
SELECT jwt_rotate_handle_key();
SELECT is(test.error_of(test.external(jsonb_build_object('nonce', :'nonce'))), 'ok', 'a nonce of the former key counts');

-- An access token that comes along
CREATE FUNCTION test.with_access(hash text, kid text, access_token text DEFAULT 'an access token') RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.error_of(public.jwt_login_external('idp', test.id_token(jsonb_build_object('at_hash', hash), kid), access_token => access_token)) $$;
SELECT is(test.with_access(test.base64url(substr(sha256('an access token'), 1, 16)), 'e1'), 'ok', 'an access token that fits at_hash'),
	   is(test.with_access(test.base64url(substr(sha256('an access token'), 1, 16)), 'r1'), 'ok', 'the same by RS256'),
	   is(test.with_access(test.base64url(substr(sha512('an access token'), 1, 32)), 'd1'), 'ok', 'the same by EdDSA, of SHA-512'),
	   is(test.with_access(NULL, 'e1'), 'invalid_grant', 'one without at_hash'),
	   is(test.with_access(test.base64url(substr(sha256('another'), 1, 16)), 'e1'), 'invalid_grant', 'one that does not fit'),
	   is(test.with_access(test.base64url(sha256('an access token')), 'e1'), 'invalid_grant', 'the whole hash'),
	   is(test.with_access(test.base64url(substr(sha256('an access token'), 1, 16)), 'd1'), 'invalid_grant', 'that of another algorithm'),
	   is(test.with_access('', 'e1', ''), 'invalid_grant', 'an empty one');

-- When and how surely (T168)
CREATE FUNCTION test.level(claims jsonb) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT concat_ws(' ', c ->> 'aal', c ->> 'amr', (test.seconds() - (c ->> 'auth_time')::bigint) / 60) FROM test.claims_of(test.external(claims)) AS c $$;
SELECT is(test.level(claims), expected, 'assurance: ' || claims::text)
FROM (VALUES (jsonb '{"acr":"phr","amr":["mfa","otp"],"aal":2}', '1 ["fed"] 0'), (jsonb_build_object('auth_time', test.seconds(3600)), '1 ["fed"] 0'), ('{"auth_time":"x"}', '1 ["fed"] 0'), ('{"auth_time":1e400}', '1 ["fed"] 0')) AS v (claims, expected);
SELECT cmp_ok(test.seconds() - (test.claims_of(test.external(jsonb_build_object('auth_time', test.seconds(-7200)))) ->> 'auth_time')::bigint, '>=', 7200::bigint, 'when the user was authenticated at the provider counts');
SELECT is((test.claims_of(test.external('{"auth_time":-5}')) ->> 'auth_time')::bigint, 0::bigint, 'long ago');
SELECT test.add_idp('{"sign_up":true,"aal2_acr":["phr","phrh"],"aal2_amr":"mfa"}');
SELECT is(split_part(test.level(claims), ' ', 1), level, 'mapped: ' || claims::text)
FROM (VALUES (jsonb '{"acr":"phr"}', '2'), ('{"acr":"phrh"}', '2'), ('{"acr":"ph"}', '1'), ('{"acr":["phr"]}', '1'), ('{"amr":["pwd","mfa"]}', '2'), ('{"amr":["pwd","MFA"]}', '1'), ('{"amr":"mfa"}', '1'), ('{"amr":{"mfa":1}}', '1'), ('{"acr":"mfa","amr":["phr"]}', '1')) AS v (claims, level);
SELECT is(test.claims_of(test.external('{"acr":"phr"}')) -> 'amr', '["fed","mfa"]', 'mapped, the session says so');
SELECT is(split_part(test.level(jsonb_build_object('acr', 'phr', 'auth_time', test.seconds(-90000))), ' ', 1), '1', 'level 2 of more than a day ago has lapsed');
-- A second factor here is asked for
SELECT test.be(test.external('{"acr":"phr"}'));
SELECT test.enroll('phone') AS secret \gset
SELECT set_config('jwt_auth.token', '', false);
SELECT test.external('{"acr":"phr"}') AS asked \gset
SELECT is(:'asked'::jsonb ->> 'error', 'mfa_required', 'a second factor here is asked for, whatever the provider says'),
	   is((SELECT array_agg(a) FROM test.audit_since(test.audit_count() - 2) AS a), '{identity_proven: provider idp,mfa_required}', 'the audit log tells the provider');
SELECT test.age_codes();
SELECT jwt_mfa_verify(:'asked'::jsonb ->> 'mfa_token', 'totp', jsonb_build_object('code', test.totp(:'secret'))) AS both \gset
SELECT is(test.claims_of(:'both') -> 'aal', '2', 'with it, the session has level 2'),
	   is(test.claims_of(:'both') -> 'amr', '["fed","otp","mfa"]', 'by both');
CREATE FUNCTION test.methods(answer jsonb) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT concat_ws(' ', (SELECT method FROM jwt_auth.sessions WHERE id = test.session_of(answer)), (SELECT string_agg(method, ',') FROM jwt_auth.audit_log WHERE session_id = test.session_of(answer))) $$;
SELECT is(test.methods(:'both'), 'external:idp external:idp', 'it began with the provider, as the audit log tells');
SELECT jwt_reset_factors(:'alice');
-- Whatever it is called, and where the factor is enrolled on the way
SELECT test.add_idp('{"sign_up":true}', repeat('p', 63)) IS NOT NULL;
SET jwt_auth.mfa_enrollment = required;
SELECT test.external('{"sub":"enrolling","email":"enrolling@mail.example","email_verified":true}', repeat('p', 63)) AS asked \gset
RESET jwt_auth.mfa_enrollment;
SELECT is(:'asked'::jsonb ->> 'error', 'mfa_enrollment_required', 'a provider of the longest name asks to enroll a factor');
SELECT jwt_enroll_totp('phone', :'asked'::jsonb ->> 'mfa_token') AS begun \gset
SELECT jwt_confirm_totp((:'begun'::jsonb ->> 'factor_id')::uuid, test.totp(:'begun'::jsonb ->> 'secret'), :'asked'::jsonb ->> 'mfa_token') AS enrolled \gset
SELECT is(test.methods(:'enrolled'), format('external:%1$s external:%1$s', repeat('p', 63)), 'the session that begins with it names the provider');
SELECT test.external('{"sub":"enrolling"}', repeat('p', 63)) AS asked \gset
SELECT test.age_codes();
SELECT is(test.error_of(jwt_mfa_verify(test.tampered(:'asked'::jsonb ->> 'mfa_token'), 'totp', jsonb_build_object('code', test.totp(:'begun'::jsonb ->> 'secret')))), 'invalid_grant', 'a changed ticket does not log in'),
	   is(test.error_of(jwt_mfa_verify(left(:'asked'::jsonb ->> 'mfa_token', -84), 'totp', jsonb_build_object('code', test.totp(:'begun'::jsonb ->> 'secret')))), 'invalid_grant', 'nor one without the name');
SELECT jwt_mfa_verify(:'asked'::jsonb ->> 'mfa_token', 'totp', jsonb_build_object('code', test.totp(:'begun'::jsonb ->> 'secret'))) AS both \gset
SELECT is(test.methods(:'both'), format('external:%1$s external:%1$s', repeat('p', 63)), 'nor does a second factor make it forget');
-- A ticket of a provider that is removed
SELECT test.external('{"sub":"enrolling"}', repeat('p', 63)) AS asked \gset
SELECT jwt_login_external(repeat('p', 63), test.id_token('{"sub":"enrolling"}')) AS kept \gset
SELECT jwt_remove_provider(repeat('p', 63));
SELECT test.age_codes();
SELECT is(test.error_of(jwt_mfa_verify(:'asked'::jsonb ->> 'mfa_token', 'totp', jsonb_build_object('code', test.totp(:'begun'::jsonb ->> 'secret')))), 'invalid_grant', 'a second factor does not log in after a provider that was removed meanwhile');
SELECT test.add_idp('{"sign_up":true}', repeat('p', 63)) IS NOT NULL;
TRUNCATE jwt_auth.login_throttle;
SELECT test.age_codes();
SELECT is(test.error_of(jwt_mfa_verify(:'kept'::jsonb ->> 'mfa_token', 'totp', jsonb_build_object('code', test.totp(:'begun'::jsonb ->> 'secret')))), 'invalid_grant', 'nor after one of that name was added again');
SELECT jwt_remove_provider(repeat('p', 63));

-- Of whom users are made
SELECT test.add_idp('{}');
SELECT test.audit_count() AS audited, count(*) AS users FROM jwt_auth.users \gset
SELECT is(test.external('{"sub":"nobody"}') - 'error_description', '{"error":"account_unknown"}', 'an identity that nobody has, while sign-up is off'),
	   is((SELECT count(*) FROM jwt_auth.users), :users::bigint, 'makes no user');
SELECT is(test.error_of(test.external()), 'ok', 'users who are known log in');
SET jwt_auth.sign_up = on;
SELECT is(test.error_of(test.external('{"sub":"nobody"}')), 'ok', 'with sign-up on, it becomes one');
SELECT test.add_idp('{"sign_up":false}');
SELECT is(test.error_of(test.external('{"sub":"nobody 2"}')), 'account_unknown', 'unless the provider is left out');
SELECT test.add_idp('{"sign_up":true}');
RESET jwt_auth.sign_up;
SELECT is((SELECT count(*) FROM jwt_auth.identifiers WHERE user_id = test.identity_of('nobody')), 0::bigint, 'without an address, a user is called nothing');
SET jwt_auth.sign_up_role = 'regress_provider_member';
SELECT is(test.claims_of(test.external('{"sub":"member"}')) ->> 'role', 'regress_provider_member', 'the role of who signs up');
SET jwt_auth.sign_up_role = 'postgres';
SELECT test.raises('SELECT test.external(''{"sub":"boss"}'')', '55000', 'a role that nobody may have');
RESET jwt_auth.sign_up_role;
CREATE FUNCTION public.rule(kind text, identifier text, data jsonb) RETURNS jsonb LANGUAGE sql AS
$$ SELECT CASE WHEN data -> 'claims' ->> 'hd' = 'own.example' THEN jsonb_build_object('role', 'regress_provider_member', 'claims', jsonb_build_object('seen', jsonb_build_array(kind, identifier, data ->> 'provider', data ->> 'issuer', data ->> 'subject')))
			   WHEN data -> 'claims' ? 'wild' THEN '{"claims":{"sub":"x"}}' ELSE '{"error":"not from here"}' END $$;
SET jwt_auth.sign_up_function = 'public.rule';
SELECT is(test.claims_of(test.external('{"sub":"staff","hd":"own.example","email":"staff@own.example","email_verified":true}')) - '{iat,exp,auth_time,jti,sid,sub,iss,aal,acr,amr}'::text[],
		  '{"role":"regress_provider_member","seen":["external","staff@own.example","idp","https://idp.example","staff"]}', 'the operator''s function is told who it is, and says role and claims');
SELECT is(test.claims_of(test.external('{"sub":"staff 2","hd":"own.example","email":"staff2@own.example","email_verified":false}')) -> 'seen' ->> 1, '', 'it is told of no address that is not the user''s');
SELECT is(test.claims_of(test.external(jsonb_build_object('sub', email, 'hd', 'own.example', 'email', email, 'email_verified', true))) -> 'seen' ->> 1, expected, 'it is told of the domain as DNS has it: ' || email)
FROM (VALUES ('Ann@OWN.example', 'Ann@own.example'), ('bea@own' || U&'\3002' || 'example', 'bea@own.example'), ('cy@' || U&'\FF4F' || 'wn.example', 'cy@own.example'), ('dan@m' || U&'\00FC' || 'nchen.example', 'dan@xn--mnchen-3ya.example')) AS v (email, expected);
SELECT is(test.external('{"sub":"guest"}'), '{"error":"invalid_request","error_description":"not from here"}', 'it refuses'), test.raises('SELECT test.external(''{"sub":"guest","wild":1}'')', '38000', 'it may not set reserved claims'),
	   is(test.identity_of('guest'), NULL, 'which makes no user');
RESET jwt_auth.sign_up_function;

-- Who may not log in
SELECT jwt_disable_user(:'alice');
SELECT is(test.error_of(test.external()), 'invalid_grant', 'a disabled user is denied'),
	   is(test.last_audit(), 'login_denied: provider idp: user disabled', 'which is audited');
SELECT jwt_enable_user(:'alice');
SELECT is(test.error_of(test.external()), 'ok', 'once enabled, it is not');
SELECT jwt_delete_user(:'alice');
SELECT is((SELECT count(*) FROM jwt_auth.identities WHERE user_id = :'alice'), 0::bigint, 'a deleted user has no identity'),
	   isnt(test.claims_of(test.external()) ->> 'sub', :'alice', 'the next login makes another user');

-- An address that the provider gives to somebody else (T163)
SELECT test.external('{"sub":"old owner","email":"desk@mail.example","email_verified":true}') AS old \gset
SELECT test.add_idp('{"sign_up":true,"linking":"never"}');
SELECT isnt(test.claims_of(test.external('{"sub":"new owner","email":"desk@mail.example","email_verified":true}')) ->> 'sub', test.claims_of(:'old') ->> 'sub', 'an address that the provider gives to somebody else lets nobody in');

-- Keys and providers that change (T167)
SELECT test.id_token() AS token \gset
SELECT jwt_update_provider_keys('idp', jwk_public(key)) FROM test.idp WHERE kid = 'r1';
SELECT is(test.error_of(jwt_login_external('idp', :'token')), 'invalid_grant', 'an ID token by a key that was replaced'),
	   is(test.error_of(test.external(kid => 'r1')), 'ok', 'one by a key that there is'),
	   is(test.last_audit(), 'login: provider idp', 'keys that were replaced are in force at once');
SELECT test.raises(format('SELECT jwt_update_provider_keys(''idp'', %L)', jwks), '22023', 'keys that are refused: ' || left(jwks::text, 20)) FROM unnest(ARRAY['{}', '[]', jwk_generate('HS256'), jwk_generate('ES256')]) AS jwks;
SELECT is(test.error_of(test.external(kid => 'r1')), 'ok', 'leave those that there were');
SELECT test.external('{"sub":"stays"}', kid => 'r1') AS stays \gset
SELECT test.identity_of('stays') AS stayer \gset
SELECT jwt_remove_provider('idp');
SELECT is(test.external(kid => 'r1') ->> 'error', 'invalid_request', 'with a provider that was removed, nobody logs in'),
	   is(test.access(:'stays'), NULL, 'sessions go on'),
	   is(test.last_audit(), 'provider_removed: idp', 'removing is audited');
SELECT test.add_idp('{"sign_up":true}');
SELECT is(test.claims_of(test.external('{"sub":"stays"}')) ->> 'sub', :'stayer', 'once it is back, users are who they were');
SELECT test.add_idp('{"sign_up":true}', issuer => 'https://evil.example');
SELECT isnt(test.claims_of(test.external('{"sub":"stays","iss":"https://evil.example"}')) ->> 'sub', :'stayer', 'another issuer under the name finds nobody');
SELECT jwt_remove_provider('idp', end_sessions => true);
SELECT is(test.access(:'stays'), '28J02', 'sessions of its users end if that is asked for');

-- Unknown keys (T165)
SELECT test.add_idp('{"sign_up":true}');
CREATE FUNCTION test.wanted() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT (p ->> 'keys_wanted_at')::timestamptz FROM jsonb_array_elements(public.jwt_providers()) AS p WHERE p ->> 'name' = 'idp' $$;
CREATE FUNCTION test.with_unknown_key() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT test.error_of(public.jwt_login_external('idp', public.jwt_sign_with((public.jwt_decode(test.id_token())).claims, public.jwk_generate('ES256', 'new')))) $$;
SELECT is(test.wanted(), NULL, 'no keys are asked for'),
	   is(test.with_unknown_key(), 'invalid_grant', 'an unknown key');
SELECT test.wanted() AS wanted \gset
SELECT isnt(:'wanted'::text, '', 'has keys asked for'),
	   is(test.with_unknown_key(), 'invalid_grant', 'another one within a minute');
SELECT is(test.wanted(), :'wanted'::timestamptz, 'does not');
UPDATE jwt_auth.providers SET keys_wanted_at = now() - interval '61 s';
SELECT is(test.with_unknown_key(), 'invalid_grant', 'one after a minute');
SELECT cmp_ok(test.wanted(), '>', :'wanted'::timestamptz, 'does again');
SELECT jwt_update_provider_keys('idp', test.idp_keys());
SELECT is(test.wanted(), NULL, 'until there are new keys'),
	   is(test.with_unknown_key(), 'invalid_grant', 'an unknown key beside new ones');
SELECT is(test.wanted(), NULL, 'has none asked for within the same minute');
UPDATE jwt_auth.providers SET keys_wanted_at = keys_wanted_at - interval '61 s', updated_at = updated_at - interval '61 s';
SELECT is(test.with_unknown_key(), 'invalid_grant', 'one in the next');
SELECT isnt(test.wanted(), NULL, 'has');

-- Rows that nobody could have written
UPDATE jwt_auth.providers SET options = '{"x":1}';
SELECT is(test.external() ->> 'error', 'invalid_request', 'a provider whose options nobody could have given is none');
UPDATE jwt_auth.providers SET options = '{}', jwks = '{}';
SELECT is(test.external() ->> 'error', 'invalid_request', 'nor is one whose keys nobody could have given');
SELECT test.add_idp('{"sign_up":true}');
SELECT is(test.error_of(test.external()), 'ok', 'adding it again mends that');
TRUNCATE jwt_auth.providers;
SELECT is(test.external() ->> 'error', 'invalid_request', 'a direct change of the table is in force at once');

-- Whoever may call
CREATE ROLE regress_provider_nobody;
SET ROLE regress_provider_nobody;
SELECT test.raises('SELECT ' || call, '42501', 'a role without rights: ' || call)
FROM unnest(ARRAY['jwt_add_provider(''a'', ''b'', ''{c}'', ''{}'')', 'jwt_update_provider_keys(''a'', ''{}'')', 'jwt_remove_provider(''a'')', 'jwt_providers()', 'jwt_external_nonce()', 'jwt_login_external(''a'', ''b'')', 'jwt_link_external(''a'', ''b'')', 'jwt_unlink_external(''a'', ''b'')']) AS call;
RESET ROLE;
SET default_transaction_read_only = on;
SELECT test.raises('SELECT ' || call, '25006', 'a read-only transaction: ' || call)
FROM unnest(ARRAY['jwt_add_provider(''a'', ''b'', ''{c}'', ''{}'')', 'jwt_update_provider_keys(''a'', ''{}'')', 'jwt_remove_provider(''a'')', 'jwt_login_external(''a'', ''b'')', 'jwt_link_external(''a'', ''b'')', 'jwt_unlink_external(''a'', ''b'')']) AS call;
SELECT isnt(jwt_external_nonce(), NULL, 'a nonce is made in a read-only transaction');
RESET default_transaction_read_only;
DROP ROLE regress_provider_nobody, regress_provider_member;
SELECT * FROM finish();
