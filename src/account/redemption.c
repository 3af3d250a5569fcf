/*-------------------------------------------------------------------------
 *
 * redemption.c
 *	  Redeeming of one-time tokens, by link or by code.
 *
 * An attacker controls token and flow.  What was not made here costs one hash
 * and is not written about.  A code is tried on the token that its flow names;
 * wrong ones are counted in that row, for the account, and for the address, and
 * that commits: a denial is an answer, and the same for all reasons.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/redemption.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "session/answer.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "store/plan.h"

static Jsonb *
deny_redemption(void)
{
	return ja_answer_error(JA_ERROR_INVALID_GRANT, "the link or code is not valid, or no longer");
}

static bool
is_code(JaString text)
{
	if (text.length != JA_CODE_DIGITS)
		return false;
	for (size_t i = 0; i < text.length; i++)
	{
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	}
	return true;
}

/* A link; with a flow, only the one that was asked for together with it. */
static Jsonb *
check_link(JaPurpose purpose, JaString link, JaString flow, JaRedemption *redemption)
{
	JaOneTimeToken *token = &redemption->token;
	pg_uuid_t	id;
	pg_uuid_t	nonce;
	pg_uuid_t	asked;

	redemption->is_by_code = false;
	if (!ja_one_time_token_read(link, purpose, &id, &nonce) ||
		(flow.data != NULL && (!ja_flow_read(flow, &asked) || !ja_uuid_equals(&id, &asked))) ||
		!ja_one_time_token_find(&id, token) || token->purpose != purpose ||
		!ja_uuid_equals(&nonce, &token->nonce) ||
		!ja_one_time_token_is_live(token, &redemption->user))
		return deny_redemption();
	return NULL;
}

/* Counts and audits a wrong code. */
static Jsonb *
deny_code(JaRedemption *redemption)
{
	JaAuditEvent audit = {.event = "code_denied",.reason = "wrong, expired or used code"};

	ja_throttle_failed(&redemption->throttle);
	ja_one_time_token_count_failure(&redemption->token);
	ja_count(JA_COUNT_ATTEMPTS_DENIED);
	audit.name_hash = ja_value_make_bytes(redemption->throttle.subject, JA_SUBJECT_SIZE);
	if (redemption->token.has_user)
		audit.user = &redemption->token.user;
	ja_audit_write(&audit);
	return deny_redemption();
}

/* Whether a code is that of the token, and codes are still accepted. */
static bool
is_right_code(JaRedemption *redemption, JaString code)
{
	const JaOneTimeToken *token = &redemption->token;
	bool		is_live = ja_one_time_token_is_live(token, &redemption->user);
	char		right[JA_CODE_DIGITS + 1];

	if (!ja_handle_can_write(JA_HANDLE_ONE_TIME_TOKEN, token->key_number))
		return false;
	ja_one_time_token_code(token, right);
	return ja_secret_equals(code.data, code.length, right, JA_CODE_DIGITS) && is_live &&
		redemption->user.code_failures < JA_CODE_MAX_USER_FAILURES;
}

/* A code, which counts only together with the flow that was asked for. */
static Jsonb *
check_code(JaPurpose purpose, JaString code, JaString flow, JaRedemption *redemption)
{
	JaThrottle *throttle = &redemption->throttle;
	pg_uuid_t	id;

	redemption->is_by_code = true;
	if (flow.data == NULL || !ja_flow_read(flow, &id) ||
		!ja_one_time_token_find(&id, &redemption->token) ||
		redemption->token.purpose != purpose || redemption->token.canonical.data == NULL)
		return deny_redemption();
	ja_throttle_enter(JA_ATTEMPT_CODE, redemption->token.canonical, throttle);
	if (throttle->is_busy)
		return ja_answer_busy(JA_BUSY_NAME);
	if (throttle->retry_after_seconds > 0)
	{
		ja_count(JA_COUNT_ATTEMPTS_THROTTLED);
		return ja_answer_wait(throttle->retry_after_seconds);
	}
	/* As of now, since others may have tried while this one waited. */
	if (!ja_one_time_token_find(&id, &redemption->token))
		return deny_redemption();
	return is_right_code(redemption, code) ? NULL : deny_code(redemption);
}

/*
 * Finds out whether a link, or a code with its flow, could be redeemed for a
 * purpose, and whose it is.  Returns NULL if so, else the answer.  Within a scope
 * of ja_plan_begin(), in the memory context of the caller.
 */
Jsonb *
ja_redemption_check(JaPurpose purpose, JaString token, JaString flow, JaRedemption *redemption)
{
	if (is_code(token))
		return check_code(purpose, token, flow, redemption);
	return check_link(purpose, token, flow, redemption);
}

/*
 * Redeems what was checked, and locks the user's row.  Returns NULL, or the answer
 * if somebody was faster, or the user changed.
 */
Jsonb *
ja_redemption_consume(JaRedemption *redemption)
{
	if (!ja_user_lock_by_id(&redemption->token.user, &redemption->user) ||
		!ja_one_time_token_consume(&redemption->token))
		return deny_redemption();
	if (redemption->is_by_code)
		ja_throttle_succeeded(&redemption->throttle);
	return NULL;
}
