/*-------------------------------------------------------------------------
 *
 * option.c
 *	  Options that administrators write as a JSON object.
 *
 * They are read when they are given, and again with the row that keeps them.
 * Strings point into the object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "keyring/option.h"

/* Longest URI of a JWK Set, in bytes. */
#define MAX_URI 2048

/* The text of a value that is a string. */
JaString
ja_option_text(const JsonbValue *value)
{
	return (JaString) {value->val.string.val, value->val.string.len};
}

static bool
is_short_string(const JsonbValue *value, size_t longest)
{
	return value->type == jbvString && value->val.string.len > 0 &&
		value->val.string.len <= (int) longest;
}

/* Reads a string that is not empty.  Fails with JA_ISSUER_OPTION_VALUE, as the next ones. */
JaStatus
ja_option_read_string(const JsonbValue *value, size_t longest, JaString *string)
{
	if (!is_short_string(value, longest))
		return JA_ISSUER_OPTION_VALUE;
	*string = ja_option_text(value);
	return JA_OK;
}

/* Reads an array of strings, or one string as an array of it. */
JaStatus
ja_option_read_strings(const JsonbValue *value, JaStringList *list)
{
	JsonbContainer *array;

	list->strings = palloc(sizeof(JaString) * JA_OPTION_MAX_STRINGS);
	if (value->type == jbvString)
	{
		list->count = 1;
		return ja_option_read_string(value, JA_OPTION_MAX_STRING, &list->strings[0]);
	}
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return JA_ISSUER_OPTION_VALUE;
	array = value->val.binary.data;
	if (JsonContainerSize(array) == 0 || JsonContainerSize(array) > JA_OPTION_MAX_STRINGS)
		return JA_ISSUER_OPTION_VALUE;
	list->count = (int) JsonContainerSize(array);
	for (int i = 0; i < list->count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, (uint32) i);
		JaStatus	status = ja_option_read_string(element, JA_OPTION_MAX_STRING,
												   &list->strings[i]);

		if (status != JA_OK)
			return status;
	}
	return JA_OK;
}

/*
 * Reads a URI over HTTPS, without blanks and control characters, and without "@"
 * before the path, where credentials would stand that any log may show.
 */
JaStatus
ja_option_read_uri(const JsonbValue *value, JaString *uri)
{
	static const char scheme[] = "https://";
	const size_t scheme_length = sizeof(scheme) - 1;
	bool		is_authority = true;
	JaStatus	status = ja_option_read_string(value, MAX_URI, uri);

	if (status != JA_OK)
		return status;
	if (uri->length <= scheme_length || memcmp(uri->data, scheme, scheme_length) != 0)
		return JA_ISSUER_OPTION_VALUE;
	for (size_t i = scheme_length; i < uri->length; i++)
	{
		is_authority = is_authority && strchr("/?#", uri->data[i]) == NULL;
		if (uri->data[i] <= ' ' || uri->data[i] > '~' || (is_authority && uri->data[i] == '@'))
			return JA_ISSUER_OPTION_VALUE;
	}
	return JA_OK;
}

static const JaOptionRow *
find_option_row(const JaOptionTable *table, const JsonbValue *key)
{
	for (size_t i = 0; i < table->count; i++)
	{
		if (ja_string_is(ja_option_text(key), table->rows[i].name))
			return &table->rows[i];
	}
	return NULL;
}

/*
 * Reads an object of options that the table lists, into the current memory
 * context.  Fails with JA_ISSUER_OPTION_UNKNOWN or JA_ISSUER_OPTION_VALUE.
 */
JaStatus
ja_option_read_all(const JaOptionTable *table, const JsonbContainer *json, void *options)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	const JaOptionRow *row = NULL;
	JaStatus	status;

	if (!ja_json_is_object(json))
		return JA_ISSUER_OPTION_VALUE;
	iterator = JsonbIteratorInit((JsonbContainer *) json);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY && (row = find_option_row(table, &value)) == NULL)
			return JA_ISSUER_OPTION_UNKNOWN;
		if (token != WJB_VALUE || row == NULL)
			continue;
		status = row->read(&value, options);
		if (status != JA_OK)
			return status;
	}
	return JA_OK;
}

/* The options that were read, without those that have a column. */
Jsonb *
ja_option_for_storing(const JaOptionTable *table, const JsonbContainer *json)
{
	JsonbIterator *iterator = JsonbIteratorInit((JsonbContainer *) json);
	JsonbIteratorToken token;
	JsonbValue	value;
	JaJsonState state = {0};
	bool		is_stored = true;

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			is_stored = !find_option_row(table, &value)->has_column;
		if (is_stored && (token == WJB_KEY || token == WJB_VALUE))
			ja_json_push(&state, token, &value);
	}
	return ja_json_end_object(&state);
}

/* Whether the list has the string. */
bool
ja_option_lists(const JaStringList *list, JaString string)
{
	for (int i = 0; i < list->count; i++)
	{
		if (ja_string_equals(list->strings[i], string))
			return true;
	}
	return false;
}
