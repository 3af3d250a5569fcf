-- The audit log (T41, T82): which events at which level, what is in them and
-- what never is; texts of clients are cut and made harmless.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 41 assertions
SELECT no_plan();
SELECT test.create_user('alice') AS alice \gset

-- Events and levels
CREATE FUNCTION pg_temp.everything() RETURNS SETOF text LANGUAGE plpgsql AS
$$
DECLARE
	start bigint := test.audit_count();
	g1 jsonb := test.login('alice');
	g2 jsonb;
BEGIN
	PERFORM jwt_login('alice', 'wrong');
	PERFORM jwt_login('nobody', 'wrong');
	PERFORM jwt_login('', '');
	g2 := test.refresh(g1);
	PERFORM test.refresh(g1);
	PERFORM jwt_refresh('junk');
	PERFORM jwt_revoke('junk');
	PERFORM jwt_revoke(g2 ->> 'refresh_token');
	PERFORM test.refresh(g2);
	PERFORM set_config('jwt_auth.token', test.login('alice') ->> 'access_token', true);
	PERFORM jwt_logout('others');
	PERFORM jwt_change_password('wrong', 'another horse battery');
	PERFORM jwt_change_password(test.password(), test.password());
	PERFORM jwt_set_password(test.user_id('alice'), test.password());
	PERFORM jwt_end_sessions(test.user_id('alice'));
	PERFORM jwt_update_user(test.user_id('alice'), claims => '{}');
	PERFORM jwt_disable_user(test.user_id('alice'));
	PERFORM jwt_enable_user(test.user_id('alice'));
	PERFORM jwt_unlock_user(test.user_id('alice'));
	PERFORM jwt_delete_user(jwt_create_user('brief'));
	PERFORM jwt_delete_user(jwt_import_user('imported', '$2b$04$qGaByL3kv0RKPxbHVX9WleRH9UDiTZYDms4aIIgI5ShTofVC9Z.OS'));
	PERFORM jwt_revoke(jwt_sign('{}'));
	PERFORM jwt_rotate_refresh_key();
	RETURN QUERY SELECT split_part(e, ':', 1) FROM test.audit_since(start) AS e;
END
$$;
SET jwt_auth.audit = off;
SELECT is_empty('SELECT * FROM pg_temp.everything()', 'with audit off, nothing is audited');
SET jwt_auth.audit = security;
CREATE TABLE public.security AS SELECT e, count(*) AS times FROM pg_temp.everything() AS e GROUP BY e;
SELECT set_has('SELECT e FROM public.security',
			   $$SELECT * FROM unnest('{login,login_denied,session_revoked,sessions_ended,password_change_denied,password_changed,password_set,user_updated,user_disabled,
				 user_enabled,user_unlocked,user_created,user_imported,user_deleted,token_denied,refresh_denied}'::text[]) AS v (e)$$, 'with audit = security, every event but plain refreshes is audited'),
	   is((SELECT count(*) FROM public.security WHERE e = 'refresh'), 0::bigint, 'with audit = security, plain refreshes are not audited'),
	   is((SELECT times FROM public.security WHERE e = 'login_denied'), 2::bigint, 'with audit = security, two denied logins are audited, and empty input is not');
SET jwt_auth.audit = 'all';
CREATE TABLE public.every AS SELECT e, count(*) AS times FROM pg_temp.everything() AS e GROUP BY e;
SELECT set_eq('SELECT * FROM public.every EXCEPT SELECT * FROM public.security', $$VALUES ('refresh', 2::bigint)$$, 'with audit = all, plain refreshes are audited, and malformed tokens are not');
SELECT is_empty('SELECT * FROM public.security EXCEPT SELECT * FROM public.every', 'with audit = all, every security event is audited');
RESET jwt_auth.audit;

-- What is in a row: who, which session, the keyed hash of a name that is no account
SELECT test.login('alice') AS g1 \gset
SELECT is((SELECT (event, user_id, session_id, name_hash, kid, issuer, actor = session_user)::text FROM jwt_auth.audit_log ORDER BY at DESC LIMIT 1),
		  format('(login,%s,%s,,,,t)', :'alice', test.session_of(:'g1')), 'the event of a login has user, session and actor');
SELECT jwt_login('my password in the wrong field', 'wrong');
SELECT is((SELECT (event, reason, user_id, octet_length(name_hash))::text FROM jwt_auth.audit_log ORDER BY at DESC LIMIT 1), '(login_denied,"unknown user",,32)', 'the event of an unknown name has its keyed hash');
SELECT name_hash AS hash FROM jwt_auth.audit_log ORDER BY at DESC LIMIT 1 \gset
SELECT jwt_login('MY password in the wrong field ', 'wrong');
SELECT is((SELECT name_hash FROM jwt_auth.audit_log ORDER BY at DESC LIMIT 1), :'hash'::bytea, 'two writings of an unknown name have the same hash'),
	   isnt(:'hash'::bytea, sha256('my password in the wrong field'), 'the hash of an unknown name is not its plain SHA-256');
SELECT is((SELECT count(*) FROM jwt_auth.audit_log WHERE audit_log::text ~* 'wrong field|correct horse|jar_|eyJ|argon2'), 0::bigint, 'no event has a name, password, token or hash');
SELECT is((SELECT count(*) FROM jwt_auth.audit_log WHERE event = 'key_created' AND kid = 'e1'), 1::bigint, 'events of keys have the kid');
CREATE ROLE regress_audit_caller;
GRANT EXECUTE ON FUNCTION jwt_login(text, text, interval) TO regress_audit_caller;
SET ROLE regress_audit_caller;
SELECT is(jwt_login('alice', 'wrong') ->> 'error', 'invalid_grant', 'a role that may call jwt_login can fail');
RESET ROLE;
SELECT is((SELECT actor::text FROM jwt_auth.audit_log ORDER BY at DESC LIMIT 1), session_user::text, 'the actor of an event is the role of the session, not current_user');
SELECT test.audit_count() AS events \gset
BEGIN;
SELECT jwt_login('alice', 'wrong');
SELECT is(test.audit_count(), :'events'::bigint + 1, 'a denied login adds one event');
ROLLBACK;
SELECT is(test.audit_count(), :'events'::bigint, 'the event of a denied login is rolled back with its transaction');
SELECT is((SELECT bool_and(substr(id::text, 15, 1) = '7') FROM jwt_auth.audit_log), true, 'ids of events are UUIDv7');
SELECT jwt_unlock_user(:'alice');

-- What a client says of itself: cut, harmless, never a reason to fail (T82)
CREATE FUNCTION pg_temp.told(headers text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	answer jsonb;
BEGIN
	PERFORM set_config('request.headers', headers, true);
	answer := test.login('alice');
	RETURN (SELECT to_json(ARRAY[user_agent, claimed_address])::text FROM jwt_auth.sessions WHERE id = test.session_of(answer))
		|| (SELECT CASE WHEN ARRAY[a.user_agent, a.claimed_address] IS DISTINCT FROM ARRAY[s.user_agent, s.claimed_address] THEN 'and otherwise in the audit log' ELSE '' END
			FROM jwt_auth.audit_log AS a JOIN jwt_auth.sessions AS s ON s.id = a.session_id WHERE a.session_id = test.session_of(answer));
END
$$;
SELECT is(pg_temp.told(headers), told, 'headers: ' || left(headers, 60))
FROM (VALUES
	('{"user-agent":"Mozilla/5.0","x-forwarded-for":"192.0.2.1"}', '["Mozilla/5.0","192.0.2.1"]'), ('{}', '[null,null]'), ('', '[null,null]'), ('junk', '[null,null]'), ('[]', '[null,null]'),
	('{"user-agent":1,"x-forwarded-for":["192.0.2.1"]}', '[null,null]'), ('{"user-agent":null}', '[null,null]'), ('{"user-agent":""}', '[null,null]'),
	('{"user-agent":"a\r\nb\tc\u001b[31md\u007f\u0001"}', '["a??b?c?[31md??",null]'), ('{"x-forwarded-for":"1\n2"}', '[null,"1?2"]'),
	('{"user-agent":"a\u0000b"}', '[null,null]'), ('{"user-agent":"caf\u00e9 \u65e5\u672c"}', '["café 日本",null]'),
	('{"x-forwarded-for":"not an address; DROP TABLE x"}', '[null,"not an address; DROP TABLE x"]'), ('{"user-agent":"a"' || repeat(' ', 70000) || '}', '[null,null]'),
	(repeat('[', 20000), '[null,null]')) AS v (headers, told);
SELECT is(pg_temp.told('{"user-agent":"' || repeat('x', 1000) || '","x-forwarded-for":"' || repeat('1', 1000) || '"}'),
		  to_json(ARRAY[repeat('x', 255), repeat('1', 255)])::text, 'header values are cut to 255 bytes');
SELECT is(pg_temp.told('{"user-agent":"' || repeat('é', 1000) || '"}'), to_json(ARRAY[repeat('é', 127), NULL])::text, 'header values are cut at the end of a character');
SELECT is(pg_temp.told('{"user-agent":"' || text || '"}') ~ text, false, 'no C1 control character, line separator or change of direction: ' || to_hex(ascii(text)))
FROM unnest(ARRAY[U&'\0085', U&'\009B', U&'\0090', U&'\2028', U&'\2029', U&'\202E', U&'\2066']) AS text;

DROP OWNED BY regress_audit_caller;
DROP ROLE regress_audit_caller;
SELECT * FROM finish();
