/*-------------------------------------------------------------------------
 *
 * identity.c
 *	  SQL functions that tell who the transaction acts for.
 *
 * Policies call the accessors for each row, so that a call site remembers its
 * answer while the identity stays, and a row costs two comparisons.
 *
 * The identity may change while a query runs, and what was answered before must
 * not change with it: the executor holds answers in rows, in arrays that it
 * fills, and as keys of an index scan, which it evaluates once.  So no answer
 * points into the identity.  An answer is either
 * - by value;
 * - a value that is lent: the call site keeps it, unchanged, for as long as it
 *   is there itself, that is as long as the query is.  There is at most one;
 * - or a copy in the current memory context, as any function's result.
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

static const JaString no_argument = {"", 0};

/* Computes an accessor's value; allocates it in the current memory context. */
typedef Datum (*Compute) (const JaIdentity *identity, JaString argument, bool *is_null);

/* An accessor, and how its values are copied (as in pg_type). */
typedef struct Accessor
{
	Compute		compute;
	bool		by_value;
	int16		length;
} Accessor;

/* What a call site remembers; lives in fn_mcxt, and so does what it lends. */
typedef struct CallSite
{
	uint64		epoch;			/* when the answer was found; 0: none is kept */
	Datum		answer;			/* by value, or the one that is lent */
	bool		is_null;
	bool		is_constant;	/* each call has the same argument, or none */
	bool		lends;
	Datum		lent;			/* if it lends; never changed, never freed */
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

/* What the call site remembers, while that still holds; else NULL. */
static inline const CallSite *
remembered(FunctionCallInfo fcinfo)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	const CallSite *site = fcinfo->flinfo->fn_extra;

	return likely(site != NULL && ja_identity_holds(site->epoch, statement)) ? site : NULL;
}

/* The call site, with room for what it will remember. */
static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;

	if (site != NULL)
		return site;
	site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallSite));
	site->is_constant = fcinfo->nargs == 0 || argument_is_constant(fcinfo);
	fcinfo->flinfo->fn_extra = site;
	return site;
}

/*
 * Makes the value the one that the call site lends, unless it lends another
 * already: were each identity's lent, a loop through many would fill the
 * memory.  Tells whether the site lends this value.
 */
static bool
lend(FunctionCallInfo fcinfo, CallSite *site, const Accessor *accessor, Datum value)
{
	MemoryContext caller;

	if (site->lends)
		return datumIsEqual(site->lent, value, accessor->by_value, accessor->length);
	caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	site->lent = datumCopy(value, accessor->by_value, accessor->length);
	site->lends = true;
	MemoryContextSwitchTo(caller);
	return true;
}

/*
 * Computes the value.  The call site keeps it for its next call, if that will
 * have the same argument, and if it owns what the value points to.
 */
static Datum
answer_anew(FunctionCallInfo fcinfo, JaString argument, const Accessor *accessor)
{
	CallSite   *site = call_site(fcinfo);
	const JaIdentity *identity = ja_identity_current();
	Datum		value = (Datum) 0;

	site->epoch = 0;
	fcinfo->isnull = true;
	if (identity != NULL)
		value = accessor->compute(identity, argument, &fcinfo->isnull);
	if (!site->is_constant)
		return value;
	if (!fcinfo->isnull && !accessor->by_value)
	{
		if (!lend(fcinfo, site, accessor, value))
			return value;
		value = site->lent;
	}
	site->answer = value;
	site->is_null = fcinfo->isnull;
	site->epoch = ja_identity_judgement.epoch;
	return value;
}

/* The answer of an accessor without argument. */
static inline Datum
answer(FunctionCallInfo fcinfo, const Accessor *accessor)
{
	const CallSite *site = remembered(fcinfo);

	if (unlikely(site == NULL))
		return answer_anew(fcinfo, no_argument, accessor);
	fcinfo->isnull = site->is_null;
	return site->answer;
}

/* The answer of an accessor whose one argument is a text; NULL for NULL. */
static inline Datum
answer_for(FunctionCallInfo fcinfo, const Accessor *accessor)
{
	const CallSite *site = remembered(fcinfo);
	JaString	argument;

	if (likely(site != NULL))
	{
		fcinfo->isnull = site->is_null;
		return site->answer;
	}
	argument = ja_argument_text(fcinfo, 0);
	if (argument.data != NULL)
		return answer_anew(fcinfo, argument, accessor);
	(void) ja_identity_current();
	PG_RETURN_NULL();
}

static Datum
claims_of(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
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
	return *is_null ? (Datum) 0 : datumCopy(UUIDPGetDatum(&identity->user), false, UUID_LEN);
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
identity_session(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
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
	static const Accessor accessor = {identity_session, false, UUID_LEN};

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
identity_role(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
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
	static const Accessor accessor = {identity_role, false, -1};

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

/*
 * Finds the claim that holds the scopes: the one that the issuer's options
 * name, or else "scope", or else "scp".
 */
static bool
find_scopes(const JaIdentity *identity, JsonbValue *value)
{
	JsonbContainer *claims = &identity->claims->root;
	JaString	name = identity->scope_claim;

	if (name.data != NULL)
		return getKeyJsonValueFromContainer(claims, name.data, (int) name.length, value) != NULL;
	if (ja_json_member(claims, "scope", value) && value->type != jbvNull)
		return true;
	return ja_json_member(claims, "scp", value);
}

/* Scopes are a string (RFC 8693 section 4.2); some issuers make it an array. */
static Datum
has_scope(const JaIdentity *identity, JaString scope, bool *is_null)
{
	JsonbValue	value;
	bool		holds = false;

	*is_null = false;
	if (scope.length > 0 && find_scopes(identity, &value))
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
	JaString	scope = ja_argument_text(fcinfo, 0);
	const JaIdentity *identity = ja_identity_current();
	bool		is_null;

	if (identity == NULL)
		ja_raise(JA_NOT_AUTHENTICATED);
	if (scope.data == NULL || !DatumGetBool(has_scope(identity, scope, &is_null)))
		ja_raise(JA_SCOPE_MISSING);
	PG_RETURN_VOID();
}
