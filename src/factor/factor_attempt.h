/*-------------------------------------------------------------------------
 *
 * factor_attempt.h
 *	  Attempts to prove a second factor, counted for the user.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_FACTOR_ATTEMPT_H
#define JA_FACTOR_ATTEMPT_H

#include "session/throttle.h"
#include "session/user.h"

/* Failures in a row after which no code of a user counts any more. */
#define JA_FACTOR_MAX_FAILURES 100

typedef struct JaFactorAttempt
{
	JaThrottle	throttle;
	JaUser		user;			/* whose row is locked */
} JaFactorAttempt;

extern Jsonb *ja_factor_attempt_begin(const pg_uuid_t *user, JaFactorAttempt *attempt);
extern bool ja_factor_attempt_may_use_codes(const JaFactorAttempt *attempt);
extern Jsonb *ja_factor_attempt_deny(JaFactorAttempt *attempt, const char *reason);
extern void ja_factor_attempt_succeed(JaFactorAttempt *attempt);

#endif							/* JA_FACTOR_ATTEMPT_H */
