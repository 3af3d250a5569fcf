/*-------------------------------------------------------------------------
 *
 * user_row.c
 *	  The triggers that follow direct changes of users' rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"

#include "account/user_row.h"

PG_FUNCTION_INFO_V1(jwt_auth_follow_user);
PG_FUNCTION_INFO_V1(jwt_auth_follow_identifier);

static TriggerData *
require_trigger(FunctionCallInfo fcinfo, const char *name)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s must be called as a trigger", name),
				 errhint("It belongs to the tables of extension \"jwt_auth\".")));
	return (TriggerData *) fcinfo->context;
}

/*
 * jwt_auth.follow_user() → trigger
 *
 * With an argument, it is that of a session which is given to another user.
 */
Datum
jwt_auth_follow_user(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = require_trigger(fcinfo, "follow_user");

	if (trigger->tg_trigger->tgnargs > 0)
		ja_user_row_keep_session();
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ja_user_row_truncate();
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ja_user_row_deleted(trigger->tg_relation, trigger->tg_trigtuple);
	else if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		ja_user_row_updated(trigger->tg_relation, trigger->tg_trigtuple,
							trigger->tg_newtuple);
	return PointerGetDatum(NULL);
}

/*
 * jwt_auth.follow_identifier() → trigger
 */
Datum
jwt_auth_follow_identifier(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = require_trigger(fcinfo, "follow_identifier");
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);

	ja_user_row_renamed(trigger->tg_relation, trigger->tg_trigtuple,
						is_update ? trigger->tg_newtuple : NULL);
	return PointerGetDatum(NULL);
}
