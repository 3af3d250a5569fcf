/*-------------------------------------------------------------------------
 *
 * introspect.c
 *	  Whether an access token is active, and its claims if so (RFC 7662
 *	  section 2.2).
 *
 * A token that is not active gets no reason: whoever asks may hold a token
 * that somebody else lost.  An active one need not be an identity here, as one
 * that was made for another use is not.  The level of authentication is the
 * current one, as the accessors show it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"
#include "token/introspect.h"
#include "token/verify.h"

/*
 * Adds our own members, last, so that no claim can pass for one of them.
 */
static void
add_active_members(JaJsonState *state, const JaVerified *verified, TimestampTz now)
{
	const JaAssurance *session = ja_settings.check_revocation ? &verified->session_assurance : NULL;
	JaAssurance assurance;
	JaStatus	status = ja_verified_check_identity(verified);

	if (verified->revocable.has_session &&
		ja_assurance_find(&verified->claims->root, session, now, &assurance))
		ja_assurance_add(state, &assurance);
	ja_json_add_string(state, "token_type", "Bearer", 6);
	ja_json_add_bool(state, "identity", status == JA_OK);
	if (status != JA_OK)
	{
		const char *check = ja_status_row(status)->check;

		ja_json_add_string(state, "failed_check", check, strlen(check));
	}
}

/* Answers for a token; data NULL stands for NULL, which is not active. */
Jsonb *
ja_introspect_token(JaString token, TimestampTz now)
{
	const JaExpectation any = {{NULL, 0}, {NULL, 0}};
	JaJsonState state = {0};
	const JaVerified *verified;
	bool		is_active = ja_verify_stored(token, &any, (JaMoment) {now, now}, &verified) == JA_OK;

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	if (is_active)
	{
		ja_json_add_members(&state, &verified->claims->root);
		add_active_members(&state, verified, now);
	}
	ja_json_add_bool(&state, "active", is_active);
	return ja_json_end_object(&state);
}
