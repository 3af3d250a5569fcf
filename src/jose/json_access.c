/*-------------------------------------------------------------------------
 *
 * json_access.c
 *	  Members of jsonb objects, and compact JSON text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/string.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "base/uuid.h"
#include "jose/json.h"

bool
ja_json_is_object(const JsonbContainer *container)
{
	return JsonContainerIsObject(container);
}

/*
 * Finds a member of an object; the value points into the object.  Anything
 * else has none; PostgreSQL's own function takes it for granted that it is one,
 * and would take the elements of an array for keys.
 */
bool
ja_json_member(const JsonbContainer *object, const char *name, JsonbValue *value)
{
	return JsonContainerIsObject(object) &&
		getKeyJsonValueFromContainer((JsonbContainer *) object, name,
									 (int) strlen(name), value) != NULL;
}

/* Finds a member that should be a string. */
JaPresence
ja_json_string(const JsonbContainer *object, const char *name, JaString *string)
{
	JsonbValue	value;

	if (!ja_json_member(object, name, &value))
		return JA_ABSENT;
	if (value.type != jbvString)
		return JA_MISTYPED;
	*string = ja_json_text(&value);
	return JA_PRESENT;
}

/* The array that a value is; NULL for any other value. */
JsonbContainer *
ja_json_array(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data) ?
		value->val.binary.data : NULL;
}

/* The index of the first element that is this string; -1: none is. */
int
ja_json_array_find(const JsonbContainer *array, JaString string)
{
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer((JsonbContainer *) array, i);

		if (element->type == jbvString && ja_string_equals(ja_json_text(element), string))
			return (int) i;
	}
	return -1;
}

/* Ends the outermost object, and returns it. */
Jsonb *
ja_json_end_object(JaJsonState *object)
{
	ja_json_push(object, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object->result);
}

/* Adds the name of a member; its value must follow. */
void
ja_json_add_key(JaJsonState *object, const char *name)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = (char *) name;
	key.val.string.len = (int) strlen(name);
	ja_json_push(object, WJB_KEY, &key);
}

static void
add_value(JaJsonState *object, const char *name, JsonbValue value)
{
	ja_json_add_key(object, name);
	ja_json_push(object, WJB_VALUE, &value);
}

/* Adds a string; the text must outlive the building of the object. */
void
ja_json_add_string(JaJsonState *object, const char *name, const char *data, size_t length)
{
	add_value(object, name, (JsonbValue) {
		.type = jbvString, .val.string = {.len = (int) length, .val = (char *) data}
	});
}

void
ja_json_add_bool(JaJsonState *object, const char *name, bool boolean)
{
	add_value(object, name, (JsonbValue) {.type = jbvBool, .val.boolean = boolean});
}

void
ja_json_add_integer(JaJsonState *object, const char *name, int64 integer)
{
	add_value(object, name, (JsonbValue) {
		.type = jbvNumeric, .val.numeric = int64_to_numeric(integer)
	});
}

/* Adds a UUID in its text form. */
void
ja_json_add_uuid(JaJsonState *object, const char *name, const pg_uuid_t *uuid)
{
	char	   *text = palloc(JA_UUID_TEXT);

	ja_uuid_write(uuid, text);
	ja_json_add_string(object, name, text, JA_UUID_TEXT);
}

/* Adds an object or array, which must outlive the building. */
void
ja_json_add_container(JaJsonState *object, const char *name, const JsonbContainer *container)
{
	JsonbValue	value;

	ja_json_add_key(object, name);
	value.type = jbvBinary;
	value.val.binary.data = (JsonbContainer *) container;
	value.val.binary.len = 0;
	ja_json_push(object, WJB_VALUE, &value);
}

/* Adds all members of another object, which must outlive the building. */
void
ja_json_add_members(JaJsonState *object, const JsonbContainer *members)
{
	JsonbIterator *iterator = JsonbIteratorInit((JsonbContainer *) members);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY || token == WJB_VALUE)
			ja_json_push(object, token, &value);
	}
}

/*
 * Appends the string quoted and escaped.  Only what RFC 8259 section 7
 * demands is escaped; everything else stays as it is.
 */
void
ja_json_write_string(StringInfo out, const char *data, size_t length)
{
	size_t		run = 0;		/* where the characters not yet written start */

	appendStringInfoChar(out, '"');
	for (size_t i = 0; i < length; i++)
	{
		unsigned char character = data[i];

		if (character >= ' ' && character != '"' && character != '\\')
			continue;
		appendBinaryStringInfo(out, data + run, (int) (i - run));
		if (character < ' ')
			appendStringInfo(out, "\\u%04x", character);
		else
		{
			appendStringInfoChar(out, '\\');
			appendStringInfoChar(out, data[i]);
		}
		run = i + 1;
	}
	appendBinaryStringInfo(out, data + run, (int) (length - run));
	appendStringInfoChar(out, '"');
}

static JaStatus
write_scalar(StringInfo out, const JsonbValue *value)
{
	char	   *number;

	switch (value->type)
	{
		case jbvNull:
			appendBinaryStringInfo(out, "null", 4);
			return JA_OK;
		case jbvString:
			ja_json_write_string(out, value->val.string.val, value->val.string.len);
			return JA_OK;
		case jbvNumeric:
			number = DatumGetCString(DirectFunctionCall1(numeric_out,
														 NumericGetDatum(value->val.numeric)));
			appendStringInfoString(out, number);
			return ja_json_number_in_range(number) ? JA_OK : JA_JSON_NUMBER;
		case jbvBool:
			appendStringInfoString(out, value->val.boolean ? "true" : "false");
			return JA_OK;
		default:
			elog(ERROR, "unexpected jsonb value type %d", (int) value->type);
			return JA_JSON_NUMBER;
	}
}

/*
 * Appends the container as compact JSON in the database encoding.  Fails for
 * what ja_json_parse_object() would not read again.
 */
static JaStatus
write_container(StringInfo out, const JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit((JsonbContainer *) container);
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		first = true;
	int			depth = 0;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		bool		opens = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT;
		bool		closes = token == WJB_END_ARRAY || token == WJB_END_OBJECT;
		JaStatus	status = JA_OK;

		depth += opens - closes;
		if (!first && !closes)
			appendStringInfoCharMacro(out, ',');
		if (opens)
			appendStringInfoCharMacro(out, token == WJB_BEGIN_ARRAY ? '[' : '{');
		else if (closes)
			appendStringInfoCharMacro(out, token == WJB_END_ARRAY ? ']' : '}');
		else
			status = write_scalar(out, &value);
		if (token == WJB_KEY)
			appendStringInfoCharMacro(out, ':');
		if (depth > JA_JSON_MAX_DEPTH)
			status = JA_JSON_DEPTH;
		if (status != JA_OK)
			return status;
		first = opens || token == WJB_KEY;
	}
	return JA_OK;
}

/* Replaces the text, in the database encoding, by checked UTF-8. */
static JaStatus
convert_to_utf8(StringInfo text, int start)
{
	char	   *server = text->data + start;
	int			length = text->len - start;

	if (GetDatabaseEncoding() == PG_UTF8 || pg_is_ascii(server))
		return JA_OK;
	if (GetDatabaseEncoding() != PG_SQL_ASCII)
	{
		char	   *utf8 = pg_server_to_any(server, length, PG_UTF8);

		text->len = start;
		appendStringInfoString(text, utf8);
		return JA_OK;
	}
	return pg_encoding_verifymbstr(PG_UTF8, server, length) == length ? JA_OK : JA_ENCODING;
}

/*
 * Appends the container as compact JSON in UTF-8, numbers exactly as they
 * are.  Fails with JA_ENCODING where text has no UTF-8 form, and with
 * JA_JSON_DEPTH or JA_JSON_NUMBER for what would not be read again.
 */
JaStatus
ja_json_write(const JsonbContainer *container, StringInfo out)
{
	int			start = out->len;
	JaStatus	status = write_container(out, container);

	if (status != JA_OK)
		return status;
	return convert_to_utf8(out, start);
}
