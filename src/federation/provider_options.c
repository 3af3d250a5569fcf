/*-------------------------------------------------------------------------
 *
 * provider_options.c
 *	  How an identity provider's users are taken in.
 *
 * An administrator writes the options; they are read when the provider is added,
 * and again with its row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "account/identifier_form.h"
#include "federation/provider_options.h"

/* Finds a string among the names of an enumeration's values, in their order. */
static JaStatus
read_choice(const JsonbValue *value, const char *const *names, int count, int *choice)
{
	for (int i = 0; i < count && value->type == jbvString; i++)
	{
		if (!ja_string_is(ja_option_text(value), names[i]))
			continue;
		*choice = i;
		return JA_OK;
	}
	return JA_ISSUER_OPTION_VALUE;
}

static JaStatus
read_nonce(const JsonbValue *value, void *options)
{
	static const char *const names[] = {
		[JA_NONCE_PLAIN] = "plain",[JA_NONCE_SHA256] = "sha256",[JA_NONCE_NONE] = "none"
	};
	int			choice = 0;
	JaStatus	status = read_choice(value, names, lengthof(names), &choice);

	((JaProviderOptions *) options)->nonce = (JaNonceMode) choice;
	return status;
}

static JaStatus
read_email(const JsonbValue *value, void *options)
{
	static const char *const names[] = {
		[JA_EMAIL_CLAIM] = "claim",[JA_EMAIL_DOMAINS] = "domains",[JA_EMAIL_NEVER] = "never"
	};
	int			choice = 0;
	JaStatus	status = read_choice(value, names, lengthof(names), &choice);

	((JaProviderOptions *) options)->email = (JaEmailTrust) choice;
	return status;
}

static JaStatus
read_linking(const JsonbValue *value, void *options)
{
	static const char *const names[] = {
		[JA_LINKING_ASK] = "ask",[JA_LINKING_NEVER] = "never",[JA_LINKING_VERIFIED] = "verified"
	};
	int			choice = 0;
	JaStatus	status = read_choice(value, names, lengthof(names), &choice);

	((JaProviderOptions *) options)->linking = (JaLinking) choice;
	return status;
}

static JaStatus
read_sign_up(const JsonbValue *value, void *options)
{
	if (value->type != jbvBool)
		return JA_ISSUER_OPTION_VALUE;
	((JaProviderOptions *) options)->sign_up =
		value->val.boolean ? JA_PROVIDER_SIGN_UP_ON : JA_PROVIDER_SIGN_UP_OFF;
	return JA_OK;
}

/* Brings a domain to the form that canonical addresses have behind their "@". */
static JaStatus
canonicalize_domain(JaString *domain)
{
	char	   *address = psprintf("x@%.*s", (int) domain->length, domain->data);
	JaCanonical *canonical = palloc(sizeof(JaCanonical));

	if (memchr(domain->data, '@', domain->length) != NULL ||
		ja_identifier_form_of_kind(JA_IDENTIFIER_EMAIL, (JaString) {address, strlen(address)},
								   canonical) != JA_OK)
		return JA_ISSUER_OPTION_VALUE;
	*domain = (JaString) {canonical->bytes + 2, canonical->length - 2};
	return JA_OK;
}

static JaStatus
read_domains(const JsonbValue *value, void *options)
{
	JaStringList *domains = &((JaProviderOptions *) options)->domains;
	JaStatus	status = ja_option_read_strings(value, domains);

	for (int i = 0; i < domains->count && status == JA_OK; i++)
		status = canonicalize_domain(&domains->strings[i]);
	return status;
}

static JaStatus
read_tenants(const JsonbValue *value, void *options)
{
	return ja_option_read_strings(value, &((JaProviderOptions *) options)->tenants);
}

static JaStatus
read_aal2_acr(const JsonbValue *value, void *options)
{
	return ja_option_read_strings(value, &((JaProviderOptions *) options)->aal2_acr);
}

static JaStatus
read_aal2_amr(const JsonbValue *value, void *options)
{
	return ja_option_read_strings(value, &((JaProviderOptions *) options)->aal2_amr);
}

static JaStatus
read_provider_jwks_uri(const JsonbValue *value, void *options)
{
	return ja_option_read_uri(value, &((JaProviderOptions *) options)->jwks_uri);
}

static const JaOptionRow provider_rows[] = {
	{"nonce", read_nonce, false},
	{"email", read_email, false},
	{"domains", read_domains, false},
	{"linking", read_linking, false},
	{"sign_up", read_sign_up, false},
	{"tenants", read_tenants, false},
	{"aal2_acr", read_aal2_acr, false},
	{"aal2_amr", read_aal2_amr, false},
	{"jwks_uri", read_provider_jwks_uri, false},
};

static const JaOptionTable provider_table = {provider_rows, lengthof(provider_rows)};

/*
 * Reads options into the current memory context.  Fails with
 * JA_PROVIDER_OPTION_UNKNOWN or JA_PROVIDER_OPTION_VALUE.
 */
JaStatus
ja_provider_options_read(const JsonbContainer *json, JaProviderOptions *options)
{
	JaStatus	status;

	memset(options, 0, sizeof(JaProviderOptions));
	status = ja_option_read_all(&provider_table, json, options);
	if (status == JA_ISSUER_OPTION_UNKNOWN)
		return JA_PROVIDER_OPTION_UNKNOWN;
	if (status != JA_OK)
		return JA_PROVIDER_OPTION_VALUE;
	return (options->email == JA_EMAIL_DOMAINS) == (options->domains.count > 0) ?
		JA_OK : JA_PROVIDER_OPTION_VALUE;
}
