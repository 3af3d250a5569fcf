-- The database of the example: who may connect, what they may do, and a table
-- that several tenants share.  Run by a superuser in an empty database, with
-- the variable "access_token_ttl".

CREATE EXTENSION jwt_auth;

SELECT current_database() AS database \gset
ALTER DATABASE :"database" SET session_preload_libraries = 'jwt_auth';
ALTER DATABASE :"database" SET jwt_auth.issuer = 'https://notes.example';
ALTER DATABASE :"database" SET jwt_auth.audience = 'https://notes.example';

-- 15 minutes is a good value; the example shows renewals sooner.  One clock
-- makes and verifies these tokens, so it needs no leeway.
ALTER DATABASE :"database" SET jwt_auth.access_token_ttl = :'access_token_ttl';
ALTER DATABASE :"database" SET jwt_auth.leeway = 0;
\connect :"database"

SELECT jwt_create_key();

-- The web server connects as notes_gateway, requests run as notes_user, and
-- notes_owner has the tables.  Only the first one can connect.
CREATE ROLE notes_owner NOLOGIN;
CREATE ROLE notes_user NOLOGIN;
CREATE ROLE notes_gateway LOGIN NOINHERIT;
GRANT notes_user TO notes_gateway;
GRANT EXECUTE ON FUNCTION jwt_login, jwt_refresh, jwt_change_password
    TO notes_gateway;

CREATE TABLE notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL DEFAULT jwt_claim('tenant'),
    owner uuid NOT NULL DEFAULT jwt_user_id(),
    author text NOT NULL DEFAULT jwt_claim('name'),
    body text NOT NULL CHECK (body ~ '\S' AND length(body) <= 500),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON notes (tenant);
ALTER TABLE notes OWNER TO notes_owner;

-- Everybody reads what belongs to the own tenant.  Who has the scope adds
-- notes, and deletes the own ones.
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own_tenant ON notes FOR SELECT
    USING (tenant = jwt_claim('tenant'));
CREATE POLICY add_own ON notes FOR INSERT
    WITH CHECK (tenant = jwt_claim('tenant') AND owner = jwt_user_id()
                AND jwt_has_scope('notes:write'));
CREATE POLICY delete_own ON notes FOR DELETE
    USING (owner = jwt_user_id() AND jwt_has_scope('notes:write'));

-- Only the text is the client's to choose; the defaults come from the token.
GRANT SELECT, DELETE, INSERT (body) ON notes TO notes_user;
