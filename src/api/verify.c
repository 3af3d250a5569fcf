/*-------------------------------------------------------------------------
 *
 * verify.c
 *	  SQL functions on tokens with the stored keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "api/arguments.h"
#include "base/error.h"
#include "base/settings.h"
#include "identity/authenticate.h"
#include "session/refresh.h"
#include "session/refresh_token.h"
#include "token/explain.h"
#include "token/introspect.h"
#include "token/issue.h"
#include "token/verify.h"

PG_FUNCTION_INFO_V1(jwt_sign);
PG_FUNCTION_INFO_V1(jwt_verify);
PG_FUNCTION_INFO_V1(jwt_introspect);
PG_FUNCTION_INFO_V1(jwt_explain);

/*
 * jwt_sign(claims jsonb, expires_in interval DEFAULT NULL,
 *			kid text DEFAULT NULL) → text
 */
Datum
jwt_sign(PG_FUNCTION_ARGS)
{
	Jsonb	   *claims = ja_argument_jsonb(fcinfo, 0, JA_CLAIMS_NOT_OBJECT);
	int64		ttl_seconds = Min(ja_settings.access_token_ttl_seconds,
								  ja_settings.max_token_ttl_seconds);
	JaString	kid = ja_argument_text(fcinfo, 2);
	StringInfoData token;

	if (!ja_json_is_object(&claims->root))
		ja_raise(JA_CLAIMS_NOT_OBJECT);
	if (!PG_ARGISNULL(1))
		ttl_seconds = ja_argument_seconds(fcinfo, 1);
	initStringInfo(&token);
	ja_check(ja_issue_stored(&claims->root, ttl_seconds, kid, GetCurrentTimestamp(), &token));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(token.data, token.len));
}

/*
 * jwt_verify(token text, audience text DEFAULT NULL,
 *			  issuer text DEFAULT NULL) → jsonb
 */
Datum
jwt_verify(PG_FUNCTION_ARGS)
{
	JaString	token = ja_authenticate_trim(ja_argument_text(fcinfo, 0));
	JaExpectation expected;
	const JaVerified *verified;
	Jsonb	   *claims;

	expected.audience = ja_argument_text(fcinfo, 1);
	expected.issuer = ja_argument_text(fcinfo, 2);
	ja_check(ja_verify_stored(token, &expected, ja_claims_moment(), &verified));
	claims = palloc(VARSIZE(verified->claims));
	memcpy(claims, verified->claims, VARSIZE(verified->claims));
	PG_RETURN_JSONB_P(claims);
}

/*
 * jwt_introspect(token text) → jsonb
 */
Datum
jwt_introspect(PG_FUNCTION_ARGS)
{
	JaString	token = ja_authenticate_trim(ja_argument_text(fcinfo, 0));

	if (token.data != NULL && ja_refresh_token_is_one(token))
		PG_RETURN_JSONB_P(ja_refresh_introspect(token));
	PG_RETURN_JSONB_P(ja_introspect_token(token, GetCurrentTimestamp()));
}

/*
 * jwt_explain(token text) → jsonb
 */
Datum
jwt_explain(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(ja_explain_token(ja_authenticate_trim(ja_argument_text(fcinfo, 0)), GetCurrentTimestamp()));
}
