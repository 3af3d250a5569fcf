/*-------------------------------------------------------------------------
 *
 * unicode.c
 *	  Short texts as normalised UTF-8, whatever the database's encoding.
 *
 * A caller controls the text, which may be a password: nothing is raised
 * that would quote its bytes, scratch memory is wiped, and the size is
 * checked before any work.  The buffers are the caller's.
 *
 * Normalisation follows Unicode Standard Annex 15; characters that a later
 * version of Unicode assigns may then normalise differently, and callers who
 * keep the result refuse those (category Cn).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "mb/pg_wchar.h"

#include "base/encoding.h"
#include "base/unicode.h"

/* U+FDFA, three bytes, decomposes into 18 characters: no other grows more. */
#define MAX_DECOMPOSED ((utf8proc_ssize_t) JA_UNICODE_MAX_BYTES * 6)

/*
 * Converts a text in the database encoding to UTF-8 without a NUL inside.
 * The buffer has JA_UNICODE_CONVERSION_ROOM bytes, ends with a NUL on
 * success, and holds a part of the text on failure.
 */
JaUnicode
ja_unicode_from_server(JaString text, char *utf8, size_t *length)
{
	size_t		converted;

	if (text.length > JA_UNICODE_MAX_BYTES)
		return JA_UNICODE_LONG;
	if (memchr(text.data, '\0', text.length) != NULL ||
		!ja_encoding_from_server(text.data, text.length, utf8, &converted))
		return JA_UNICODE_INVALID;
	if (converted > JA_UNICODE_MAX_BYTES)
		return JA_UNICODE_LONG;
	if (pg_encoding_verifymbstr(PG_UTF8, utf8, (int) converted) != (int) converted)
		return JA_UNICODE_INVALID;
	*length = converted;
	return JA_UNICODE_OK;
}

/*
 * Normalises UTF-8 to a form, one of JA_UNICODE_NFKC....  The buffer has
 * JA_UNICODE_ROOM bytes, may be the one that holds the text, and ends with a
 * NUL; it changes on success only.
 */
JaUnicode
ja_unicode_normalize(JaString utf8, int form, char *out, size_t *length)
{
	utf8proc_int32_t scratch[MAX_DECOMPOSED + 1];
	JaUnicode	result = JA_UNICODE_OK;
	utf8proc_ssize_t size;

	size = utf8proc_decompose((const utf8proc_uint8_t *) utf8.data, (utf8proc_ssize_t) utf8.length,
							  scratch, MAX_DECOMPOSED, (utf8proc_option_t) form);
	if (size > MAX_DECOMPOSED)
		result = JA_UNICODE_LONG;
	else if (size >= 0)
		size = utf8proc_reencode(scratch, size, (utf8proc_option_t) form);
	if (size < 0)
		result = JA_UNICODE_INVALID;
	else if (size > JA_UNICODE_MAX_BYTES)
		result = JA_UNICODE_LONG;
	if (result == JA_UNICODE_OK)
	{
		memcpy(out, scratch, size);
		out[size] = '\0';
		*length = (size_t) size;
	}
	OPENSSL_cleanse(scratch, sizeof(scratch));
	return result;
}

/* The number of characters of valid UTF-8: of bytes that begin one. */
int
ja_unicode_characters(const char *utf8, size_t length)
{
	int			characters = 0;

	for (size_t i = 0; i < length; i++)
		characters += ((uint8) utf8[i] & 0xC0) != 0x80;
	return characters;
}

/* Reads the first character of UTF-8 that is valid and not empty. */
size_t
ja_unicode_next(const char *utf8, size_t length, int32 *character)
{
	utf8proc_ssize_t size = utf8proc_iterate((const utf8proc_uint8_t *) utf8,
											 (utf8proc_ssize_t) length, character);

	Assert(size > 0);
	return (size_t) size;
}
