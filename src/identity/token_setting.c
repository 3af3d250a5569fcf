/*-------------------------------------------------------------------------
 *
 * token_setting.c
 *	  The setting jwt_auth.token: who the session or transaction acts for.
 *
 * Any role may set it to anything: only a token with a valid signature gives
 * authority, and that is checked when it is used.  PostgreSQL brings it back
 * at the end of a transaction or savepoint, and copies it into parallel
 * workers.  Its hooks run outside of transactions, too, so the assign hook
 * only counts.
 *
 * Whoever may read settings should not be able to act for the user, so that
 * showing it leaves the signature out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "base/settings.h"
#include "identity/token_setting.h"

static char *token = NULL;

static void
note_assignment(const char *value pg_attribute_unused(), void *extra pg_attribute_unused())
{
	ja_settings_epoch++;
}

/* The token up to its last dot, behind which the signature stood. */
static const char *
show_without_signature(void)
{
	const char *last_dot;

	if (token == NULL || token[0] == '\0')
		return "";
	last_dot = strrchr(token, '.');
	return psprintf("%.*s.[hidden]", last_dot != NULL ? (int) (last_dot - token) : 0, token);
}

/* Defines the setting; once per backend. */
void
ja_token_setting_define(void)
{
	DefineCustomStringVariable(JA_TOKEN_SETTING,
							   "Access token of the user that the session acts for.",
							   NULL, &token, NULL, PGC_USERSET, GUC_NO_SHOW_ALL,
							   NULL, note_assignment, show_without_signature);
}

/*
 * The token; data NULL if there is none.  The setting owns it, so that it is
 * valid until the next assignment: copy it before code of others runs.
 */
JaString
ja_token_setting_value(void)
{
	if (token == NULL || token[0] == '\0')
		return (JaString) {NULL, 0};
	return (JaString) {token, strlen(token)};
}

/* Sets the token for the running transaction; empty: none. */
void
ja_token_setting_set_locally(const char *value)
{
	(void) set_config_option(JA_TOKEN_SETTING, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}
