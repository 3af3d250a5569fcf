/*-------------------------------------------------------------------------
 *
 * password_attempt.c
 *	  An attempt to authenticate by password, in a login or a change of password.
 *
 * An attacker controls name and password.  Whatever is wrong (no such name,
 * no password, a wrong one, a disabled user) costs one hash computation, is
 * counted, and gives one answer.  A denial is an answer and not an error, so
 * that what it counted commits.  An attempt that must wait is not even hashed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "account/identifier.h"
#include "account/password_attempt.h"
#include "base/error.h"
#include "password/new_password.h"
#include "password/stand_in.h"
#include "session/answer.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "store/plan.h"

static const char denied[] = "invalid username or password";

/* How long one row of the audit log stands for all attempts on a busy name. */
#define BUSY_SECONDS 60

static JaPlan find_busy = {
	.sql = "SELECT FROM jwt_auth.audit_log WHERE at OPERATOR(pg_catalog.>) $1"
	" AND event OPERATOR(pg_catalog.=) 'login_busy' AND (user_id OPERATOR(pg_catalog.=) $2"
	" OR name_hash OPERATOR(pg_catalog.=) $3) LIMIT 1"
};

static void
audit_attempt(const JaPasswordAttempt *attempt, const char *event, const char *reason)
{
	JaAuditEvent audit = {.event = event,.reason = reason};

	if (attempt->is_known)
		audit.user = &attempt->user.id;
	else
		audit.name_hash = ja_throttle_name_hash(&attempt->throttle);
	ja_audit_write(&audit);
}

/* Counts and audits a failed attempt; the answer is the same for all. */
static Jsonb *
deny_attempt(JaPasswordAttempt *attempt, const char *event, const char *reason)
{
	ja_throttle_failed(&attempt->throttle);
	ja_count(JA_COUNT_ATTEMPTS_DENIED);
	audit_attempt(attempt, event, reason);
	if (attempt->throttle.starts_wait)
		audit_attempt(attempt, "login_throttled", "too many failures");
	return ja_answer_error(JA_ERROR_INVALID_GRANT, denied);
}

/* Finds whom the name stands for, unless it is an address not yet proven. */
static void
find_user(JaPasswordAttempt *attempt)
{
	pg_uuid_t	id;
	JaIdentifier identifier;

	attempt->is_known = ja_identifier_find(attempt->name, &id, &identifier) &&
		identifier.is_verified && ja_user_find_by_id(&id, &attempt->user);
}

/*
 * The answer for an attempt whose turn did not come, which is no failure.  The
 * first one in a while is audited.
 */
static Jsonb *
defer(JaPasswordAttempt *attempt)
{
	TimestampTz since = GetCurrentTimestamp() - (int64) BUSY_SECONDS * USECS_PER_SEC;
	bytea	   *hash = ja_throttle_name_hash(&attempt->throttle);

	find_user(attempt);
	if (ja_throttle_may_report(&attempt->throttle) &&
		ja_plan_run_as_of_now(&find_busy,
							  JA_VALUES(ja_time(since),
										ja_uuid(attempt->is_known ? &attempt->user.id : NULL),
										ja_bytes(hash))) == 0)
		audit_attempt(attempt, "login_busy", "other attempts did not end in time");
	return ja_answer_busy(JA_BUSY_NAME);
}

/* Raises what is the machine's failure, not the hash's. */
static void
check_machine(JaStatus status)
{
	if (status == JA_CRYPTO || status == JA_MEMORY)
		ja_raise(status);
}

/*
 * Runs a dummy password hash, so that names without a hash to check take as
 * long as others: the hash that stands in, or a new one.  Fails with JA_PASSWORD_BUSY.
 */
static JaStatus
dummy_verify(const JaPasswordAttempt *attempt)
{
	JaPasswordPolicy policy = ja_new_password_policy();
	JaStatus	status = JA_PASSWORD_HASH_FORM;

	if (attempt->has_stand_in)
		status = ja_password_dummy_verify(attempt->password, &attempt->stand_in);
	if (status != JA_OK && status != JA_PASSWORD_BUSY)
	{
		check_machine(status);
		status = ja_password_dummy_hash(attempt->password, &policy);
	}
	check_machine(status);
	return status;
}

/*
 * Finds out whether the password is the user's; always one hash computation.
 * Fails with JA_PASSWORD_BUSY if the server has too many of them to do,
 * whatever the name.
 */
static JaStatus
check_password(const JaPasswordAttempt *attempt, bool *matches)
{
	JaStatus	status;

	*matches = false;
	CHECK_FOR_INTERRUPTS();
	if (!attempt->is_known || attempt->user.hash.text.data == NULL)
		return dummy_verify(attempt);
	status = ja_password_verify(attempt->password, &attempt->user.hash, matches);
	check_machine(status);
	return status == JA_OK || status == JA_PASSWORD_BUSY ? status : dummy_verify(attempt);
}

static const char *
reason_for_denial(const JaPasswordAttempt *attempt)
{
	if (!attempt->is_known)
		return "unknown user";
	if (attempt->user.is_disabled)
		return ja_user_why_disabled(&attempt->user);
	return attempt->user.hash.text.data == NULL ? "no password" : "wrong password";
}

static bool
same_text(JaString a, JaString b)
{
	if (a.data == NULL || b.data == NULL)
		return a.data == b.data;
	return ja_string_equals(a, b);
}

/*
 * Locks the row of the user, whose password matches.  Somebody may have changed
 * it meanwhile: another hash is checked again, now that it stays, since a login
 * by another name of the user may have replaced it.  Fails with
 * JA_PASSWORD_BUSY.
 */
static JaStatus
lock_user(JaPasswordAttempt *attempt, bool *matches)
{
	JaString	checked = attempt->user.hash.text;

	*matches = ja_user_lock_by_id(&attempt->user.id, &attempt->user) &&
		!attempt->user.is_disabled;
	if (!*matches || same_text(checked, attempt->user.hash.text))
		return JA_OK;
	return check_password(attempt, matches);
}

/*
 * Authenticates by password: waits its turn, checks, and counts.  Returns NULL if it
 * is right, and then the user's row is locked and as it was checked; else the
 * answer.  To be called within a scope of ja_plan_begin(), in the memory
 * context of the caller.
 */
Jsonb *
ja_password_attempt_authenticate(JaPasswordAttempt *attempt, const char *event)
{
	bool		matches;

	ja_throttle_enter(JA_ATTEMPT_PASSWORD, attempt->name, &attempt->throttle);
	if (attempt->throttle.is_busy)
		return defer(attempt);
	if (attempt->throttle.retry_after_seconds > 0)
	{
		ja_count(JA_COUNT_ATTEMPTS_THROTTLED);
		return ja_answer_wait(attempt->throttle.retry_after_seconds);
	}
	/* Known names look for it, too, since that takes its time. */
	attempt->has_stand_in = ja_stand_in_choose(attempt->name.data, attempt->name.length,
											   &attempt->stand_in);
	find_user(attempt);
	if (check_password(attempt, &matches) == JA_PASSWORD_BUSY)
		return ja_answer_busy(JA_BUSY_SERVER);
	if (!matches || attempt->user.is_disabled)
		return deny_attempt(attempt, event, reason_for_denial(attempt));
	if (!ja_user_wait_turn(&attempt->user.id))
		return defer(attempt);
	if (lock_user(attempt, &matches) == JA_PASSWORD_BUSY)
		return ja_answer_busy(JA_BUSY_SERVER);
	if (!matches)
		return deny_attempt(attempt, event, "changed meanwhile");
	ja_throttle_succeeded(&attempt->throttle);
	return NULL;
}
