/*-------------------------------------------------------------------------
 *
 * value.h
 *	  Values to bind to a statement.
 *
 * A value carries its type, and JA_VALUES() counts, so that a statement needs
 * to say neither.  Text and bytes are copied into the current memory context;
 * all else is borrowed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_VALUE_H
#define JA_VALUE_H

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "jose/json.h"

typedef struct JaValue
{
	Datum		datum;
	Oid			type;
	bool		is_null;
} JaValue;

typedef struct JaValues
{
	const JaValue *items;
	int			count;
} JaValues;

/*
 * The values for $1, $2 and so on.  They live as long as the block in which
 * this stands; each argument is evaluated once, since sizeof() evaluates none.
 */
#define JA_VALUES(...) \
	((JaValues) {(const JaValue[]) {__VA_ARGS__}, \
		(int) lengthof(((const JaValue[]) {__VA_ARGS__}))})

#define JA_NO_VALUES ((JaValues) {NULL, 0})

static inline JaValue
ja_datum(Oid type, Datum datum)
{
	return (JaValue) {.datum = datum, .type = type};
}

static inline JaValue
ja_null(Oid type)
{
	return (JaValue) {.type = type, .is_null = true};
}

/* What a pointer refers to; NULL for NULL. */
static inline JaValue
ja_reference(Oid type, const void *pointer)
{
	return pointer == NULL ? ja_null(type) : ja_datum(type, PointerGetDatum(pointer));
}

/* Text; NULL where data is NULL. */
static inline JaValue
ja_string(JaString string)
{
	if (string.data == NULL)
		return ja_null(TEXTOID);
	return ja_datum(TEXTOID, PointerGetDatum(cstring_to_text_with_len(string.data,
																	  (int) string.length)));
}

/* The same for a NUL-terminated text, or NULL. */
static inline JaValue
ja_text(const char *text)
{
	return text == NULL ? ja_null(TEXTOID) : ja_datum(TEXTOID, CStringGetTextDatum(text));
}

/* The text of a column, NUL-terminated in the current context; data NULL for NULL. */
static inline JaString
ja_value_read_text(Datum value, bool is_null)
{
	char	   *data;

	if (is_null)
		return (JaString) {NULL, 0};
	data = TextDatumGetCString(value);
	return (JaString) {data, strlen(data)};
}

/* A timestamptz; NULL for zero, which no row here has. */
static inline JaValue
ja_time(TimestampTz time)
{
	return time == 0 ? ja_null(TIMESTAMPTZOID) :
		ja_datum(TIMESTAMPTZOID, TimestampTzGetDatum(time));
}

static inline JaValue
ja_uuid(const pg_uuid_t *uuid)
{
	return ja_reference(UUIDOID, uuid);
}

static inline JaValue
ja_jsonb(const Jsonb *json)
{
	return ja_reference(JSONBOID, json);
}

/* An array of a type, which is the array's own and not that of its elements. */
static inline JaValue
ja_array(Oid type, const ArrayType *array)
{
	return ja_reference(type, array);
}

static inline JaValue
ja_bytes(const bytea *bytes)
{
	return ja_reference(BYTEAOID, bytes);
}

/* Bytes of the current memory context. */
static inline bytea *
ja_value_make_bytes(const void *data, size_t length)
{
	return (bytea *) cstring_to_text_with_len(data, (int) length);
}

static inline JaValue
ja_bytes_of(const void *data, size_t length)
{
	return ja_bytes(ja_value_make_bytes(data, length));
}

/* The same of a string; NULL where data is NULL. */
static inline JaValue
ja_octets(JaString string)
{
	return string.data == NULL ? ja_null(BYTEAOID) : ja_bytes_of(string.data, string.length);
}

static inline JaValue
ja_bool(bool boolean)
{
	return ja_datum(BOOLOID, BoolGetDatum(boolean));
}

static inline JaValue
ja_bigint(int64 integer)
{
	return ja_datum(INT8OID, Int64GetDatum(integer));
}

static inline JaValue
ja_integer(int32 integer)
{
	return ja_datum(INT4OID, Int32GetDatum(integer));
}

#endif							/* JA_VALUE_H */
