\if :started = 0
SELECT answer ->> 'access_token' AS access, answer ->> 'refresh_token' AS refresh FROM load.client WHERE id = :client_id \gset
\set started 1
\endif
SELECT answer ->> 'access_token' AS access, answer ->> 'refresh_token' AS refresh FROM load.expect_tokens(jwt_refresh(:refresh)) AS answer \gset
