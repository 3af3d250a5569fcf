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

#include "nodes/makefuncs.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
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

/* Whether Citus hands on SET LOCAL statements, and so wants to see them. */
static bool
statements_are_propagated(void)
{
	const char *which = GetConfigOption("citus.propagate_set_commands", true, false);

	return which != NULL && strcmp(which, "local") == 0;
}

/* Executes SET LOCAL as if a client had sent it. */
static void
set_by_statement(const char *value)
{
	A_Const    *constant = makeNode(A_Const);
	VariableSetStmt *set = makeNode(VariableSetStmt);
	PlannedStmt *statement = makeNode(PlannedStmt);

	constant->val.sval.type = T_String;
	constant->val.sval.sval = pstrdup(value);
	set->kind = VAR_SET_VALUE;
	set->name = pstrdup(JA_TOKEN_SETTING);
	set->args = list_make1(constant);
	set->is_local = true;
	statement->commandType = CMD_UTILITY;
	statement->utilityStmt = (Node *) set;
	ProcessUtility(statement, psprintf("SET LOCAL %s = %s", JA_TOKEN_SETTING, quote_literal_cstr(value)),
				   false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL, None_Receiver, NULL);
}

/*
 * Sets the token for the running transaction; empty: none.  Where Citus hands on
 * SET LOCAL, its nodes verify the same token: it sees statements alone.
 */
void
ja_token_setting_set_locally(const char *value)
{
	if (statements_are_propagated())
		set_by_statement(value);
	else
		(void) set_config_option(JA_TOKEN_SETTING, value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
}
