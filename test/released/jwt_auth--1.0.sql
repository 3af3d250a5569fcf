/* jwt_auth--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION jwt_auth" to load this file. \quit

-- Each object is followed by its comment and its rights.  Functions are
-- granted to PUBLIC where they act only on what the caller hands in.

--
-- Tables.  No role but the owner has any rights on them, and row-level
-- security is on without a policy, so that not even pg_read_all_data reads
-- them.  pg_dump run by a superuser saves their rows.
--

CREATE SCHEMA jwt_auth;
COMMENT ON SCHEMA jwt_auth IS 'Tables of the extension jwt_auth';
REVOKE ALL ON SCHEMA jwt_auth FROM PUBLIC;

-- The private half of a key is kept as its JWK in UTF-8, or sealed: a nonce
-- of 12 bytes, AES-256-GCM ciphertext, and a tag of 16 bytes.
CREATE TABLE jwt_auth.keys (
    kid text COLLATE "C" NOT NULL CONSTRAINT keys_pkey PRIMARY KEY,
    use text COLLATE "C" NOT NULL,
    alg text COLLATE "C" NOT NULL,
    number integer,
    thumbprint text COLLATE "C" NOT NULL,
    public_jwk jsonb,
    private_jwk bytea,
    sealed_by text COLLATE "C",
    was_clear boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    activated_at timestamptz,
    verify_until timestamptz,
    revoked_at timestamptz,
    CONSTRAINT keys_use_check CHECK (use OPERATOR(pg_catalog.=) ANY ('{sig,refresh,hash,handle}'::pg_catalog.text[])),
    CONSTRAINT keys_number_check CHECK ((use OPERATOR(pg_catalog.=) ANY ('{sig,hash}'::pg_catalog.text[])) OPERATOR(pg_catalog.=) (number IS NULL)),
    CONSTRAINT keys_sealed_check CHECK (sealed_by IS NULL OR private_jwk IS NOT NULL)
);
CREATE UNIQUE INDEX keys_thumbprint_idx ON jwt_auth.keys (thumbprint);
CREATE UNIQUE INDEX keys_number_idx ON jwt_auth.keys (number);
CREATE UNIQUE INDEX keys_active_idx ON jwt_auth.keys (use)
    WHERE activated_at IS NOT NULL AND verify_until IS NULL AND revoked_at IS NULL;
COMMENT ON TABLE jwt_auth.keys IS 'Keys for signing (use sig), refresh tokens (refresh), hashed names (hash) and one-time tokens (handle). A key is next until it is activated, then active, retiring once it has a verify_until, and retired after that; or it is revoked';
COMMENT ON COLUMN jwt_auth.keys.kid IS 'Key ID (RFC 7517 section 4.5)';
COMMENT ON COLUMN jwt_auth.keys.use IS 'sig, refresh, hash or handle';
COMMENT ON COLUMN jwt_auth.keys.alg IS 'The only algorithm the key is used with';
COMMENT ON COLUMN jwt_auth.keys.number IS 'Number of a key for refresh or one-time tokens, which carry it';
COMMENT ON COLUMN jwt_auth.keys.thumbprint IS 'Thumbprint (RFC 7638), or a slow hash of a secret';
COMMENT ON COLUMN jwt_auth.keys.public_jwk IS 'Public half; NULL for a secret';
COMMENT ON COLUMN jwt_auth.keys.private_jwk IS 'Private half, as long as it is needed';
COMMENT ON COLUMN jwt_auth.keys.sealed_by IS 'Name of the master key that sealed the private half; NULL: not sealed';
COMMENT ON COLUMN jwt_auth.keys.was_clear IS 'The private half has been stored unsealed';
COMMENT ON COLUMN jwt_auth.keys.created_at IS 'When the key was created or imported';
COMMENT ON COLUMN jwt_auth.keys.activated_at IS 'When the key started signing';
COMMENT ON COLUMN jwt_auth.keys.verify_until IS 'When the key stops verifying';
COMMENT ON COLUMN jwt_auth.keys.revoked_at IS 'When the key was revoked';

-- What administrators ask about keys; no key is in it.  It reads the table with
-- the rights of who asks, so that pg_read_all_data reads nothing here, either.
CREATE VIEW jwt_auth.key_states WITH (security_invoker) AS
SELECT k.kid, k.use, k.alg,
    CASE
        WHEN k.revoked_at IS NOT NULL THEN 'revoked'
        WHEN k.verify_until OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() THEN 'retired'
        WHEN k.verify_until IS NOT NULL THEN 'retiring'
        WHEN k.activated_at IS NULL THEN 'next'
        ELSE 'active'
    END AS state,
    CASE WHEN k.private_jwk IS NOT NULL THEN k.sealed_by IS NOT NULL END AS sealed,
    k.was_clear, k.created_at, k.activated_at, k.verify_until, k.revoked_at
FROM jwt_auth.keys AS k;
COMMENT ON VIEW jwt_auth.key_states IS 'Each key with its state: next, active, retiring, retired or revoked; no key material';
COMMENT ON COLUMN jwt_auth.key_states.kid IS 'Key ID';
COMMENT ON COLUMN jwt_auth.key_states.use IS 'sig, refresh, hash or handle';
COMMENT ON COLUMN jwt_auth.key_states.alg IS 'The only algorithm the key is used with';
COMMENT ON COLUMN jwt_auth.key_states.state IS 'next, active, retiring, retired or revoked';
COMMENT ON COLUMN jwt_auth.key_states.sealed IS 'Whether the private half is sealed; NULL: none is stored';
COMMENT ON COLUMN jwt_auth.key_states.was_clear IS 'The private half has been stored unsealed';
COMMENT ON COLUMN jwt_auth.key_states.created_at IS 'When the key was created or imported';
COMMENT ON COLUMN jwt_auth.key_states.activated_at IS 'When the key started signing';
COMMENT ON COLUMN jwt_auth.key_states.verify_until IS 'When the key stops verifying; NULL: not yet known';
COMMENT ON COLUMN jwt_auth.key_states.revoked_at IS 'When the key was revoked';
REVOKE ALL ON jwt_auth.key_states FROM PUBLIC;

CREATE TABLE jwt_auth.issuers (
    issuer text COLLATE "C" NOT NULL CONSTRAINT issuers_pkey PRIMARY KEY,
    audience text COLLATE "C",
    roles name[] NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    is_anonymous boolean NOT NULL DEFAULT false,
    jwks jsonb,
    secret_jwks bytea,
    sealed_by text COLLATE "C",
    was_clear boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT issuers_keys_check CHECK ((jwks IS NULL) OPERATOR(pg_catalog.<>) (secret_jwks IS NULL)),
    CONSTRAINT issuers_sealed_check CHECK (sealed_by IS NULL OR secret_jwks IS NOT NULL)
);
CREATE UNIQUE INDEX issuers_anonymous_idx ON jwt_auth.issuers (is_anonymous) WHERE is_anonymous;
COMMENT ON TABLE jwt_auth.issuers IS 'Trusted issuers of tokens and their keys';
COMMENT ON COLUMN jwt_auth.issuers.issuer IS 'Value of iss that selects these keys; only a name if is_anonymous';
COMMENT ON COLUMN jwt_auth.issuers.audience IS 'Value that aud must contain; NULL: tokens must have no aud';
COMMENT ON COLUMN jwt_auth.issuers.roles IS 'Roles that tokens of the issuer may name';
COMMENT ON COLUMN jwt_auth.issuers.options IS 'Options of jwt_trust_issuer except issuer and audience';
COMMENT ON COLUMN jwt_auth.issuers.is_anonymous IS 'Its tokens carry no iss; true for at most one issuer';
COMMENT ON COLUMN jwt_auth.issuers.jwks IS 'Public keys as a JWK Set';
COMMENT ON COLUMN jwt_auth.issuers.secret_jwks IS 'HMAC secrets as a JWK Set, stored like a private key';
COMMENT ON COLUMN jwt_auth.issuers.sealed_by IS 'Name of the master key that sealed the secrets; NULL: not sealed';
COMMENT ON COLUMN jwt_auth.issuers.was_clear IS 'The secrets have been stored unsealed';
COMMENT ON COLUMN jwt_auth.issuers.created_at IS 'When the issuer was first trusted';
COMMENT ON COLUMN jwt_auth.issuers.updated_at IS 'When its keys were last replaced';

CREATE TABLE jwt_auth.users (
    id uuid NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
    username text COLLATE "C",
    password_hash text COLLATE "C",
    imported_hash boolean NOT NULL DEFAULT false,
    role name,
    claims jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    password_set_at timestamptz,
    disabled_at timestamptz,
    credentials_version bigint NOT NULL DEFAULT 1,
    code_failures integer NOT NULL DEFAULT 0,
    factor_failures integer NOT NULL DEFAULT 0,
    mfa_enrollment text COLLATE "C",
    max_sessions integer,
    banned_at timestamptz,
    banned_until timestamptz,
    ban_reason text,
    is_anonymous boolean NOT NULL DEFAULT false,
    position bigint NOT NULL GENERATED ALWAYS AS (pg_catalog.uuid_hash_extended(id, 0)) STORED,
    CONSTRAINT users_claims_check CHECK (pg_catalog.jsonb_typeof(claims) OPERATOR(pg_catalog.=) 'object'),
    CONSTRAINT users_banned_until_check CHECK (banned_until IS NULL OR banned_at IS NOT NULL),
    CONSTRAINT users_max_sessions_check CHECK (max_sessions OPERATOR(pg_catalog.>=) 0 AND max_sessions OPERATOR(pg_catalog.<=) 1000000),
    CONSTRAINT users_mfa_enrollment_check CHECK (mfa_enrollment OPERATOR(pg_catalog.=) ANY ('{optional,required}'::pg_catalog.text[])),
    CONSTRAINT users_password_hash_check CHECK (password_hash OPERATOR(pg_catalog.~) '^(\$[0-9A-Za-z-]+\$|\{[0-9A-Za-z@_-]+\}|(pbkdf2_sha1|pbkdf2_sha256|scrypt|bcrypt|bcrypt_sha256|argon2)\$|(pbkdf2|scrypt):|SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/]+=:|A[A-Q][A-Za-z0-9+/]{48,}=*$|[0-9a-f]{32}:[0-9a-f]{128}$)')
) WITH (fillfactor = 90);
CREATE INDEX users_position_idx ON jwt_auth.users (position) WHERE password_hash IS NOT NULL;
CREATE INDEX users_disabled_idx ON jwt_auth.users (id) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_banned_idx ON jwt_auth.users (id) WHERE banned_at IS NOT NULL;
CREATE INDEX users_anonymous_idx ON jwt_auth.users (created_at) WHERE is_anonymous;
COMMENT ON TABLE jwt_auth.users IS 'Users; their names are in jwt_auth.identifiers';
COMMENT ON COLUMN jwt_auth.users.id IS 'UUIDv7, unless the user was created with another one; the sub of their tokens';
COMMENT ON COLUMN jwt_auth.users.username IS 'Username as it was given; NULL: none';
COMMENT ON COLUMN jwt_auth.users.password_hash IS 'Argon2id in PHC form, or an imported hash; NULL: no password';
COMMENT ON COLUMN jwt_auth.users.imported_hash IS 'The hash was imported: it is of the password as typed, not normalized';
COMMENT ON COLUMN jwt_auth.users.role IS 'Role named in the user''s tokens';
COMMENT ON COLUMN jwt_auth.users.claims IS 'Claims included in each access token';
COMMENT ON COLUMN jwt_auth.users.created_at IS 'When the user was created';
COMMENT ON COLUMN jwt_auth.users.password_set_at IS 'When the password was last set';
COMMENT ON COLUMN jwt_auth.users.disabled_at IS 'When the user was disabled; NULL: enabled';
COMMENT ON COLUMN jwt_auth.users.credentials_version IS 'Incremented with each change of password, identifiers or factors, which voids earlier one-time tokens';
COMMENT ON COLUMN jwt_auth.users.code_failures IS 'Wrong one-time codes in a row; after 100, only links are accepted';
COMMENT ON COLUMN jwt_auth.users.factor_failures IS 'Wrong codes of second factors in a row; after 100, none is accepted';
COMMENT ON COLUMN jwt_auth.users.mfa_enrollment IS 'Whether the user must have a second factor: optional or required; NULL: as jwt_auth.mfa_enrollment says';
COMMENT ON COLUMN jwt_auth.users.max_sessions IS 'How many sessions the user may have; 0: any number; NULL: as jwt_auth.max_sessions_per_user says';
COMMENT ON COLUMN jwt_auth.users.banned_at IS 'When the user was last banned, which no token issued until then survives; NULL: never';
COMMENT ON COLUMN jwt_auth.users.banned_until IS 'When the ban ends; infinity: never; NULL: not banned';
COMMENT ON COLUMN jwt_auth.users.ban_reason IS 'Why the user is banned, for operators; NULL: not stated';
COMMENT ON COLUMN jwt_auth.users.is_anonymous IS 'Has only a session and no way to log in, until it signs up; deleted once the session is gone';
COMMENT ON COLUMN jwt_auth.users.position IS 'Position by which the user''s hash is chosen to be computed for unknown names';

-- One namespace for all kinds, so that nobody is called like another's address.
CREATE TABLE jwt_auth.identifiers (
    canonical bytea NOT NULL CONSTRAINT identifiers_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT identifiers_user_id_fkey REFERENCES jwt_auth.users ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    verified_at timestamptz,
    CONSTRAINT identifiers_kind_check CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['username', 'email', 'phone']))
);
CREATE INDEX identifiers_user_id_idx ON jwt_auth.identifiers (user_id, canonical);
CREATE UNIQUE INDEX identifiers_username_idx ON jwt_auth.identifiers (user_id) WHERE kind OPERATOR(pg_catalog.=) 'username';
COMMENT ON TABLE jwt_auth.identifiers IS 'Names of users: usernames, e-mail addresses and phone numbers';
COMMENT ON COLUMN jwt_auth.identifiers.canonical IS 'Form used for comparison: UTF-8 in NFKC, case-folded, trimmed; the domain of an address as an A-label';
COMMENT ON COLUMN jwt_auth.identifiers.user_id IS 'The user';
COMMENT ON COLUMN jwt_auth.identifiers.kind IS 'username, email or phone';
COMMENT ON COLUMN jwt_auth.identifiers.value IS 'As entered; messages are sent to this form';
COMMENT ON COLUMN jwt_auth.identifiers.created_at IS 'When it was added';
COMMENT ON COLUMN jwt_auth.identifiers.verified_at IS 'When it was verified, or set by an administrator; NULL: not verified, so it cannot be used to log in';

CREATE TABLE jwt_auth.sessions (
    id uuid NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES jwt_auth.users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoke_reason text COLLATE "C",
    user_agent text,
    client_address inet,
    claimed_address text,
    active_at timestamptz,
    amr text[],
    aal integer NOT NULL DEFAULT 1,
    auth_time timestamptz,
    factor_id uuid,
    method text COLLATE "C",
    actor text COLLATE "C",
    CONSTRAINT sessions_aal_check CHECK (aal OPERATOR(pg_catalog.>=) 1 AND aal OPERATOR(pg_catalog.<=) 2)
);
CREATE INDEX sessions_user_id_revoked_at_expires_at_idx ON jwt_auth.sessions (user_id, revoked_at, expires_at);
CREATE INDEX sessions_expires_at_idx ON jwt_auth.sessions (expires_at);
CREATE INDEX sessions_revoked_at_idx ON jwt_auth.sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX sessions_actor_idx ON jwt_auth.sessions (actor) WHERE actor IS NOT NULL;
-- No refresh writes here: jwt_purge asks the refresh token of a session that has
-- been quiet for long by this index, and notes what it says.
CREATE INDEX sessions_activity_idx ON jwt_auth.sessions ((COALESCE(active_at, created_at)));
COMMENT ON TABLE jwt_auth.sessions IS 'Sessions: one per login, and one per API token';
COMMENT ON COLUMN jwt_auth.sessions.id IS 'UUIDv7; the sid of its access tokens';
COMMENT ON COLUMN jwt_auth.sessions.user_id IS 'The user of the session';
COMMENT ON COLUMN jwt_auth.sessions.created_at IS 'When the user logged in';
COMMENT ON COLUMN jwt_auth.sessions.expires_at IS 'When the session ends at the latest';
COMMENT ON COLUMN jwt_auth.sessions.revoked_at IS 'When the session was ended';
COMMENT ON COLUMN jwt_auth.sessions.revoke_reason IS 'Why the session was ended';
COMMENT ON COLUMN jwt_auth.sessions.user_agent IS 'User agent claimed by the client';
COMMENT ON COLUMN jwt_auth.sessions.client_address IS 'Address of the database connection';
COMMENT ON COLUMN jwt_auth.sessions.amr IS 'How the user was authenticated; NULL: not stated by the application';
COMMENT ON COLUMN jwt_auth.sessions.aal IS 'Assurance level: 1, or 2 with a second factor, which is valid for jwt_auth.aal2_lifetime';
COMMENT ON COLUMN jwt_auth.sessions.auth_time IS 'When the user was last authenticated; NULL: at created_at';
COMMENT ON COLUMN jwt_auth.sessions.factor_id IS 'Factor that level 2 rests on; NULL: none of this database';
COMMENT ON COLUMN jwt_auth.sessions.method IS 'How the session began: password, code, passkey, external:NAME, sign_up, invitation, anonymous, application, api_token or impersonated; NULL: not known';
COMMENT ON COLUMN jwt_auth.sessions.actor IS 'Who acts as the user, as the claim act says: a user, or role:NAME; NULL: the user';
COMMENT ON COLUMN jwt_auth.sessions.claimed_address IS 'Address claimed by a header; never trusted';
COMMENT ON COLUMN jwt_auth.sessions.active_at IS 'Last refresh seen by jwt_purge; refresh_tokens has the actual last one. Of an API token: when it expires, since it is never idle';

-- One narrow row per session, updated in place: no index but the primary key,
-- and room in each page.  Nothing of it is stored out of line.  Its row is made
-- with that of the session, by one function.  The foreign key therefore deletes,
-- but checks nothing: its look at the newest page of sessions_pkey, on which all
-- logins write, would make serializable logins of different users fail.
CREATE TABLE jwt_auth.refresh_tokens (
    session_id uuid NOT NULL CONSTRAINT refresh_tokens_pkey PRIMARY KEY
        CONSTRAINT refresh_tokens_session_id_fkey REFERENCES jwt_auth.sessions ON DELETE CASCADE,
    generation bigint NOT NULL,
    nonce uuid NOT NULL,
    earlier bytea,
    key_number integer NOT NULL,
    rotated_at timestamptz NOT NULL
) WITH (fillfactor = 50);
ALTER TABLE jwt_auth.refresh_tokens ALTER COLUMN earlier SET STORAGE PLAIN;
ALTER TABLE jwt_auth.refresh_tokens DISABLE TRIGGER ALL;
COMMENT ON TABLE jwt_auth.refresh_tokens IS 'State of each session''s refresh token; contains no token';
COMMENT ON COLUMN jwt_auth.refresh_tokens.session_id IS 'The session';
COMMENT ON COLUMN jwt_auth.refresh_tokens.generation IS 'How often the token was rotated';
COMMENT ON COLUMN jwt_auth.refresh_tokens.nonce IS 'Random part of the current token';
COMMENT ON COLUMN jwt_auth.refresh_tokens.earlier IS 'Random part and rotation time of the earlier tokens within their grace period, the latest first';
COMMENT ON COLUMN jwt_auth.refresh_tokens.key_number IS 'Number of the current token''s key';
COMMENT ON COLUMN jwt_auth.refresh_tokens.rotated_at IS 'When the current token was issued';

-- What redeems a token is not here: the key makes it again from session and nonce.
CREATE TABLE jwt_auth.api_tokens (
    session_id uuid NOT NULL CONSTRAINT api_tokens_pkey PRIMARY KEY
        CONSTRAINT api_tokens_session_id_fkey REFERENCES jwt_auth.sessions ON DELETE CASCADE,
    nonce uuid NOT NULL,
    name text NOT NULL,
    scope text COLLATE "C" NOT NULL,
    last_used_at timestamptz
) WITH (fillfactor = 70);
COMMENT ON TABLE jwt_auth.api_tokens IS 'API tokens of users; each has a session, which ends with it, and never a refresh token';
COMMENT ON COLUMN jwt_auth.api_tokens.session_id IS 'The id of the token, and its session';
COMMENT ON COLUMN jwt_auth.api_tokens.nonce IS 'Random part of the token';
COMMENT ON COLUMN jwt_auth.api_tokens.name IS 'What the user calls it';
COMMENT ON COLUMN jwt_auth.api_tokens.scope IS 'Scopes it may have, of those that the user has';
COMMENT ON COLUMN jwt_auth.api_tokens.last_used_at IS 'When an access token was last made of it, to some minutes; NULL: never';

CREATE TABLE jwt_auth.clients (
    id uuid NOT NULL CONSTRAINT clients_pkey PRIMARY KEY,
    name text NOT NULL,
    role name,
    scope text COLLATE "C" NOT NULL,
    jwks jsonb,
    credential_id uuid NOT NULL,
    secret_hash bytea,
    former_credential_id uuid,
    former_secret_hash bytea,
    created_at timestamptz NOT NULL,
    credential_at timestamptz NOT NULL,
    CONSTRAINT clients_jwks_check CHECK ((jwks IS NULL) OPERATOR(pg_catalog.<>) (secret_hash IS NULL))
);
COMMENT ON TABLE jwt_auth.clients IS 'Clients: machines with access tokens of their own; never a secret';
COMMENT ON COLUMN jwt_auth.clients.id IS 'UUIDv7; their client_id';
COMMENT ON COLUMN jwt_auth.clients.name IS 'What an administrator calls it';
COMMENT ON COLUMN jwt_auth.clients.role IS 'Role named in its tokens';
COMMENT ON COLUMN jwt_auth.clients.scope IS 'Scopes that its tokens may have';
COMMENT ON COLUMN jwt_auth.clients.jwks IS 'Public keys with which it signs assertions; NULL: it has a secret';
COMMENT ON COLUMN jwt_auth.clients.credential_id IS 'Id of its secret or of its keys, which its tokens carry';
COMMENT ON COLUMN jwt_auth.clients.secret_hash IS 'Keyed hash of client and secret; NULL: it has keys';
COMMENT ON COLUMN jwt_auth.clients.former_credential_id IS 'Id of the secret before, which is accepted until the next one is made; NULL: none';
COMMENT ON COLUMN jwt_auth.clients.former_secret_hash IS 'Keyed hash of client and that secret';
COMMENT ON COLUMN jwt_auth.clients.created_at IS 'When the client was created';
COMMENT ON COLUMN jwt_auth.clients.credential_at IS 'When its secret was made';

CREATE TABLE jwt_auth.revoked_tokens (
    issuer text COLLATE "C" NOT NULL,
    jti text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT revoked_tokens_pkey PRIMARY KEY (issuer, jti)
);
CREATE INDEX revoked_tokens_expires_at_idx ON jwt_auth.revoked_tokens (expires_at);
COMMENT ON TABLE jwt_auth.revoked_tokens IS 'Tokens denied by their jti, kept until they expire';
COMMENT ON COLUMN jwt_auth.revoked_tokens.issuer IS 'iss of the tokens; empty: none';
COMMENT ON COLUMN jwt_auth.revoked_tokens.jti IS 'jti of the tokens';
COMMENT ON COLUMN jwt_auth.revoked_tokens.expires_at IS 'When the row can be removed';

CREATE TABLE jwt_auth.deleted_users (
    id uuid NOT NULL CONSTRAINT deleted_users_pkey PRIMARY KEY,
    deleted_at timestamptz NOT NULL
);
COMMENT ON TABLE jwt_auth.deleted_users IS 'Deleted users, kept forever: their tokens without a session are denied';
COMMENT ON COLUMN jwt_auth.deleted_users.id IS 'sub of the user''s tokens';
COMMENT ON COLUMN jwt_auth.deleted_users.deleted_at IS 'When the user was deleted';

-- What redeems a token is not here: the key makes it again from id and nonce.
-- Known and unknown addresses have rows alike.  There is no foreign key, whose check
-- would lock the rows of known users only: follow_user() deletes.
CREATE TABLE jwt_auth.one_time_tokens (
    id uuid NOT NULL CONSTRAINT one_time_tokens_pkey PRIMARY KEY,
    user_id uuid,
    purpose text COLLATE "C" NOT NULL,
    recipient text COLLATE "C",
    canonical bytea,
    credentials_version bigint NOT NULL,
    nonce uuid NOT NULL,
    key_number integer NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz,
    data jsonb,
    CONSTRAINT one_time_tokens_purpose_check CHECK (purpose OPERATOR(pg_catalog.=) ANY ('{recovery,sign_up,login,invitation,identifier,undo,link}'::pg_catalog.text[])),
    CONSTRAINT one_time_tokens_recipient_check CHECK ((recipient IS NULL) OPERATOR(pg_catalog.=) (canonical IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX one_time_tokens_user_id_idx ON jwt_auth.one_time_tokens (user_id);
CREATE INDEX one_time_tokens_canonical_idx ON jwt_auth.one_time_tokens (canonical, created_at);
CREATE INDEX one_time_tokens_expires_at_idx ON jwt_auth.one_time_tokens (expires_at);
COMMENT ON TABLE jwt_auth.one_time_tokens IS 'One-time tokens: links and codes that were sent, or were not because the address is unknown; never a token or code';
COMMENT ON COLUMN jwt_auth.one_time_tokens.id IS 'UUIDv7; the link and the flow name it';
COMMENT ON COLUMN jwt_auth.one_time_tokens.user_id IS 'The user; NULL: the address is nobody''s, and what redeems the row makes the user, or nothing does';
COMMENT ON COLUMN jwt_auth.one_time_tokens.purpose IS 'What it is for: recovery, sign_up, login, invitation, identifier, undo, or link, which is an identity that waits for the second factor';
COMMENT ON COLUMN jwt_auth.one_time_tokens.recipient IS 'Address it is sent to; NULL: an admin hands it out';
COMMENT ON COLUMN jwt_auth.one_time_tokens.canonical IS 'Canonical form of the address';
COMMENT ON COLUMN jwt_auth.one_time_tokens.credentials_version IS 'The version of the user, or of the anonymous user who signs up, when it was made; it is void once that has risen';
COMMENT ON COLUMN jwt_auth.one_time_tokens.nonce IS 'Random part of the link and the code';
COMMENT ON COLUMN jwt_auth.one_time_tokens.key_number IS 'Number of the key that makes both';
COMMENT ON COLUMN jwt_auth.one_time_tokens.failures IS 'Wrong codes that were tried';
COMMENT ON COLUMN jwt_auth.one_time_tokens.created_at IS 'When it was made';
COMMENT ON COLUMN jwt_auth.one_time_tokens.expires_at IS 'When it expires';
COMMENT ON COLUMN jwt_auth.one_time_tokens.consumed_at IS 'When it was redeemed, or gave way to others';
COMMENT ON COLUMN jwt_auth.one_time_tokens.data IS 'What waits for its redemption, by purpose; NULL once it is consumed';

CREATE TABLE jwt_auth.outbox (
    id uuid NOT NULL CONSTRAINT outbox_pkey PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    token_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    leased_until timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    failed_at timestamptz,
    error text,
    data jsonb,
    CONSTRAINT outbox_kind_check CHECK (kind OPERATOR(pg_catalog.=) ANY ('{recovery,login,identifier,sign_up,invitation,no_account,account_exists,password_changed,identifier_changed,session_from_new_client,factor_added,factor_removed,recovery_code_used,impersonated}'::pg_catalog.text[])),
    CONSTRAINT outbox_channel_check CHECK (channel OPERATOR(pg_catalog.=) ANY ('{email,phone}'::pg_catalog.text[]))
);
CREATE INDEX outbox_due_idx ON jwt_auth.outbox (leased_until) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_expires_at_idx ON jwt_auth.outbox (expires_at);
COMMENT ON TABLE jwt_auth.outbox IS 'Messages for the mailer, which gets them from jwt_outbox_claim(); never a token or code';
COMMENT ON COLUMN jwt_auth.outbox.id IS 'UUIDv7';
COMMENT ON COLUMN jwt_auth.outbox.kind IS 'What it says: recovery, login, identifier, sign_up, invitation, no_account, account_exists, password_changed, identifier_changed, session_from_new_client, factor_added, factor_removed, recovery_code_used or impersonated';
COMMENT ON COLUMN jwt_auth.outbox.channel IS 'email or phone';
COMMENT ON COLUMN jwt_auth.outbox.recipient IS 'Address it is sent to';
COMMENT ON COLUMN jwt_auth.outbox.token_id IS 'The one-time token it is about; NULL: none';
COMMENT ON COLUMN jwt_auth.outbox.created_at IS 'When it was written';
COMMENT ON COLUMN jwt_auth.outbox.expires_at IS 'When it is no longer worth sending';
COMMENT ON COLUMN jwt_auth.outbox.leased_until IS 'When it can be claimed (again)';
COMMENT ON COLUMN jwt_auth.outbox.attempts IS 'How often it was claimed';
COMMENT ON COLUMN jwt_auth.outbox.sent_at IS 'When the mailer had sent it';
COMMENT ON COLUMN jwt_auth.outbox.failed_at IS 'When it was given up';
COMMENT ON COLUMN jwt_auth.outbox.error IS 'Why it was given up, or failed the last time';
COMMENT ON COLUMN jwt_auth.outbox.data IS 'What its template may show beside token and code; NULL: nothing';

CREATE TABLE jwt_auth.used_handles (
    hash bytea NOT NULL CONSTRAINT used_handles_pkey PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_handles_expires_at_idx ON jwt_auth.used_handles (expires_at);
COMMENT ON TABLE jwt_auth.used_handles IS 'Challenges that were answered and second-factor tickets that were used, which are not accepted again';
COMMENT ON COLUMN jwt_auth.used_handles.hash IS 'SHA-256 of the challenge or ticket as it was handed out';
COMMENT ON COLUMN jwt_auth.used_handles.expires_at IS 'When it expires anyway';

CREATE TABLE jwt_auth.webauthn_credentials (
    id uuid NOT NULL CONSTRAINT webauthn_credentials_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT webauthn_credentials_user_id_fkey REFERENCES jwt_auth.users ON DELETE CASCADE,
    credential_id bytea NOT NULL CONSTRAINT webauthn_credentials_credential_id_key UNIQUE,
    public_key jsonb NOT NULL,
    user_handle uuid NOT NULL,
    counter bigint NOT NULL,
    backup_eligible boolean NOT NULL,
    backed_up boolean NOT NULL,
    aaguid uuid NOT NULL,
    transports jsonb,
    name text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX webauthn_credentials_user_id_idx ON jwt_auth.webauthn_credentials (user_id, id);
COMMENT ON TABLE jwt_auth.webauthn_credentials IS 'Passkeys of users';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.id IS 'UUIDv7';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.user_id IS 'Whose passkey it is';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.credential_id IS 'Id that the authenticator gave it';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.public_key IS 'Public JWK with its algorithm';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.user_handle IS '16 random bytes by which the authenticator knows the user';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.counter IS 'Greatest signature counter that was seen';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.backup_eligible IS 'Whether it can leave its device; never changes';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.backed_up IS 'Whether it was backed up when it was last used';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.aaguid IS 'Model of the authenticator, which nobody has verified';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.transports IS 'How browsers reach the authenticator; NULL: not told';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.name IS 'What the user calls it';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.created_at IS 'When it was registered';
COMMENT ON COLUMN jwt_auth.webauthn_credentials.last_used_at IS 'When it last logged in; NULL: never';

CREATE TABLE jwt_auth.factors (
    id uuid NOT NULL CONSTRAINT factors_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT factors_user_id_fkey REFERENCES jwt_auth.users ON DELETE CASCADE,
    type text COLLATE "C" NOT NULL,
    name text,
    secret bytea NOT NULL,
    sealed_by text COLLATE "C",
    last_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    CONSTRAINT factors_type_check CHECK (type OPERATOR(pg_catalog.=) ANY ('{totp}'::pg_catalog.text[]))
) WITH (fillfactor = 70);
CREATE INDEX factors_user_id_idx ON jwt_auth.factors (user_id, id);
CREATE INDEX factors_pending_idx ON jwt_auth.factors (created_at) WHERE confirmed_at IS NULL;
COMMENT ON TABLE jwt_auth.factors IS 'Second factors: authenticators of users';
COMMENT ON COLUMN jwt_auth.factors.id IS 'UUIDv7';
COMMENT ON COLUMN jwt_auth.factors.user_id IS 'Whose factor it is';
COMMENT ON COLUMN jwt_auth.factors.type IS 'totp';
COMMENT ON COLUMN jwt_auth.factors.name IS 'What the user calls it';
COMMENT ON COLUMN jwt_auth.factors.secret IS 'The secret, sealed like a private key or in the clear, and tied to id and user_id';
COMMENT ON COLUMN jwt_auth.factors.sealed_by IS 'Name of the master key that sealed the secret; NULL: not sealed';
COMMENT ON COLUMN jwt_auth.factors.last_step IS 'Step of time of the last code that was accepted; no earlier one is again';
COMMENT ON COLUMN jwt_auth.factors.created_at IS 'When it was begun to enroll';
COMMENT ON COLUMN jwt_auth.factors.confirmed_at IS 'When its first code was accepted; NULL: not yet, and it guards nothing';

CREATE TABLE jwt_auth.recovery_codes (
    user_id uuid NOT NULL CONSTRAINT recovery_codes_user_id_fkey REFERENCES jwt_auth.users ON DELETE CASCADE,
    hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, hash)
);
COMMENT ON TABLE jwt_auth.recovery_codes IS 'Recovery codes that are left, which stand in for a second factor; never a code';
COMMENT ON COLUMN jwt_auth.recovery_codes.user_id IS 'The user of the code';
COMMENT ON COLUMN jwt_auth.recovery_codes.hash IS 'Keyed hash of user and code';
COMMENT ON COLUMN jwt_auth.recovery_codes.created_at IS 'When the code was made';

-- Apart from the trusted issuers: an ID token tells who logged in, and is never an
-- identity itself.
CREATE TABLE jwt_auth.providers (
    name text COLLATE "C" NOT NULL CONSTRAINT providers_pkey PRIMARY KEY,
    issuer text COLLATE "C" NOT NULL,
    issuers text[] COLLATE "C" NOT NULL,
    client_ids text[] COLLATE "C" NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    jwks jsonb NOT NULL,
    keys_wanted_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE jwt_auth.providers IS 'Identity providers with which users log in, and their keys';
COMMENT ON COLUMN jwt_auth.providers.name IS 'What clients call it';
COMMENT ON COLUMN jwt_auth.providers.issuer IS 'Value of iss in its ID tokens, perhaps with {tenantid} for a tenant';
COMMENT ON COLUMN jwt_auth.providers.issuers IS 'The same for each tenant that is listed';
COMMENT ON COLUMN jwt_auth.providers.client_ids IS 'Values of aud that are accepted';
COMMENT ON COLUMN jwt_auth.providers.options IS 'Options of jwt_add_provider';
COMMENT ON COLUMN jwt_auth.providers.jwks IS 'Public keys as a JWK Set';
COMMENT ON COLUMN jwt_auth.providers.keys_wanted_at IS 'When an ID token last named an unknown key, and jwt_auth_jwks was notified, at most once a minute; the keys are wanted still unless updated_at is later';
COMMENT ON COLUMN jwt_auth.providers.created_at IS 'When the provider was first added';
COMMENT ON COLUMN jwt_auth.providers.updated_at IS 'When its keys were last replaced';

-- Not among the columns of issuers and providers: it changes often, while what rests
-- on their rows is cached, and it is not for other machines.
CREATE TABLE jwt_auth.key_fetches (
    source text COLLATE "C" NOT NULL
        CONSTRAINT key_fetches_source_check CHECK (source OPERATOR(pg_catalog.=) ANY ('{issuer,provider}')),
    name text COLLATE "C" NOT NULL,
    uri text COLLATE "C" NOT NULL,
    tried_at timestamptz NOT NULL,
    fetched_at timestamptz,
    next_at timestamptz NOT NULL,
    failures integer NOT NULL,
    error text COLLATE "C",
    CONSTRAINT key_fetches_pkey PRIMARY KEY (source, name)
);
COMMENT ON TABLE jwt_auth.key_fetches IS 'How the background worker fetches keys of issuers and providers from their jwks_uri; not dumped';
COMMENT ON COLUMN jwt_auth.key_fetches.source IS 'issuer or provider';
COMMENT ON COLUMN jwt_auth.key_fetches.name IS 'Issuer, or name of the provider';
COMMENT ON COLUMN jwt_auth.key_fetches.uri IS 'The jwks_uri; with another one, all begins anew';
COMMENT ON COLUMN jwt_auth.key_fetches.tried_at IS 'When the last attempt began';
COMMENT ON COLUMN jwt_auth.key_fetches.fetched_at IS 'When the keys were last fetched, changed or not';
COMMENT ON COLUMN jwt_auth.key_fetches.next_at IS 'When they are fetched again at the latest';
COMMENT ON COLUMN jwt_auth.key_fetches.failures IS 'Attempts in a row that failed';
COMMENT ON COLUMN jwt_auth.key_fetches.error IS 'Why the last one failed; the keys that were fetched before stay in use';

-- No foreign key to the provider, which may come back.
CREATE TABLE jwt_auth.identities (
    provider text COLLATE "C" NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL CONSTRAINT identities_user_id_fkey REFERENCES jwt_auth.users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (provider, issuer, subject)
);
CREATE INDEX identities_user_id_idx ON jwt_auth.identities (user_id, provider, subject);
COMMENT ON TABLE jwt_auth.identities IS 'Identities of users at identity providers';
COMMENT ON COLUMN jwt_auth.identities.provider IS 'Name of the provider';
COMMENT ON COLUMN jwt_auth.identities.issuer IS 'iss of its ID tokens';
COMMENT ON COLUMN jwt_auth.identities.subject IS 'sub of its ID tokens';
COMMENT ON COLUMN jwt_auth.identities.user_id IS 'Whose identity it is';
COMMENT ON COLUMN jwt_auth.identities.created_at IS 'When it became the user''s';

CREATE TABLE jwt_auth.login_throttle (
    name_hash bytea NOT NULL CONSTRAINT login_throttle_pkey PRIMARY KEY
        CONSTRAINT login_throttle_name_hash_check
        CHECK (pg_catalog.octet_length(name_hash) OPERATOR(pg_catalog.=) 32),
    failures integer NOT NULL,
    last_failure_at timestamptz NOT NULL
);
CREATE INDEX login_throttle_last_failure_at_idx ON jwt_auth.login_throttle (last_failure_at);
COMMENT ON TABLE jwt_auth.login_throttle IS 'Failed logins by name, wrong codes and messages by recipient, whether known or unknown, and requests for addresses and wrong codes of factors by user';
COMMENT ON COLUMN jwt_auth.login_throttle.name_hash IS 'Keyed hash of the kind of attempt and the canonical name';
COMMENT ON COLUMN jwt_auth.login_throttle.failures IS 'Failures, or messages, in a row';
COMMENT ON COLUMN jwt_auth.login_throttle.last_failure_at IS 'When the last failure or message was';

CREATE TABLE jwt_auth.audit_log (
    id uuid NOT NULL CONSTRAINT audit_log_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    event text COLLATE "C" NOT NULL,
    reason text COLLATE "C",
    user_id uuid,
    session_id uuid,
    kid text COLLATE "C",
    issuer text COLLATE "C",
    jti text COLLATE "C",
    name_hash bytea,
    method text COLLATE "C",
    acting text COLLATE "C",
    actor name NOT NULL,
    user_agent text,
    client_address inet,
    claimed_address text,
    client_id uuid
);
CREATE INDEX audit_log_at_idx ON jwt_auth.audit_log (at);
-- Tells whether a denied refresh is written already
CREATE INDEX audit_log_denied_idx ON jwt_auth.audit_log (session_id, at)
    WHERE event OPERATOR(pg_catalog.=) 'refresh_denied';
COMMENT ON TABLE jwt_auth.audit_log IS 'What happened to accounts, sessions and keys; contains no secrets';
COMMENT ON COLUMN jwt_auth.audit_log.id IS 'UUIDv7';
COMMENT ON COLUMN jwt_auth.audit_log.at IS 'When it happened';
COMMENT ON COLUMN jwt_auth.audit_log.event IS 'What happened';
COMMENT ON COLUMN jwt_auth.audit_log.reason IS 'Why it was denied or done; for operators only';
COMMENT ON COLUMN jwt_auth.audit_log.user_id IS 'The user concerned';
COMMENT ON COLUMN jwt_auth.audit_log.session_id IS 'The session concerned';
COMMENT ON COLUMN jwt_auth.audit_log.kid IS 'The key concerned';
COMMENT ON COLUMN jwt_auth.audit_log.issuer IS 'The issuer concerned';
COMMENT ON COLUMN jwt_auth.audit_log.jti IS 'The token concerned, if it has no session';
COMMENT ON COLUMN jwt_auth.audit_log.name_hash IS 'Keyed hash of a name that belongs to no account';
COMMENT ON COLUMN jwt_auth.audit_log.method IS 'How the session began, as in jwt_auth.sessions';
COMMENT ON COLUMN jwt_auth.audit_log.acting IS 'Who acted as the user, as the claim act says; NULL: nobody else';
COMMENT ON COLUMN jwt_auth.audit_log.actor IS 'Role of the database session';
COMMENT ON COLUMN jwt_auth.audit_log.user_agent IS 'User agent claimed by the client';
COMMENT ON COLUMN jwt_auth.audit_log.client_address IS 'Address of the database connection';
COMMENT ON COLUMN jwt_auth.audit_log.claimed_address IS 'Address claimed by a header; never trusted';
COMMENT ON COLUMN jwt_auth.audit_log.client_id IS 'The client concerned';

-- Loaded by the operator, from a list that can be loaded again: pg_dump leaves
-- its rows out.
CREATE TABLE jwt_auth.blocked_passwords (
    sha1 bytea NOT NULL CONSTRAINT blocked_passwords_pkey PRIMARY KEY,
    CONSTRAINT blocked_passwords_sha1_check CHECK (pg_catalog.length(sha1) OPERATOR(pg_catalog.=) 20)
);
COMMENT ON TABLE jwt_auth.blocked_passwords IS 'Passwords that may not be used, as hashes; loaded by the operator, and not dumped';
COMMENT ON COLUMN jwt_auth.blocked_passwords.sha1 IS 'SHA-1 of the password in UTF-8';

-- Nothing queries these two: invalidating their cache entries tells every
-- backend, on standbys too, that keys or revocations changed.
CREATE TABLE jwt_auth.key_invalidation ();
COMMENT ON TABLE jwt_auth.key_invalidation IS 'Invalidates what backends have cached of keys and issuers; contains no rows';
CREATE TABLE jwt_auth.revocation_invalidation ();
COMMENT ON TABLE jwt_auth.revocation_invalidation IS 'Invalidates what backends have cached of revocations; contains no rows';

DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY '{keys,issuers,users,identifiers,sessions,refresh_tokens,api_tokens,clients,revoked_tokens,deleted_users,one_time_tokens,outbox,used_handles,webauthn_credentials,factors,recovery_codes,providers,key_fetches,identities,login_throttle,audit_log,blocked_passwords,key_invalidation,revocation_invalidation}'::pg_catalog.text[]
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON TABLE jwt_auth.%I FROM PUBLIC', relation);
        EXECUTE pg_catalog.format('ALTER TABLE jwt_auth.%I ENABLE ROW LEVEL SECURITY', relation);
    END LOOP;
    FOREACH relation IN ARRAY '{keys,issuers,users,identifiers,sessions,refresh_tokens,api_tokens,clients,revoked_tokens,deleted_users,one_time_tokens,outbox,used_handles,webauthn_credentials,factors,recovery_codes,providers,identities,login_throttle,audit_log}'::pg_catalog.text[]
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(pg_catalog.format('jwt_auth.%I', relation)::pg_catalog.regclass, '');
    END LOOP;
END
$$;

--
-- Invalidation of caches.  Functions of the extension do it, and for direct
-- changes of the tables, also by logical replication, these triggers.
--

CREATE FUNCTION jwt_auth.invalidate_caches()
RETURNS trigger
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_auth_invalidate_caches';
COMMENT ON FUNCTION jwt_auth.invalidate_caches() IS
'Trigger that tells every backend that keys or revocations changed. Its argument is keys or revocations.';
REVOKE ALL ON FUNCTION jwt_auth.invalidate_caches() FROM PUBLIC;

CREATE TRIGGER invalidate_on_change AFTER INSERT OR UPDATE OR DELETE ON jwt_auth.keys
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.invalidate_caches('keys');
CREATE TRIGGER invalidate_on_truncate AFTER TRUNCATE ON jwt_auth.keys
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.invalidate_caches('keys');
CREATE TRIGGER invalidate_on_change AFTER INSERT OR UPDATE OR DELETE ON jwt_auth.issuers
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.invalidate_caches('keys');
CREATE TRIGGER invalidate_on_truncate AFTER TRUNCATE ON jwt_auth.issuers
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.invalidate_caches('keys');
-- Not when its keys are asked for, which anybody can bring about.
CREATE TRIGGER invalidate_on_insert AFTER INSERT OR DELETE ON jwt_auth.providers
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.invalidate_caches('keys');
CREATE TRIGGER invalidate_on_change AFTER UPDATE ON jwt_auth.providers
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name OR OLD.issuer IS DISTINCT FROM NEW.issuer
        OR OLD.client_ids OPERATOR(pg_catalog.<>) NEW.client_ids OR OLD.options IS DISTINCT FROM NEW.options
        OR OLD.jwks IS DISTINCT FROM NEW.jwks)
    EXECUTE FUNCTION jwt_auth.invalidate_caches('keys');
CREATE TRIGGER invalidate_on_truncate AFTER TRUNCATE ON jwt_auth.providers
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.invalidate_caches('keys');
CREATE TRIGGER invalidate_on_revoke AFTER UPDATE ON jwt_auth.sessions
    FOR EACH ROW WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at OR OLD.expires_at IS DISTINCT FROM NEW.expires_at
        OR OLD.aal IS DISTINCT FROM NEW.aal OR OLD.auth_time IS DISTINCT FROM NEW.auth_time)
    EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_delete AFTER DELETE ON jwt_auth.sessions
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_truncate AFTER TRUNCATE ON jwt_auth.sessions
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_change AFTER INSERT OR UPDATE OR DELETE ON jwt_auth.revoked_tokens
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_truncate AFTER TRUNCATE ON jwt_auth.revoked_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_change AFTER INSERT OR UPDATE OR DELETE ON jwt_auth.deleted_users
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_truncate AFTER TRUNCATE ON jwt_auth.deleted_users
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_change AFTER UPDATE OR DELETE ON jwt_auth.clients
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_truncate AFTER TRUNCATE ON jwt_auth.clients
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_disable AFTER UPDATE ON jwt_auth.users
    FOR EACH ROW WHEN (OLD.disabled_at IS DISTINCT FROM NEW.disabled_at OR OLD.banned_at IS DISTINCT FROM NEW.banned_at
        OR OLD.banned_until IS DISTINCT FROM NEW.banned_until)
    EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_insert AFTER INSERT ON jwt_auth.users
    FOR EACH ROW WHEN (NEW.disabled_at IS NOT NULL OR NEW.banned_at IS NOT NULL)
    EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_delete AFTER DELETE ON jwt_auth.users
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');
CREATE TRIGGER invalidate_on_truncate AFTER TRUNCATE ON jwt_auth.users
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.invalidate_caches('revocations');

-- What follows from a change of a user's row, directly, too.  A subscriber of
-- logical replication gets that from the publisher, like the change itself.
CREATE FUNCTION jwt_auth.follow_user()
RETURNS trigger
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_auth_follow_user';
COMMENT ON FUNCTION jwt_auth.follow_user() IS
'Trigger that ends sessions and denies tokens where a user is changed directly. It does so for users who are disabled, banned or deleted or whose password changes. It refuses roles and claims that the functions would refuse, a changed username, since names are looked up in identifiers, and a changed user of a session.';
REVOKE ALL ON FUNCTION jwt_auth.follow_user() FROM PUBLIC;

CREATE TRIGGER follow_update AFTER UPDATE ON jwt_auth.users
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.password_hash IS DISTINCT FROM NEW.password_hash
        OR OLD.role IS DISTINCT FROM NEW.role OR OLD.claims IS DISTINCT FROM NEW.claims
        OR OLD.username IS DISTINCT FROM NEW.username OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at
        OR OLD.banned_until IS DISTINCT FROM NEW.banned_until)
    EXECUTE FUNCTION jwt_auth.follow_user();
CREATE TRIGGER follow_session BEFORE UPDATE ON jwt_auth.sessions
    FOR EACH ROW WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id)
    EXECUTE FUNCTION jwt_auth.follow_user('session');
CREATE TRIGGER follow_delete AFTER DELETE ON jwt_auth.users
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.follow_user();
CREATE TRIGGER follow_truncate BEFORE TRUNCATE ON jwt_auth.users
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.follow_user();

CREATE FUNCTION jwt_auth.follow_identifier()
RETURNS trigger
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_auth_follow_identifier';
COMMENT ON FUNCTION jwt_auth.follow_identifier() IS
'Trigger that voids the one-time tokens of users whose identifiers are changed or deleted directly.';
REVOKE ALL ON FUNCTION jwt_auth.follow_identifier() FROM PUBLIC;

-- Not for new rows: a restore of a dump makes them all, and voids nothing.
CREATE TRIGGER follow_change AFTER UPDATE OR DELETE ON jwt_auth.identifiers
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.follow_identifier();

ALTER TABLE jwt_auth.keys ENABLE ALWAYS TRIGGER invalidate_on_change;
ALTER TABLE jwt_auth.keys ENABLE ALWAYS TRIGGER invalidate_on_truncate;
ALTER TABLE jwt_auth.issuers ENABLE ALWAYS TRIGGER invalidate_on_change;
ALTER TABLE jwt_auth.issuers ENABLE ALWAYS TRIGGER invalidate_on_truncate;
ALTER TABLE jwt_auth.providers ENABLE ALWAYS TRIGGER invalidate_on_insert;
ALTER TABLE jwt_auth.providers ENABLE ALWAYS TRIGGER invalidate_on_change;
ALTER TABLE jwt_auth.providers ENABLE ALWAYS TRIGGER invalidate_on_truncate;
ALTER TABLE jwt_auth.sessions ENABLE ALWAYS TRIGGER invalidate_on_revoke;
ALTER TABLE jwt_auth.sessions ENABLE ALWAYS TRIGGER invalidate_on_delete;
ALTER TABLE jwt_auth.sessions ENABLE ALWAYS TRIGGER invalidate_on_truncate;
ALTER TABLE jwt_auth.revoked_tokens ENABLE ALWAYS TRIGGER invalidate_on_change;
ALTER TABLE jwt_auth.revoked_tokens ENABLE ALWAYS TRIGGER invalidate_on_truncate;
ALTER TABLE jwt_auth.deleted_users ENABLE ALWAYS TRIGGER invalidate_on_change;
ALTER TABLE jwt_auth.deleted_users ENABLE ALWAYS TRIGGER invalidate_on_truncate;
ALTER TABLE jwt_auth.clients ENABLE ALWAYS TRIGGER invalidate_on_change;
ALTER TABLE jwt_auth.clients ENABLE ALWAYS TRIGGER invalidate_on_truncate;
ALTER TABLE jwt_auth.users ENABLE ALWAYS TRIGGER invalidate_on_disable;
ALTER TABLE jwt_auth.users ENABLE ALWAYS TRIGGER invalidate_on_insert;
ALTER TABLE jwt_auth.users ENABLE ALWAYS TRIGGER invalidate_on_delete;
ALTER TABLE jwt_auth.users ENABLE ALWAYS TRIGGER invalidate_on_truncate;

--
-- Tokens with keys that the caller hands in
--

CREATE FUNCTION jwt_sign_with(claims jsonb, key jsonb)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_sign_with';
COMMENT ON FUNCTION jwt_sign_with(jsonb, jsonb) IS
'Signs exactly these claims, a JSON object, with a private JWK and returns the JWT (RFC 7519). A key without "alg" signs with the first algorithm that fits: HS256, RS256, the one of its curve, or EdDSA. Errors: 22023 for an unusable key or claims, 22P05 for text that cannot be converted to UTF-8.';
GRANT EXECUTE ON FUNCTION jwt_sign_with(jsonb, jsonb) TO PUBLIC;

CREATE FUNCTION jwt_verify_with(token text, keys jsonb, audience text DEFAULT NULL, issuer text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_verify_with';
COMMENT ON FUNCTION jwt_verify_with(text, jsonb, text, text) IS
'Verifies a token with a JWK or JWK Set and returns the claims (RFC 7519 section 7.2). Checks signature, type, times, and issuer and audience unless NULL. Reads no tables. Errors: 28J00 invalid token, 28J01 token expired, 22023 for unusable keys.';
GRANT EXECUTE ON FUNCTION jwt_verify_with(text, jsonb, text, text) TO PUBLIC;

CREATE FUNCTION jwt_webauthn_verify_with(credential jsonb, public_key jsonb, expected jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_webauthn_verify_with';
COMMENT ON FUNCTION jwt_webauthn_verify_with(jsonb, jsonb, jsonb) IS
'Verifies a passkey of the caller''s own table: its registration or its use (WebAuthn Level 3). Reads what toJSON() of a browser''s credential writes: a registration if the public key is NULL, else the use of the credential with this key, a JWK (sections 7.1 and 7.2). Expected is a JSON object with challenge, origins, rp_id, and with a public key what is stored: counter, backup_eligible. Reads no table; the caller sees to it that a challenge is used once. Errors: 28J00 with the check that failed, 22023 for an unusable key or expectation.';
GRANT EXECUTE ON FUNCTION jwt_webauthn_verify_with(jsonb, jsonb, jsonb) TO PUBLIC;

CREATE FUNCTION jwt_decode(token text, OUT header jsonb, OUT claims jsonb)
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_decode';
COMMENT ON FUNCTION jwt_decode(text) IS
'Returns header and claims of a JWT without verifying anything: for debugging, never for decisions. Error: 28J00 for anything that is not a JWT.';
GRANT EXECUTE ON FUNCTION jwt_decode(text) TO PUBLIC;

--
-- Signed payloads of any kind
--

CREATE FUNCTION jws_sign(payload bytea, key jsonb, header jsonb DEFAULT '{}')
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jws_sign';
COMMENT ON FUNCTION jws_sign(bytea, jsonb, jsonb) IS
'Signs any payload with a private JWK and returns the JWS (RFC 7515 section 7.1). It is in compact serialization; the key determines "alg" and "kid" of the header. Error: 22023 for an unusable key or header.';
GRANT EXECUTE ON FUNCTION jws_sign(bytea, jsonb, jsonb) TO PUBLIC;

CREATE FUNCTION jws_verify(token text, keys jsonb)
RETURNS bytea
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jws_verify';
COMMENT ON FUNCTION jws_verify(text, jsonb) IS
'Verifies a JWS with a JWK or JWK Set and returns the payload (RFC 7515 section 5.2). It is in compact serialization. Errors: 28J00 invalid token, 22023 for unusable keys.';
GRANT EXECUTE ON FUNCTION jws_verify(text, jsonb) TO PUBLIC;

--
-- JSON Web Keys
--

CREATE FUNCTION jwk_generate(alg text, kid text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_generate';
COMMENT ON FUNCTION jwk_generate(text, text) IS
'Generates a private JWK or an HMAC secret for an algorithm (RFC 7517, RFC 7518). Error: 22023 for an unknown algorithm or kid.';
GRANT EXECUTE ON FUNCTION jwk_generate(text, text) TO PUBLIC;

CREATE FUNCTION jwk_from_secret(secret bytea, alg text DEFAULT 'HS256', kid text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_from_secret';
COMMENT ON FUNCTION jwk_from_secret(bytea, text, text) IS
'Converts an HMAC secret to a JWK. The secret has 32 to 8192 bytes, and at least the length of the hash (RFC 7518 section 3.2). Error: 22023.';
GRANT EXECUTE ON FUNCTION jwk_from_secret(bytea, text, text) TO PUBLIC;

CREATE FUNCTION jwk_from_pem(pem text, alg text, kid text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_from_pem';
COMMENT ON FUNCTION jwk_from_pem(text, text, text) IS
'Converts a PEM key or X.509 certificate to a JWK (RFC 7468). The key is PKCS#8, SPKI, PKCS#1 or SEC1, and the JWK is private if the PEM is. Errors: 22P02 for unreadable PEM, 22023 for an encrypted or unusable key.';
GRANT EXECUTE ON FUNCTION jwk_from_pem(text, text, text) TO PUBLIC;

CREATE FUNCTION jwk_public(jwk jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_public';
COMMENT ON FUNCTION jwk_public(jsonb) IS
'Returns the public half of a JWK, including kty, kid, alg, use and key_ops. Error: 22023, also for HMAC secrets, which have no public half.';
GRANT EXECUTE ON FUNCTION jwk_public(jsonb) TO PUBLIC;

CREATE FUNCTION jwk_to_pem(jwk jsonb)
RETURNS text
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_to_pem';
COMMENT ON FUNCTION jwk_to_pem(jsonb) IS
'Converts a JWK to PEM: PKCS#8 if it is private, else SPKI (RFC 7468). Error: 22023, also for HMAC secrets.';
GRANT EXECUTE ON FUNCTION jwk_to_pem(jsonb) TO PUBLIC;

CREATE FUNCTION jwk_thumbprint(jwk jsonb)
RETURNS text
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_thumbprint';
COMMENT ON FUNCTION jwk_thumbprint(jsonb) IS
'Returns the SHA-256 thumbprint of a JWK in base64url (RFC 7638). Error: 22023.';
GRANT EXECUTE ON FUNCTION jwk_thumbprint(jsonb) TO PUBLIC;

--
-- Tokens with the stored keys
--

CREATE FUNCTION jwt_sign(claims jsonb, expires_in interval DEFAULT NULL, kid text DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_sign';
COMMENT ON FUNCTION jwt_sign(jsonb, interval, text) IS
'Signs claims with a stored key and returns the JWT (RFC 7519). The key is the active one, or the private key named by kid; iss, aud, iat, exp and jti are added if absent. expires_in defaults to jwt_auth.access_token_ttl. Errors: 22023 for unusable claims, an unknown kid or an exp beyond jwt_auth.max_token_ttl, 55000 without a signing key.';
REVOKE ALL ON FUNCTION jwt_sign(jsonb, interval, text) FROM PUBLIC;

CREATE FUNCTION jwt_verify(token text, audience text DEFAULT NULL, issuer text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_verify';
COMMENT ON FUNCTION jwt_verify(text, text, text) IS
'Verifies a token with the stored keys, and that it is not revoked, and returns the claims. Its issuer is this database or a trusted one, whose keys it is verified with (RFC 7519 section 7.2). Errors: 28J00 invalid token, 28J01 token expired, 28J02 token revoked.';
GRANT EXECUTE ON FUNCTION jwt_verify(text, text, text) TO PUBLIC;

CREATE FUNCTION jwt_introspect(token text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_introspect';
COMMENT ON FUNCTION jwt_introspect(text) IS
'Reports whether an access or refresh token is active and, if so, its claims (RFC 7662 section 2.2). Never raises an error for an invalid token.';
REVOKE ALL ON FUNCTION jwt_introspect(text) FROM PUBLIC;

CREATE FUNCTION jwt_explain(token text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_explain';
COMMENT ON FUNCTION jwt_explain(text) IS
'Reports which check of jwt_verify a token fails, and the values compared: for debugging a 401. Shows neither signatures nor keys.';
REVOKE ALL ON FUNCTION jwt_explain(text) FROM PUBLIC;

--
-- Keys and issuers
--

CREATE FUNCTION jwt_create_key(alg text DEFAULT 'ES256', kid text DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_create_key';
COMMENT ON FUNCTION jwt_create_key(text, text) IS
'Creates a signing key and returns its kid. The first becomes active, later ones are published as next. The kid defaults to the thumbprint (RFC 7638), or to a random one for a secret. Errors: 22023 for an unknown algorithm or a kid that was ever used.';
REVOKE ALL ON FUNCTION jwt_create_key(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_rotate_key(alg text DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_rotate_key';
COMMENT ON FUNCTION jwt_rotate_key(text) IS
'Signs with the next key from now on, publishes another one, and returns the new kid. Promotes the oldest next key; the new next key is for the algorithm, by default that of the promoted key. The former key verifies for another jwt_auth.max_token_ttl + 300 s. Error: 22023 for an unknown algorithm.';
REVOKE ALL ON FUNCTION jwt_rotate_key(text) FROM PUBLIC;

CREATE FUNCTION jwt_retire_key(kid text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_retire_key';
COMMENT ON FUNCTION jwt_retire_key(text) IS
'Ends the use of a next or retiring key immediately. Errors: 22023 for an unknown kid, 55000 for the active key.';
REVOKE ALL ON FUNCTION jwt_retire_key(text) FROM PUBLIC;

CREATE FUNCTION jwt_revoke_key(kid text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_revoke_key';
COMMENT ON FUNCTION jwt_revoke_key(text) IS
'Revokes a key, and with it all its tokens, immediately. The active key is succeeded by a next or a new key. Error: 22023 for an unknown kid.';
REVOKE ALL ON FUNCTION jwt_revoke_key(text) FROM PUBLIC;

CREATE FUNCTION jwt_import_key(key jsonb)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_import_key';
COMMENT ON FUNCTION jwt_import_key(jsonb) IS
'Imports a JWK with "alg" and returns its kid. A private key becomes next (active if the first), a public key only verifies, for jwt_auth.max_token_ttl. Error: 22023 for an unusable key, or one that was ever in use here.';
REVOKE ALL ON FUNCTION jwt_import_key(jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_rotate_refresh_key()
RETURNS integer
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_rotate_refresh_key';
COMMENT ON FUNCTION jwt_rotate_refresh_key() IS
'Creates a new key for refresh tokens and returns its number. The former key verifies until all existing sessions have ended, so that no user is logged out.';
REVOKE ALL ON FUNCTION jwt_rotate_refresh_key() FROM PUBLIC;

CREATE FUNCTION jwt_rotate_handle_key()
RETURNS integer
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_rotate_handle_key';
COMMENT ON FUNCTION jwt_rotate_handle_key() IS
'Creates a new key for one-time tokens and flows and returns its number. The former key verifies for 7 days, the longest lifetime of these tokens.';
REVOKE ALL ON FUNCTION jwt_rotate_handle_key() FROM PUBLIC;

CREATE FUNCTION jwt_jwks()
RETURNS jsonb
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_jwks';
COMMENT ON FUNCTION jwt_jwks() IS
'Returns the public keys that verify tokens of this database, as a JWK Set (RFC 7517). They are those of tokens issued now or soon (section 5); never a secret.';
GRANT EXECUTE ON FUNCTION jwt_jwks() TO PUBLIC;

CREATE FUNCTION jwt_trust_issuer(issuer text, jwks jsonb, audience text, roles name[] DEFAULT '{}', options jsonb DEFAULT '{}')
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_trust_issuer';
COMMENT ON FUNCTION jwt_trust_issuer(text, jsonb, text, name[], jsonb) IS
'Trusts tokens of another issuer that are signed with a key of the JWK Set and carry the audience. Replaces what was stored for the issuer; unusable keys are skipped with a NOTICE. A role is accepted only if listed in roles. Options describe how its tokens differ: audiences, audience_claim, token_use, scope_claim, role_claim, default_role, jwks_uri, "issuer": "none", "audience": "none". Error: 22023 for jwt_auth.issuer itself, a set that is private, mixed, ambiguous or without a usable key, and unknown options.';
REVOKE ALL ON FUNCTION jwt_trust_issuer(text, jsonb, text, name[], jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_distrust_issuer(issuer text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_distrust_issuer';
COMMENT ON FUNCTION jwt_distrust_issuer(text) IS
'Stops trusting an issuer immediately. Error: 22023 if it is not trusted.';
REVOKE ALL ON FUNCTION jwt_distrust_issuer(text) FROM PUBLIC;

CREATE FUNCTION jwt_seal_keys()
RETURNS integer
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_seal_keys';
COMMENT ON FUNCTION jwt_seal_keys() IS
'Seals all private keys and secrets with the master key file, and returns their number. The first line of jwt_auth.master_key_file is used, also for keys that were sealed with another line. A next key that was ever stored unsealed is replaced; active keys continue to sign until jwt_replace_unsealed_keys(). Error: 55000 without a usable file.';
REVOKE ALL ON FUNCTION jwt_seal_keys() FROM PUBLIC;

CREATE FUNCTION jwt_replace_unsealed_keys()
RETURNS integer
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_replace_unsealed_keys';
COMMENT ON FUNCTION jwt_replace_unsealed_keys() IS
'Seals all keys, and replaces those for tokens that were ever stored unsealed. Seals like jwt_seal_keys; none of the replaced keys signs any more; returns their number. They verify as after a rotation: signing keys for another jwt_auth.max_token_ttl + 300 s. Error: 55000 without a usable master key file.';
REVOKE ALL ON FUNCTION jwt_replace_unsealed_keys() FROM PUBLIC;

CREATE FUNCTION jwt_reset_after_restore()
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_reset_after_restore';
COMMENT ON FUNCTION jwt_reset_after_restore() IS
'Revokes all keys, ends all sessions and creates new keys, for a restored backup or a clone. All in one transaction. Users, passwords and issuers are kept.';
REVOKE ALL ON FUNCTION jwt_reset_after_restore() FROM PUBLIC;

--
-- Users, for admins
--

CREATE FUNCTION jwt_find_user(identifier text)
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_find_user';
COMMENT ON FUNCTION jwt_find_user(text) IS
'Returns the id of the user who logs in with this name, or NULL if there is none. Error: 22023 for NULL.';
REVOKE ALL ON FUNCTION jwt_find_user(text) FROM PUBLIC;

CREATE FUNCTION jwt_create_user(username text, password text DEFAULT NULL, role name DEFAULT NULL, claims jsonb DEFAULT '{}', email text DEFAULT NULL, phone text DEFAULT NULL, user_id uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_create_user';
COMMENT ON FUNCTION jwt_create_user(text, text, name, jsonb, text, text, uuid) IS
'Creates a user and returns the id. username may be NULL if there is an e-mail address or a phone number; the user can log in with any of them, and they count as verified. claims are included in each access token, and role is its role claim. user_id is for users who keep the id that they had elsewhere. Errors: 23505 for a name that is taken, or an id that is or was a user''s, 22023 for an unusable name, password, role or claims, 38000 if the password check function fails.';
REVOKE ALL ON FUNCTION jwt_create_user(text, text, name, jsonb, text, text, uuid) FROM PUBLIC;

CREATE FUNCTION jwt_import_user(username text, password_hash text, role name DEFAULT NULL, claims jsonb DEFAULT '{}', email text DEFAULT NULL, phone text DEFAULT NULL, user_id uuid DEFAULT NULL)
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_import_user';
COMMENT ON FUNCTION jwt_import_user(text, text, name, jsonb, text, text, uuid) IS
'Creates a user with a password hash from another system, and returns the id. Hashes are argon2, bcrypt, scrypt, PBKDF2, $5$, $6$ or $y$ of crypt(3), SCRAM-SHA-256, phpass or {SSHA}, as Django, Werkzeug, passlib, Spring, ASP.NET Identity, WordPress, Drupal, PostgreSQL, better-auth and others write them; they are replaced with argon2id at the next login. Errors: as jwt_create_user, and 22023 for other or too costly hashes.';
REVOKE ALL ON FUNCTION jwt_import_user(text, text, name, jsonb, text, text, uuid) FROM PUBLIC;

CREATE FUNCTION jwt_update_user(user_id uuid, username text DEFAULT NULL, role name DEFAULT NULL, claims jsonb DEFAULT NULL, mfa_enrollment text DEFAULT NULL, max_sessions integer DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_update_user';
COMMENT ON FUNCTION jwt_update_user(uuid, text, name, jsonb, text, integer) IS
'Changes username, role, claims, need of a second factor or number of sessions of a user. mfa_enrollment is optional or required; max_sessions is up to 1000000, 0 for any number. NULL leaves a value unchanged; an empty role removes the role, and an empty mfa_enrollment or max_sessions -1 leaves that to jwt_auth.mfa_enrollment or jwt_auth.max_sessions_per_user. Takes effect at the next refresh, or login. Errors: 22023, 23505.';
REVOKE ALL ON FUNCTION jwt_update_user(uuid, text, name, jsonb, text, integer) FROM PUBLIC;

CREATE FUNCTION jwt_set_password(user_id uuid, password text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_set_password';
COMMENT ON FUNCTION jwt_set_password(uuid, text) IS
'Sets the password of a user and ends the user''s sessions. Errors: 22023 for an unknown user or a refused password, 38000 if the password check function fails.';
REVOKE ALL ON FUNCTION jwt_set_password(uuid, text) FROM PUBLIC;

CREATE FUNCTION jwt_disable_user(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_disable_user';
COMMENT ON FUNCTION jwt_disable_user(uuid) IS
'Disables a user, immediately ends the user''s sessions, and voids links and codes that were sent. Error: 22023 for an unknown user.';
REVOKE ALL ON FUNCTION jwt_disable_user(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_enable_user(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_enable_user';
COMMENT ON FUNCTION jwt_enable_user(uuid) IS
'Enables a user and clears the throttles. Errors: 22023 for an unknown user, 55P03 while a login attempt on the user does not end.';
REVOKE ALL ON FUNCTION jwt_enable_user(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_ban_user(user_id uuid, until timestamptz DEFAULT NULL, reason text DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_ban_user';
COMMENT ON FUNCTION jwt_ban_user(uuid, timestamptz, text) IS
'Bans a user until a time, or without end. Immediately ends the user''s sessions, voids links and codes that were sent, and all tokens issued until now, for good. The user is denied as a disabled one is; the reason is for operators. Replaces a former ban. Errors: 22023 for an unknown user, or a time that is not in the future.';
REVOKE ALL ON FUNCTION jwt_ban_user(uuid, timestamptz, text) FROM PUBLIC;

CREATE FUNCTION jwt_unban_user(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_unban_user';
COMMENT ON FUNCTION jwt_unban_user(uuid) IS
'Lifts the ban of a user, who can log in again; former tokens stay void. Error: 22023 for an unknown user.';
REVOKE ALL ON FUNCTION jwt_unban_user(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_unlock_user(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_unlock_user';
COMMENT ON FUNCTION jwt_unlock_user(uuid) IS
'Clears the throttle of a user. Errors: 22023 for an unknown user, 55P03 while a login attempt on the user does not end.';
REVOKE ALL ON FUNCTION jwt_unlock_user(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_delete_user(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_delete_user';
COMMENT ON FUNCTION jwt_delete_user(uuid) IS
'Deletes a user with all sessions, and immediately invalidates the user''s tokens. Error: 22023 for an unknown user.';
REVOKE ALL ON FUNCTION jwt_delete_user(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_end_sessions(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_end_sessions';
COMMENT ON FUNCTION jwt_end_sessions(uuid) IS
'Immediately ends all sessions of a user. Error: 22023 for an unknown user.';
REVOKE ALL ON FUNCTION jwt_end_sessions(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_start_session(user_id uuid, amr text[] DEFAULT '{}', session_ttl interval DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_start_session';
COMMENT ON FUNCTION jwt_start_session(uuid, text[], interval) IS
'Starts a session for a user whom the application has authenticated itself. Returns what jwt_login returns. amr becomes the claim amr, and gives the session level 2 if it contains mfa; session_ttl shortens the session. Errors: 22023 for an unknown user, an unusable amr or session_ttl, 55000 without a signing key.';
REVOKE ALL ON FUNCTION jwt_start_session(uuid, text[], interval) FROM PUBLIC;

CREATE FUNCTION jwt_purge(max_rows integer DEFAULT 10000)
RETURNS bigint
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_purge';
COMMENT ON FUNCTION jwt_purge(integer) IS
'Removes at most max_rows rows that have expired, and returns their number. They are sessions, denials, one-time tokens, messages, throttled names, audit rows and secrets of former keys. Can run beside live traffic.';
REVOKE ALL ON FUNCTION jwt_purge(integer) FROM PUBLIC;

-- Anyone: the operator's check function is not called, and the work is bounded.
CREATE FUNCTION jwt_password_strength(password text, words text[] DEFAULT '{}')
RETURNS jsonb
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_password_strength';
COMMENT ON FUNCTION jwt_password_strength(text, text[]) IS
'Rates a password for a form, before it is set. Returns bits, accepted, reasons (too_short, character, blocked, too_weak) and patterns (name, dictionary, keyboard, sequence, repetition, date). words: names of the user. Error: 22023 for NULL, more than 1024 bytes or more than 32 words.';
REVOKE ALL ON FUNCTION jwt_password_strength(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jwt_password_strength(text, text[]) TO PUBLIC;

--
-- Login and refresh, for the gateway: whoever calls them must not be able to
-- roll them back, so nobody has them until the operator grants them.
--

CREATE FUNCTION jwt_login(username text, password text, session_ttl interval DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_login';
COMMENT ON FUNCTION jwt_login(text, text, interval) IS
'Logs in with name and password and returns an access and a refresh token (RFC 6749). Returns a token response (section 5.1), or an error object (section 5.2): invalid_grant, invalid_request, or temporarily_unavailable with retry_after in seconds. Never raises an error for a denied login. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 55000 without a signing key, 38000 if the claims function fails, 40001 if keys are reset at the same time.';
REVOKE ALL ON FUNCTION jwt_login(text, text, interval) FROM PUBLIC;

CREATE FUNCTION jwt_impersonate(user_id uuid, reason text, expires_in interval DEFAULT '15 min')
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_impersonate';
COMMENT ON FUNCTION jwt_impersonate(uuid, text, interval) IS
'Begins a session in which the current identity acts as a user. Without an identity, the role of the database session acts. Returns a token response without refresh token; the access token says who acts in its claim act, is of level 1, and cannot change how the user logs in. The user is told and sees the session; the reason is written to the audit log. Errors: 22023 for an unknown user, no reason, or an interval beyond jwt_auth.max_token_ttl; 42501 while somebody acts as the current identity.';
REVOKE ALL ON FUNCTION jwt_impersonate(uuid, text, interval) FROM PUBLIC;

CREATE FUNCTION jwt_refresh(refresh_token text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_refresh';
COMMENT ON FUNCTION jwt_refresh(text) IS
'Rotates a refresh token and returns new tokens like jwt_login, or an error object. A replayed token ends its session. Errors: as jwt_login, and 40001 if the snapshot of the transaction is too old.';
REVOKE ALL ON FUNCTION jwt_refresh(text) FROM PUBLIC;

CREATE FUNCTION jwt_change_password(old_password text, new_password text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_change_password';
COMMENT ON FUNCTION jwt_change_password(text, text) IS
'Changes the password of the current identity and ends its other sessions. Returns an empty object, or an error object like jwt_login. Errors: as jwt_login, and 28J03 without an identity.';
REVOKE ALL ON FUNCTION jwt_change_password(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_consume(token text, audience text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_consume';
COMMENT ON FUNCTION jwt_consume(text, text) IS
'Verifies and uses up a token without a session, and returns its claims. The token is issued by this database, and is denied by its jti in the same step: only one of several calls gets the claims. Errors: 28J00 for an invalid token, one of a session or of another issuer, or one without jti, 28J01, 28J02 for one that was used or revoked, 25006 in a read-only transaction, 40001.';
REVOKE ALL ON FUNCTION jwt_consume(text, text) FROM PUBLIC;

--
-- Recovery and login by message, for the gateway, and the mailer's functions, for the role of the
-- mailer: nobody has them until the operator grants them.
--

CREATE FUNCTION jwt_request_recovery(identifier text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_request_recovery';
COMMENT ON FUNCTION jwt_request_recovery(text) IS
'Sends a link and a code for jwt_recover to an e-mail address or phone number. Answers {"status":"sent","flow":...,"expires_in":...} whatever it finds; invalid_request for what is no address. At most 5 messages an hour and one a minute go to an address. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction.';
REVOKE ALL ON FUNCTION jwt_request_recovery(text) FROM PUBLIC;

CREATE FUNCTION jwt_recover(token text, new_password text, flow text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_recover';
COMMENT ON FUNCTION jwt_recover(text, text, text) IS
'Redeems a link, or a code with its flow, once, and sets a new password. Ends all sessions and voids other tokens of the user, and answers {"status":"password_set"}; it does not log in. Else an error object as jwt_login: invalid_grant, invalid_request for a refused password, temporarily_unavailable. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 38000 if the password check function fails, 55P03.';
REVOKE ALL ON FUNCTION jwt_recover(text, text, text) FROM PUBLIC;

CREATE FUNCTION jwt_request_login(identifier text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_request_login';
COMMENT ON FUNCTION jwt_request_login(text) IS
'Sends a link and a code for jwt_login_code to an e-mail address or phone number. Answers as jwt_request_recovery does, whatever it finds. Recovery and login have one count of messages to an address. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction.';
REVOKE ALL ON FUNCTION jwt_request_login(text) FROM PUBLIC;

CREATE FUNCTION jwt_login_code(token text, flow text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_login_code';
COMMENT ON FUNCTION jwt_login_code(text, text) IS
'Logs in with a link or a code that was sent, once. Takes the flow of the request, begins a session and answers as jwt_login. A link needs no flow if jwt_auth.login_link_any_device is on, or if it is of jwt_create_link. A wrong flow redeems nothing. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 38000 if the claims function fails, 55000 without a signing key, 55P03.';
REVOKE ALL ON FUNCTION jwt_login_code(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_undo_change(token text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_undo_change';
COMMENT ON FUNCTION jwt_undo_change(text) IS
'Redeems the link of a notice identifier_changed, once, and undoes the change. Undoes all later ones as well, drops a password and passkeys that came since then, ends all sessions and voids other tokens of the user, and answers {"status":"undone"}, or "partly_undone" where somebody else has what was removed or nothing else would let the user in. Else an error object: invalid_grant, invalid_request. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_undo_change(text) FROM PUBLIC;

CREATE FUNCTION jwt_sign_up(identifier text, password text DEFAULT NULL, data jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_sign_up';
COMMENT ON FUNCTION jwt_sign_up(text, text, jsonb) IS
'Sends a link and a code for jwt_confirm_sign_up to an e-mail address or phone number. If it is somebody''s, its owner gets a message instead. Answers {"status":"sent","flow":...,"expires_in":...} whatever it finds; no user is made. invalid_request for what is no address, and for a refused password or sign-up; data reaches only jwt_auth.sign_up_function. Errors: 22023 for NULL, more than 1024 bytes, or data that is no object of at most 8 kB, 25006 in a read-only transaction, 38000 if a function fails, 55000 unless jwt_auth.sign_up is on.';
REVOKE ALL ON FUNCTION jwt_sign_up(text, text, jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_sign_up_anonymous(data jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_sign_up_anonymous';
COMMENT ON FUNCTION jwt_sign_up_anonymous(jsonb) IS
'Creates a user whom nobody knows, and returns a token response (RFC 6749 section 5.1). A session is all that the user has. The tokens have the claim anonymous, and role and claims are those of jwt_auth.anonymous_role or jwt_auth.sign_up_function, which data is for. jwt_sign_up with this identity makes it a user who can log in, with the same id. Errors: 55000 unless jwt_auth.anonymous_sign_up is on, 22023, 38000 if the sign-up function fails.';
REVOKE ALL ON FUNCTION jwt_sign_up_anonymous(jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_confirm_sign_up(token text, flow text DEFAULT NULL, password text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_confirm_sign_up';
COMMENT ON FUNCTION jwt_confirm_sign_up(text, text, text) IS
'Redeems a link or a code, once: makes the user who signed up, and answers as jwt_login. A code comes with its flow. A link without flow drops the password of the sign-up and answers password_required, which the same link with a password satisfies. Else an error object: invalid_grant, invalid_request for a refused password, temporarily_unavailable. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 38000 if a function fails, 55P03, 55000, also unless jwt_auth.sign_up is on.';
REVOKE ALL ON FUNCTION jwt_confirm_sign_up(text, text, text) FROM PUBLIC;

CREATE FUNCTION jwt_accept_invitation(token text, password text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_accept_invitation';
COMMENT ON FUNCTION jwt_accept_invitation(text, text) IS
'Redeems an invitation, once: makes the user who was invited, and answers as jwt_login. The user has no password if none is given. Else an error object: invalid_grant, invalid_request for a refused password, temporarily_unavailable. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 38000 if a function fails, 55000, 55P03.';
REVOKE ALL ON FUNCTION jwt_accept_invitation(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_invite(identifier text, role name DEFAULT NULL, claims jsonb DEFAULT '{}', expires_in interval DEFAULT NULL)
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_invite';
COMMENT ON FUNCTION jwt_invite(text, name, jsonb, interval) IS
'Sends a link for jwt_accept_invitation to an e-mail address or phone number. It is nobody''s yet. Returns the id of the invitation; the user, with this role and these claims, is made when it is accepted. Inviting again sends another link, and gives role and claims to former ones, too. expires_in defaults to jwt_auth.invitation_ttl and is at most 7 days. Errors: 22023 for what is no address, for a role or claims that users may not have and for an unusable expires_in, 23505 for an address that is somebody''s, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_invite(text, name, jsonb, interval) FROM PUBLIC;

CREATE FUNCTION jwt_revoke_invitation(invitation_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_revoke_invitation';
COMMENT ON FUNCTION jwt_revoke_invitation(uuid) IS
'Revokes an invitation, and all others to the same address. Errors: 22023 for one that is unknown, expired or accepted, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_revoke_invitation(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_create_link(user_id uuid, purpose text, expires_in interval DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_create_link';
COMMENT ON FUNCTION jwt_create_link(uuid, text, interval) IS
'Creates a one-time token for a user, for support staff to hand over. Purpose recovery is for jwt_recover, and login for jwt_login_code, which needs no flow for it. expires_in defaults to jwt_auth.recovery_ttl or jwt_auth.login_ttl and is at most 7 days. Error: 22023 for an unknown user, another purpose or an unusable expires_in.';
REVOKE ALL ON FUNCTION jwt_create_link(uuid, text, interval) FROM PUBLIC;

CREATE FUNCTION jwt_passkey_register_options(mfa_token text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_passkey_register_options';
COMMENT ON FUNCTION jwt_passkey_register_options(text) IS
'Makes what parseCreationOptionsFromJSON() of a browser reads, to register a passkey. It is for the current identity, or for the user of a mfa_token that a login answered with mfa_enrollment_required. The challenge is valid for 5 minutes in this session, or with this ticket. Writes nothing. Error object: invalid_grant for a ticket that does not enroll. Errors: 28J03 without an identity, 28J04 unless the user was authenticated in the last 5 minutes, at level 2 if a factor is enrolled, 55000 without jwt_auth.webauthn_rp_id.';
GRANT EXECUTE ON FUNCTION jwt_passkey_register_options(text) TO PUBLIC;

CREATE FUNCTION jwt_passkey_register(credential jsonb, name text DEFAULT NULL, mfa_token text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_passkey_register';
COMMENT ON FUNCTION jwt_passkey_register(jsonb, text, text) IS
'Registers a passkey of the current identity, as toJSON() of a browser''s credential writes it. Answers {"id","credential_id","name","user_verified","backup_eligible","backed_up"}; with a mfa_token that a login answered with mfa_enrollment_required, it is of that user, and the answer is that of jwt_login. Else an error object: invalid_grant if it answers no challenge of this session or ticket, or the ticket does not enroll, invalid_request with the check that failed, temporarily_unavailable. Errors: 22023 for NULL or an unusable name, 25006 in a read-only transaction, 28J03 without an identity, 28J04 unless the user was authenticated in the last 5 minutes, at level 2 if a factor is enrolled, 55000 without jwt_auth.webauthn_rp_id, 55P03.';
REVOKE ALL ON FUNCTION jwt_passkey_register(jsonb, text, text) FROM PUBLIC;

CREATE FUNCTION jwt_passkey_login_options()
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_passkey_login_options';
COMMENT ON FUNCTION jwt_passkey_login_options() IS
'Makes what parseRequestOptionsFromJSON() of a browser reads, to log in with any passkey. The challenge is valid for 5 minutes. Writes nothing. Error: 55000 without jwt_auth.webauthn_rp_id.';
REVOKE ALL ON FUNCTION jwt_passkey_login_options() FROM PUBLIC;

CREATE FUNCTION jwt_passkey_login(credential jsonb)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_passkey_login';
COMMENT ON FUNCTION jwt_passkey_login(jsonb) IS
'Logs in with a passkey, as toJSON() of a browser''s credential writes it. Answers as jwt_login: a token response, or an error object, invalid_grant or temporarily_unavailable. Errors: 22023 for NULL, 25006 in a read-only transaction, 55000 without jwt_auth.webauthn_rp_id or a signing key, 55P03.';
REVOKE ALL ON FUNCTION jwt_passkey_login(jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_outbox_claim(max_messages integer DEFAULT 10, lease interval DEFAULT '1 min')
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_outbox_claim';
COMMENT ON FUNCTION jwt_outbox_claim(integer, interval) IS
'Hands messages that are to be sent to the mailer that calls, the oldest first. No other gets them while the lease lasts. Returns an array of {"id","kind","channel","recipient","data","token","code","created_at","expires_at"}, without what there is not. Those whose token expired, was redeemed or became void are given up. Error: 22023 for a number or lease out of range.';
REVOKE ALL ON FUNCTION jwt_outbox_claim(integer, interval) FROM PUBLIC;

CREATE FUNCTION jwt_outbox_sent(message_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_outbox_sent';
COMMENT ON FUNCTION jwt_outbox_sent(uuid) IS
'Reports that a message was sent. Error: 22023 for an unknown message.';
REVOKE ALL ON FUNCTION jwt_outbox_sent(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_outbox_failed(message_id uuid, error text, retry_in interval DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_outbox_failed';
COMMENT ON FUNCTION jwt_outbox_failed(uuid, text, interval) IS
'Reports that a message was not sent, and why. It can be claimed again after retry_in; without retry_in, it is given up. Error: 22023 for an unknown message, an error of more than 1024 bytes or a retry_in out of range.';
REVOKE ALL ON FUNCTION jwt_outbox_failed(uuid, text, interval) FROM PUBLIC;

--
-- Sessions of the current identity
--

CREATE FUNCTION jwt_revoke(token text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_revoke';
COMMENT ON FUNCTION jwt_revoke(text) IS
'Ends the session of an access or refresh token, or denies any other token (RFC 7009). Access tokens may have expired, and refresh tokens may be of any generation; a token without a session, issued by this database, is denied by its jti. Unknown tokens are ignored. Errors: 28J00 for NULL, 25006 in a read-only transaction, 55000 for a token whose key cannot be unsealed.';
GRANT EXECUTE ON FUNCTION jwt_revoke(text) TO PUBLIC;

CREATE FUNCTION jwt_logout(scope text DEFAULT 'local')
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_logout';
COMMENT ON FUNCTION jwt_logout(text) IS
'Ends the current session (local), the user''s other sessions (others), or all of them (global). Errors: 28J03 without an identity, 22023 for another scope.';
GRANT EXECUTE ON FUNCTION jwt_logout(text) TO PUBLIC;

CREATE FUNCTION jwt_sessions()
RETURNS TABLE (session_id uuid, created_at timestamptz, refreshed_at timestamptz, expires_at timestamptz, user_agent text, client_address inet, claimed_address text, is_current boolean, method text, actor text, api_token text)
ROWS 10
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_sessions';
COMMENT ON FUNCTION jwt_sessions() IS
'Lists the live sessions of the current user, most recently refreshed first. api_token is the name of the API token whose session it is. Error: 28J03 without an identity.';
GRANT EXECUTE ON FUNCTION jwt_sessions() TO PUBLIC;

CREATE FUNCTION jwt_revoke_session(session_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_revoke_session';
COMMENT ON FUNCTION jwt_revoke_session(uuid) IS
'Ends a session of the current user. Sessions of others are treated as unknown, which is not an error. Error: 28J03 without an identity.';
GRANT EXECUTE ON FUNCTION jwt_revoke_session(uuid) TO PUBLIC;

--
-- Identifiers of the current identity.  What sends messages or counts wrong codes
-- is for roles that commit: nobody has it until the operator grants it.
--

CREATE FUNCTION jwt_identifiers()
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_identifiers';
COMMENT ON FUNCTION jwt_identifiers() IS
'Returns the names and addresses of the current identity, the username first. An array of {"kind","identifier","created_at","verified_at"}. Error: 28J03 without an identity.';
GRANT EXECUTE ON FUNCTION jwt_identifiers() TO PUBLIC;

CREATE FUNCTION jwt_add_identifier(identifier text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_add_identifier';
COMMENT ON FUNCTION jwt_add_identifier(text) IS
'Sends a link and a code for jwt_confirm_identifier to an address to be added. It is an e-mail address or phone number that is to be the current identity''s. Answers {"status":"sent","flow":...,"expires_in":...} whether or not it is somebody else''s. A username replaces the former one at once: {"status":"username_changed"}; it counts as a request. Else an error object: invalid_request, temporarily_unavailable after ten requests within an hour or 20 changes within jwt_auth.undo_ttl. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 28J03 without an identity, 28J04 if the session began more than 5 minutes ago, 55P03.';
REVOKE ALL ON FUNCTION jwt_add_identifier(text) FROM PUBLIC;

CREATE FUNCTION jwt_confirm_identifier(token text, flow text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_confirm_identifier';
COMMENT ON FUNCTION jwt_confirm_identifier(text, text) IS
'Redeems a link, or a code with its flow, once, and adds the address that it was sent to. It must be the identity that asked for it; the former addresses are told. Answers {"status":"identifier_added"}, or an error object: invalid_grant, invalid_request, temporarily_unavailable. Errors as jwt_add_identifier.';
REVOKE ALL ON FUNCTION jwt_confirm_identifier(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_remove_identifier(identifier text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_remove_identifier';
COMMENT ON FUNCTION jwt_remove_identifier(text) IS
'Removes an identifier of the current identity, and tells its addresses. Answers {"status":"identifier_removed"}, or an error object: invalid_request for one that is not the identity''s, and for the last verified one that lets it in, temporarily_unavailable. Errors as jwt_add_identifier.';
REVOKE ALL ON FUNCTION jwt_remove_identifier(text) FROM PUBLIC;

--
-- Second factors of the current identity.  Those that count failed codes are for
-- the gateway, which commits what they answer.
--

CREATE FUNCTION jwt_enroll_totp(name text DEFAULT NULL, mfa_token text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_enroll_totp';
COMMENT ON FUNCTION jwt_enroll_totp(text, text) IS
'Begins to enroll an authenticator (RFC 6238) of the current identity. Also of the user of a mfa_token that a login answered with mfa_enrollment_required: {"factor_id","secret","uri","expires_in"}, shown once. It guards nothing until jwt_confirm_totp. Error object: invalid_request for a user of whom no identifier is verified, invalid_grant for a ticket that does not enroll. Errors: 28J04 if the user was authenticated more than 5 minutes ago, or below level 2 where there is a factor, 28J03 without an identity, 22023 for a name of more than 1024 bytes or more than 20 factors, 25006 in a read-only transaction, 55000 if the master key cannot be used, 55P03.';
REVOKE ALL ON FUNCTION jwt_enroll_totp(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_confirm_totp(factor_id uuid, code text, mfa_token text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_confirm_totp';
COMMENT ON FUNCTION jwt_confirm_totp(uuid, text, text) IS
'Confirms an authenticator within 10 minutes, with its first code. Answers {"status":"factor_added"}; with the mfa_token with which it was begun, the answer is that of jwt_login. Else an error object: invalid_grant for a wrong code or ticket, invalid_request for a factor that does not wait for one, temporarily_unavailable. Errors: 28J04 below level 2 where there is another factor, 28J03 without an identity, 22023 for NULL, 25006 in a read-only transaction, 55000 if the secret cannot be opened, 55P03.';
REVOKE ALL ON FUNCTION jwt_confirm_totp(uuid, text, text) FROM PUBLIC;

CREATE FUNCTION jwt_factors()
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_factors';
COMMENT ON FUNCTION jwt_factors() IS
'Lists the second factors of the current identity, the oldest first, and then its passkeys. An array of {"id","type","name","created_at"}, of passkeys also with last_used_at and backed_up. Error: 28J03 without an identity.';
GRANT EXECUTE ON FUNCTION jwt_factors() TO PUBLIC;

CREATE FUNCTION jwt_remove_factor(factor_id uuid)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_remove_factor';
COMMENT ON FUNCTION jwt_remove_factor(uuid) IS
'Removes a second factor of the current identity. Takes level 2 from the sessions that owe it to that: {"status":"factor_removed"}, or invalid_request for one that is not the user''s. Errors: 28J04 below level 2, 28J03 without an identity, 22023 for NULL, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_remove_factor(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_make_recovery_codes()
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_make_recovery_codes';
COMMENT ON FUNCTION jwt_make_recovery_codes() IS
'Makes ten recovery codes of the current identity, shown once, which void former ones. Answers {"codes":[...]}. Error object: invalid_request without a second factor. Errors: 28J04 below level 2, 28J03 without an identity, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_make_recovery_codes() FROM PUBLIC;

CREATE FUNCTION jwt_step_up()
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_step_up';
COMMENT ON FUNCTION jwt_step_up() IS
'Makes a ticket with which jwt_mfa_verify lifts the current session to level 2. Answers {"mfa_token","expires_in","factors"}. Writes nothing. Error object: invalid_request without a second factor. Error: 28J03 without an identity that belongs to a session.';
GRANT EXECUTE ON FUNCTION jwt_step_up() TO PUBLIC;

CREATE FUNCTION jwt_mfa_options(mfa_token text, method text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_mfa_options';
COMMENT ON FUNCTION jwt_mfa_options(text, text) IS
'Makes what parseRequestOptionsFromJSON() of a browser reads, for a passkey as second factor. method is webauthn. The challenge is valid for 5 minutes, with this ticket, and names the passkeys of its user. Writes nothing. Error object: invalid_grant for a ticket that is not valid, invalid_request for another method or without a passkey. Errors: 22023 for NULL or more than 1024 bytes, 55000 without jwt_auth.webauthn_rp_id.';
REVOKE ALL ON FUNCTION jwt_mfa_options(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_mfa_verify(mfa_token text, method text, response jsonb)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_mfa_verify';
COMMENT ON FUNCTION jwt_mfa_verify(text, text, jsonb) IS
'Verifies the second factor of a login that answered mfa_required, or of jwt_step_up(). method is totp or recovery_code with response {"code":...}, or webauthn with a response as toJSON() of a browser''s credential writes it, to jwt_mfa_options. Answers as jwt_login; a ticket is good for one answer with tokens, within 5 minutes. Error object: invalid_grant for a wrong code, passkey or ticket, invalid_request, temporarily_unavailable. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 38000, 55000 without a signing key, for a passkey without jwt_auth.webauthn_rp_id, or if a secret cannot be opened, 55P03.';
REVOKE ALL ON FUNCTION jwt_mfa_verify(text, text, jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_reset_factors(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_reset_factors';
COMMENT ON FUNCTION jwt_reset_factors(uuid) IS
'Removes all second factors and passkeys of a user who lost them. Takes level 2 from all sessions, and clears the count of wrong codes. Errors: 22023 for an unknown user, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_reset_factors(uuid) FROM PUBLIC;

--
-- Identity providers: admin functions, login for the gateway.
--

CREATE FUNCTION jwt_add_provider(name text, issuer text, client_ids text[], jwks jsonb, options jsonb DEFAULT '{}')
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_add_provider';
COMMENT ON FUNCTION jwt_add_provider(text, text, text[], jsonb, jsonb) IS
'Adds an identity provider with which users log in. Accepts ID tokens with this iss, for one of the client IDs, signed with a public key of the JWK Set. Replaces what was stored under the name, but for the identities of users; unusable keys are skipped with a NOTICE. Options: nonce, email, domains, linking, sign_up, tenants, aal2_acr, aal2_amr, jwks_uri. Error: 22023 for an unusable name, issuer, client ID, set or option, secrets, and an issuer that is trusted with one of the client IDs as audience.';
REVOKE ALL ON FUNCTION jwt_add_provider(text, text, text[], jsonb, jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_update_provider_keys(name text, jwks jsonb)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_update_provider_keys';
COMMENT ON FUNCTION jwt_update_provider_keys(text, jsonb) IS
'Replaces the public keys of an identity provider, immediately. Error: 22023 for an unknown provider or an unusable set.';
REVOKE ALL ON FUNCTION jwt_update_provider_keys(text, jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_remove_provider(name text, end_sessions boolean DEFAULT false)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_remove_provider';
COMMENT ON FUNCTION jwt_remove_provider(text, boolean) IS
'Removes an identity provider, so that nobody logs in with it any more. The identities of users stay for when it is added again with the same issuer; end_sessions ends all sessions of these users. Errors: 22023 for an unknown provider, 55P03.';
REVOKE ALL ON FUNCTION jwt_remove_provider(text, boolean) FROM PUBLIC;

CREATE FUNCTION jwt_providers()
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_providers';
COMMENT ON FUNCTION jwt_providers() IS
'Lists the identity providers. An array of {"name","issuer","client_ids","options","jwks","keys_wanted_at","created_at","updated_at"}.';
REVOKE ALL ON FUNCTION jwt_providers() FROM PUBLIC;

CREATE FUNCTION jwt_external_nonce()
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_external_nonce';
COMMENT ON FUNCTION jwt_external_nonce() IS
'Makes a nonce for a login with an identity provider, or for jwt_link_external. For the latter if there is an identity with a session: {"nonce","nonce_sha256","expires_in"}. Writes nothing. Errors: 28J00 to 28J02 for an invalid token.';
REVOKE ALL ON FUNCTION jwt_external_nonce() FROM PUBLIC;

CREATE FUNCTION jwt_login_external(provider text, id_token text, nonce text DEFAULT NULL, access_token text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_login_external';
COMMENT ON FUNCTION jwt_login_external(text, text, text, text) IS
'Logs in with an ID token of an identity provider (OpenID Connect Core section 3.1.3.7), once. Its nonce is of jwt_external_nonce, unless the option nonce of the provider is none; an access token must fit at_hash. An identity that nobody has becomes a user, if sign_up of the provider or else jwt_auth.sign_up is on. Answers as jwt_login. Error object: invalid_grant, invalid_request, mfa_required, login_required where a factor must be enrolled and the provider authenticated the user more than 5 minutes ago, account_unknown without sign-up, temporarily_unavailable. Errors: 22023 for NULL or an argument that is too long, 25006 in a read-only transaction, 38000 if a function fails, 40001, 55000, 55P03.';
REVOKE ALL ON FUNCTION jwt_login_external(text, text, text, text) FROM PUBLIC;

CREATE FUNCTION jwt_link_external(provider text, id_token text, nonce text DEFAULT NULL, access_token text DEFAULT NULL, link_token text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_link_external';
COMMENT ON FUNCTION jwt_link_external(text, text, text, text, text) IS
'Links an identity at a provider to the current identity. By an ID token with a nonce that jwt_external_nonce made for this session, or by the ID token of a login that answered account_exists, with its link_token. Answers {"status":"identity_linked"}. Error object: invalid_grant, invalid_request for an identity of another user, temporarily_unavailable. Errors: 22023 for NULL or an argument that is too long, 28J03 without an identity, 28J04 if the authentication is older than 5 minutes, or below level 2 with a second factor, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_link_external(text, text, text, text, text) FROM PUBLIC;

CREATE FUNCTION jwt_unlink_external(provider text, subject text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_unlink_external';
COMMENT ON FUNCTION jwt_unlink_external(text, text) IS
'Takes an identity at a provider from the current identity, unless it is the last way to log in. Answers {"status":"identity_unlinked"}. Error object: invalid_request, temporarily_unavailable. Errors: as jwt_link_external.';
REVOKE ALL ON FUNCTION jwt_unlink_external(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_identities()
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_identities';
COMMENT ON FUNCTION jwt_identities() IS
'Lists the identities at providers of the current identity, the oldest first. An array of {"provider","subject","created_at"}. Error: 28J03 without an identity.';
GRANT EXECUTE ON FUNCTION jwt_identities() TO PUBLIC;

--
-- API tokens
--

CREATE FUNCTION jwt_create_api_token(name text, scope text, expires_in interval)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_create_api_token';
COMMENT ON FUNCTION jwt_create_api_token(text, text, interval) IS
'Creates an API token of the current identity, with scopes that it has. For at most 366 days: {"id","token","name","scope","expires_at"}; the token is shown now only. Error object: temporarily_unavailable. Errors: 22023 for NULL, a name or scope that is not usable, a life out of range, or more than 100 tokens, 42501 for a scope that the identity lacks or an identity of an API token, 28J03 without an identity, 28J04 if the authentication is older than 5 minutes, or below level 2 with a second factor, 25006 in a read-only transaction, 55000, 55P03.';
REVOKE ALL ON FUNCTION jwt_create_api_token(text, text, interval) FROM PUBLIC;

CREATE FUNCTION jwt_api_tokens()
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_api_tokens';
COMMENT ON FUNCTION jwt_api_tokens() IS
'Lists the live API tokens of the current identity, the oldest first. An array of {"id","name","scope","created_at","expires_at","last_used_at"}. Error: 28J03 without an identity.';
REVOKE ALL ON FUNCTION jwt_api_tokens() FROM PUBLIC;

CREATE FUNCTION jwt_revoke_api_token(id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_revoke_api_token';
COMMENT ON FUNCTION jwt_revoke_api_token(uuid) IS
'Revokes an API token of the current identity, and the access tokens that were made of it. Tokens of others are treated as unknown, which is not an error. Errors: 22023 for NULL, 28J03 without an identity, 42501 for an identity of an API token, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_revoke_api_token(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_login_api_token(token text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_login_api_token';
COMMENT ON FUNCTION jwt_login_api_token(text) IS
'Exchanges an API token for an access token, without a refresh token. It has the scopes that both the token and its user have: {"access_token","token_type","expires_in","scope"}. Error object: invalid_grant, invalid_request. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 38000 if a function fails, 55000.';
REVOKE ALL ON FUNCTION jwt_login_api_token(text) FROM PUBLIC;

--
-- Clients
--

CREATE FUNCTION jwt_create_client(name text, options jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_create_client';
COMMENT ON FUNCTION jwt_create_client(text, jsonb) IS
'Creates a client, which gets access tokens of its own by jwt_token. Answers {"client_id","client_secret"}; the secret is shown now only, and absent if the client signs with a key of its own. Options: role, scope, jwks (public keys, for private_key_jwt). Errors: 22023 for NULL, a name, option, role or key that is not usable, 25006 in a read-only transaction.';
REVOKE ALL ON FUNCTION jwt_create_client(text, jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_rotate_client_secret(client_id uuid)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_rotate_client_secret';
COMMENT ON FUNCTION jwt_rotate_client_secret(uuid) IS
'Makes another secret for a client: {"client_id","client_secret"}. The one before is accepted until the next call; what was before that is void, and so are the tokens that were made with it. Errors: 22023 for NULL, an unknown client or one without a secret, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_rotate_client_secret(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_delete_client(client_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_delete_client';
COMMENT ON FUNCTION jwt_delete_client(uuid) IS
'Deletes a client; its tokens are void at once. Errors: 22023 for NULL or an unknown client, 25006 in a read-only transaction, 55P03.';
REVOKE ALL ON FUNCTION jwt_delete_client(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_token(request jsonb)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_token';
COMMENT ON FUNCTION jwt_token(jsonb) IS
'Issues tokens as the token endpoint (RFC 6749): client_credentials and refresh_token. grant_type client_credentials comes with client_id and client_secret, or client_assertion_type and client_assertion (RFC 7523), and perhaps scope; refresh_token is answered as by jwt_refresh. The parameters are a JSON object of strings; others are ignored. Returns a token response, or an error object: invalid_request, invalid_client, invalid_grant, invalid_scope, unsupported_grant_type. Errors: 22023 for NULL, 25006 in a read-only transaction, 38000 if a function fails, 40001, 55000, 55P03.';
REVOKE ALL ON FUNCTION jwt_token(jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_discovery()
RETURNS jsonb
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_discovery';
COMMENT ON FUNCTION jwt_discovery() IS
'Returns the authorization server metadata (RFC 8414). From jwt_auth.issuer, jwt_auth.token_endpoint and jwt_auth.jwks_uri; without the latter, the public keys are in it as jwks. Error: 55000 without jwt_auth.issuer.';
GRANT EXECUTE ON FUNCTION jwt_discovery() TO PUBLIC;

--
-- Identity
--

CREATE FUNCTION jwt_authenticate(token text, assume_role boolean DEFAULT false)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_authenticate';
COMMENT ON FUNCTION jwt_authenticate(text, boolean) IS
'Verifies a token, makes it the identity of the transaction and returns its claims. A leading "Bearer " is accepted. With assume_role, sets the role of the token as the local role. Errors: 28J00 to 28J02 for an invalid token, 28J03 without one, 42501 for a role that may not be assumed.';
GRANT EXECUTE ON FUNCTION jwt_authenticate(text, boolean) TO PUBLIC;

CREATE FUNCTION jwt_pre_request()
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_pre_request';
COMMENT ON FUNCTION jwt_pre_request() IS
'Makes the bearer token of a PostgREST request its identity (db-pre-request). Without a token, there is none. Errors: 28J00 to 28J02, also 28J00 unless PostgREST accepted the same claims (request.jwt.claims), 42501 for a role that a trusted issuer may not name.';
GRANT EXECUTE ON FUNCTION jwt_pre_request() TO PUBLIC;

CREATE FUNCTION jwt_postgrest_config(with_issuers boolean DEFAULT false)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_postgrest_config';
COMMENT ON FUNCTION jwt_postgrest_config(boolean) IS
'Gives PostgREST the public keys of this database, and the audience (db-pre-config). Sets pgrst.jwt_secret to the keys that PostgREST can use (ES256, ES384, ES512, RS256, EdDSA), and pgrst.jwt_aud to jwt_auth.audience; if with_issuers is true, includes the keys of trusted issuers, and sets no audience. Warns if the active key is of another algorithm. Error: 55000 without a usable key.';
GRANT EXECUTE ON FUNCTION jwt_postgrest_config(boolean) TO PUBLIC;

CREATE FUNCTION jwt_claims()
RETURNS jsonb
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_claims';
COMMENT ON FUNCTION jwt_claims() IS
'The verified claims of the current identity; NULL without a token. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_claims() TO PUBLIC;

CREATE FUNCTION jwt_claim(name text)
RETURNS text
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_claim';
COMMENT ON FUNCTION jwt_claim(text) IS
'A verified claim as text, as ->> returns it; NULL if the claim or the token is absent. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_claim(text) TO PUBLIC;

CREATE FUNCTION jwt_user_id()
RETURNS uuid
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_user_id';
COMMENT ON FUNCTION jwt_user_id() IS
'The user of the current identity. NULL without a token, for a token of another issuer, and for a sub that is not a UUID. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_user_id() TO PUBLIC;

CREATE FUNCTION jwt_session_id()
RETURNS uuid
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_session_id';
COMMENT ON FUNCTION jwt_session_id() IS
'The session of the current identity. NULL without a token, or if the token belongs to no session of this database. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_session_id() TO PUBLIC;

CREATE FUNCTION jwt_issuer()
RETURNS text
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_issuer';
COMMENT ON FUNCTION jwt_issuer() IS
'The iss of the current identity; NULL if there is none. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_issuer() TO PUBLIC;

CREATE FUNCTION jwt_role()
RETURNS text
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_role';
COMMENT ON FUNCTION jwt_role() IS
'The role of the current identity; NULL if there is none, or if it is not listed for the issuer. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_role() TO PUBLIC;

CREATE FUNCTION jwt_has_scope(scope text)
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_has_scope';
COMMENT ON FUNCTION jwt_has_scope(text) IS
'Whether the current identity has this scope (RFC 8693 section 4.2). It stands in the claim scope, or in scp if there is none; false without a token. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_has_scope(text) TO PUBLIC;

CREATE FUNCTION jwt_has_role(role text)
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_has_role';
COMMENT ON FUNCTION jwt_has_role(text) IS
'Whether this is the role of the current identity; false without a token. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_has_role(text) TO PUBLIC;

CREATE FUNCTION jwt_is_anonymous()
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_is_anonymous';
COMMENT ON FUNCTION jwt_is_anonymous() IS
'Whether the current identity is an anonymous user (jwt_sign_up_anonymous); NULL without a token. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_is_anonymous() TO PUBLIC;

CREATE FUNCTION jwt_actor()
RETURNS text
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_actor';
COMMENT ON FUNCTION jwt_actor() IS
'Who acts as the user of the current identity (jwt_impersonate). By the sub in its claim act: a user, role:NAME, or issuer and sub; NULL if the user does, or without a token of this database. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_actor() TO PUBLIC;

CREATE FUNCTION jwt_require_scope(scope text)
RETURNS void
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_require_scope';
COMMENT ON FUNCTION jwt_require_scope(text) IS
'Raises 42501 unless the current identity has the scope, and 28J03 without a token.';
GRANT EXECUTE ON FUNCTION jwt_require_scope(text) TO PUBLIC;

CREATE FUNCTION jwt_aal()
RETURNS integer
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_aal';
COMMENT ON FUNCTION jwt_aal() IS
'Assurance level of the current identity: 1, or 2 with a second factor. The lower one of token and session. NULL without a token of a session of this database. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_aal() TO PUBLIC;

CREATE FUNCTION jwt_auth_time()
RETURNS timestamptz
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_auth_time';
COMMENT ON FUNCTION jwt_auth_time() IS
'When the user of the current identity was last authenticated, to the second; unchanged by refreshes. NULL without a token of a session of this database. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_auth_time() TO PUBLIC;

CREATE FUNCTION jwt_amr()
RETURNS text[]
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_amr';
COMMENT ON FUNCTION jwt_amr() IS
'How the user of the current identity was authenticated (RFC 8176). As stated by both token and session; NULL without a token of a session of this database. Errors: 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_amr() TO PUBLIC;

CREATE FUNCTION jwt_has_aal(level integer, max_age interval DEFAULT NULL)
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_has_aal';
COMMENT ON FUNCTION jwt_has_aal(integer, interval) IS
'Whether the user was authenticated at this level, 1 or 2, and at most max_age ago. As of the start of the statement; false without a token of a session of this database. Errors: 22023 for another level or a max_age of less than a second, 28J00 to 28J02 for an invalid token.';
GRANT EXECUTE ON FUNCTION jwt_has_aal(integer, interval) TO PUBLIC;

CREATE FUNCTION jwt_require_aal(level integer, max_age interval DEFAULT NULL)
RETURNS void
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_require_aal';
COMMENT ON FUNCTION jwt_require_aal(integer, interval) IS
'Raises 28J04 unless jwt_has_aal() holds, and 28J03 without a token. It must hold by the time of the call, too; the challenge that the client needs (RFC 9470) comes with it. Error: 22023 for another level than 1 or 2 or a max_age of less than a second.';
GRANT EXECUTE ON FUNCTION jwt_require_aal(integer, interval) TO PUBLIC;

--
-- Statistics
--

CREATE FUNCTION jwt_statistics()
RETURNS TABLE (database name, name text, value bigint, since timestamptz)
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'jwt_statistics';
COMMENT ON FUNCTION jwt_statistics() IS
'Rows of the view jwt_auth.statistics.';
REVOKE ALL ON FUNCTION jwt_statistics() FROM PUBLIC;

CREATE FUNCTION jwt_reset_statistics()
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'jwt_reset_statistics';
COMMENT ON FUNCTION jwt_reset_statistics() IS
'Resets the counters of the current database in jwt_auth.statistics to zero.';
REVOKE ALL ON FUNCTION jwt_reset_statistics() FROM PUBLIC;

CREATE VIEW jwt_auth.statistics AS
SELECT s.database, s.name, s.value, s.since FROM @extschema@.jwt_statistics() AS s;
REVOKE ALL ON TABLE jwt_auth.statistics FROM PUBLIC;
COMMENT ON VIEW jwt_auth.statistics IS 'Counters of each database since the server started; empty unless shared_preload_libraries contains jwt_auth';
COMMENT ON COLUMN jwt_auth.statistics.database IS 'Name of the database; NULL for dropped databases and those that have no counters of their own';
COMMENT ON COLUMN jwt_auth.statistics.name IS 'Name of the counter';
COMMENT ON COLUMN jwt_auth.statistics.value IS 'Value of the counter, in microseconds if the name says so';
COMMENT ON COLUMN jwt_auth.statistics.since IS 'Start of the server, first use of the database, or last call of jwt_reset_statistics()';

--
-- Inspection
--

CREATE FUNCTION jwt_check()
RETURNS TABLE (severity text, finding text, object text, remedy text)
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_check';
COMMENT ON FUNCTION jwt_check() IS
'Lists what is set up wrongly or weakly, errors first, then warnings and notices. What it is, of which object, and what to do about it. Settings are those of the session. Writes nothing, so that it can run on a standby.';
REVOKE ALL ON FUNCTION jwt_check() FROM PUBLIC;

--
-- ALTER DEFAULT PRIVILEGES applies inside CREATE EXTENSION, too: take back
-- whatever it gave to any role but the owner.  What PUBLIC has is said above.
--
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
                                 object.kind, object.identity, holder.grantee::pg_catalog.regrole)
        FROM pg_catalog.pg_extension AS extension
        JOIN pg_catalog.pg_depend AS member
            ON member.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
            AND member.refobjid OPERATOR(pg_catalog.=) extension.oid
            AND member.deptype OPERATOR(pg_catalog.=) 'e'
        CROSS JOIN LATERAL (
            SELECT 'FUNCTION', p.oid::pg_catalog.regprocedure::pg_catalog.text, p.proacl, p.proowner
            FROM pg_catalog.pg_proc AS p
            WHERE member.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                AND p.oid OPERATOR(pg_catalog.=) member.objid
            UNION ALL
            SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                   c.oid::pg_catalog.regclass::pg_catalog.text, c.relacl, c.relowner
            FROM pg_catalog.pg_class AS c
            WHERE member.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                AND c.oid OPERATOR(pg_catalog.=) member.objid
            UNION ALL
            SELECT 'SCHEMA', n.oid::pg_catalog.regnamespace::pg_catalog.text, n.nspacl, n.nspowner
            FROM pg_catalog.pg_namespace AS n
            WHERE member.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
                AND n.oid OPERATOR(pg_catalog.=) member.objid
        ) AS object (kind, identity, acl, owner)
        CROSS JOIN LATERAL pg_catalog.aclexplode(object.acl) AS holder
        WHERE extension.extname OPERATOR(pg_catalog.=) 'jwt_auth'
            AND holder.grantee OPERATOR(pg_catalog.<>) object.owner
            AND holder.grantee OPERATOR(pg_catalog.<>) 0
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;

-- What those who monitor the server may see.  The schema's tables stay closed.
GRANT USAGE ON SCHEMA jwt_auth TO pg_monitor;
GRANT SELECT ON jwt_auth.statistics TO pg_monitor;
GRANT EXECUTE ON FUNCTION jwt_statistics() TO pg_monitor;
