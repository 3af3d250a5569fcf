/*-------------------------------------------------------------------------
 *
 * unicode.h
 *	  Short texts as normalised UTF-8, whatever the database's encoding.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_UNICODE_H
#define JA_UNICODE_H

#include <utf8proc.h>

#include "base/encoding.h"
#include "base/status.h"
#include "base/string.h"

/* Longest text in bytes: as it comes, as UTF-8, and normalised. */
#define JA_UNICODE_MAX_BYTES 1024

/* Room for a text being converted, and for a normalised one, each with NUL. */
#define JA_UNICODE_CONVERSION_ROOM JA_ENCODING_ROOM(JA_UNICODE_MAX_BYTES)
#define JA_UNICODE_ROOM (JA_UNICODE_MAX_BYTES + 1)

/* NFKC, and NFKC with case folded and default-ignorable characters gone. */
#define JA_UNICODE_NFKC (UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT)
#define JA_UNICODE_NFKC_FOLDED (JA_UNICODE_NFKC | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE)

typedef enum JaUnicode
{
	JA_UNICODE_OK,
	JA_UNICODE_LONG,			/* more than JA_UNICODE_MAX_BYTES */
	JA_UNICODE_INVALID			/* has no UTF-8 form */
} JaUnicode;

/* The status of a result, by what text it is. */
static inline JaStatus
ja_unicode_status(JaUnicode result, JaStatus if_long, JaStatus if_invalid)
{
	if (result == JA_UNICODE_OK)
		return JA_OK;
	return result == JA_UNICODE_LONG ? if_long : if_invalid;
}

extern JaUnicode ja_unicode_from_server(JaString text, char *utf8, size_t *length);
extern JaUnicode ja_unicode_normalize(JaString utf8, int form, char *out, size_t *length);
extern int	ja_unicode_characters(const char *utf8, size_t length);
extern size_t ja_unicode_next(const char *utf8, size_t length, int32 *character);

#endif							/* JA_UNICODE_H */
