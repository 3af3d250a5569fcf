/*-------------------------------------------------------------------------
 *
 * hook.c
 *	  The operator's own functions: claims of tokens, validation of passwords.
 *
 * A hook decides who a token is for, or sees a password in the clear.  So its
 * owner must be a superuser or own our tables, which is checked at each call:
 * whoever else could replace the function.  It runs as its owner in a
 * security-restricted operation with a fixed search_path.
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
#include "store/relation.h"

typedef struct Hook
{
	Oid			function;
	Oid			owner;
} Hook;

/* What a hook must look like, and what is raised when it fails. */
typedef struct HookKind
{
	Oid			argument_types[2];
	Oid			result_type;
	JaStatus	failure;
	bool		sees_password;	/* so that its message may quote one */
} HookKind;

static const HookKind claims_kind = {{UUIDOID, JSONBOID}, JSONBOID, JA_HOOK_CLAIMS, false};
static const HookKind password_kind = {{TEXTOID, TEXTOID}, TEXTOID, JA_HOOK_PASSWORD, true};

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

/*
 * The function, or procedure, that has the name and a kind's arguments; raises
 * 55000.
 */
static Oid
find_function(const char *name, const HookKind *kind)
{
	List	   *names = JA_QUALIFIED_NAME(name);
	FuncCandidateList candidates;

	if (list_length(names) != 2)
		ja_raise(JA_HOOK_NAME);
	candidates = FuncnameGetCandidates(names, -1, NIL, false, false, false, true);
	if (candidates == NULL)
		ja_raise(JA_HOOK_MISSING);
	for (; candidates != NULL; candidates = candidates->next)
	{
		if (candidates->nargs == lengthof(kind->argument_types) &&
			memcmp(candidates->args, kind->argument_types, sizeof(kind->argument_types)) == 0)
			return candidates->oid;
	}
	ja_raise(JA_HOOK_ARGUMENTS);
}

/* What is wrong with a function of the right name and arguments. */
static JaStatus
judge_function(Form_pg_proc function, const HookKind *kind)
{
	if (function->prokind != PROKIND_FUNCTION || function->proretset)
		return JA_HOOK_KIND;
	return function->prorettype == kind->result_type ? JA_OK : JA_HOOK_RESULT;
}

/*
 * Finds the function that a setting names, or raises 55000.  Runs as the
 * owner of the tables, since the caller need not see the function's schema.
 */
static void
resolve(const char *name, const HookKind *kind, Hook *hook)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	JaStatus	status;

	hook->function = find_function(name, kind);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(hook->function));
	if (!HeapTupleIsValid(tuple))
		ja_raise(JA_HOOK_MISSING);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	hook->owner = form->proowner;
	status = judge_function(form, kind);
	ReleaseSysCache(tuple);
	ja_check(status);
	if (!superuser_arg(hook->owner) && hook->owner != ja_relation_owner(JA_USERS))
		ja_raise(JA_HOOK_OWNER);
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
					kind->sees_password ? "" : ": ",
					kind->sees_password ? "" : error->message),
			 errhidestmt(true),
			 errhidecontext(true)));
	ja_raise(kind->failure);
}

static Datum
invoke(const Hook *hook, Datum first, Datum second, bool *is_null)
{
	LOCAL_FCINFO(fcinfo, 2);
	FmgrInfo	function;
	Datum		result;

	fmgr_info(hook->function, &function);
	InitFunctionCallInfoData(*fcinfo, &function, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = first;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = second;
	fcinfo->args[1].isnull = false;
	result = FunctionCallInvoke(fcinfo);
	*is_null = fcinfo->isnull;
	return result;
}

/* Calls a hook as its owner. */
static Datum
call(const char *name, const HookKind *kind, Datum first, Datum second, bool *is_null)
{
	MemoryContext context = CurrentMemoryContext;
	Hook		hook;
	Oid			caller;
	int			security_context;
	int			nest_level;
	Datum		result = (Datum) 0;

	GetUserIdAndSecContext(&caller, &security_context);
	SetUserIdAndSecContext(ja_relation_owner(JA_USERS),
						   security_context | SECURITY_LOCAL_USERID_CHANGE);
	resolve(name, kind, &hook);
	SetUserIdAndSecContext(hook.owner,
						   security_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	PG_TRY();
	{
		result = invoke(&hook, first, second, is_null);
	}
	PG_CATCH();
	{
		raise_failure(kind, context);
	}
	PG_END_TRY();
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(caller, security_context);
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
	Jsonb	   *result;
	Datum		value;
	bool		is_null;

	if (ja_settings_text(ja_settings.claims_function).data == NULL)
		return claims;
	value = call(ja_settings.claims_function, &claims_kind,
				 UUIDPGetDatum(user), JsonbPGetDatum(claims), &is_null);
	if (is_null)
		ja_raise(JA_HOOK_CLAIMS);
	result = DatumGetJsonbP(value);
	if (!ja_json_is_object(&result->root))
		ja_raise(JA_HOOK_CLAIMS);
	return result;
}

/*
 * Why the operator's function refuses a password, or NULL if it accepts it or
 * there is none.  Raises 38000 if it fails.
 */
char *
ja_hook_judge_password(JaString username, JaString password)
{
	text	   *name;
	text	   *secret;
	Datum		reason;
	bool		is_null;

	if (ja_settings_text(ja_settings.password_check_function).data == NULL)
		return NULL;
	name = cstring_to_text_with_len(username.data, (int) username.length);
	secret = cstring_to_text_with_len(password.data, (int) password.length);
	reason = call(ja_settings.password_check_function, &password_kind,
				  PointerGetDatum(name), PointerGetDatum(secret), &is_null);
	OPENSSL_cleanse(VARDATA(secret), password.length);
	return is_null ? NULL : TextDatumGetCString(reason);
}
