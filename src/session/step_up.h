/*-------------------------------------------------------------------------
 *
 * step_up.h
 *	  Sessions that reach a higher level.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_STEP_UP_H
#define JA_STEP_UP_H

#include "session/session.h"

extern Jsonb *ja_session_step_up(const pg_uuid_t *id, const JaUser *user, JaProof proof);

#endif							/* JA_STEP_UP_H */
