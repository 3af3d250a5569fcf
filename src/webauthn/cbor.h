/*-------------------------------------------------------------------------
 *
 * cbor.h
 *	  A strict reader for the CBOR that authenticators write.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CBOR_H
#define JA_CBOR_H

#include "base/string.h"

/* Deepest nesting, counting the outermost item. */
#define JA_CBOR_MAX_DEPTH 6

/* Major types (RFC 8949 section 3.1); 6, tags, is refused. */
typedef enum JaCborKind
{
	JA_CBOR_UNSIGNED = 0,
	JA_CBOR_NEGATIVE = 1,
	JA_CBOR_BYTES = 2,
	JA_CBOR_TEXT = 3,
	JA_CBOR_ARRAY = 4,
	JA_CBOR_MAP = 5,
	JA_CBOR_SIMPLE = 7
} JaCborKind;

/* The bytes that are not read yet; somebody else owns them. */
typedef struct JaCbor
{
	const uint8 *next;
	const uint8 *end;
} JaCbor;

typedef struct JaCborItem
{
	JaCborKind	kind;
	uint64		number;			/* value, -1 - value, length, elements, pairs,
								 * or 20 to 22 */
	JaString	string;			/* bytes and text only */
} JaCborItem;

extern bool ja_cbor_read(JaCbor *cbor, JaCborItem *item);
extern bool ja_cbor_read_map(JaCbor *cbor, uint64 *pairs);
extern bool ja_cbor_take_map(JaCbor *cbor, JaString *map);
extern bool ja_cbor_integer(const JaCborItem *item, int64 *integer);

#endif							/* JA_CBOR_H */
