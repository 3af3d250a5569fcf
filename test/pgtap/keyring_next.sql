-- There is always a next key that the following rotation can use (F38): one that is
-- retired or revoked leaves another. Where OpenSSL lacks the algorithm of a key, as
-- after a restore elsewhere, a key for ES256 takes its place.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
SET client_min_messages = error;
-- At least 36 assertions
SELECT no_plan();

CREATE FUNCTION public.next() RETURNS text[] LANGUAGE sql AS
$$ SELECT array_agg(alg ORDER BY created_at, kid) FROM jwt_auth.keys WHERE use = 'sig' AND test.key_state(kid) = 'next' $$;
-- As a key whose algorithm is missing, which nobody can use.
CREATE FUNCTION public.make_unknown(which text) RETURNS text LANGUAGE sql AS
$$ UPDATE jwt_auth.keys SET alg = 'ML-DSA-44' WHERE use = 'sig' AND test.key_state(kid) = which RETURNING kid $$;
SELECT test.sqlstate_of('SELECT jwk_generate(''ML-DSA-44'')') IS NOT NULL AS lacks_mldsa \gset

-- Retiring and revoking of a next key, each with a key of another algorithm
SELECT jwt_create_key('ES256', 'active');
SELECT jwt_create_key('ES384', 'first');
SELECT is(public.next(), '{ES384}', 'the key after the active one is next');
SELECT lives_ok('SELECT jwt_retire_key(''first'')', 'a next key can be retired');
SELECT is(test.key_state('first'), 'retired', 'a next key that was retired has that state');
SELECT is(public.next(), '{ES384}', 'after the next key was retired, a new one has its algorithm');
SELECT kid AS next FROM jwt_auth.keys WHERE use = 'sig' AND test.key_state(kid) = 'next' \gset
SELECT ok(test.published() @> ARRAY[:'next'], 'the new next key is published');
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'next'), 'the new next key can be revoked');
SELECT is(public.next(), '{ES384}', 'after the next key was revoked, a new one has its algorithm');
SELECT is(test.active_kids(), '{active}', 'retiring and revoking next keys leave the active one');
SELECT kid AS next FROM jwt_auth.keys WHERE use = 'sig' AND test.key_state(kid) = 'next' \gset
SELECT jwt_create_key('EdDSA', 'other');
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'next'), 'a next key can be revoked where there is another');
SELECT is(public.next(), '{EdDSA}', 'where another next key is there, revoking one creates none');
SELECT lives_ok(format('SELECT %s(%L)', f, :'next'), f || ' of a key that is gone') FROM unnest('{jwt_revoke_key,jwt_retire_key}'::text[]) AS f;
SELECT is(public.next(), '{EdDSA}', 'retiring or revoking a key that is gone creates no next key');
SELECT is(jwt_rotate_key(), 'other', 'a rotation promotes the remaining next key');
SELECT lives_ok('SELECT jwt_retire_key(''active'')', 'a retiring key can be retired');
SELECT is(public.next(), '{EdDSA}', 'retiring a retiring key creates no next key');
SELECT test.raises(call, '22023', call || ': refused') FROM unnest('{SELECT jwt_retire_key(''unknown''),SELECT jwt_revoke_key(''unknown'')}'::text[]) AS call;
SELECT test.raises('SELECT jwt_retire_key(''other'')', '55000', 'the active key cannot be retired');
SELECT is(public.next(), '{EdDSA}', 'refused calls create no next key');

\if :lacks_mldsa
-- A next key that nobody can use is passed over
SELECT public.make_unknown('next') AS unknown \gset
SELECT isnt(jwt_rotate_key(), :'unknown', 'a rotation passes over a next key whose algorithm is missing');
SELECT is(test.verdict(jwt_sign('{}')), NULL, 'after a rotation that passed over a key, tokens are signed');
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'unknown'), 'a next key whose algorithm is missing can be revoked');
SELECT is(public.next(), '{EdDSA}', 'where another next key is there, revoking one whose algorithm is missing creates none');
SELECT public.make_unknown('next') AS unknown \gset
SELECT lives_ok(format('SELECT jwt_retire_key(%L)', :'unknown'), 'a next key whose algorithm is missing can be retired');
SELECT is(public.next(), '{ES256}', 'a next key whose algorithm is missing is replaced by one for ES256');

-- So are active ones
SELECT public.make_unknown('active') AS unknown \gset
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'unknown'), 'an active key whose algorithm is missing can be revoked');
SELECT is(test.verdict(jwt_sign('{}')), NULL, 'after an active key whose algorithm is missing was revoked, the next key signs');
SELECT public.make_unknown('active') AS unknown \gset
UPDATE jwt_auth.keys SET revoked_at = now(), private_jwk = NULL, sealed_by = NULL WHERE use = 'sig' AND test.key_state(kid) = 'next';
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'unknown'), 'an active key whose algorithm is missing can be revoked without a next key');
SELECT is((SELECT alg FROM jwt_auth.keys WHERE kid = (test.active_kids())[1]), 'ES256', 'without a next key, one for ES256 becomes active');
SELECT is(public.next(), '{ES256}', 'without a next key, one for ES256 becomes next');
SELECT public.make_unknown('active') \g /dev/null
SELECT lives_ok('SELECT jwt_reset_after_restore()', 'with an active key whose algorithm is missing, a reset succeeds');
SELECT is((SELECT alg FROM jwt_auth.keys WHERE kid = (test.active_kids())[1]), 'ES256', 'after a reset, the active key is for ES256');
SELECT is(test.verdict(jwt_sign('{}')), NULL, 'after a reset, tokens are signed and verified');
SELECT test.raises('SELECT jwt_rotate_key(''ML-DSA-44'')', '22023', 'jwt_rotate_key with a missing algorithm is refused');
SELECT test.raises('SELECT jwt_create_key(''ML-DSA-44'')', '22023', 'jwt_create_key with a missing algorithm is refused');
\else
SELECT pass('this OpenSSL has ML-DSA') FROM generate_series(1, 16);
\endif
SELECT * FROM finish();
