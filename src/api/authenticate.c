/*-------------------------------------------------------------------------
 *
 * authenticate.c
 *	  SQL functions that begin to act for the holder of a token.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "api/arguments.h"
#include "base/error.h"
#include "identity/authenticate.h"
#include "identity/postgrest.h"

PG_FUNCTION_INFO_V1(jwt_authenticate);
PG_FUNCTION_INFO_V1(jwt_pre_request);
PG_FUNCTION_INFO_V1(jwt_postgrest_config);

/*
 * jwt_authenticate(token text, assume_role boolean DEFAULT false) → jsonb
 */
Datum
jwt_authenticate(PG_FUNCTION_ARGS)
{
	JaString	token = ja_authenticate_trim(ja_argument_text(fcinfo, 0));
	const JaIdentity *identity;
	Jsonb	   *claims;

	if (token.length == 0)
		ja_raise(JA_NOT_AUTHENTICATED);
	WarnNoTransactionBlock(true, "jwt_authenticate()");
	identity = ja_authenticate(token);
	if (!PG_ARGISNULL(1) && PG_GETARG_BOOL(1))
		ja_authenticate_assume_role(identity);
	claims = palloc(VARSIZE(identity->claims));
	memcpy(claims, identity->claims, VARSIZE(identity->claims));
	PG_RETURN_JSONB_P(claims);
}

/*
 * jwt_pre_request() → void
 */
Datum
jwt_pre_request(PG_FUNCTION_ARGS)
{
	ja_postgrest_pre_request();
	PG_RETURN_VOID();
}

/*
 * jwt_postgrest_config(with_issuers boolean DEFAULT false) → void
 */
Datum
jwt_postgrest_config(PG_FUNCTION_ARGS)
{
	ja_postgrest_configure(!PG_ARGISNULL(0) && PG_GETARG_BOOL(0));
	PG_RETURN_VOID();
}
