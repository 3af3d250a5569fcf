/*-------------------------------------------------------------------------
 *
 * code_login.c
 *	  Login without a password, by a link or a code that was sent.
 *
 * An attacker may have the link, because it was forwarded, or because the victim
 * was made to ask for it: so it counts only in the browser that asked, which has
 * the flow.  redemption.c has the check.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/code_login.h"
#include "account/login.h"
#include "account/redemption.h"
#include "account/session_limit.h"
#include "base/settings.h"
#include "session/answer.h"

/*
 * Begins the session of whoever shows what was checked, unless others begin.  Where it
 * would be one too many, link and code stay as they are.
 */
static Jsonb *
redeem_for_session(JaRedemption *redemption)
{
	Jsonb	   *answer;

	if (!ja_user_wait_turn(&redemption->token.user))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_user_lock_by_id(&redemption->token.user, &redemption->user) ||
		redemption->user.is_disabled)
		return ja_redemption_deny();
	answer = ja_session_limit_check(&redemption->user);
	if (answer == NULL)
		answer = ja_redemption_consume(redemption);
	if (answer != NULL)
		return answer;
	return ja_login_begin(&redemption->user, ja_session_proof(JA_AAL1, "otp", "code"),
						  redemption->is_by_code ? "by code" : "by link",
						  ja_settings.session_ttl_seconds);
}

/*
 * Logs in whoever shows a link or a code, with its flow.  Returns a token response or
 * an error object; raises as ja_login() does.
 */
Jsonb *
ja_code_login(JaString token, JaString flow)
{
	JaRedemption redemption;
	Jsonb	   *answer = ja_redemption_begin(JA_PURPOSE_LOGIN, token, flow, &redemption);

	if (answer == NULL)
		answer = redeem_for_session(&redemption);
	return ja_redemption_end(&redemption, answer);
}
