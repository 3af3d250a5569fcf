/*-------------------------------------------------------------------------
 *
 * attempt_lock.h
 *	  The lock on what somebody attempts.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ATTEMPT_LOCK_H
#define JA_ATTEMPT_LOCK_H

#include "shared/attempts.h"

extern void ja_attempt_lock_initialize(void);
extern void ja_attempt_lock_forbid_prepare(void);
extern bool ja_attempt_lock_try(const uint8 *subject);
extern bool ja_attempt_lock_settle(const uint8 *subject);
extern bool ja_attempt_lock_wait(const uint8 *subject);
extern bool ja_attempt_lock_may_report(const uint8 *subject);

#endif							/* JA_ATTEMPT_LOCK_H */
