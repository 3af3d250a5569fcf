/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  The settings: names, defaults, ranges.
 *
 * Every setting can be changed by superusers only, since each of them is a
 * security decision of the operator.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "datatype/timestamp.h"
#include "utils/guc.h"

#include "account/notice.h"
#include "base/settings.h"
#include "factor/relying_party.h"
#include "keyring/key_use.h"
#include "settings.h"
#include "store/hook.h"
#include "worker/served.h"

#define SECONDS_PER_YEAR (366 * 24 * 60 * 60)

/* What was verified with the former settings is verified again. */
static void
note_string(const char *value pg_attribute_unused(), void *extra pg_attribute_unused())
{
	ja_settings_epoch++;
}

static void
note_integer(int value pg_attribute_unused(), void *extra pg_attribute_unused())
{
	ja_settings_epoch++;
}

static void
note_bool(bool value pg_attribute_unused(), void *extra pg_attribute_unused())
{
	ja_settings_epoch++;
}

/* Whether the definitions are over, which take values from before them. */
static bool are_defined;

/*
 * Whether somebody sets a value now.  Only that can be refused: without one that was
 * stored, or set before the library was loaded, PostgreSQL would go on.
 */
static bool
is_set_now(GucSource source)
{
	return are_defined && !InitializingParallelWorker && source >= PGC_S_INTERACTIVE;
}

/*
 * Refuses a malformed name of a function where somebody sets it now.  One that
 * has to stay fails when the function is called, since otherwise nobody would check
 * passwords.
 */
static bool
check_function_name(char **value, void **extra pg_attribute_unused(), GucSource source)
{
	if (!is_set_now(source) || ja_hook_name_is_right(*value))
		return true;
	GUC_check_errdetail("The name of a function must be a schema and a name separated by a dot.");
	GUC_check_errhint("Write it as schema.name, without arguments, and put names that are not in lower case in double quotes.");
	return false;
}

static void
define_function(const char *name, const char *description, char **value)
{
	DefineCustomStringVariable(name, description, NULL, value, NULL,
							   PGC_SUSET, 0, check_function_name, note_string, NULL);
}

static void
define_string(const char *name, const char *description, char **value)
{
	DefineCustomStringVariable(name, description, NULL, value, NULL,
							   PGC_SUSET, 0, NULL, note_string, NULL);
}

/* What a setting is at first, and may be. */
typedef struct Range
{
	int			initial;
	int			lowest;
	int			highest;
} Range;

static void
define_seconds(const char *name, const char *description, int *value, Range range)
{
	DefineCustomIntVariable(name, description, NULL, value,
							range.initial, range.lowest, range.highest,
							PGC_SUSET, GUC_UNIT_S, NULL, note_integer, NULL);
}

static void
define_bool(const char *name, const char *description, bool *value, bool initial)
{
	DefineCustomBoolVariable(name, description, NULL, value, initial,
							 PGC_SUSET, 0, NULL, note_bool, NULL);
}

static void
define_token_settings(void)
{
	define_string("jwt_auth.issuer",
				  "Issuer (iss) that this database's own tokens carry.",
				  &ja_settings.issuer);
	define_string("jwt_auth.audience",
				  "Audience (aud) that this database's own tokens carry and must have.",
				  &ja_settings.audience);
	define_string("jwt_auth.token_endpoint",
				  "Address of the token endpoint, for jwt_discovery().",
				  &ja_settings.token_endpoint);
	define_string("jwt_auth.jwks_uri",
				  "Address of the JWK Set, for jwt_discovery().",
				  &ja_settings.jwks_uri);
	define_seconds("jwt_auth.access_token_ttl",
				   "How long an access token is valid.",
				   &ja_settings.access_token_ttl_seconds, (Range) {15 * 60, 1, SECONDS_PER_YEAR});
	define_seconds("jwt_auth.max_token_ttl",
				   "How long any token of this database may be valid.",
				   &ja_settings.max_token_ttl_seconds, (Range) {24 * 60 * 60, 1, 10 * SECONDS_PER_YEAR});
	define_seconds("jwt_auth.leeway",
				   "Clock difference tolerated in the time claims of a token.",
				   &ja_settings.leeway_seconds, (Range) {30, 0, 300});
	define_bool("jwt_auth.require_exp",
				"Refuses tokens that do not expire.",
				&ja_settings.require_exp, true);
	define_bool("jwt_auth.check_revocation",
				"Refuses tokens whose session has ended or whose jti was denied.",
				&ja_settings.check_revocation, true);
	DefineCustomIntVariable("jwt_auth.max_token_size",
							"Maximum size of a token that is read or signed.",
							NULL, &ja_settings.max_token_size,
							16 * 1024, 256, 1024 * 1024,
							PGC_SUSET, GUC_UNIT_BYTE, NULL, note_integer, NULL);
	DefineCustomIntVariable("jwt_auth.token_cache_size",
							"Number of verified tokens that each backend remembers.",
							NULL, &ja_settings.token_cache_size,
							256, 0, 65536,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_key_settings(void)
{
	DefineCustomStringVariable("jwt_auth.master_key_file",
							   "File with the keys that seal private keys and secrets.",
							   NULL, &ja_settings.master_key_file, NULL,
							   PGC_SUSET, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	/* Read before there are settings of a database or role. */
	DefineCustomStringVariable("jwt_auth.oauth_jwks_file",
							   "File with the public keys of tokens that open connections.",
							   NULL, &ja_settings.oauth_jwks_file, NULL,
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

static const struct config_enum_entry enrollments[] = {
	{"optional", JA_ENROLLMENT_OPTIONAL, false},
	{"required", JA_ENROLLMENT_REQUIRED, false},
	{NULL, 0, false}
};

static const struct config_enum_entry session_limit_actions[] = {
	{"end_oldest", JA_SESSION_LIMIT_END_OLDEST, false},
	{"deny", JA_SESSION_LIMIT_DENY, false},
	{NULL, 0, false}
};

static void
define_session_limit(void)
{
	DefineCustomIntVariable("jwt_auth.max_sessions_per_user",
							"Maximum number of sessions per user; 0 means no limit.",
							NULL, &ja_settings.max_sessions_per_user,
							100, 0, JA_MAX_SESSIONS, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("jwt_auth.session_limit_action",
							 "Whether a login beyond the maximum number of sessions ends the least recently refreshed one, or is denied.",
							 NULL, &ja_settings.session_limit_action,
							 JA_SESSION_LIMIT_END_OLDEST, session_limit_actions,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_session_settings(void)
{
	define_seconds("jwt_auth.session_ttl",
				   "Maximum duration of a session.",
				   &ja_settings.session_ttl_seconds, (Range) {30 * SECS_PER_DAY, 60, 10 * SECONDS_PER_YEAR});
	define_seconds("jwt_auth.session_idle_timeout",
				   "How long a session lasts without a refresh.",
				   &ja_settings.session_idle_timeout_seconds, (Range) {7 * SECS_PER_DAY, 60, 10 * SECONDS_PER_YEAR});
	define_seconds("jwt_auth.refresh_grace",
				   "How long a replaced refresh token still returns the current one.",
				   &ja_settings.refresh_grace_seconds, (Range) {10, 0, 60});
	define_seconds("jwt_auth.aal2_lifetime",
				   "How long a second factor is valid.",
				   &ja_settings.aal2_lifetime_seconds, (Range) {24 * 60 * 60, 1, SECONDS_PER_YEAR});
	DefineCustomEnumVariable("jwt_auth.mfa_enrollment",
							 "Whether users must enroll a second factor before they get a session.",
							 NULL, &ja_settings.mfa_enrollment, JA_ENROLLMENT_OPTIONAL, enrollments,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	define_session_limit();
}

static void
define_password_settings(void)
{
	DefineCustomIntVariable("jwt_auth.password_min_length",
							"Minimum number of characters of a new password.",
							NULL, &ja_settings.password_min_length,
							15, 1, 1024, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.password_min_bits",
							"Minimum strength of a new password, in bits; 0 disables the check.",
							NULL, &ja_settings.password_min_bits,
							30, 0, 128, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.argon2_memory",
							"Memory used by an Argon2id hash.",
							NULL, &ja_settings.argon2_memory_kib,
							19 * 1024, 8, 256 * 1024, PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.argon2_iterations",
							"Number of passes over the memory of an Argon2id hash.",
							NULL, &ja_settings.argon2_iterations,
							2, 1, 64, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.login_max_failures",
							"Number of failed logins after which further attempts must wait.",
							NULL, &ja_settings.login_max_failures,
							5, 1, 1000, PGC_SUSET, 0, NULL, NULL, NULL);
	define_function("jwt_auth.claims_function",
					"Function that adds claims to access tokens.",
					&ja_settings.claims_function);
	define_function("jwt_auth.password_check_function",
					"Function that validates new passwords.",
					&ja_settings.password_check_function);
}

/* Refuses a list with a kind of notice that there is not. */
static bool
check_notices(char **value, void **extra pg_attribute_unused(),
			  GucSource source pg_attribute_unused())
{
	if (ja_notices_are_known(*value))
		return true;
	GUC_check_errhint("Kinds of notices are %s; or set it to all or none.", ja_notices_names());
	return false;
}

static void
define_message_settings(void)
{
	define_seconds("jwt_auth.recovery_ttl",
				   "How long a link or code to recover an account is valid.",
				   &ja_settings.recovery_ttl_seconds,
				   (Range) {60 * 60, 60, JA_HANDLE_MAX_LIFE_SECONDS});
	define_seconds("jwt_auth.login_ttl",
				   "How long a link or code to log in is valid.",
				   &ja_settings.login_ttl_seconds,
				   (Range) {10 * 60, 60, JA_HANDLE_MAX_LIFE_SECONDS});
	define_bool("jwt_auth.login_link_any_device",
				"Lets a link log in wherever it is opened, without the flow of the browser that asked for it.",
				&ja_settings.login_link_any_device, false);
	define_seconds("jwt_auth.identifier_ttl",
				   "How long a link or code to add an address to an account is valid.",
				   &ja_settings.identifier_ttl_seconds,
				   (Range) {60 * 60, 60, JA_HANDLE_MAX_LIFE_SECONDS});
	define_seconds("jwt_auth.undo_ttl",
				   "How long a link to undo a change of identifiers is valid.",
				   &ja_settings.undo_ttl_seconds,
				   (Range) {72 * 60 * 60, 60, JA_HANDLE_MAX_LIFE_SECONDS});
	DefineCustomStringVariable("jwt_auth.notices",
							   "Which notices users get: kinds with commas between them, all or none.",
							   NULL, &ja_settings.notices, "all",
							   PGC_SUSET, GUC_LIST_INPUT, check_notices, ja_notices_assign, NULL);
	define_bool("jwt_auth.outbox_notify",
				"Sends a notification on the channel jwt_auth_outbox for new messages.",
				&ja_settings.outbox_notify, true);
}

static bool
check_rp_id(char **value, void **extra pg_attribute_unused(), GucSource source)
{
	if (!is_set_now(source) || *value == NULL || ja_relying_party_id_is_right(*value))
		return true;
	GUC_check_errdetail("It must be a domain in lower case, without scheme, port or path.");
	GUC_check_errhint("Use example.org to have passkeys that all hosts below it share.");
	return false;
}

static bool
check_origins(char **value, void **extra pg_attribute_unused(), GucSource source)
{
	if (!is_set_now(source) || *value == NULL || ja_relying_party_origins_are_right(*value))
		return true;
	GUC_check_errdetail("An origin is a scheme, a host in lower case and perhaps a port, without a slash at the end.");
	GUC_check_errhint("List them with commas: https://example.org, https://login.example.org:8443.");
	return false;
}

static const struct config_enum_entry user_verifications[] = {
	{"required", JA_VERIFICATION_REQUIRED, false},
	{"preferred", JA_VERIFICATION_PREFERRED, false},
	{"discouraged", JA_VERIFICATION_DISCOURAGED, false},
	{NULL, 0, false}
};

static void
define_passkey_settings(void)
{
	DefineCustomStringVariable("jwt_auth.webauthn_rp_id",
							   "Domain that passkeys are for.",
							   NULL, &ja_settings.webauthn_rp_id, NULL,
							   PGC_SUSET, 0, check_rp_id, NULL, NULL);
	DefineCustomStringVariable("jwt_auth.webauthn_rp_name",
							   "Name of the application that authenticators show.",
							   NULL, &ja_settings.webauthn_rp_name, NULL,
							   PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("jwt_auth.webauthn_origins",
							   "Origins of the pages that may use passkeys.",
							   NULL, &ja_settings.webauthn_origins, NULL,
							   PGC_SUSET, 0, check_origins, NULL, NULL);
	DefineCustomEnumVariable("jwt_auth.webauthn_user_verification",
							 "Whether a passkey must have verified its user.",
							 NULL, &ja_settings.webauthn_user_verification,
							 JA_VERIFICATION_REQUIRED, user_verifications,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_sign_up_settings(void)
{
	define_bool("jwt_auth.sign_up",
				"Lets users sign up by themselves.",
				&ja_settings.sign_up, false);
	define_seconds("jwt_auth.sign_up_ttl",
				   "How long a link or code to confirm a sign-up is valid.",
				   &ja_settings.sign_up_ttl_seconds,
				   (Range) {SECS_PER_DAY, 60, JA_HANDLE_MAX_LIFE_SECONDS});
	define_string("jwt_auth.sign_up_role",
				  "Role of users who sign up.",
				  &ja_settings.sign_up_role);
	define_function("jwt_auth.sign_up_function",
					"Function that says who may sign up, with which role and claims.",
					&ja_settings.sign_up_function);
	define_bool("jwt_auth.anonymous_sign_up",
				"Lets users sign up who stay anonymous.",
				&ja_settings.anonymous_sign_up, false);
	define_string("jwt_auth.anonymous_role",
				  "Role of anonymous users.",
				  &ja_settings.anonymous_role);
	define_seconds("jwt_auth.invitation_ttl",
				   "How long an invitation is valid.",
				   &ja_settings.invitation_ttl_seconds,
				   (Range) {7 * SECS_PER_DAY, 60, JA_HANDLE_MAX_LIFE_SECONDS});
}

static const struct config_enum_entry audit_levels[] = {
	{"off", JA_AUDIT_OFF, false},
	{"security", JA_AUDIT_SECURITY, false},
	{"all", JA_AUDIT_ALL, false},
	{NULL, 0, false}
};

static void
define_audit_settings(void)
{
	DefineCustomEnumVariable("jwt_auth.audit",
							 "What is written to the audit log.",
							 NULL, &ja_settings.audit, JA_AUDIT_SECURITY, audit_levels,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	define_seconds("jwt_auth.audit_retention",
				   "How long rows of the audit log are kept.",
				   &ja_settings.audit_retention_seconds, (Range) {90 * SECS_PER_DAY, 60, 20 * SECONDS_PER_YEAR});
}

static bool
check_databases(char **value, void **extra pg_attribute_unused(),
				GucSource source pg_attribute_unused())
{
	if (ja_served_list_is_right(*value))
		return true;
	GUC_check_errdetail("List names of databases with commas between them, or * for all.");
	return false;
}

/* The launcher, which has no database, reads all but how old a key may get. */
static void
define_worker_settings(void)
{
	DefineCustomStringVariable("jwt_auth.worker_databases",
							   "Databases that a background worker looks after; * means all.",
							   NULL, &ja_settings.worker_databases, "",
							   PGC_SIGHUP, GUC_LIST_INPUT, check_databases, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.worker_naptime",
							"Time between two visits of the background worker to a database.",
							NULL, &ja_settings.worker_naptime_seconds,
							60, 1, 24 * 60 * 60, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	define_seconds("jwt_auth.rotate_after",
				   "How old the signing key may get before the background worker rotates it; 0 means any age.",
				   &ja_settings.rotate_after_seconds, (Range) {0, 0, 20 * SECONDS_PER_YEAR});
	DefineCustomStringVariable("jwt_auth.fetch_ca_file",
							   "File with the certificate authorities of servers from which keys are fetched.",
							   NULL, &ja_settings.fetch_ca_file, NULL,
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
}

/* Defines all settings but that of the token. */
void
ja_settings_define(void)
{
	define_token_settings();
	define_key_settings();
	define_session_settings();
	define_password_settings();
	define_message_settings();
	define_passkey_settings();
	define_sign_up_settings();
	define_audit_settings();
	define_worker_settings();
	ja_shared_settings_define();
}

/* From now on, what is set is what somebody sets. */
void
ja_settings_end_definitions(void)
{
	MarkGUCPrefixReserved("jwt_auth");
	are_defined = true;
}
