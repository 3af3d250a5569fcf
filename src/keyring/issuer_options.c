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

/* The one value of "issuer" and "audience": none. */
static JaStatus
read_none(const JsonbValue *value, bool *is_none)
{
	if (value->type != jbvString || !ja_string_is(ja_option_text(value), "none"))
		return JA_ISSUER_OPTION_VALUE;
	*is_none = true;
	return JA_OK;
}

static JaStatus
read_issuer(const JsonbValue *value, void *options)
{
	return read_none(value, &((JaIssuerOptions *) options)->has_no_issuer);
}

static JaStatus
read_audience(const JsonbValue *value, void *options)
{
	return read_none(value, &((JaIssuerOptions *) options)->has_no_audience);
}

static JaStatus
read_audiences(const JsonbValue *value, void *options)
{
	return ja_option_read_strings(value, &((JaIssuerOptions *) options)->audiences);
}

/*
 * Claims other than these tell nobody for whom a token is: "client_id" (RFC
 * 9068 section 2.2) and "azp" (OpenID Connect Core section 2) do.
 */
static JaStatus
read_audience_claim(const JsonbValue *value, void *options)
{
	static const char *const claims[] = {"client_id", "azp"};
	JaIssuerOptions *read = options;

	if (value->type != jbvString)
		return JA_ISSUER_OPTION_VALUE;
	if (ja_string_is(ja_option_text(value), "aud"))
		return JA_OK;
	for (size_t i = 0; i < lengthof(claims); i++)
	{
		if (ja_string_is(ja_option_text(value), claims[i]))
			read->audience_claim = claims[i];
	}
	return read->audience_claim != NULL ? JA_OK : JA_ISSUER_OPTION_VALUE;
}

static JaStatus
read_token_use(const JsonbValue *value, void *options)
{
	return ja_option_read_strings(value, &((JaIssuerOptions *) options)->token_uses);
}

static JaStatus
read_scope_claim(const JsonbValue *value, void *options)
{
	return ja_option_read_string(value, JA_OPTION_MAX_STRING, &((JaIssuerOptions *) options)->scope_claim);
}

static JaStatus
read_role_claim(const JsonbValue *value, void *options)
{
	return ja_option_read_strings(value, &((JaIssuerOptions *) options)->role_path);
}

static JaStatus
read_default_role(const JsonbValue *value, void *options)
{
	return ja_option_read_string(value, NAMEDATALEN - 1, &((JaIssuerOptions *) options)->default_role);
}

static JaStatus
read_jwks_uri(const JsonbValue *value, void *options)
{
	return ja_option_read_uri(value, &((JaIssuerOptions *) options)->jwks_uri);
}

static const JaOptionRow rows[] = {
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

static const JaOptionTable table = {rows, lengthof(rows)};

/*
 * Reads options into the current memory context.  Fails with
 * JA_ISSUER_OPTION_UNKNOWN or JA_ISSUER_OPTION_VALUE.
 */
JaStatus
ja_issuer_options_read(const JsonbContainer *json, JaIssuerOptions *options)
{
	JaStatus	status;

	memset(options, 0, sizeof(JaIssuerOptions));
	status = ja_option_read_all(&table, json, options);
	if (status != JA_OK)
		return status;
	if (options->has_no_audience &&
		(options->audiences.count > 0 || options->audience_claim != NULL))
		return JA_ISSUER_OPTION_VALUE;
	return JA_OK;
}

/* The options that were read, without those that have a column. */
Jsonb *
ja_issuer_options_for_storing(const JsonbContainer *json)
{
	return ja_option_for_storing(&table, json);
}
