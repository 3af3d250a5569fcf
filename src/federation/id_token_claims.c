/*-------------------------------------------------------------------------
 *
 * id_token_claims.c
 *	  What is believed of an ID token: the address, and the level and time of
 *	  authentication.
 *
 * The token is authentic.  Still some of its claims are what a user or somebody
 * else's administrator typed, and what no option maps means nothing here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "federation/id_token_claims.h"
#include "token/assurance.h"
#include "token/claims.h"

/* Whether an array of strings has one that is listed. */
static bool
has_listed(const JsonbContainer *claims, const char *name, const JaStringList *list)
{
	JsonbValue	value;

	if (!ja_json_member(claims, name, &value) || value.type != jbvBinary ||
		!JsonContainerIsArray(value.val.binary.data))
		return false;
	for (uint32 i = 0; i < JsonContainerSize(value.val.binary.data); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(value.val.binary.data, i);

		if (element->type == jbvString && ja_option_lists(list, ja_option_text(element)))
			return true;
	}
	return false;
}

/* The level that the provider vouches for: the first, unless an option maps it. */
int
ja_id_token_level(const JsonbContainer *claims, const JaProviderOptions *options)
{
	JaString	acr;

	if (ja_json_string(claims, "acr", &acr) == JA_PRESENT &&
		ja_option_lists(&options->aal2_acr, acr))
		return JA_AAL2;
	return has_listed(claims, "amr", &options->aal2_amr) ? JA_AAL2 : JA_AAL1;
}

/*
 * When the user was authenticated, if that is told, and at the latest when the token was
 * issued.
 */
TimestampTz
ja_id_token_auth_time(const JsonbContainer *claims, TimestampTz latest)
{
	JsonbValue	value;
	double		seconds;

	if (!ja_json_member(claims, "auth_time", &value) || value.type != jbvNumeric)
		return latest;
	seconds = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												 NumericGetDatum(value.val.numeric)));
	if (!(seconds < ja_claims_seconds(latest)))
		return latest;
	return ja_claims_time(Max(seconds, 0));
}

/* Whether a claim is true, in one of the forms that providers write. */
static bool
is_true(const JsonbContainer *claims, const char *name)
{
	JsonbValue	value;

	if (!ja_json_member(claims, name, &value))
		return false;
	if (value.type == jbvBool)
		return value.val.boolean;
	if (value.type == jbvString)
		return ja_string_is(ja_option_text(&value), "true") ||
			ja_string_is(ja_option_text(&value), "1");
	return value.type == jbvNumeric &&
		DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(value.val.numeric),
										 NumericGetDatum(int64_to_numeric(1))));
}

/* Whether the address has a domain that is the provider's to give out. */
static bool
has_listed_domain(const JaCanonical *canonical, const JaStringList *domains)
{
	const char *at = memchr(canonical->bytes, '@', canonical->length);
	JaString	domain;

	if (at == NULL)
		return false;
	domain.data = at + 1;
	domain.length = canonical->bytes + canonical->length - domain.data;
	return ja_option_lists(domains, domain);
}

/*
 * Whether the address is the user's.  What Microsoft says of it counts only where it
 * says that the domain is the tenant's, whatever the options.
 */
static bool
may_trust_email(const JsonbContainer *claims, const JaProvider *provider,
				const JaCanonical *canonical)
{
	bool		is_microsoft = ja_provider_is_microsoft(provider->issuer);
	JsonbValue	value;

	if (is_microsoft && !is_true(claims, "xms_edov"))
		return false;
	switch (provider->options.email)
	{
		case JA_EMAIL_CLAIM:
			return is_microsoft || is_true(claims, "email_verified");
		case JA_EMAIL_DOMAINS:
			return has_listed_domain(canonical, &provider->options.domains) &&
				(!ja_json_member(claims, "email_verified", &value) ||
				 is_true(claims, "email_verified"));
		case JA_EMAIL_NEVER:
			return false;
	}
	return false;
}

/* Notes the address, if there is one that is the user's. */
void
ja_id_token_email(const JsonbContainer *claims, const JaProvider *provider, JaIdToken *token)
{
	JaString	email;

	token->email = (JaString) {NULL, 0};
	if (ja_json_string(claims, "email", &email) == JA_PRESENT &&
		ja_identifier_form_of_kind(JA_IDENTIFIER_EMAIL, email, &token->canonical) == JA_OK &&
		may_trust_email(claims, provider, &token->canonical))
		token->email = email;
}
