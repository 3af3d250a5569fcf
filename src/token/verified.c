/*-------------------------------------------------------------------------
 *
 * verified.c
 *	  What a verified token may be used for, by its own claims and the options
 *	  of its issuer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "token/verified.h"

/*
 * Whether the token is for the audience: by "aud", or where that is absent, by
 * the claim that stands in for it.  Fails with JA_TOKEN_AUDIENCE.
 */
JaStatus
ja_verified_check_audience(const JaVerified *verified, JaString audience)
{
	const JsonbContainer *claims = &verified->claims->root;
	JaString	value;

	if (verified->has_audience)
		return ja_claims_check_audience(claims, audience);
	return verified->audience_claim != NULL &&
		ja_json_string(claims, verified->audience_claim, &value) == JA_PRESENT &&
		ja_string_equals(value, audience) ? JA_OK : JA_TOKEN_AUDIENCE;
}

/*
 * Tokens that are right but were made for something else never become an
 * identity.  Which values of token_use do is for the issuer's options to say,
 * if they do.  Fails with JA_TOKEN_USE or JA_TOKEN_CONFIRMATION.
 */
JaStatus
ja_verified_check_identity(const JaVerified *verified)
{
	const JsonbContainer *claims = &verified->claims->root;
	JaPresence	presence = JA_ABSENT;
	JaString	use;
	JsonbValue	value;

	if (!verified->checks_use)
		presence = ja_json_string(claims, "token_use", &use);
	if (presence == JA_MISTYPED || (presence == JA_PRESENT && !ja_string_is(use, "access")))
		return JA_TOKEN_USE;
	return ja_json_member(claims, "cnf", &value) ? JA_TOKEN_CONFIRMATION : JA_OK;
}
