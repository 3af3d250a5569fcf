/*-------------------------------------------------------------------------
 *
 * grace.h
 *	  The generations of a refresh token that are still in their grace.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_GRACE_H
#define JA_GRACE_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

extern bytea *ja_grace_push(const bytea *earlier, const pg_uuid_t *nonce, TimestampTz now);
extern void ja_grace_cut(bytea *earlier);
extern bool ja_grace_was_cut(const bytea *earlier, int64 distance);
extern bool ja_grace_holds(const bytea *earlier, int64 distance, const pg_uuid_t *nonce);

#endif							/* JA_GRACE_H */
