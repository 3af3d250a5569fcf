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
 * A client controls the text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/email_form.h"

/* Digits of a phone number with its country code (ITU-T E.164). */
#define MIN_DIGITS	7
#define MAX_DIGITS	15

static const char *const kind_names[] = {
	[JA_IDENTIFIER_USERNAME] = "username",
	[JA_IDENTIFIER_EMAIL] = "email",
	[JA_IDENTIFIER_PHONE] = "phone"
};

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
			return ja_email_form(text, canonical);
		case JA_IDENTIFIER_PHONE:
			return check_phone(canonical);
	}
	return JA_NAME_CHARACTER;
}

/*
 * The same for a text that becomes an identifier of a kind.  Fails also with
 * JA_NAME_NOT_USERNAME, JA_NAME_EMAIL, JA_NAME_NOT_PLAIN or JA_NAME_PHONE.  A username
 * must not be read as a phone number, and an e-mail address must be written as the
 * mailbox that its form names; what was made before is found as ever.
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
	if (status != JA_OK)
		return status;
	if (kind == JA_IDENTIFIER_USERNAME && reads_as_phone(canonical))
		return JA_NAME_NOT_USERNAME;
	if (kind == JA_IDENTIFIER_EMAIL && !ja_email_is_written_plainly(text, canonical))
		return JA_NAME_NOT_PLAIN;
	return JA_OK;
}

/* The same for a text that becomes an identifier of the kind that it is. */
JaStatus
ja_identifier_form_of_new(JaString text, JaCanonical *canonical)
{
	JaStatus	status = ja_identifier_form(text, canonical);

	return status != JA_OK ? status :
		ja_identifier_form_of_kind(canonical->kind, text, canonical);
}

/*
 * The same for a text that is to become an e-mail address or a phone number.  Fails
 * also with JA_NAME_NOT_ADDRESS.
 */
JaStatus
ja_identifier_form_of_address(JaString text, JaCanonical *canonical)
{
	JaStatus	status = ja_identifier_form(text, canonical);

	if (status != JA_OK)
		return status;
	if (canonical->kind == JA_IDENTIFIER_USERNAME)
		return JA_NAME_NOT_ADDRESS;
	return ja_identifier_form_of_kind(canonical->kind, text, canonical);
}

/* The kind as the table has it. */
const char *
ja_identifier_kind_name(JaIdentifierKind kind)
{
	return kind_names[kind];
}

/* Finds the kind of a name that the table has. */
bool
ja_identifier_find_kind(JaString name, JaIdentifierKind *kind)
{
	for (size_t i = 0; i < lengthof(kind_names); i++)
	{
		if (ja_string_is(name, kind_names[i]))
		{
			*kind = (JaIdentifierKind) i;
			return true;
		}
	}
	return false;
}
