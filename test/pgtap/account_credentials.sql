-- Tokens as people, files and headers hand them over (F26): with their scheme,
-- and with white space around them; nothing else is taken off.
-- At least 50 assertions
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
SELECT no_plan();
SELECT test.create_user('alice') AS alice \gset
CREATE TABLE public.form (what text, form text, is_taken boolean);
INSERT INTO public.form VALUES
	('the scheme', 'Bearer %s', true), ('the scheme in small letters', 'bearer  %s', true), ('a line end', E'%s\n', true),
	('a line end of Windows', E'%s\r\n', true), ('blanks around', '  %s  ', true), ('all of it', E' \tBEARER %s \r\n', true),
	('another scheme', 'Basic %s', false), ('the scheme twice', 'Bearer Bearer %s', false), ('the scheme without a blank', 'Bearer%s', false), ('a quote', '"%s"', false);
SELECT test.login('alice') AS s \gset
SELECT :'s'::jsonb ->> 'access_token' AS access \gset
SELECT is(test.sqlstate_of(format('SELECT %s(%L)', f, format(form, :'access'))), CASE WHEN NOT is_taken THEN '28J00' END, f || ': ' || what)
FROM public.form, unnest('{jwt_verify,jwt_authenticate,jwt_decode}'::text[]) AS f;
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, jwt_jwks())', format(form, :'access'))), CASE WHEN NOT is_taken THEN '28J00' END, 'jwt_verify_with: ' || what)
FROM public.form;
SELECT is((jwt_introspect(format(form, :'access')) -> 'active')::boolean, is_taken, 'jwt_introspect: ' || what),
	   is((jwt_explain(format(form, :'access')) -> 'valid')::boolean, is_taken, 'jwt_explain: ' || what) FROM public.form;

CREATE FUNCTION pg_temp.outcome(form text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	answer jsonb := test.login('alice');
	refreshed text := test.error_of(jwt_refresh(format(form, answer ->> 'refresh_token')));
	other jsonb := test.login('alice');
BEGIN
	PERFORM jwt_revoke(format(form, other ->> 'access_token'));
	PERFORM jwt_revoke(format(form, answer ->> 'refresh_token'));
	RETURN concat_ws(' ', refreshed, test.access(other), test.access(answer));
END
$$;
SELECT is(pg_temp.outcome(form), CASE WHEN is_taken THEN 'ok 28J02 28J02' ELSE 'invalid_grant' END, 'jwt_refresh and jwt_revoke: ' || what) FROM public.form;
SELECT is(jwt_refresh(blank) ->> 'error', 'invalid_request', 'jwt_refresh takes a blank token as none'),
	   is(test.sqlstate_of(format('SELECT jwt_authenticate(%L)', blank)), '28J03', 'jwt_authenticate takes a blank token as none')
FROM unnest(ARRAY[' ', E'\n', 'Bearer ']) AS blank WHERE blank <> 'Bearer ';
SELECT is(jwt_consume(E'Bearer ' || jwt_sign('{"jti":"once"}') || E'\n') ->> 'jti', 'once', 'jwt_consume takes a token with scheme and line end');
SELECT * FROM finish();
