/*-------------------------------------------------------------------------
 *
 * session_limit.h
 *	  Denial of a session that would be one too many.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SESSION_LIMIT_H
#define JA_SESSION_LIMIT_H

#include "utils/jsonb.h"

#include "session/user.h"

extern Jsonb *ja_session_limit_check(const JaUser *user);

#endif							/* JA_SESSION_LIMIT_H */
