/*-------------------------------------------------------------------------
 *
 * user_attribute.c
 *	  What an admin may give a user: roles and passwords.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "account/user_attribute.h"
#include "base/error.h"
#include "base/settings.h"

/* Tokens may name only roles that policies apply to. */
void
ja_user_attribute_check_role(const char *role)
{
	HeapTuple	tuple;
	bool		is_powerful;

	if (role == NULL)
		return;
	tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(role));
	if (!HeapTupleIsValid(tuple))
		ja_raise(JA_ACCOUNT_ROLE_UNKNOWN);
	is_powerful = ((Form_pg_authid) GETSTRUCT(tuple))->rolsuper ||
		((Form_pg_authid) GETSTRUCT(tuple))->rolbypassrls;
	ReleaseSysCache(tuple);
	if (is_powerful)
		ja_raise(JA_ACCOUNT_ROLE_POWERFUL);
}

/* A role to bind. */
JaValue
ja_user_attribute_role(const char *role)
{
	return role == NULL ? ja_null(NAMEOID) :
		ja_datum(NAMEOID, DirectFunctionCall1(namein, CStringGetDatum(role)));
}

static void
refuse_short(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("password is too short"),
			 errhint("A password needs at least %d characters (jwt_auth.password_min_length).",
					 ja_settings.password_min_length),
			 errhidestmt(true)));
}

/* Validates and hashes a new password; raises 22023 if it is refused. */
void
ja_user_attribute_hash(JaString username, JaString password, JaNewPassword *hashed)
{
	JaPassword *prepared;
	char	   *reason;
	JaStatus	status = ja_new_password_validate(username, password, &prepared, &reason);

	if (status == JA_PASSWORD_SHORT)
		refuse_short();
	ja_check(status);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the password was refused"),
				 errdetail("%s", reason),
				 errhint("Choose another password."),
				 errhidestmt(true)));
	ja_check(ja_new_password_hash(prepared, hashed));
	ja_password_forget(prepared);
}
