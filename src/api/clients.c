/*-------------------------------------------------------------------------
 *
 * clients.c
 *	  SQL functions on clients, and the token endpoint.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "api/arguments.h"
#include "machine/client_change.h"
#include "machine/discovery.h"
#include "machine/token_request.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_create_client);
PG_FUNCTION_INFO_V1(jwt_rotate_client_secret);
PG_FUNCTION_INFO_V1(jwt_delete_client);
PG_FUNCTION_INFO_V1(jwt_token);
PG_FUNCTION_INFO_V1(jwt_discovery);

/*
 * jwt_create_client(name text, options jsonb DEFAULT '{}') → jsonb
 */
Datum
jwt_create_client(PG_FUNCTION_ARGS)
{
	JaString	name;

	ja_argument_refuse_null(fcinfo, 0);
	ja_argument_refuse_null(fcinfo, 1);
	name = ja_argument_label(fcinfo, 0);
	ja_plan_refuse_read_only("jwt_create_client");
	PG_RETURN_JSONB_P(ja_client_change_create(name, PG_GETARG_JSONB_P(1)));
}

/*
 * jwt_rotate_client_secret(client_id uuid) → jsonb
 */
Datum
jwt_rotate_client_secret(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_rotate_client_secret");
	PG_RETURN_JSONB_P(ja_client_change_rotate(&id));
}

/*
 * jwt_delete_client(client_id uuid) → void
 */
Datum
jwt_delete_client(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_delete_client");
	ja_client_change_delete(&id);
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}

/*
 * jwt_token(request jsonb) → jsonb
 */
Datum
jwt_token(PG_FUNCTION_ARGS)
{
	ja_argument_refuse_null(fcinfo, 0);
	ja_plan_refuse_read_only("jwt_token");
	PG_RETURN_JSONB_P(ja_token_request(PG_GETARG_JSONB_P(0)));
}

/*
 * jwt_discovery() → jsonb
 */
Datum
jwt_discovery(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(ja_discovery_make());
}
