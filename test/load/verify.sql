\if :started = 0
SELECT answer ->> 'access_token' AS access, answer ->> 'refresh_token' AS refresh FROM load.client WHERE id = :client_id \gset
\set started 1
\endif
SELECT jwt_verify(:access);
