/*-------------------------------------------------------------------------
 *
 * recovery.h
 *	  Recovery of accounts whose password was lost.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_RECOVERY_H
#define JA_RECOVERY_H

#include "session/user.h"

extern Jsonb *ja_recovery_redeem(JaString token, JaString new_password, JaString flow);
extern Jsonb *ja_recovery_finish(const JaUser *user, const pg_uuid_t *proposal);

#endif							/* JA_RECOVERY_H */
