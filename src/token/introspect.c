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

static void
add_active(JsonbParseState **state, bool is_active)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = "active";
	value.val.string.len = 6;
	pushJsonbValue(state, WJB_KEY, &value);
	value.type = jbvBool;
	value.val.boolean = is_active;
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* Claims of the token cannot pass for members of the answer itself. */
static void
add_claims(JsonbParseState **state, const JsonbContainer *claims)
{
	JsonbIterator *iterator = JsonbIteratorInit((JsonbContainer *) claims);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY || token == WJB_VALUE)
			pushJsonbValue(state, token, &value);
	}
	ja_json_add_string(state, "token_type", "Bearer", 6);
}

/* Answers for a token; data NULL stands for NULL, which is not active. */
Jsonb *
ja_introspect_token(JaString token, TimestampTz now)
{
	const JaExpectation any = {{NULL, 0}, {NULL, 0}};
	JsonbParseState *state = NULL;
	const JaVerified *verified;
	bool		is_active = token.data != NULL &&
		ja_verify_stored(token, &any, now, &verified) == JA_OK;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (is_active)
		add_claims(&state, &verified->claims->root);
	add_active(&state, is_active);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
