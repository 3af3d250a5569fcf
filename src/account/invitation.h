/*-------------------------------------------------------------------------
 *
 * invitation.h
 *	  Users whom an admin invites.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_INVITATION_H
#define JA_INVITATION_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/string.h"

extern pg_uuid_t ja_invitation_create(JaString identifier, const char *role, Jsonb *claims,
									  int64 ttl_seconds);
extern void ja_invitation_revoke(const pg_uuid_t *id);
extern Jsonb *ja_invitation_accept(JaString token, JaString password);

#endif							/* JA_INVITATION_H */
