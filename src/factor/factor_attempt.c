/*-------------------------------------------------------------------------
 *
 * factor_attempt.c
 *	  Attempts to prove a second factor, counted for the user.
 *
 * There is one count for all factors, tickets and sessions of a user, so that
 * nobody gets fresh attempts with a fresh login.  The throttle makes attempts
 * wait, and the user's row counts those in a row; both commit with the denial.
 *
 * Locks are taken in the order in which a login takes them: the throttle, the
 * user's turn, the user's row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "factor/factor_attempt.h"
#include "session/answer.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "store/plan.h"

static const char denied[] = "the code or passkey is wrong, expired or was used";

static JaPlan count_failure = {
	.sql = "UPDATE jwt_auth.users SET factor_failures = pg_catalog.int4pl(factor_failures, 1)"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND factor_failures OPERATOR(pg_catalog.<) $2"
};

static JaPlan forget_failures = {
	.sql = "UPDATE jwt_auth.users SET factor_failures = 0 WHERE id OPERATOR(pg_catalog.=) $1"
};

/*
 * Begins an attempt: waits its turn, and locks the user's row.  Returns NULL, or
 * the answer if it must wait or there is no such user.  Within a scope of
 * ja_plan_begin(), in the memory context of the caller.
 */
Jsonb *
ja_factor_attempt_begin(const pg_uuid_t *user, JaFactorAttempt *attempt)
{
	JaThrottle *throttle = &attempt->throttle;

	ja_throttle_enter(JA_ATTEMPT_FACTOR, (JaString) {(const char *) user->data, UUID_LEN}, throttle);
	if (throttle->is_busy)
		return ja_answer_busy(JA_BUSY_NAME);
	if (throttle->retry_after_seconds > 0)
	{
		ja_count(JA_COUNT_ATTEMPTS_THROTTLED);
		return ja_answer_wait(throttle->retry_after_seconds);
	}
	if (!ja_user_wait_turn(user))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_user_lock_by_id(user, &attempt->user) || attempt->user.is_disabled)
		return ja_answer_error(JA_ERROR_INVALID_GRANT, denied);
	return NULL;
}

/* Whether codes still count: not after so many wrong ones in a row. */
bool
ja_factor_attempt_may_use_codes(const JaFactorAttempt *attempt)
{
	return attempt->user.factor_failures < JA_FACTOR_MAX_FAILURES;
}

/* Counts and audits a failed attempt; the answer is the same for all. */
Jsonb *
ja_factor_attempt_deny(JaFactorAttempt *attempt, const char *reason)
{
	JaAuditEvent audit = {.event = "factor_denied",.reason = reason,.user = &attempt->user.id};

	ja_throttle_failed(&attempt->throttle);
	ja_plan_run_on_latest(&count_failure, JA_VALUES(ja_uuid(&attempt->user.id),
													ja_integer(JA_FACTOR_MAX_FAILURES)));
	ja_count(JA_COUNT_ATTEMPTS_DENIED);
	ja_audit_write(&audit);
	if (attempt->throttle.starts_wait)
	{
		audit.event = "factor_throttled";
		audit.reason = "too many failures";
		ja_audit_write(&audit);
	}
	return ja_answer_error(JA_ERROR_INVALID_GRANT, denied);
}

/* Forgets the failures, which the locked row counts. */
void
ja_factor_attempt_succeed(JaFactorAttempt *attempt)
{
	ja_throttle_succeeded(&attempt->throttle);
	if (attempt->user.factor_failures > 0)
		ja_plan_run_on_latest(&forget_failures, JA_VALUES(ja_uuid(&attempt->user.id)));
}
