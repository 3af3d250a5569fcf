/*-------------------------------------------------------------------------
 *
 * passkeys.c
 *	  SQL functions on passkeys that the extension keeps.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"


#include "account/passkeys.h"
#include "api/acting.h"
#include "api/arguments.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_passkey_register_options);
PG_FUNCTION_INFO_V1(jwt_passkey_register);
PG_FUNCTION_INFO_V1(jwt_passkey_login_options);
PG_FUNCTION_INFO_V1(jwt_passkey_login);

/*
 * jwt_passkey_register_options(mfa_token text DEFAULT NULL) → jsonb
 */
Datum
jwt_passkey_register_options(PG_FUNCTION_ARGS)
{
	JaActor		actor;
	Jsonb	   *denial = ja_acting_by_ticket(fcinfo, 0, &actor);

	PG_RETURN_JSONB_P(denial != NULL ? denial : ja_passkey_register_options(&actor));
}

/*
 * jwt_passkey_register(credential jsonb, name text DEFAULT NULL,
 *						mfa_token text DEFAULT NULL) → jsonb
 */
Datum
jwt_passkey_register(PG_FUNCTION_ARGS)
{
	JaString	name;
	Jsonb	   *credential;
	JaActor		actor;
	Jsonb	   *denial;

	ja_plan_refuse_read_only("jwt_passkey_register");
	ja_argument_refuse_null(fcinfo, 0);
	credential = PG_GETARG_JSONB_P(0);
	name = ja_argument_label(fcinfo, 1);
	denial = ja_acting_by_ticket(fcinfo, 2, &actor);
	PG_RETURN_JSONB_P(denial != NULL ? denial :
					  ja_passkey_register(&actor, &credential->root, name));
}

/*
 * jwt_passkey_login_options() → jsonb
 */
Datum
jwt_passkey_login_options(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(ja_passkey_login_options());
}

/*
 * jwt_passkey_login(credential jsonb) → jsonb
 */
Datum
jwt_passkey_login(PG_FUNCTION_ARGS)
{
	ja_plan_refuse_read_only("jwt_passkey_login");
	ja_argument_refuse_null(fcinfo, 0);
	PG_RETURN_JSONB_P(ja_passkey_login(&PG_GETARG_JSONB_P(0)->root));
}
