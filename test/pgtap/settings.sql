-- The settings that concern tokens (T18, T23): their bounds, and that
-- only a superuser changes them.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
-- At least 87 assertions
SELECT no_plan();

-- Loads the library, which defines the settings
SELECT test.accepts(test.token(test.payload()), test.key('oct'), 'a valid token is accepted with the default settings');

SELECT is(current_setting('jwt_auth.' || name), value, name || ' is ' || value)
FROM (VALUES ('leeway', '30s'), ('require_exp', 'on'), ('max_token_size', '16kB'),
			 ('access_token_ttl', '15min'), ('max_token_ttl', '1d'),
			 ('check_revocation', 'on'), ('token_cache_size', '256')) AS v (name, value);
SELECT ok(coalesce(current_setting('jwt_auth.' || name), '') = '', name || ' is not set')
FROM unnest('{issuer,audience}'::text[]) AS name;
SELECT is(context IN ('superuser', 'sighup', 'postmaster'), true, name || ' is the superuser''s')
FROM pg_settings
WHERE name LIKE 'jwt\_auth.%' AND name <> 'jwt_auth.token';

-- Values
SELECT test.raises(format('SET jwt_auth.%s', assignment), NULL, 'accepted: ' || assignment)
FROM unnest(ARRAY['leeway = 0', 'leeway = 300', 'leeway = ''5min''', 'leeway = ''300000ms''',
				  'require_exp = off', 'require_exp = on', 'max_token_size = ''64kB''',
				  'issuer = ''https://a.example''', 'audience = ''api''',
				  'issuer = ''''', 'audience = ''''']) AS assignment;
SELECT test.raises(format('SET jwt_auth.%s', assignment), '22023', 'refused: ' || assignment)
FROM unnest(ARRAY['leeway = -1', 'leeway = 301', 'leeway = ''6min''', 'leeway = ''1h''',
				  'leeway = ''soon''', 'leeway = ''30 apples''', 'leeway = ''''',
				  'leeway = 99999999999', 'require_exp = ''perhaps''', 'require_exp = 2',
				  'max_token_size = 0', 'max_token_size = -1', 'max_token_size = ''1GB''',
				  'max_token_size = ''x''', 'access_token_ttl = 0', 'access_token_ttl = -1',
				  'max_token_ttl = 0', 'token_cache_size = -1']) AS assignment;
RESET ALL;

-- No others: a misspelt one is an error, not a placeholder
SELECT test.raises(format('SET jwt_auth.%s', assignment), '42602', 'no such setting: ' || assignment)
FROM unnest(ARRAY['leway = 300', 'require_expiry = off', 'secret = ''x''',
				  'verify = off']) AS assignment;

-- Anyone else
CREATE ROLE regress_settings_user LOGIN;
CREATE SCHEMA regress_settings AUTHORIZATION regress_settings_user;
SET ROLE regress_settings_user;
SELECT test.raises(statement, '42501', 'not allowed: ' || left(statement, 60))
FROM (SELECT format('SET jwt_auth.%s', assignment)
	  FROM unnest(ARRAY['leeway = 300', 'require_exp = off', 'max_token_size = ''1MB''',
						'issuer = ''x''', 'audience = ''x''', 'check_revocation = off',
						'access_token_ttl = ''1h''', 'max_token_ttl = ''1d''',
						'token_cache_size = 0', 'login_ttl = ''7d''',
						'login_link_any_device = on']) AS assignment
	  UNION ALL
	  SELECT unnest(ARRAY[
		'SET LOCAL jwt_auth.leeway = 300',
		'SELECT set_config(''jwt_auth.leeway'', ''300'', false)',
		'SELECT set_config(''jwt_auth.require_exp'', ''off'', true)',
		'ALTER ROLE regress_settings_user SET jwt_auth.leeway = 300',
		'ALTER ROLE regress_settings_user SET jwt_auth.require_exp = off',
		'CREATE FUNCTION regress_settings.f() RETURNS integer LANGUAGE sql
			SET jwt_auth.leeway = 300 AS ''SELECT 1''',
		'CREATE FUNCTION regress_settings.g() RETURNS integer LANGUAGE sql
			SET jwt_auth.require_exp = off AS ''SELECT 1''']))
	AS v (statement);
SELECT is(current_setting('jwt_auth.leeway'), '30s', 'a role without rights can read jwt_auth.leeway');
SELECT is(test.sqlstate_of(format('SELECT jwt_verify_with(%L, %L)',
								  test.token('{"sub":"alice"}'), test.key('oct'))),
		  '28J00', 'refused changes leave the settings');
RESET ROLE;

-- A superuser may grant it to a database, a role, a function
SELECT lives_ok(statement, 'allowed: ' || left(statement, 50))
FROM unnest(ARRAY['ALTER ROLE regress_settings_user SET jwt_auth.leeway = 10',
				  'CREATE FUNCTION regress_settings.h(token text, keys jsonb) RETURNS jsonb
					LANGUAGE plpgsql SET jwt_auth.require_exp = off AS
					''BEGIN RETURN public.jwt_verify_with(token, keys); END'''])
	AS statement;
SELECT is(regress_settings.h(test.token('{"sub":"alice"}'), test.key('oct')),
		  '{"sub":"alice"}', 'the setting of a function holds within it');
SELECT test.refuses(test.token('{"sub":"alice"}'), test.key('oct'), 'the setting of a function does not hold outside of it');

SET client_min_messages = warning;
DROP OWNED BY regress_settings_user CASCADE;
DROP ROLE regress_settings_user;
SELECT * FROM finish();
