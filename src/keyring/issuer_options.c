/*-------------------------------------------------------------------------
 *
 * issuer_options.c
 *	  What the tokens of an issuer look like, where not as RFC 7519 has it.
 *
 * An administrator writes the options; they are read when the issuer is
 * trusted, and again with its row.  "issuer" and "audience" are kept in columns
 * of their own, and are not stored among the others.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "keyring/issuer_options.h"

/* Most strings of a list, and their longest, in bytes. */
#define MAX_STRINGS 64
#define MAX_STRING	1024

/* Longest URI of a JWK Set, in bytes. */
#define MAX_URI 2048

/* Reads one option into the options. */
typedef JaStatus (*ReadOption) (const JsonbValue *value, JaIssuerOptions *options);

typedef struct OptionRow
{
	const char *name;
	ReadOption	read;
	bool		has_column;		/* stored elsewhere */
} OptionRow;

static JaString
string_of(const JsonbValue *value)
{
	return (JaString) {value->val.string.val, value->val.string.len};
}

static bool
is_short_string(const JsonbValue *value, size_t longest)
{
	return value->type == jbvString && value->val.string.len > 0 &&
		value->val.string.len <= (int) longest;
}

static JaStatus
read_string(const JsonbValue *value, size_t longest, JaString *string)
{
	if (!is_short_string(value, longest))
		return JA_ISSUER_OPTION_VALUE;
	*string = string_of(value);
	return JA_OK;
}

/* Reads an array of strings, or one string as an array of it. */
static JaStatus
read_strings(const JsonbValue *value, JaStringList *list)
{
	JsonbContainer *array;

	list->strings = palloc(sizeof(JaString) * MAX_STRINGS);
	if (value->type == jbvString)
	{
		list->count = 1;
		return read_string(value, MAX_STRING, &list->strings[0]);
	}
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return JA_ISSUER_OPTION_VALUE;
	array = value->val.binary.data;
	if (JsonContainerSize(array) == 0 || JsonContainerSize(array) > MAX_STRINGS)
		return JA_ISSUER_OPTION_VALUE;
	list->count = (int) JsonContainerSize(array);
	for (int i = 0; i < list->count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, (uint32) i);
		JaStatus	status = read_string(element, MAX_STRING, &list->strings[i]);

		if (status != JA_OK)
			return status;
	}
	return JA_OK;
}

/* The one value of "issuer" and "audience": none. */
static JaStatus
read_none(const JsonbValue *value, bool *is_none)
{
	if (value->type != jbvString || !ja_string_is(string_of(value), "none"))
		return JA_ISSUER_OPTION_VALUE;
	*is_none = true;
	return JA_OK;
}

static JaStatus
read_issuer(const JsonbValue *value, JaIssuerOptions *options)
{
	return read_none(value, &options->has_no_issuer);
}

static JaStatus
read_audience(const JsonbValue *value, JaIssuerOptions *options)
{
	return read_none(value, &options->has_no_audience);
}

static JaStatus
read_audiences(const JsonbValue *value, JaIssuerOptions *options)
{
	return read_strings(value, &options->audiences);
}

/*
 * Claims other than these tell nobody for whom a token is: "client_id" (RFC
 * 9068 section 2.2) and "azp" (OpenID Connect Core section 2) do.
 */
static JaStatus
read_audience_claim(const JsonbValue *value, JaIssuerOptions *options)
{
	static const char *const claims[] = {"client_id", "azp"};

	if (value->type != jbvString)
		return JA_ISSUER_OPTION_VALUE;
	if (ja_string_is(string_of(value), "aud"))
		return JA_OK;
	for (size_t i = 0; i < lengthof(claims); i++)
	{
		if (ja_string_is(string_of(value), claims[i]))
			options->audience_claim = claims[i];
	}
	return options->audience_claim != NULL ? JA_OK : JA_ISSUER_OPTION_VALUE;
}

static JaStatus
read_token_use(const JsonbValue *value, JaIssuerOptions *options)
{
	return read_strings(value, &options->token_uses);
}

static JaStatus
read_scope_claim(const JsonbValue *value, JaIssuerOptions *options)
{
	return read_string(value, MAX_STRING, &options->scope_claim);
}

static JaStatus
read_role_claim(const JsonbValue *value, JaIssuerOptions *options)
{
	return read_strings(value, &options->role_path);
}

static JaStatus
read_default_role(const JsonbValue *value, JaIssuerOptions *options)
{
	return read_string(value, NAMEDATALEN - 1, &options->default_role);
}

/* A URI without blanks and control characters, over HTTPS; only stored. */
static JaStatus
read_jwks_uri(const JsonbValue *value, JaIssuerOptions *options pg_attribute_unused())
{
	static const char scheme[] = "https://";
	const size_t scheme_length = sizeof(scheme) - 1;
	JaString	uri;
	JaStatus	status = read_string(value, MAX_URI, &uri);

	if (status != JA_OK)
		return status;
	if (uri.length <= scheme_length || memcmp(uri.data, scheme, scheme_length) != 0)
		return JA_ISSUER_OPTION_VALUE;
	for (size_t i = 0; i < uri.length; i++)
	{
		if (uri.data[i] <= ' ' || uri.data[i] > '~')
			return JA_ISSUER_OPTION_VALUE;
	}
	return JA_OK;
}

static const OptionRow rows[] = {
	{"issuer", read_issuer, true},
	{"audience", read_audience, true},
	{"audiences", read_audiences, false},
	{"audience_claim", read_audience_claim, false},
	{"token_use", read_token_use, false},
	{"scope_claim", read_scope_claim, false},
	{"role_claim", read_role_claim, false},
	{"default_role", read_default_role, false},
	{"jwks_uri", read_jwks_uri, false},
};

static const OptionRow *
find_option_row(const JsonbValue *key)
{
	for (size_t i = 0; i < lengthof(rows); i++)
	{
		if (ja_string_is(string_of(key), rows[i].name))
			return &rows[i];
	}
	return NULL;
}

/*
 * Reads options into the current memory context.  Fails with
 * JA_ISSUER_OPTION_UNKNOWN or JA_ISSUER_OPTION_VALUE.
 */
JaStatus
ja_issuer_options_read(const JsonbContainer *json, JaIssuerOptions *options)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	const OptionRow *row = NULL;
	JaStatus	status = JA_OK;

	memset(options, 0, sizeof(JaIssuerOptions));
	if (!ja_json_is_object(json))
		return JA_ISSUER_OPTION_VALUE;
	iterator = JsonbIteratorInit((JsonbContainer *) json);
	while (status == JA_OK && (token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY && (row = find_option_row(&value)) == NULL)
			status = JA_ISSUER_OPTION_UNKNOWN;
		else if (token == WJB_VALUE && row != NULL)
			status = row->read(&value, options);
	}
	if (status == JA_OK && options->has_no_audience &&
		(options->audiences.count > 0 || options->audience_claim != NULL))
		status = JA_ISSUER_OPTION_VALUE;
	return status;
}

/* The options that were read, without those that have a column. */
Jsonb *
ja_issuer_options_for_storing(const JsonbContainer *json)
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
			is_stored = !find_option_row(&value)->has_column;
		if (is_stored && (token == WJB_KEY || token == WJB_VALUE))
			ja_json_push(&state, token, &value);
	}
	return ja_json_end_object(&state);
}
