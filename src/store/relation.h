/*-------------------------------------------------------------------------
 *
 * relation.h
 *	  The extension's tables and indexes: OIDs, and numbers of columns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_RELATION_H
#define JA_RELATION_H

/* The schema that holds them all. */
#define JA_SCHEMA "jwt_auth"

typedef enum JaRelation
{
	JA_KEYS,
	JA_KEYS_PKEY,
	JA_KEYS_NUMBER,
	JA_KEYS_ACTIVE,
	JA_ISSUERS,
	JA_ISSUERS_PKEY,
	JA_ISSUERS_ANONYMOUS,
	JA_USERS,
	JA_USERS_PKEY,
	JA_USERS_POSITION,
	JA_USERS_DISABLED,
	JA_IDENTIFIERS,
	JA_IDENTIFIERS_PKEY,
	JA_IDENTIFIERS_USER,
	JA_SESSIONS,
	JA_SESSIONS_PKEY,
	JA_SESSIONS_LIVE,
	JA_SESSIONS_EXPIRY,
	JA_SESSIONS_REVOCATION,
	JA_SESSIONS_ACTIVITY,
	JA_REFRESH_TOKENS,
	JA_REFRESH_TOKENS_PKEY,
	JA_REVOKED_TOKENS,
	JA_REVOKED_TOKENS_PKEY,
	JA_REVOKED_TOKENS_EXPIRY,
	JA_DELETED_USERS,
	JA_DELETED_USERS_PKEY,
	JA_ONE_TIME_TOKENS,
	JA_ONE_TIME_TOKENS_PKEY,
	JA_ONE_TIME_TOKENS_EXPIRY,
	JA_OUTBOX,
	JA_OUTBOX_EXPIRY,
	JA_LOGIN_THROTTLE,
	JA_LOGIN_THROTTLE_PKEY,
	JA_LOGIN_THROTTLE_LAST_FAILURE,
	JA_AUDIT_LOG,
	JA_AUDIT_LOG_DENIED,
	JA_AUDIT_LOG_TIME,
	JA_BLOCKED_PASSWORDS,
	JA_BLOCKED_PASSWORDS_PKEY,
	JA_KEY_SIGNAL,
	JA_REVOCATION_SIGNAL,

	JA_RELATION_COUNT
} JaRelation;

/* Columns, in the order of the install script, named as PostgreSQL names its own. */
enum
{
	Anum_keys_kid = 1,
	Anum_keys_use,
	Anum_keys_alg,
	Anum_keys_number,
	Anum_keys_thumbprint,
	Anum_keys_public_jwk,
	Anum_keys_private_jwk,
	Anum_keys_sealed_by,
	Anum_keys_was_clear,
	Anum_keys_created_at,
	Anum_keys_activated_at,
	Anum_keys_verify_until,
	Anum_keys_revoked_at
};

enum
{
	Anum_issuers_issuer = 1,
	Anum_issuers_audience,
	Anum_issuers_roles,
	Anum_issuers_options,
	Anum_issuers_is_anonymous,
	Anum_issuers_jwks,
	Anum_issuers_secret_jwks,
	Anum_issuers_sealed_by
};

enum
{
	Anum_users_id = 1,
	Anum_users_username,
	Anum_users_password_hash,
	Anum_users_imported_hash,
	Anum_users_role,
	Anum_users_claims,
	Anum_users_created_at,
	Anum_users_password_set_at,
	Anum_users_disabled_at,
	Anum_users_credentials_version,
	Anum_users_code_failures,
	Anum_users_position
};

enum
{
	Anum_identifiers_canonical = 1,
	Anum_identifiers_user_id,
	Anum_identifiers_kind,
	Anum_identifiers_value,
	Anum_identifiers_created_at,
	Anum_identifiers_verified_at
};

enum
{
	Anum_sessions_id = 1,
	Anum_sessions_user_id,
	Anum_sessions_created_at,
	Anum_sessions_expires_at,
	Anum_sessions_revoked_at,
	Anum_sessions_amr = 11
};

enum
{
	Anum_refresh_tokens_session_id = 1,
	Anum_refresh_tokens_generation,
	Anum_refresh_tokens_nonce,
	Anum_refresh_tokens_earlier,
	Anum_refresh_tokens_key_number,
	Anum_refresh_tokens_rotated_at
};

enum
{
	Anum_revoked_tokens_issuer = 1,
	Anum_revoked_tokens_jti,
	Anum_revoked_tokens_expires_at
};

enum
{
	Anum_deleted_users_id = 1,
	Anum_deleted_users_deleted_at
};

enum
{
	Anum_one_time_tokens_id = 1,
	Anum_one_time_tokens_user_id,
	Anum_one_time_tokens_purpose,
	Anum_one_time_tokens_recipient,
	Anum_one_time_tokens_canonical,
	Anum_one_time_tokens_credentials_version,
	Anum_one_time_tokens_nonce,
	Anum_one_time_tokens_key_number,
	Anum_one_time_tokens_failures,
	Anum_one_time_tokens_created_at,
	Anum_one_time_tokens_expires_at,
	Anum_one_time_tokens_consumed_at
};

enum
{
	Anum_outbox_expires_at = 7
};

enum
{
	Anum_login_throttle_name_hash = 1,
	Anum_login_throttle_failures,
	Anum_login_throttle_last_failure_at
};

enum
{
	Anum_audit_log_id = 1,
	Anum_audit_log_at,
	Anum_audit_log_event,
	Anum_audit_log_reason,
	Anum_audit_log_user_id,
	Anum_audit_log_session_id
};

enum
{
	Anum_blocked_passwords_sha1 = 1
};

/* What pg_index has for the column of an index that is an expression. */
#define JA_EXPRESSION 0

extern Oid	ja_relation_oid(JaRelation relation);
extern Oid	ja_relation_owner(JaRelation relation);
extern bool ja_relation_is_known(Oid relation);
extern void ja_relation_forget(void);

#endif							/* JA_RELATION_H */
