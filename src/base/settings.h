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

/* What jwt_auth.audit lets into the audit log. */
typedef enum JaAuditLevel
{
	JA_AUDIT_OFF,
	JA_AUDIT_SECURITY,
	JA_AUDIT_ALL
} JaAuditLevel;

typedef struct JaSettings
{
	char	   *issuer;			/* NULL or empty: own tokens carry none */
	char	   *audience;		/* NULL or empty: unknown */
	int			access_token_ttl_seconds;
	int			max_token_ttl_seconds;
	int			leeway_seconds;
	bool		require_exp;
	bool		check_revocation;
	int			max_token_size; /* bytes */
	int			token_cache_size;	/* entries */
	char	   *master_key_file;	/* NULL or empty: none */
	int			session_ttl_seconds;
	int			session_idle_timeout_seconds;
	int			refresh_grace_seconds;
	int			max_sessions_per_user;	/* 0: no limit */
	int			password_min_length;	/* characters */
	int			password_min_bits;	/* 0: not estimated */
	int			argon2_memory_kib;
	int			argon2_iterations;
	int			login_max_failures;
	int			recovery_ttl_seconds;
	bool		outbox_notify;
	char	   *claims_function;	/* NULL or empty: none */
	char	   *password_check_function;	/* NULL or empty: none */
	int			audit;			/* a JaAuditLevel */
	int			audit_retention_seconds;
	int			max_password_hashes;	/* at a time; 0: not preloaded */
	int			shared_attempts;	/* entries; 0: not preloaded */
	int			shared_tokens;	/* entries; 0: none, or not preloaded */
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
