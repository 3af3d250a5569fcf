/*-------------------------------------------------------------------------
 *
 * change.h
 *	  What all changes of stored keys share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CHANGE_H
#define JA_CHANGE_H

#include "datatype/timestamp.h"

#include "jose/key.h"
#include "keyring/key_use.h"
#include "store/plan.h"

/* States in SQL, of a row of jwt_auth.keys. */
#define IS_ACTIVE \
	"activated_at IS NOT NULL AND verify_until IS NULL AND revoked_at IS NULL"
#define IS_NEXT \
	"activated_at IS NULL AND verify_until IS NULL AND revoked_at IS NULL"

/* What a change holds from its beginning to its end. */
typedef struct JaChange
{
	JaPlanScope scope;
	TimestampTz now;
} JaChange;

extern void ja_change_raise_stale(void);
extern void ja_change_announce(void);
extern void ja_change_begin(JaChange *change);
extern void ja_change_end(JaChange *change);
extern void ja_change_warn_unpublished(void);
extern bool ja_change_has_active(JaKeyUse use);
extern bool ja_change_find_active(JaString *kid, const JaAlgorithm **algorithm);
extern bool ja_change_find_next(JaString *kid, const JaAlgorithm **algorithm);
extern const JaAlgorithm *ja_change_substitute(const JaAlgorithm *algorithm);
extern JaString ja_change_insert_key(const JaChange *change, const JaAlgorithm *algorithm,
									 JaString kid, bool is_active);
extern void ja_change_insert_missing_secrets(const JaChange *change);
extern void ja_change_promote(const JaChange *change, JaString kid);
extern int32 ja_change_rotate_secret(const JaChange *change, JaKeyUse use);
extern const JaAlgorithm *ja_change_algorithm(uint64 row);
extern void ja_change_run_on_one(JaPlan *plan, JaValues values);
extern JaString ja_change_keep_kid(const JaChange *change, JaString kid);
extern TimestampTz ja_change_retiring_end(const JaChange *change);

#endif							/* JA_CHANGE_H */
