/*-------------------------------------------------------------------------
 *
 * string.h
 *	  Strings that carry their length.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_STRING_H
#define JA_STRING_H

/* Bytes that somebody else owns, without NUL; data is NULL for no string. */
typedef struct JaString
{
	const char *data;
	size_t		length;
} JaString;

typedef struct JaStrings
{
	const JaString *items;
	int			count;
} JaStrings;

/* True if the string is exactly this NUL-terminated name. */
static inline bool
ja_string_is(JaString string, const char *name)
{
	size_t		length = strlen(name);

	return string.length == length && memcmp(string.data, name, length) == 0;
}

/* Names are compared through this; secrets through ja_secret_equals(). */
static inline bool
ja_string_equals(JaString a, JaString b)
{
	return a.length == b.length &&
		(a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

#endif							/* JA_STRING_H */
