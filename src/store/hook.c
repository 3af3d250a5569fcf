/*-------------------------------------------------------------------------
 *
 * hook.c
 *	  The operator's own functions: claims of tokens, validation of passwords, rules
 *	  of sign-up.
 *
 * A hook decides who a token is for, or sees a password in the clear.  So its
 * owner must be a superuser or own our tables, which is checked at each call:
 * whoever else could replace the function.  It runs as its owner in a
 * security-restricted operation with a fixed search_path, and what it does to our
 * tables is held to the same as what anybody does directly.
 *
 * Whatever it raises becomes one fixed error, since its text could hold a
 * password; the reason goes to the server log.  Cancels and serialization
 * failures stay what they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/settings.h"
#include "store/hook.h"
#include "store/plan.h"

typedef struct Hook
{
	Oid			function;
	Oid			owner;
} Hook;

#define MAX_ARGUMENTS 3

/* Bytes of a reason that are handed on. */
#define MAX_REASON 500

/* What a hook must look like, and what is raised when it fails. */
typedef struct HookKind
{
	int			argument_count;
	Oid			argument_types[MAX_ARGUMENTS];
	Oid			result_type;
	JaStatus	failure;
	bool		sees_secrets;	/* which its message may quote */
} HookKind;

static const HookKind claims_kind = {2, {UUIDOID, JSONBOID}, JSONBOID, JA_HOOK_CLAIMS, false};
static const HookKind password_kind = {2, {TEXTOID, TEXTOID}, TEXTOID, JA_HOOK_PASSWORD, true};
static const HookKind sign_up_kind = {3, {TEXTOID, TEXTOID, JSONBOID}, JSONBOID, JA_HOOK_SIGN_UP, true};

/*
 * Whether a setting's value is a schema and a name, quoted where they must be,
 * or empty.  Looks up neither, so that it can be asked outside a transaction.
 */
bool
ja_hook_name_is_right(const char *name)
{
	char	   *copy;
	List	   *parts;
	bool		is_right;

	if (ja_settings_text(name).data == NULL)
		return true;
	copy = pstrdup(name);
	is_right = SplitIdentifierString(copy, '.', &parts) && list_length(parts) == 2;
	list_free(parts);
	pfree(copy);
	return is_right;
}

/* The function, or procedure, that has the name and a kind's arguments. */
static JaStatus
find_function(const char *name, const HookKind *kind, Oid *function)
{
	List	   *names = JA_QUALIFIED_NAME(name);
	FuncCandidateList candidates;

	if (list_length(names) != 2)
		return JA_HOOK_NAME;
	candidates = FuncnameGetCandidates(names, -1, NIL, false, false, false, true);
	if (candidates == NULL)
		return JA_HOOK_MISSING;
	for (; candidates != NULL; candidates = candidates->next)
	{
		if (candidates->nargs == kind->argument_count &&
			memcmp(candidates->args, kind->argument_types,
				   kind->argument_count * sizeof(Oid)) == 0)
		{
			*function = candidates->oid;
			return JA_OK;
		}
	}
	return JA_HOOK_ARGUMENTS;
}

/* What is wrong with a function of the right name and arguments. */
static JaStatus
judge_function(Form_pg_proc function, const HookKind *kind)
{
	if (function->prokind != PROKIND_FUNCTION || function->proretset)
		return JA_HOOK_KIND;
	if (function->prorettype != kind->result_type)
		return JA_HOOK_RESULT;
	if (!superuser_arg(function->proowner) && function->proowner != ja_relation_owner(JA_USERS))
		return JA_HOOK_OWNER;
	return JA_OK;
}

/*
 * Finds the function that a setting names.  Runs as the owner of the tables,
 * since the caller need not see the function's schema.
 */
static JaStatus
find_hook(const char *name, const HookKind *kind, Hook *hook)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	JaStatus	status = find_function(name, kind, &hook->function);

	if (status != JA_OK)
		return status;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(hook->function));
	if (!HeapTupleIsValid(tuple))
		return JA_HOOK_MISSING;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	hook->owner = form->proowner;
	status = judge_function(form, kind);
	ReleaseSysCache(tuple);
	return status;
}

/* Writes why the hook failed to the server log, and raises the fixed error. */
static void
raise_failure(const HookKind *kind, MemoryContext context)
{
	ErrorData  *error;
	int			category = ERRCODE_TO_CATEGORY(geterrcode());

	if (category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_TRANSACTION_ROLLBACK)
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	ereport(LOG_SERVER_ONLY,
			(errmsg("jwt_auth: a hook function failed with SQLSTATE %s%s%s",
					unpack_sql_state(error->sqlerrcode),
					kind->sees_secrets ? "" : ": ",
					kind->sees_secrets ? "" : error->message),
			 errhidestmt(true),
			 errhidecontext(true)));
	ja_raise(kind->failure);
}

static Datum
invoke(const Hook *hook, const Datum *arguments, int count, bool *is_null)
{
	LOCAL_FCINFO(fcinfo, MAX_ARGUMENTS);
	FmgrInfo	function;
	Datum		result;

	fmgr_info(hook->function, &function);
	InitFunctionCallInfoData(*fcinfo, &function, count, InvalidOid, NULL, NULL);
	for (int i = 0; i < count; i++)
	{
		fcinfo->args[i].value = arguments[i];
		fcinfo->args[i].isnull = false;
	}
	result = FunctionCallInvoke(fcinfo);
	*is_null = fcinfo->isnull;
	return result;
}

/* Calls a hook as its owner, with as many arguments as its kind has. */
static Datum
call(const char *name, const HookKind *kind, const Datum *arguments, bool *is_null)
{
	MemoryContext context = CurrentMemoryContext;
	Hook		hook;
	ErrorContextCallback hidden;
	Oid			caller;
	int			security_context;
	int			nest_level;
	Datum		result = (Datum) 0;

	GetUserIdAndSecContext(&caller, &security_context);
	SetUserIdAndSecContext(ja_relation_owner(JA_USERS),
						   security_context | SECURITY_LOCAL_USERID_CHANGE);
	ja_check(find_hook(name, kind, &hook));
	SetUserIdAndSecContext(hook.owner,
						   (security_context & ~SECURITY_NOFORCE_RLS) |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	ja_error_context_push(&hidden, ja_hide_statement);
	nest_level = NewGUCNestLevel();
	(void) ja_plan_hide();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	PG_TRY();
	{
		result = invoke(&hook, arguments, kind->argument_count, is_null);
	}
	PG_CATCH();
	{
		raise_failure(kind, context);
	}
	PG_END_TRY();
	AtEOXact_GUC(false, nest_level);
	ja_error_context_pop(&hidden);
	SetUserIdAndSecContext(caller, security_context);
	return result;
}

/* The same for one that must return an object. */
static Jsonb *
call_for_object(const char *name, const HookKind *kind, const Datum *arguments)
{
	bool		is_null;
	Datum		value = call(name, kind, arguments, &is_null);
	Jsonb	   *result;

	if (is_null)
		ja_raise(kind->failure);
	result = DatumGetJsonbP(value);
	if (!ja_json_is_object(&result->root))
		ja_raise(kind->failure);
	return result;
}

/*
 * What the operator's function makes of a user's claims, or the claims
 * themselves where there is none.  Raises 38000 if it fails or returns
 * anything but an object.
 */
Jsonb *
ja_hook_claims(const pg_uuid_t *user, Jsonb *claims)
{
	const Datum arguments[] = {UUIDPGetDatum(user), JsonbPGetDatum(claims)};

	if (ja_settings_text(ja_settings.claims_function).data == NULL)
		return claims;
	return call_for_object(ja_settings.claims_function, &claims_kind, arguments);
}

/* What a client gets to read of why the operator's function refuses something. */
JaString
ja_hook_reason(JaString text)
{
	return (JaString) {text.data, pg_mbcliplen(text.data, (int) text.length, MAX_REASON)};
}

/*
 * Why the operator's function refuses a password, or NULL if it accepts it or
 * there is none.  Raises 38000 if it fails.
 */
char *
ja_hook_judge_password(JaString username, JaString password)
{
	text	   *secret;
	Datum		arguments[2];
	Datum		reason;
	bool		is_null;
	JaString	shown;

	if (ja_settings_text(ja_settings.password_check_function).data == NULL)
		return NULL;
	secret = cstring_to_text_with_len(password.data, (int) password.length);
	arguments[0] = PointerGetDatum(cstring_to_text_with_len(username.data, (int) username.length));
	arguments[1] = PointerGetDatum(secret);
	reason = call(ja_settings.password_check_function, &password_kind, arguments, &is_null);
	OPENSSL_cleanse(VARDATA(secret), password.length);
	if (is_null)
		return NULL;
	shown = ja_hook_reason(ja_value_read_text(reason, false));
	return pnstrdup(shown.data, shown.length);
}

/*
 * What the operator's function answers to a sign-up by an address of a kind, or
 * NULL where there is none.  Raises 38000 if it fails or returns anything but an
 * object.
 */
Jsonb *
ja_hook_judge_sign_up(const char *kind, JaString address, Jsonb *data)
{
	Datum		arguments[3];

	if (ja_settings_text(ja_settings.sign_up_function).data == NULL)
		return NULL;
	arguments[0] = CStringGetTextDatum(kind);
	arguments[1] = PointerGetDatum(cstring_to_text_with_len(address.data, (int) address.length));
	arguments[2] = JsonbPGetDatum(data);
	return call_for_object(ja_settings.sign_up_function, &sign_up_kind, arguments);
}

/*
 * Whether the function that a setting names could be called, or why not; JA_OK where
 * none is named.  Within a scope of ja_plan_begin().
 */
JaStatus
ja_hook_judge(int hook, const char **setting)
{
	const struct
	{
		const char *setting;
		const char *name;
		const HookKind *kind;
	}			hooks[JA_HOOKS] = {
		{"jwt_auth.claims_function", ja_settings.claims_function, &claims_kind},
		{"jwt_auth.password_check_function", ja_settings.password_check_function, &password_kind},
		{"jwt_auth.sign_up_function", ja_settings.sign_up_function, &sign_up_kind},
	};
	Hook		found;

	*setting = hooks[hook].setting;
	if (ja_settings_text(hooks[hook].name).data == NULL)
		return JA_OK;
	if (!ja_hook_name_is_right(hooks[hook].name))
		return JA_HOOK_NAME;
	return find_hook(hooks[hook].name, hooks[hook].kind, &found);
}
