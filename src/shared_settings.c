/*-------------------------------------------------------------------------
 *
 * shared_settings.c
 *	  Settings of what backends share, which exists only if the library is
 *	  preloaded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "base/settings.h"
#include "settings.h"
#include "shared/hash_slots.h"

#define SHARED_SETTINGS 4

/* A size of what backends share. */
typedef struct SharedSetting
{
	const char *name;
	const char *description;
	int		   *value;
	int			initial;
	int			lowest;
	int			highest;
} SharedSetting;

static void
define_shared(const SharedSetting *setting, int *value, GucContext context)
{
	DefineCustomIntVariable(setting->name, setting->description, NULL, value,
							setting->initial, setting->lowest, setting->highest,
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
				 errmsg("library \"jwt_auth\" is not preloaded, so these settings have no effect: %s", names.data),
				 errhint("Add jwt_auth to shared_preload_libraries and restart the server, or remove these settings.")));
	pfree(names.data);
}

/* Defines them: for all to use if the library is preloaded, else without effect. */
void
ja_shared_settings_define(void)
{
	const SharedSetting settings[SHARED_SETTINGS] = {
		{"jwt_auth.max_password_hashes",
			"Maximum number of password hashes that the server computes at a time.",
		&ja_settings.max_password_hashes, ja_hash_slots_default(), 1, JA_MAX_HASH_SLOTS},
		{"jwt_auth.max_waiting_password_hashes",
			"Password hashes that may wait for others at a time; -1 means six for each of max_password_hashes.",
		&ja_settings.max_waiting_password_hashes, -1, -1, JA_MAX_WAITING_HASHES},
		{"jwt_auth.shared_attempts",
			"Number of names whose rolled-back failed attempts backends remember together.",
		&ja_settings.shared_attempts, 16384, 4096, 16 * 1024 * 1024},
		{"jwt_auth.shared_tokens",
			"Number of verified signatures that backends remember together; 0 means none.",
		&ja_settings.shared_tokens, 65536, 0, 16 * 1024 * 1024},
	};

	if (!process_shared_preload_libraries_in_progress)
	{
		define_without_effect(settings);
		return;
	}
	for (int i = 0; i < SHARED_SETTINGS; i++)
		define_shared(&settings[i], settings[i].value, PGC_POSTMASTER);
}
