-- The grace of a refresh token's parent when the clock was put back (T18, T52):
-- it is over as soon as it is further from the rotation than it may last, in
-- either direction, so that a parent does not give a child for hours.
CREATE EXTENSION jwt_auth;
\ir include/jose.psql
\ir include/keyring.psql
\ir include/accounts.psql
-- At least 3 assertions
SELECT no_plan();
SELECT test.create_user('alice') AS alice \gset

SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g1', '-5 s');
SELECT is(test.refresh(:'g1') ->> 'refresh_token', :'g2'::jsonb ->> 'refresh_token', 'when the clock is put back by 5 s, a parent gives the same child');
SELECT test.age_rotation(:'g1', '-1 h');
SELECT is(test.error_of(test.refresh(:'g1')), 'invalid_grant', 'when the clock is put back by an hour, a parent is denied');
SELECT test.login('alice') AS g1 \gset
SELECT test.refresh(:'g1') AS g2 \gset
SELECT test.age_rotation(:'g1', '-1 h');
SELECT is(test.error_of(test.refresh(:'g2')), 'ok', 'when the clock is put back by an hour, the current token is accepted');
SELECT * FROM finish();
