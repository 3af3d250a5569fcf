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
	JA_PROVIDERS,
	JA_PROVIDERS_PKEY,
	JA_IDENTITIES,
	JA_IDENTITIES_PKEY,
	JA_IDENTITIES_USER,
	JA_USERS,
	JA_USERS_PKEY,
	JA_USERS_POSITION,
	JA_USERS_DISABLED,
	JA_USERS_BANNED,
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
	JA_API_TOKENS,
	JA_API_TOKENS_PKEY,
	JA_CLIENTS,
	JA_CLIENTS_PKEY,
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
	JA_USED_HANDLES,
	JA_USED_HANDLES_PKEY,
	JA_USED_HANDLES_EXPIRY,
	JA_WEBAUTHN_CREDENTIALS,
	JA_WEBAUTHN_CREDENTIALS_ID,
	JA_WEBAUTHN_CREDENTIALS_USER,
	JA_FACTORS,
	JA_FACTORS_USER,
	JA_FACTORS_PENDING,
	JA_LOGIN_THROTTLE,
	JA_LOGIN_THROTTLE_PKEY,
	JA_LOGIN_THROTTLE_LAST_FAILURE,
	JA_AUDIT_LOG,
	JA_AUDIT_LOG_DENIED,
	JA_AUDIT_LOG_TIME,
	JA_BLOCKED_PASSWORDS,
	JA_BLOCKED_PASSWORDS_PKEY,
	JA_KEY_INVALIDATION,
	JA_REVOCATION_INVALIDATION,

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
	Anum_providers_name = 1,
	Anum_providers_issuer,
	Anum_providers_issuers,
	Anum_providers_client_ids,
	Anum_providers_options,
	Anum_providers_jwks,
	Anum_providers_keys_wanted_at,
	Anum_providers_created_at
};

enum
{
	Anum_identities_provider = 1,
	Anum_identities_issuer,
	Anum_identities_subject,
	Anum_identities_user_id
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
	Anum_users_factor_failures,
	Anum_users_mfa_enrollment,
	Anum_users_max_sessions,
	Anum_users_banned_at,
	Anum_users_banned_until,
	Anum_users_ban_reason,
	Anum_users_is_anonymous,
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
	Anum_sessions_user_agent = 7,
	Anum_sessions_claimed_address = 9,
	Anum_sessions_active_at,
	Anum_sessions_amr,
	Anum_sessions_aal,
	Anum_sessions_auth_time,
	Anum_sessions_factor_id,
	Anum_sessions_method,
	Anum_sessions_actor
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
	Anum_api_tokens_session_id = 1,
	Anum_api_tokens_nonce,
	Anum_api_tokens_name,
	Anum_api_tokens_scope,
	Anum_api_tokens_last_used_at
};

enum
{
	Anum_clients_id = 1,
	Anum_clients_name,
	Anum_clients_role,
	Anum_clients_scope,
	Anum_clients_jwks,
	Anum_clients_credential_id,
	Anum_clients_secret_hash,
	Anum_clients_former_credential_id,
	Anum_clients_former_secret_hash
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
	Anum_one_time_tokens_consumed_at,
	Anum_one_time_tokens_data
};

enum
{
	Anum_outbox_expires_at = 7
};

enum
{
	Anum_used_handles_hash = 1,
	Anum_used_handles_expires_at
};

enum
{
	Anum_webauthn_credentials_id = 1,
	Anum_webauthn_credentials_user_id,
	Anum_webauthn_credentials_credential_id,
	Anum_webauthn_credentials_public_key,
	Anum_webauthn_credentials_user_handle,
	Anum_webauthn_credentials_counter,
	Anum_webauthn_credentials_backup_eligible,
	Anum_webauthn_credentials_backed_up,
	Anum_webauthn_credentials_aaguid,
	Anum_webauthn_credentials_transports,
	Anum_webauthn_credentials_name,
	Anum_webauthn_credentials_created_at,
	Anum_webauthn_credentials_last_used_at
};

enum
{
	Anum_factors_id = 1,
	Anum_factors_user_id,
	Anum_factors_type,
	Anum_factors_name,
	Anum_factors_secret,
	Anum_factors_sealed_by,
	Anum_factors_last_step,
	Anum_factors_created_at,
	Anum_factors_confirmed_at
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
