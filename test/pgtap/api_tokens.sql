-- API tokens of users (T173, T174): made by their user alone, for no more than the
-- user may do, shown once, and ended by all that ends the user's sessions; what they are
-- exchanged for uses the application, and changes no account.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
\ir include/totp.psql
-- At least 141 assertions
SELECT no_plan();
SELECT test.create_user('alice', claims => '{"scope":"read write","tenant":"t1"}') AS alice, test.create_user('bob', claims => '{"scp":["read","admin"]}') AS bob,
	   test.create_user('carol') AS carol \gset
CREATE FUNCTION test.create_token(scope text DEFAULT 'read', expires_in text DEFAULT '30 days', name text DEFAULT 'a script') RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_create_api_token(name, scope, expires_in::interval) $$;
CREATE FUNCTION test.exchange(created jsonb) RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_login_api_token(created ->> 'token') $$;
SELECT test.login('alice') AS alice_login \gset
SELECT test.be(:'alice_login');

-- Creating one
SELECT test.audit_count() AS events \gset
SELECT test.create_token('read write') AS made \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'made') AS k), '{expires_at,id,name,scope,token}', 'a new token is answered with what it is for'),
	   matches(:'made'::jsonb ->> 'token', '^jap_[A-Za-z0-9_-]{92}$', 'it can be recognised as an API token'),
	   is(:'made'::jsonb ->> 'name', 'a script', 'it has the name that it was given'),
	   is(:'made'::jsonb ->> 'scope', 'read write', 'and the scopes'),
	   cmp_ok((:'made'::jsonb ->> 'expires_at')::timestamptz, '<=', clock_timestamp() + interval '30 days', 'and expires when it was said'),
	   cmp_ok((:'made'::jsonb ->> 'expires_at')::timestamptz, '>', clock_timestamp() + interval '29 days', 'and no earlier');
SELECT is((SELECT array_agg(a) FROM test.audit_since(:events) AS a), '{api_token_created}', 'its creation is audited'),
	   is((SELECT concat_ws(' ', s.method, a.method) FROM jwt_auth.sessions AS s JOIN jwt_auth.audit_log AS a ON a.session_id = s.id WHERE s.id = (:'made'::jsonb ->> 'id')::uuid), 'api_token api_token', 'with how its session began');
SELECT is((SELECT count(*) FROM jwt_auth.api_tokens AS t WHERE position(:'made'::jsonb ->> 'token' IN t::text) > 0), 0::bigint, 'the token itself is in no row');
SELECT jwt_api_tokens() AS listed \gset
SELECT is(:'listed'::jsonb #- '{0,created_at}' #- '{0,expires_at}', jsonb_build_array(jsonb_build_object('id', :'made'::jsonb ->> 'id', 'name', 'a script', 'scope', 'read write', 'last_used_at', NULL)), 'it is listed, without a secret');

-- Refused: arguments
SELECT test.raises(format('SELECT jwt_create_api_token(%s)', arguments), '22023', 'no token of ' || arguments)
FROM unnest(ARRAY['NULL, ''read'', ''1 h''', '''x'', NULL, ''1 h''', '''x'', ''read'', NULL', ''''', ''read'', ''1 h''', 'repeat(''x'', 101), ''read'', ''1 h''', '''x'', ''read'', ''0''', '''x'', ''read'', ''-1 h''',
	'''x'', ''read'', ''367 d''', '''x'', ''read'', ''1000 years''', '''x'', '' read'', ''1 h''', '''x'', ''read '', ''1 h''', '''x'', ''read  write'', ''1 h''', '''x'', ''"read"'', ''1 h''', '''x'', E''read\twrite'', ''1 h''',
	'''x'', E''read\\'', ''1 h''', '''x'', ''lire\u00e9'', ''1 h''', '''x'', repeat(''a'', 1025), ''1 h''']) AS arguments;
-- No scope beyond the user's, and nobody else's token
SELECT test.raises(format('SELECT jwt_create_api_token(''x'', %L, ''1 h'')', scope), '42501', 'no token with a scope that the user lacks: ' || scope)
FROM unnest('{admin,read admin,READ,rea,read write delete}'::text[]) AS scope;
SELECT is(test.create_token('') ->> 'scope', '', 'a token may have no scope at all');
SELECT is((SELECT max(pronargs) || ' ' || bool_or(proargnames && '{user_id,username,sub}') FROM pg_proc WHERE proname = 'jwt_create_api_token'), '3 false', 'no argument names a user');
-- Refused: who asks
SET jwt_auth.token = '';
SELECT test.raises('SELECT test.create_token()', '28J03', 'nobody gets no token'),
	   test.raises('SELECT jwt_api_tokens()', '28J03', 'nobody lists none'),
	   test.raises(format('SELECT jwt_revoke_api_token(%L)', :'made'::jsonb ->> 'id'), '28J03', 'nobody revokes one');
SELECT set_config('jwt_auth.token', jwt_sign(jsonb_build_object('sub', :'alice', 'scope', 'read')), false) AS signed \gset
SELECT test.raises('SELECT test.create_token()', '28J04', 'a token without a session creates none');
SELECT test.login('alice') AS old \gset
SELECT test.age_authentication(:'old', '6 min');
SELECT test.be(test.refresh(:'old'));
SELECT test.raises('SELECT test.create_token()', '28J04', 'an authentication of long ago creates none');
SELECT test.be(:'alice_login');

-- Exchanging it
SELECT test.exchange(:'made') AS given \gset
SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'given') AS k), '{access_token,expires_in,scope,token_type}', 'it is exchanged for an access token, without a refresh token'),
	   is(:'given'::jsonb ->> 'scope', 'read write', 'the answer tells the scopes'),
	   is((:'given'::jsonb ->> 'expires_in')::integer, 900, 'and that it lives for 15 minutes'),
	   is(test.access(:'given'), NULL, 'the access token is valid');
SELECT is(test.claims_of(:'given') - '{iat,exp,jti,auth_time}'::text[],
		  jsonb_build_object('sub', :'alice', 'sid', :'made'::jsonb ->> 'id', 'scope', 'read write', 'tenant', 't1', 'aal', 1, 'acr', 'aal1', 'api_token', 'a script'), 'its claims are those of the user, at level 1');
SELECT test.be(:'given');
SELECT is(jwt_user_id(), :'alice', 'it acts for its user'),
	   is(jwt_has_scope('read'), true, 'with its scopes'),
	   is(jwt_has_scope('admin'), false, 'and no other'),
	   is(jwt_aal(), 1, 'at level 1'),
	   is(jwt_claim('api_token'), 'a script', 'and tells policies what it is');
SELECT is(jwt_api_tokens() -> 0 ->> 'last_used_at' IS NOT NULL, true, 'the use is noted');
SELECT last_used_at AS used FROM jwt_auth.api_tokens WHERE session_id = (:'made'::jsonb ->> 'id')::uuid \gset
SELECT is(test.error_of(test.exchange(:'made')), 'ok', 'it can be exchanged again');
SELECT is((SELECT last_used_at FROM jwt_auth.api_tokens WHERE session_id = (:'made'::jsonb ->> 'id')::uuid), :'used', 'which writes nothing within some minutes');

-- What it may not do: change the account, or make itself another
SELECT test.raises(call, '42501', 'an API token may not call ' || call)
FROM unnest(ARRAY['SELECT test.create_token()', 'SELECT test.create_token('''')', 'SELECT jwt_change_password(test.password(), ''another horse battery'')', 'SELECT jwt_logout()', 'SELECT jwt_logout(''global'')',
	format('SELECT jwt_revoke_session(%L)', test.session_of(:'alice_login')), format('SELECT jwt_revoke_api_token(%L)', :'made'::jsonb ->> 'id'), 'SELECT jwt_enroll_totp()', 'SELECT jwt_step_up()', 'SELECT jwt_make_recovery_codes()',
	'SELECT jwt_add_identifier(''a@mail.example'')', 'SELECT jwt_remove_identifier(''alice'')', 'SELECT jwt_link_external(''idp'', ''x'')', 'SELECT jwt_passkey_register_options()', 'SELECT jwt_passkey_register(''{}'')', 'SELECT jwt_confirm_totp(gen_random_uuid(), ''123456'')',
	'SELECT jwt_remove_factor(gen_random_uuid())', 'SELECT jwt_unlink_external(''idp'', ''x'')', format('SELECT jwt_start_session(%L, ''{mfa}'')', :'alice'), format('SELECT jwt_impersonate(%L, ''why'')', :'alice')]) AS call;
SELECT is(test.error_of(test.refresh(:'alice_login')), 'ok', 'the user''s session goes on');

-- Scopes of both, as they are when it is exchanged
SELECT jwt_update_user(:'alice', claims => '{"scope":"write admin"}');
SELECT is(test.exchange(:'made') ->> 'scope', 'write', 'what the user lacks by then, the access token lacks'),
	   is(test.claims_of(test.exchange(:'made')) ->> 'scope', 'write', 'what the user was given later, the access token has not');
SELECT jwt_update_user(:'alice', claims => '{}');
SELECT is(test.exchange(:'made') ->> 'scope', '', 'of a user without scopes, it has none'),
	   is(test.claims_of(test.exchange(:'made')) ->> 'scope', '', 'and says so');
SELECT jwt_update_user(:'alice', claims => '{"scp":["read","x"],"scope":null}');
SELECT is(test.claims_of(test.exchange(:'made')) ->> 'scope', 'read', 'scopes of an array count, too'),
	   is(test.claims_of(test.exchange(:'made')) ? 'scp', false, 'which the access token does not have beside its own');
SELECT jwt_update_user(:'alice', claims => '{"scope":"read write"}');
SELECT test.raises('SELECT jwt_update_user(''' || :'alice' || ''', claims => ''{"api_token":"x"}'')', '22023', 'nobody is given its claim');

-- What is no token, and what is none any more, are refused alike
SELECT test.exchange(:'made') AS live, test.audit_count() AS events \gset
SELECT is(jwt_login_api_token(token), jsonb_build_object('error', 'invalid_grant', 'error_description', 'the API token is invalid, expired or revoked'), 'refused: ' || what)
FROM (VALUES ('another text', 'x'), ('a prefix', 'jap_'), ('a changed one', test.tampered(:'made'::jsonb ->> 'token')), ('a shorter one', left(:'made'::jsonb ->> 'token', -1)), ('a longer one', (:'made'::jsonb ->> 'token') || 'A'),
	('a refresh token', :'alice_login'::jsonb ->> 'refresh_token'), ('a refresh token of its prefix', 'jap_' || substr(:'alice_login'::jsonb ->> 'refresh_token', 5)), ('an access token', :'live'::jsonb ->> 'access_token'), ('random octets', 'jap_' || repeat('A', 92))) AS v (what, token);
SELECT is(test.audit_count(), :events::bigint, 'guesses write nothing');
SELECT is(jwt_login_api_token('') ->> 'error', 'invalid_request', 'an empty text is told so'),
	   is(test.error_of(jwt_login_api_token(E' \n' || (:'made'::jsonb ->> 'token') || ' ')), 'ok', 'white space around it is none of it'),
	   is(jwt_refresh(:'made'::jsonb ->> 'token') ->> 'error', 'invalid_grant', 'it is no refresh token'),
	   is(jwt_refresh('jar_' || substr(:'made'::jsonb ->> 'token', 5)) ->> 'error', 'invalid_grant', 'nor under the prefix of one'),
	   is(test.verdict(:'made'::jsonb ->> 'token'), '28J00', 'and no access token');
SELECT test.raises('SELECT jwt_login_api_token(NULL)', '22023', 'NULL is misuse'),
	   test.raises('SELECT jwt_login_api_token(repeat(''x'', 1025))', '22023', 'so is what is too long');

-- Revoked by its user, and by nobody else
SELECT test.login('bob') AS bob_login \gset
SELECT test.be(:'bob_login');
SELECT is(jwt_api_tokens(), '[]', 'others do not see it');
SELECT jwt_revoke_api_token((:'made'::jsonb ->> 'id')::uuid), jwt_revoke_api_token(gen_random_uuid()), jwt_revoke_api_token(test.session_of(:'bob_login')), jwt_revoke_session((:'made'::jsonb ->> 'id')::uuid);
SELECT is(test.access(:'live'), NULL, 'others do not revoke it'),
	   is(test.access(:'bob_login'), NULL, 'nor is a session revoked in place of a token');
SELECT test.raises('SELECT jwt_revoke_api_token(NULL)', '22023', 'NULL revokes nothing');
SELECT test.be(:'alice_login');
SELECT test.audit_count() AS events \gset
SELECT jwt_revoke_api_token((:'made'::jsonb ->> 'id')::uuid), jwt_revoke_api_token((:'made'::jsonb ->> 'id')::uuid);
SELECT is((SELECT array_agg(a) FROM test.audit_since(:events) AS a), '{api_token_revoked}', 'that is audited once');
SELECT is(test.access(:'live'), '28J02', 'with it end its access tokens, at once'),
	   is(test.exchange(:'made'), jsonb_build_object('error', 'invalid_grant', 'error_description', 'the API token is invalid, expired or revoked'), 'it is refused as an unknown one is'),
	   is(test.exchange(:'made') ->> 'error', 'invalid_grant', 'again and again'),
	   is(jwt_api_tokens() @> jsonb_build_array(jsonb_build_object('id', :'made'::jsonb ->> 'id')), false, 'it is no longer listed');
SELECT is((SELECT array_agg(a) FROM test.audit_since(:events + 1) AS a), '{refresh_denied: session revoked}', 'a denial that repeats itself is audited once'),
	   is(test.access(:'alice_login'), NULL, 'the session that created it goes on');

-- Ended by all that ends the sessions of its user
CREATE FUNCTION test.ends(what text, VARIADIC statements text[]) RETURNS SETOF text LANGUAGE plpgsql AS
$$
DECLARE
	created jsonb;
	given jsonb;
	statement text;
BEGIN
	PERFORM set_config('jwt_auth.token', test.login('alice') ->> 'access_token', false);
	created := test.create_token();
	given := test.exchange(created);
	RETURN NEXT is(test.access(given), NULL, 'before: ' || what);
	PERFORM set_config('jwt_auth.token', '', false);
	FOREACH statement IN ARRAY statements LOOP
		EXECUTE statement;
	END LOOP;
	RETURN NEXT is(left(test.access(given), 4), '28J0', what || ' ends its access tokens');
	RETURN NEXT is(test.exchange(created) ->> 'error', 'invalid_grant', what || ' ends the token');
END
$$;
SELECT test.ends('another password', format('SELECT jwt_set_password(%L, test.password())', :'alice'));
SELECT test.ends('an admin who ends the sessions', format('SELECT jwt_end_sessions(%L)', :'alice'));
SELECT test.ends('disabling the user', format('SELECT jwt_disable_user(%L)', :'alice'), format('SELECT jwt_enable_user(%L)', :'alice'));
SELECT test.ends('disabling the user by hand', format('UPDATE jwt_auth.users SET disabled_at = now() WHERE id = %L', :'alice'), format('SELECT jwt_enable_user(%L)', :'alice'));
SELECT test.ends('its expiry', 'UPDATE jwt_auth.sessions SET expires_at = now() - interval ''1 s'' WHERE id IN (SELECT session_id FROM jwt_auth.api_tokens)');
SELECT test.ends('deleting the user', format('SELECT jwt_delete_user(%L)', :'alice'));

-- Whose tokens do not outlive what creates them
SELECT test.be(:'bob_login');
BEGIN;
SELECT test.create_token('admin') AS undone \gset
SELECT is(test.error_of(test.exchange(:'undone')), 'ok', 'within its transaction, a token is one');
ROLLBACK;
SELECT is(test.exchange(:'undone') ->> 'error', 'invalid_grant', 'once that is rolled back, it is none');

-- Never idle, never surplus, and as good under former keys
SELECT test.create_token('read admin', '300 days') AS kept \gset
SET jwt_auth.max_sessions_per_user = 1;
SELECT test.login('bob') AS newest \gset
RESET jwt_auth.max_sessions_per_user;
SELECT is(test.access(:'bob_login'), '28J02', 'a login beyond the limit ends the session before'),
	   is(test.error_of(test.exchange(:'kept')), 'ok', 'but no API token');
UPDATE jwt_auth.sessions SET created_at = now() - interval '100 d' WHERE id = (:'kept'::jsonb ->> 'id')::uuid;
SELECT jwt_purge();
SELECT is(test.error_of(test.exchange(:'kept')), 'ok', 'one that was not used for long stays');
SELECT jwt_rotate_refresh_key(), jwt_rotate_handle_key(), jwt_rotate_key();
SELECT is(test.error_of(test.exchange(:'kept')), 'ok', 'rotated keys leave it as it is'),
	   is((SELECT bool_and(verify_until >= (:'kept'::jsonb ->> 'expires_at')::timestamptz) FROM jwt_auth.keys WHERE use = 'refresh' AND verify_until IS NOT NULL), true, 'the former key verifies until it expires');
SELECT test.be(:'newest');
SELECT is((SELECT array_agg(coalesce(api_token, '-') ORDER BY api_token) FROM jwt_sessions()), '{a script,-}', 'the user sees it among the sessions'),
	   is((SELECT array_agg(method ORDER BY api_token) FROM jwt_sessions()), '{api_token,password}', 'with how each began'),
	   is((SELECT expires_at FROM jwt_sessions() WHERE api_token IS NOT NULL), (:'kept'::jsonb ->> 'expires_at')::timestamptz, 'with the time when it expires');
SELECT jwt_revoke_session((:'kept'::jsonb ->> 'id')::uuid);
SELECT is(test.exchange(:'kept') ->> 'error', 'invalid_grant', 'and can end it there');
UPDATE jwt_auth.sessions SET revoked_at = now() - interval '400 d' WHERE id = (:'kept'::jsonb ->> 'id')::uuid;
SELECT jwt_purge();
SELECT is((SELECT count(*) FROM jwt_auth.api_tokens), 0::bigint, 'once it has ended for long, nothing is left of it');
SELECT test.create_token('read') AS revoked, test.login('bob') AS last \gset
SELECT jwt_revoke(test.exchange(:'revoked') ->> 'access_token');
SELECT is(test.exchange(:'revoked') ->> 'error', 'invalid_grant', 'who has an access token of it may end it');

-- At most a hundred
SELECT count(test.create_token('read', '1 h')) AS made_more FROM generate_series(1, 100) \gset
SELECT test.raises('SELECT test.create_token(''read'')', '22023', 'a user has at most 100 tokens');
SELECT jwt_revoke_api_token((jwt_api_tokens() -> 5 ->> 'id')::uuid);
SELECT test.raises('SELECT test.create_token(''read'')', NULL, 'of those that are live');

-- With a second factor, that must have been shown
SELECT test.login('carol') AS carol_login \gset
SELECT test.be(:'carol_login');
SELECT test.raises('SELECT test.create_token('''')', NULL, 'without a second factor, a password does');
SELECT test.enroll('phone') AS secret \gset
SELECT test.raises('SELECT test.create_token('''')', '28J04', 'with one, it does not');

SELECT * FROM finish();
