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

/* A session that an admin begins in somebody else's name. */
typedef struct JaImpersonation
{
	pg_uuid_t	user;			/* whose name that is */
	JaString	actor;			/* who acts, as the claim act says */
	bool		is_by_user;		/* that is a user of ours: agent */
	pg_uuid_t	agent;
	bool		has_session;	/* by a token of this session */
	pg_uuid_t	session;
	JaString	reason;
	int64		ttl_seconds;
} JaImpersonation;

extern Jsonb *ja_impersonate(const JaImpersonation *new);

#endif							/* JA_IMPERSONATION_H */
