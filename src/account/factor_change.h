/*-------------------------------------------------------------------------
 *
 * factor_change.h
 *	  Enrolling and removing second factors.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_FACTOR_CHANGE_H
#define JA_FACTOR_CHANGE_H

#include "account/actor.h"

extern Jsonb *ja_factor_change_enroll(const JaActor *actor, JaString name);
extern Jsonb *ja_factor_change_confirm(const JaActor *actor, const pg_uuid_t *factor, JaString code);
extern Jsonb *ja_factor_change_remove(const JaActor *actor, const pg_uuid_t *factor);
extern void ja_factor_change_reset(const pg_uuid_t *user);
extern Jsonb *ja_factor_change_make_codes(const JaActor *actor);

#endif							/* JA_FACTOR_CHANGE_H */
