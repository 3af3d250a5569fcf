/*-------------------------------------------------------------------------
 *
 * api_tokens.c
 *	  SQL functions on API tokens.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "api/acting.h"
#include "api/arguments.h"
#include "base/error.h"
#include "identity/identity.h"
#include "machine/api_token.h"
#include "store/plan.h"
#include "token/scope.h"

PG_FUNCTION_INFO_V1(jwt_create_api_token);
PG_FUNCTION_INFO_V1(jwt_api_tokens);
PG_FUNCTION_INFO_V1(jwt_revoke_api_token);
PG_FUNCTION_INFO_V1(jwt_login_api_token);

/* Raises 22023 for what is no list of scopes, 42501 for more than the identity has. */
static void
check_scope(JaString scope)
{
	if (!ja_scope_is_well_formed(scope))
		ja_raise(JA_API_TOKEN_SCOPE_FORM);
	if (!ja_scope_covers(&ja_identity_current()->claims->root, scope))
		ja_raise(JA_API_TOKEN_SCOPE);
}

/*
 * jwt_create_api_token(name text, scope text, expires_in interval) → jsonb
 */
Datum
jwt_create_api_token(PG_FUNCTION_ARGS)
{
	JaNewApiToken new;
	JaActor		owner;

	ja_argument_refuse_null(fcinfo, 0);
	new.name = ja_argument_label(fcinfo, 0);
	new.scope = ja_argument_required_text(fcinfo, 1);
	ja_argument_refuse_null(fcinfo, 2);
	new.ttl_seconds = ja_argument_seconds_within(fcinfo, 2, 0, JA_API_TOKEN_MAX_SECONDS);
	ja_plan_refuse_read_only("jwt_create_api_token");
	owner = ja_acting_identity();
	check_scope(new.scope);
	(void) ja_actor_check_now(&owner, JA_RECENT);
	new.owner = &owner;
	PG_RETURN_JSONB_P(ja_api_token_create(&new));
}

/*
 * jwt_api_tokens() → jsonb
 */
Datum
jwt_api_tokens(PG_FUNCTION_ARGS)
{
	JaSubject	subject = ja_identity_require_user();

	PG_RETURN_JSONB_P(ja_api_token_show(&subject.user));
}

/*
 * jwt_revoke_api_token(id uuid) → void
 */
Datum
jwt_revoke_api_token(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);
	JaSubject	subject = ja_identity_require_writer("jwt_revoke_api_token");

	ja_identity_refuse_actor();
	ja_api_token_revoke(&subject.user, &id);
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}

/*
 * jwt_login_api_token(token text) → jsonb
 */
Datum
jwt_login_api_token(PG_FUNCTION_ARGS)
{
	JaString	token = ja_argument_handle(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_login_api_token");
	PG_RETURN_JSONB_P(ja_api_token_login(token));
}
