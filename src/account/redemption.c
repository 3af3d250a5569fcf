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

#include "account/login.h"
#include "account/redemption.h"
#include "base/secret.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "keyring/name_hash.h"
#include "session/answer.h"
#include "session/attempt_lock.h"
#include "shared/counters.h"
#include "store/audit.h"

static JaPlan forget_failures = {
	.sql = "UPDATE jwt_auth.users SET code_failures = 0 WHERE id OPERATOR(pg_catalog.=) $1"
};

/* The answer to whatever cannot be redeemed. */
Jsonb *
ja_redemption_deny(void)
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

/*
 * Whether a link comes from the browser that asked for it, or need not.  Nobody
 * asked for what an admin hands out: there is no flow, and none is looked at.
 */
static bool
is_from_asker(const JaOneTimeToken *token, JaString flow)
{
	pg_uuid_t	asked;

	if (token->canonical.data == NULL)
		return true;
	if (flow.data == NULL)
		return token->purpose != JA_PURPOSE_LOGIN || ja_settings.login_link_any_device;
	return ja_flow_read(flow, &asked) && ja_uuid_equals(&token->id, &asked);
}

/* A link; with a flow, only the one that was asked for together with it. */
static Jsonb *
check_link(JaPurpose purpose, JaString link, JaString flow, JaRedemption *redemption)
{
	JaOneTimeToken *token = &redemption->token;
	pg_uuid_t	id;
	pg_uuid_t	nonce;

	redemption->is_by_code = false;
	if (!ja_one_time_token_read(link, purpose, &id, &nonce) ||
		!ja_one_time_token_find(&id, token) || token->purpose != purpose ||
		!ja_uuid_equals(&nonce, &token->nonce) || !is_from_asker(token, flow) ||
		!ja_one_time_token_is_live(token, &redemption->user))
		return ja_redemption_deny();
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
	audit.name_hash = ja_throttle_name_hash(&redemption->throttle);
	if (redemption->token.has_user)
		audit.user = &redemption->token.user;
	ja_audit_write(&audit);
	return ja_redemption_deny();
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
		return ja_redemption_deny();
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
		return ja_redemption_deny();
	return is_right_code(redemption, code) ? NULL : deny_code(redemption);
}

/*
 * Waits until no other transaction makes a user of an address, or changes what waits
 * for it; false if that does not come in time.  Holds until the transaction ends.
 */
bool
ja_redemption_wait_turn(JaString canonical)
{
	uint8		subject[JA_SUBJECT_SIZE];

	ja_name_hash_make("jwt_auth address", canonical.data, canonical.length, subject);
	return ja_attempt_lock_wait(subject);
}

/*
 * The same for a token that makes a user, as which it has siblings and no row of a
 * user to lock; then looks again.
 */
static Jsonb *
take_turn(JaRedemption *redemption)
{
	JaOneTimeToken *token = &redemption->token;
	pg_uuid_t	id = token->id;

	if (!ja_redemption_wait_turn(token->canonical))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_one_time_token_find(&id, token) ||
		!ja_one_time_token_is_live(token, &redemption->user))
		return ja_redemption_deny();
	return NULL;
}

/*
 * Finds out whether a link, or a code with its flow, could be redeemed for a
 * purpose, and whose it is, if it has a user.  Returns NULL if so, else the answer.
 * Within a scope of ja_plan_begin(), in the memory context of the caller.
 */
Jsonb *
ja_redemption_check(JaPurpose purpose, JaString token, JaString flow, JaRedemption *redemption)
{
	Jsonb	   *answer;

	redemption->user = (JaUser) {.code_failures = 0};
	if (is_code(token))
		answer = check_code(purpose, token, flow, redemption);
	else
		answer = check_link(purpose, token, flow, redemption);
	if (answer == NULL && !redemption->token.has_user)
		answer = take_turn(redemption);
	return answer;
}

/*
 * Begins a scope of ja_plan_begin() in the memory context of the caller, which
 * ja_redemption_end() ends, and checks as ja_redemption_check() does.  Raises without
 * a signing key where one is needed.
 */
Jsonb *
ja_redemption_begin(JaPurpose purpose, JaString token, JaString flow, JaRedemption *redemption)
{
	if (token.length > 0 && ja_purpose_row(purpose)->begins_session)
		ja_login_require_keys();
	ja_plan_begin_in_caller_context(&redemption->scope);
	if (token.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "token must not be empty");
	return ja_redemption_check(purpose, token, flow, redemption);
}

/* Ends what ja_redemption_begin() began, and returns the answer given. */
Jsonb *
ja_redemption_end(JaRedemption *redemption, Jsonb *answer)
{
	ja_plan_end(&redemption->scope);
	return answer;
}

/*
 * Redeems what was checked.  If there is a user, it must be the user's turn, as for a
 * login, and the row is locked, whose count of failures begins anew.  Returns NULL, or
 * the answer if somebody was faster, or the user changed.
 */
Jsonb *
ja_redemption_consume(JaRedemption *redemption)
{
	const JaOneTimeToken *token = &redemption->token;

	if (token->has_user && !ja_user_wait_turn(&token->user))
		return ja_answer_busy(JA_BUSY_NAME);
	if ((token->has_user && !ja_user_lock_by_id(&token->user, &redemption->user)) ||
		!ja_one_time_token_consume(token))
		return ja_redemption_deny();
	if (redemption->is_by_code)
		ja_throttle_succeeded(&redemption->throttle);
	if (redemption->token.has_user && redemption->user.code_failures > 0)
		ja_plan_run(&forget_failures, JA_VALUES(ja_uuid(&redemption->user.id)));
	return NULL;
}
