/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  Values of the jwt_auth.* settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/acl.h"
#include "utils/guc_tables.h"

#include "base/compat.h"
#include "base/settings.h"

/* What all names of our settings begin with. */
#define PREFIX "jwt_auth."

JaSettings	ja_settings;
uint64		ja_settings_epoch = 1;

/*
 * Whether a connection option gave the setting a value that its role may not
 * give it.  The privilege is judged as PostgreSQL does when it replaces the
 * placeholder of a PGC_SUSET variable.
 */
static bool
was_set_without_privilege(const struct config_generic *setting)
{
	return setting->reset_source == PGC_S_CLIENT &&
		(setting->reset_scontext == PGC_BACKEND || setting->reset_scontext == PGC_USERSET) &&
		pg_parameter_aclcheck(setting->name, setting->reset_srole, ACL_SET) != ACLCHECK_OK;
}

/*
 * Raises 42501 if the connection brought options for our settings that its
 * role may not set; must run before the settings are defined.
 *
 * Until the library is loaded, PostgreSQL keeps such an option in a
 * placeholder, where it displaces what the operator wrote with ALTER DATABASE,
 * ALTER ROLE or into postgresql.conf.  The definition then drops the option
 * for lack of privilege, and the session would run with the built-in default.
 * The operator's value cannot be had back from the placeholder, so refuse, as
 * PostgreSQL does where the settings are known when the connection starts.
 */
void
ja_settings_refuse_options(const char *except)
{
	int			count;
	struct config_generic **settings = ja_guc_variables(&count);

	for (int i = 0; i < count; i++)
	{
		const char *name = settings[i]->name;

		if (pg_strncasecmp(name, PREFIX, strlen(PREFIX)) == 0 &&
			pg_strcasecmp(name, except) != 0 &&
			was_set_without_privilege(settings[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to set parameter \"%s\"", name),
					 errhint("Connect without this setting in the connection's options.")));
	}
}
