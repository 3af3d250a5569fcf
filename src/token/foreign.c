/*-------------------------------------------------------------------------
 *
 * foreign.c
 *	  What a token of another issuer says, as that issuer's options have it.
 *
 * The issuer controls the claims, and often lets its users control some.  What
 * they may do here is what the administrator listed: an audience stands in
 * only for an absent one, and no role counts that is not listed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "token/foreign.h"

static JaString
copy_issuer_string(JaString string)
{
	if (string.data != NULL)
		string.data = pnstrdup(string.data, string.length);
	return string;
}

/* Whether the token was made for one of the issuer's audiences, or for none. */
static bool
fits_audience(const JaIssuer *issuer, const JaVerified *verified)
{
	const JaStringList *more = &issuer->options.audiences;

	if (issuer->audience.data == NULL)
		return !verified->has_audience;
	if (ja_verified_check_audience(verified, issuer->audience) == JA_OK)
		return true;
	for (int i = 0; i < more->count; i++)
	{
		if (ja_verified_check_audience(verified, more->strings[i]) == JA_OK)
			return true;
	}
	return false;
}

/* Whether token_use is one of the values that the issuer's options list. */
static bool
fits_use(const JaIssuer *issuer, const JsonbContainer *claims)
{
	JaString	use;

	return ja_json_string(claims, "token_use", &use) == JA_PRESENT &&
		ja_option_lists(&issuer->options.token_uses, use);
}

/* Follows the path through objects; false if it leads nowhere. */
static bool
follow_path(const JsonbContainer *claims, const JaStringList *path, JsonbValue *value)
{
	for (int i = 0; i < path->count; i++)
	{
		if (i > 0)
		{
			if (value->type != jbvBinary)
				return false;
			claims = value->val.binary.data;
		}
		if (!JsonContainerIsObject(claims) ||
			getKeyJsonValueFromContainer((JsonbContainer *) claims, path->strings[i].data,
										 (int) path->strings[i].length, value) == NULL)
			return false;
	}
	return true;
}

/* The string, if the issuer may name that role; else data NULL. */
static JaString
allowed_role(const JaIssuer *issuer, const JsonbValue *value)
{
	JaString	role = {NULL, 0};

	if (value->type == jbvString)
		role = (JaString) {value->val.string.val, value->val.string.len};
	return role.data != NULL && ja_issuer_allows_role(issuer, role) ?
		role : (JaString) {NULL, 0};
}

/* The first listed role of an array; data NULL if there is none. */
static JaString
first_role(const JaIssuer *issuer, JsonbContainer *array)
{
	JaString	role = {NULL, 0};

	for (uint32 i = 0; i < JsonContainerSize(array) && role.data == NULL; i++)
		role = allowed_role(issuer, getIthJsonbValueFromContainer(array, i));
	return role;
}

/*
 * The role that counts: the claim "role", or the first listed one where the
 * issuer's path leads; else its default.
 */
static JaString
find_role(const JaIssuer *issuer, JaVerified *verified)
{
	const JsonbContainer *claims = &verified->claims->root;
	const JaStringList *path = &issuer->options.role_path;
	JsonbValue	value;
	JaString	role = {NULL, 0};

	verified->names_role = path->count > 0 ? follow_path(claims, path, &value) :
		ja_json_member(claims, "role", &value);
	if (verified->names_role)
	{
		if (path->count > 0 && value.type == jbvBinary &&
			JsonContainerIsArray(value.val.binary.data))
			role = first_role(issuer, value.val.binary.data);
		else
			role = allowed_role(issuer, &value);
	}
	return role.data != NULL ? role : copy_issuer_string(issuer->options.default_role);
}

/*
 * Notes what the issuer's options make of the claims.  What does not point
 * into the claims is copied into the current memory context, since the issuer
 * may be forgotten at any time.
 */
void
ja_foreign_read(const JaIssuer *issuer, JaVerified *verified)
{
	const JsonbContainer *claims = &verified->claims->root;

	if (issuer->is_anonymous)
		verified->issuer = copy_issuer_string(issuer->name);
	verified->audience_claim = issuer->options.audience_claim;
	verified->fits_audience = fits_audience(issuer, verified);
	verified->checks_use = issuer->options.token_uses.count > 0;
	verified->fits_use = fits_use(issuer, claims);
	verified->scope_claim = copy_issuer_string(issuer->options.scope_claim);
	verified->role = find_role(issuer, verified);
}
