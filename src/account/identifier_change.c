/*-------------------------------------------------------------------------
 *
 * identifier_change.c
 *	  What users change themselves about how they are called.
 *
 * An attacker with an account controls the text.  Whether an address is somebody
 * else's must show in nothing: the answer, the rows and the one message are alike,
 * and that goes to the address as it is stored where it is known.  Then there is
 * nothing to redeem.  An address counts once its link or code is shown by the user
 * who asked, and then it is the one of the token's row.
 *
 * Usernames are public by nature, so that a taken one is refused as such.
 *
 * Whoever changes what a user is called takes the user's turn, and then locks the
 * user's row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/identifier_change.h"
#include "account/outbox.h"
#include "account/redemption.h"
#include "account/undo.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "session/answer.h"
#include "session/session.h"
#include "store/audit.h"
#include "store/plan.h"

/* Identifiers that a user may have; each change is told to all addresses. */
#define MAX_IDENTIFIERS 10

/* A user whose row is locked, and all that the user is called. */
typedef struct Own
{
	JaUser		user;
	JaIdentifier *identifiers;
	int			count;
} Own;

/* A change of the user by an identifier, as it was written and in canonical form. */
typedef Jsonb *(*ChangeIdentifier) (const JaIdentifierOwner *owner, JaString text,
									const JaCanonical *canonical);

static const JaIdentifier *
find_own(const Own *own, JaString canonical)
{
	for (int i = 0; i < own->count; i++)
	{
		if (ja_string_equals(own->identifiers[i].canonical, canonical))
			return &own->identifiers[i];
	}
	return NULL;
}

static const JaIdentifier *
find_username(const Own *own)
{
	for (int i = 0; i < own->count; i++)
	{
		if (own->identifiers[i].kind == JA_IDENTIFIER_USERNAME)
			return &own->identifiers[i];
	}
	return NULL;
}

/*
 * Locks the current user, in turn with logins, which else would wait for the row.
 * Returns NULL, or the answer if the turn does not come; raises
 * JA_NOT_AUTHENTICATED for one who was deleted or disabled meanwhile, or whose
 * session has ended, as an undo ends it that was faster.
 */
static Jsonb *
lock_own(const JaIdentifierOwner *owner, Own *own)
{
	JaSession	session;

	if (!ja_user_wait_turn(&owner->user))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_user_lock_by_id(&owner->user, &own->user) || own->user.is_disabled ||
		!ja_session_find(&owner->session, &session) || session.is_revoked)
		ja_raise(JA_NOT_AUTHENTICATED);
	own->count = ja_identifier_list(&owner->user, &own->identifiers);
	return NULL;
}

/* Voids tokens, tells the former addresses, and audits; answers with the event. */
static Jsonb *
finish_change(const Own *own, const JaIdentifier *added, const JaIdentifier *removed,
			  const char *event)
{
	ja_user_raise_version(&own->user.id);
	ja_undo_offer(&own->user, &(JaIdentifierChange)
				  {
					  .added = added,.removed = removed,
					  .former = own->identifiers,.former_count = own->count
				  });
	ja_audit_write(&(JaAuditEvent) {.event = event, .user = &own->user.id});
	return ja_answer_status(event);
}

/* Why a change cannot be made now; NULL: it can. */
static Jsonb *
refuse_change(const Own *own)
{
	int			wait_seconds = ja_undo_wait_seconds(&own->user.id);

	return wait_seconds > 0 ? ja_answer_too_often(wait_seconds) : NULL;
}

/*
 * Counts a request of the user, who could make this database write to anybody, or
 * try out which usernames are taken.  Returns NULL, or the answer if there were too
 * many.
 */
static Jsonb *
count_request(const pg_uuid_t *user)
{
	JaThrottle	throttle;

	ja_throttle_enter(JA_ATTEMPT_REQUEST, (JaString) {(const char *) user->data, UUID_LEN},
					  &throttle);
	if (throttle.is_busy || throttle.retry_after_seconds > 0)
		return ja_answer_too_often(throttle.retry_after_seconds);
	ja_throttle_failed(&throttle);
	return NULL;
}

/* Gives the user a username, in place of the one that there may be. */
static Jsonb *
change_username(const JaIdentifierOwner *owner, JaString text, const JaCanonical *canonical)
{
	JaIdentifier added = {
		.kind = JA_IDENTIFIER_USERNAME,.value = text,
		.canonical = ja_canonical_string(canonical),.is_verified = true
	};
	Own			own = {0};
	const JaIdentifier *former;
	Jsonb	   *refusal;

	refusal = count_request(&owner->user);
	if (refusal == NULL)
		refusal = lock_own(owner, &own);
	if (refusal == NULL)
		refusal = refuse_change(&own);
	if (refusal != NULL)
		return refusal;
	former = find_username(&own);
	if (!ja_identifier_attach(&owner->user, text, canonical))
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "this username is taken");
	if (former != NULL && ja_string_equals(former->canonical, added.canonical))
		return ja_answer_status("username_changed");
	return finish_change(&own, &added, former, "username_changed");
}

/* Writes token and message; counts as one message to the address. */
static void
send_proof(JaOneTimeToken *token, const JaUser *user, JaString text, JaIdentifierKind kind,
		   JaThrottle *throttle)
{
	JaIdentifier taken;
	pg_uuid_t	owner;
	bool		is_taken = ja_identifier_find(token->canonical, &owner, &taken);

	token->recipient = ja_identifier_recipient(is_taken ? taken.value : text, kind,
											   token->canonical);
	ja_throttle_failed(throttle);
	ja_one_time_token_create(token, is_taken ? NULL : user, ja_settings.identifier_ttl_seconds);
	ja_outbox_add(is_taken ? JA_MESSAGE_ACCOUNT_EXISTS : JA_MESSAGE_IDENTIFIER, kind, token, NULL);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "identifier_requested", .user = &user->id,
					   .name_hash = ja_throttle_name_hash(throttle)
				   });
}

/* Why an address cannot be one more of the user's; NULL: it may be. */
static const char *
reason_against(const Own *own, JaString canonical)
{
	if (find_own(own, canonical) != NULL)
		return "this is one of your identifiers already";
	return own->count < MAX_IDENTIFIERS ? NULL : "you have too many identifiers, remove one first";
}

/* Sends a link and a code to an address that the user wants to have. */
static Jsonb *
request_proof(const pg_uuid_t *user, JaString text, const JaCanonical *canonical)
{
	JaOneTimeToken token = {
		.purpose = JA_PURPOSE_IDENTIFIER,
		.canonical = ja_canonical_string(canonical)
	};
	Own			own = {0};
	const char *reason;
	Jsonb	   *refusal;
	JaThrottle	throttle;

	if (!ja_user_find_by_id(user, &own.user))
		ja_raise(JA_NOT_AUTHENTICATED);
	own.count = ja_identifier_list(user, &own.identifiers);
	reason = reason_against(&own, token.canonical);
	if (reason != NULL)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, reason);
	refusal = count_request(user);
	if (refusal != NULL)
		return refusal;
	ja_check(ja_uuid_make(GetCurrentTimestamp(), &token.id));
	ja_throttle_enter(JA_ATTEMPT_SEND_PROOF, token.canonical, &throttle);
	if (throttle.retry_after_seconds == 0)
		send_proof(&token, &own.user, text, canonical->kind, &throttle);
	return ja_answer_sent(ja_flow_write(&token.id), ja_settings.identifier_ttl_seconds);
}

static Jsonb *
refuse_text(JaStatus status)
{
	return ja_answer_error(JA_ERROR_INVALID_REQUEST, ja_status_row(status)->message);
}

/* Changes what a text stands for, unless it is no identifier. */
static Jsonb *
change_identifier(const JaIdentifierOwner *owner, JaString text, ChangeIdentifier change)
{
	JaPlanScope scope;
	JaCanonical *canonical = palloc(sizeof(JaCanonical));
	JaStatus	status = ja_identifier_form_of_new(text, canonical);
	Jsonb	   *answer;

	if (status != JA_OK)
		return refuse_text(status);
	ja_plan_begin_in_caller_context(&scope);
	answer = change(owner, text, canonical);
	ja_plan_end(&scope);
	return answer;
}

static Jsonb *
add_own(const JaIdentifierOwner *owner, JaString text, const JaCanonical *canonical)
{
	if (canonical->kind == JA_IDENTIFIER_USERNAME)
		return change_username(owner, text, canonical);
	return request_proof(&owner->user, text, canonical);
}

/*
 * Changes the username, or sends a link and a code to an address that is to be the
 * user's.  Returns a status, with the flow of what was sent, or an error object.
 */
Jsonb *
ja_identifier_add(const JaIdentifierOwner *owner, JaString text)
{
	return change_identifier(owner, text, add_own);
}

/* Adds the address of the token's row, which was proven; the turn comes before the row. */
static Jsonb *
add_proven(const JaIdentifierOwner *owner, JaRedemption *redemption)
{
	JaString	address = redemption->token.recipient;
	JaIdentifier added = {.value = address,.canonical = redemption->token.canonical};
	JaCanonical canonical;
	Own			own = {0};
	Jsonb	   *refusal;

	refusal = lock_own(owner, &own);
	if (refusal == NULL)
		refusal = refuse_change(&own);
	if (refusal == NULL)
		refusal = ja_redemption_consume(redemption);
	if (refusal != NULL)
		return refusal;
	if (ja_identifier_form(address, &canonical) != JA_OK ||
		!ja_string_equals(ja_canonical_string(&canonical), added.canonical) ||
		!ja_identifier_attach(&own.user.id, address, &canonical))
		return ja_redemption_deny();
	added.kind = canonical.kind;
	return finish_change(&own, &added, NULL, "identifier_added");
}

/*
 * Adds an address for the user who asked for it and shows its link, or the code
 * with its flow.  Returns a status or an error object.
 */
Jsonb *
ja_identifier_confirm(const JaIdentifierOwner *owner, JaString token, JaString flow)
{
	JaRedemption redemption;
	Jsonb	   *answer = ja_redemption_begin(JA_PURPOSE_IDENTIFIER, token, flow, &redemption);

	if (answer == NULL && !ja_uuid_equals(&redemption.token.user, &owner->user))
		answer = ja_redemption_deny();
	if (answer == NULL)
		answer = add_proven(owner, &redemption);
	return ja_redemption_end(&redemption, answer);
}

static Jsonb *
remove_own(const JaIdentifierOwner *owner, JaString text pg_attribute_unused(),
		   const JaCanonical *canonical)
{
	JaString	bytes = ja_canonical_string(canonical);
	Own			own = {0};
	const JaIdentifier *removed;
	Jsonb	   *refusal;

	refusal = lock_own(owner, &own);
	if (refusal != NULL)
		return refusal;
	removed = find_own(&own, bytes);
	if (removed == NULL)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "this is none of your identifiers");
	if (ja_identifier_is_last(bytes, own.identifiers, own.count,
							  own.user.hash.text.data != NULL))
		return ja_answer_error(JA_ERROR_INVALID_REQUEST,
							   "this is your last way to log in, add another one first");
	refusal = refuse_change(&own);
	if (refusal != NULL)
		return refusal;
	ja_identifier_detach(&owner->user, removed);
	return finish_change(&own, NULL, removed, "identifier_removed");
}

/*
 * Takes an identifier from its user, unless it is the last way in.  Returns a
 * status or an error object.
 */
Jsonb *
ja_identifier_remove(const JaIdentifierOwner *owner, JaString text)
{
	return change_identifier(owner, text, remove_own);
}
