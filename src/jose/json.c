/*-------------------------------------------------------------------------
 *
 * json.c
 *	  Reads the JSON of a token: UTF-8 bytes in, jsonb out, never an error.
 *
 * An attacker may control every byte.  PostgreSQL's own JSON parser does the
 * work, through semantic actions that build the jsonb as jsonb_in() does, so
 * that what PostgreSQL would raise (nesting, \u0000, numbers beyond numeric)
 * becomes a status.  Beyond JSON's grammar this refuses duplicate members
 * (RFC 7515 section 4, RFC 7519 section 4), nesting deeper than
 * JA_JSON_MAX_DEPTH, and numbers whose digits would not fit in
 * JA_JSON_MAX_DIGITS.
 *
 * Results are allocated in the current memory context.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "base/compat.h"
#include "base/encoding.h"
#include "jose/json.h"

/* Integers of so many digits are read without numeric_in(). */
#define FAST_INTEGER_DIGITS 18

/* Digits of an exponent that is looked at; a longer one is out of range. */
#define EXPONENT_DIGITS 6

typedef struct Builder
{
	JaJsonState state;
	int			depth;
	bool		in_array[JA_JSON_MAX_DEPTH + 1];
	int			members[JA_JSON_MAX_DEPTH + 1];
	JaJsonWatch *watches;
	int			watch_count;
	JaJsonWatch *watched;		/* what the current member is, or NULL */
	bool		is_secret;		/* wipe the strings in the end */
	List	   *strings;		/* if is_secret */
	JaStatus	status;
} Builder;

static void
fail(Builder *builder, JaStatus status)
{
	if (builder->status == JA_OK)
		builder->status = status;
}

static void
open_container(Builder *builder, bool is_array)
{
	if (builder->depth >= JA_JSON_MAX_DEPTH)
		fail(builder, JA_TOKEN_JSON_DEPTH);
	if (builder->status != JA_OK)
		return;
	builder->depth++;
	builder->in_array[builder->depth] = is_array;
	builder->members[builder->depth] = 0;
	ja_json_push(&builder->state, is_array ? WJB_BEGIN_ARRAY : WJB_BEGIN_OBJECT, NULL);
}

static JaJsonAction
object_start(void *argument)
{
	open_container(argument, false);
	JA_JSON_CONTINUE;
}

static JaJsonAction
array_start(void *argument)
{
	open_container(argument, true);
	JA_JSON_CONTINUE;
}

/* jsonb keeps one of several equal members, so a missing one is a duplicate. */
static JaJsonAction
object_end(void *argument)
{
	Builder    *builder = argument;

	if (builder->status == JA_OK)
	{
		const JsonbValue *object = &builder->state.parseState->contVal;

		ja_json_push(&builder->state, WJB_END_OBJECT, NULL);
		if (object->val.object.nPairs != builder->members[builder->depth])
			fail(builder, JA_TOKEN_JSON_DUPLICATE);
		builder->depth--;
	}
	JA_JSON_CONTINUE;
}

static JaJsonAction
array_end(void *argument)
{
	Builder    *builder = argument;

	if (builder->status == JA_OK)
	{
		ja_json_push(&builder->state, WJB_END_ARRAY, NULL);
		builder->depth--;
	}
	JA_JSON_CONTINUE;
}

/* The watch for a member of the outermost object, or NULL. */
static JaJsonWatch *
find_watch(Builder *builder, const char *name)
{
	if (builder->depth != 1)
		return NULL;
	for (int i = 0; i < builder->watch_count; i++)
	{
		/* The first character spares most of the calls. */
		if (builder->watches[i].name[0] == name[0] &&
			strcmp(builder->watches[i].name, name) == 0)
		{
			builder->watches[i].seen = true;
			return &builder->watches[i];
		}
	}
	return NULL;
}

static JaJsonAction
object_field_start(void *argument, char *name, bool is_null pg_attribute_unused())
{
	Builder    *builder = argument;
	JsonbValue	key;

	if (builder->status == JA_OK)
	{
		key.type = jbvString;
		key.val.string.val = name;
		key.val.string.len = (int) strlen(name);
		builder->members[builder->depth]++;
		builder->watched = find_watch(builder, name);
		ja_json_push(&builder->state, WJB_KEY, &key);
	}
	JA_JSON_CONTINUE;
}

/*
 * Counts the digits that a JSON number needs before and behind the decimal
 * point when it is written out, so that "1e999999" costs nothing.
 */
bool
ja_json_number_in_range(const char *number)
{
	size_t		sign = number[0] == '-';
	long		integer = strcspn(number + sign, ".eE");
	long		mantissa = strcspn(number + sign, "eE");
	long		fraction = mantissa > integer ? mantissa - integer - 1 : 0;
	const char *exponent = number + sign + mantissa;
	long		shift = 0;

	if (integer > JA_JSON_MAX_DIGITS || fraction > 2 * JA_JSON_MAX_DIGITS)
		return false;
	if (*exponent != '\0')
	{
		const char *digits = exponent + 1 + strspn(exponent + 1, "+-");

		if (strlen(digits + strspn(digits, "0")) > EXPONENT_DIGITS)
			return false;
		shift = strtol(exponent + 1, NULL, 10);
	}
	return integer + shift <= JA_JSON_MAX_DIGITS && fraction - shift <= JA_JSON_MAX_DIGITS;
}

/* Reads a JSON number exactly; the result is in the current context. */
static JaStatus
read_json_number(const char *number, JaJsonWatch *watch, Numeric *out)
{
	size_t		sign = number[0] == '-';
	size_t		digits = strspn(number + sign, "0123456789");

	if (number[sign + digits] == '\0' && digits <= FAST_INTEGER_DIGITS)
	{
		int64		value = 0;

		for (const char *digit = number + sign; *digit != '\0'; digit++)
			value = value * 10 + (*digit - '0');
		if (sign)
			value = -value;
		if (watch != NULL)
		{
			watch->is_integer = true;
			watch->integer = value;
		}
		*out = int64_to_numeric(value);
		return JA_OK;
	}
	if (!ja_json_number_in_range(number))
		return JA_TOKEN_JSON_NUMBER;
	*out = DatumGetNumeric(DirectFunctionCall3(numeric_in,
											   CStringGetDatum(number),
											   ObjectIdGetDatum(InvalidOid),
											   Int32GetDatum(-1)));
	return JA_OK;
}

static JaStatus
read_scalar(char *token, JsonTokenType type, JaJsonWatch *watch, JsonbValue *value)
{
	switch (type)
	{
		case JSON_TOKEN_STRING:
			value->type = jbvString;
			value->val.string.val = token;
			value->val.string.len = (int) strlen(token);
			return JA_OK;
		case JSON_TOKEN_NUMBER:
			value->type = jbvNumeric;
			return read_json_number(token, watch, &value->val.numeric);
		case JSON_TOKEN_TRUE:
		case JSON_TOKEN_FALSE:
			value->type = jbvBool;
			value->val.boolean = type == JSON_TOKEN_TRUE;
			return JA_OK;
		case JSON_TOKEN_NULL:
			if (watch != NULL)
				watch->is_null = true;
			value->type = jbvNull;
			return JA_OK;
		default:
			return JA_TOKEN_JSON;
	}
}

static JaJsonAction
scalar(void *argument, char *token, JsonTokenType type)
{
	Builder    *builder = argument;
	JsonbValue	value;

	if (builder->is_secret && type == JSON_TOKEN_STRING)
		builder->strings = lappend(builder->strings, token);
	if (builder->depth == 0)
		fail(builder, JA_TOKEN_NOT_OBJECT);
	if (builder->status == JA_OK)
		fail(builder, read_scalar(token, type,
								  builder->depth == 1 ? builder->watched : NULL,
								  &value));
	if (builder->status == JA_OK)
		ja_json_push(&builder->state,
					 builder->in_array[builder->depth] ? WJB_ELEM : WJB_VALUE,
					 &value);
	JA_JSON_CONTINUE;
}

/*
 * Counts '[' and '{' anywhere, which differ in one bit.  Blocks of constant
 * size let the compiler do many at once.
 */
static size_t
count_openings(const uint8 *json, size_t length)
{
	size_t		count = 0;
	size_t		i = 0;

	for (; i + 16 <= length; i += 16)
	{
		uint8		block = 0;

		for (int j = 0; j < 16; j++)
			block += (json[i + j] | 0x20) == '{';
		count += block;
	}
	for (; i < length; i++)
		count += (json[i] | 0x20) == '{';
	return count;
}

/*
 * PostgreSQL's parser recurses, and raises an error when its stack runs out
 * before any action could refuse the depth, so a text that opens many
 * containers is measured first.
 */
static bool
nests_too_deeply(const uint8 *json, size_t length)
{
	int			depth = 0;
	bool		in_string = false;

	if (count_openings(json, length) <= JA_JSON_MAX_DEPTH)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (json[i] == '"')
			in_string = !in_string;
		else if (in_string)
			i += json[i] == '\\';
		else if (json[i] == '[' || json[i] == '{')
		{
			if (++depth > JA_JSON_MAX_DEPTH)
				return true;
		}
		else if (json[i] == ']' || json[i] == '}')
			depth--;
	}
	return false;
}

static JaStatus
parse_server_text(const char *json, size_t length, Builder *builder)
{
	JsonLexContext *lexer = ja_json_lexer_create(json, length);
	JsonSemAction actions = {
		.semstate = builder,
		.object_start = object_start,
		.object_end = object_end,
		.array_start = array_start,
		.array_end = array_end,
		.object_field_start = object_field_start,
		.scalar = scalar
	};
	JsonParseErrorType error = pg_parse_json(lexer, &actions);

	ja_json_lexer_free(lexer, builder->is_secret);
	if (error != JSON_SUCCESS)
		return JA_TOKEN_JSON;
	return builder->status;
}

/*
 * In a database that is not UTF-8, PostgreSQL 15 raises an error for a \u
 * escape that has no counterpart there.  The parser holds nothing that an
 * error would leak, so that it can be caught without a subtransaction.
 */
static JaStatus
parse_converted_text(const char *json, size_t length, Builder *builder)
{
	MemoryContext context = CurrentMemoryContext;
	volatile JaStatus status = JA_TOKEN_ENCODING;

	PG_TRY();
	{
		status = parse_server_text(json, length, builder);
	}
	PG_CATCH();
	{
		int			category = ERRCODE_TO_CATEGORY(geterrcode());

		MemoryContextSwitchTo(context);
		if (category != ERRCODE_DATA_EXCEPTION &&
			category != ERRCODE_FEATURE_NOT_SUPPORTED)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return status;
}

static JaStatus
parse_in_database_encoding(const uint8 *json, size_t length, Builder *builder)
{
	char	   *converted;
	size_t		converted_length;

	if (GetDatabaseEncoding() == PG_UTF8)
		return parse_server_text((const char *) json, length, builder);
	if (memchr(json, '\0', length) != NULL)
		return JA_TOKEN_JSON;
	converted = palloc(JA_ENCODING_ROOM(length));
	if (!ja_encoding_to_server((const char *) json, length, converted, &converted_length))
		return JA_TOKEN_ENCODING;
	return parse_converted_text(converted, converted_length, builder);
}

/* Hands out what was parsed, if it is an object. */
static JaStatus
take_object(JaStatus status, const Builder *builder, Jsonb **object)
{
	if (status != JA_OK)
		return status;
	if (builder->state.result->type != jbvObject)
		return JA_TOKEN_NOT_OBJECT;
	*object = JsonbValueToJsonb(builder->state.result);
	return JA_OK;
}

static JaStatus
parse_object(const uint8 *json, size_t length, Builder *builder, Jsonb **object)
{
	if (pg_encoding_verifymbstr(PG_UTF8, (const char *) json, (int) length) != (int) length)
		return JA_TOKEN_ENCODING;
	if (nests_too_deeply(json, length))
		return JA_TOKEN_JSON_DEPTH;
	return take_object(parse_in_database_encoding(json, length, builder), builder, object);
}

static void
initialize_builder(Builder *builder)
{
	builder->state = (JaJsonState) {0};
	builder->depth = 0;
	builder->watches = NULL;
	builder->watch_count = 0;
	builder->watched = NULL;
	builder->is_secret = false;
	builder->strings = NIL;
	builder->status = JA_OK;
}

/*
 * Parses UTF-8 JSON that must be an object, and notes the watched members,
 * which may be none.  The length is bounded by the caller.  Fails with
 * JA_TOKEN_ENCODING, JA_TOKEN_JSON and its kin, or JA_TOKEN_NOT_OBJECT.
 */
JaStatus
ja_json_parse_object(const uint8 *json, size_t length,
					 JaJsonWatch *watches, int watch_count, Jsonb **object)
{
	Builder		builder;

	initialize_builder(&builder);
	builder.watches = watches;
	builder.watch_count = watch_count;
	return parse_object(json, length, &builder, object);
}

/*
 * The same for a text in the database's encoding, such as the value of a
 * setting.
 */
JaStatus
ja_json_parse_text(const char *json, Jsonb **object)
{
	size_t		length = strlen(json);
	Builder		builder;
	JaStatus	status;

	if (pg_encoding_verifymbstr(GetDatabaseEncoding(), json, (int) length) != (int) length)
		return JA_TOKEN_ENCODING;
	if (nests_too_deeply((const uint8 *) json, length))
		return JA_TOKEN_JSON_DEPTH;
	initialize_builder(&builder);
	status = GetDatabaseEncoding() == PG_UTF8 ?
		parse_server_text(json, length, &builder) :
		parse_converted_text(json, length, &builder);
	return take_object(status, &builder, object);
}

/*
 * As ja_json_parse_object() for JSON of our own that holds a secret: no copy of a string stays
 * behind but in the object, which the caller wipes.
 */
JaStatus
ja_json_parse_secret(const uint8 *json, size_t length, Jsonb **object)
{
	Builder		builder;
	JaStatus	status;

	initialize_builder(&builder);
	builder.is_secret = true;
	status = parse_object(json, length, &builder, object);
	for (int i = 0; i < list_length(builder.strings); i++)
	{
		char	   *string = list_nth(builder.strings, i);

		OPENSSL_cleanse(string, strlen(string));
	}
	return status;
}
