/*-------------------------------------------------------------------------
 *
 * acting.h
 *	  Who acts in the SQL functions that change factors.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ACTING_H
#define JA_ACTING_H

#include "fmgr.h"

#include "account/actor.h"

extern JaActor ja_acting_identity(void);
extern Jsonb *ja_acting_by_ticket(FunctionCallInfo fcinfo, int number, JaActor *actor);

#endif							/* JA_ACTING_H */
