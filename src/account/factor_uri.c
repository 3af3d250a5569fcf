/*-------------------------------------------------------------------------
 *
 * factor_uri.c
 *	  What an authenticator reads to enroll: its secret as text and as URI
 *	  (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
 *
 * All texts are in the current memory context.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"

#include "account/factor_uri.h"
#include "account/identifier.h"
#include "base/settings.h"
#include "factor/base32.h"
#include "factor/totp.h"

/* The secret as people type it. */
JaString
ja_factor_uri_secret(const uint8 *secret)
{
	size_t		length = JA_BASE32_LENGTH(JA_TOTP_SECRET_SIZE);
	char	   *text = palloc0(length + 1);

	ja_base32_encode(ja_base32_standard, secret, JA_TOTP_SECRET_SIZE, text);
	return (JaString) {text, length};
}

/* Percent-encodes what is not unreserved (RFC 3986 section 2.3). */
static void
append_encoded(StringInfo out, JaString text)
{
	static const char unreserved[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (size_t i = 0; i < text.length; i++)
	{
		char		character = text.data[i];

		if (character != '\0' && strchr(unreserved, character) != NULL)
			appendStringInfoChar(out, character);
		else
			appendStringInfo(out, "%%%02X", (unsigned char) character);
	}
}

/* Who people know the account from: the host of the issuer, or its name, or the database. */
static JaString
find_provider(void)
{
	JaString	issuer = ja_settings_text(ja_settings.issuer);
	const char *scheme;

	if (issuer.data == NULL)
	{
		const char *database = get_database_name(MyDatabaseId);

		return (JaString) {database, strlen(database)};
	}
	scheme = strstr(issuer.data, "://");
	if (scheme == NULL)
		return issuer;
	return (JaString) {scheme + 3, strcspn(scheme + 3, "/:?#")};
}

/* The URI that stands in a QR code; holds the secret. */
JaString
ja_factor_uri_make(const pg_uuid_t *user, JaString secret)
{
	const JaIdentifier *name = ja_identifier_primary(user);
	JaString	provider = find_provider();
	StringInfoData uri;

	initStringInfo(&uri);
	appendStringInfoString(&uri, "otpauth://totp/");
	append_encoded(&uri, provider);
	appendStringInfoChar(&uri, ':');
	if (name != NULL)
		append_encoded(&uri, name->value);
	appendStringInfo(&uri, "?secret=%s&issuer=", secret.data);
	append_encoded(&uri, provider);
	appendStringInfo(&uri, "&algorithm=SHA1&digits=%d&period=%d", JA_TOTP_DIGITS, JA_TOTP_PERIOD);
	return (JaString) {uri.data, uri.len};
}
