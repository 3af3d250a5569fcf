/*-------------------------------------------------------------------------
 *
 * ban.h
 *	  Bans of users, for admins.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_BAN_H
#define JA_BAN_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "base/string.h"

extern void ja_ban(const pg_uuid_t *id, TimestampTz until, JaString reason);
extern void ja_ban_lift(const pg_uuid_t *id);

#endif							/* JA_BAN_H */
