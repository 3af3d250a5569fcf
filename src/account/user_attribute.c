/*-------------------------------------------------------------------------
 *
 * user_attribute.c
 *	  What an admin may give a user: roles and passwords.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "account/user_attribute.h"
#include "base/error.h"
#include "store/role.h"

/*
 * Whether tokens may name a role, which NULL stands for none of: only those that
 * policies apply to.  Fails with JA_ACCOUNT_ROLE_....
 */
JaStatus
ja_user_attribute_judge_role(const char *role)
{
	HeapTuple	tuple;
	bool		is_powerful;

	if (role == NULL)
		return JA_OK;
	tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(role));
	if (!HeapTupleIsValid(tuple))
		return JA_ACCOUNT_ROLE_UNKNOWN;
	is_powerful = ja_role_escapes_policies((Form_pg_authid) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);
	return is_powerful ? JA_ACCOUNT_ROLE_POWERFUL : JA_OK;
}

/* The same, which raises. */
void
ja_user_attribute_check_role(const char *role)
{
	ja_check(ja_user_attribute_judge_role(role));
}

/* A role to bind. */
JaValue
ja_user_attribute_role(const char *role)
{
	return role == NULL ? ja_null(NAMEOID) :
		ja_datum(NAMEOID, DirectFunctionCall1(namein, CStringGetDatum(role)));
}

/*
 * Validates and hashes a new password of a user with these names; raises 22023 if
 * it is refused.
 */
void
ja_user_attribute_hash(JaStrings names, JaString password, JaNewPassword *hashed)
{
	JaPassword *prepared;
	JaVerdict	verdict;

	ja_check(ja_new_password_validate(names, password, &prepared, &verdict));
	ja_verdict_raise(&verdict);
	ja_check(ja_new_password_hash(prepared, hashed));
	ja_password_forget(prepared);
}
