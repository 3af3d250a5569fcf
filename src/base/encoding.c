/*-------------------------------------------------------------------------
 *
 * encoding.c
 *	  Conversion between UTF-8 and the database encoding, without errors.
 *
 * PostgreSQL finds the conversion in a catalog, so that this needs a
 * transaction unless the database is UTF-8.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"

#include "base/encoding.h"

static bool
is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (IS_HIGHBIT_SET(text[i]))
			return false;
	}
	return true;
}

static bool
convert(bool to_server, const char *text, size_t length, char *out, size_t *out_length)
{
	int			from = to_server ? PG_UTF8 : GetDatabaseEncoding();
	int			to = to_server ? GetDatabaseEncoding() : PG_UTF8;
	Oid			conversion;

	if (from == to || from == PG_SQL_ASCII || to == PG_SQL_ASCII || is_ascii(text, length))
	{
		memcpy(out, text, length);
		out[length] = '\0';
		*out_length = length;
		return true;
	}
	conversion = FindDefaultConversionProc(from, to);
	if (!OidIsValid(conversion) ||
		pg_do_encoding_conversion_buf(conversion, from, to,
									  (unsigned char *) text, (int) length,
									  (unsigned char *) out,
									  (int) JA_ENCODING_ROOM(length), true) != (int) length)
		return false;
	*out_length = strlen(out);
	return true;
}

/*
 * Converts valid UTF-8 without NUL into a buffer of JA_ENCODING_ROOM bytes,
 * where a NUL follows; false where a part of it has no such form.
 */
bool
ja_encoding_to_server(const char *utf8, size_t length, char *server, size_t *server_length)
{
	return convert(true, utf8, length, server, server_length);
}

/*
 * The same for a text of the database encoding.  In a database without
 * encoding (SQL_ASCII) the result need not be valid UTF-8.
 */
bool
ja_encoding_from_server(const char *server, size_t length, char *utf8, size_t *utf8_length)
{
	return convert(false, server, length, utf8, utf8_length);
}
