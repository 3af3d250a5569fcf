/*-------------------------------------------------------------------------
 *
 * cbor.c
 *	  A strict reader for the CBOR that authenticators write.
 *
 * An attacker controls every byte.  What is read is the part of CTAP2's
 * canonical form that can be checked item by item (CTAP 2.1 section 8, RFC
 * 8949): definite lengths, heads as short as they can be, no tags, no floats,
 * of the simple values false, true and null.  Nothing is allocated, and a
 * count is at most what the remaining bytes could hold, so that time and stack
 * are bounded by the length of the input and JA_CBOR_MAX_DEPTH.
 *
 * The order of a map's keys is not checked: real authenticators differ.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "webauthn/cbor.h"

#define FALSE_VALUE 20
#define NULL_VALUE	22

/* The first value of a head's low five bits that is no number of its own. */
#define ONE_BYTE_ARGUMENT	24
#define EIGHT_BYTE_ARGUMENT 27

/* Reads the number behind a head, of 1, 2, 4 or 8 bytes, as none shorter. */
static bool
read_argument(JaCbor *cbor, uint64 *number)
{
	size_t		size;
	uint64		argument = 0;

	if (*number > EIGHT_BYTE_ARGUMENT)
		return false;
	size = (size_t) 1 << (*number - ONE_BYTE_ARGUMENT);
	if (size > (size_t) (cbor->end - cbor->next))
		return false;
	for (size_t i = 0; i < size; i++)
		argument = argument << 8 | *cbor->next++;
	*number = argument;
	if (size == 1)
		return argument >= ONE_BYTE_ARGUMENT;
	return argument >> (size * 4) != 0;
}

/* Takes the content of a string whose length was read. */
static bool
take_string(JaCbor *cbor, JaCborItem *item)
{
	if (item->number > (uint64) (cbor->end - cbor->next))
		return false;
	item->string.data = (const char *) cbor->next;
	item->string.length = item->number;
	cbor->next += item->number;
	return item->kind == JA_CBOR_BYTES ||
		pg_encoding_verifymbstr(PG_UTF8, item->string.data,
								(int) item->string.length) == (int) item->string.length;
}

/*
 * Reads one item, of an array or a map only its head; false if it is not well
 * formed.  At most INT_MAX bytes are left.
 */
bool
ja_cbor_read(JaCbor *cbor, JaCborItem *item)
{
	uint64		left;
	uint8		head;

	if (cbor->next == cbor->end)
		return false;
	head = *cbor->next++;
	item->kind = head >> 5;
	item->number = head & 0x1f;
	item->string = (JaString) {NULL, 0};
	if (item->kind == JA_CBOR_SIMPLE)
		return item->number >= FALSE_VALUE && item->number <= NULL_VALUE;
	if (item->number >= ONE_BYTE_ARGUMENT && !read_argument(cbor, &item->number))
		return false;
	left = cbor->end - cbor->next;
	switch (item->kind)
	{
		case JA_CBOR_UNSIGNED:
		case JA_CBOR_NEGATIVE:
			return true;
		case JA_CBOR_BYTES:
		case JA_CBOR_TEXT:
			return take_string(cbor, item);
		case JA_CBOR_ARRAY:
			return item->number <= left;
		case JA_CBOR_MAP:
			return item->number <= left / 2;
		case JA_CBOR_SIMPLE:
			break;
	}
	return false;
}

/* Reads over one item with all that it holds. */
static bool
skip(JaCbor *cbor, int depth)
{
	JaCborItem	item;
	uint64		count = 0;

	if (depth > JA_CBOR_MAX_DEPTH || !ja_cbor_read(cbor, &item))
		return false;
	if (item.kind == JA_CBOR_ARRAY)
		count = item.number;
	else if (item.kind == JA_CBOR_MAP)
		count = item.number * 2;
	for (; count > 0; count--)
	{
		if (!skip(cbor, depth + 1))
			return false;
	}
	return true;
}

/* Reads the head of a map. */
bool
ja_cbor_read_map(JaCbor *cbor, uint64 *pairs)
{
	JaCborItem	item;

	if (!ja_cbor_read(cbor, &item) || item.kind != JA_CBOR_MAP)
		return false;
	*pairs = item.number;
	return true;
}

/* Takes the bytes of a whole map. */
bool
ja_cbor_take_map(JaCbor *cbor, JaString *map)
{
	JaCbor		inside = *cbor;
	uint64		pairs;

	if (!ja_cbor_read_map(&inside, &pairs))
		return false;
	map->data = (const char *) cbor->next;
	if (!skip(cbor, 1))
		return false;
	map->length = (const char *) cbor->next - map->data;
	return true;
}

/* The value of an integer; false for anything else or beyond int64. */
bool
ja_cbor_integer(const JaCborItem *item, int64 *integer)
{
	if ((item->kind != JA_CBOR_UNSIGNED && item->kind != JA_CBOR_NEGATIVE) ||
		item->number > (uint64) PG_INT64_MAX)
		return false;
	*integer = item->kind == JA_CBOR_UNSIGNED ? (int64) item->number : -1 - (int64) item->number;
	return true;
}
