-- Tokens of other issuers as identity (T91, T92): their claims may be read,
-- but they are never a user, a session or a role of ours, unless the role is
-- listed for their issuer.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
-- At least 49 assertions
SELECT no_plan();

CREATE ROLE regress_issuers_editor;
CREATE ROLE regress_issuers_admin;
DO $$ BEGIN PERFORM public.jwt_trust_issuer('https://idp.example',
	jsonb_build_object('keys', jsonb_build_array(test.key('oct', 'HS256') || '{"kid":"theirs"}')),
	'app', '{regress_issuers_editor}'); END $$;

-- A token of that issuer for the audience, with further members.
CREATE FUNCTION test.theirs(members text DEFAULT '', audience text DEFAULT '"app"') RETURNS text
LANGUAGE sql VOLATILE AS
$$ SELECT test.hs256('{"alg":"HS256","kid":"theirs"}',
		format('{"iss":"https://idp.example","aud":%s,"exp":%s%s}', audience, test.seconds(3600),
			   CASE members WHEN '' THEN '' ELSE ',' || members END)) $$;
CREATE FUNCTION test.be_theirs(members text DEFAULT '', audience text DEFAULT '"app"') RETURNS void
LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('jwt_auth.token', test.theirs(members, audience), false); END $$;

-- alice's user id, and the id of her live session
SELECT test.id_of('alice') AS alice, s.id AS session
FROM jwt_auth.sessions AS s WHERE s.user_id = test.id_of('alice') \gset
SELECT format('"sub":"%s","sid":"%s","role":"regress_issuers_admin","scope":"read","tenant":"t-alice"', :'alice', :'session') AS members \gset
SELECT test.be_theirs(:'members') IS NULL AS unused \gset
SELECT is(jwt_user_id(), NULL, 'for another issuer''s token with the id of a user, jwt_user_id is NULL');
SELECT is(jwt_session_id(), NULL, 'for another issuer''s token with the id of a session, jwt_session_id is NULL');
SELECT is(jwt_role(), NULL, 'for another issuer''s token with a role that is not listed, jwt_role is NULL');
SELECT is(jwt_has_role('regress_issuers_admin'), false, 'for another issuer''s token with a role that is not listed, jwt_has_role is false');
SELECT is(jwt_claims() ->> 'sub', :'alice', 'jwt_claims returns the claims of another issuer''s token');
SELECT is(jwt_claim('role'), 'regress_issuers_admin', 'jwt_claim returns a claim of another issuer''s token');
SELECT is(jwt_issuer(), 'https://idp.example', 'jwt_issuer returns the issuer of another issuer''s token');
SELECT is(jwt_has_scope('read'), true, 'jwt_has_scope takes the scopes of another issuer''s token');
SELECT test.raises(statement, '28J03', 'not authenticated: ' || statement)
FROM unnest(ARRAY['SELECT jwt_logout()', 'SELECT jwt_logout(''global'')', 'SELECT * FROM jwt_sessions()',
				  format('SELECT jwt_revoke_session(%L)', :'session'),
				  'SELECT jwt_change_password(''correct horse of alice'', ''another horse battery'')']) AS statement;
SELECT is((SELECT count(*) FROM jwt_auth.sessions WHERE revoked_at IS NOT NULL), 0::bigint, 'calls with another issuer''s token end no session');

-- Policies: by user none, by claim only what the policy says
CREATE POLICY by_user ON public.document USING (owner = public.jwt_user_id());
CREATE ROLE regress_issuers_reader;
GRANT USAGE ON SCHEMA public TO regress_issuers_reader;
SET ROLE regress_issuers_reader;
SELECT is(test.seen(), '{}', 'under a policy by user, another issuer''s token sees no row');
RESET ROLE;
ALTER POLICY by_user ON public.document USING (tenant = public.jwt_claim('tenant'));
SET ROLE regress_issuers_reader;
SELECT is(test.seen(), '{1,3,5}', 'under a policy by a claim alone, another issuer''s token sees rows');
RESET ROLE;
ALTER POLICY by_user ON public.document
	USING (tenant = public.jwt_claim('tenant') AND public.jwt_issuer() IS NULL);
SET ROLE regress_issuers_reader;
SELECT is(test.seen(), '{}', 'under a policy by a claim and jwt_issuer, another issuer''s token sees no row');
RESET ROLE;

-- Roles
SELECT is((test.be_theirs(members), jwt_role())::text, format('("",%s)', role), 'role: ' || members)
FROM (VALUES ('"role":"regress_issuers_editor"', 'regress_issuers_editor'), ('"role":"regress_issuers_admin"', ''),
			 ('"role":"REGRESS_ISSUERS_EDITOR"', ''), ('"role":"regress_issuers_editor "', ''),
			 ('"role":["regress_issuers_editor"]', ''), ('"role":""', ''), ('"x":1', ''),
			 ('"role":"regress_issuers_editor\u0001"', '')) AS v (members, role);
SELECT test.raises(format('SELECT jwt_authenticate(%L, true)', test.theirs(members)), '42501', 'assumed: ' || members)
FROM unnest(ARRAY['"role":"regress_issuers_admin"', '"role":"postgres"', '"x":1']) AS members;
BEGIN;
SELECT is(jwt_authenticate(test.theirs('"role":"regress_issuers_editor"'), true) ->> 'role', 'regress_issuers_editor',
		  'a role that is listed for the issuer is assumed');
SELECT is(current_user, 'regress_issuers_editor', 'a role that is listed for the issuer is current_user');
COMMIT;
SELECT is(current_user, session_user, 'after the transaction, current_user is the session user');

-- Audience, issuer and the list itself
SELECT is((test.be_theirs('', audience), test.sqlstate_of('SELECT public.jwt_claims()'))::text,
		  format('("",%s)', state), 'audience ' || audience)
FROM (VALUES ('"app"', ''), ('["app"]', ''), ('["x","app"]', ''), ('"another"', '28J00'), ('["x"]', '28J00'), ('[]', '28J00'),
			 ('null', '28J00'), ('"App"', '28J00')) AS v (audience, state);
SELECT test.be_theirs('"role":"regress_issuers_editor"') IS NULL AS unused \gset
SELECT is(jwt_role(), 'regress_issuers_editor', 'before the list changes, jwt_role returns the listed role');
DO $$ BEGIN PERFORM public.jwt_trust_issuer('https://idp.example',
	jsonb_build_object('keys', jsonb_build_array(test.key('oct', 'HS256') || '{"kid":"theirs"}')), 'app'); END $$;
SELECT is(jwt_role(), NULL, 'after the list of roles was emptied, jwt_role is NULL');
SELECT isnt(jwt_claims(), NULL, 'after the list of roles was emptied, the issuer is still trusted');
SELECT jwt_revoke_session(:'session') IS NULL AS unused
FROM set_config('jwt_auth.token', test.token_of('alice'), false) \gset
SELECT test.be_theirs(:'members') IS NULL AS unused \gset
SELECT is(jwt_claim('tenant'), 't-alice', 'the end of a session with that sid leaves another issuer''s token valid');
SELECT jwt_disable_user(:'alice') IS NULL AS unused \gset
SELECT is(jwt_claim('tenant'), 't-alice', 'disabling the user with that sub leaves another issuer''s token valid');
SELECT jwt_distrust_issuer('https://idp.example') IS NULL AS unused \gset
SELECT is(test.sqlstate_of('SELECT public.jwt_claims()'), '28J00', 'after the issuer was distrusted, its token is refused');
RESET jwt_auth.token;

-- The same bytes as an own token
SELECT is((set_config('jwt_auth.token', test.hs256('{"alg":"HS256","kid":"h1"}', payload), false) = '',
		   test.sqlstate_of('SELECT public.jwt_claims()'))::text, '(f,28J00)', 'our key, but ' || payload)
FROM unnest(ARRAY['{"iss":"https://idp.example","aud":"app","exp":4102444800}', '{"iss":"","exp":4102444800}',
				  '{"iss":null,"exp":4102444800}', '{"iss":["https://idp.example"],"exp":4102444800}']) AS payload;
RESET jwt_auth.token;

DROP OWNED BY regress_issuers_reader, regress_issuers_editor, regress_issuers_admin;
DROP ROLE regress_issuers_reader, regress_issuers_editor, regress_issuers_admin;
SELECT * FROM finish();
