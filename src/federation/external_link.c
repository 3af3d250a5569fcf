/*-------------------------------------------------------------------------
 *
 * external_link.c
 *	  Linking of identities to users.
 *
 * An identity that is linked is a way in.  So the user links it in a session of not
 * long ago, with a nonce of that session: else an attacker could have the victim's
 * browser link the attacker's identity.  Where a login found that the address is a
 * user's, a ticket stands in for the nonce, which is good for that user, that ID token
 * and the credentials of then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/identity_link.h"
#include "account/session_limit.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "factor/passkey_row.h"
#include "federation/external_identity.h"
#include "federation/external_link.h"
#include "federation/external_login.h"
#include "federation/external_redeem.h"
#include "federation/link_ticket.h"
#include "keyring/used_handle.h"
#include "store/audit.h"
#include "store/plan.h"

/* Identities that a user may have. */
#define MAX_IDENTITIES 20

/*
 * Answers that the address is a user's, with a ticket to link the identity for whoever
 * proves to be that user.
 */
Jsonb *
ja_external_ask(const JaIdToken *token, const pg_uuid_t *owner)
{
	JaLinkTicket ticket = {.user = *owner};
	JaJsonState state = {0};
	JaString	text;
	JaUser		user;

	if (!ja_user_find_standing(owner, &user))
		return ja_external_deny(token, NULL, "the user is there no more");
	ticket.credentials_version = user.credentials_version;
	ja_link_ticket_hash(token, ticket.hash);
	text = ja_link_ticket_make(&ticket);
	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "link_asked", .user = owner, .issuer = token->issuer,
					   .reason = psprintf("provider %s", token->provider.data)
				   });
	ja_answer_begin_error(&state, JA_ERROR_ACCOUNT_EXISTS,
						  "the address is that of an account: log in to it, and link the identity");
	ja_json_add_string(&state, "link_token", text.data, text.length);
	ja_json_add_integer(&state, "expires_in", JA_LINK_TICKET_SECONDS);
	return ja_json_end_object(&state);
}

/*
 * Logs in the user whose verified address the identity has, to whom it is linked once
 * the session begins.  Nothing is proposed that the limit of sessions would leave behind.
 */
Jsonb *
ja_external_link_verified(const JaIdToken *token, const pg_uuid_t *owner)
{
	JaString	canonical = {token->canonical.bytes, token->canonical.length};
	const JaIdentityName identity = {token->provider, token->issuer, token->subject};
	JaIdentifier identifier;
	pg_uuid_t	found;
	pg_uuid_t	proposal;
	Jsonb	   *refusal;
	JaUser		user;

	if (!ja_user_wait_turn(owner))
		return ja_answer_busy(JA_BUSY_NAME);
	if (!ja_user_lock_by_id(owner, &user) ||
		!ja_identifier_find(canonical, &found, &identifier) ||
		!ja_uuid_equals(&found, owner) || !identifier.is_verified)
		return ja_external_deny(token, owner, "the address is not the user's any more");
	if (user.is_disabled)
		return ja_external_deny(token, owner, ja_user_why_disabled(&user));
	if (ja_external_identity_count(owner) >= MAX_IDENTITIES)
		return ja_external_deny(token, owner, "the user has too many identities");
	refusal = ja_session_limit_check(&user);
	if (refusal != NULL)
		return refusal;
	proposal = ja_identity_link_propose(&user, &identity);
	return ja_external_begin(token, &user, &proposal);
}

/* Whether the ticket is good for this user and ID token, and spends it. */
static bool
redeem_ticket(const JaUser *user, const JaIdToken *token, const JaLinkTicket *ticket,
			  JaString text)
{
	uint8		hash[JA_LINK_TICKET_HASH];

	ja_link_ticket_hash(token, hash);
	return ja_secret_equals(hash, sizeof(hash), ticket->hash, sizeof(hash)) &&
		ja_uuid_equals(&ticket->user, &user->id) &&
		ticket->credentials_version == user->credentials_version &&
		ja_used_handle_add(text, ticket->expires_at);
}

/* Links an identity that may be linked, unless it is somebody's. */
static Jsonb *
link_to(const JaIdToken *token, const pg_uuid_t *user)
{
	pg_uuid_t	owner;

	if (ja_external_identity_find(token, &owner))
		return ja_uuid_equals(&owner, user) ? ja_answer_status("identity_linked") :
			ja_answer_error(JA_ERROR_INVALID_REQUEST, "this identity is another user's");
	if (ja_external_identity_count(user) >= MAX_IDENTITIES)
		return ja_answer_error(JA_ERROR_INVALID_REQUEST,
							   "you have too many identities, remove one first");
	ja_external_identity_insert(token, user);
	ja_identity_link_note(user, "identity_linked", JA_MESSAGE_FACTOR_ADDED, token->provider);
	return ja_answer_status("identity_linked");
}

/* Redeems what was verified, and links; the turn of the identity comes first. */
static Jsonb *
redeem_link(const JaActor *owner, const JaIdToken *token, const JaLinkTicket *ticket,
			JaString text)
{
	JaUser		user = {0};
	Jsonb	   *answer;

	if (!ja_external_identity_wait_turn(token))
		return ja_answer_busy(JA_BUSY_NAME);
	answer = ja_actor_lock_in_turn(owner, &user);
	if (answer != NULL)
		return answer;
	if (text.data == NULL)
		answer = ja_external_spend(token);
	else if (!redeem_ticket(&user, token, ticket, text))
		answer = ja_external_deny(token, &user.id, "the link token is not for this, or was used");
	return answer != NULL ? answer : link_to(token, &user.id);
}

/*
 * Links an identity to a user who was authenticated not long ago, by an ID token with a
 * nonce of the session, or with the ticket that it was answered with, unless that has
 * data NULL.  Returns a status or an error object; raises 28J03 or 28J04.
 */
Jsonb *
ja_external_link(const JaActor *owner, JaIdTokenRequest *request, JaString ticket_text)
{
	JaLinkTicket ticket = {.made_at = 0};
	JaIdToken	token;
	JaPlanScope scope;
	Jsonb	   *answer;

	request->session = &owner->session;
	if (ticket_text.data != NULL)
	{
		if (!ja_link_ticket_read(ticket_text, &ticket))
			return ja_answer_error(JA_ERROR_INVALID_GRANT,
								   "the link token is invalid, expired or was used");
		request->at = ticket.made_at;
	}
	answer = ja_external_read(request, &token);
	if (answer != NULL)
		return answer;
	ja_plan_begin_in_caller_context(&scope);
	answer = redeem_link(owner, &token, &ticket, ticket_text);
	ja_plan_end(&scope);
	return answer;
}

/* Whether a user can get in without an identity: by a name, a passkey, or another one. */
static bool
has_other_way_in(const JaUser *user, JaString provider, JaString subject)
{
	JaPasskey  *passkeys;

	return ja_identifier_has_way_in(&user->id, user->hash.text.data != NULL) ||
		ja_passkey_list(&user->id, &passkeys) > 0 ||
		ja_external_identity_has_other(&user->id, provider, subject);
}

static Jsonb *
unlink_own(const JaActor *owner, JaString provider, JaString subject)
{
	JaUser		user = {0};
	Jsonb	   *answer = ja_actor_lock_in_turn(owner, &user);

	if (answer != NULL)
		return answer;
	if (!ja_external_identity_is(&user.id, provider, subject))
		return ja_answer_error(JA_ERROR_INVALID_REQUEST, "this is none of your identities");
	if (!has_other_way_in(&user, provider, subject))
		return ja_answer_error(JA_ERROR_INVALID_REQUEST,
							   "this is your last way to log in, add another one first");
	ja_external_identity_delete(&user.id, provider, subject);
	ja_identity_link_note(&user.id, "identity_unlinked", JA_MESSAGE_FACTOR_REMOVED, provider);
	return ja_answer_status("identity_unlinked");
}

/*
 * Takes an identity from a user who was authenticated not long ago, unless it is the
 * last way in.  Returns a status or an error object; raises 28J03 or 28J04.
 */
Jsonb *
ja_external_unlink(const JaActor *owner, JaString provider, JaString subject)
{
	JaPlanScope scope;
	Jsonb	   *answer;

	ja_plan_begin_in_caller_context(&scope);
	answer = unlink_own(owner, provider, subject);
	ja_plan_end(&scope);
	return answer;
}
