/*-------------------------------------------------------------------------
 *
 * introspect.c
 *	  Whether an access token is active, and its claims if so (RFC 7662
 *	  section 2.2).
 *
 * A token that is not active gets no reason: whoever asks may hold a token
 * that somebody else lost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "token/introspect.h"
#include "token/verify.h"

/* Answers for a token; data NULL stands for NULL, which is not active. */
Jsonb *
ja_introspect_token(JaString token, TimestampTz now)
{
	const JaExpectation any = {{NULL, 0}, {NULL, 0}};
	JaJsonState state = {0};
	const JaVerified *verified;
	bool		is_active = token.data != NULL &&
	ja_verify_stored(token, &any, (JaMoment) {now, now}, &verified) == JA_OK;

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	if (is_active)
	{
		/* No claim can pass for a member of the answer itself. */
		ja_json_add_members(&state, &verified->claims->root);
		ja_json_add_string(&state, "token_type", "Bearer", 6);
	}
	ja_json_add_bool(&state, "active", is_active);
	return ja_json_end_object(&state);
}
