/*-------------------------------------------------------------------------
 *
 * invalidation.c
 *	  The trigger that invalidates caches after direct changes of the tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"

#include "store/invalidation.h"

PG_FUNCTION_INFO_V1(jwt_auth_invalidate_caches);

/*
 * jwt_auth.invalidate_caches() → trigger, with the argument keys or revocations
 */
Datum
jwt_auth_invalidate_caches(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("invalidate_on_change must be called as a trigger with one argument"),
				 errhint("It belongs to the tables of extension \"jwt_auth\".")));
	ja_invalidate(strcmp(trigger->tg_trigger->tgargs[0], "keys") == 0 ?
				  JA_INVALIDATION_KEYS : JA_INVALIDATION_REVOCATIONS);
	return PointerGetDatum(NULL);
}
