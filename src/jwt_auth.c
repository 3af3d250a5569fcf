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
#include "fmgr.h"
#include "utils/guc.h"

#include "base/settings.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

#define SECONDS_PER_YEAR (366 * 24 * 60 * 60)

static void
define_string(const char *name, const char *description, char **value)
{
	DefineCustomStringVariable(name, description, NULL, value, NULL,
							   PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_seconds(const char *name, const char *description, int *value,
			   int initial, int lowest, int highest)
{
	DefineCustomIntVariable(name, description, NULL, value, initial, lowest, highest,
							PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
}

static void
define_bool(const char *name, const char *description, bool *value, bool initial)
{
	DefineCustomBoolVariable(name, description, NULL, value, initial,
							 PGC_SUSET, 0, NULL, NULL, NULL);
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
				   &ja_settings.access_token_ttl_seconds, 15 * 60, 1, SECONDS_PER_YEAR);
	define_seconds("jwt_auth.max_token_ttl",
				   "How long any token of this database may be valid.",
				   &ja_settings.max_token_ttl_seconds, 24 * 60 * 60, 1, 10 * SECONDS_PER_YEAR);
	define_seconds("jwt_auth.leeway",
				   "Difference of clocks that the time claims of a token may show.",
				   &ja_settings.leeway_seconds, 30, 0, 300);
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
							PGC_SUSET, GUC_UNIT_BYTE, NULL, NULL, NULL);
	DefineCustomIntVariable("jwt_auth.token_cache_size",
							"Verified tokens that each backend remembers.",
							NULL, &ja_settings.token_cache_size,
							256, 0, 65536,
							PGC_SUSET, 0, NULL, NULL, NULL);
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
	define_token_settings();
	MarkGUCPrefixReserved("jwt_auth");
}
