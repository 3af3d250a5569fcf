/*-------------------------------------------------------------------------
 *
 * identifier_recipient.c
 *	  Where messages to an identifier go.
 *
 * An attacker may know who has an address, and types it as it pleases: the
 * recipient of a message is the mailbox that its owner gave, or that the canonical
 * form names, never one that only looks alike.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/identifier.h"

/*
 * Where messages go to: the local part as it was given, which its server may
 * tell apart, at the A-label of the domain, which no mailer maps to another
 * one; a phone number in its canonical form.  Without a value, as the canonical
 * form has it; then data is NULL where the database encoding lacks a character.
 */
JaString
ja_identifier_recipient(JaString value, JaIdentifierKind kind, JaString canonical)
{
	const char *at = value.length == 0 ? NULL : memchr(value.data, '@', value.length);
	const char *domain = memchr(canonical.data, '@', canonical.length);
	char	   *local;
	size_t		length;

	if (kind != JA_IDENTIFIER_EMAIL || domain == NULL)
		return canonical;
	if (at != NULL)
	{
		local = pnstrdup(value.data, at - value.data);
		length = strlen(local);
	}
	else
	{
		local = palloc(JA_ENCODING_ROOM(canonical.length));
		if (!ja_encoding_to_server(canonical.data, domain - canonical.data, local, &length))
			return (JaString) {NULL, 0};
	}
	local = psprintf("%.*s%.*s", (int) length, local,
					 (int) (canonical.data + canonical.length - domain), domain);
	return (JaString) {local, strlen(local)};
}
