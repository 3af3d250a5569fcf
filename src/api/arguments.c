/*-------------------------------------------------------------------------
 *
 * arguments.c
 *	  Arguments of the SQL functions: NULLs refused, varlenas unpacked.
 *
 * The functions are not STRICT: a NULL token or key must be an error, never
 * a NULL that a policy or a caller takes for something else.
 *
 * Strings and jsonb point into the arguments, or into a copy in the current
 * memory context where those were compressed or stored out of line.  Whoever
 * evaluated the arguments owns them, and waits until the function returns, also
 * while a hook or a trigger runs; our own accessors lend nothing that could
 * change meanwhile.  Ids are copies.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "api/arguments.h"
#include "base/error.h"
#include "base/settings.h"
#include "identity/authenticate.h"
#include "jose/key_cache.h"

/* Longest name, password or refresh token, in bytes. */
#define MAX_TEXT 1024

/* Longest name that a user gives a passkey or an API token, in characters. */
#define MAX_LABEL 100

/* The name of an argument, for people who called with a wrong one. */
static const char *
argument_name(FunctionCallInfo fcinfo, int number)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	Oid		   *types;
	char	  **names = NULL;
	char	   *modes;
	int			count = 0;

	if (HeapTupleIsValid(tuple))
	{
		count = get_func_arg_info(tuple, &types, &names, &modes);
		ReleaseSysCache(tuple);
	}
	return names != NULL && number < count ? names[number] : psprintf("%d", number + 1);
}

/* Raises 22023 that names the argument, for NULL. */
void
ja_argument_refuse_null(FunctionCallInfo fcinfo, int number)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be null", argument_name(fcinfo, number)),
				 errhidestmt(true)));
}

static void
refuse_long(FunctionCallInfo fcinfo, int number, JaString text)
{
	if (text.length > MAX_TEXT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is too long", argument_name(fcinfo, number)),
				 errhint("Names and passwords may have at most %d bytes.", MAX_TEXT),
				 errhidestmt(true)));
}

/* A text argument; data NULL for SQL NULL. */
JaString
ja_argument_text(FunctionCallInfo fcinfo, int number)
{
	JaString	string = {NULL, 0};

	if (!PG_ARGISNULL(number))
	{
		text	   *value = PG_GETARG_TEXT_PP(number);

		string.data = VARDATA_ANY(value);
		string.length = VARSIZE_ANY_EXHDR(value);
	}
	return string;
}

/* The same for one that is needed, of any length; raises 22023 for NULL. */
JaString
ja_argument_given_text(FunctionCallInfo fcinfo, int number)
{
	ja_argument_refuse_null(fcinfo, number);
	return ja_argument_text(fcinfo, number);
}

/* A token; raises 28J00 for NULL. */
JaString
ja_argument_token(FunctionCallInfo fcinfo, int number)
{
	if (PG_ARGISNULL(number))
		ja_raise(JA_TOKEN_NULL);
	return ja_argument_text(fcinfo, number);
}

/*
 * A token to be verified with the stored keys, or a refresh token, without white
 * space around it or its scheme; raises 28J00 for NULL.
 */
JaString
ja_argument_credential(FunctionCallInfo fcinfo, int number)
{
	return ja_authenticate_trim(ja_argument_token(fcinfo, number));
}

/*
 * A name, password or the like that may be left out; data NULL for NULL.
 * Raises 22023 for more than MAX_TEXT bytes.
 */
JaString
ja_argument_optional_text(FunctionCallInfo fcinfo, int number)
{
	JaString	text = ja_argument_text(fcinfo, number);

	refuse_long(fcinfo, number, text);
	return text;
}

/* The same for one that is needed; raises 22023 for NULL, too. */
JaString
ja_argument_required_text(FunctionCallInfo fcinfo, int number)
{
	ja_argument_refuse_null(fcinfo, number);
	return ja_argument_optional_text(fcinfo, number);
}

/* What a user calls something; data NULL for NULL.  Raises JA_ACCOUNT_FACTOR_NAME. */
JaString
ja_argument_label(FunctionCallInfo fcinfo, int number)
{
	JaString	name = ja_argument_text(fcinfo, number);

	if (name.data != NULL &&
		(name.length == 0 || pg_mbstrlen_with_len(name.data, (int) name.length) > MAX_LABEL))
		ja_raise(JA_ACCOUNT_FACTOR_NAME);
	return name;
}

/* A required text that was sent or given out: white space around it is none of it. */
JaString
ja_argument_handle(FunctionCallInfo fcinfo, int number)
{
	return ja_authenticate_trim(ja_argument_required_text(fcinfo, number));
}

/* The name of a role that may be left out; NULL for NULL. */
const char *
ja_argument_role(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : NameStr(*PG_GETARG_NAME(number));
}

/* A copy of the id of a user or session; raises 22023 for NULL. */
pg_uuid_t
ja_argument_uuid(FunctionCallInfo fcinfo, int number)
{
	ja_argument_refuse_null(fcinfo, number);
	return *PG_GETARG_UUID_P(number);
}

/* Seconds of an interval: a month counts 30 days, a day 24 hours. */
int64
ja_argument_seconds(FunctionCallInfo fcinfo, int number)
{
	const Interval *interval = PG_GETARG_INTERVAL_P(number);
	double		days = (double) interval->month * DAYS_PER_MONTH + interval->day;
	double		seconds = days * SECS_PER_DAY + (double) interval->time / USECS_PER_SEC;

	return (int64) Max(-1.0, Min(seconds, (double) PG_INT32_MAX));
}

/*
 * How long a session may last: what the caller wants, never more than the
 * setting; raises 22023 for less than a second.
 */
int64
ja_argument_session_ttl(FunctionCallInfo fcinfo, int number)
{
	int64		seconds = ja_settings.session_ttl_seconds;

	if (!PG_ARGISNULL(number))
		seconds = Min(seconds, ja_argument_seconds(fcinfo, number));
	if (seconds < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be at least one second",
						argument_name(fcinfo, number)),
				 errhidestmt(true)));
	return seconds;
}

/*
 * Seconds of an interval, or what stands for NULL; raises 22023 for less than one
 * or more than the highest.
 */
int64
ja_argument_seconds_within(FunctionCallInfo fcinfo, int number, int64 if_null, int64 highest)
{
	int64		seconds = PG_ARGISNULL(number) ? if_null : ja_argument_seconds(fcinfo, number);

	if (seconds < 1 || seconds > highest)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is out of range", argument_name(fcinfo, number)),
				 errhint("It must be at least one second and at most " INT64_FORMAT " seconds.", highest),
				 errhidestmt(true)));
	return seconds;
}

/* Warns whoever ends sessions while nobody looks whether they ended. */
void
ja_argument_warn_unchecked(void)
{
	if (!ja_settings.check_revocation)
		ereport(WARNING,
				(errmsg("access tokens remain valid until they expire"),
				 errhint("jwt_auth.check_revocation is off.")));
}

/* A jsonb argument; raises the status for NULL. */
Jsonb *
ja_argument_jsonb(FunctionCallInfo fcinfo, int number, JaStatus if_null)
{
	if (PG_ARGISNULL(number))
		ja_raise(if_null);
	return PG_GETARG_JSONB_P(number);
}

/*
 * A JWK or JWK Set.  The cache of callers' keys owns it; it is valid until the
 * next call of its kind, which code of others can make, too.
 */
JaKeySet *
ja_argument_keys(FunctionCallInfo fcinfo, int number)
{
	JaKeySet   *set;

	ja_check(ja_key_cache_get(ja_argument_jsonb(fcinfo, number, JA_KEY_NULL), &set));
	return set;
}

/* A single JWK; owned and valid as a set is. */
JaKey *
ja_argument_key(FunctionCallInfo fcinfo, int number)
{
	JaKeySet   *set = ja_argument_keys(fcinfo, number);

	if (set->is_set)
		ja_raise(JA_KEY_NOT_OBJECT);
	return set->keys[0];
}

/* A single private JWK that may sign; owned and valid as a set is. */
JaKey *
ja_argument_signing_key(FunctionCallInfo fcinfo, int number)
{
	JaKey	   *key = ja_argument_key(fcinfo, number);

	if (!key->is_private)
		ja_raise(JA_KEY_NOT_PRIVATE);
	if (!(key->operations & JA_MAY_SIGN))
		ja_raise(JA_KEY_OPERATION);
	return key;
}

/* The name of an algorithm; raises 22023 for NULL and unknown ones. */
const JaAlgorithm *
ja_argument_algorithm(FunctionCallInfo fcinfo, int number)
{
	const JaAlgorithm *algorithm = ja_algorithm_find(ja_argument_given_text(fcinfo, number));

	if (algorithm == NULL)
		ja_raise(JA_KEY_ALGORITHM_UNKNOWN);
	ja_check(ja_algorithm_available(algorithm));
	return algorithm;
}
