/*-------------------------------------------------------------------------
 *
 * identity.c
 *	  SQL functions that tell who the transaction acts for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"

#include "api/accessor.h"
#include "api/arguments.h"
#include "base/error.h"
#include "token/scope.h"

PG_FUNCTION_INFO_V1(jwt_claims);
PG_FUNCTION_INFO_V1(jwt_claim);
PG_FUNCTION_INFO_V1(jwt_user_id);
PG_FUNCTION_INFO_V1(jwt_session_id);
PG_FUNCTION_INFO_V1(jwt_issuer);
PG_FUNCTION_INFO_V1(jwt_role);
PG_FUNCTION_INFO_V1(jwt_has_scope);
PG_FUNCTION_INFO_V1(jwt_has_role);
PG_FUNCTION_INFO_V1(jwt_require_scope);

static Datum
claims_of(const JaIdentity *identity, const void *argument pg_attribute_unused(), bool *is_null)
{
	*is_null = false;
	return datumCopy(JsonbPGetDatum(identity->claims), false, -1);
}

/*
 * jwt_claims() → jsonb
 */
Datum
jwt_claims(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {claims_of, false, -1};

	return ja_accessor_answer(fcinfo, &accessor);
}

static Datum
text_datum(JaString string)
{
	return PointerGetDatum(cstring_to_text_with_len(string.data, (int) string.length));
}

/* The claim as the operator ->> gives it. */
static Datum
claim_of(const JaIdentity *identity, const void *argument, bool *is_null)
{
	JaString	name = *(const JaString *) argument;
	JsonbValue	value;
	StringInfoData json;

	if (getKeyJsonValueFromContainer(&identity->claims->root, name.data, (int) name.length,
									 &value) == NULL || value.type == jbvNull)
		return (Datum) 0;
	*is_null = false;
	if (value.type == jbvString)
		return text_datum(ja_json_text(&value));
	initStringInfo(&json);
	if (value.type == jbvBinary)
		(void) JsonbToCString(&json, value.val.binary.data, value.val.binary.len);
	else
	{
		Jsonb	   *scalar = JsonbValueToJsonb(&value);

		(void) JsonbToCString(&json, &scalar->root, VARSIZE(scalar));
	}
	return text_datum((JaString) {json.data, json.len});
}

/*
 * jwt_claim(name text) → text
 */
Datum
jwt_claim(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {claim_of, false, -1};

	return ja_accessor_answer_for(fcinfo, &accessor);
}

static Datum
user_of(const JaIdentity *identity, const void *argument pg_attribute_unused(), bool *is_null)
{
	*is_null = !identity->has_user;
	return *is_null ? (Datum) 0 : datumCopy(UUIDPGetDatum(&identity->user), false, UUID_LEN);
}

/*
 * jwt_user_id() → uuid
 */
Datum
jwt_user_id(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {user_of, false, UUID_LEN};

	return ja_accessor_answer(fcinfo, &accessor);
}

static Datum
identity_session(const JaIdentity *identity, const void *argument pg_attribute_unused(), bool *is_null)
{
	*is_null = !identity->has_session;
	return *is_null ? (Datum) 0 : datumCopy(UUIDPGetDatum(&identity->session), false, UUID_LEN);
}

/*
 * jwt_session_id() → uuid
 */
Datum
jwt_session_id(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {identity_session, false, UUID_LEN};

	return ja_accessor_answer(fcinfo, &accessor);
}

static Datum
issuer_of(const JaIdentity *identity, const void *argument pg_attribute_unused(), bool *is_null)
{
	*is_null = identity->issuer.data == NULL;
	return *is_null ? (Datum) 0 : text_datum(identity->issuer);
}

/*
 * jwt_issuer() → text
 */
Datum
jwt_issuer(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {issuer_of, false, -1};

	return ja_accessor_answer(fcinfo, &accessor);
}

static Datum
identity_role(const JaIdentity *identity, const void *argument pg_attribute_unused(), bool *is_null)
{
	*is_null = identity->role.data == NULL;
	return *is_null ? (Datum) 0 : text_datum(identity->role);
}

/*
 * jwt_role() → text
 */
Datum
jwt_role(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {identity_role, false, -1};

	return ja_accessor_answer(fcinfo, &accessor);
}

static Datum
has_role(const JaIdentity *identity, const void *argument, bool *is_null)
{
	JaString	role = *(const JaString *) argument;

	*is_null = false;
	return BoolGetDatum(identity->role.data != NULL && ja_string_equals(identity->role, role));
}

/*
 * jwt_has_role(role text) → boolean
 */
Datum
jwt_has_role(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {has_role, true, sizeof(bool)};

	return ja_accessor_not_null(fcinfo, ja_accessor_answer_for(fcinfo, &accessor));
}

static Datum
has_scope(const JaIdentity *identity, const void *argument, bool *is_null)
{
	JsonbValue	value;

	*is_null = false;
	return BoolGetDatum(ja_scope_find(&identity->claims->root, identity->scope_claim, &value) &&
						ja_scope_holds(&value, *(const JaString *) argument));
}

/*
 * jwt_has_scope(scope text) → boolean
 */
Datum
jwt_has_scope(PG_FUNCTION_ARGS)
{
	static const JaAccessor accessor = {has_scope, true, sizeof(bool)};

	return ja_accessor_not_null(fcinfo, ja_accessor_answer_for(fcinfo, &accessor));
}

/*
 * jwt_require_scope(scope text) → void
 */
Datum
jwt_require_scope(PG_FUNCTION_ARGS)
{
	JaString	scope = ja_argument_text(fcinfo, 0);
	const JaIdentity *identity = ja_identity_current();
	bool		is_null;

	if (identity == NULL)
		ja_raise(JA_NOT_AUTHENTICATED);
	if (scope.data == NULL || !DatumGetBool(has_scope(identity, &scope, &is_null)))
		ja_raise(JA_SCOPE_MISSING);
	PG_RETURN_VOID();
}
