-- The bytes of a handle, which never change while handles of that form are out:
-- prefix, version, key number, body and MAC (T54).  The MAC is made again from
-- the stored secret by another implementation.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 103 assertions
SELECT no_plan();
SELECT test.create_user('alice');
SELECT test.login('alice') AS answer \gset

-- The secret of refresh key 1, and the MAC of a body under a label
CREATE FUNCTION pg_temp.mac_of(label text, body bytea) RETURNS bytea LANGUAGE sql AS
$$ SELECT hmac(label::bytea || '\x00' || body, test.from_base64url(convert_from(private_jwk, 'UTF8')::jsonb ->> 'k'), 'sha256')
   FROM jwt_auth.keys WHERE use = 'refresh' AND number = 1 $$;

SELECT :'answer'::jsonb ->> 'refresh_token' AS token, substr(test.from_base64url(substr(:'answer'::jsonb ->> 'refresh_token', 5)), 1, 45) AS body \gset
SELECT is(left(:'token', 4), 'jar_', 'a refresh token begins with jar_'),
	   is(length(:'token'), 107, 'a refresh token has 107 characters'),
	   is(substr(:'body'::bytea, 1, 5), '\x0100000001'::bytea, 'a refresh token begins with version 1 and the number of its key'),
	   is(substr(:'body'::bytea, 6, 16), uuid_send(test.session_of(:'answer')), 'the bytes of a refresh token after the key number are the session'),
	   is(substr(:'body'::bytea, 22, 8), int8send(1), 'the bytes of a refresh token after the session are the generation'),
	   is((SELECT nonce FROM jwt_auth.refresh_tokens), encode(substr(:'body'::bytea, 30, 16), 'hex')::uuid, 'the bytes of a refresh token after the generation are the nonce'),
	   is(substr(test.from_base64url(substr(:'token', 5)), 46), pg_temp.mac_of('jwt_auth refresh token', :'body'), 'the bytes of a refresh token after the nonce are the MAC of all before');

-- What was made elsewhere with the same bytes is the same handle
SELECT is('jar_' || test.base64url(:'body'::bytea || pg_temp.mac_of('jwt_auth refresh token', :'body')), :'token',
		  'a refresh token made elsewhere of the same bytes is the same text');

-- Each of these is a token in all but one thing, and would be right but for it
CREATE TEMPORARY TABLE wrong (what text, token text);
INSERT INTO wrong
SELECT what, prefix || test.base64url(body || pg_temp.mac_of(label, body)) FROM (VALUES
	('another prefix', 'jat_', 'jwt_auth refresh token', :'body'::bytea),
	('the label of another kind', 'jar_', 'jwt_auth one-time token', :'body'),
	('no label', 'jar_', '', :'body'),
	('version 2', 'jar_', 'jwt_auth refresh token', set_byte(:'body', 0, 2)),
	('a key that is not there', 'jar_', 'jwt_auth refresh token', set_byte(:'body', 4, 9)),
	('a byte more', 'jar_', 'jwt_auth refresh token', :'body'::bytea || '\x00'),
	('a byte less', 'jar_', 'jwt_auth refresh token', substr(:'body'::bytea, 1, 44))
) AS variant (what, prefix, label, body);
INSERT INTO wrong
SELECT 'byte ' || n || ' changed', 'jar_' || test.base64url(set_byte(bytes, n, get_byte(bytes, n) # 1))
FROM test.from_base64url(substr(:'token', 5)) AS bytes, generate_series(0, 76) AS n;
SELECT is(count(*), 84::bigint, 'there are 84 variants of a refresh token') FROM wrong;
SELECT is(test.error_of(test.refresh(jsonb_build_object('refresh_token', token))), 'invalid_grant', what || ': refused') FROM wrong;
SELECT is(test.error_of(test.refresh(:'answer')), 'ok', 'after 84 wrong variants, the refresh token is accepted');

-- A key does the work of its own use only, whatever its number: the one of hashed
-- names gets a number here, which no row can have
CREATE FUNCTION pg_temp.token_by(key integer) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('refresh_token', 'jar_' || test.base64url(body || hmac('jwt_auth refresh token'::bytea || '\x00' || body,
		  test.from_base64url(convert_from(private_jwk, 'UTF8')::jsonb ->> 'k'), 'sha256')))
   FROM jwt_auth.keys, jwt_auth.refresh_tokens,
	   LATERAL (SELECT '\x01'::bytea || int4send(key) || uuid_send(session_id) || int8send(generation) || uuid_send(nonce)) AS b (body)
   WHERE number = key $$;
SELECT test.raises(format('UPDATE jwt_auth.keys SET number = 7 WHERE use = %L', use), '23514', 'no key has a number that is for ' || use) FROM unnest('{sig,hash}'::text[]) AS use;
SELECT test.raises('UPDATE jwt_auth.keys SET number = NULL WHERE use = ''refresh''', '23514', 'a key for refresh tokens must have a number');
ALTER TABLE jwt_auth.keys DROP CONSTRAINT keys_number_check;
UPDATE jwt_auth.keys SET number = 7 WHERE use = 'hash';
SELECT is(test.error_of(test.refresh(pg_temp.token_by(7))), 'invalid_grant', 'a refresh token by the key of hashed names is denied');
SELECT is(jwt_rotate_refresh_key(), 8, 'a new key for refresh tokens gets the next number of all uses');
SELECT is(test.error_of(test.refresh(pg_temp.token_by(8))), 'ok', 'a refresh token by the new key is accepted');
SELECT is(test.error_of(test.refresh(pg_temp.token_by(1))), 'ok', 'a refresh token by the former key is accepted');
SELECT is(test.error_of(test.refresh(pg_temp.token_by(7))), 'invalid_grant', 'after a rotation, a refresh token by the key of hashed names is denied');
UPDATE jwt_auth.keys SET revoked_at = now() WHERE number = 1;
SELECT is(test.error_of(test.refresh(pg_temp.token_by(1))), 'invalid_grant', 'a refresh token by a revoked key is denied');
SELECT pg_temp.token_by(8) AS by_erased \gset
UPDATE jwt_auth.keys SET private_jwk = NULL, sealed_by = NULL, verify_until = now() + interval '1 hour' WHERE number = 8;
SELECT is(test.error_of(test.refresh(:'by_erased')), 'invalid_grant', 'a refresh token by a key that was erased is denied, without an error');
SELECT finish();
