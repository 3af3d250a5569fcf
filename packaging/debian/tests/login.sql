CREATE EXTENSION jwt_auth;
CREATE EXTENSION jwt_auth_pgjwt;
CREATE ROLE regress_package_app NOLOGIN;
SELECT jwt_create_key() <> '' AS has_key;
SELECT jwt_create_user('alice', 'correct horse battery staple', role => 'regress_package_app') IS NOT NULL AS has_user;

CREATE TABLE answers AS
SELECT jwt_login('alice', 'correct horse battery staple') AS good,
       jwt_login('alice', 'correct horse battery') AS wrong_password,
       jwt_login('mallory', 'correct horse battery staple') AS no_user;

CREATE FUNCTION state_of(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM jwt_verify(token);
    RETURN 'valid';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

DO $$
DECLARE
    answer answers;
    token text;
BEGIN
    SELECT * INTO STRICT answer FROM answers;
    token := answer.good ->> 'access_token';
    ASSERT state_of(token) = 'valid', 'a token is valid';
    ASSERT state_of(reverse(token)) = '28J00', 'a changed one is not';
    ASSERT answer.wrong_password ->> 'error' = 'invalid_grant', 'a wrong password is refused';
    ASSERT answer.no_user ->> 'error' = 'invalid_grant', 'and one who is no user';
    PERFORM jwt_revoke(answer.good ->> 'refresh_token');
    ASSERT state_of(token) = '28J02', 'a revoked token is refused';
    ASSERT jwt_refresh(answer.good ->> 'refresh_token') ->> 'error' = 'invalid_grant', 'and its session';
    ASSERT (verify(sign('{"sub":"x"}', repeat('secret', 8)), repeat('secret', 8))).valid, 'pgjwt''s functions are there';
END $$;
