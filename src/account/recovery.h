/*-------------------------------------------------------------------------
 *
 * recovery.h
 *	  Recovery of accounts whose password was lost.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_RECOVERY_H
#define JA_RECOVERY_H

#include "account/one_time_token.h"

extern Jsonb *ja_recovery_request(JaString identifier);
extern Jsonb *ja_recovery_redeem(JaString token, JaString new_password, JaString flow);
extern JaString ja_recovery_create_link(const pg_uuid_t *user, JaPurpose purpose, int64 ttl_seconds);

#endif							/* JA_RECOVERY_H */
