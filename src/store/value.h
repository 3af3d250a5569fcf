/*-------------------------------------------------------------------------
 *
 * value.h
 *	  Values to bind to a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_VALUE_H
#define JA_VALUE_H

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "jose/json.h"

typedef struct JaValue
{
	Datum		value;
	bool		is_null;
} JaValue;

#define JA_NULL ((JaValue) {(Datum) 0, true})
#define JA_DATUM(datum) ((JaValue) {(datum), false})

/* Text; NULL where data is NULL. */
static inline JaValue
ja_value_string(JaString string)
{
	if (string.data == NULL)
		return JA_NULL;
	return JA_DATUM(PointerGetDatum(cstring_to_text_with_len(string.data,
															 (int) string.length)));
}

/* The same for a NUL-terminated text, or NULL. */
static inline JaValue
ja_value_text(const char *text)
{
	return text == NULL ? JA_NULL : JA_DATUM(CStringGetTextDatum(text));
}

/* A timestamptz; NULL for zero, which no row here has. */
static inline JaValue
ja_value_time(TimestampTz time)
{
	return time == 0 ? JA_NULL : JA_DATUM(TimestampTzGetDatum(time));
}

static inline JaValue
ja_value_uuid(const pg_uuid_t *uuid)
{
	return uuid == NULL ? JA_NULL : JA_DATUM(UUIDPGetDatum(uuid));
}

static inline JaValue
ja_value_bytes(bytea *bytes)
{
	return bytes == NULL ? JA_NULL : JA_DATUM(PointerGetDatum(bytes));
}

static inline JaValue
ja_value_jsonb(Jsonb *json)
{
	return json == NULL ? JA_NULL : JA_DATUM(JsonbPGetDatum(json));
}

/* Bytes of the current memory context. */
static inline bytea *
ja_value_make_bytes(const void *data, size_t length)
{
	return (bytea *) cstring_to_text_with_len(data, (int) length);
}

static inline JaValue
ja_value_bool(bool boolean)
{
	return JA_DATUM(BoolGetDatum(boolean));
}

static inline JaValue
ja_value_bigint(int64 integer)
{
	return JA_DATUM(Int64GetDatum(integer));
}

static inline JaValue
ja_value_integer(int32 integer)
{
	return JA_DATUM(Int32GetDatum(integer));
}

#endif							/* JA_VALUE_H */
