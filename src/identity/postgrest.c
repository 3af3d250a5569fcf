/*-------------------------------------------------------------------------
 *
 * postgrest.c
 *	  What PostgREST calls before each request.
 *
 * PostgREST puts the headers of a request, and the claims of the token that it
 * took the role from, into settings of the transaction.  A client controls
 * their values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"

#include "base/error.h"
#include "identity/authenticate.h"
#include "identity/postgrest.h"

/*
 * The JSON object that a setting of the request holds; an empty one where it
 * is not set.  Raises 28J00 for what is no object.
 */
static Jsonb *
read_setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);
	Jsonb	   *object;

	ja_check(ja_json_parse_text(value != NULL && value[0] != '\0' ? value : "{}", &object));
	return object;
}

/* Finds the header; data NULL if the request has none. */
static JaString
authorization_header(void)
{
	JaString	header = {NULL, 0};

	if (ja_json_string(&read_setting("request.headers")->root,
					   "authorization", &header) == JA_MISTYPED)
		ja_raise(JA_TOKEN_BEARER);
	return header;
}

/* Whether the header is of the scheme Bearer (RFC 9110 section 11.1). */
static bool
is_bearer(JaString header)
{
	return header.length >= 6 && pg_strncasecmp(header.data, "Bearer", 6) == 0 &&
		(header.length == 6 || header.data[6] == ' ');
}

/* Credentials are one b64token (RFC 6750 section 2.1). */
static bool
is_b64token(JaString token)
{
	for (size_t i = 0; i < token.length; i++)
	{
		if (token.data[i] <= ' ' || token.data[i] == ',' || token.data[i] == '\x7f')
			return false;
	}
	return token.length > 0;
}

static Jsonb *
without_role(Jsonb *claims)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(claims),
											  CStringGetTextDatum("role")));
}

/*
 * Raises 28J00 unless PostgREST took its role from the same claims, to which
 * it adds "role".
 *
 * Of several Authorization headers PostgREST verifies the first and hands over
 * the last, so that a revoked token in front of another credential would pick
 * the role without ever being looked at here.
 */
static void
require_accepted_claims(Jsonb *claims)
{
	Jsonb	   *accepted = without_role(read_setting("request.jwt.claims"));

	if (compareJsonbContainers(&accepted->root, &without_role(claims)->root) != 0)
		ja_raise(JA_TOKEN_OTHER_CLAIMS);
}

/* Whether it is the role that PostgREST took; none if data is NULL. */
static bool
is_accepted_role(JaString role)
{
	JaString	accepted;

	return role.data != NULL &&
		ja_json_string(&read_setting("request.jwt.claims")->root,
					   "role", &accepted) == JA_PRESENT &&
		ja_string_equals(accepted, role);
}

/*
 * The role of requests without token, as PostgREST is told by a setting of its
 * role; data NULL if its own configuration names it.
 */
static JaString
anonymous_role(void)
{
	const char *role = GetConfigOption("pgrst.db_anon_role", true, false);

	if (role == NULL || role[0] == '\0')
		return (JaString) {NULL, 0};
	return (JaString) {role, strlen(role)};
}

/*
 * Raises 42501 if a trusted issuer's token names a role that does not count.
 * Where PostgREST has the issuer's keys it takes whatever role a token names;
 * which ones the issuer may name, jwt_trust_issuer() says.
 *
 * An issuer may make tokens that differ in nothing but the role, so that the
 * other claims do not tell which one PostgREST went by.  Raises 28J00 if it
 * took another role than the one that the token names.  For a token that names
 * none PostgREST takes the anonymous role: raises 28J00 for any other than that
 * and the one that the issuer's options make of the token.
 */
static void
require_listed_role(const JaIdentity *identity)
{
	JaString	role;

	if (identity->is_local_issuer)
		return;
	switch (ja_json_string(&identity->claims->root, "role", &role))
	{
		case JA_ABSENT:
			if (!is_accepted_role(identity->role) && !is_accepted_role(anonymous_role()))
				ja_raise(JA_TOKEN_OTHER_ROLE);
			return;
		case JA_PRESENT:
			if (identity->role.data == NULL || !ja_string_equals(identity->role, role))
				break;
			if (!is_accepted_role(role))
				ja_raise(JA_TOKEN_OTHER_CLAIMS);
			return;
		case JA_MISTYPED:
			break;
	}
	ja_raise(JA_ROLE_MISSING);
}

/* The claims of nobody. */
static Jsonb *
no_claims(void)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	return ja_json_end_object(&state);
}

/*
 * Raises 28J00 unless PostgREST, too, took the request for nobody's.  A token
 * of nothing but a role leaves no other claim to tell it by, so that the role
 * must be the anonymous one, where that is known here.
 */
static void
require_anonymous(void)
{
	JaString	role = anonymous_role();
	JsonbValue	accepted;

	require_accepted_claims(no_claims());
	if (role.data != NULL &&
		ja_json_member(&read_setting("request.jwt.claims")->root, "role", &accepted) &&
		!is_accepted_role(role))
		ja_raise(JA_TOKEN_OTHER_ROLE);
}

/*
 * Makes the request's token the transaction's.  Without one the setting is
 * emptied, so that nothing left on the connection counts.  Raises 28J00 for
 * a malformed header or one that PostgREST did not go by, 42501 for a role that
 * does not count, and as ja_authenticate().
 */
void
ja_postgrest_pre_request(void)
{
	const JaIdentity *identity;
	JaString	header;
	JaString	token;

	ja_token_setting_set_locally("");
	header = authorization_header();
	if (header.data == NULL || !is_bearer(header))
	{
		require_anonymous();
		return;
	}
	token = ja_authenticate_strip_scheme(header);
	if (token.data == header.data || !is_b64token(token))
		ja_raise(JA_TOKEN_BEARER);
	identity = ja_authenticate(token);
	require_accepted_claims(identity->claims);
	require_listed_role(identity);
}
