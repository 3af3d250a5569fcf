/*-------------------------------------------------------------------------
 *
 * passkey_login.c
 *	  Login with a passkey.
 *
 * An attacker controls the credential.  Nobody is named, so that there is nobody to
 * try out: what is no passkey of ours, or does not answer a challenge of ours, is
 * denied without a trace.  An answer to a challenge by a passkey that is known spends
 * the challenge, and whatever is wrong with it is audited and denied alike.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/login.h"
#include "account/passkeys.h"
#include "base/error.h"
#include "base/settings.h"
#include "factor/passkey_check.h"
#include "factor/relying_party.h"
#include "keyring/used_handle.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "store/plan.h"

/* The answer is the same for all reasons. */
static Jsonb *
deny_passkey(void)
{
	ja_count(JA_COUNT_ATTEMPTS_DENIED);
	return ja_answer_error(JA_ERROR_INVALID_GRANT,
						   "the passkey is not valid, or its challenge no longer is");
}

static Jsonb *
deny_known_passkey(const JaPasskeyCheck *check, const char *reason)
{
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "login_denied", .reason = reason, .user = &check->passkey.user
				   });
	return deny_passkey();
}

/*
 * Verifies what was read.  The user is named by the handle alone, which must therefore
 * be there (section 7.2, step 6).
 */
static JaStatus
verify_login(JaPasskeyCheck *check)
{
	if (check->credential.user_handle.data == NULL)
		return JA_PASSKEY_USER_HANDLE;
	return ja_passkey_check_verify(check);
}

/*
 * Spends the challenge, and verifies what is stored now, which the lock on the
 * user's row keeps as it is; within a scope of ja_plan_begin().
 */
static Jsonb *
redeem_login(JaPasskeyCheck *check)
{
	const pg_uuid_t id = check->passkey.user;
	JaUser		user;
	JaStatus	status;

	if (!ja_user_wait_turn(&id))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_used_handle_add(check->challenge_text, check->challenge.expires_at))
		return deny_known_passkey(check, "the challenge was answered before");
	if (!ja_user_lock_by_id(&id, &user) || !ja_passkey_check_reload(check))
		return deny_passkey();
	if (user.is_disabled)
		return deny_known_passkey(check, ja_user_why_disabled(&user));
	status = verify_login(check);
	if (ja_passkey_is_refused(status))
		return deny_known_passkey(check, ja_status_row(status)->message);
	ja_check(status);
	return ja_login_begin(&user, ja_passkey_check_accept(check), "passkey",
						  ja_settings.session_ttl_seconds);
}

/*
 * Logs in the user of a passkey.  Returns a token response or an error object;
 * raises JA_RELYING_PARTY_UNSET, and without a signing key.
 */
Jsonb *
ja_passkey_login(const JsonbContainer *json)
{
	JaPasskeyCheck check = {.json = json};
	JaPlanScope scope;
	Jsonb	   *answer;

	(void) ja_relying_party_id();
	ja_login_require_keys();
	if (!ja_passkey_check_read(&check, JA_CHALLENGE_LOGIN))
		return deny_passkey();
	ja_plan_begin_in_caller_context(&scope);
	answer = redeem_login(&check);
	ja_plan_end(&scope);
	return answer;
}
