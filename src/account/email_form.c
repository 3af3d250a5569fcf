/*-------------------------------------------------------------------------
 *
 * email_form.c
 *	  The one form in which an e-mail address is compared.
 *
 * An e-mail address keeps its local part, whose meaning only its own server
 * knows: no rules about dots or plus signs.  Its domain is compared as the
 * A-label that DNS resolves (RFC 5890), so that each domain has one form.
 * Quoted local parts and addresses in brackets are refused: hardly anybody has
 * one, and they let characters into a message's header that end it.  So are local
 * parts that a mail server may take for a route (user%other@domain, other!user@domain)
 * and encoded words (RFC 2047), which some programs decode: the message would
 * leave the domain, which the operator may trust, for a mailbox of the attacker.
 *
 * A client controls the text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <idn2.h>

#include "account/email_form.h"

/*
 * Octets of a local part, of a domain and its labels, and of an address (RFC
 * 5321 section 4.5.3.1, RFC 1035 section 2.3.4).
 */
#define MAX_LOCAL_PART	64
#define MAX_LABEL		63
#define MAX_DOMAIN		253
#define MAX_ADDRESS		254

/* Whether a local part is made of what needs no quotes, and names a mailbox alone. */
static bool
is_plain_local_part(const char *bytes, size_t length)
{
	if (length == 0 || length > MAX_LOCAL_PART)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (strchr(" ()<>[]:;\\,\"%!", bytes[i]) != NULL ||
			(bytes[i] == '?' && i > 0 && bytes[i - 1] == '='))
			return false;
	}
	return true;
}

/* Whether a label is one of a host name (RFC 1123 section 2.1). */
static bool
is_host_label(const char *label, size_t length)
{
	if (length == 0 || length > MAX_LABEL || label[0] == '-' || label[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", label[i]) == NULL)
			return false;
	}
	return true;
}

/* Whether a domain in ASCII is labels between dots, with none at its end. */
static bool
is_host_name(const char *domain, size_t length)
{
	if (length > MAX_DOMAIN)
		return false;
	for (;;)
	{
		const char *dot = memchr(domain, '.', length);
		size_t		label = dot != NULL ? (size_t) (dot - domain) : length;

		if (!is_host_label(domain, label))
			return false;
		if (dot == NULL)
			return true;
		domain += label + 1;
		length -= label + 1;
	}
}

/*
 * Puts the A-labels of a domain behind the "@" that ends the canonical form so
 * far.  The library maps case and width by UTS 46; it passes ASCII as it comes,
 * so that what it returns is checked.
 */
static JaStatus
add_domain(const char *domain, JaCanonical *canonical)
{
	uint8_t    *labels = NULL;
	JaStatus	status = JA_NAME_EMAIL;
	size_t		length;

	if (idn2_lookup_u8((const uint8_t *) domain, &labels,
					   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return status;
	length = strlen((char *) labels);
	if (canonical->length + length <= MAX_ADDRESS && is_host_name((char *) labels, length))
	{
		memcpy(canonical->bytes + canonical->length, labels, length + 1);
		canonical->length += length;
		status = JA_OK;
	}
	idn2_free(labels);
	return status;
}

/* A text as NFKC without spaces at its end, in JA_UNICODE_ROOM bytes. */
static JaStatus
read_plain(JaString text, char *plain)
{
	char		utf8[JA_UNICODE_CONVERSION_ROOM];
	JaString	converted = {utf8, 0};
	size_t		length;

	if (ja_unicode_from_server(text, utf8, &converted.length) != JA_UNICODE_OK ||
		ja_unicode_normalize(converted, JA_UNICODE_NFKC, plain, &length) != JA_UNICODE_OK)
		return JA_NAME_CHARACTER;
	while (length > 0 && plain[length - 1] == ' ')
		plain[--length] = '\0';
	return JA_OK;
}

/*
 * Makes the form of an address of the folded text.  The domain is read anew
 * from the text, since folding makes one of what are two domains ("ss" of a
 * sharp s).  What precedes the first "@" is the local part; no domain holds
 * another.
 */
JaStatus
ja_email_form(JaString text, JaCanonical *canonical)
{
	const char *at = memchr(canonical->bytes, '@', canonical->length);
	size_t		local = (size_t) (at - canonical->bytes);
	char		plain[JA_UNICODE_ROOM];
	JaStatus	status = read_plain(text, plain);

	if (status != JA_OK)
		return status;
	at = strchr(plain, '@');
	if (at == NULL || !is_plain_local_part(canonical->bytes, local))
		return JA_NAME_EMAIL;
	canonical->length = local + 1;
	return add_domain(at + 1, canonical);
}

/*
 * Whether the local part of an address is written as it is compared, but for the
 * case of ASCII letters, and no space is around it.  Messages go to the address as
 * it was given: were it another mailbox than the one that its form names, such as
 * one with a Kelvin sign for a k, whoever reads that one could prove this.
 */
bool
ja_email_is_written_plainly(JaString text, const JaCanonical *canonical)
{
	char		utf8[JA_UNICODE_CONVERSION_ROOM];
	size_t		length;

	if (ja_unicode_from_server(text, utf8, &length) != JA_UNICODE_OK ||
		memchr(utf8, ' ', length) != NULL)
		return false;
	for (size_t i = 0; i < length && i < canonical->length; i++)
	{
		if (pg_ascii_tolower(utf8[i]) != (unsigned char) canonical->bytes[i])
			return false;
		if (utf8[i] == '@')
			return true;
	}
	return false;
}
