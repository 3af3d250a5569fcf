\if :started = 0
SELECT answer ->> 'access_token' AS access, answer ->> 'refresh_token' AS refresh FROM load.client WHERE id = :client_id \gset
\set started 1
\endif
BEGIN;
SELECT jwt_authenticate(:access, true);
SELECT load.expect(count(*), 10) FROM load.note;
COMMIT;
