/*-------------------------------------------------------------------------
 *
 * sign_up.c
 *	  Sign-up of users by themselves.
 *
 * An attacker controls identifier, password and data.  Whether anybody has the
 * address must show in nothing: password and data are judged before that is
 * looked at, known and unknown addresses cost the same hash and write the same
 * rows, and one message goes out.  Nothing becomes a user before somebody proves
 * the address.
 *
 * The password was typed by whoever has the flow, and only who shows the flow
 * together with what was sent has both.  The link alone may be in the hands of
 * an owner for whom somebody else signed up: it proves the address, drops that
 * password, and ends that flow.  So it does with the anonymous user who asked: the
 * owner of the address would get what somebody else began, and still holds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/outbox.h"
#include "account/sign_up.h"
#include "account/sign_up_rule.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "session/answer.h"
#include "store/audit.h"
#include "store/plan.h"

static JaPlan replace_data = {
	.sql = "UPDATE jwt_auth.one_time_tokens SET data = $2"
	" WHERE id OPERATOR(pg_catalog.=) $1 AND consumed_at IS NULL"
};

/* Largest data that may come with a sign-up, in bytes of jsonb. */
#define MAX_DATA (8 * 1024)

static void
require_sign_up(void)
{
	if (!ja_settings.sign_up)
		ja_raise(JA_SIGN_UP_OFF);
}

/* Raises JA_SIGN_UP_DATA for data that may not come with a sign-up. */
void
ja_sign_up_check_data(const Jsonb *data)
{
	if (!ja_json_is_object(&data->root) || VARSIZE(data) > MAX_DATA)
		ja_raise(JA_SIGN_UP_DATA);
}

/* Writes token and message, to the address as it is stored if somebody has it. */
static void
send_sign_up(JaOneTimeToken *token, JaIdentifierKind kind, JaThrottle *throttle)
{
	JaAuditEvent audit = {.event = "sign_up_requested"};
	JaIdentifier identifier;
	pg_uuid_t	owner;
	bool		is_known = ja_identifier_find(token->canonical, &owner, &identifier);

	if (is_known)
	{
		token->recipient = ja_identifier_recipient(identifier.value, kind, token->canonical);
		audit.user = &owner;
	}
	ja_throttle_failed(throttle);
	ja_one_time_token_create(token, NULL, ja_settings.sign_up_ttl_seconds);
	ja_outbox_add(is_known ? JA_MESSAGE_ACCOUNT_EXISTS : JA_MESSAGE_SIGN_UP, kind, token, NULL);
	audit.name_hash = ja_throttle_name_hash(throttle);
	ja_audit_write(&audit);
}

/* The same unless the address had its share of messages, which nobody is told. */
static Jsonb *
request_sign_up(JaOneTimeToken *token, JaIdentifierKind kind)
{
	JaPlanScope scope;
	JaThrottle	throttle;
	JaString	flow;

	ja_check(ja_uuid_make(GetCurrentTimestamp(), &token->id));
	flow = ja_flow_write(&token->id);
	ja_plan_begin_in_caller_context(&scope);
	ja_throttle_enter(JA_ATTEMPT_SEND_PROOF, token->canonical, &throttle);
	if (throttle.retry_after_seconds == 0)
		send_sign_up(token, kind, &throttle);
	ja_plan_end(&scope);
	return ja_answer_sent(flow, ja_settings.sign_up_ttl_seconds);
}

/* What voids the change of an anonymous user whom somebody bans or disables before. */
static int64
version_of_anonymous(const pg_uuid_t *id)
{
	JaUser		user;

	return ja_user_find_standing(id, &user) ? user.credentials_version : 0;
}

/*
 * Sends a link and a code to an address that is nobody's, and else a message to its
 * owner.  A password with data NULL is none; an anonymous user who asks, unless that
 * is NULL, is to become the one who signs up.  Returns a flow, or an error object for
 * what is no address and for a password or sign-up that is refused.
 */
Jsonb *
ja_sign_up_request(JaString identifier, JaString password, Jsonb *data,
				   const pg_uuid_t *anonymous)
{
	JaCanonical canonical;
	JaPendingUser pending = {.identifier = identifier,.is_upgrade = anonymous != NULL};
	JaOneTimeToken token = {.purpose = JA_PURPOSE_SIGN_UP};
	JaStatus	status;
	Jsonb	   *answer = NULL;

	require_sign_up();
	ja_sign_up_check_data(data);
	status = ja_identifier_form_of_address(identifier, &canonical);
	if (status != JA_OK)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, ja_status_row(status)->message);
	token.canonical = ja_canonical_string(&canonical);
	token.recipient = ja_identifier_recipient(identifier, canonical.kind, token.canonical);
	if (password.data != NULL)
		answer = ja_pending_user_set_password(&pending, password);
	if (answer == NULL)
		answer = ja_sign_up_rule_apply(ja_identifier_kind_name(canonical.kind), token.recipient,
									   data, &pending);
	if (answer != NULL)
		return answer;
	if (anonymous != NULL)
	{
		pending.anonymous = *anonymous;
		token.credentials_version = version_of_anonymous(anonymous);
	}
	token.data = ja_pending_user_write(&pending);
	return request_sign_up(&token, canonical.kind);
}

/* The address is proven, and whoever proved it has yet to choose a password. */
static Jsonb *
ask_for_password(const JaOneTimeToken *token, JaPendingUser *pending)
{
	pending->password_hash = (JaString) {NULL, 0};
	pending->is_proven = true;
	ja_plan_run_on_latest(&replace_data, JA_VALUES(ja_uuid(&token->id),
												   ja_jsonb(ja_pending_user_write(pending))));
	return ja_answer_error(JA_ERROR_PASSWORD_REQUIRED,
						   "the address is proven, choose a password and send it with the same token");
}

/* Makes a user of what could be redeemed. */
static Jsonb *
confirm_sign_up(JaRedemption *redemption, bool has_flow, JaString password)
{
	JaPendingUser pending;
	Jsonb	   *answer = NULL;

	ja_pending_user_read(&redemption->token, &pending);
	if (has_flow && pending.is_proven)
		return ja_redemption_deny();
	pending.is_upgrade = pending.is_upgrade && has_flow;
	if (password.data != NULL)
		answer = ja_pending_user_set_password(&pending, password);
	else if (!has_flow)
		answer = ask_for_password(&redemption->token, &pending);
	if (answer != NULL)
		return answer;
	return ja_pending_user_admit(redemption, &pending, "signed_up");
}

/*
 * Makes the user, and begins a session, for whoever shows a link or a code with its
 * flow, or a link and a password; flow and password with data NULL are none.
 * Returns a token response or an error object; raises as ja_login() does.
 */
Jsonb *
ja_sign_up_confirm(JaString token, JaString flow, JaString password)
{
	JaRedemption redemption;
	Jsonb	   *answer;

	require_sign_up();
	answer = ja_redemption_begin(JA_PURPOSE_SIGN_UP, token, flow, &redemption);
	if (answer == NULL)
		answer = confirm_sign_up(&redemption, flow.data != NULL, password);
	return ja_redemption_end(&redemption, answer);
}
