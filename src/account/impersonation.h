/*-------------------------------------------------------------------------
 *
 * impersonation.h
 *	  Sessions in which an admin acts as a user.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_IMPERSONATION_H
#define JA_IMPERSONATION_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/string.h"

extern Jsonb *ja_impersonate(const pg_uuid_t *id, JaString actor, JaString reason,
							 int64 ttl_seconds);

#endif							/* JA_IMPERSONATION_H */
