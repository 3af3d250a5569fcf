/*-------------------------------------------------------------------------
 *
 * identity.c
 *	  SQL functions that tell who the transaction acts for.
 *
 * Policies call the accessors for each row.  What an accessor returns is kept
 * with its call site until the identity changes, so that a row costs a few
 * comparisons.  Values live as long as the call site; they must not be freed
 * earlier, since an expression may still hold them when the token changes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
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

/* What a call site returned last. */
typedef struct CallSite
{
	uint64		identity;		/* number of the identity; 0: nothing yet */
	Datum		value;
	bool		is_null;
	size_t		argument_length;
	char		argument[MAX_REMEMBERED_ARGUMENT];
} CallSite;

/* Computes an accessor's value in the current memory context. */
typedef Datum (*Accessor) (const JaIdentity *identity, JaString argument, bool *is_null);

static CallSite *
call_site(FunctionCallInfo fcinfo)
{
	if (unlikely(fcinfo->flinfo->fn_extra == NULL))
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
														  sizeof(CallSite));
	return fcinfo->flinfo->fn_extra;
}

static inline bool
is_remembered(const CallSite *site, JaString argument)
{
	return site->identity == ja_identity_version.number &&
		site->argument_length == argument.length &&
		memcmp(site->argument, argument.data, argument.length) == 0;
}

/* Computes the value anew and keeps it with the call site. */
static void
remember(FunctionCallInfo fcinfo, CallSite *site, const JaIdentity *identity,
		 JaString argument, Accessor accessor)
{
	MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

	site->identity = 0;
	site->is_null = true;
	if (identity != NULL)
		site->value = accessor(identity, argument, &site->is_null);
	MemoryContextSwitchTo(caller);
	if (argument.length > sizeof(site->argument))
		return;
	memcpy(site->argument, argument.data, argument.length);
	site->argument_length = argument.length;
	site->identity = ja_identity_version.number;
}

static inline Datum
answer(FunctionCallInfo fcinfo, JaString argument, Accessor accessor)
{
	const JaIdentity *identity = ja_identity_current();
	CallSite   *site = call_site(fcinfo);

	if (unlikely(!is_remembered(site, argument)))
		remember(fcinfo, site, identity, argument, accessor);
	fcinfo->isnull = site->is_null;
	return site->value;
}

static const JaString no_argument = {"", 0};

static Datum
claims_of(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
{
	Jsonb	   *claims = palloc(VARSIZE(identity->claims));

	memcpy(claims, identity->claims, VARSIZE(identity->claims));
	*is_null = false;
	return JsonbPGetDatum(claims);
}

/*
 * jwt_claims() → jsonb
 */
Datum
jwt_claims(PG_FUNCTION_ARGS)
{
	return answer(fcinfo, no_argument, claims_of);
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
	JaString	name = ja_argument_text(fcinfo, 0);

	if (name.data == NULL)
		PG_RETURN_NULL();
	return answer(fcinfo, name, claim_of);
}

static Datum
uuid_datum(const pg_uuid_t *uuid)
{
	pg_uuid_t  *copy = palloc(sizeof(pg_uuid_t));

	*copy = *uuid;
	return UUIDPGetDatum(copy);
}

static Datum
user_of(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
{
	*is_null = !identity->has_user;
	return uuid_datum(&identity->user);
}

/*
 * jwt_user_id() → uuid
 */
Datum
jwt_user_id(PG_FUNCTION_ARGS)
{
	return answer(fcinfo, no_argument, user_of);
}

static Datum
session_of(const JaIdentity *identity, JaString argument pg_attribute_unused(), bool *is_null)
{
	*is_null = !identity->has_session;
	return uuid_datum(&identity->session);
}

/*
 * jwt_session_id() → uuid
 */
Datum
jwt_session_id(PG_FUNCTION_ARGS)
{
	return answer(fcinfo, no_argument, session_of);
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
	return answer(fcinfo, no_argument, issuer_of);
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
	return answer(fcinfo, no_argument, role_of);
}

static Datum
has_role(const JaIdentity *identity, JaString role, bool *is_null)
{
	*is_null = false;
	return BoolGetDatum(identity->role.data != NULL && ja_string_equals(identity->role, role));
}

/* False, rather than NULL, so that NOT of it denies as well. */
static Datum
answer_bool(FunctionCallInfo fcinfo, Accessor accessor)
{
	JaString	argument = ja_argument_text(fcinfo, 0);
	Datum		value;

	if (argument.data == NULL)
		PG_RETURN_BOOL(false);
	value = answer(fcinfo, argument, accessor);
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
	return answer_bool(fcinfo, has_role);
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
	return answer_bool(fcinfo, has_scope);
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
