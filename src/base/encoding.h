/*-------------------------------------------------------------------------
 *
 * encoding.h
 *	  Conversion between UTF-8 and the database encoding, without errors.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ENCODING_H
#define JA_ENCODING_H

#include "mb/pg_wchar.h"

/* Room for so many bytes once converted, with a NUL. */
#define JA_ENCODING_ROOM(length) ((length) * MAX_CONVERSION_GROWTH + 1)

extern bool ja_encoding_to_server(const char *utf8, size_t length,
								  char *server, size_t *server_length);
extern bool ja_encoding_from_server(const char *server, size_t length,
									char *utf8, size_t *utf8_length);

#endif							/* JA_ENCODING_H */
