-- What administrators see and do.  The functions run as the owner of the extension, and
-- each asks for the scope "admin" of the token: the web server, which may take on the role
-- notes_admin, is no administrator without one.  Level 2 keeps out whoever acts as an
-- administrator, too; what changes something needs it fresh.

CREATE ROLE notes_admin NOLOGIN IN ROLE notes_user;
GRANT notes_admin TO notes_gateway;

CREATE FUNCTION require_admin(max_age interval DEFAULT NULL) RETURNS void
BEGIN ATOMIC
    SELECT jwt_require_scope('admin');
    SELECT jwt_require_aal(2, max_age);
END;

CREATE FUNCTION admin_users()
RETURNS TABLE (id uuid, name text, role name, tenant text, sessions bigint, factors bigint,
    is_banned boolean, banned_until timestamptz, ban_reason text, is_self boolean)
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin();
    SELECT account.id,
        coalesce(account.username, (
            SELECT min(address.value) FROM jwt_auth.identifiers AS address
            WHERE address.user_id = account.id), 'nameless'),
        account.role, account.claims ->> 'tenant',
        (SELECT count(*) FROM jwt_auth.sessions AS session WHERE session.user_id = account.id
            AND session.revoked_at IS NULL AND session.expires_at > now()),
        (SELECT count(*) FROM jwt_auth.factors AS factor
            WHERE factor.user_id = account.id AND factor.confirmed_at IS NOT NULL)
        + (SELECT count(*) FROM jwt_auth.webauthn_credentials AS passkey
            WHERE passkey.user_id = account.id),
        account.banned_at IS NOT NULL AND coalesce(account.banned_until > now(), true),
        account.banned_until, account.ban_reason, account.id = jwt_user_id()
    FROM jwt_auth.users AS account
    ORDER BY 2 LIMIT 100;
END;

-- Nobody bans themself: 22023.
CREATE FUNCTION admin_ban(user_id uuid, reason text, duration interval DEFAULT NULL) RETURNS void
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin('5 minutes');
    SELECT jwt_ban_user(nullif(user_id, jwt_user_id()), now() + duration, reason);
END;

CREATE FUNCTION admin_unban(user_id uuid) RETURNS void
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin('5 minutes');
    SELECT jwt_unban_user(user_id);
END;

CREATE FUNCTION admin_end_sessions(user_id uuid) RETURNS void
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin('5 minutes');
    SELECT jwt_end_sessions(user_id);
END;

CREATE FUNCTION admin_act_as(user_id uuid, reason text) RETURNS jsonb
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin('5 minutes');
    SELECT jwt_impersonate(nullif(user_id, jwt_user_id()), reason);
END;

-- Whoever is invited belongs to the tenant of the administrator.  23505: somebody has
-- the address.
CREATE FUNCTION admin_invite(identifier text, name text) RETURNS uuid
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin('5 minutes');
    SELECT jwt_invite(identifier, 'notes_user', jsonb_build_object(
        'name', left(name, 40), 'tenant', jwt_claim('tenant'), 'scope', 'notes:write'));
END;

CREATE FUNCTION admin_invitations()
RETURNS TABLE (id uuid, address text, name text, created_at timestamptz, expires_at timestamptz)
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin();
    SELECT DISTINCT ON (token.canonical) token.id, token.recipient, token.data #>> '{claims,name}',
        token.created_at, token.expires_at
    FROM jwt_auth.one_time_tokens AS token
    WHERE token.purpose = 'invitation' AND token.consumed_at IS NULL AND token.expires_at > now()
    ORDER BY token.canonical, token.created_at DESC LIMIT 100;
END;

CREATE FUNCTION admin_revoke_invitation(id uuid) RETURNS void
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin('5 minutes');
    SELECT jwt_revoke_invitation(id);
END;

CREATE FUNCTION admin_events()
RETURNS TABLE (at timestamptz, event text, reason text, name text, acting text, address text)
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin();
    SELECT log.at, log.event, coalesce(log.reason, log.method),
        coalesce(account.username, log.user_id::text), coalesce(staff.username, log.acting),
        log.claimed_address
    FROM jwt_auth.audit_log AS log
        LEFT JOIN jwt_auth.users AS account ON account.id = log.user_id
        LEFT JOIN jwt_auth.users AS staff ON staff.id::text = log.acting
    ORDER BY log.at DESC LIMIT 50;
END;

CREATE FUNCTION admin_keys()
RETURNS TABLE (kid text, use text, alg text, state text, sealed boolean, created_at timestamptz)
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin();
    SELECT key.kid, key.use, key.alg, key.state, key.sealed, key.created_at
    FROM jwt_auth.key_states AS key ORDER BY key.use <> 'sig', key.created_at DESC;
END;

CREATE FUNCTION admin_rotate_key() RETURNS text
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin('5 minutes');
    SELECT jwt_rotate_key();
END;

CREATE FUNCTION admin_check()
RETURNS TABLE (severity text, finding text, object text, remedy text)
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT require_admin();
    SELECT severity, finding, object, remedy FROM jwt_check();
END;

REVOKE EXECUTE ON FUNCTION admin_users, admin_ban, admin_unban, admin_end_sessions, admin_act_as,
    admin_invite, admin_invitations, admin_revoke_invitation, admin_events, admin_keys, admin_rotate_key, admin_check FROM PUBLIC;
GRANT EXECUTE ON FUNCTION admin_users, admin_ban, admin_unban, admin_end_sessions, admin_act_as,
    admin_invite, admin_invitations, admin_revoke_invitation, admin_events, admin_keys, admin_rotate_key, admin_check TO notes_admin;
