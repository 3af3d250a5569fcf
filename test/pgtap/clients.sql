-- Clients and the token endpoint (T175, T176, T186): machines with access tokens of their own,
-- by a secret or by what they sign, once; what ends a client ends its tokens, and none of
-- them is a user's.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
-- At least 160 assertions
SELECT no_plan();
SET jwt_auth.issuer = 'https://auth.example';
CREATE ROLE regress_client_machine;
SELECT test.create_user('alice') AS alice \gset
SELECT test.login('alice') AS alice_login \gset
CREATE FUNCTION test.grant(client jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_token('{"grant_type":"client_credentials"}' || (client - 'name') || more) $$;

-- Creating one
SELECT test.audit_count() AS events \gset
SELECT jwt_create_client('billing', '{"role":"regress_client_machine","scope":"read write"}') AS billing, jwt_create_client('other') AS other \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'billing') AS k), '{client_id,client_secret}', 'a new client is answered with its secret'),
	   matches(:'billing'::jsonb ->> 'client_secret', '^jcs_[A-Za-z0-9_-]{43}$', 'which can be recognised'),
	   isnt(:'billing'::jsonb ->> 'client_secret', :'other'::jsonb ->> 'client_secret', 'and is its own');
SELECT is((SELECT count(*) FROM jwt_auth.clients AS c WHERE position(:'billing'::jsonb ->> 'client_secret' IN c::text) > 0), 0::bigint, 'the secret is in no row'),
	   is((SELECT array_agg(event || ' ' || (client_id = (:'billing'::jsonb ->> 'client_id')::uuid)::text ORDER BY at, id) FROM (SELECT * FROM jwt_auth.audit_log ORDER BY at, id OFFSET :events) AS a), '{client_created true,client_created false}', 'each is audited');
SELECT test.raises(format('SELECT jwt_create_client(%s)', arguments), '22023', 'no client of ' || arguments)
FROM unnest(ARRAY['NULL', '''''', 'repeat(''x'', 101)', '''x'', NULL', '''x'', ''[]''', '''x'', ''"a"''', '''x'', ''{"a":1}''', '''x'', ''{"role":1}''', '''x'', ''{"role":""}''', '''x'', ''{"role":"nobody_of_this_name"}''', '''x'', ''{"scope":["a"]}''', '''x'', ''{"scope":"a  b"}''',
	'''x'', ''{"scope":" a"}''', '''x'', ''{"jwks":"x"}''', '''x'', ''{"jwks":{}}''', '''x'', ''{"jwks":{"keys":[]}}''', '''x'', ''{"jwks_uri":"https://x.example"}''']) AS arguments;
SELECT test.raises(format('SELECT jwt_create_client(''x'', %L)', jsonb_build_object('jwks', jwk)), '22023', 'keys that are not public: ' || kind)
FROM (VALUES ('a private one', jwk_generate('ES256')), ('a secret', jwk_generate('HS256')), ('a set with a private one', jsonb_build_object('keys', jsonb_build_array(jwk_generate('ES256'))))) AS v (kind, jwk);

-- A token for a secret
SELECT test.grant(:'billing') AS given \gset
SELECT is(:'given'::jsonb - 'access_token', '{"token_type":"Bearer","expires_in":900,"scope":"read write"}', 'a client gets an access token, and no refresh token'),
	   is(test.access(:'given'), NULL, 'which is valid');
SELECT is(test.claims_of(:'given') - '{iat,exp,jti,credential_id}'::text[],
		  jsonb_build_object('iss', 'https://auth.example', 'sub', 'client:' || (:'billing'::jsonb ->> 'client_id'), 'client_id', :'billing'::jsonb ->> 'client_id', 'scope', 'read write', 'role', 'regress_client_machine'), 'its claims name the client'),
	   is((jwt_decode(:'given'::jsonb ->> 'access_token')).header ->> 'typ', 'at+jwt', 'it is an access token (RFC 9068)');
SELECT is(test.grant(:'billing', '{"scope":"write"}') ->> 'scope', 'write', 'a client may ask for fewer scopes'),
	   is(test.claims_of(test.grant(:'billing', '{"scope":"write"}')) ->> 'scope', 'write', 'and gets no more'),
	   is(test.grant(:'other') ->> 'scope', '', 'a client without scopes gets none'),
	   is(test.grant(:'billing', '{"scope":"","audience":"x","state":null}') ->> 'scope', 'read write', 'what has no value, or means nothing, is left aside');
SELECT test.be(:'given');
SELECT is(jwt_user_id(), NULL, 'a client is no user'),
	   is(jwt_session_id(), NULL, 'and has no session'),
	   is(jwt_aal(), NULL, 'nor a level'),
	   is(jwt_role(), 'regress_client_machine', 'it has its role'),
	   is(jwt_claim('client_id'), :'billing'::jsonb ->> 'client_id', 'policies know it by its id'),
	   is(jwt_has_scope('read'), true, 'and by its scopes'),
	   is(jwt_has_scope('admin'), false, 'which are no others');
SELECT test.raises(call, '28J03', 'a client may not call ' || call)
FROM unnest('{SELECT jwt_sessions(),SELECT jwt_identifiers(),SELECT jwt_logout(),"SELECT jwt_create_api_token(''x'', '''', ''1 h'')","SELECT jwt_change_password(''x'', ''y'')",SELECT jwt_enroll_totp(),SELECT jwt_api_tokens()}'::text[]) AS call;
SET jwt_auth.token = '';
SELECT test.raises('SELECT jwt_create_user(''x'', claims => ''{"client_id":"x"}'')', '22023', 'no user is given the claim of a client'),
	   test.raises('SELECT jwt_create_user(''x'', claims => ''{"credential_id":"x"}'')', '22023', 'nor the id of what it shows');

-- No other way in
SELECT is(answer ->> 'error', 'invalid_grant', 'a client cannot log in as a user does: ' || way)
FROM (SELECT :'billing'::jsonb ->> 'client_id' AS id, :'billing'::jsonb ->> 'client_secret' AS secret) AS c, LATERAL (VALUES
	('password', jwt_login(id, secret)), ('password, by its sub', jwt_login('client:' || id, secret)), ('code', jwt_login_code(secret)),
	('recovery', jwt_recover(secret, test.password())), ('refresh', jwt_refresh(secret)), ('API token', jwt_login_api_token(secret))) AS v (way, answer);
SELECT test.raises(format('SELECT jwt_start_session(%L)', :'billing'::jsonb ->> 'client_id'), '22023', 'an admin starts no session for a client'),
	   test.raises(format('SELECT jwt_create_link(%L, ''login'')', :'billing'::jsonb ->> 'client_id'), '22023', 'an admin makes no link for a client');

-- Refused as RFC 6749 section 5.2 says
SELECT is(jwt_token(request) ->> 'error', error, error || ': ' || request)
FROM (SELECT :'billing'::jsonb ->> 'client_id' AS id, :'billing'::jsonb ->> 'client_secret' AS secret, :'other'::jsonb ->> 'client_id' AS other) AS c, LATERAL (VALUES
	('[]'::jsonb, 'invalid_request'), ('"x"', 'invalid_request'), ('{}', 'invalid_request'), ('{"grant_type":null}', 'invalid_request'), ('{"grant_type":["client_credentials"]}', 'invalid_request'), ('{"grant_type":""}', 'invalid_request'),
	('{"grant_type":"password","username":"alice","password":"x"}', 'unsupported_grant_type'), ('{"grant_type":"authorization_code"}', 'unsupported_grant_type'), ('{"grant_type":"CLIENT_CREDENTIALS"}', 'unsupported_grant_type'),
	('{"grant_type":"client_credentials"}', 'invalid_client'),
	(jsonb_build_object('grant_type', 'client_credentials', 'client_id', id), 'invalid_client'), (jsonb_build_object('grant_type', 'client_credentials', 'client_secret', secret), 'invalid_client'),
	(jsonb_build_object('grant_type', 'client_credentials', 'client_id', id, 'client_secret', 'x'), 'invalid_client'), (jsonb_build_object('grant_type', 'client_credentials', 'client_id', id, 'client_secret', left(secret, -1) || '_'), 'invalid_client'),
	(jsonb_build_object('grant_type', 'client_credentials', 'client_id', id, 'client_secret', secret || 'A'), 'invalid_client'), (jsonb_build_object('grant_type', 'client_credentials', 'client_id', other, 'client_secret', secret), 'invalid_client'),
	(jsonb_build_object('grant_type', 'client_credentials', 'client_id', gen_random_uuid(), 'client_secret', secret), 'invalid_client'), (jsonb_build_object('grant_type', 'client_credentials', 'client_id', 'client:' || id, 'client_secret', secret), 'invalid_client'),
	(jsonb_build_object('grant_type', 'client_credentials', 'client_id', 'billing', 'client_secret', secret), 'invalid_client'), (jsonb_build_object('grant_type', 'client_credentials', 'client_id', id, 'client_secret', 7), 'invalid_request'),
	(jsonb_build_object('grant_type', 'client_credentials', 'client_id', id, 'client_secret', repeat('x', 1025)), 'invalid_request'), (jsonb_build_object('grant_type', 'client_credentials', 'client_id', id, 'client_secret', secret, 'client_assertion', 'x'), 'invalid_request'),
	(jsonb_build_object('grant_type', 'client_credentials', 'client_id', id, 'client_assertion', 'x'), 'invalid_request'), (jsonb_build_object('grant_type', 'client_credentials', 'client_assertion', 'x', 'client_assertion_type', 'x'), 'invalid_request'),
	(jsonb_build_object('grant_type', 'client_credentials', 'client_id', id, 'client_secret', secret, 'scope', 'admin'), 'invalid_scope'), (jsonb_build_object('grant_type', 'client_credentials', 'client_id', id, 'client_secret', secret, 'scope', 'read  write'), 'invalid_scope'),
	(jsonb_build_object('grant_type', 'client_credentials', 'client_id', other, 'client_secret', secret, 'scope', 'admin'), 'invalid_client')) AS v (request, error);
SELECT test.raises('SELECT jwt_token(NULL)', '22023', 'NULL is misuse');

-- A refresh, of a user's token
SELECT jwt_token(jsonb_build_object('grant_type', 'refresh_token', 'refresh_token', :'alice_login'::jsonb ->> 'refresh_token')) AS refreshed \gset
SELECT is(test.error_of(:'refreshed'), 'ok', 'a user''s refresh token is refreshed'),
	   is(test.claims_of(:'refreshed') ->> 'sub', :'alice', 'for its user');
SELECT is(jwt_token(jsonb_build_object('grant_type', 'refresh_token', 'refresh_token', :'refreshed'::jsonb ->> 'refresh_token') || more) ->> 'error', error, 'a refresh is refused: ' || what)
FROM (VALUES ('a scope', '{"scope":"read"}'::jsonb, 'invalid_scope'), ('no token', '{"refresh_token":""}', 'invalid_request'), ('another text', '{"refresh_token":"x"}', 'invalid_grant'), ('by a client with a wrong secret', jsonb_build_object('client_id', :'billing'::jsonb ->> 'client_id', 'client_secret', 'x'), 'invalid_client'),
	('a client''s access token', jsonb_build_object('refresh_token', :'given'::jsonb ->> 'client_id'), 'invalid_request')) AS v (what, more, error);
SELECT is(test.error_of(jwt_token(jsonb_build_object('grant_type', 'refresh_token', 'refresh_token', :'refreshed'::jsonb ->> 'refresh_token') || :'billing')), 'ok', 'it may be refreshed by a client that says who it is');

-- Another secret: two at a time
SELECT test.grant(:'billing') AS first_given \gset
SELECT jwt_rotate_client_secret((:'billing'::jsonb ->> 'client_id')::uuid) AS second \gset
SELECT is(:'second'::jsonb ->> 'client_id', :'billing'::jsonb ->> 'client_id', 'a client gets another secret'),
	   is(test.error_of(test.grant(:'second')), 'ok', 'which is accepted'),
	   is(test.error_of(test.grant(:'billing')), 'ok', 'and so is the one before'),
	   is(test.access(:'first_given'), NULL, 'whose access tokens stay valid');
SELECT test.grant(:'second') AS second_given \gset
SELECT jwt_rotate_client_secret((:'billing'::jsonb ->> 'client_id')::uuid) AS third \gset
SELECT is(test.grant(:'billing') ->> 'error', 'invalid_client', 'the secret before that is void'),
	   is(test.access(:'first_given'), '28J02', 'and so are its access tokens, at once'),
	   is(test.error_of(test.grant(:'second')), 'ok', 'the other two are accepted'),
	   is(test.access(:'second_given'), NULL, 'with their access tokens');
SELECT test.raises('SELECT jwt_rotate_client_secret(NULL)', '22023', 'NULL has no secret'),
	   test.raises('SELECT jwt_rotate_client_secret(gen_random_uuid())', '22023', 'nor has an unknown client');

-- What a client signs
SELECT jwk_generate('ES256', 'c1') AS key, jwk_generate('ES256', 'c1') AS another, jwk_generate('EdDSA', 'c2') AS key2 \gset
SELECT jwt_create_client('signer', jsonb_build_object('scope', 'read', 'jwks', jsonb_build_object('keys', jsonb_build_array(jwk_public(:'key'), jwk_public(:'key2'))))) AS signer \gset
SELECT is((SELECT array_agg(k) FROM jsonb_object_keys(:'signer') AS k), '{client_id}', 'a client with keys gets no secret');
SELECT test.raises(format('SELECT jwt_rotate_client_secret(%L)', :'signer'::jsonb ->> 'client_id'), '22023', 'nor another one');
CREATE FUNCTION test.assertion(client jsonb, key jsonb, more jsonb DEFAULT '{}', left_out text[] DEFAULT '{}') RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_sign_with(jsonb_build_object('iss', client ->> 'client_id', 'sub', client ->> 'client_id', 'aud', 'https://auth.example', 'jti', gen_random_uuid(), 'iat', test.seconds(), 'exp', test.seconds(60)) - left_out || more, key) $$;
CREATE FUNCTION test.assert(assertion text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_token(jsonb_build_object('grant_type', 'client_credentials', 'client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', 'client_assertion', assertion) || more) $$;
SELECT test.assertion(:'signer', :'key') AS assertion \gset
SELECT test.assert(:'assertion') AS asserted \gset
SELECT is(test.error_of(:'asserted'), 'ok', 'an assertion is accepted'),
	   is(test.claims_of(:'asserted') ->> 'client_id', :'signer'::jsonb ->> 'client_id', 'for its client'),
	   is(test.access(:'asserted'), NULL, 'and its access token is valid'),
	   is(test.error_of(test.assert(test.assertion(:'signer', :'key2'))), 'ok', 'each of its keys signs'),
	   is(test.error_of(test.assert(test.assertion(:'signer', :'key'), :'signer')), 'ok', 'the client may be named beside it');
SELECT test.audit_count() AS events \gset
SELECT is(test.assert(:'assertion'), '{"error":"invalid_client","error_description":"the client could not be authenticated"}', 'the same assertion is refused'),
	   is(test.assert(test.assertion(:'signer', :'key2', jsonb_build_object('jti', (jwt_decode(:'assertion')).claims ->> 'jti'))) ->> 'error', 'invalid_client', 'so is another of the same id'),
	   is(test.assert(test.assertion(:'signer', :'key'), :'billing'::jsonb - 'client_secret') ->> 'error', 'invalid_client', 'and one beside the name of another client');
SELECT is((SELECT array_agg(format('%s: %s %s', event, reason, client_id = (:'signer'::jsonb ->> 'client_id')::uuid)) FROM (SELECT * FROM jwt_auth.audit_log ORDER BY at, id OFFSET :events) AS a),
		  '{client_denied: the assertion was used before t}', 'which is audited, once for an id');
SELECT is(test.assert(test.assertion(:'signer', :'key', more, left_out)) ->> 'error', 'invalid_client', 'an assertion is refused: ' || what)
FROM (VALUES ('for another server', '{"aud":"https://other.example"}'::jsonb, '{}'::text[]), ('for several', '{"aud":["https://auth.example","https://other.example"]}', '{}'), ('for us in an array', '{"aud":["https://auth.example"]}', '{}'), ('for the token endpoint', '{"aud":"https://auth.example/token"}', '{}'), ('for nobody', '{}', '{aud}'),
	('without an id', '{}', '{jti}'), ('with an empty id', '{"jti":""}', '{}'), ('with a long id', jsonb_build_object('jti', repeat('x', 256)), '{}'), ('with a number for an id', '{"jti":1}', '{}'),
	('without an end', '{}', '{exp}'), ('that is over', jsonb_build_object('exp', test.seconds(-60)), '{}'), ('that lives for long', jsonb_build_object('exp', test.seconds(3600)), '{}'), ('that is not valid yet', jsonb_build_object('nbf', test.seconds(120)), '{}'), ('of the future', jsonb_build_object('iat', test.seconds(120)), '{}'),
	('by another issuer', '{"iss":"https://auth.example"}', '{}'), ('without an issuer', '{}', '{iss}'), ('without a subject', '{}', '{sub}'), ('of a client with a secret', jsonb_build_object('sub', :'billing'::jsonb ->> 'client_id', 'iss', :'billing'::jsonb ->> 'client_id'), '{}'),
	('of nobody', jsonb_build_object('sub', gen_random_uuid()), '{}'), ('with the prefix of its tokens', jsonb_build_object('sub', 'client:' || (:'signer'::jsonb ->> 'client_id')), '{}')) AS v (what, more, left_out);
SELECT is(test.assert(assertion) ->> 'error', 'invalid_client', 'an assertion is refused: ' || what)
FROM (VALUES ('by another key', test.assertion(:'signer', :'another')), ('changed', test.tampered(test.assertion(:'signer', :'key'))), ('no token', 'x'), ('oversized', repeat('x', 100000)), ('an access token', :'asserted'::jsonb ->> 'access_token'),
	('signed with the public key as a secret', (SELECT input || '.' || test.base64url(hmac(convert_to(input, 'UTF8'), convert_to(jwk_to_pem(jwk_public(:'key')), 'UTF8'), 'sha256'))
		FROM (SELECT test.base64url('{"alg":"HS256","kid":"c1"}') || '.' || split_part(test.assertion(:'signer', :'key'), '.', 2) AS input) AS i))) AS v (what, assertion);
SELECT is(test.error_of(test.assert(test.assertion(:'signer', :'key'))), 'ok', 'after all that, the client is as it was');
RESET jwt_auth.issuer;
SELECT test.raises(format('SELECT test.assert(%L)', test.assertion(:'signer', :'key')), '55000', 'without an issuer, nothing can be for it'),
	   test.raises('SELECT jwt_discovery()', '55000', 'and nothing can be discovered');
SET jwt_auth.issuer = 'https://auth.example';

-- Deleted: by an admin, and undone with its transaction
SELECT test.grant(:'third') AS given \gset
BEGIN;
SELECT jwt_delete_client((:'billing'::jsonb ->> 'client_id')::uuid);
SELECT is(test.access(:'given'), '28J02', 'while its deletion is not committed, its tokens are void to who deletes it');
ROLLBACK;
SELECT is(test.access(:'given'), NULL, 'and valid again once that is undone');
SELECT jwt_delete_client((:'billing'::jsonb ->> 'client_id')::uuid);
SELECT is(test.access(:'given'), '28J02', 'the tokens of a deleted client are void at once'),
	   is(test.grant(:'third') ->> 'error', 'invalid_client', 'and it gets no more');
DELETE FROM jwt_auth.clients WHERE name = 'signer';
SELECT is(test.access(:'asserted'), '28J02', 'so it is with one that is deleted by hand');
SELECT test.raises(format('SELECT jwt_delete_client(%L)', :'billing'::jsonb ->> 'client_id'), '22023', 'a client is deleted once'),
	   test.raises('SELECT jwt_delete_client(NULL)', '22023', 'NULL is none');
SELECT is(test.verdict(jwt_sign(jsonb_build_object('sub', 'client:' || gen_random_uuid()))), '28J02', 'a token for a client that never was is void'),
	   is(test.verdict(jwt_sign('{"sub":"client:billing"}')), NULL, 'what is no id of a client is an application''s own');
SELECT is(jwt_explain(:'given'::jsonb ->> 'access_token') ->> 'failed_check', 'client', 'an operator is told why');

-- What clients may know
SELECT jwt_discovery() AS document \gset
SELECT is(:'document'::jsonb - '{token_endpoint_auth_signing_alg_values_supported,jwks}'::text[],
		  '{"issuer":"https://auth.example","response_types_supported":[],"grant_types_supported":["client_credentials","refresh_token"],"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt","none"]}', 'the metadata say what there is (RFC 8414)'),
	   is(:'document'::jsonb -> 'jwks', jwt_jwks(), 'with the keys of now'),
	   is(:'document'::jsonb -> 'token_endpoint_auth_signing_alg_values_supported' @> '["ES256","RS256","EdDSA"]', true, 'and the algorithms of assertions'),
	   is(:'document'::jsonb -> 'token_endpoint_auth_signing_alg_values_supported' ? 'HS256', false, 'none of which has a secret');
SET jwt_auth.token_endpoint = 'https://auth.example/token';
SET jwt_auth.jwks_uri = 'https://auth.example/jwks';
SELECT is(jwt_discovery() ->> 'token_endpoint', 'https://auth.example/token', 'a setting says where the endpoint is'),
	   is(jwt_discovery() ->> 'jwks_uri', 'https://auth.example/jwks', 'another where the keys are'),
	   is(jwt_discovery() ? 'jwks', false, 'which then are not in it');

DROP ROLE regress_client_machine;
SELECT * FROM finish();
