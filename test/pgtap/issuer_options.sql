-- Options of jwt_trust_issuer (F23, F24, F39, T91, T92): what each lets a token do,
-- and what it does not; the one signer whose tokens carry no iss, which speaks
-- neither for us nor for another issuer.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
-- At least 230 assertions
SET client_min_messages = error;
SELECT no_plan();
SELECT public.jwt_create_key('ES256', 'next') \gset

CREATE TABLE public.theirs AS SELECT jwk_generate('ES256', 'k1') AS key;
CREATE FUNCTION test.trust(options jsonb, audience text DEFAULT 'api', roles name[] DEFAULT '{reader,editor}', issuer text DEFAULT 'https://a.example')
RETURNS void LANGUAGE plpgsql AS
$$ BEGIN PERFORM public.jwt_trust_issuer(issuer, jwk_public(key), audience, roles, options) FROM public.theirs; END $$;
CREATE FUNCTION test.theirs(claims jsonb, kid text DEFAULT 'k1') RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT jwt_sign_with(jsonb_build_object('exp', test.seconds(600), 'iss', 'https://a.example') || claims,
						jsonb_strip_nulls(key || jsonb_build_object('kid', kid))) FROM public.theirs $$;

-- Refused options leave what was there
SELECT test.trust('{}') \gset
CREATE TABLE public.issuers_before AS SELECT * FROM jwt_auth.issuers;
SELECT test.raises(format('SELECT test.trust(%L)', options), '22023', 'refused: ' || left(options, 80))
FROM unnest(ARRAY['[]', '1', 'null', '"audiences"', '{"unknown":1}', '{"Audiences":["x"]}', '{"audiences":[],"x":null}', '{"roles":["x"]}',
	'{"audiences":[]}', '{"audiences":null}', '{"audiences":1}', '{"audiences":true}', '{"audiences":{"x":1}}', '{"audiences":["x",1]}', '{"audiences":[["x"]]}', '{"audiences":[""]}',
	'{"audience_claim":"sub"}', '{"audience_claim":"iss"}', '{"audience_claim":["azp"]}', '{"audience_claim":""}', '{"audience_claim":null}',
	'{"token_use":[]}', '{"token_use":1}', '{"token_use":[null]}', '{"scope_claim":""}', '{"scope_claim":["scope"]}', '{"scope_claim":null}',
	'{"role_claim":[]}', '{"role_claim":[1]}', '{"role_claim":{"a":"b"}}', '{"role_claim":""}', '{"default_role":["x"]}', '{"default_role":""}',
	'{"default_role":null}', '{"jwks_uri":"http://a.example"}', '{"jwks_uri":"https://"}', '{"jwks_uri":"HTTPS://a.example"}',
	'{"jwks_uri":"https://a.example/ x"}', '{"jwks_uri":"file:///etc/passwd"}', '{"jwks_uri":"https://a.example\n"}', '{"jwks_uri":1}',
	'{"issuer":"https://a.example"}', '{"issuer":null}', '{"issuer":["none"]}', '{"issuer":"None"}', '{"audience":"x"}', '{"audience":true}',
	'{"audience":"none"}', '{"audience":"none","audiences":["x"]}']) AS options;
SELECT test.raises(format('SELECT test.trust(%L)', options), '22023', 'refused: ' || what)
FROM (VALUES (jsonb_build_object('default_role', repeat('r', 64)), 'a role that is too long for a name'),
			 (jsonb_build_object('jwks_uri', 'https://' || repeat('u', 2048)), 'a URI that is too long'),
			 (jsonb_build_object('scope_claim', repeat('s', 1025)), 'a claim that is too long'),
			 (jsonb_build_object('audiences', (SELECT jsonb_agg('a' || n) FROM generate_series(1, 65) AS n)), 'too many audiences')) AS v (options, what);
SELECT test.raises('SELECT test.trust(NULL)', '22023', 'refused: options of NULL'),
	   test.raises('SELECT test.trust(''{"audience":"none","audience_claim":"azp"}'', NULL)', '22023', 'refused: no audience, and a claim for it'),
	   test.raises('SELECT test.trust(''{"audience":"none","audiences":["x"]}'', NULL)', '22023', 'refused: no audience, and some'),
	   test.raises('SELECT test.trust(''{}'', NULL)', '22023', 'refused: neither an audience nor an option that there is none'),
	   test.raises('SELECT test.trust(''{"audience":"none"}'', ''api'')', '22023', 'refused: both');
SELECT set_eq('SELECT * FROM jwt_auth.issuers', 'SELECT * FROM public.issuers_before', 'refused options leave the stored issuer');
SELECT test.trust('{"audiences":["a","b"],"audience_claim":"aud","token_use":"access","jwks_uri":"https://a.example/jwks?x=1"}') \gset
SELECT is(options, '{"audiences":["a","b"],"audience_claim":"aud","token_use":"access","jwks_uri":"https://a.example/jwks?x=1"}', 'options are stored as given'),
	   is(is_anonymous, false, 'an issuer is not anonymous by default') FROM jwt_auth.issuers;

-- Audiences: several, and a claim that stands in for an absent aud alone
SELECT is((test.trust(options) IS NULL, test.verdict(test.theirs(claims), audience))::text, format('(f,%s)', state),
		  format('%s: %s, asked for %s', options, claims, audience))
FROM (VALUES
	(jsonb '{"audiences":["web"]}', jsonb '{"aud":"api"}', NULL, ''), ('{"audiences":["web"]}', '{"aud":"web"}', NULL, ''),
	('{"audiences":["web"]}', '{"aud":["x","web"]}', NULL, ''), ('{"audiences":["web"]}', '{"aud":["x","y"]}', NULL, '28J00'),
	('{"audiences":["web"]}', '{"aud":"Web"}', NULL, '28J00'), ('{"audiences":["web"]}', '{}', NULL, '28J00'),
	('{"audiences":["web"]}', '{"aud":null}', NULL, '28J00'), ('{"audiences":["web"]}', '{"aud":"web"}', 'api', '28J00'),
	('{"audiences":["web"]}', '{"aud":"web"}', 'web', ''), ('{"audiences":["web"]}', '{"azp":"web"}', NULL, '28J00'),
	('{"audience_claim":"azp"}', '{"azp":"api"}', NULL, ''), ('{"audience_claim":"azp"}', '{"azp":"api","aud":null}', NULL, ''),
	('{"audience_claim":"azp"}', '{"aud":"api"}', NULL, ''), ('{"audience_claim":"azp"}', '{"aud":"api","azp":"web"}', NULL, ''),
	('{"audience_claim":"azp"}', '{"azp":"api","aud":"web"}', NULL, '28J00'), ('{"audience_claim":"azp"}', '{"azp":"api","aud":[]}', NULL, '28J00'),
	('{"audience_claim":"azp"}', '{"azp":"api","aud":1}', NULL, '28J00'), ('{"audience_claim":"azp"}', '{"azp":"web"}', NULL, '28J00'),
	('{"audience_claim":"azp"}', '{"azp":["api"]}', NULL, '28J00'), ('{"audience_claim":"azp"}', '{"azp":null}', NULL, '28J00'),
	('{"audience_claim":"azp"}', '{"client_id":"api"}', NULL, '28J00'), ('{"audience_claim":"client_id"}', '{"client_id":"api"}', NULL, ''),
	('{"audience_claim":"client_id"}', '{"azp":"api"}', NULL, '28J00'), ('{"audience_claim":"aud"}', '{"azp":"api"}', NULL, '28J00'),
	('{"audience_claim":"azp","audiences":["web"]}', '{"azp":"web"}', NULL, ''), ('{"audience_claim":"azp"}', '{"azp":"web"}', 'web', ''),
	('{"audience_claim":"azp"}', '{"azp":"api"}', 'web', '28J00')) AS v (options, claims, audience, state);
-- An issuer whose tokens carry no audience: they must not
SELECT test.trust('{"audience":"none","token_use":"access"}', NULL) \gset
SELECT is(options, '{"token_use":"access"}', 'options that have a column are not stored twice') FROM jwt_auth.issuers;
SELECT test.trust('{"audience":"none"}', NULL) \gset
SELECT is(test.verdict(test.theirs(claims), audience), state, format('no audience: %s, asked for %s', claims, audience))
FROM (VALUES (jsonb '{}', NULL, NULL), ('{"aud":null}', NULL, NULL), ('{"aud":"api"}', NULL, '28J00'), ('{"aud":[]}', NULL, '28J00'),
			 ('{"aud":""}', NULL, '28J00'), ('{}', 'api', '28J00'), ('{"aud":"api"}', 'api', NULL)) AS v (claims, audience, state);
SET jwt_auth.audience = 'ours';
SELECT is(test.verdict(test.theirs('{}')), NULL, 'jwt_auth.audience does not apply to another issuer''s token'),
	   is(test.verdict(test.theirs('{"aud":"ours"}')), '28J00', 'another issuer''s token with our audience is refused where its issuer has none');
RESET jwt_auth.audience;

-- An aud of null is none, in our tokens too (F24)
SELECT is(test.verdict(test.own('"aud":null')), NULL, 'an own token with aud null is accepted where no audience is expected'),
	   is(test.verdict(test.own('"aud":null'), 'api'), '28J00', 'an own token with aud null is refused where an audience is expected'),
	   is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, %L)', test.token(test.payload('"aud":null')), test.key('oct'))), NULL, 'jwt_verify_with accepts aud null where no audience is expected'),
	   is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, %L, ''api'')', test.token(test.payload('"aud":null')), test.key('oct'))), '28J00',
		  'jwt_verify_with refuses aud null where an audience is expected');
SET jwt_auth.audience = 'ours';
SELECT is(jwt_verify(jwt_sign('{"aud":null}')) ->> 'aud', 'ours', 'jwt_sign replaces aud null by jwt_auth.audience');
RESET jwt_auth.audience;

-- Who a token is for whom, after each of these
CREATE FUNCTION test.identity(claims jsonb) RETURNS text LANGUAGE plpgsql AS
$$
BEGIN
	PERFORM public.jwt_authenticate(test.theirs('{"aud":"api"}' || claims));
	RETURN concat_ws(' ', coalesce(public.jwt_role(), '-'), public.jwt_has_scope('read'), coalesce(public.jwt_user_id(), public.jwt_session_id()));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
-- Roles: those that are listed, and no other
SELECT is((test.trust(options) IS NULL, test.identity(claims))::text, format('(f,"%s f")', role), format('%s: %s', options, claims))
FROM (VALUES
	(jsonb '{}', jsonb '{"role":"reader"}', 'reader'), ('{}', '{"role":"admin"}', '-'), ('{}', '{"role":["reader"]}', '-'), ('{}', '{"roles":["reader"]}', '-'),
	('{"role_claim":"roles"}', '{"roles":["admin","editor","reader"]}', 'editor'), ('{"role_claim":"roles"}', '{"roles":"reader"}', 'reader'),
	('{"role_claim":"roles"}', '{"roles":["admin","postgres"]}', '-'), ('{"role_claim":"roles"}', '{"roles":[]}', '-'),
	('{"role_claim":"roles"}', '{"roles":[["editor"],{"editor":1},1,null]}', '-'), ('{"role_claim":"roles"}', '{"roles":["Editor"," editor","editor\u0001"]}', '-'),
	('{"role_claim":"roles"}', '{"role":"editor"}', '-'), ('{"role_claim":"roles"}', '{"roles":{"editor":true}}', '-'),
	('{"role_claim":["realm_access","roles"]}', '{"realm_access":{"roles":["x","reader"]}}', 'reader'),
	('{"role_claim":["realm_access","roles"]}', '{"realm_access":["roles","reader"]}', '-'), ('{"role_claim":["realm_access","roles"]}', '{"realm_access":"reader"}', '-'),
	('{"role_claim":["realm_access","roles"]}', '{"realm_access":{"roles":{"reader":1}}}', '-'), ('{"role_claim":["realm_access","roles"]}', '{"roles":["editor"]}', '-'),
	('{"role_claim":["realm_access","roles"]}', '{"realm_access.roles":["editor"]}', '-'), ('{"role_claim":["a","b","c"]}', '{"a":{"b":{"c":"editor"}}}', 'editor'),
	('{"role_claim":"https://x.example/role"}', '{"https://x.example/role":"editor"}', 'editor'),
	('{"default_role":"reader"}', '{}', 'reader'), ('{"default_role":"reader"}', '{"role":"editor"}', 'editor'), ('{"default_role":"reader"}', '{"role":"admin"}', 'reader'),
	('{"default_role":"reader","role_claim":"roles"}', '{"roles":["admin"]}', 'reader'), ('{"default_role":"guest"}', '{"role":1}', 'guest'))
	AS v (options, claims, role);
SELECT is((test.trust('{"role_claim":"roles"}', roles => '{}') IS NULL, test.identity('{"roles":["editor"]}'))::text, '(f,"- f")', 'an issuer without roles gives none');
SELECT test.trust('{"default_role":"postgres"}') \gset
SELECT test.raises(format('SELECT jwt_authenticate(%L, true)', test.theirs('{"aud":"api"}')), '42501', 'a default role that is a superuser is not assumed');

-- Scopes: scope, else scp, or the one claim that the option names
SELECT is((test.trust(options) IS NULL, test.identity(claims))::text, format('(f,"- %s")', has), format('%s: %s', options, claims))
FROM (VALUES
	(jsonb '{}', jsonb '{"scope":"x read"}', 't'), ('{}', '{"scp":"x read"}', 't'), ('{}', '{"scp":["x","read"]}', 't'), ('{}', '{"scope":"x","scp":"read"}', 'f'),
	('{}', '{"scope":"","scp":"read"}', 'f'), ('{}', '{"scope":[],"scp":["read"]}', 'f'), ('{}', '{"scope":null,"scp":"read"}', 't'), ('{}', '{"scp":{"read":1}}', 'f'),
	('{}', '{"scp":1}', 'f'), ('{}', '{"scp":"reads"}', 'f'), ('{"scope_claim":"permissions"}', '{"permissions":["read"]}', 't'),
	('{"scope_claim":"permissions"}', '{"scope":"read"}', 'f'), ('{"scope_claim":"permissions"}', '{"scp":"read"}', 'f'), ('{"scope_claim":"scp"}', '{"scope":"read","scp":"x"}', 'f'))
	AS v (options, claims, has);
SELECT is((SELECT jwt_has_scope('read') FROM set_config('jwt_auth.token', test.own(claims), true)), has, 'ours: ' || claims)
FROM (VALUES ('"scp":["read"]', true), ('"scope":"x","scp":["read"]', false), ('"scope":"read"', true)) AS v (claims, has);

-- token_use: what the list says, or else access
SELECT is((test.trust(options) IS NULL, test.verdict(test.theirs('{"aud":"api"}' || claims)), test.identity(claims))::text,
		  format('(f,%s,%s)', verdict, identity), format('%s: %s', options, claims))
FROM (VALUES
	(jsonb '{}', jsonb '{}', '', '"- f"'), ('{}', '{"token_use":"access"}', '', '"- f"'), ('{}', '{"token_use":"id"}', '', '28J00'),
	('{"token_use":["access","id"]}', '{"token_use":"id"}', '', '"- f"'), ('{"token_use":["access","id"]}', '{"token_use":"refresh"}', '28J00', '28J00'),
	('{"token_use":"id"}', '{"token_use":"access"}', '28J00', '28J00'), ('{"token_use":"id"}', '{}', '28J00', '28J00'),
	('{"token_use":"id"}', '{"token_use":["id"]}', '28J00', '28J00'), ('{"token_use":"id"}', '{"token_use":"id","cnf":{"jkt":"x"}}', '', '28J00'))
	AS v (options, claims, verdict, identity);
SELECT is(test.sqlstate_of(format('SELECT jwt_authenticate(%L)', test.own('"token_use":"id"'))), '28J00', 'an own token with token_use "id" is no identity');

-- What a backend remembers follows the options
SELECT test.theirs('{"aud":"web","roles":["editor"]}') AS remembered \gset
SELECT is((test.trust('{}') IS NULL, test.verdict(:'remembered'))::text, '(f,28J00)', 'after the audiences changed, a remembered token is refused'),
	   is((test.trust('{"audiences":["web"]}') IS NULL, test.verdict(:'remembered'))::text, '(f,)', 'after its audience was listed, a remembered token is accepted'),
	   is((test.trust('{}') IS NULL, test.verdict(:'remembered'))::text, '(f,28J00)', 'after its audience was removed, a remembered token is refused');

-- The signer whose tokens carry no iss: one at most, and found by nothing else
SELECT jwt_distrust_issuer('https://a.example') \gset
SELECT is(test.verdict(test.theirs('{}')), '28J00', 'before a signer without iss is trusted, its token is refused');
SELECT lives_ok('SELECT test.trust(''{"issuer":"none","audience":"none"}'', NULL, ''{reader}'', ''old'')', 'a signer without iss can be trusted');
SELECT test.raises('SELECT test.trust(''{"issuer":"none","audience":"none"}'', NULL, ''{}'', ''older'')', '22023', 'a second signer without iss is refused');
SELECT lives_ok('SELECT test.trust(''{"issuer":"none","audience":"none"}'', NULL, ''{reader}'', ''old'')', 'the signer without iss can be replaced under its name');
CREATE FUNCTION test.old(claims jsonb DEFAULT '{}', kid text DEFAULT NULL) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT jwt_sign_with(jsonb_build_object('exp', test.seconds(600)) || claims, jsonb_strip_nulls(key || jsonb_build_object('kid', kid)))
   FROM public.theirs $$;
SELECT is(test.verdict(test.old(claims, kid)), state, format('%s, kid %s', claims, kid))
FROM (VALUES
	(jsonb '{}', NULL, NULL), ('{"role":"reader"}', 'k1', NULL), ('{"aud":null}', NULL, NULL), ('{}', 'unknown', '28J00'),
	('{"iss":"old"}', NULL, '28J00'), ('{"iss":"old"}', 'k1', '28J00'), ('{"iss":""}', NULL, '28J00'), ('{"iss":null}', NULL, '28J00'),
	('{"iss":"https://a.example"}', 'k1', '28J00'), ('{"aud":"api"}', NULL, '28J00'), ('{}', 'h1', '28J00'), ('{}', 'next', '28J00'))
	AS v (claims, kid, state);
SELECT is(test.verdict(jwt_sign_with(jsonb_build_object('exp', test.seconds(60)), jwk_generate('ES256', kid))), '28J00',
		  'another key, kid ' || kid) FROM unnest('{k1,x}'::text[]) AS kid;
SELECT is(test.verdict(test.token_of('alice')), NULL, 'beside a signer without iss, tokens of own sessions are accepted'),
	   is(test.verdict(test.own('"sub":"x"')), NULL, 'beside a signer without iss, own tokens without session are accepted'),
	   is(test.verdict(test.hs256('{"alg":"HS256"}', test.payload())), '28J00', 'beside a signer without iss, own tokens without kid are refused');
-- It is never a user, a session or an unlisted role of ours, nor its jti ours (T91)
SELECT s.user_id AS alice, s.id AS session FROM jwt_auth.sessions AS s WHERE s.user_id = test.id_of('alice') LIMIT 1 \gset
SELECT jsonb_build_object('sub', :'alice', 'sid', :'session', 'role', 'editor', 'scope', 'read', 'jti', 'j') AS claims \gset
SELECT set_config('jwt_auth.token', test.old(:'claims'), false) IS NULL AS unused \gset
SELECT is(jwt_user_id(), NULL, 'for a token without iss with the id of a user, jwt_user_id is NULL'),
	   is(jwt_session_id(), NULL, 'for a token without iss with the id of a session, jwt_session_id is NULL'),
	   is(jwt_role(), NULL, 'for a token without iss with a role that is not listed, jwt_role is NULL'),
	   is(jwt_issuer(), 'old', 'for a token without iss, jwt_issuer is the name under which its signer is trusted'),
	   is(jwt_claims() ->> 'sub', :'alice', 'jwt_claims returns the claims of a token without iss'),
	   is(jwt_has_scope('read'), true, 'jwt_has_scope takes the scopes of a token without iss');
SELECT test.raises(statement, '28J03', 'not authenticated: ' || statement)
FROM unnest(ARRAY['SELECT jwt_logout(''global'')', 'SELECT * FROM jwt_sessions()', format('SELECT jwt_revoke_session(%L)', :'session')]) AS statement;
SELECT lives_ok(format('SELECT jwt_revoke(%L)', test.old(:'claims')), 'revoking a token without iss raises no error');
SELECT is(count(*), 0::bigint, 'revoking a token without iss adds no denial') FROM jwt_auth.revoked_tokens;
SELECT is(test.verdict(test.token_of('alice')), NULL, 'revoking a token without iss with the id of a session leaves the session');
RESET jwt_auth.token;
INSERT INTO jwt_auth.revoked_tokens VALUES ('', 'j', now() + interval '1 d');
SELECT is(test.verdict(test.old(:'claims')), NULL, 'the denial of an own token does not deny a token without iss of that jti');
INSERT INTO jwt_auth.revoked_tokens VALUES ('old', 'j', now() + interval '1 d');
SELECT is(test.verdict(test.old(:'claims')), '28J02', 'a denial under the signer''s name denies its token without iss'),
	   is(test.verdict(test.own('"jti":"j2"')), NULL, 'a denial under the signer''s name leaves own tokens valid');
DELETE FROM jwt_auth.revoked_tokens;
-- The issuer that the caller wants, and the one that we are
SELECT is(test.verdict(test.old(), NULL, wanted), state, 'issuer wanted: ' || wanted) FROM (VALUES ('old', NULL), ('https://a.example', '28J00'), ('', '28J00')) AS v (wanted, state);
SELECT test.old() AS old, test.own() AS own \gset
SELECT is(test.verdict(:'old'), NULL, 'without jwt_auth.issuer, the signer''s token without iss is accepted'),
	   is(test.verdict(:'own'), NULL, 'without jwt_auth.issuer, an own token without iss is accepted');
SET jwt_auth.issuer = 'https://us.example';
SELECT is(test.verdict(:'old'), NULL, 'with jwt_auth.issuer set, the signer''s token without iss is accepted'),
	   is(test.verdict(:'own'), '28J00', 'with jwt_auth.issuer set, an own token without iss is refused'),
	   is(test.verdict(test.old('{"iss":"https://us.example"}')), '28J00', 'with jwt_auth.issuer set, the signer''s token with that iss is refused'),
	   is(test.verdict(test.old('{}', 'h1')), '28J00', 'with jwt_auth.issuer set, the signer''s token with an own kid is refused');
SET jwt_auth.issuer = 'old';
-- jwt_issuer() would say that theirs were ours
SELECT test.old('{"jti":"new"}') AS unseen \gset
SELECT is(test.verdict(:'old'), '28J00', 'with jwt_auth.issuer set to the signer''s name, its remembered token is refused'),
	   is(test.verdict(:'unseen'), '28J00', 'with jwt_auth.issuer set to the signer''s name, its new token is refused'),
	   is(test.verdict(:'old', NULL, 'old'), '28J00', 'with jwt_auth.issuer set to the signer''s name and expected, its token is refused'),
	   is(test.verdict(test.own('"iss":"old"')), NULL, 'with jwt_auth.issuer set to the signer''s name, an own token with that iss is accepted'),
	   is(test.verdict(test.old('{"iss":"old"}')), '28J00', 'with jwt_auth.issuer set to the signer''s name, its token with that iss is refused');
RESET jwt_auth.issuer;
SELECT is(test.verdict(:'old'), NULL, 'after jwt_auth.issuer was reset, the signer''s token is accepted');
-- A key of ours takes over a kid of theirs, also a revoked one
SELECT is(test.verdict(test.old('{}', 'k1')), NULL, 'the signer''s token with its own kid is accepted');
SELECT jwt_create_key('ES256', 'k1') \gset
SELECT is(test.verdict(test.old('{}', 'k1')), '28J00', 'the signer''s token with a kid that an own key has now is refused');
SELECT jwt_revoke_key('k1') \gset
SELECT is(test.verdict(test.old('{}', 'k1')), '28J00', 'the signer''s token with a kid that a revoked own key had is refused');
-- What they name, they must be listed for; direct changes of the row fail closed
UPDATE jwt_auth.issuers SET options = '{"unknown":1}';
SELECT is(test.verdict(:'old'), '28J00', 'with options that cannot be read, the signer''s token is refused');
UPDATE jwt_auth.issuers SET options = '{}';
SELECT is(test.verdict(:'old'), NULL, 'with options that can be read again, the signer''s token is accepted');
SELECT test.raises('INSERT INTO jwt_auth.issuers (issuer, roles, is_anonymous, jwks, created_at, updated_at) SELECT ''x'', roles, true, jwks, created_at, updated_at FROM jwt_auth.issuers',
				   '23505', 'the table holds no second signer without iss');
SELECT lives_ok('SELECT test.trust(''{}'', ''api'', ''{}'', ''old'')', 'the name of the signer without iss can become that of an issuer');
SELECT is(test.verdict(:'old'), '28J00', 'after its name became an issuer''s, a token without iss is refused'),
	   is(test.verdict(test.old('{"iss":"old","aud":"api"}')), NULL, 'after its name became an issuer''s, a token with iss is accepted');
SELECT lives_ok('SELECT test.trust(''{"issuer":"none","audience":"none"}'', NULL, ''{}'', ''older'')', 'after its name became an issuer''s, another signer without iss can be trusted');
SELECT lives_ok('SELECT jwt_distrust_issuer(''older'')', 'a signer without iss can be distrusted');
SELECT is(test.verdict(:'old'), '28J00', 'after the signer was distrusted, its token is refused at once');

-- jwt_explain says which role counts, and why none does
SELECT test.trust('{"role_claim":"roles"}') \gset
SELECT is(e ->> 'role', role, 'explained: ' || claims::text),
	   is(e ? 'role_reason', explained, 'explained, why not: ' || claims::text),
	   is(e #> '{compared_with,issuer_roles}', '["reader", "editor"]', 'jwt_explain shows the issuer''s roles: ' || claims::text)
FROM (VALUES (jsonb '{"roles":["x","editor"]}', 'editor', false), ('{"roles":["admin"]}', NULL, true), ('{}', NULL, false), ('{"role":"editor"}', NULL, false))
	AS v (claims, role, explained), jwt_explain(test.theirs('{"aud":"api"}' || claims)) AS e;
SELECT test.trust('{"issuer":"none","audience":"none"}', NULL, '{reader}', 'old') \gset
SELECT is(e ->> 'valid', 'true', 'jwt_explain calls a token without iss valid'),
	   is(e #>> '{compared_with,issuer_name}', 'old', 'jwt_explain names the signer of a token without iss'),
	   is(e ? 'role_reason', true, 'jwt_explain says that the role of a token without iss is not listed') FROM jwt_explain(test.old('{"role":"admin"}')) AS e;

SELECT * FROM finish();
