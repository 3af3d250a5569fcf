/*-------------------------------------------------------------------------
 *
 * enrollment.c
 *	  Users who must enroll a second factor before they get a session.
 *
 * Whoever has shown a first proof, and has no factor, gets a ticket that enrolls one,
 * and opens nothing else.  actor.c takes it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "account/enrollment.h"
#include "base/settings.h"
#include "factor/factor_row.h"
#include "factor/ticket.h"
#include "store/audit.h"

/*
 * How old an authentication the provider is to be asked for (OpenID Connect Core
 * 3.1.2.1): some of the five minutes are needed to enroll.
 */
#define MAX_AGE_SECONDS 60

/* Whether the user must have a factor: as an admin said of this one, else of all. */
static bool
must_have_factor(const JaUser *user)
{
	if (user->mfa_enrollment.data != NULL)
		return ja_string_is(user->mfa_enrollment, "required");
	return ja_settings.mfa_enrollment == JA_ENROLLMENT_REQUIRED;
}

/* Whether the user must enroll a factor, having none. */
bool
ja_enrollment_is_due(const JaUser *user)
{
	return must_have_factor(user) && !ja_factor_is_enrolled(&user->id);
}

/* Asks for a proof of now in place of one that is too old to enroll a factor. */
static Jsonb *
ask_for_login(const JaUser *user)
{
	JaJsonState state = {0};

	ja_audit_write(&(JaAuditEvent)
				   {
					   .event = "mfa_enrollment_required", .user = &user->id,
					   .reason = "authenticated too long ago"
				   });
	ja_answer_begin_error(&state, JA_ERROR_LOGIN_REQUIRED,
						  "a second factor must be enrolled first, for which the login at the provider is too long ago");
	ja_json_add_integer(&state, "max_age", MAX_AGE_SECONDS);
	return ja_json_end_object(&state);
}

/*
 * Asks a user who has shown a first proof to enroll a factor.  The ticket is valid for
 * five minutes from that proof, which may have been given to an identity provider hours
 * ago: then there is none, but another login to ask for.  Returns an error object.
 */
Jsonb *
ja_enrollment_ask(const JaUser *user, JaProof proof, int64 ttl_seconds)
{
	TimestampTz now = GetCurrentTimestamp();
	JaTicket	ticket = {
		.user = user->id,
		.credentials_version = user->credentials_version,
		.is_enrollment = true,
		.ttl_seconds = (int32) ttl_seconds,
		.proved_at = proof.proved_at != 0 ? proof.proved_at : now
	};
	int64		left = JA_TICKET_SECONDS - (now - ticket.proved_at) / USECS_PER_SEC;
	JaJsonState state = {0};
	JaString	text;

	if (left <= 0)
		return ask_for_login(user);
	ja_ticket_note_proof(&ticket, &proof);
	text = ja_ticket_make(&ticket);
	ja_audit_write(&(JaAuditEvent) {.event = "mfa_enrollment_required", .user = &user->id});
	ja_answer_begin_error(&state, "mfa_enrollment_required", "a second factor must be enrolled first");
	ja_json_add_string(&state, "mfa_token", text.data, text.length);
	ja_json_add_integer(&state, "expires_in", left);
	return ja_json_end_object(&state);
}
