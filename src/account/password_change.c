/*-------------------------------------------------------------------------
 *
 * password_change.c
 *	  A user's own change of password.
 *
 * The old password is checked as in a login, with the same throttle and the
 * same answers: a stolen access token is no way to guess it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/identifier.h"
#include "account/outbox.h"
#include "account/password_attempt.h"
#include "account/password_change.h"
#include "base/error.h"
#include "password/new_password.h"
#include "session/answer.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "store/plan.h"

/*
 * Validates and hashes the new password of a user.  Returns NULL, or the answer
 * if it is refused or the server is busy.
 */
Jsonb *
ja_password_change_hash(JaStrings names, JaString new_password, JaNewPassword *hashed)
{
	JaPassword *prepared;
	JaVerdict	verdict;
	JaStatus	status = ja_new_password_validate(names, new_password, &prepared, &verdict);

	ja_check(status);
	if (verdict.reasons != 0)
		return ja_answer_refusal(&verdict);
	status = ja_new_password_hash(prepared, hashed);
	ja_password_forget(prepared);
	if (status == JA_PASSWORD_BUSY)
		return ja_answer_busy(JA_BUSY_SERVER);
	ja_check(status);
	return NULL;
}

/* Stores the new password of a user who knew the old one. */
static Jsonb *
store(const JaUser *user, JaStrings names, const pg_uuid_t *session, JaString new_password)
{
	JaNewPassword hashed;
	Jsonb	   *refusal = ja_password_change_hash(names, new_password, &hashed);

	if (refusal != NULL)
		return refusal;
	ja_new_password_store(&user->id, &hashed);
	ja_session_end_user(&user->id, session, "password changed");
	ja_outbox_notify_user(&user->id, JA_MESSAGE_PASSWORD_CHANGED, NULL);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "password_changed", .user = &user->id, .session = session
				   });
	return ja_answer_done();
}

/*
 * Changes the password of a user, and ends the sessions but the given one,
 * which may be NULL.  Returns an empty object or an error object.
 */
Jsonb *
ja_password_change(const pg_uuid_t *user, const pg_uuid_t *session,
				   JaString old_password, JaString new_password)
{
	JaPlanScope scope;
	JaPasswordAttempt attempt;
	const JaIdentifier *name = ja_identifier_primary(user);
	JaStrings	names = ja_identifier_names(user);
	Jsonb	   *answer;

	if (old_password.length == 0 || new_password.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "passwords must not be empty");
	if (name == NULL)
		ja_raise(JA_NOT_AUTHENTICATED);
	attempt.name = name->canonical;
	ja_check(ja_password_prepare(old_password, &attempt.password));
	ja_plan_begin_in_caller_context(&scope);
	answer = ja_password_attempt_authenticate(&attempt, "password_change_denied");
	if (answer == NULL)
		answer = store(&attempt.user, names, session, new_password);
	ja_password_forget(attempt.password);
	ja_plan_end(&scope);
	return answer;
}
