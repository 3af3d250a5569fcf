/*-------------------------------------------------------------------------
 *
 * identity.c
 *	  SQL functions that tell who the transaction acts for.
 *
 * Policies call the accessors for each row.  What an accessor returns is kept
 * with its call site until the identity changes, so that a row costs a few
 * comparisons.  A value lives until its call site is used again, as a value of
 * the row would.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"

#include "api/arguments.h"
#include "base/error.h"
#include "identity/identity.h"

PG_FUNCTION_INFO_V1(jwt_claims);
PG_FUNCTION_INFO_V1(jwt_claim);
PG_FUNCTION_INFO_V1(jwt_user_id);
PG_FUNCTION_INFO_V1(jwt_session_id);
PG_FUNCTION_INFO_V1(jwt_issuer);
PG_FUNCTION_INFO_V1(jwt_role);
PG_FUNCTION_INFO_V1(jwt_has_scope);
PG_FUNCTION_INFO_V1(jwt_has_role);
PG_FUNCTION_INFO_V1(jwt_require_scope);

/* Longest argument that a call site remembers its answer for. */
#define MAX_REMEMBERED_ARGUMENT 64

static const JaString no_argument = {"", 0};

/* Computes an accessor's value in the current memory context. */
typedef Datum (*Compute) (const JaIdentity *identity, JaString argument, bool *is_null);

/* An accessor, and how its values are copied (as in pg_type). */
typedef struct Accessor
{
	Compute		compute;
	bool		by_value;
	int16		length;
} Accessor;

/* What a call site returned last. */
typedef struct CallSite
{
	uint64		identity;		/* number of the identity; 0: nothing kept */
	Datum		value;
	bool		is_null;
	bool		has_constant;	/* the argument is the same in each call */
	size_t		argument_length;
	char		argument[MAX_REMEMBERED_ARGUMENT];
} CallSite;

/*
 * Only a constant is surely the same in each call: an external parameter may
 * change between uses of one expression, as in PL/pgSQL.
 */
static bool
argument_is_constant(FunctionCallInfo fcinfo)
{
	FuncExpr   *call = (FuncExpr *) fcinfo->flinfo->fn_expr;

	return call != NULL && IsA(call, FuncExpr) && list_length(call->args) == 1 &&
		IsA(linitial(call->args), Const);
}

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;

	if (likely(site != NULL))
		return site;
	site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallSite));
	site->is_null = true;
	site->has_constant = argument_is_constant(fcinfo);
	fcinfo->flinfo->fn_extra = site;
	return site;
}

/* Forgets the value, which nobody holds after the row that it was for. */
static void
forget(CallSite *site, const Accessor *accessor)
{
	site->identity = 0;
	if (!site->is_null && !accessor->by_value)
		pfree(DatumGetPointer(site->value));
	site->is_null = true;
	site->value = (Datum) 0;
}

/* Keeps a value with the call site. */
static void
keep(FunctionCallInfo fcinfo, CallSite *site, const Accessor *accessor, Datum value)
{
	MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

	site->value = datumCopy(value, accessor->by_value, accessor->length);
	site->is_null = false;
	MemoryContextSwitchTo(caller);
}

/* Computes the value anew, and keeps it unless the argument is too long. */
static Datum
answer_anew(FunctionCallInfo fcinfo, CallSite *site, JaString argument, const Accessor *accessor)
{
	const JaIdentity *identity = ja_identity_judged;
	Datum		value = (Datum) 0;

	fcinfo->isnull = true;
	forget(site, accessor);
	if (identity != NULL)
		value = accessor->compute(identity, argument, &fcinfo->isnull);
	if (argument.length > sizeof(site->argument))
		return value;
	memcpy(site->argument, argument.data, argument.length);
	site->argument_length = argument.length;
	if (!fcinfo->isnull)
		keep(fcinfo, site, accessor, value);
	site->identity = ja_identity_version.number;
	return value;
}

/* The answer of an accessor without argument. */
static inline Datum
answer(FunctionCallInfo fcinfo, const Accessor *accessor)
{
	CallSite   *site = call_site(fcinfo);

	(void) ja_identity_current();
	if (unlikely(site->identity != ja_identity_version.number))
		return answer_anew(fcinfo, site, no_argument, accessor);
	fcinfo->isnull = site->is_null;
	return site->value;
}

/* The answer of an accessor whose one argument is a text; NULL for NULL. */
static inline Datum
answer_for(FunctionCallInfo fcinfo, const Accessor *accessor)
{
	CallSite   *site = call_site(fcinfo);
	JaString	argument;

	(void) ja_identity_current();
	if (likely(site->has_constant && site->identity == ja_identity_version.number))
	{
		fcinfo->isnull = site->is_null;
		return site->value;
	}
	argument = ja_argument_text(fcinfo, 0);
	if (argument.data == NULL)
		PG_RETURN_NULL();
	if (site->identity != ja_identity_version.number ||
		site->argument_length != argument.length ||
		memcmp(site->argument, argument.data, argument.length) != 0)
		return answer_anew(fcinfo, site, argument, accessor);
	fcinfo->isnull = site->is_null;
	return site->value;
}

static Datum
claims_of(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
{
	*is_null = false;
	return JsonbPGetDatum(identity->claims);
}

/*
 * jwt_claims() → jsonb
 */
Datum
jwt_claims(PG_FUNCTION_ARGS)
{
	static const Accessor accessor = {claims_of, false, -1};

	return answer(fcinfo, &accessor);
}

static Datum
text_datum(JaString string)
{
	return PointerGetDatum(cstring_to_text_with_len(string.data, (int) string.length));
}

/* The claim as the operator ->> gives it. */
static Datum
claim_of(const JaIdentity *identity, JaString name, bool *is_null)
{
	JsonbValue	value;
	StringInfoData json;

	if (getKeyJsonValueFromContainer(&identity->claims->root, name.data, (int) name.length,
									 &value) == NULL || value.type == jbvNull)
		return (Datum) 0;
	*is_null = false;
	if (value.type == jbvString)
		return text_datum((JaString) {value.val.string.val, value.val.string.len});
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
	static const Accessor accessor = {claim_of, false, -1};

	return answer_for(fcinfo, &accessor);
}

static Datum
user_of(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
{
	*is_null = !identity->has_user;
	return UUIDPGetDatum(&identity->user);
}

/*
 * jwt_user_id() → uuid
 */
Datum
jwt_user_id(PG_FUNCTION_ARGS)
{
	static const Accessor accessor = {user_of, false, UUID_LEN};

	return answer(fcinfo, &accessor);
}

static Datum
session_of(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
{
	*is_null = !identity->has_session;
	return UUIDPGetDatum(&identity->session);
}

/*
 * jwt_session_id() → uuid
 */
Datum
jwt_session_id(PG_FUNCTION_ARGS)
{
	static const Accessor accessor = {session_of, false, UUID_LEN};

	return answer(fcinfo, &accessor);
}

static Datum
issuer_of(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
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
	static const Accessor accessor = {issuer_of, false, -1};

	return answer(fcinfo, &accessor);
}

static Datum
role_of(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
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
	static const Accessor accessor = {role_of, false, -1};

	return answer(fcinfo, &accessor);
}

static Datum
has_role(const JaIdentity *identity, JaString role, bool *is_null)
{
	*is_null = false;
	return BoolGetDatum(identity->role.data != NULL && ja_string_equals(identity->role, role));
}

/* False, rather than NULL, so that NOT of it denies as well. */
static Datum
answer_bool(FunctionCallInfo fcinfo, const Accessor *accessor)
{
	Datum		value = answer_for(fcinfo, accessor);

	if (fcinfo->isnull)
	{
		fcinfo->isnull = false;
		PG_RETURN_BOOL(false);
	}
	return value;
}

/*
 * jwt_has_role(role text) → boolean
 */
Datum
jwt_has_role(PG_FUNCTION_ARGS)
{
	static const Accessor accessor = {has_role, true, sizeof(bool)};

	return answer_bool(fcinfo, &accessor);
}

/* Whether a list that spaces separate holds the scope (RFC 6749 3.3). */
static bool
list_holds(JaString list, JaString scope)
{
	const char *position = list.data;
	const char *end = list.data + list.length;

	while (position < end)
	{
		const char *space = memchr(position, ' ', end - position);
		const char *stop = space != NULL ? space : end;

		if (ja_string_equals((JaString) {position, stop - position}, scope))
			return true;
		position = stop + 1;
	}
	return false;
}

static bool
array_holds(JsonbContainer *array, JaString scope)
{
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type == jbvString &&
			ja_string_equals((JaString) {element->val.string.val, element->val.string.len}, scope))
			return true;
	}
	return false;
}

/* "scope" is a string (RFC 8693 section 4.2); some issuers make it an array. */
static Datum
has_scope(const JaIdentity *identity, JaString scope, bool *is_null)
{
	JsonbValue	value;
	bool		holds = false;

	*is_null = false;
	if (scope.length > 0 && ja_json_member(&identity->claims->root, "scope", &value))
	{
		if (value.type == jbvString)
			holds = list_holds((JaString) {value.val.string.val, value.val.string.len}, scope);
		else if (value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data))
			holds = array_holds(value.val.binary.data, scope);
	}
	return BoolGetDatum(holds);
}

/*
 * jwt_has_scope(scope text) → boolean
 */
Datum
jwt_has_scope(PG_FUNCTION_ARGS)
{
	static const Accessor accessor = {has_scope, true, sizeof(bool)};

	return answer_bool(fcinfo, &accessor);
}

/*
 * jwt_require_scope(scope text) → void
 */
Datum
jwt_require_scope(PG_FUNCTION_ARGS)
{
	const JaIdentity *identity = ja_identity_current();
	JaString	scope = ja_argument_text(fcinfo, 0);
	bool		is_null;

	if (identity == NULL)
		ja_raise(JA_NOT_AUTHENTICATED);
	if (scope.data == NULL || !DatumGetBool(has_scope(identity, scope, &is_null)))
		ja_raise(JA_SCOPE_MISSING);
	PG_RETURN_VOID();
}
