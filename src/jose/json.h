/*-------------------------------------------------------------------------
 *
 * json.h
 *	  JSON of tokens and keys: UTF-8 bytes to jsonb, members, compact text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_JSON_H
#define JA_JSON_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/status.h"

/* Deepest nesting, counting the outermost object. */
#define JA_JSON_MAX_DEPTH	32

/*
 * Most decimal digits of a number written out in full, on either side of the
 * point.
 */
#define JA_JSON_MAX_DIGITS	4096

/* A string within a jsonb: not NUL-terminated, owned by the jsonb. */
typedef struct JaString
{
	const char *data;
	size_t		length;
} JaString;

/* A member of the outermost object that is looked for while it is read. */
typedef struct JaJsonWatch
{
	const char *name;
	bool		seen;
	bool		is_integer;		/* of at most 18 digits, without exponent */
	int64		integer;
} JaJsonWatch;

typedef enum JaPresence
{
	JA_ABSENT,
	JA_PRESENT,
	JA_MISTYPED
} JaPresence;

extern JaStatus ja_json_parse_object(const uint8 *json, size_t length,
									 JaJsonWatch *watches, int watch_count,
									 Jsonb **object);

extern JaStatus ja_json_parse_secret(const uint8 *json, size_t length, Jsonb **object);

extern bool ja_json_member(const JsonbContainer *object, const char *name, JsonbValue *value);
extern JaPresence ja_json_string(const JsonbContainer *object, const char *name, JaString *string);
extern bool ja_json_number_in_range(const char *number);
extern bool ja_json_is_object(const JsonbContainer *container);

extern void ja_json_add_key(JaJsonState *object, const char *name);
extern void ja_json_add_bool(JaJsonState *object, const char *name, bool boolean);
extern void ja_json_add_integer(JaJsonState *object, const char *name, int64 integer);
extern void ja_json_add_uuid(JaJsonState *object, const char *name, const pg_uuid_t *uuid);
extern void ja_json_add_members(JaJsonState *object, const JsonbContainer *members);
extern void ja_json_add_string(JaJsonState *object, const char *name,
							   const char *data, size_t length);
extern JaStatus ja_json_write(const JsonbContainer *container, StringInfo out);
extern Jsonb *ja_json_end_object(JaJsonState *object);
extern void ja_json_write_string(StringInfo out, const char *data, size_t length);

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

#endif							/* JA_JSON_H */
