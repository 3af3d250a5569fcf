/*-------------------------------------------------------------------------
 *
 * session_level.h
 *	  Levels of sessions that fall with the factor that they rest on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SESSION_LEVEL_H
#define JA_SESSION_LEVEL_H

#include "utils/uuid.h"

extern void ja_session_level_lower(const pg_uuid_t *user, const pg_uuid_t *factor);

#endif							/* JA_SESSION_LEVEL_H */
