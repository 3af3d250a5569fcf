/*-------------------------------------------------------------------------
 *
 * introspect.c
 *	  Whether an access token is active, and its claims if so (RFC 7662
 *	  section 2.2).
 *
 * A token that is not active gets no reason: whoever asks may hold a token
 * that somebody else lost.  An active one need not be an identity here, as one
 * that was made for another use is not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "token/introspect.h"
#include "token/verify.h"

/*
 * Adds our own members, last, so that no claim can pass for one of them.
 */
static void
add_active_members(JaJsonState *state, const JaVerified *verified)
{
	JaStatus	status = ja_verified_check_identity(verified);

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
		add_active_members(&state, verified);
	}
	ja_json_add_bool(&state, "active", is_active);
	return ja_json_end_object(&state);
}
