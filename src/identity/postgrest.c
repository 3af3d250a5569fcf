/*-------------------------------------------------------------------------
 *
 * postgrest.c
 *	  What PostgREST calls: before each request, and when it configures
 *	  itself.
 *
 * PostgREST puts the headers of a request into a setting of the transaction.
 * A client controls their values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"

#include "base/error.h"
#include "base/settings.h"
#include "identity/authenticate.h"
#include "identity/postgrest.h"
#include "keyring/jwks.h"

/* Finds the header; data NULL if the request has none. */
static JaString
authorization_header(void)
{
	const char *headers = GetConfigOption("request.headers", true, false);
	JaString	header = {NULL, 0};
	Jsonb	   *json;

	if (headers == NULL || headers[0] == '\0')
		return header;
	ja_check(ja_json_parse_object((const uint8 *) headers, strlen(headers), NULL, 0, &json));
	if (ja_json_string(&json->root, "authorization", &header) == JA_MISTYPED)
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

/*
 * Makes the request's token the transaction's.  Without one the setting is
 * emptied, so that nothing left on the connection counts.  Raises 28J00 for
 * a malformed header, and as ja_authenticate().
 */
void
ja_postgrest_pre_request(void)
{
	JaString	header;
	JaString	token;

	ja_token_setting_set_locally("");
	header = authorization_header();
	if (header.data == NULL || !is_bearer(header))
		return;
	token = ja_authenticate_strip_scheme(header);
	if (token.data == header.data || !is_b64token(token))
		ja_raise(JA_TOKEN_BEARER);
	(void) ja_authenticate(token);
}

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
							 true, 0, false);
}

/*
 * Tells PostgREST our public keys and audience.  Raises 55000 without an
 * asymmetric key.
 */
void
ja_postgrest_configure(void)
{
	Jsonb	   *jwks = ja_jwks_make();
	JsonbValue	keys;

	if (!ja_json_member(&jwks->root, "keys", &keys) ||
		JsonContainerSize(keys.val.binary.data) == 0)
		ja_raise(JA_POSTGREST_NO_KEY);
	set_locally("pgrst.jwt_secret", JsonbToCString(NULL, &jwks->root, VARSIZE(jwks)));
	if (ja_settings.audience != NULL && ja_settings.audience[0] != '\0')
		set_locally("pgrst.jwt_aud", ja_settings.audience);
}
