/*-------------------------------------------------------------------------
 *
 * recovery.c
 *	  Recovery of accounts whose password was lost.
 *
 * An attacker controls the identifier.  Whether anybody has it must show in
 * nothing: known and unknown addresses get the same answer, write the same rows,
 * and one message goes out, to the address as it is stored where it is known.
 * An address that got its share of messages gets the answer and nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/outbox.h"
#include "account/password_change.h"
#include "account/recovery.h"
#include "account/redemption.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "session/answer.h"
#include "session/session_end.h"
#include "store/audit.h"
#include "store/plan.h"

/* Whom an address stands for. */
typedef struct Addressee
{
	bool		is_known;
	JaUser		user;			/* if is_known */
	JaString	recipient;		/* data NULL: no message can be sent */
} Addressee;

/* Unknown addresses look for a user, too: one whom nobody is. */
static void
find_addressee(const JaOneTimeToken *token, JaIdentifierKind kind, Addressee *addressee)
{
	JaIdentifier identifier = {.value = {NULL, 0}};
	pg_uuid_t	user = token->id;
	bool		is_found = ja_identifier_find(token->canonical, &user, &identifier);

	addressee->is_known = ja_user_find_by_id(&user, &addressee->user) && is_found &&
		identifier.is_verified && !addressee->user.is_disabled;
	if (!addressee->is_known)
		identifier.value = (JaString) {NULL, 0};
	addressee->recipient = ja_identifier_recipient(identifier.value, kind, token->canonical);
}

/* Writes token and message; counts as one message to the address. */
static void
send_recovery(JaOneTimeToken *token, JaIdentifierKind kind, JaThrottle *throttle)
{
	JaAuditEvent audit = {.event = "recovery_requested"};
	Addressee	addressee;

	find_addressee(token, kind, &addressee);
	if (addressee.recipient.data == NULL)
		return;
	ja_throttle_failed(throttle);
	token->recipient = addressee.recipient;
	ja_one_time_token_create(token, addressee.is_known ? &addressee.user : NULL,
							 ja_settings.recovery_ttl_seconds);
	ja_outbox_add(addressee.is_known ? JA_MESSAGE_RECOVERY : JA_MESSAGE_NO_ACCOUNT, kind, token);
	if (addressee.is_known)
		audit.user = &addressee.user.id;
	audit.name_hash = ja_value_make_bytes(throttle->subject, JA_SUBJECT_SIZE);
	ja_audit_write(&audit);
}

/*
 * Sends a link and a code to an address, if it is somebody's.  Returns a flow, or
 * an error object for what is no address.
 */
Jsonb *
ja_recovery_request(JaString identifier)
{
	JaPlanScope scope;
	JaCanonical canonical;
	JaThrottle	throttle;
	JaOneTimeToken token = {.purpose = JA_PURPOSE_RECOVERY};
	JaString	flow;

	if (ja_identifier_form(identifier, &canonical) != JA_OK ||
		canonical.kind == JA_IDENTIFIER_USERNAME)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST,
							   "an e-mail address or a phone number is needed");
	ja_check(ja_uuid_make(GetCurrentTimestamp(), &token.id));
	flow = ja_flow_write(&token.id);
	token.canonical = (JaString) {canonical.bytes, canonical.length};
	ja_plan_begin(&scope);
	MemoryContextSwitchTo(scope.context);
	ja_throttle_enter(JA_ATTEMPT_SEND, token.canonical, &throttle);
	if (throttle.retry_after_seconds == 0)
		send_recovery(&token, canonical.kind, &throttle);
	ja_plan_end(&scope);
	return ja_answer_sent(flow, ja_settings.recovery_ttl_seconds);
}

static Jsonb *
set_password(const pg_uuid_t *user, const JaNewPassword *hashed)
{
	ja_new_password_store(user, hashed);
	ja_session_end_user(user, NULL, "account recovered");
	ja_outbox_notify_user(user, JA_MESSAGE_PASSWORD_CHANGED);
	ja_audit_write(&(JaAuditEvent) {.event = "account_recovered", .user = user});
	return ja_answer_status("password_set");
}

/*
 * Sets a password for whoever shows a link, or a code with its flow.  The
 * password is judged, and hashed, only for what could be redeemed; one that is
 * refused leaves the token as it is.  Returns a status or an error object.
 */
Jsonb *
ja_recovery_redeem(JaString token, JaString new_password, JaString flow)
{
	JaPlanScope scope;
	JaRedemption redemption;
	JaNewPassword hashed;
	Jsonb	   *answer;

	if (token.length == 0 || new_password.length == 0)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "token and password must not be empty");
	ja_plan_begin(&scope);
	MemoryContextSwitchTo(scope.context);
	answer = ja_redemption_check(JA_PURPOSE_RECOVERY, token, flow, &redemption);
	if (answer == NULL)
		answer = ja_password_change_hash(ja_identifier_names(&redemption.user.id), new_password,
										 &hashed);
	if (answer == NULL)
		answer = ja_redemption_consume(&redemption);
	if (answer == NULL)
		answer = set_password(&redemption.user.id, &hashed);
	ja_plan_end(&scope);
	return answer;
}

/* Makes a link that an admin hands over; raises JA_ACCOUNT_UNKNOWN. */
JaString
ja_recovery_create_link(const pg_uuid_t *user, JaPurpose purpose, int64 ttl_seconds)
{
	JaPlanScope scope;
	JaOneTimeToken token = {.purpose = purpose};
	JaUser		row;

	if (!ja_user_find_by_id(user, &row))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	ja_check(ja_uuid_make(GetCurrentTimestamp(), &token.id));
	ja_plan_begin(&scope);
	ja_one_time_token_create(&token, &row, ttl_seconds);
	ja_plan_end(&scope);
	ja_audit_write(&(JaAuditEvent) {.event = "link_created", .user = user});
	return ja_one_time_token_write(&token);
}
