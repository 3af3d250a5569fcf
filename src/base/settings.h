/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  Values of the jwt_auth.* settings; jwt_auth.c defines them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SETTINGS_H
#define JA_SETTINGS_H

#include "base/string.h"

/* Most sessions to which a user can be limited. */
#define JA_MAX_SESSIONS 1000000

/* What jwt_auth.audit lets into the audit log. */
typedef enum JaAuditLevel
{
	JA_AUDIT_OFF,
	JA_AUDIT_SECURITY,
	JA_AUDIT_ALL
} JaAuditLevel;

/* Whether a passkey must have verified its user (WebAuthn section 5.8.6). */
typedef enum JaUserVerification
{
	JA_VERIFICATION_REQUIRED,
	JA_VERIFICATION_PREFERRED,
	JA_VERIFICATION_DISCOURAGED
} JaUserVerification;

/* Whether users must have a second factor, as the setting says. */
typedef enum JaMfaEnrollment
{
	JA_ENROLLMENT_OPTIONAL,
	JA_ENROLLMENT_REQUIRED
} JaMfaEnrollment;

/* What a login does that would be one session too many. */
typedef enum JaSessionLimitAction
{
	JA_SESSION_LIMIT_END_OLDEST,
	JA_SESSION_LIMIT_DENY
} JaSessionLimitAction;

typedef struct JaSettings
{
	char	   *issuer;			/* NULL or empty: own tokens carry none */
	char	   *audience;		/* NULL or empty: unknown */
	char	   *token_endpoint; /* NULL or empty: not told */
	char	   *jwks_uri;		/* NULL or empty: not told */
	int			access_token_ttl_seconds;
	int			max_token_ttl_seconds;
	int			leeway_seconds;
	bool		require_exp;
	bool		check_revocation;
	int			max_token_size; /* bytes */
	int			token_cache_size;	/* entries */
	char	   *master_key_file;	/* NULL or empty: none */
	char	   *oauth_jwks_file;	/* NULL or empty: none */
	int			session_ttl_seconds;
	int			session_idle_timeout_seconds;
	int			refresh_grace_seconds;
	int			max_sessions_per_user;	/* 0: no limit */
	int			session_limit_action;	/* a JaSessionLimitAction */
	int			aal2_lifetime_seconds;
	int			mfa_enrollment; /* a JaMfaEnrollment */
	int			password_min_length;	/* characters */
	int			password_min_bits;	/* 0: not estimated */
	int			argon2_memory_kib;
	int			argon2_iterations;
	int			login_max_failures;
	int			recovery_ttl_seconds;
	int			login_ttl_seconds;	/* of a link or code */
	bool		login_link_any_device;
	int			identifier_ttl_seconds;
	int			undo_ttl_seconds;
	char	   *notices;		/* a list of kinds, all or none */
	bool		sign_up;		/* whether users sign up by themselves */
	int			sign_up_ttl_seconds;
	char	   *sign_up_role;	/* NULL or empty: none */
	char	   *sign_up_function;	/* NULL or empty: none */
	int			invitation_ttl_seconds;
	bool		anonymous_sign_up;
	char	   *anonymous_role; /* NULL or empty: none */
	bool		outbox_notify;
	char	   *webauthn_rp_id; /* NULL or empty: no passkeys */
	char	   *webauthn_rp_name;	/* NULL or empty: as the id */
	char	   *webauthn_origins;	/* NULL or empty: https and the id */
	int			webauthn_user_verification; /* a JaUserVerification */
	char	   *claims_function;	/* NULL or empty: none */
	char	   *password_check_function;	/* NULL or empty: none */
	int			audit;			/* a JaAuditLevel */
	int			audit_retention_seconds;
	int			max_password_hashes;	/* at a time; 0: not preloaded */
	int			max_waiting_password_hashes;	/* at a time; negative: by the
												 * former */
	int			shared_attempts;	/* entries; 0: not preloaded */
	int			shared_tokens;	/* entries; 0: none, or not preloaded */
	char	   *worker_databases;	/* a list, or "*"; NULL or empty: none */
	int			worker_naptime_seconds;
	int			rotate_after_seconds;	/* 0: not by age */
	char	   *fetch_ca_file;	/* NULL or empty: the system's authorities */
} JaSettings;

extern JaSettings ja_settings;

/* A text setting; data is NULL where it is unset or empty. */
static inline JaString
ja_settings_text(const char *value)
{
	if (value == NULL || value[0] == '\0')
		return (JaString) {NULL, 0};
	return (JaString) {value, strlen(value)};
}

/*
 * Rises with whatever may change who the transaction acts for: an assignment
 * of the token or of another setting, the end of a transaction, a verification.
 * What was found at one value holds only as long as the value stays.
 */
extern uint64 ja_settings_epoch;

extern void ja_settings_refuse_options(const char *except);

#endif							/* JA_SETTINGS_H */
