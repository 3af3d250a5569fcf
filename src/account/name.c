/*-------------------------------------------------------------------------
 *
 * name.c
 *	  The one canonical form of a user's name.
 *
 * Names that differ in case, width, composition, ligatures, invisible
 * characters or surrounding spaces are one name: two accounts must not look
 * like one, and a failed login must count against the account that it aims
 * at.  The form is NFKC_Casefold (Unicode 3.13, UAX 31) without spaces at
 * its ends.  It follows from the characters alone, never from the locale,
 * the collation or the encoding of a database, so a dotless i stays apart
 * from an i everywhere.  Letters of different scripts that look alike stay
 * apart, too.
 *
 * A client controls the name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/name.h"

/* Folding settles in the second pass; a name that does not is refused. */
#define MAX_PASSES 4

static JaStatus
name_status(JaUnicode result)
{
	return ja_unicode_status(result, JA_NAME_LONG, JA_NAME_CHARACTER);
}

/* Control characters, line ends of any kind, and what is not assigned. */
static bool
is_allowed(int32 character)
{
	switch (utf8proc_category(character))
	{
		case UTF8PROC_CATEGORY_CN:
		case UTF8PROC_CATEGORY_CC:
		case UTF8PROC_CATEGORY_CS:
		case UTF8PROC_CATEGORY_ZL:
		case UTF8PROC_CATEGORY_ZP:
			return false;
		default:
			return true;
	}
}

/* Fails with JA_NAME_CHARACTER. */
static JaStatus
check_characters(JaString name)
{
	int32		character;

	for (size_t i = 0; i < name.length;)
	{
		i += ja_unicode_next(name.data + i, name.length - i, &character);
		if (!is_allowed(character))
			return JA_NAME_CHARACTER;
	}
	return JA_OK;
}

/* Cuts off spaces, of any width, at both ends. */
static void
trim(JaString *text)
{
	size_t		start = text->length;
	size_t		end = 0;
	size_t		size;
	int32		character;

	for (size_t i = 0; i < text->length; i += size)
	{
		size = ja_unicode_next(text->data + i, text->length - i, &character);
		if (utf8proc_category(character) != UTF8PROC_CATEGORY_ZS)
		{
			start = Min(start, i);
			end = i + size;
		}
	}
	if (end > 0)
		text->data += start;
	text->length = end > 0 ? end - start : 0;
}

/*
 * One pass: NFKC first, since folding U+0345 before it is in its canonical
 * place would give canonically equal names different forms.
 */
static JaUnicode
fold(JaString name, char *out, JaString *folded)
{
	JaString	text = {out, 0};
	JaUnicode	result = ja_unicode_normalize(name, JA_UNICODE_NFKC, out, &text.length);

	if (result == JA_UNICODE_OK)
		result = ja_unicode_normalize(text, JA_UNICODE_NFKC_FOLDED, out, &text.length);
	if (result != JA_UNICODE_OK)
		return result;
	trim(&text);
	*folded = text;
	return JA_UNICODE_OK;
}

/* Folds the name within its buffer until another pass changes nothing. */
static JaStatus
fold_until_stable(char *canonical, size_t *length)
{
	char		buffer[JA_NAME_ROOM];
	JaString	name = {canonical, *length};

	for (int pass = 0; pass < MAX_PASSES; pass++)
	{
		JaString	folded;
		JaUnicode	result = fold(name, buffer, &folded);

		if (result != JA_UNICODE_OK)
			return name_status(result);
		if (ja_string_equals(name, folded))
		{
			*length = folded.length;
			return JA_OK;
		}
		memcpy(canonical, folded.data, folded.length);
		name.length = folded.length;
	}
	return JA_NAME_CHARACTER;
}

/*
 * Writes the canonical form of a name in the database encoding, as UTF-8,
 * into a buffer with JA_NAME_ROOM bytes.  Equal names have equal forms, and
 * the form of a form is itself.  A form may hold characters that the database
 * encoding lacks, so that it is bytes, not text.  Fails with JA_NAME_CHARACTER,
 * JA_NAME_EMPTY or JA_NAME_LONG; the buffer's content is then undefined.
 */
JaStatus
ja_name_canonical(JaString name, char *canonical, size_t *length)
{
	char		utf8[JA_UNICODE_CONVERSION_ROOM];
	JaString	text = {utf8, 0};
	size_t		size;
	JaStatus	status = name_status(ja_unicode_from_server(name, utf8, &text.length));

	if (status != JA_OK)
		return status;
	status = check_characters(text);
	if (status != JA_OK)
		return status;

	size = text.length;
	memcpy(canonical, text.data, size);
	status = fold_until_stable(canonical, &size);
	if (status != JA_OK)
		return status;
	if (size == 0)
		return JA_NAME_EMPTY;
	if (ja_unicode_characters(canonical, size) > JA_NAME_MAX_CHARACTERS)
		return JA_NAME_LONG;
	canonical[size] = '\0';
	*length = size;
	return JA_OK;
}
