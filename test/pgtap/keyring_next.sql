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
SELECT is(public.next(), '{ES384}', 'a next key');
SELECT lives_ok('SELECT jwt_retire_key(''first'')', 'is retired');
SELECT is(test.key_state('first'), 'retired', 'it is');
SELECT is(public.next(), '{ES384}', 'and another one of its algorithm is next');
SELECT kid AS next FROM jwt_auth.keys WHERE use = 'sig' AND test.key_state(kid) = 'next' \gset
SELECT ok(test.published() @> ARRAY[:'next'], 'which is published');
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'next'), 'that is revoked');
SELECT is(public.next(), '{ES384}', 'and another one is next');
SELECT is(test.active_kids(), '{active}', 'the active key is still that');
SELECT kid AS next FROM jwt_auth.keys WHERE use = 'sig' AND test.key_state(kid) = 'next' \gset
SELECT jwt_create_key('EdDSA', 'other');
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'next'), 'where there is another one');
SELECT is(public.next(), '{EdDSA}', 'that is enough');
SELECT lives_ok(format('SELECT %s(%L)', f, :'next'), f || ' of a key that is gone') FROM unnest('{jwt_revoke_key,jwt_retire_key}'::text[]) AS f;
SELECT is(public.next(), '{EdDSA}', 'makes none');
SELECT is(jwt_rotate_key(), 'other', 'the next rotation is to the next key');
SELECT lives_ok('SELECT jwt_retire_key(''active'')', 'a retiring key is retired');
SELECT is(public.next(), '{EdDSA}', 'which makes none, either');
SELECT test.raises(call, '22023', call || ': refused') FROM unnest('{SELECT jwt_retire_key(''unknown''),SELECT jwt_revoke_key(''unknown'')}'::text[]) AS call;
SELECT test.raises('SELECT jwt_retire_key(''other'')', '55000', 'the active key is not retired');
SELECT is(public.next(), '{EdDSA}', 'what was refused makes none');

\if :lacks_mldsa
-- A next key that nobody can use is passed over
SELECT public.make_unknown('next') AS unknown \gset
SELECT isnt(jwt_rotate_key(), :'unknown', 'a rotation passes it over');
SELECT is(test.verdict(jwt_sign('{}')), NULL, 'and signs');
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'unknown'), 'it can be revoked');
SELECT is(public.next(), '{EdDSA}', 'where another one is next, that is enough');
SELECT public.make_unknown('next') AS unknown \gset
SELECT lives_ok(format('SELECT jwt_retire_key(%L)', :'unknown'), 'or retired');
SELECT is(public.next(), '{ES256}', 'and one for ES256 takes its place');

-- So are active ones
SELECT public.make_unknown('active') AS unknown \gset
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'unknown'), 'an active key is revoked');
SELECT is(test.verdict(jwt_sign('{}')), NULL, 'the next key signs');
SELECT public.make_unknown('active') AS unknown \gset
UPDATE jwt_auth.keys SET revoked_at = now(), private_jwk = NULL, sealed_by = NULL WHERE use = 'sig' AND test.key_state(kid) = 'next';
SELECT lives_ok(format('SELECT jwt_revoke_key(%L)', :'unknown'), 'an active key without a next one is revoked');
SELECT is((SELECT alg FROM jwt_auth.keys WHERE kid = (test.active_kids())[1]), 'ES256', 'one for ES256 is active');
SELECT is(public.next(), '{ES256}', 'and next');
SELECT public.make_unknown('active') \g /dev/null
SELECT lives_ok('SELECT jwt_reset_after_restore()', 'a reset');
SELECT is((SELECT alg FROM jwt_auth.keys WHERE kid = (test.active_kids())[1]), 'ES256', 'makes one for ES256');
SELECT is(test.verdict(jwt_sign('{}')), NULL, 'which works');
SELECT test.raises('SELECT jwt_rotate_key(''ML-DSA-44'')', '22023', 'who asks for the algorithm is refused');
SELECT test.raises('SELECT jwt_create_key(''ML-DSA-44'')', '22023', 'also for another key');
\else
SELECT pass('this OpenSSL has ML-DSA') FROM generate_series(1, 16);
\endif
SELECT * FROM finish();
