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
COMMENT ON TABLE jwt_auth.keys IS 'Signing keys (use sig), keys of refresh tokens (refresh), of hashed names (hash) and of one-time tokens (handle). next: never activated; active: activated, no verify_until; retiring: until verify_until; then retired; or revoked';
COMMENT ON COLUMN jwt_auth.keys.kid IS 'Key ID (RFC 7517 section 4.5)';
COMMENT ON COLUMN jwt_auth.keys.use IS 'sig, refresh, hash or handle';
COMMENT ON COLUMN jwt_auth.keys.alg IS 'The one algorithm that the key is for';
COMMENT ON COLUMN jwt_auth.keys.number IS 'Number of a key of refresh or one-time tokens, as these carry it';
COMMENT ON COLUMN jwt_auth.keys.thumbprint IS 'Thumbprint (RFC 7638); of a secret, a slow hash';
COMMENT ON COLUMN jwt_auth.keys.public_jwk IS 'Public half; NULL for a secret';
COMMENT ON COLUMN jwt_auth.keys.private_jwk IS 'Private half, while it is needed';
COMMENT ON COLUMN jwt_auth.keys.sealed_by IS 'Name of the master key that sealed the private half; NULL: not sealed';
COMMENT ON COLUMN jwt_auth.keys.was_clear IS 'The private half was stored in the clear at some time';
COMMENT ON COLUMN jwt_auth.keys.created_at IS 'When the key was made or imported';
COMMENT ON COLUMN jwt_auth.keys.activated_at IS 'When the key began to sign';
COMMENT ON COLUMN jwt_auth.keys.verify_until IS 'When the key ceases to verify';
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
COMMENT ON COLUMN jwt_auth.key_states.alg IS 'The one algorithm that the key is for';
COMMENT ON COLUMN jwt_auth.key_states.state IS 'next, active, retiring, retired or revoked';
COMMENT ON COLUMN jwt_auth.key_states.sealed IS 'Whether the private half is sealed; NULL: none is stored';
COMMENT ON COLUMN jwt_auth.key_states.was_clear IS 'The private half was stored in the clear at some time';
COMMENT ON COLUMN jwt_auth.key_states.created_at IS 'When the key was made or imported';
COMMENT ON COLUMN jwt_auth.key_states.activated_at IS 'When the key began to sign';
COMMENT ON COLUMN jwt_auth.key_states.verify_until IS 'When the key ceases to verify; NULL: not yet known';
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
COMMENT ON COLUMN jwt_auth.issuers.issuer IS 'Value of iss that selects these keys; a mere name where is_anonymous';
COMMENT ON COLUMN jwt_auth.issuers.audience IS 'Value that aud must hold; NULL: there must be no aud';
COMMENT ON COLUMN jwt_auth.issuers.roles IS 'Roles that a token of the issuer may name';
COMMENT ON COLUMN jwt_auth.issuers.options IS 'Options of jwt_trust_issuer, but for issuer and audience';
COMMENT ON COLUMN jwt_auth.issuers.is_anonymous IS 'Its tokens carry no iss; at most one issuer''s do';
COMMENT ON COLUMN jwt_auth.issuers.jwks IS 'Public keys as JWK Set';
COMMENT ON COLUMN jwt_auth.issuers.secret_jwks IS 'HMAC secrets as JWK Set, kept like a private key';
COMMENT ON COLUMN jwt_auth.issuers.sealed_by IS 'Name of the master key that sealed the secrets; NULL: not sealed';
COMMENT ON COLUMN jwt_auth.issuers.was_clear IS 'The secrets were stored in the clear at some time';
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
    position bigint NOT NULL GENERATED ALWAYS AS (pg_catalog.uuid_hash_extended(id, 0)) STORED,
    CONSTRAINT users_claims_check CHECK (pg_catalog.jsonb_typeof(claims) OPERATOR(pg_catalog.=) 'object'),
    CONSTRAINT users_password_hash_check CHECK (password_hash OPERATOR(pg_catalog.~) '^(\$[0-9A-Za-z-]+\$|\{[0-9A-Za-z@_-]+\}|(pbkdf2_sha1|pbkdf2_sha256|scrypt|bcrypt|bcrypt_sha256|argon2)\$|(pbkdf2|scrypt):|SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/]+=:|A[A-Q][A-Za-z0-9+/]{48,}=*$|[0-9a-f]{32}:[0-9a-f]{128}$)')
) WITH (fillfactor = 90);
CREATE INDEX users_position_idx ON jwt_auth.users (position) WHERE password_hash IS NOT NULL;
CREATE INDEX users_disabled_idx ON jwt_auth.users (id) WHERE disabled_at IS NOT NULL;
COMMENT ON TABLE jwt_auth.users IS 'Users; what they are called stands in jwt_auth.identifiers';
COMMENT ON COLUMN jwt_auth.users.id IS 'UUIDv7; the sub of their tokens';
COMMENT ON COLUMN jwt_auth.users.username IS 'Username as it was given; NULL: none';
COMMENT ON COLUMN jwt_auth.users.password_hash IS 'Argon2id in PHC form, or an imported hash; NULL: no password';
COMMENT ON COLUMN jwt_auth.users.imported_hash IS 'The hash was imported, and is of the password as it was typed';
COMMENT ON COLUMN jwt_auth.users.role IS 'Role that their tokens name';
COMMENT ON COLUMN jwt_auth.users.claims IS 'Claims that go into each access token';
COMMENT ON COLUMN jwt_auth.users.created_at IS 'When the user was made';
COMMENT ON COLUMN jwt_auth.users.password_set_at IS 'When the password was last set';
COMMENT ON COLUMN jwt_auth.users.disabled_at IS 'When the user was disabled; NULL: enabled';
COMMENT ON COLUMN jwt_auth.users.credentials_version IS 'Rises with each change of password or username; one-time tokens of a former one are void';
COMMENT ON COLUMN jwt_auth.users.code_failures IS 'Wrong one-time codes in a row; after 100, only links are accepted';
COMMENT ON COLUMN jwt_auth.users.position IS 'Where the user stands among those whose hashes stand in for the ones that unknown names lack';

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
COMMENT ON TABLE jwt_auth.identifiers IS 'What users are called: usernames, e-mail addresses and phone numbers';
COMMENT ON COLUMN jwt_auth.identifiers.canonical IS 'As it is compared: UTF-8 in NFKC, case-folded, trimmed; the domain of an address as A-label';
COMMENT ON COLUMN jwt_auth.identifiers.user_id IS 'The user';
COMMENT ON COLUMN jwt_auth.identifiers.kind IS 'username, email or phone';
COMMENT ON COLUMN jwt_auth.identifiers.value IS 'As it was given, and as messages are sent to it';
COMMENT ON COLUMN jwt_auth.identifiers.created_at IS 'When it was added';
COMMENT ON COLUMN jwt_auth.identifiers.verified_at IS 'When it was proven, or given by an admin; NULL: not yet, and it logs nobody in';

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
    amr text[]
);
CREATE INDEX sessions_user_id_revoked_at_expires_at_idx ON jwt_auth.sessions (user_id, revoked_at, expires_at);
CREATE INDEX sessions_expires_at_idx ON jwt_auth.sessions (expires_at);
CREATE INDEX sessions_revoked_at_idx ON jwt_auth.sessions (revoked_at) WHERE revoked_at IS NOT NULL;
-- No refresh writes here: jwt_purge asks the refresh token of a session that has
-- been quiet for long by this index, and notes what it says.
CREATE INDEX sessions_activity_idx ON jwt_auth.sessions ((COALESCE(active_at, created_at)));
COMMENT ON TABLE jwt_auth.sessions IS 'Sessions: one per login';
COMMENT ON COLUMN jwt_auth.sessions.id IS 'UUIDv7; the sid of its access tokens';
COMMENT ON COLUMN jwt_auth.sessions.user_id IS 'Whose session it is';
COMMENT ON COLUMN jwt_auth.sessions.created_at IS 'When the user logged in';
COMMENT ON COLUMN jwt_auth.sessions.expires_at IS 'When the session ends at the latest';
COMMENT ON COLUMN jwt_auth.sessions.revoked_at IS 'When it was ended';
COMMENT ON COLUMN jwt_auth.sessions.revoke_reason IS 'Why it was ended';
COMMENT ON COLUMN jwt_auth.sessions.user_agent IS 'User agent that the client claimed';
COMMENT ON COLUMN jwt_auth.sessions.client_address IS 'Address of the database connection';
COMMENT ON COLUMN jwt_auth.sessions.amr IS 'How the application authenticated the user; NULL: not told';
COMMENT ON COLUMN jwt_auth.sessions.claimed_address IS 'Address that a header claimed; never trusted';
COMMENT ON COLUMN jwt_auth.sessions.active_at IS 'Last refresh that jwt_purge knows of; refresh_tokens has the last one';

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
COMMENT ON TABLE jwt_auth.refresh_tokens IS 'State of each session''s refresh token; never a token';
COMMENT ON COLUMN jwt_auth.refresh_tokens.session_id IS 'The session';
COMMENT ON COLUMN jwt_auth.refresh_tokens.generation IS 'How often the token was rotated';
COMMENT ON COLUMN jwt_auth.refresh_tokens.nonce IS 'Random part of the current token';
COMMENT ON COLUMN jwt_auth.refresh_tokens.earlier IS 'Random part and time of rotation of the tokens before that are in their grace, the latest first';
COMMENT ON COLUMN jwt_auth.refresh_tokens.key_number IS 'Number of the key of the current token';
COMMENT ON COLUMN jwt_auth.refresh_tokens.rotated_at IS 'When the current token was made';

CREATE TABLE jwt_auth.revoked_tokens (
    issuer text COLLATE "C" NOT NULL,
    jti text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT revoked_tokens_pkey PRIMARY KEY (issuer, jti)
);
CREATE INDEX revoked_tokens_expires_at_idx ON jwt_auth.revoked_tokens (expires_at);
COMMENT ON TABLE jwt_auth.revoked_tokens IS 'Tokens denied by their jti, kept until they expire';
COMMENT ON COLUMN jwt_auth.revoked_tokens.issuer IS 'Their iss; empty: none';
COMMENT ON COLUMN jwt_auth.revoked_tokens.jti IS 'Their jti';
COMMENT ON COLUMN jwt_auth.revoked_tokens.expires_at IS 'When the row may go';

CREATE TABLE jwt_auth.deleted_users (
    id uuid NOT NULL CONSTRAINT deleted_users_pkey PRIMARY KEY,
    deleted_at timestamptz NOT NULL
);
COMMENT ON TABLE jwt_auth.deleted_users IS 'Users who were deleted, kept for ever: their tokens without session are denied';
COMMENT ON COLUMN jwt_auth.deleted_users.id IS 'The sub of their tokens';
COMMENT ON COLUMN jwt_auth.deleted_users.deleted_at IS 'When the user was deleted';

-- What redeems a token is not here: the key makes it again from id and nonce.
-- Known and unknown addresses have rows alike.  The foreign key deletes, but checks
-- nothing: a check would lock the rows of known users only.
CREATE TABLE jwt_auth.one_time_tokens (
    id uuid NOT NULL CONSTRAINT one_time_tokens_pkey PRIMARY KEY,
    user_id uuid CONSTRAINT one_time_tokens_user_id_fkey REFERENCES jwt_auth.users ON DELETE CASCADE,
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
    CONSTRAINT one_time_tokens_purpose_check CHECK (purpose OPERATOR(pg_catalog.=) ANY ('{recovery}'::pg_catalog.text[])),
    CONSTRAINT one_time_tokens_recipient_check CHECK ((recipient IS NULL) OPERATOR(pg_catalog.=) (canonical IS NULL))
) WITH (fillfactor = 70);
ALTER TABLE jwt_auth.one_time_tokens DISABLE TRIGGER ALL;
CREATE INDEX one_time_tokens_user_id_idx ON jwt_auth.one_time_tokens (user_id);
CREATE INDEX one_time_tokens_canonical_idx ON jwt_auth.one_time_tokens (canonical, created_at);
CREATE INDEX one_time_tokens_expires_at_idx ON jwt_auth.one_time_tokens (expires_at);
COMMENT ON TABLE jwt_auth.one_time_tokens IS 'One-time tokens: links and codes that were sent, or were not because the address is unknown; never a token or code';
COMMENT ON COLUMN jwt_auth.one_time_tokens.id IS 'UUIDv7; the link and the flow name it';
COMMENT ON COLUMN jwt_auth.one_time_tokens.user_id IS 'The user; NULL: the address is nobody''s, and nothing redeems the row';
COMMENT ON COLUMN jwt_auth.one_time_tokens.purpose IS 'What it is for: recovery';
COMMENT ON COLUMN jwt_auth.one_time_tokens.recipient IS 'Address it is sent to; NULL: an admin hands it out';
COMMENT ON COLUMN jwt_auth.one_time_tokens.canonical IS 'Canonical form of the address';
COMMENT ON COLUMN jwt_auth.one_time_tokens.credentials_version IS 'The user''s version when it was made; it is void once that has risen';
COMMENT ON COLUMN jwt_auth.one_time_tokens.nonce IS 'Random part of the link and the code';
COMMENT ON COLUMN jwt_auth.one_time_tokens.key_number IS 'Number of the key that makes both';
COMMENT ON COLUMN jwt_auth.one_time_tokens.failures IS 'Wrong codes that were tried';
COMMENT ON COLUMN jwt_auth.one_time_tokens.created_at IS 'When it was made';
COMMENT ON COLUMN jwt_auth.one_time_tokens.expires_at IS 'When it expires';
COMMENT ON COLUMN jwt_auth.one_time_tokens.consumed_at IS 'When it was redeemed, or gave way to others';

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
    CONSTRAINT outbox_kind_check CHECK (kind OPERATOR(pg_catalog.=) ANY ('{recovery,no_account,password_changed}'::pg_catalog.text[])),
    CONSTRAINT outbox_channel_check CHECK (channel OPERATOR(pg_catalog.=) ANY ('{email,phone}'::pg_catalog.text[]))
);
CREATE INDEX outbox_due_idx ON jwt_auth.outbox (leased_until) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_expires_at_idx ON jwt_auth.outbox (expires_at);
COMMENT ON TABLE jwt_auth.outbox IS 'Messages for the mailer, which gets them from jwt_outbox_claim(); never a token or code';
COMMENT ON COLUMN jwt_auth.outbox.id IS 'UUIDv7';
COMMENT ON COLUMN jwt_auth.outbox.kind IS 'What it says: recovery, no_account or password_changed';
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

CREATE TABLE jwt_auth.login_throttle (
    name_hash bytea NOT NULL CONSTRAINT login_throttle_pkey PRIMARY KEY
        CONSTRAINT login_throttle_name_hash_check
        CHECK (pg_catalog.octet_length(name_hash) OPERATOR(pg_catalog.=) 32),
    failures integer NOT NULL,
    last_failure_at timestamptz NOT NULL
);
CREATE INDEX login_throttle_last_failure_at_idx ON jwt_auth.login_throttle (last_failure_at);
COMMENT ON TABLE jwt_auth.login_throttle IS 'Failed logins by name, wrong codes and messages by recipient, known and unknown ones alike';
COMMENT ON COLUMN jwt_auth.login_throttle.name_hash IS 'Keyed hash of what is counted and the canonical name';
COMMENT ON COLUMN jwt_auth.login_throttle.failures IS 'Failures, or messages, in a row';
COMMENT ON COLUMN jwt_auth.login_throttle.last_failure_at IS 'When the last one was';

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
    actor name NOT NULL,
    user_agent text,
    client_address inet,
    claimed_address text
);
CREATE INDEX audit_log_at_idx ON jwt_auth.audit_log (at);
-- Tells whether a denied refresh is written already
CREATE INDEX audit_log_denied_idx ON jwt_auth.audit_log (session_id, at)
    WHERE event OPERATOR(pg_catalog.=) 'refresh_denied';
COMMENT ON TABLE jwt_auth.audit_log IS 'What happened to accounts, sessions and keys; no secret';
COMMENT ON COLUMN jwt_auth.audit_log.id IS 'UUIDv7';
COMMENT ON COLUMN jwt_auth.audit_log.at IS 'When it happened';
COMMENT ON COLUMN jwt_auth.audit_log.event IS 'What happened';
COMMENT ON COLUMN jwt_auth.audit_log.reason IS 'Why it was denied or done; for operators only';
COMMENT ON COLUMN jwt_auth.audit_log.user_id IS 'The user it was about';
COMMENT ON COLUMN jwt_auth.audit_log.session_id IS 'The session it was about';
COMMENT ON COLUMN jwt_auth.audit_log.kid IS 'The key it was about';
COMMENT ON COLUMN jwt_auth.audit_log.issuer IS 'The issuer it was about';
COMMENT ON COLUMN jwt_auth.audit_log.jti IS 'The token it was about, if that has no session';
COMMENT ON COLUMN jwt_auth.audit_log.name_hash IS 'Keyed hash of a name that is no account';
COMMENT ON COLUMN jwt_auth.audit_log.actor IS 'Role of the database session';
COMMENT ON COLUMN jwt_auth.audit_log.user_agent IS 'User agent that the client claimed';
COMMENT ON COLUMN jwt_auth.audit_log.client_address IS 'Address of the database connection';
COMMENT ON COLUMN jwt_auth.audit_log.claimed_address IS 'Address that a header claimed; never trusted';

-- Loaded by the operator, from a list that can be loaded again: pg_dump leaves
-- its rows out.
CREATE TABLE jwt_auth.blocked_passwords (
    sha1 bytea NOT NULL CONSTRAINT blocked_passwords_pkey PRIMARY KEY,
    CONSTRAINT blocked_passwords_sha1_check CHECK (pg_catalog.length(sha1) OPERATOR(pg_catalog.=) 20)
);
COMMENT ON TABLE jwt_auth.blocked_passwords IS 'Passwords that nobody may choose, as hashes; loaded by the operator, and not dumped';
COMMENT ON COLUMN jwt_auth.blocked_passwords.sha1 IS 'SHA-1 of the password in UTF-8';

-- Nothing queries these two: invalidating their cache entries tells every
-- backend, on standbys too, that keys or revocations changed.
CREATE TABLE jwt_auth.key_signal ();
COMMENT ON TABLE jwt_auth.key_signal IS 'Signals changes of keys and issuers to all backends; holds no rows';
CREATE TABLE jwt_auth.revocation_signal ();
COMMENT ON TABLE jwt_auth.revocation_signal IS 'Signals revocations to all backends; holds no rows';

DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY '{keys,issuers,users,identifiers,sessions,refresh_tokens,revoked_tokens,deleted_users,one_time_tokens,outbox,login_throttle,audit_log,blocked_passwords,key_signal,revocation_signal}'::pg_catalog.text[]
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON TABLE jwt_auth.%I FROM PUBLIC', relation);
        EXECUTE pg_catalog.format('ALTER TABLE jwt_auth.%I ENABLE ROW LEVEL SECURITY', relation);
    END LOOP;
    FOREACH relation IN ARRAY '{keys,issuers,users,identifiers,sessions,refresh_tokens,revoked_tokens,deleted_users,one_time_tokens,outbox,login_throttle,audit_log}'::pg_catalog.text[]
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(pg_catalog.format('jwt_auth.%I', relation)::pg_catalog.regclass, '');
    END LOOP;
END
$$;

--
-- Signals.  Functions of the extension send them, and these triggers do for
-- direct changes of the tables, also by logical replication.
--

CREATE FUNCTION jwt_auth.signal_change()
RETURNS trigger
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_auth_signal_change';
COMMENT ON FUNCTION jwt_auth.signal_change() IS
'Trigger that tells every backend that keys or revocations changed; its argument is keys or revocations.';
REVOKE ALL ON FUNCTION jwt_auth.signal_change() FROM PUBLIC;

CREATE TRIGGER signal_change AFTER INSERT OR UPDATE OR DELETE ON jwt_auth.keys
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.signal_change('keys');
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON jwt_auth.keys
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.signal_change('keys');
CREATE TRIGGER signal_change AFTER INSERT OR UPDATE OR DELETE ON jwt_auth.issuers
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.signal_change('keys');
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON jwt_auth.issuers
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.signal_change('keys');
CREATE TRIGGER signal_revoke AFTER UPDATE ON jwt_auth.sessions
    FOR EACH ROW WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at OR OLD.expires_at IS DISTINCT FROM NEW.expires_at)
    EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_delete AFTER DELETE ON jwt_auth.sessions
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON jwt_auth.sessions
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_change AFTER INSERT OR UPDATE OR DELETE ON jwt_auth.revoked_tokens
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON jwt_auth.revoked_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_change AFTER INSERT OR UPDATE OR DELETE ON jwt_auth.deleted_users
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON jwt_auth.deleted_users
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_disable AFTER UPDATE ON jwt_auth.users
    FOR EACH ROW WHEN (OLD.disabled_at IS DISTINCT FROM NEW.disabled_at)
    EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_insert AFTER INSERT ON jwt_auth.users
    FOR EACH ROW WHEN (NEW.disabled_at IS NOT NULL)
    EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_delete AFTER DELETE ON jwt_auth.users
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.signal_change('revocations');
CREATE TRIGGER signal_truncate AFTER TRUNCATE ON jwt_auth.users
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.signal_change('revocations');

-- What follows from a change of a user's row, directly, too.  A subscriber of
-- logical replication gets that from the publisher, like the change itself.
CREATE FUNCTION jwt_auth.follow_user()
RETURNS trigger
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_auth_follow_user';
COMMENT ON FUNCTION jwt_auth.follow_user() IS
'Trigger that ends the sessions and denies the tokens of users who are disabled, deleted or get another password, and refuses roles and claims that no function would take, another username, since names are found in identifiers, and another user of a session.';
REVOKE ALL ON FUNCTION jwt_auth.follow_user() FROM PUBLIC;

CREATE TRIGGER follow_update AFTER UPDATE ON jwt_auth.users
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.password_hash IS DISTINCT FROM NEW.password_hash
        OR OLD.role IS DISTINCT FROM NEW.role OR OLD.claims IS DISTINCT FROM NEW.claims
        OR OLD.username IS DISTINCT FROM NEW.username OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at)
    EXECUTE FUNCTION jwt_auth.follow_user();
CREATE TRIGGER follow_session BEFORE UPDATE ON jwt_auth.sessions
    FOR EACH ROW WHEN (OLD.user_id IS DISTINCT FROM NEW.user_id)
    EXECUTE FUNCTION jwt_auth.follow_user('session');
CREATE TRIGGER follow_delete AFTER DELETE ON jwt_auth.users
    FOR EACH ROW EXECUTE FUNCTION jwt_auth.follow_user();
CREATE TRIGGER follow_truncate BEFORE TRUNCATE ON jwt_auth.users
    FOR EACH STATEMENT EXECUTE FUNCTION jwt_auth.follow_user();

ALTER TABLE jwt_auth.keys ENABLE ALWAYS TRIGGER signal_change;
ALTER TABLE jwt_auth.keys ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE jwt_auth.issuers ENABLE ALWAYS TRIGGER signal_change;
ALTER TABLE jwt_auth.issuers ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE jwt_auth.sessions ENABLE ALWAYS TRIGGER signal_revoke;
ALTER TABLE jwt_auth.sessions ENABLE ALWAYS TRIGGER signal_delete;
ALTER TABLE jwt_auth.sessions ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE jwt_auth.revoked_tokens ENABLE ALWAYS TRIGGER signal_change;
ALTER TABLE jwt_auth.revoked_tokens ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE jwt_auth.deleted_users ENABLE ALWAYS TRIGGER signal_change;
ALTER TABLE jwt_auth.deleted_users ENABLE ALWAYS TRIGGER signal_truncate;
ALTER TABLE jwt_auth.users ENABLE ALWAYS TRIGGER signal_disable;
ALTER TABLE jwt_auth.users ENABLE ALWAYS TRIGGER signal_insert;
ALTER TABLE jwt_auth.users ENABLE ALWAYS TRIGGER signal_delete;
ALTER TABLE jwt_auth.users ENABLE ALWAYS TRIGGER signal_truncate;

--
-- Tokens with keys that the caller hands in
--

CREATE FUNCTION jwt_sign_with(claims jsonb, key jsonb)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_sign_with';
COMMENT ON FUNCTION jwt_sign_with(jsonb, jsonb) IS
'Signs exactly these claims, a JSON object, with a private JWK and returns the JWT (RFC 7519). A key without "alg" signs with the first algorithm that it fits: HS256, RS256, the one of its curve, or EdDSA. Errors: 22023 for an unusable key or claims, 22P05 for text without a UTF-8 form.';
GRANT EXECUTE ON FUNCTION jwt_sign_with(jsonb, jsonb) TO PUBLIC;

CREATE FUNCTION jwt_verify_with(token text, keys jsonb, audience text DEFAULT NULL, issuer text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_verify_with';
COMMENT ON FUNCTION jwt_verify_with(text, jsonb, text, text) IS
'Verifies signature, type, times, and issuer and audience unless they are NULL, with a JWK or JWK Set, and returns the claims (RFC 7519 section 7.2). Reads no table. Errors: 28J00 invalid token, 28J01 token expired, 22023 for unusable keys.';
GRANT EXECUTE ON FUNCTION jwt_verify_with(text, jsonb, text, text) TO PUBLIC;

CREATE FUNCTION jwt_webauthn_verify_with(credential jsonb, public_key jsonb, expected jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_webauthn_verify_with';
COMMENT ON FUNCTION jwt_webauthn_verify_with(jsonb, jsonb, jsonb) IS
'Verifies a passkey of the caller''s own table, as toJSON() of a browser''s credential writes it: a registration if the public key is NULL, else the use of the credential with this key, a JWK (WebAuthn Level 3 sections 7.1 and 7.2). Expected is a JSON object with challenge, origins, rp_id, and with a public key what is stored: counter, backup_eligible. Reads no table; the caller sees to it that a challenge is used once. Errors: 28J00 with the check that failed, 22023 for an unusable key or expectation.';
GRANT EXECUTE ON FUNCTION jwt_webauthn_verify_with(jsonb, jsonb, jsonb) TO PUBLIC;

CREATE FUNCTION jwt_decode(token text, OUT header jsonb, OUT claims jsonb)
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_decode';
COMMENT ON FUNCTION jwt_decode(text) IS
'Reads header and claims of a JWT without verifying anything; for people, never for decisions. Error: 28J00 for what is no JWT.';
GRANT EXECUTE ON FUNCTION jwt_decode(text) TO PUBLIC;

--
-- Signed payloads of any kind
--

CREATE FUNCTION jws_sign(payload bytea, key jsonb, header jsonb DEFAULT '{}')
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jws_sign';
COMMENT ON FUNCTION jws_sign(bytea, jsonb, jsonb) IS
'Signs any payload with a private JWK and returns the JWS in compact serialization (RFC 7515 section 7.1); "alg" and "kid" of the header follow from the key. Error: 22023 for an unusable key or header.';
GRANT EXECUTE ON FUNCTION jws_sign(bytea, jsonb, jsonb) TO PUBLIC;

CREATE FUNCTION jws_verify(token text, keys jsonb)
RETURNS bytea
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jws_verify';
COMMENT ON FUNCTION jws_verify(text, jsonb) IS
'Verifies the signature of a compact JWS with a JWK or JWK Set and returns the payload (RFC 7515 section 5.2). Errors: 28J00 invalid token, 22023 for unusable keys.';
GRANT EXECUTE ON FUNCTION jws_verify(text, jsonb) TO PUBLIC;

--
-- JSON Web Keys
--

CREATE FUNCTION jwk_generate(alg text, kid text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_generate';
COMMENT ON FUNCTION jwk_generate(text, text) IS
'Makes a new private JWK, or HMAC secret, for an algorithm (RFC 7517, RFC 7518). Error: 22023 for an unknown algorithm or kid.';
GRANT EXECUTE ON FUNCTION jwk_generate(text, text) TO PUBLIC;

CREATE FUNCTION jwk_from_secret(secret bytea, alg text DEFAULT 'HS256', kid text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_from_secret';
COMMENT ON FUNCTION jwk_from_secret(bytea, text, text) IS
'Makes a JWK of an HMAC secret of 32 to 8192 bytes, at least as many as the hash has (RFC 7518 section 3.2). Error: 22023.';
GRANT EXECUTE ON FUNCTION jwk_from_secret(bytea, text, text) TO PUBLIC;

CREATE FUNCTION jwk_from_pem(pem text, alg text, kid text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_from_pem';
COMMENT ON FUNCTION jwk_from_pem(text, text, text) IS
'Makes a JWK of a PEM key (PKCS#8, SPKI, PKCS#1, SEC1) or X.509 certificate; private if the PEM is (RFC 7468). Errors: 22P02 for unreadable PEM, 22023 for an encrypted or unusable key.';
GRANT EXECUTE ON FUNCTION jwk_from_pem(text, text, text) TO PUBLIC;

CREATE FUNCTION jwk_public(jwk jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_public';
COMMENT ON FUNCTION jwk_public(jsonb) IS
'Returns the public half of a JWK with its kty, kid, alg, use and key_ops. Error: 22023, also for HMAC secrets, which have none.';
GRANT EXECUTE ON FUNCTION jwk_public(jsonb) TO PUBLIC;

CREATE FUNCTION jwk_to_pem(jwk jsonb)
RETURNS text
LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwk_to_pem';
COMMENT ON FUNCTION jwk_to_pem(jsonb) IS
'Writes a JWK as PEM: PKCS#8 if it is private, else SPKI (RFC 7468). Error: 22023, also for HMAC secrets.';
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
'Signs claims with the active key, or the private one named by kid, and adds iss, aud, iat, exp and jti where absent; expires_in defaults to jwt_auth.access_token_ttl. Errors: 22023 for unusable claims, an unknown kid or an exp beyond jwt_auth.max_token_ttl, 55000 without a signing key.';
REVOKE ALL ON FUNCTION jwt_sign(jsonb, interval, text) FROM PUBLIC;

CREATE FUNCTION jwt_verify(token text, audience text DEFAULT NULL, issuer text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_verify';
COMMENT ON FUNCTION jwt_verify(text, text, text) IS
'Verifies a token with the stored keys or those of the trusted issuer that it names, including revocation, and returns the claims (RFC 7519 section 7.2). Errors: 28J00 invalid token, 28J01 token expired, 28J02 token revoked.';
GRANT EXECUTE ON FUNCTION jwt_verify(text, text, text) TO PUBLIC;

CREATE FUNCTION jwt_introspect(token text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_introspect';
COMMENT ON FUNCTION jwt_introspect(text) IS
'Tells whether an access or refresh token is active, and its claims if so (RFC 7662 section 2.2). Never raises an error for a bad token.';
REVOKE ALL ON FUNCTION jwt_introspect(text) FROM PUBLIC;

CREATE FUNCTION jwt_explain(token text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_explain';
COMMENT ON FUNCTION jwt_explain(text) IS
'Tells which check of jwt_verify a token fails, and with what values; for the person who debugs a 401. Shows no signature and no key.';
REVOKE ALL ON FUNCTION jwt_explain(text) FROM PUBLIC;

--
-- Keys and issuers
--

CREATE FUNCTION jwt_create_key(alg text DEFAULT 'ES256', kid text DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_create_key';
COMMENT ON FUNCTION jwt_create_key(text, text) IS
'Makes a signing key and returns its kid: the first becomes active, a later one is published as next. The kid defaults to the thumbprint (RFC 7638), for a secret to a random one. Errors: 22023 for an unknown algorithm or a kid that was ever used.';
REVOKE ALL ON FUNCTION jwt_create_key(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_rotate_key(alg text DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_rotate_key';
COMMENT ON FUNCTION jwt_rotate_key(text) IS
'Promotes the oldest next key, publishes a new next one of the algorithm (default: that of the promoted key), and returns the kid that signs from now on. The former key verifies until now + jwt_auth.max_token_ttl + 300 s. Error: 22023 for an unknown algorithm.';
REVOKE ALL ON FUNCTION jwt_rotate_key(text) FROM PUBLIC;

CREATE FUNCTION jwt_retire_key(kid text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_retire_key';
COMMENT ON FUNCTION jwt_retire_key(text) IS
'Ends the use of a next or retiring key at once. Errors: 22023 for an unknown kid, 55000 for the active key.';
REVOKE ALL ON FUNCTION jwt_retire_key(text) FROM PUBLIC;

CREATE FUNCTION jwt_revoke_key(kid text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_revoke_key';
COMMENT ON FUNCTION jwt_revoke_key(text) IS
'Kills a key and all its tokens at once; for the active key, promotes or makes a successor. Error: 22023 for an unknown kid.';
REVOKE ALL ON FUNCTION jwt_revoke_key(text) FROM PUBLIC;

CREATE FUNCTION jwt_import_key(key jsonb)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_import_key';
COMMENT ON FUNCTION jwt_import_key(jsonb) IS
'Imports a JWK with "alg" and returns its kid: a private key becomes next (active if the first), a public key only verifies, for jwt_auth.max_token_ttl. Errors: 22023 for an unusable key or one that was ever here.';
REVOKE ALL ON FUNCTION jwt_import_key(jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_rotate_refresh_key()
RETURNS integer
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_rotate_refresh_key';
COMMENT ON FUNCTION jwt_rotate_refresh_key() IS
'Makes a new key for refresh tokens and returns its number. The former one verifies until the last session that existed has ended, so that nobody is logged out.';
REVOKE ALL ON FUNCTION jwt_rotate_refresh_key() FROM PUBLIC;

CREATE FUNCTION jwt_rotate_handle_key()
RETURNS integer
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_rotate_handle_key';
COMMENT ON FUNCTION jwt_rotate_handle_key() IS
'Makes a new key for one-time tokens and flows and returns its number. The former one verifies for 7 days, as long as what it made can live.';
REVOKE ALL ON FUNCTION jwt_rotate_handle_key() FROM PUBLIC;

CREATE FUNCTION jwt_jwks()
RETURNS jsonb
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_jwks';
COMMENT ON FUNCTION jwt_jwks() IS
'Returns the public keys that verify our tokens, now or soon, as JWK Set (RFC 7517 section 5); never a secret.';
GRANT EXECUTE ON FUNCTION jwt_jwks() TO PUBLIC;

CREATE FUNCTION jwt_trust_issuer(issuer text, jwks jsonb, audience text, roles name[] DEFAULT '{}', options jsonb DEFAULT '{}')
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_trust_issuer';
COMMENT ON FUNCTION jwt_trust_issuer(text, jsonb, text, name[], jsonb) IS
'Trusts the tokens of another issuer that carry the audience and fit its JWK Set, which replaces the former one; unusable keys are skipped with a NOTICE. A role counts only if listed in roles. Options say how its tokens differ: audiences, audience_claim, token_use, scope_claim, role_claim, default_role, jwks_uri, "issuer": "none", "audience": "none". Error: 22023 for our own issuer, a set that is private, mixed, ambiguous or without a usable key, and unknown options.';
REVOKE ALL ON FUNCTION jwt_trust_issuer(text, jsonb, text, name[], jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_distrust_issuer(issuer text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_distrust_issuer';
COMMENT ON FUNCTION jwt_distrust_issuer(text) IS
'Ceases to trust an issuer at once. Error: 22023 for one that is not trusted.';
REVOKE ALL ON FUNCTION jwt_distrust_issuer(text) FROM PUBLIC;

CREATE FUNCTION jwt_seal_keys()
RETURNS integer
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_seal_keys';
COMMENT ON FUNCTION jwt_seal_keys() IS
'Seals all private keys and secrets with the first line of jwt_auth.master_key_file, also those that another line sealed, and returns how many. A next key that was ever in the clear is replaced; active ones go on signing until jwt_replace_unsealed_keys(). Error: 55000 without a usable file.';
REVOKE ALL ON FUNCTION jwt_seal_keys() FROM PUBLIC;

CREATE FUNCTION jwt_replace_unsealed_keys()
RETURNS integer
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_replace_unsealed_keys';
COMMENT ON FUNCTION jwt_replace_unsealed_keys() IS
'Seals as jwt_seal_keys does, and replaces every key for tokens that was ever stored in the clear, so that none of them signs any more; returns how many. The former ones verify as after a rotation: signing keys for jwt_auth.max_token_ttl + 300 s. Error: 55000 without a usable master key file.';
REVOKE ALL ON FUNCTION jwt_replace_unsealed_keys() FROM PUBLIC;

CREATE FUNCTION jwt_reset_after_restore()
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_reset_after_restore';
COMMENT ON FUNCTION jwt_reset_after_restore() IS
'For a restored backup or a clone: revokes all keys, ends all sessions and makes new keys, in one transaction; users, passwords and issuers stay.';
REVOKE ALL ON FUNCTION jwt_reset_after_restore() FROM PUBLIC;

--
-- Users, for admins
--

CREATE FUNCTION jwt_find_user(identifier text)
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_find_user';
COMMENT ON FUNCTION jwt_find_user(text) IS
'Returns the id of the user who logs in by this name, or NULL if there is none. Error: 22023 for NULL.';
REVOKE ALL ON FUNCTION jwt_find_user(text) FROM PUBLIC;

CREATE FUNCTION jwt_create_user(username text, password text DEFAULT NULL, role name DEFAULT NULL, claims jsonb DEFAULT '{}', email text DEFAULT NULL, phone text DEFAULT NULL)
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_create_user';
COMMENT ON FUNCTION jwt_create_user(text, text, name, jsonb, text, text) IS
'Makes a user and returns the id. username may be NULL if there is an e-mail address or a phone number; all of them log the user in, and count as verified. claims go into each access token, role into its role claim. Errors: 23505 for a name that is taken, 22023 for an unusable name, password, role or claims, 38000 if the password check function fails.';
REVOKE ALL ON FUNCTION jwt_create_user(text, text, name, jsonb, text, text) FROM PUBLIC;

CREATE FUNCTION jwt_import_user(username text, password_hash text, role name DEFAULT NULL, claims jsonb DEFAULT '{}', email text DEFAULT NULL, phone text DEFAULT NULL)
RETURNS uuid
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_import_user';
COMMENT ON FUNCTION jwt_import_user(text, text, name, jsonb, text, text) IS
'Makes a user with a hash from elsewhere: argon2, bcrypt, scrypt, PBKDF2, $5$, $6$ or $y$ of crypt(3), SCRAM-SHA-256, phpass or {SSHA}, as Django, Werkzeug, passlib, Spring, ASP.NET Identity, WordPress, Drupal, PostgreSQL, better-auth and others write them; it is replaced by argon2id at the next login. Errors as jwt_create_user, and 22023 for other or too costly hashes.';
REVOKE ALL ON FUNCTION jwt_import_user(text, text, name, jsonb, text, text) FROM PUBLIC;

CREATE FUNCTION jwt_update_user(user_id uuid, username text DEFAULT NULL, role name DEFAULT NULL, claims jsonb DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_update_user';
COMMENT ON FUNCTION jwt_update_user(uuid, text, name, jsonb) IS
'Changes name, role or claims of a user; NULL leaves as is, and an empty role takes the role away. In force at the next refresh. Errors: 22023, 23505.';
REVOKE ALL ON FUNCTION jwt_update_user(uuid, text, name, jsonb) FROM PUBLIC;

CREATE FUNCTION jwt_set_password(user_id uuid, password text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_set_password';
COMMENT ON FUNCTION jwt_set_password(uuid, text) IS
'Sets the password of a user and ends the sessions. Errors: 22023 for an unknown user or a refused password, 38000 if the password check function fails.';
REVOKE ALL ON FUNCTION jwt_set_password(uuid, text) FROM PUBLIC;

CREATE FUNCTION jwt_disable_user(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_disable_user';
COMMENT ON FUNCTION jwt_disable_user(uuid) IS
'Disables a user and ends the sessions at once. Error: 22023 for an unknown user.';
REVOKE ALL ON FUNCTION jwt_disable_user(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_enable_user(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_enable_user';
COMMENT ON FUNCTION jwt_enable_user(uuid) IS
'Enables a user and clears the throttles. Errors: 22023 for an unknown user, 55P03 while a login attempt on the user does not end.';
REVOKE ALL ON FUNCTION jwt_enable_user(uuid) FROM PUBLIC;

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
'Deletes a user and all sessions; tokens die at once. Error: 22023 for an unknown user.';
REVOKE ALL ON FUNCTION jwt_delete_user(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_end_sessions(user_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_end_sessions';
COMMENT ON FUNCTION jwt_end_sessions(uuid) IS
'Ends all sessions of a user at once. Error: 22023 for an unknown user.';
REVOKE ALL ON FUNCTION jwt_end_sessions(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_start_session(user_id uuid, amr text[] DEFAULT '{}', session_ttl interval DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_start_session';
COMMENT ON FUNCTION jwt_start_session(uuid, text[], interval) IS
'Begins a session for a user whom the application has authenticated by its own means, and answers as jwt_login. amr goes into the claim amr, session_ttl shortens the session. Errors: 22023 for an unknown user, an unusable amr or session_ttl, 55000 without a signing key.';
REVOKE ALL ON FUNCTION jwt_start_session(uuid, text[], interval) FROM PUBLIC;

CREATE FUNCTION jwt_purge(max_rows integer DEFAULT 10000)
RETURNS bigint
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_purge';
COMMENT ON FUNCTION jwt_purge(integer) IS
'Removes what has expired (sessions, denials, one-time tokens, messages, throttled names, audit rows, secrets of former keys), at most so many rows, beside live traffic, and returns how many.';
REVOKE ALL ON FUNCTION jwt_purge(integer) FROM PUBLIC;

-- Anyone: the operator's check function is not called, and the work is bounded.
CREATE FUNCTION jwt_password_strength(password text, words text[] DEFAULT '{}')
RETURNS jsonb
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_password_strength';
COMMENT ON FUNCTION jwt_password_strength(text, text[]) IS
'Rates a password for a form: bits, accepted, reasons (too_short, character, blocked, too_weak) and patterns (name, dictionary, keyboard, sequence, repetition, date). words: names of the user. 22023: NULL, over 1024 bytes, or over 32 words';
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
'Checks name and password and returns an access and a refresh token (RFC 6749 section 5.1), or an error object (section 5.2): invalid_grant, invalid_request, or temporarily_unavailable with retry_after in seconds. Never raises for a denial. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 55000 without a signing key, 38000 if the claims function fails, 40001 where keys are reset meanwhile.';
REVOKE ALL ON FUNCTION jwt_login(text, text, interval) FROM PUBLIC;

CREATE FUNCTION jwt_refresh(refresh_token text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_refresh';
COMMENT ON FUNCTION jwt_refresh(text) IS
'Rotates a refresh token and returns new tokens as jwt_login does, or an error object. A replayed token ends its session. Errors as jwt_login, and 40001 where the snapshot of the transaction is too old.';
REVOKE ALL ON FUNCTION jwt_refresh(text) FROM PUBLIC;

CREATE FUNCTION jwt_change_password(old_password text, new_password text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_change_password';
COMMENT ON FUNCTION jwt_change_password(text, text) IS
'Changes the password of the current identity and ends its other sessions. Returns an empty object, or an error object as jwt_login. Errors as jwt_login, and 28J03 without an identity.';
REVOKE ALL ON FUNCTION jwt_change_password(text, text) FROM PUBLIC;

CREATE FUNCTION jwt_consume(token text, audience text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_consume';
COMMENT ON FUNCTION jwt_consume(text, text) IS
'Verifies a token of ours that belongs to no session, denies it by its jti in the same step, and returns its claims: of many calls, one gets them. Errors: 28J00 for an invalid token, one of a session or of another issuer, or one without jti, 28J01, 28J02 for one that was used or revoked, 25006 in a read-only transaction, 40001.';
REVOKE ALL ON FUNCTION jwt_consume(text, text) FROM PUBLIC;

--
-- Recovery, for the gateway, and the mailer's functions, for the role of the
-- mailer: nobody has them until the operator grants them.
--

CREATE FUNCTION jwt_request_recovery(identifier text)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_request_recovery';
COMMENT ON FUNCTION jwt_request_recovery(text) IS
'Sends a link and a code for jwt_recover to an e-mail address or phone number, and answers {"status":"sent","flow":...,"expires_in":...} whatever it finds; invalid_request for what is no address. At most 5 messages an hour and one a minute go to an address. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction.';
REVOKE ALL ON FUNCTION jwt_request_recovery(text) FROM PUBLIC;

CREATE FUNCTION jwt_recover(token text, new_password text, flow text DEFAULT NULL)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_recover';
COMMENT ON FUNCTION jwt_recover(text, text, text) IS
'Redeems a link, or a code with its flow, once: sets the password, ends all sessions and voids other tokens of the user, and answers {"status":"password_set"}; it does not log in. Else an error object as jwt_login: invalid_grant, invalid_request for a refused password, temporarily_unavailable. Errors: 22023 for NULL or more than 1024 bytes, 25006 in a read-only transaction, 38000 if the password check function fails, 55P03.';
REVOKE ALL ON FUNCTION jwt_recover(text, text, text) FROM PUBLIC;

CREATE FUNCTION jwt_create_link(user_id uuid, purpose text, expires_in interval DEFAULT NULL)
RETURNS text
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_create_link';
COMMENT ON FUNCTION jwt_create_link(uuid, text, interval) IS
'Makes a one-time token for a user, which support staff hand over: purpose recovery is for jwt_recover. expires_in defaults to jwt_auth.recovery_ttl and is at most 7 days. Error: 22023 for an unknown user, another purpose or an unusable expires_in.';
REVOKE ALL ON FUNCTION jwt_create_link(uuid, text, interval) FROM PUBLIC;

CREATE FUNCTION jwt_outbox_claim(max_messages integer DEFAULT 10, lease interval DEFAULT '1 min')
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_outbox_claim';
COMMENT ON FUNCTION jwt_outbox_claim(integer, interval) IS
'Hands messages to the mailer that calls, the oldest first, and to no other while the lease lasts: an array of {"id","kind","channel","recipient","token","code","created_at","expires_at"}. Those whose token expired, was redeemed or became void are given up. Error: 22023 for a number or lease out of range.';
REVOKE ALL ON FUNCTION jwt_outbox_claim(integer, interval) FROM PUBLIC;

CREATE FUNCTION jwt_outbox_sent(message_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_outbox_sent';
COMMENT ON FUNCTION jwt_outbox_sent(uuid) IS
'Says that a message was sent. Error: 22023 for an unknown one.';
REVOKE ALL ON FUNCTION jwt_outbox_sent(uuid) FROM PUBLIC;

CREATE FUNCTION jwt_outbox_failed(message_id uuid, error text, retry_in interval DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_outbox_failed';
COMMENT ON FUNCTION jwt_outbox_failed(uuid, text, interval) IS
'Says that a message was not sent, and why: it can be claimed again after retry_in, and is given up without it. Error: 22023 for an unknown message, an error of more than 1024 bytes or a retry_in out of range.';
REVOKE ALL ON FUNCTION jwt_outbox_failed(uuid, text, interval) FROM PUBLIC;

--
-- Sessions of the current identity
--

CREATE FUNCTION jwt_revoke(token text)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_revoke';
COMMENT ON FUNCTION jwt_revoke(text) IS
'Ends the session of a refresh token of any generation or of an access token, also an expired one; denies any other token of ours by its jti (RFC 7009). Unknown tokens are no error. Errors: 28J00 for NULL, 25006 in a read-only transaction, 55000 for a token whose key cannot be unsealed.';
GRANT EXECUTE ON FUNCTION jwt_revoke(text) TO PUBLIC;

CREATE FUNCTION jwt_logout(scope text DEFAULT 'local')
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_logout';
COMMENT ON FUNCTION jwt_logout(text) IS
'Ends the current session (local), the other ones of the user (others), or all (global). Errors: 28J03 without an identity, 22023 for another scope.';
GRANT EXECUTE ON FUNCTION jwt_logout(text) TO PUBLIC;

CREATE FUNCTION jwt_sessions()
RETURNS TABLE (session_id uuid, created_at timestamptz, refreshed_at timestamptz, expires_at timestamptz, user_agent text, client_address inet, claimed_address text, is_current boolean)
ROWS 10
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_sessions';
COMMENT ON FUNCTION jwt_sessions() IS
'Lists the live sessions of the current identity, the one refreshed last first. Error: 28J03 without an identity.';
GRANT EXECUTE ON FUNCTION jwt_sessions() TO PUBLIC;

CREATE FUNCTION jwt_revoke_session(session_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_revoke_session';
COMMENT ON FUNCTION jwt_revoke_session(uuid) IS
'Ends a session of the current identity; that of somebody else is treated as unknown, which is no error. Error: 28J03 without an identity.';
GRANT EXECUTE ON FUNCTION jwt_revoke_session(uuid) TO PUBLIC;

--
-- Identity
--

CREATE FUNCTION jwt_authenticate(token text, assume_role boolean DEFAULT false)
RETURNS jsonb
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_authenticate';
COMMENT ON FUNCTION jwt_authenticate(text, boolean) IS
'Verifies a token now, makes it the identity of the transaction and returns its claims; a leading "Bearer " is accepted. With assume_role, sets the role of the token as the local role. Errors: 28J00 to 28J02 for a bad token, 28J03 for none, 42501 for a role that may not be assumed.';
GRANT EXECUTE ON FUNCTION jwt_authenticate(text, boolean) TO PUBLIC;

CREATE FUNCTION jwt_pre_request()
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_pre_request';
COMMENT ON FUNCTION jwt_pre_request() IS
'Pre-request function for PostgREST: makes the bearer token of the request the identity of the transaction; without one, nobody is. Errors: 28J00 to 28J02, 28J00 too unless PostgREST accepted the same claims (request.jwt.claims), 42501 for a role that a trusted issuer may not name.';
GRANT EXECUTE ON FUNCTION jwt_pre_request() TO PUBLIC;

CREATE FUNCTION jwt_postgrest_config(with_issuers boolean DEFAULT false)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'jwt_postgrest_config';
COMMENT ON FUNCTION jwt_postgrest_config(boolean) IS
'Configuration function for PostgREST (db-pre-config): sets pgrst.jwt_secret to the public keys that PostgREST can use (ES256, ES384, ES512, RS256, EdDSA), and pgrst.jwt_aud to jwt_auth.audience; with with_issuers, the keys of trusted issuers too, and no audience. Warns if the active key is of another algorithm. Error: 55000 without a usable key.';
GRANT EXECUTE ON FUNCTION jwt_postgrest_config(boolean) TO PUBLIC;

CREATE FUNCTION jwt_claims()
RETURNS jsonb
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_claims';
COMMENT ON FUNCTION jwt_claims() IS
'The verified claims of the current identity; NULL without a token. Errors: 28J00 to 28J02 for a bad token.';
GRANT EXECUTE ON FUNCTION jwt_claims() TO PUBLIC;

CREATE FUNCTION jwt_claim(name text)
RETURNS text
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_claim';
COMMENT ON FUNCTION jwt_claim(text) IS
'A verified claim as text, as ->> gives it; NULL without it or without a token. Errors: 28J00 to 28J02 for a bad token.';
GRANT EXECUTE ON FUNCTION jwt_claim(text) TO PUBLIC;

CREATE FUNCTION jwt_user_id()
RETURNS uuid
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_user_id';
COMMENT ON FUNCTION jwt_user_id() IS
'The user of the current identity; NULL without a token, for the token of another issuer, and for a sub that is no UUID. Errors: 28J00 to 28J02 for a bad token.';
GRANT EXECUTE ON FUNCTION jwt_user_id() TO PUBLIC;

CREATE FUNCTION jwt_session_id()
RETURNS uuid
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_session_id';
COMMENT ON FUNCTION jwt_session_id() IS
'The session of the current identity; NULL without a token, or if it belongs to no session of ours. Errors: 28J00 to 28J02 for a bad token.';
GRANT EXECUTE ON FUNCTION jwt_session_id() TO PUBLIC;

CREATE FUNCTION jwt_issuer()
RETURNS text
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_issuer';
COMMENT ON FUNCTION jwt_issuer() IS
'The iss of the current identity; NULL if there is none. Errors: 28J00 to 28J02 for a bad token.';
GRANT EXECUTE ON FUNCTION jwt_issuer() TO PUBLIC;

CREATE FUNCTION jwt_role()
RETURNS text
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_role';
COMMENT ON FUNCTION jwt_role() IS
'The role of the current identity; NULL if there is none, or if its issuer may not name it. Errors: 28J00 to 28J02 for a bad token.';
GRANT EXECUTE ON FUNCTION jwt_role() TO PUBLIC;

CREATE FUNCTION jwt_has_scope(scope text)
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_has_scope';
COMMENT ON FUNCTION jwt_has_scope(text) IS
'Whether the claim scope of the current identity, or scp where there is none, holds this one (RFC 8693 section 4.2); false without a token. Errors: 28J00 to 28J02 for a bad token.';
GRANT EXECUTE ON FUNCTION jwt_has_scope(text) TO PUBLIC;

CREATE FUNCTION jwt_has_role(role text)
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_has_role';
COMMENT ON FUNCTION jwt_has_role(text) IS
'Whether this is the role of the current identity; false without a token. Errors: 28J00 to 28J02 for a bad token.';
GRANT EXECUTE ON FUNCTION jwt_has_role(text) TO PUBLIC;

CREATE FUNCTION jwt_require_scope(scope text)
RETURNS void
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'jwt_require_scope';
COMMENT ON FUNCTION jwt_require_scope(text) IS
'Raises 42501 unless the current identity has the scope, and 28J03 without a token.';
GRANT EXECUTE ON FUNCTION jwt_require_scope(text) TO PUBLIC;

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
'Lets the counters of the current database in jwt_auth.statistics begin at zero.';
REVOKE ALL ON FUNCTION jwt_reset_statistics() FROM PUBLIC;

CREATE VIEW jwt_auth.statistics AS
SELECT s.database, s.name, s.value, s.since FROM @extschema@.jwt_statistics() AS s;
REVOKE ALL ON TABLE jwt_auth.statistics FROM PUBLIC;
COMMENT ON VIEW jwt_auth.statistics IS 'What happened in each database since the server started; empty unless shared_preload_libraries names jwt_auth';
COMMENT ON COLUMN jwt_auth.statistics.database IS 'Name of the database; NULL for dropped databases and those that have no counters of their own';
COMMENT ON COLUMN jwt_auth.statistics.name IS 'Name of the counter';
COMMENT ON COLUMN jwt_auth.statistics.value IS 'What it counted; microseconds where its name says so';
COMMENT ON COLUMN jwt_auth.statistics.since IS 'Start of the server, first use of the database, or last call of jwt_reset_statistics()';

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
