/*-------------------------------------------------------------------------
 *
 * identifier_form.c
 *	  What a person is called: usernames, e-mail addresses, phone numbers, and
 *	  the one form in which each is compared.
 *
 * All kinds share one namespace, so that nobody can take a username that is
 * somebody's address.  The form tells the kind: what holds an "@" is an e-mail
 * address, what begins with "+" and holds but digits and the marks that people
 * put between them is a phone number, and all else is a username.  That is
 * judged after folding (name.c), which turns the many characters that look
 * like "@" or "+" into those.
 *
 * An e-mail address keeps its local part, whose meaning only its own server
 * knows: no rules about dots or plus signs.  Its domain is compared as the
 * A-label that DNS resolves (RFC 5890), so that each domain has one form.
 * Quoted local parts and addresses in brackets are refused: hardly anybody has
 * one, and they let characters into a message's header that end it.
 *
 * A client controls the text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <idn2.h>

#include "account/identifier_form.h"

/*
 * Octets of a local part, of a domain and its labels, and of an address (RFC
 * 5321 section 4.5.3.1, RFC 1035 section 2.3.4).
 */
#define MAX_LOCAL_PART	64
#define MAX_LABEL		63
#define MAX_DOMAIN		253
#define MAX_ADDRESS		254

/* Digits of a phone number with its country code (ITU-T E.164). */
#define MIN_DIGITS	7
#define MAX_DIGITS	15

static bool
is_digit(char character)
{
	return character >= '0' && character <= '9';
}

/* Whether a folded text would be dialled, or is meant to be. */
static bool
looks_like_phone(const char *bytes, size_t length)
{
	if (length < 2 || bytes[0] != '+')
		return false;
	for (size_t i = 1; i < length; i++)
	{
		if (!is_digit(bytes[i]) && strchr(" -./()", bytes[i]) == NULL)
			return false;
	}
	return true;
}

/*
 * Marks that people put between the digits of a phone number, or that look
 * like those: dashes, spaces, brackets, dots, slashes, and a plus sign.
 */
static bool
is_phone_mark(int32 character)
{
	static const int32 marks[] = {
		'+', '.', '/', 0xB7, 0x2D7, 0x2022, 0x2027, 0x2043, 0x2044, 0x2212, 0x2215, 0x2219,
		0x22C5, 0x2795, 0x2796, 0x30FB, 0x30FC
	};

	switch (utf8proc_category(character))
	{
		case UTF8PROC_CATEGORY_PD:
		case UTF8PROC_CATEGORY_ZS:
		case UTF8PROC_CATEGORY_PS:
		case UTF8PROC_CATEGORY_PE:
			return true;
		default:
			break;
	}
	for (size_t i = 0; i < lengthof(marks); i++)
	{
		if (character == marks[i])
			return true;
	}
	return false;
}

/*
 * Whether a person would read a folded text as a phone number: digits of any
 * script and marks, as many digits as a number has with a prefix of two, and a
 * mark, or a zero in front.  Digits alone may be a number of something else,
 * as those of customers are.
 */
static bool
reads_as_phone(const JaCanonical *canonical)
{
	int			digits = 0;
	bool		is_marked = canonical->bytes[0] == '0';
	int32		character;

	for (size_t i = 0; i < canonical->length;)
	{
		i += ja_unicode_next(canonical->bytes + i, canonical->length - i, &character);
		if (utf8proc_category(character) == UTF8PROC_CATEGORY_ND)
			digits++;
		else if (is_phone_mark(character))
			is_marked = true;
		else
			return false;
	}
	return is_marked && digits >= MIN_DIGITS && digits <= MAX_DIGITS + 2;
}

static JaIdentifierKind
kind_of(const JaCanonical *canonical)
{
	if (memchr(canonical->bytes, '@', canonical->length) != NULL)
		return JA_IDENTIFIER_EMAIL;
	if (looks_like_phone(canonical->bytes, canonical->length))
		return JA_IDENTIFIER_PHONE;
	return JA_IDENTIFIER_USERNAME;
}

/* A plus sign, no leading zero, and nothing but digits. */
static JaStatus
check_phone(const JaCanonical *canonical)
{
	size_t		digits = canonical->length - 1;

	if (digits < MIN_DIGITS || digits > MAX_DIGITS || canonical->bytes[1] == '0')
		return JA_NAME_PHONE;
	for (size_t i = 1; i < canonical->length; i++)
	{
		if (!is_digit(canonical->bytes[i]))
			return JA_NAME_PHONE;
	}
	return JA_OK;
}

/* Whether a local part is made of what needs no quotes. */
static bool
is_plain_local_part(const char *bytes, size_t length)
{
	if (length == 0 || length > MAX_LOCAL_PART)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (strchr(" ()<>[]:;\\,\"", bytes[i]) != NULL)
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
		if (!is_digit(label[i]) && label[i] != '-' && (label[i] < 'a' || label[i] > 'z'))
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
static JaStatus
fold_address(JaString text, JaCanonical *canonical)
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
 * The canonical form of a text in the database encoding, of whatever kind it
 * is.  Equal identifiers have equal forms, and the form of a form is itself.
 * Fails with JA_NAME_....
 */
JaStatus
ja_identifier_form(JaString text, JaCanonical *canonical)
{
	JaStatus	status = ja_name_canonical(text, canonical->bytes, &canonical->length);

	if (status != JA_OK)
		return status;
	canonical->kind = kind_of(canonical);
	switch (canonical->kind)
	{
		case JA_IDENTIFIER_USERNAME:
			return JA_OK;
		case JA_IDENTIFIER_EMAIL:
			return fold_address(text, canonical);
		case JA_IDENTIFIER_PHONE:
			return check_phone(canonical);
	}
	return JA_NAME_CHARACTER;
}

/*
 * Whether the local part of an address is compared as what it is written as,
 * but for case, and no space is around it.  Messages go to the address as it was given: were it another
 * mailbox than the one that its form names, whoever reads that one could prove
 * this.
 */
static bool
is_written_plainly(JaString text, const JaCanonical *canonical)
{
	char		utf8[JA_UNICODE_CONVERSION_ROOM];
	char		lower[JA_UNICODE_ROOM + 4];
	JaString	given = {utf8, 0};
	size_t		length = 0;
	int32		character;

	if (ja_unicode_from_server(text, utf8, &given.length) != JA_UNICODE_OK ||
		memchr(utf8, ' ', given.length) != NULL)
		return false;
	for (size_t i = 0; i < given.length && utf8[i] != '@' && length < JA_UNICODE_ROOM;)
	{
		i += ja_unicode_next(utf8 + i, given.length - i, &character);
		length += utf8proc_encode_char(utf8proc_tolower(character), (uint8 *) lower + length);
	}
	return length < canonical->length && canonical->bytes[length] == '@' &&
		ja_string_equals((JaString) {lower, length}, (JaString) {canonical->bytes, length});
}

/*
 * The same for a text that becomes an identifier of a kind.  Fails also with
 * JA_NAME_NOT_USERNAME, JA_NAME_EMAIL or JA_NAME_PHONE.  A username must not
 * be read as a phone number; one that was made before is found as ever.
 */
JaStatus
ja_identifier_form_of_kind(JaIdentifierKind kind, JaString text, JaCanonical *canonical)
{
	static const JaStatus refusals[] = {
		[JA_IDENTIFIER_USERNAME] = JA_NAME_NOT_USERNAME,
		[JA_IDENTIFIER_EMAIL] = JA_NAME_EMAIL,
		[JA_IDENTIFIER_PHONE] = JA_NAME_PHONE
	};
	JaStatus	status = ja_identifier_form(text, canonical);

	if (status == JA_NAME_EMAIL || status == JA_NAME_PHONE ||
		(status == JA_OK && canonical->kind != kind))
		return refusals[kind];
	if (status == JA_OK && kind == JA_IDENTIFIER_USERNAME && reads_as_phone(canonical))
		return JA_NAME_NOT_USERNAME;
	if (status == JA_OK && kind == JA_IDENTIFIER_EMAIL && !is_written_plainly(text, canonical))
		return JA_NAME_EMAIL;
	return status;
}

/* The kind as the table has it. */
const char *
ja_identifier_kind_name(JaIdentifierKind kind)
{
	static const char *const names[] = {
		[JA_IDENTIFIER_USERNAME] = "username",
		[JA_IDENTIFIER_EMAIL] = "email",
		[JA_IDENTIFIER_PHONE] = "phone"
	};

	return names[kind];
}
