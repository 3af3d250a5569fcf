/*-------------------------------------------------------------------------
 *
 * session_own.h
 *	  A user's own sessions: shown and ended.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SESSION_OWN_H
#define JA_SESSION_OWN_H

#include "access/tupdesc.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

extern void ja_session_own_list(const pg_uuid_t *user, const pg_uuid_t *current,
								Tuplestorestate *rows, TupleDesc row_type);
extern void ja_session_own_end(const pg_uuid_t *user, const pg_uuid_t *session);
extern void ja_session_own_end_all(const pg_uuid_t *user, const pg_uuid_t *except);

#endif							/* JA_SESSION_OWN_H */
