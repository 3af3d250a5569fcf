/*-------------------------------------------------------------------------
 *
 * session_limit.c
 *	  Denial of a session that would be one too many.
 *
 * Whoever begins a session for a user who may have others asks here, once the user has
 * proven enough to be told, and before anything is redeemed that could be shown again:
 * a link, a code, a ticket, a second factor.  What cannot be shown again anyway, an ID
 * token or the answer to a challenge of a passkey, is spent.
 *
 * Somebody who knows the password can be denied as often as they like: five rows of the
 * audit log an hour stand for all of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/session_limit.h"
#include "session/answer.h"
#include "session/surplus.h"
#include "session/throttle.h"
#include "store/audit.h"

static void
audit_denial(const pg_uuid_t *user)
{
	JaThrottle	throttle;

	ja_throttle_enter(JA_ATTEMPT_SESSION, (JaString) {(const char *) user->data, UUID_LEN},
					  &throttle);
	if (throttle.retry_after_seconds > 0)
		return;
	ja_throttle_failed(&throttle);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "login_denied", .reason = "session limit", .user = user
				   });
}

/*
 * Finds out whether a user, whose row is locked, may begin a session.  Returns NULL if
 * so, else the answer.  Within a scope of ja_plan_begin().
 */
Jsonb *
ja_session_limit_check(const JaUser *user)
{
	if (!ja_surplus_forbids_session(user))
		return NULL;
	audit_denial(&user->id);
	return ja_answer_error(JA_ERROR_SESSION_LIMIT,
						   "you have as many sessions as you may have: log out somewhere else first");
}
