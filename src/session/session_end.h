/*-------------------------------------------------------------------------
 *
 * session_end.h
 *	  Ending sessions: one, those of a user, all.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SESSION_END_H
#define JA_SESSION_END_H

#include "utils/array.h"
#include "utils/uuid.h"

extern bool ja_session_end_one(const pg_uuid_t *session, const char *reason);
extern uint64 ja_session_end_user(const pg_uuid_t *user, const pg_uuid_t *except,
								  const char *reason);
extern uint64 ja_session_end_some(ArrayType *sessions, const char *reason);
extern void ja_session_lock_user(const pg_uuid_t *user);
extern uint64 ja_session_end_all(const char *reason);

#endif							/* JA_SESSION_END_H */
