/*-------------------------------------------------------------------------
 *
 * users.c
 *	  SQL functions on users; for admins.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "account/ban.h"
#include "account/identifier.h"
#include "account/purge.h"
#include "account/user_change.h"
#include "api/arguments.h"
#include "base/error.h"
#include "session/user.h"
#include "store/plan.h"

PG_FUNCTION_INFO_V1(jwt_find_user);
PG_FUNCTION_INFO_V1(jwt_create_user);
PG_FUNCTION_INFO_V1(jwt_import_user);
PG_FUNCTION_INFO_V1(jwt_update_user);
PG_FUNCTION_INFO_V1(jwt_set_password);
PG_FUNCTION_INFO_V1(jwt_disable_user);
PG_FUNCTION_INFO_V1(jwt_enable_user);
PG_FUNCTION_INFO_V1(jwt_ban_user);
PG_FUNCTION_INFO_V1(jwt_unban_user);
PG_FUNCTION_INFO_V1(jwt_unlock_user);
PG_FUNCTION_INFO_V1(jwt_delete_user);
PG_FUNCTION_INFO_V1(jwt_end_sessions);
PG_FUNCTION_INFO_V1(jwt_purge);

static Jsonb *
claims_argument(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : PG_GETARG_JSONB_P(number);
}

static Datum
return_uuid(pg_uuid_t id)
{
	pg_uuid_t  *result = palloc(sizeof(pg_uuid_t));

	*result = id;
	return UUIDPGetDatum(result);
}

/*
 * jwt_find_user(identifier text) → uuid
 */
Datum
jwt_find_user(PG_FUNCTION_ARGS)
{
	JaString	identifier = ja_argument_required_text(fcinfo, 0);
	JaCanonical canonical;
	pg_uuid_t	user;
	JaIdentifier found;

	if (ja_identifier_form(identifier, &canonical) != JA_OK ||
		!ja_identifier_find(ja_canonical_string(&canonical), &user, &found))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(return_uuid(user));
}

/* All but the second argument, which is a password or a hash. */
static JaUserChange
new_user_arguments(FunctionCallInfo fcinfo)
{
	return (JaUserChange) {
		.username = ja_argument_optional_text(fcinfo, 0),
		.role = ja_argument_role(fcinfo, 2),
		.claims = claims_argument(fcinfo, 3),
		.email = ja_argument_optional_text(fcinfo, 4),
		.phone = ja_argument_optional_text(fcinfo, 5),
		.id = PG_ARGISNULL(6) ? NULL : PG_GETARG_UUID_P(6)
	};
}

static Datum
create_user(const char *function, const JaUserChange *change)
{
	ja_plan_refuse_read_only(function);
	return return_uuid(ja_user_create(change));
}

/*
 * jwt_create_user(username text, password text DEFAULT NULL,
 *				   role name DEFAULT NULL, claims jsonb DEFAULT '{}',
 *				   email text DEFAULT NULL, phone text DEFAULT NULL,
 *				   user_id uuid DEFAULT NULL) → uuid
 */
Datum
jwt_create_user(PG_FUNCTION_ARGS)
{
	JaUserChange change = new_user_arguments(fcinfo);

	change.password = ja_argument_optional_text(fcinfo, 1);
	return create_user("jwt_create_user", &change);
}

/*
 * jwt_import_user(username text, password_hash text, role name DEFAULT NULL,
 *				   claims jsonb DEFAULT '{}', email text DEFAULT NULL,
 *				   phone text DEFAULT NULL, user_id uuid DEFAULT NULL) → uuid
 */
Datum
jwt_import_user(PG_FUNCTION_ARGS)
{
	JaUserChange change = new_user_arguments(fcinfo);

	change.password_hash = ja_argument_required_text(fcinfo, 1);
	return create_user("jwt_import_user", &change);
}

/*
 * jwt_update_user(user_id uuid, username text DEFAULT NULL,
 *				   role name DEFAULT NULL, claims jsonb DEFAULT NULL,
 *				   mfa_enrollment text DEFAULT NULL,
 *				   max_sessions integer DEFAULT NULL) → void
 */
Datum
jwt_update_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);
	JaUserChange change = {
		.username = ja_argument_optional_text(fcinfo, 1),
		.role = ja_argument_role(fcinfo, 2),
		.claims = claims_argument(fcinfo, 3),
		.mfa_enrollment = ja_argument_optional_text(fcinfo, 4),
		.sets_max_sessions = !PG_ARGISNULL(5),
		.max_sessions = PG_ARGISNULL(5) ? -1 : PG_GETARG_INT32(5)
	};

	ja_plan_refuse_read_only("jwt_update_user");
	ja_user_change_update(&id, &change);
	PG_RETURN_VOID();
}

/*
 * jwt_set_password(user_id uuid, password text) → void
 */
Datum
jwt_set_password(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_set_password");
	ja_user_change_password(&id, ja_argument_required_text(fcinfo, 1));
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}

/*
 * jwt_disable_user(user_id uuid) → void
 */
Datum
jwt_disable_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_disable_user");
	ja_user_change_disable(&id);
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}

/*
 * jwt_enable_user(user_id uuid) → void
 */
Datum
jwt_enable_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_enable_user");
	ja_user_change_enable(&id);
	PG_RETURN_VOID();
}

/*
 * jwt_ban_user(user_id uuid, until timestamptz DEFAULT NULL,
 *				reason text DEFAULT NULL) → void
 */
Datum
jwt_ban_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);
	TimestampTz until = PG_ARGISNULL(1) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(1);
	JaString	reason = ja_argument_optional_text(fcinfo, 2);

	ja_plan_refuse_read_only("jwt_ban_user");
	ja_ban(&id, until, reason);
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}

/*
 * jwt_unban_user(user_id uuid) → void
 */
Datum
jwt_unban_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_unban_user");
	ja_ban_lift(&id);
	PG_RETURN_VOID();
}

/*
 * jwt_unlock_user(user_id uuid) → void
 */
Datum
jwt_unlock_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_unlock_user");
	ja_user_change_unlock(&id);
	PG_RETURN_VOID();
}

/*
 * jwt_delete_user(user_id uuid) → void
 */
Datum
jwt_delete_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_delete_user");
	ja_user_change_delete(&id);
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}

/*
 * jwt_end_sessions(user_id uuid) → void
 */
Datum
jwt_end_sessions(PG_FUNCTION_ARGS)
{
	pg_uuid_t	id = ja_argument_uuid(fcinfo, 0);

	ja_plan_refuse_read_only("jwt_end_sessions");
	ja_user_change_end_sessions(&id);
	ja_argument_warn_unchecked();
	PG_RETURN_VOID();
}

/*
 * jwt_purge(max_rows integer DEFAULT 10000) → bigint
 */
Datum
jwt_purge(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_GETARG_INT32(0) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows must be positive"),
				 errhint("A batch of 10000 rows is a good choice.")));
	ja_plan_refuse_read_only("jwt_purge");
	PG_RETURN_INT64(ja_purge(PG_GETARG_INT32(0)));
}
