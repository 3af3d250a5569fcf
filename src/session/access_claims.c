/*-------------------------------------------------------------------------
 *
 * access_claims.c
 *	  Claims of a user's access tokens.
 *
 * Names that decide who a token is for, how long it is valid, what it may be
 * used for and how its user was authenticated are ours alone: neither a user's
 * claims nor the operator's function can set them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "session/access_claims.h"
#include "store/hook.h"

/* Largest claims of a user, in bytes of jsonb. */
#define MAX_CLAIMS (8 * 1024)

static const char *const reserved[] = {
	/* RFC 7519 section 4.1, and what our own verification reads */
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "role",
	/* What kind of token it is, and for whom (RFC 7800, 8693, 9068) */
	"token_use", "cnf", "act", "may_act", "azp", "client_id", "anonymous",
	"credential_id", "api_token",
	/* How the user was authenticated (OpenID Connect Core section 2) */
	"aal", "acr", "amr", "auth_time", "nonce", "at_hash"
};

static bool
is_reserved(JaString name)
{
	for (size_t i = 0; i < lengthof(reserved); i++)
	{
		if (ja_string_is(name, reserved[i]))
			return true;
	}
	return false;
}

/*
 * Whether claims may be given to a user: such as no token can be made with would keep
 * the user out.  Fails with JA_CLAIMS_NOT_OBJECT, JA_ACCOUNT_CLAIMS_RESERVED,
 * JA_ACCOUNT_CLAIMS_LARGE, JA_JSON_DEPTH or JA_JSON_NUMBER.
 */
JaStatus
ja_access_claims_check(const Jsonb *claims)
{
	StringInfoData text;
	JsonbValue	value;

	if (claims == NULL || !ja_json_is_object(&claims->root))
		return JA_CLAIMS_NOT_OBJECT;
	if (VARSIZE(claims) > MAX_CLAIMS)
		return JA_ACCOUNT_CLAIMS_LARGE;
	for (size_t i = 0; i < lengthof(reserved); i++)
	{
		if (ja_json_member(&claims->root, reserved[i], &value))
			return JA_ACCOUNT_CLAIMS_RESERVED;
	}
	initStringInfo(&text);
	return ja_json_write(&claims->root, &text);
}

/* Adds members that are not reserved; tells whether all were added. */
static bool
add_custom(JaJsonState *state, const JsonbContainer *claims)
{
	JsonbIterator *iterator = JsonbIteratorInit((JsonbContainer *) claims);
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		is_skipped = false;
	bool		all = true;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			is_skipped = is_reserved(ja_json_text(&value));
			all = all && !is_skipped;
		}
		if ((token == WJB_KEY || token == WJB_VALUE) && !is_skipped)
			ja_json_push(state, token, &value);
	}
	return all;
}

/* The claim amr (RFC 8176 section 2). */
static void
add_methods(JaJsonState *state, ArrayType *amr)
{
	JsonbValue	value = {.type = jbvString};
	Datum	   *names;
	int			count;

	deconstruct_array(amr, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &count);
	value.val.string.val = "amr";
	value.val.string.len = 3;
	ja_json_push(state, WJB_KEY, &value);
	ja_json_push(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
	{
		value.val.string.val = TextDatumGetCString(names[i]);
		value.val.string.len = (int) strlen(value.val.string.val);
		ja_json_push(state, WJB_ELEM, &value);
	}
	ja_json_push(state, WJB_END_ARRAY, NULL);
}

/* Who acts as the user (RFC 8693 section 4.1). */
static void
add_actor(JaJsonState *state, JaString actor)
{
	ja_json_add_key(state, "act");
	ja_json_push(state, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(state, "sub", actor.data, actor.length);
	ja_json_push(state, WJB_END_OBJECT, NULL);
}

/*
 * Makes the claims of an access token but for those that signing adds: the
 * user's own, what the operator's function makes of them, sub, sid, role, and how
 * the user was authenticated; amr is NULL if that was not told, and actor has data NULL
 * if nobody acts as the user.
 */
Jsonb *
ja_access_claims_make(const JaUser *user, const pg_uuid_t *session,
					  const JaAssurance *assurance, ArrayType *amr, JaString actor)
{
	Jsonb	   *custom = ja_hook_claims(&user->id, user->claims);
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	(void) add_custom(&state, &user->claims->root);
	if (custom != user->claims && !add_custom(&state, &custom->root))
		ereport(LOG_SERVER_ONLY,
				(errmsg("jwt_auth: ignored claims with reserved names returned by the claims function"),
				 errhidestmt(true)));
	ja_json_add_uuid(&state, "sub", &user->id);
	ja_json_add_uuid(&state, "sid", session);
	if (user->role != NULL)
		ja_json_add_string(&state, "role", user->role, strlen(user->role));
	ja_assurance_add(&state, assurance);
	if (amr != NULL)
		add_methods(&state, amr);
	if (user->is_anonymous)
		ja_json_add_bool(&state, "anonymous", true);
	if (actor.data != NULL)
		add_actor(&state, actor);
	return ja_json_end_object(&state);
}
