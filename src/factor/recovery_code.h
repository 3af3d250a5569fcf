/*-------------------------------------------------------------------------
 *
 * recovery_code.h
 *	  Recovery codes, which stand in for a second factor that was lost.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_RECOVERY_CODE_H
#define JA_RECOVERY_CODE_H

#include "utils/uuid.h"

#include "jose/json.h"

extern void ja_recovery_codes_make(const pg_uuid_t *user, JaJsonState *array);
extern bool ja_recovery_code_use(const pg_uuid_t *user, JaString code);
extern void ja_recovery_codes_delete(const pg_uuid_t *user);
extern int64 ja_recovery_codes_left(const pg_uuid_t *user);

#endif							/* JA_RECOVERY_CODE_H */
