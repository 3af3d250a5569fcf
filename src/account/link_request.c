/*-------------------------------------------------------------------------
 *
 * link_request.c
 *	  Requests for a link and a code, to the address of a user.
 *
 * An attacker controls the identifier.  Whether anybody has it must show in
 * nothing: known and unknown addresses get the same answer, write the same rows,
 * and one message goes out, to the address as it is stored where it is known.
 * An address that got its share of messages gets the answer and nothing else.
 *
 * A username is refused: it says nothing about an address, and the waits of the
 * address would tell that both are the same user's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/link_request.h"
#include "account/outbox.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/uuid.h"
#include "session/answer.h"
#include "session/throttle.h"
#include "store/audit.h"
#include "store/plan.h"

/* What can be asked for. */
typedef struct LinkKind
{
	JaPurpose	purpose;
	const char *name;
	JaMessage	message;
	const char *event;
	const int  *ttl_seconds;
} LinkKind;

static const LinkKind link_kinds[] = {
	{JA_PURPOSE_RECOVERY, "recovery", JA_MESSAGE_RECOVERY, "recovery_requested",
	&ja_settings.recovery_ttl_seconds},
	{JA_PURPOSE_LOGIN, "login", JA_MESSAGE_LOGIN, "login_requested",
	&ja_settings.login_ttl_seconds},
};

/* Whom an address stands for. */
typedef struct Addressee
{
	bool		is_known;
	JaUser		user;			/* if is_known */
	JaString	recipient;		/* data NULL: no message can be sent */
} Addressee;

static const LinkKind *
find_link_kind(JaPurpose purpose)
{
	for (size_t i = 0; i < lengthof(link_kinds); i++)
	{
		if (link_kinds[i].purpose == purpose)
			return &link_kinds[i];
	}
	elog(ERROR, "nobody can ask for a token of this purpose");
}

/* Finds the purpose of a link that an admin names. */
bool
ja_link_find_purpose(JaString name, JaPurpose *purpose)
{
	for (size_t i = 0; i < lengthof(link_kinds); i++)
	{
		if (ja_string_is(name, link_kinds[i].name))
		{
			*purpose = link_kinds[i].purpose;
			return true;
		}
	}
	return false;
}

/*
 * Unknown addresses look for a user, too: one whom nobody is; and once more, since to
 * find nothing is faster by about as much.
 */
static void
find_addressee(const JaOneTimeToken *token, JaIdentifierKind kind, Addressee *addressee)
{
	JaIdentifier identifier = {.value = {NULL, 0}};
	pg_uuid_t	user = token->id;
	bool		is_found = ja_identifier_find(token->canonical, &user, &identifier);

	addressee->is_known = ja_user_find_standing(&user, &addressee->user) && is_found &&
		identifier.is_verified && !addressee->user.is_disabled;
	if (!is_found)
	{
		(void) ja_identifier_find(token->canonical, &user, &identifier);
		(void) ja_user_find_standing(&token->id, &addressee->user);
	}
	if (!addressee->is_known)
		identifier.value = (JaString) {NULL, 0};
	addressee->recipient = ja_identifier_recipient(identifier.value, kind, token->canonical);
}

/* Writes token and message; counts as one message to the address. */
static void
send_link(const LinkKind *link, JaOneTimeToken *token, JaIdentifierKind channel,
		  JaThrottle *throttle)
{
	JaAuditEvent audit = {.event = link->event};
	Addressee	addressee;

	find_addressee(token, channel, &addressee);
	if (addressee.recipient.data == NULL)
		return;
	ja_throttle_failed(throttle);
	token->recipient = addressee.recipient;
	ja_one_time_token_create(token, addressee.is_known ? &addressee.user : NULL,
							 *link->ttl_seconds);
	ja_outbox_add(addressee.is_known ? link->message : JA_MESSAGE_NO_ACCOUNT, channel, token,
				  NULL);
	if (addressee.is_known)
		audit.user = &addressee.user.id;
	audit.name_hash = ja_throttle_name_hash(throttle);
	ja_audit_write(&audit);
}

/*
 * Sends a link and a code to an address, if it is somebody's.  Returns a flow, or
 * an error object for what is no address.
 */
Jsonb *
ja_link_request(JaPurpose purpose, JaString identifier)
{
	const LinkKind *link = find_link_kind(purpose);
	JaPlanScope scope;
	JaCanonical canonical;
	JaThrottle	throttle;
	JaOneTimeToken token = {.purpose = purpose};
	JaString	flow;

	if (ja_identifier_form(identifier, &canonical) != JA_OK ||
		canonical.kind == JA_IDENTIFIER_USERNAME)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST,
							   "an e-mail address or a phone number is needed");
	ja_check(ja_uuid_make(GetCurrentTimestamp(), &token.id));
	flow = ja_flow_write(&token.id);
	token.canonical = ja_canonical_string(&canonical);
	ja_plan_begin_in_caller_context(&scope);
	ja_throttle_enter(JA_ATTEMPT_SEND, token.canonical, &throttle);
	if (throttle.retry_after_seconds == 0)
		send_link(link, &token, canonical.kind, &throttle);
	ja_plan_end(&scope);
	return ja_answer_sent(flow, *link->ttl_seconds);
}

/*
 * Makes a link that an admin hands over, and which has neither code nor flow;
 * ttl_seconds of 0 is what the purpose's setting says.  Raises JA_ACCOUNT_UNKNOWN, and
 * JA_ACCOUNT_ANONYMOUS.
 */
JaString
ja_link_create(const pg_uuid_t *user, JaPurpose purpose, int64 ttl_seconds)
{
	const LinkKind *link = find_link_kind(purpose);
	JaPlanScope scope;
	JaOneTimeToken token = {.purpose = purpose};
	JaUser		row;

	if (!ja_user_find_by_id(user, &row))
		ja_raise(JA_ACCOUNT_UNKNOWN);
	if (row.is_anonymous)
		ja_raise(JA_ACCOUNT_ANONYMOUS);
	ja_check(ja_uuid_make(GetCurrentTimestamp(), &token.id));
	ja_plan_begin(&scope);
	ja_one_time_token_create(&token, &row, ttl_seconds == 0 ? *link->ttl_seconds : ttl_seconds);
	ja_plan_end(&scope);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "link_created", .reason = link->name, .user = user
				   });
	return ja_one_time_token_write(&token);
}
