/*-------------------------------------------------------------------------
 *
 * signal.c
 *	  The trigger that signals direct changes of the tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"

#include "store/signal.h"

PG_FUNCTION_INFO_V1(jwt_auth_signal_change);

/*
 * jwt_auth.signal_change() → trigger, with the argument keys or revocations
 */
Datum
jwt_auth_signal_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("signal_change must be called as a trigger with one argument"),
				 errhint("It belongs to the tables of extension \"jwt_auth\".")));
	ja_signal_send(strcmp(trigger->tg_trigger->tgargs[0], "keys") == 0 ?
				   JA_SIGNAL_KEYS : JA_SIGNAL_REVOCATIONS);
	return PointerGetDatum(NULL);
}
