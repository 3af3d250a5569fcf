/*-------------------------------------------------------------------------
 *
 * jwt_auth.c
 *	  Module entry: settings and callbacks.
 *
 * Every setting can be changed by superusers only, since each of them is a
 * security decision of the operator.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "base/settings.h"
#include "identity/identity.h"
#include "identity/token_setting.h"
#include "keyring/key_use.h"
#include "session/throttle.h"
#include "shared/hash_slots.h"
#include "shared/memory.h"
#include "store/hook.h"
#include "store/signal.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

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
static bool is_loaded;

/*
 * Refuses a malformed name of a function where somebody sets it now.  One that
 * was stored, or set before the library was loaded, has to stay: PostgreSQL
 * would go on without it, and nobody would check passwords.  It fails when the
 * function is called.
 */
static bool
check_function_name(char **value, void **extra pg_attribute_unused(), GucSource source)
{
	if (!is_loaded || InitializingParallelWorker || source < PGC_S_INTERACTIVE ||
		ja_hook_name_is_right(*value))
		return true;
	GUC_check_errdetail("The name of a function must be a schema and a name, with a dot between them.");
	GUC_check_errhint("Write it as schema.name, without arguments, and in double quotes what is not in lower case.");
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
	define_seconds("jwt_auth.access_token_ttl",
				   "How long an access token is valid.",
				   &ja_settings.access_token_ttl_seconds, (Range) {15 * 60, 1, SECONDS_PER_YEAR});
	define_seconds("jwt_auth.max_token_ttl",
				   "How long any token of this database may be valid.",
				   &ja_settings.max_token_ttl_seconds, (Range) {24 * 60 * 60, 1, 10 * SECONDS_PER_YEAR});
	define_seconds("jwt_auth.leeway",
				   "Difference of clocks that the time claims of a token may show.",
				   &ja_settings.leeway_seconds, (Range) {30, 0, 300});
	define_bool("jwt_auth.require_exp",
				"Refuses tokens that do not expire.",
				&ja_settings.require_exp, true);
	define_bool("jwt_auth.check_revocation",
				"Refuses tokens whose session ended or whose jti was denied.",
				&ja_settings.check_revocation, true);
	DefineCustomIntVariable("jwt_auth.max_token_size",
							"Longest token that is read or made.",
							NULL, &ja_settings.max_token_size,
							16 * 1024, 256, 1024 * 1024,
							PGC_SUSET, GUC_UNIT_BYTE, NULL, note_integer, NULL);
	DefineCustomIntVariable("jwt_auth.token_cache_size",
							"Verified tokens that each backend remembers.",
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
}

static void
define_session_settings(void)
{
	define_seconds("jwt_auth.session_ttl",
				   "How long a session lasts at most.",
				   &ja_settings.session_ttl_seconds, (Range) {30 * SECS_PER_DAY, 60, 10 * SECONDS_PER_YEAR});
	define_seconds("jwt_auth.session_idle_timeout",
				   "How long a session lasts without a refresh.",
				   &ja_settings.session_idle_timeout_seconds, (Range) {7 * SECS_PER_DAY, 60, 10 * SECONDS_PER_YEAR});
	define_seconds("jwt_auth.refresh_grace",
				   "How long a refresh token that was replaced gives the current one.",
				   &ja_settings.refresh_grace_seconds, (Range) {10, 0, 60});
	DefineCustomIntVariable("jwt_auth.max_sessions_per_user",
							"Sessions that a user may have at a time; 0 means no limit.",
							NULL, &ja_settings.max_sessions_per_user,
							100, 0, 1000000, PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_password_settings(void)
{
	DefineCustomIntVariable("jwt_auth.password_min_length",
							"Characters that a new password needs.",
							NULL, &ja_settings.password_min_length,
							15, 1, 1024, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.password_min_bits",
							"How hard to guess a new password must be, in bits; 0 means that nobody asks.",
							NULL, &ja_settings.password_min_bits,
							30, 0, 128, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.argon2_memory",
							"Memory that one Argon2id hash takes.",
							NULL, &ja_settings.argon2_memory_kib,
							19 * 1024, 8, 256 * 1024, PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.argon2_iterations",
							"Passes over the memory of one Argon2id hash.",
							NULL, &ja_settings.argon2_iterations,
							2, 1, 64, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.login_max_failures",
							"Failed logins after which further attempts must wait.",
							NULL, &ja_settings.login_max_failures,
							5, 1, 1000, PGC_SUSET, 0, NULL, NULL, NULL);
	define_function("jwt_auth.claims_function",
					"Function that adds claims to access tokens.",
					&ja_settings.claims_function);
	define_function("jwt_auth.password_check_function",
					"Function that validates new passwords.",
					&ja_settings.password_check_function);
}

static void
define_message_settings(void)
{
	define_seconds("jwt_auth.recovery_ttl",
				   "How long a link or code to recover an account is valid.",
				   &ja_settings.recovery_ttl_seconds,
				   (Range) {60 * 60, 60, JA_HANDLE_MAX_LIFE_SECONDS});
	define_bool("jwt_auth.outbox_notify",
				"Notifies the channel jwt_auth_outbox of new messages.",
				&ja_settings.outbox_notify, true);
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

#define SHARED_SETTINGS 3

/* A size of what backends share. */
typedef struct SharedSetting
{
	const char *name;
	const char *description;
	int		   *value;
	Range		range;
} SharedSetting;

static void
define_shared(const SharedSetting *setting, int *value, GucContext context)
{
	DefineCustomIntVariable(setting->name, setting->description, NULL, value,
							setting->range.initial, setting->range.lowest, setting->range.highest,
							context, 0, NULL, NULL, NULL);
}

/*
 * Only the postmaster may define settings that need a restart.  Where the
 * library is not preloaded, PostgreSQL would call those that are set unknown
 * and not say why, so that they are defined as ones that nothing reads.
 */
static void
define_without_effect(const SharedSetting *settings)
{
	static int	ignored[SHARED_SETTINGS];
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < SHARED_SETTINGS; i++)
	{
		if (GetConfigOption(settings[i].name, true, false) == NULL)
			continue;
		define_shared(&settings[i], &ignored[i], PGC_SIGHUP);
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", settings[i].name);
	}
	if (names.len > 0 && !InitializingParallelWorker)
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("library \"jwt_auth\" is not preloaded, and settings have no effect: %s", names.data),
				 errhint("Add jwt_auth to shared_preload_libraries and restart the server, or remove these settings.")));
	pfree(names.data);
}

/* Sizes of what backends share, which exists only if the library is preloaded. */
static void
define_shared_settings(void)
{
	const SharedSetting settings[SHARED_SETTINGS] = {
		{"jwt_auth.max_password_hashes",
			"Password hashes that the server computes at a time.",
		&ja_settings.max_password_hashes, {ja_hash_slots_default(), 1, JA_MAX_HASH_SLOTS}},
		{"jwt_auth.shared_attempts",
			"Names whose failed attempts backends remember together when a rollback undid them.",
		&ja_settings.shared_attempts, {16384, 4096, 16 * 1024 * 1024}},
		{"jwt_auth.shared_tokens",
			"Verified signatures that backends remember together; 0 means none.",
		&ja_settings.shared_tokens, {65536, 0, 16 * 1024 * 1024}},
	};

	if (!process_shared_preload_libraries_in_progress)
	{
		define_without_effect(settings);
		return;
	}
	for (int i = 0; i < SHARED_SETTINGS; i++)
		define_shared(&settings[i], settings[i].value, PGC_POSTMASTER);
}

/*
 * PostgreSQL does not carry the placeholders of a library's settings over
 * when the library is first loaded inside a parallel operation: the session
 * would go on with default settings and without its token.
 */
static void
refuse_parallel_load(void)
{
	if (IsInParallelMode() && !InitializingParallelWorker)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("library \"jwt_auth\" cannot be loaded inside a parallel operation"),
				 errhint("Load it when a session starts: ALTER DATABASE ... SET session_preload_libraries = 'jwt_auth'.")));
}

void
_PG_init(void)
{
	refuse_parallel_load();
	ja_settings_refuse_options(JA_TOKEN_SETTING);
	define_token_settings();
	define_key_settings();
	define_session_settings();
	define_password_settings();
	define_message_settings();
	define_audit_settings();
	define_shared_settings();
	ja_token_setting_define();
	ja_signal_initialize();
	ja_throttle_initialize();
	ja_identity_initialize();
	ja_shared_memory_initialize();
	MarkGUCPrefixReserved("jwt_auth");
	is_loaded = true;
}
