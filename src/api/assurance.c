/*-------------------------------------------------------------------------
 *
 * assurance.c
 *	  SQL functions on the level and time of authentication.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/timestamp.h"

#include "api/accessor.h"
#include "api/arguments.h"
#include "base/error.h"
#include "identity/assurance.h"

PG_FUNCTION_INFO_V1(jwt_aal);
PG_FUNCTION_INFO_V1(jwt_auth_time);
PG_FUNCTION_INFO_V1(jwt_amr);
PG_FUNCTION_INFO_V1(jwt_has_aal);
PG_FUNCTION_INFO_V1(jwt_require_aal);

static Datum
level_of(const JaIdentity *identity, const void *argument pg_attribute_unused(), bool *is_null)
{
	JaAssurance assurance;

	*is_null = !ja_identity_assurance(identity, &assurance);
	return *is_null ? (Datum) 0 : Int32GetDatum(assurance.level);
}

/*
 * jwt_aal() → integer
 */
Datum
jwt_aal(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {level_of, true, sizeof(int32)};

	return ja_accessor_answer(fcinfo, &accessor);
}

static Datum
auth_time_of(const JaIdentity *identity, const void *argument pg_attribute_unused(), bool *is_null)
{
	JaAssurance assurance;

	*is_null = !ja_identity_assurance(identity, &assurance);
	return *is_null ? (Datum) 0 : TimestampTzGetDatum(assurance.proved_at);
}

/*
 * jwt_auth_time() → timestamptz
 */
Datum
jwt_auth_time(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {auth_time_of, FLOAT8PASSBYVAL, sizeof(TimestampTz)};

	return ja_accessor_answer(fcinfo, &accessor);
}

static Datum
methods_of(const JaIdentity *identity, const void *argument pg_attribute_unused(), bool *is_null)
{
	ArrayType  *methods = ja_identity_methods(identity);

	*is_null = methods == NULL;
	return PointerGetDatum(methods);
}

/*
 * jwt_amr() → text[]
 */
Datum
jwt_amr(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {methods_of, false, -1};

	return ja_accessor_answer(fcinfo, &accessor);
}

/* Reads level, which must be known, and age; false if the level is NULL. */
static bool
read_required(FunctionCallInfo fcinfo, JaRequiredAssurance *required)
{
	required->max_age_seconds = -1;
	if (!PG_ARGISNULL(1))
		required->max_age_seconds = ja_argument_seconds_within(fcinfo, 1, 0, PG_INT32_MAX);
	if (PG_ARGISNULL(0))
		return false;
	required->level = PG_GETARG_INT32(0);
	if (required->level != JA_AAL1 && required->level != JA_AAL2)
		ja_raise(JA_ASSURANCE_LEVEL);
	return true;
}

static Datum
has_aal(const JaIdentity *identity, const void *required, bool *is_null)
{
	*is_null = false;
	return BoolGetDatum(ja_identity_has_assurance(identity, required));
}

/*
 * jwt_has_aal(level integer, max_age interval DEFAULT NULL) → boolean
 */
Datum
jwt_has_aal(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {has_aal, true, sizeof(bool)};
	const JaCallSite *site = ja_accessor_remembered(fcinfo);
	JaRequiredAssurance required;

	if (likely(site != NULL))
		return site->is_null ? BoolGetDatum(false) : site->answer;
	if (read_required(fcinfo, &required))
		return ja_accessor_not_null(fcinfo, ja_accessor_answer_anew(fcinfo, &required, &accessor));
	(void) ja_identity_current();
	PG_RETURN_BOOL(false);
}

/*
 * jwt_require_aal(level integer, max_age interval DEFAULT NULL) → void
 */
Datum
jwt_require_aal(PG_FUNCTION_ARGS)
{
	JaRequiredAssurance required;

	if (!read_required(fcinfo, &required))
		ja_raise(JA_ASSURANCE_LEVEL);
	ja_identity_require_assurance(&required);
	PG_RETURN_VOID();
}
