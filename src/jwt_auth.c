/*-------------------------------------------------------------------------
 *
 * jwt_auth.c
 *	  Module entry: settings and callbacks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "fmgr.h"

#include "base/settings.h"
#include "identity/identity.h"
#include "identity/token_setting.h"
#include "session/throttle.h"
#include "settings.h"
#include "shared/memory.h"
#include "store/invalidation.h"
#include "worker/launcher.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

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
	ja_settings_define();
	ja_token_setting_define();
	ja_invalidation_initialize();
	ja_throttle_initialize();
	ja_identity_initialize();
	ja_shared_memory_initialize();
	ja_launcher_initialize();
	ja_settings_end_definitions();
}
