/*-------------------------------------------------------------------------
 *
 * factors.c
 *	  SQL functions that enroll, list and remove second factors.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"

#include "account/factor_change.h"
#include "account/mfa.h"
#include "account/own_factors.h"
#include "account/passkey_factor.h"
#include "api/acting.h"
#include "api/arguments.h"
#include "identity/identity.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_enroll_totp);
PG_FUNCTION_INFO_V1(jwt_confirm_totp);
PG_FUNCTION_INFO_V1(jwt_factors);
PG_FUNCTION_INFO_V1(jwt_remove_factor);
PG_FUNCTION_INFO_V1(jwt_reset_factors);
PG_FUNCTION_INFO_V1(jwt_make_recovery_codes);
PG_FUNCTION_INFO_V1(jwt_mfa_options);
PG_FUNCTION_INFO_V1(jwt_mfa_verify);
PG_FUNCTION_INFO_V1(jwt_step_up);

/*
 * jwt_enroll_totp(name text DEFAULT NULL, mfa_token text DEFAULT NULL) → jsonb
 */
Datum
jwt_enroll_totp(PG_FUNCTION_ARGS)
{
	JaString	name = ja_argument_optional_text(fcinfo, 0);
	JaActor		actor;
	Jsonb	   *denial;

	ja_plan_refuse_read_only("jwt_enroll_totp");
	denial = ja_acting_by_ticket(fcinfo, 1, &actor);
	PG_RETURN_JSONB_P(denial != NULL ? denial : ja_factor_change_enroll(&actor, name));
}

/*
 * jwt_confirm_totp(factor_id uuid, code text, mfa_token text DEFAULT NULL) → jsonb
 */
Datum
jwt_confirm_totp(PG_FUNCTION_ARGS)
{
	pg_uuid_t	factor = ja_argument_uuid(fcinfo, 0);
	JaString	code = ja_argument_required_text(fcinfo, 1);
	JaActor		actor;
	Jsonb	   *denial;

	ja_plan_refuse_read_only("jwt_confirm_totp");
	denial = ja_acting_by_ticket(fcinfo, 2, &actor);
	PG_RETURN_JSONB_P(denial != NULL ? denial : ja_factor_change_confirm(&actor, &factor, code));
}

/*
 * jwt_factors() → jsonb
 */
Datum
jwt_factors(PG_FUNCTION_ARGS)
{
	JaSubject	subject = ja_identity_require_user();

	PG_RETURN_JSONB_P(ja_own_factors_list(&subject.user));
}

/*
 * jwt_remove_factor(factor_id uuid) → jsonb
 */
Datum
jwt_remove_factor(PG_FUNCTION_ARGS)
{
	pg_uuid_t	factor = ja_argument_uuid(fcinfo, 0);
	JaActor		actor;

	ja_plan_refuse_read_only("jwt_remove_factor");
	actor = ja_acting_identity();
	PG_RETURN_JSONB_P(ja_factor_change_remove(&actor, &factor));
}

/*
 * jwt_reset_factors(user_id uuid) → void
 */
Datum
jwt_reset_factors(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_reset_factors");
	ja_factor_change_reset(&user);
	PG_RETURN_VOID();
}

/*
 * jwt_make_recovery_codes() → jsonb
 */
Datum
jwt_make_recovery_codes(PG_FUNCTION_ARGS)
{
	JaActor		actor;

	ja_plan_refuse_read_only("jwt_make_recovery_codes");
	actor = ja_acting_identity();
	PG_RETURN_JSONB_P(ja_factor_change_make_codes(&actor));
}

/*
 * jwt_step_up() → jsonb
 */
Datum
jwt_step_up(PG_FUNCTION_ARGS)
{
	JaActor		actor = ja_acting_identity();

	PG_RETURN_JSONB_P(ja_mfa_step_up(&actor));
}

/*
 * jwt_mfa_options(mfa_token text, method text) → jsonb
 */
Datum
jwt_mfa_options(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_required_text(fcinfo, 0);
	JaString	method = ja_argument_required_text(fcinfo, 1);

	PG_RETURN_JSONB_P(ja_passkey_factor_ask(token, method));
}

/*
 * jwt_mfa_verify(mfa_token text, method text, response jsonb) → jsonb
 */
Datum
jwt_mfa_verify(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_required_text(fcinfo, 0);
	JaString	method = ja_argument_required_text(fcinfo, 1);

	ja_argument_refuse_null(fcinfo, 2);
	ja_plan_refuse_read_only("jwt_mfa_verify");
	PG_RETURN_JSONB_P(ja_mfa_verify(token, method, &PG_GETARG_JSONB_P(2)->root));
}
