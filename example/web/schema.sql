-- The database of the example: who may connect, what they may do, and a table
-- that several tenants share.  Run by a superuser in an empty database, with
-- the variables "access_token_ttl", "origin" (of the pages) and "host" (in it).

CREATE EXTENSION jwt_auth;

SELECT current_database() AS database \gset
ALTER DATABASE :"database" SET session_preload_libraries = 'jwt_auth';
ALTER DATABASE :"database" SET jwt_auth.issuer = 'https://notes.example';
ALTER DATABASE :"database" SET jwt_auth.audience = 'https://notes.example';

-- 15 minutes is a good value; the example shows renewals sooner.  One clock
-- makes and verifies these tokens, so it needs no leeway.
ALTER DATABASE :"database" SET jwt_auth.access_token_ttl = :'access_token_ttl';
ALTER DATABASE :"database" SET jwt_auth.leeway = 0;

-- Passkeys are for these pages only.
ALTER DATABASE :"database" SET jwt_auth.webauthn_rp_id = :'host';
ALTER DATABASE :"database" SET jwt_auth.webauthn_rp_name = 'Notebook';
ALTER DATABASE :"database" SET jwt_auth.webauthn_origins = :'origin';
\connect :"database"

-- The first one signs; the next one is published before it does.
SELECT jwt_create_key(), jwt_create_key();

-- The web server connects as notes_gateway, requests run as notes_user, and
-- notes_owner has the tables.  Only the first one can connect.
CREATE ROLE notes_owner NOLOGIN;
CREATE ROLE notes_user NOLOGIN;
CREATE ROLE notes_gateway LOGIN NOINHERIT;
GRANT notes_user TO notes_gateway;
GRANT EXECUTE ON FUNCTION jwt_login, jwt_mfa_options, jwt_mfa_verify,
    jwt_passkey_login_options, jwt_passkey_login, jwt_external_nonce, jwt_login_external,
    jwt_refresh, jwt_change_password, jwt_sign_up, jwt_confirm_sign_up, jwt_request_login,
    jwt_login_code, jwt_request_recovery, jwt_recover, jwt_accept_invitation, jwt_undo_change,
    jwt_login_api_token TO notes_gateway;

-- Users add factors, and so does the gateway for whoever may not sign in without.
GRANT EXECUTE ON FUNCTION jwt_passkey_register, jwt_enroll_totp, jwt_confirm_totp
    TO notes_gateway;
GRANT EXECUTE ON FUNCTION jwt_passkey_register, jwt_enroll_totp, jwt_confirm_totp,
    jwt_make_recovery_codes, jwt_remove_factor, jwt_external_nonce, jwt_link_external,
    jwt_unlink_external, jwt_add_identifier, jwt_confirm_identifier, jwt_remove_identifier,
    jwt_create_api_token, jwt_api_tokens, jwt_revoke_api_token TO notes_user;

-- Whoever signs up, or comes from an identity provider for the first time and has no
-- account here, is a guest, under the name that the form or the provider says.
CREATE FUNCTION welcome_guest(kind text, identifier text, data jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('role', 'notes_user', 'claims', jsonb_build_object(
    'name', left(coalesce(data #>> '{claims,name}', data ->> 'name', 'Guest'), 40), 'tenant', 'guests', 'scope', 'notes:write'));
REVOKE EXECUTE ON FUNCTION welcome_guest FROM PUBLIC;
ALTER DATABASE :"database" SET jwt_auth.sign_up = on;
ALTER DATABASE :"database" SET jwt_auth.sign_up_function = 'public.welcome_guest';

CREATE TABLE notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL DEFAULT jwt_claim('tenant'),
    owner uuid NOT NULL DEFAULT jwt_user_id(),
    author text NOT NULL DEFAULT jwt_claim('name'),
    body text NOT NULL CHECK (body ~ '\S' AND length(body) <= 500),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON notes (tenant);
CREATE INDEX ON notes (owner);
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

-- Deletes all of one's notes, which takes two kinds of proof that are fresh.
CREATE FUNCTION delete_own_notes() RETURNS void
BEGIN ATOMIC
    SELECT jwt_require_aal(2, '5 minutes');
    DELETE FROM notes WHERE owner = jwt_user_id();
END;

-- What happened to one's account: rows of the audit log, and messages to its
-- addresses.  Only the owner of the extension, as whom this runs, reads those tables.
CREATE FUNCTION own_events()
RETURNS TABLE (at timestamptz, event text, reason text, recipient text)
STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT log.at, log.event, log.reason, NULL
    FROM jwt_auth.audit_log AS log WHERE log.user_id = jwt_user_id()
    UNION ALL
    SELECT message.created_at, message.kind, NULL, message.recipient
    FROM jwt_auth.outbox AS message
        JOIN jwt_auth.identifiers AS own ON own.value = message.recipient
    WHERE own.user_id = jwt_user_id()
    ORDER BY 1 DESC LIMIT 50;
END;
REVOKE EXECUTE ON FUNCTION own_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION own_events TO notes_user;
