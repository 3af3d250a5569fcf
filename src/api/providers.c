/*-------------------------------------------------------------------------
 *
 * providers.c
 *	  SQL functions on identity providers, and login with them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "api/acting.h"
#include "api/arguments.h"
#include "federation/external_identity.h"
#include "federation/external_link.h"
#include "federation/external_login.h"
#include "identity/identity.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_add_provider);
PG_FUNCTION_INFO_V1(jwt_update_provider_keys);
PG_FUNCTION_INFO_V1(jwt_remove_provider);
PG_FUNCTION_INFO_V1(jwt_providers);
PG_FUNCTION_INFO_V1(jwt_external_nonce);
PG_FUNCTION_INFO_V1(jwt_login_external);
PG_FUNCTION_INFO_V1(jwt_link_external);
PG_FUNCTION_INFO_V1(jwt_unlink_external);
PG_FUNCTION_INFO_V1(jwt_identities);

/*
 * jwt_add_provider(name text, issuer text, client_ids text[], jwks jsonb,
 *					options jsonb DEFAULT '{}') → void
 */
Datum
jwt_add_provider(PG_FUNCTION_ARGS)
{
	JaNewProvider new = {
		.name = ja_argument_required_text(fcinfo, 0),
		.issuer = ja_argument_given_text(fcinfo, 1)
	};

	ja_argument_refuse_null(fcinfo, 2);
	ja_argument_refuse_null(fcinfo, 3);
	ja_argument_refuse_null(fcinfo, 4);
	new.client_ids = PG_GETARG_ARRAYTYPE_P(2);
	new.jwks = PG_GETARG_JSONB_P(3);
	new.options = PG_GETARG_JSONB_P(4);
	ja_plan_refuse_read_only("jwt_add_provider");
	ja_provider_add(&new);
	PG_RETURN_VOID();
}

/*
 * jwt_update_provider_keys(name text, jwks jsonb) → void
 */
Datum
jwt_update_provider_keys(PG_FUNCTION_ARGS)
{
	JaString	name = ja_argument_required_text(fcinfo, 0);

	ja_argument_refuse_null(fcinfo, 1);
	ja_plan_refuse_read_only("jwt_update_provider_keys");
	ja_provider_update_keys(name, PG_GETARG_JSONB_P(1));
	PG_RETURN_VOID();
}

/*
 * jwt_remove_provider(name text, end_sessions boolean DEFAULT false) → void
 */
Datum
jwt_remove_provider(PG_FUNCTION_ARGS)
{
	JaString	name = ja_argument_required_text(fcinfo, 0);

	ja_argument_refuse_null(fcinfo, 1);
	ja_plan_refuse_read_only("jwt_remove_provider");
	ja_provider_remove(name, PG_GETARG_BOOL(1));
	PG_RETURN_VOID();
}

/*
 * jwt_providers() → jsonb
 */
Datum
jwt_providers(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(ja_provider_show());
}

/*
 * jwt_external_nonce() → jsonb
 */
Datum
jwt_external_nonce(PG_FUNCTION_ARGS)
{
	const JaIdentity *current = ja_identity_current();
	pg_uuid_t	session;

	if (current != NULL && current->is_local_issuer && current->has_session)
	{
		session = current->session;
		PG_RETURN_JSONB_P(ja_external_nonce(&session));
	}
	PG_RETURN_JSONB_P(ja_external_nonce(NULL));
}

/* What a client shows: provider, ID token, nonce and access token, in this order. */
static JaIdTokenRequest
read_request(FunctionCallInfo fcinfo)
{
	return (JaIdTokenRequest) {
		.provider = ja_argument_required_text(fcinfo, 0),
		.id_token = ja_argument_given_text(fcinfo, 1),
		.nonce = ja_argument_optional_text(fcinfo, 2),
		.access_token = ja_argument_text(fcinfo, 3)
	};
}

/*
 * jwt_login_external(provider text, id_token text, nonce text DEFAULT NULL,
 *					  access_token text DEFAULT NULL) → jsonb
 */
Datum
jwt_login_external(PG_FUNCTION_ARGS)
{
	JaIdTokenRequest request = read_request(fcinfo);

	ja_plan_refuse_read_only("jwt_login_external");
	PG_RETURN_JSONB_P(ja_external_login(&request));
}

/*
 * The user of an authentication that is recent enough to change how to log in, and of
 * the second level where a factor is enrolled; raises 28J03 or 28J04.
 */
static JaActor
require_owner(void)
{
	JaActor		owner = ja_acting_identity();

	(void) ja_actor_check_now(&owner, JA_RECENT);
	return owner;
}

/*
 * jwt_link_external(provider text, id_token text, nonce text DEFAULT NULL,
 *					 access_token text DEFAULT NULL, link_token text DEFAULT NULL) → jsonb
 */
Datum
jwt_link_external(PG_FUNCTION_ARGS)
{
	JaIdTokenRequest request = read_request(fcinfo);
	JaString	ticket = ja_argument_optional_text(fcinfo, 4);
	JaActor		owner;

	ja_plan_refuse_read_only("jwt_link_external");
	owner = require_owner();
	PG_RETURN_JSONB_P(ja_external_link(&owner, &request, ticket));
}

/*
 * jwt_unlink_external(provider text, subject text) → jsonb
 */
Datum
jwt_unlink_external(PG_FUNCTION_ARGS)
{
	JaString	provider = ja_argument_required_text(fcinfo, 0);
	JaString	subject = ja_argument_required_text(fcinfo, 1);
	JaActor		owner;

	ja_plan_refuse_read_only("jwt_unlink_external");
	owner = require_owner();
	PG_RETURN_JSONB_P(ja_external_unlink(&owner, provider, subject));
}

/*
 * jwt_identities() → jsonb
 */
Datum
jwt_identities(PG_FUNCTION_ARGS)
{
	JaSubject	subject = ja_identity_require_user();

	PG_RETURN_JSONB_P(ja_external_identity_show(&subject.user));
}
