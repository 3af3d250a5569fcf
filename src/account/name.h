/*-------------------------------------------------------------------------
 *
 * name.h
 *	  The one canonical form of a user's name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_NAME_H
#define JA_NAME_H

#include "base/status.h"
#include "base/unicode.h"

/* Longest canonical name, in characters; in bytes it is a short text. */
#define JA_NAME_MAX_CHARACTERS 255

/* Room for a canonical name in UTF-8, with NUL. */
#define JA_NAME_ROOM JA_UNICODE_ROOM

extern JaStatus ja_name_canonical(JaString name, char *canonical, size_t *length);

#endif							/* JA_NAME_H */
