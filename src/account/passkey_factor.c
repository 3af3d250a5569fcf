/*-------------------------------------------------------------------------
 *
 * passkey_factor.c
 *	  A passkey as second factor.
 *
 * The challenge is made for a ticket, so that nobody can have a passkey answer for the
 * sign-in of another, and the passkey must be one of the ticket's user: whoever got a
 * password has a passkey, too, but their own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/passkey_factor.h"
#include "account/passkeys.h"
#include "base/error.h"
#include "base/uuid.h"
#include "factor/passkey_check.h"
#include "factor/relying_party.h"
#include "keyring/used_handle.h"

/* Whether a ticket asks for a second factor, and still counts. */
static bool
read_open_ticket(JaString token, JaTicket *ticket)
{
	JaUser		user;

	return ja_ticket_read(token, ticket) && !ticket->is_enrollment &&
		ja_user_find_by_id(&ticket->user, &user) && ja_ticket_is_open(ticket, token, &user);
}

/*
 * Makes what a browser needs to show a passkey of the ticket's user.  Writes nothing.
 * Returns an object or an error object; raises JA_RELYING_PARTY_UNSET.
 */
Jsonb *
ja_passkey_factor_ask(JaString token, JaString method)
{
	JaTicket	ticket;
	Jsonb	   *options;

	if (!ja_string_is(method, JA_FACTOR_WEBAUTHN))
		return ja_answer_error(JA_ERROR_INVALID_REQUEST,
							   "method must be webauthn, others have no options");
	(void) ja_relying_party_id();
	if (!read_open_ticket(token, &ticket))
		return ja_ticket_deny();
	options = ja_passkey_factor_options(&ticket);
	return options != NULL ? options :
		ja_answer_error(JA_ERROR_INVALID_REQUEST, "the user has no passkey");
}

/*
 * Checks a passkey that was shown with a ticket, whose user's row is locked, and spends
 * the challenge; within a scope of ja_plan_begin().  Returns NULL with what it proves, or
 * the reason why it does not.
 */
const char *
ja_passkey_factor_check(const JaTicket *ticket, const JsonbContainer *json, JaProof *proof)
{
	JaPasskeyCheck check = {.json = json};
	JaStatus	status;

	(void) ja_relying_party_id();
	if (!ja_passkey_check_read(&check, JA_CHALLENGE_SECOND_FACTOR) ||
		!ja_uuid_equals(&check.challenge.owner, &ticket->nonce))
		return "no known passkey that answers a challenge of this ticket";
	if (!ja_used_handle_add(check.challenge_text, check.challenge.expires_at))
		return "the challenge was answered before";
	if (!ja_uuid_equals(&check.passkey.user, &ticket->user))
		return "a passkey of another user";
	status = ja_passkey_check_verify(&check);
	if (ja_passkey_is_refused(status))
		return ja_status_row(status)->message;
	ja_check(status);
	*proof = ja_passkey_check_accept(&check);
	return NULL;
}
