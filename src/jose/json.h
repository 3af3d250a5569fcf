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
#include "base/string.h"

/* Deepest nesting, counting the outermost object. */
#define JA_JSON_MAX_DEPTH	32

/*
 * Most decimal digits of a number written out in full, on either side of the
 * point.
 */
#define JA_JSON_MAX_DIGITS	4096

/* A member of the outermost object that is looked for while it is read. */
typedef struct JaJsonWatch
{
	const char *name;
	bool		seen;
	bool		is_null;
	bool		is_integer;		/* of at most 18 digits, without exponent */
	int64		integer;
} JaJsonWatch;

typedef enum JaPresence
{
	JA_ABSENT,
	JA_PRESENT,
	JA_MISTYPED
} JaPresence;

/* The text of a value that is a string. */
static inline JaString
ja_json_text(const JsonbValue *value)
{
	return (JaString) {value->val.string.val, value->val.string.len};
}

extern JaStatus ja_json_parse_object(const uint8 *json, size_t length,
									 JaJsonWatch *watches, int watch_count,
									 Jsonb **object);

extern JaStatus ja_json_parse_text(const char *json, Jsonb **object);
extern JaStatus ja_json_parse_secret(const uint8 *json, size_t length, Jsonb **object);

extern bool ja_json_member(const JsonbContainer *object, const char *name, JsonbValue *value);
extern JaPresence ja_json_string(const JsonbContainer *object, const char *name, JaString *string);
extern JsonbContainer *ja_json_array(const JsonbValue *value);
extern int	ja_json_array_find(const JsonbContainer *array, JaString string);
extern bool ja_json_number_in_range(const char *number);
extern bool ja_json_is_object(const JsonbContainer *container);

extern void ja_json_add_key(JaJsonState *object, const char *name);
extern void ja_json_add_bool(JaJsonState *object, const char *name, bool boolean);
extern void ja_json_add_integer(JaJsonState *object, const char *name, int64 integer);
extern void ja_json_add_uuid(JaJsonState *object, const char *name, const pg_uuid_t *uuid);
extern void ja_json_add_container(JaJsonState *object, const char *name,
								  const JsonbContainer *container);
extern void ja_json_add_members(JaJsonState *object, const JsonbContainer *members);
extern void ja_json_add_string(JaJsonState *object, const char *name,
							   const char *data, size_t length);
extern JaStatus ja_json_write(const JsonbContainer *container, StringInfo out);
extern Jsonb *ja_json_end_object(JaJsonState *object);
extern void ja_json_write_string(StringInfo out, const char *data, size_t length);

#endif							/* JA_JSON_H */
