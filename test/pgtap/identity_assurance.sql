-- The level and time of authentication (T58, T135, T136, T138, T139): the
-- lower of token and session, for a token of a session of ours only. No refresh
-- raises the level or moves the time, nobody else can set the claims, and
-- whatever says nothing is not authenticated.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/identity.psql
-- At least 148 assertions
SELECT no_plan();
CREATE FUNCTION test.be(token text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('jwt_auth.token', token, false); END $$;
CREATE FUNCTION test.start(amr text[], name text DEFAULT 'alice') RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT public.jwt_start_session(test.id_of(name), amr) $$;
CREATE FUNCTION test.claims_of(answer jsonb) RETURNS jsonb LANGUAGE sql STABLE AS
$$ SELECT (public.jwt_decode(answer ->> 'access_token')).claims $$;
-- What all of them say, with the age of the authentication in minutes
CREATE FUNCTION test.assurance() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT format('%s %s %s %s%s', public.jwt_aal(), round(extract(epoch FROM statement_timestamp() - public.jwt_auth_time()) / 60), public.jwt_amr(),
				 public.jwt_has_aal(1), public.jwt_has_aal(2)) $$;

SELECT function_returns(name, args, type, format('%s returns %s', name, type))
FROM (VALUES ('jwt_aal', '{}'::name[], 'integer'), ('jwt_auth_time', '{}', 'timestamp with time zone'), ('jwt_amr', '{}', 'text[]'),
			 ('jwt_has_aal', '{integer,interval}', 'boolean'), ('jwt_require_aal', '{integer,interval}', 'void')) AS v (name, args, type);
SELECT is((p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof)::text, '(s,s,f,f,f)', p.proname || ' is stable and parallel safe')
FROM pg_proc AS p WHERE p.proname = ANY ('{jwt_aal,jwt_auth_time,jwt_amr,jwt_has_aal,jwt_require_aal}');

-- Nobody
SELECT is(test.assurance(), '   ff', 'without a token, all accessors are NULL or false');
SELECT test.raises('SELECT jwt_require_aal(1)', '28J03', 'jwt_require_aal(1) needs a token'), test.raises('SELECT jwt_require_aal(2, ''5 min'')', '28J03', 'jwt_require_aal(2) needs a token');

-- A login
SELECT jwt_login('alice', 'correct horse of alice') AS answer \gset
SELECT :'answer'::jsonb ->> 'access_token' AS token, :'answer'::jsonb ->> 'refresh_token' AS refresh, test.claims_of(:'answer') AS claims \gset
SELECT is(:'claims'::jsonb - '{iat,exp,jti,sid,sub,tenant,auth_time}'::text[], '{"aal": 1, "acr": "aal1", "amr": ["pwd"]}', 'the token of a login has level 1 by password'),
	   is(:'claims'::jsonb -> 'auth_time', :'claims'::jsonb -> 'iat', 'the auth_time of a login is its iat'),
	   is(jsonb_typeof(:'claims'::jsonb -> 'auth_time'), 'number', 'auth_time is a number');
SET jwt_auth.token = :'token';
SELECT is(test.assurance(), '1 0 {pwd} tf', 'after a login, the accessors report level 1, now, by password');
SELECT is(extract(epoch FROM jwt_auth_time())::bigint, (jwt_claim('auth_time'))::bigint, 'jwt_auth_time is auth_time to the second');
SELECT is(jwt_require_aal(1)::text, '', 'jwt_require_aal(1) accepts a login'),
	   is(jwt_require_aal(1, '1 min')::text, '', 'jwt_require_aal accepts a login of now by its age');
SELECT test.raises('SELECT jwt_require_aal(2)', '28J04', 'jwt_require_aal(2) refuses a login by password'), test.raises('SELECT jwt_require_aal(2, ''1 min'')', '28J04', 'jwt_require_aal(2) refuses a login by password of now');
SELECT is(jwt_has_aal(NULL), false, 'jwt_has_aal(NULL) is false'),
	   is(NOT jwt_has_aal(2, NULL), true, 'jwt_has_aal(2) of a login by password is false, and not NULL'),
	   is(jwt_has_aal(1, NULL), true, 'a max_age of NULL accepts any age');
SELECT test.raises(format('SELECT %s(%s)', name, arguments), '22023', format('%s refuses %s', name, arguments))
FROM unnest('{jwt_has_aal,jwt_require_aal}'::text[]) AS name, unnest('{0,3,-1,2147483647,"1, ''0 s''","1, ''0.5 s''","2, ''-1 d''","NULL, ''0 s''"}'::text[]) AS arguments;
SELECT test.raises('SELECT jwt_require_aal(NULL)', '22023', 'jwt_require_aal refuses NULL');

-- By the application: only mfa says that there were several kinds
SELECT is(test.claims_of(test.start(amr)) -> 'aal', to_jsonb(level), format('a session started with amr %s is level %s', amr, level))
FROM (VALUES ('{}'::text[], 1), (NULL, 1), ('{otp}', 1), ('{pwd,otp,hwk}', 1), ('{MFA}', 1), ('{mfa2}', 1), ('{mfa}', 2), ('{pwd,otp,mfa}', 2)) AS v (amr, level);
SELECT test.start('{}') ->> 'access_token' AS untold, test.start('{pwd,otp,mfa}') AS strong, test.start('{mfa}', 'bob') AS other \gset
SELECT test.be(:'untold'),
	   is(test.assurance(), '1 0 {} tf', 'a session started without methods has an empty jwt_amr');
SELECT :'strong'::jsonb ->> 'access_token' AS token, :'strong'::jsonb ->> 'refresh_token' AS refresh, test.claims_of(:'strong') ->> 'sid' AS sid \gset
SET jwt_auth.token = :'token';
SELECT is(test.assurance(), '2 0 {pwd,otp,mfa} tt', 'the accessors report all methods of a session started with mfa'),
	   is(jwt_claim('acr'), 'aal2', 'acr names the level');
SELECT is(jwt_require_aal(2)::text, '', 'jwt_require_aal(2) accepts level 2'),
	   is(jwt_has_aal(2, '1 min'), true, 'jwt_has_aal accepts level 2 of now by its age');

-- What became of the session counts in the next statement, and in other tokens not at all
PREPARE generic AS SELECT jwt_has_aal($1, $2);
SET plan_cache_mode = force_generic_plan;
SELECT set_eq('EXECUTE generic(2, ''1 h'')', ARRAY[true], 'a prepared jwt_has_aal finds level 2');
UPDATE jwt_auth.sessions SET aal = 1, amr = '{pwd}' WHERE id = :'sid';
SELECT is(test.assurance(), '1 0 {pwd} tf', 'a level and a method that the session lost no longer count'), test.raises('SELECT jwt_require_aal(2)', '28J04', 'jwt_require_aal refuses a level that the session lost');
SELECT set_eq('EXECUTE generic(2, ''1 h'')', ARRAY[false], 'a prepared jwt_has_aal finds that the level fell');
SELECT is(test.claims_of(jwt_refresh(:'refresh')) -> 'aal', '1', 'a refresh does not bring back a lost level'),
	   is(jwt_claim('aal'), '2', 'jwt_claim returns the level of the token');
SELECT is(jwt_introspect(:'token') - '{active,identity,token_type,exp,iat,jti,sid,sub,tenant,auth_time}'::text[], '{"aal": 1, "acr": "aal1", "amr": ["pwd", "otp", "mfa"]}', 'jwt_introspect returns the level of the session');
UPDATE jwt_auth.sessions SET amr = NULL WHERE id = :'sid';
SELECT is(jwt_amr(), '{}', 'jwt_amr is empty where the session has no methods');
SET jwt_auth.check_revocation = off;
SELECT is(test.assurance(), '2 0 {pwd,otp,mfa} tt', 'with check_revocation off, the token alone counts');
SELECT is(jwt_introspect(:'token') -> 'aal', '2', 'with check_revocation off, jwt_introspect returns the level of the token');
RESET jwt_auth.check_revocation;
SELECT is(jwt_aal(), 1, 'with check_revocation on again, the session counts');
UPDATE jwt_auth.sessions SET aal = 2, amr = '{pwd,otp,mfa}' WHERE id = :'sid';
SELECT is(test.assurance(), '2 0 {pwd,otp,mfa} tt', 'a level that the session regains counts');
SELECT test.be(:'other'::jsonb ->> 'access_token');
SELECT is(jwt_aal(), 2, 'another session keeps its level');
SELECT test.raises(format('UPDATE jwt_auth.sessions SET aal = %s', aal), state, format('the table refuses level %s', aal))
FROM (VALUES ('0', '23514'), ('3', '23514'), ('NULL', '23502')) AS v (aal, state);

-- A session that rose does not lift the tokens of before
SET jwt_auth.token = :'untold';
UPDATE jwt_auth.sessions SET aal = 2, auth_time = now(), amr = '{otp}' WHERE id = jwt_session_id();
SELECT is(test.assurance(), '1 0 {} tf', 'a token from before the session rose keeps its level');

-- It gets older, and no refresh makes it new
SELECT jwt_login('bob', 'correct horse of bob') AS answer \gset
SELECT :'answer'::jsonb ->> 'refresh_token' AS refresh, test.claims_of(:'answer') ->> 'sid' AS sid \gset
UPDATE jwt_auth.sessions SET created_at = created_at - interval '10 min' WHERE id = :'sid';
SELECT jwt_refresh(:'refresh') AS answer \gset
SELECT test.be(:'answer'::jsonb ->> 'access_token');
SELECT is(test.assurance(), '1 10 {pwd} tf', 'a refresh keeps level and time');
SELECT is(jwt_has_aal(1, age), is_young, format('ten minutes ago is within %s: %s', age, is_young))
FROM (VALUES ('1 min'::interval, false), ('5 min', false), ('9 min 50 s', false), ('11 min', true), ('1 d', true), ('1 mon', true), ('100000 years', true)) AS v (age, is_young);
SELECT test.raises('SELECT jwt_require_aal(1, ''5 min'')', '28J04', 'jwt_require_aal refuses an authentication older than max_age'),
	   is(jwt_require_aal(1, '15 min')::text, '', 'jwt_require_aal accepts an authentication younger than max_age');
UPDATE jwt_auth.sessions SET auth_time = now() - interval '3 min' WHERE id = :'sid';
SELECT is(test.assurance(), '1 10 {pwd} tf', 'the time of the token counts where it is earlier');
SELECT is(test.claims_of(jwt_refresh(:'answer'::jsonb ->> 'refresh_token')) ->> 'auth_time',
		  (SELECT floor(extract(epoch FROM auth_time))::text FROM jwt_auth.sessions WHERE id = :'sid'), 'a refreshed token has the auth_time of the session');
UPDATE jwt_auth.sessions SET auth_time = now() - interval '20 min' WHERE id = :'sid';
SELECT is(test.assurance(), '1 20 {pwd} tf', 'the time of the session counts where it is earlier');
UPDATE jwt_auth.sessions SET auth_time = '-infinity' WHERE id = :'sid';
SELECT is(jwt_has_aal(1, '1 d'), false, 'an infinite auth_time is too old');

-- The second level lasts for a day, or as long as is set
SELECT test.start('{pwd,mfa}') AS strong \gset
SELECT :'strong'::jsonb ->> 'access_token' AS token, test.claims_of(:'strong') ->> 'sid' AS sid \gset
SET jwt_auth.token = :'token';
SELECT jwt_refresh(:'strong'::jsonb ->> 'refresh_token') AS refreshed \gset
SELECT is(jwt_aal(), 2, 'a new session of two proofs is level 2'),
	   is(test.claims_of(:'refreshed') -> 'aal', '2', 'a refresh copies level 2'),
	   is(test.claims_of(:'refreshed') -> 'auth_time', test.claims_of(:'strong') -> 'auth_time', 'a refresh copies auth_time');
UPDATE jwt_auth.sessions SET auth_time = created_at - interval '23:59' WHERE id = :'sid';
SELECT is(test.assurance(), '2 1439 {pwd,mfa} tt', 'level 2 counts for nearly a day');
UPDATE jwt_auth.sessions SET auth_time = auth_time - interval '2 min' WHERE id = :'sid';
SELECT is(test.assurance(), '1 1441 {pwd,mfa} tf', 'after a day, a token of level 2 counts as level 1');
SELECT jwt_refresh(:'refreshed'::jsonb ->> 'refresh_token') AS refreshed \gset
SELECT is(test.claims_of(:'refreshed') - '{iat,exp,jti,sid,sub,tenant,auth_time}'::text[], '{"aal": 1, "acr": "aal1", "amr": ["pwd", "mfa"]}', 'after a day, a refreshed token is level 1');
SELECT is((SELECT aal FROM jwt_auth.sessions WHERE id = :'sid'), 2, 'a refresh does not lower the level of the session');
SET jwt_auth.aal2_lifetime = '2 d';
SELECT is(jwt_aal(), 2, 'aal2_lifetime prolongs level 2');
SET jwt_auth.aal2_lifetime = '1 h';
SELECT is(jwt_aal(), 1, 'aal2_lifetime shortens level 2');
RESET jwt_auth.aal2_lifetime;
SELECT test.raises(format('SET jwt_auth.aal2_lifetime = %L', value), '22023', 'aal2_lifetime cannot be ' || value) FROM unnest('{0,-1,367d,x}'::text[]) AS value;

-- Tokens that say it of themselves: only those of our sessions, of the right form, and never more than the session
SELECT :'claims'::jsonb ->> 'sid' AS live, test.claims_of(:'other') ->> 'sid' AS strong, extract(epoch FROM now())::bigint AS now \gset
UPDATE jwt_auth.sessions SET revoked_at = NULL, created_at = now() - interval '1 min', auth_time = NULL;
CREATE FUNCTION test.said(members text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM set_config('jwt_auth.token', test.own(members), true); RETURN test.assurance(); END $$;
SELECT is(test.said(format('%s"aal":%s,"acr":"aal2","amr":["otp","mfa",7],"auth_time":%s', sid, aal, auth_time)), expected, 'a level claimed by a token counts as expected: ' || what)
FROM (VALUES
	('without session', '', '2', :'now', '   ff'),
	('of a user, without session', format('"sub":"%s",', test.id_of('alice')), '2', :'now', '   ff'),
	('more than the session', format('"sid":"%s",', :'live'), '2', :'now', '1 1 {} tf'),
	('as much as the session', format('"sid":"%s",', :'strong'), '2', :'now', '2 1 {mfa} tt'),
	('less than the session', format('"sid":"%s",', :'strong'), '1', :'now', '1 1 {mfa} tf'),
	('a level in quotes', format('"sid":"%s",', :'strong'), '"2"', :'now', '   ff'),
	('level 3', format('"sid":"%s",', :'strong'), '3', :'now', '   ff'),
	('level 0', format('"sid":"%s",', :'strong'), '0', :'now', '   ff'),
	('level 1.9', format('"sid":"%s",', :'strong'), '1.9', :'now', '1 1 {mfa} tf'),
	('level null', format('"sid":"%s",', :'strong'), 'null', :'now', '   ff'),
	('a list of levels', format('"sid":"%s",', :'strong'), '[2]', :'now', '   ff'),
	('a time in quotes', format('"sid":"%s",', :'strong'), '2', '"' || :'now' || '"', '   ff'),
	('a time before 1970', format('"sid":"%s",', :'strong'), '2', '-1', '   ff'),
	('a time after 9999', format('"sid":"%s",', :'strong'), '2', '1e12', '   ff'),
	('a time without end', format('"sid":"%s",', :'strong'), '2', '1e300', '   ff'))
	AS v (what, sid, aal, auth_time, expected);
SELECT is(test.said(format('"sid":"%s","aal":2,"auth_time":%s,"amr":%s', :'strong', :'now', amr)), '2 1 {} tt', 'jwt_amr is empty where amr is no list of strings: ' || amr) FROM unnest(ARRAY['"mfa"', '{}', '7', 'null', '[]', '[{}]']) AS amr;
SELECT is(test.said(format('"sid":"%s","acr":"aal2","auth_time":%s', :'strong', :'now')), '   ff', 'a token with acr but no aal has no level'),
	   is(test.said(format('"sid":"%s","aal":2', :'strong')), '   ff', 'a token with aal but no auth_time has no level');
SET jwt_auth.token = '';

-- Another issuer's
DO $$ BEGIN PERFORM public.jwt_trust_issuer('https://idp.example', jsonb_build_object('keys', jsonb_build_array(test.key('oct', 'HS256') || '{"kid":"theirs"}')), 'app'); END $$;
SELECT test.be(test.hs256('{"alg":"HS256","kid":"theirs"}', format('{"iss":"https://idp.example","aud":"app","exp":%s,"sub":"%s","sid":"%s","aal":2,"acr":"aal2","amr":["mfa"],"auth_time":%s}',
	test.seconds(3600), test.id_of('bob'), :'strong', :'now')));
SELECT is(jwt_claim('aal'), '2', 'another issuer''s token may claim a level'),
	   is(test.assurance(), '   ff', 'the level that another issuer claims does not count');
SELECT test.raises('SELECT jwt_require_aal(1)', '28J04', 'jwt_require_aal(1) refuses another issuer''s token'), test.raises('SELECT jwt_require_aal(2)', '28J04', 'jwt_require_aal(2) refuses another issuer''s token');

-- In policies: for nobody, and for each level
SET jwt_auth.token = '';
CREATE ROLE regress_assurance_app;
GRANT USAGE ON SCHEMA public TO regress_assurance_app;
CREATE POLICY p ON public.document USING (owner = public.jwt_user_id() AND public.jwt_has_aal(2, '5 min'));
SET ROLE regress_assurance_app;
SELECT is(test.seen(), '{}', 'a policy with jwt_has_aal shows nothing without a token');
SELECT set_config('jwt_auth.token', :'token', false) IS NULL AS unused \gset
SELECT is(test.seen(), '{1,3,5}', 'a policy with jwt_has_aal(2) shows rows at level 2');
RESET ROLE;
UPDATE jwt_auth.sessions SET aal = 1 WHERE id = :'sid';
SET ROLE regress_assurance_app;
SELECT is(test.seen(), '{}', 'a policy with jwt_has_aal(2) shows nothing at level 1');
RESET ROLE;
UPDATE jwt_auth.sessions SET aal = 2, auth_time = now() - interval '6 min' WHERE id = :'sid';
SET ROLE regress_assurance_app;
SELECT is(test.seen(), '{}', 'a policy with jwt_has_aal(2, 5 min) shows nothing after six minutes');
RESET ROLE;

-- Ended, or broken
UPDATE jwt_auth.sessions SET revoked_at = now() WHERE id = :'sid';
SELECT test.raises('SELECT ' || call, '28J02', call || ' of an ended session') FROM unnest('{jwt_aal(),jwt_auth_time(),jwt_amr(),jwt_has_aal(1),jwt_has_aal(NULL),jwt_require_aal(1)}'::text[]) AS call;
SET jwt_auth.token = 'x';
SELECT test.raises('SELECT ' || call, '28J00', call || ' of a bad token') FROM unnest('{jwt_aal(),jwt_auth_time(),jwt_amr(),jwt_has_aal(1),jwt_has_aal(NULL),jwt_require_aal(1)}'::text[]) AS call;

-- The challenge (RFC 9470 section 3)
CREATE FUNCTION test.challenge(statement text) RETURNS text[] LANGUAGE plpgsql AS
$$
DECLARE
	message text;
	detail text;
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN ARRAY[SQLSTATE, message, detail];
END
$$;
SELECT test.be(:'untold');
SELECT is(test.challenge('SELECT jwt_require_aal(2)'), ARRAY['28J04', 'stronger or more recent authentication is required',
	'WWW-Authenticate: Bearer error="insufficient_user_authentication", acr_values="aal2"'], 'the detail of 28J04 is the challenge');
SELECT is((test.challenge('SELECT jwt_require_aal(2, ''5 min'')'))[3],
	'WWW-Authenticate: Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="300"', 'the challenge has max_age in seconds');
SET request.method = 'POST';
SELECT test.challenge('SELECT jwt_require_aal(2, ''5 min'')') AS got \gset
SELECT is((:'got'::text[])[1], 'PGRST', 'behind PostgREST, 28J04 is raised as PGRST'),
	   is((:'got'::text[])[2]::jsonb - 'hint', '{"code": "28J04", "details": null, "message": "stronger or more recent authentication is required"}', 'behind PostgREST, the message has the code'),
	   is((:'got'::text[])[3]::jsonb, '{"status": 401, "headers": {"WWW-Authenticate": "Bearer error=\"insufficient_user_authentication\", acr_values=\"aal2\", max_age=\"300\""}}', 'behind PostgREST, the detail has status and header');
SELECT is((test.challenge('SELECT jwt_require_aal(2)'))[3]::jsonb #>> '{headers,WWW-Authenticate}', 'Bearer error="insufficient_user_authentication", acr_values="aal2"', 'behind PostgREST, a challenge without age has no max_age');
SET request.method = '';

SET jwt_auth.token = '';
DROP OWNED BY regress_assurance_app;
DROP ROLE regress_assurance_app;
SELECT * FROM finish();
