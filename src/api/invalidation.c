/*-------------------------------------------------------------------------
 *
 * invalidation.c
 *	  The trigger that invalidates caches after changes of the tables, and has keys
 *	  that connections are verified with published anew.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"

#include "connection/publication.h"
#include "store/invalidation.h"

PG_FUNCTION_INFO_V1(jwt_auth_invalidate_caches);

/*
 * jwt_auth.invalidate_caches() → trigger, with the argument keys or revocations
 */
Datum
jwt_auth_invalidate_caches(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	JaInvalidation what;

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("invalidate_on_change must be called as a trigger with one argument"),
				 errhint("It belongs to the tables of extension \"jwt_auth\".")));
	what = strcmp(trigger->tg_trigger->tgargs[0], "keys") == 0 ?
		JA_INVALIDATION_KEYS : JA_INVALIDATION_REVOCATIONS;
	ja_invalidate(what);
	if (what == JA_INVALIDATION_KEYS)
		ja_publication_want_at_commit();
	return PointerGetDatum(NULL);
}
