/*-------------------------------------------------------------------------
 *
 * authenticate.c
 *	  Beginning to act for the holder of a token.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/error.h"
#include "identity/authenticate.h"
#include "store/role.h"
#include "token/verify.h"

/* A leading "Bearer ", in any case, is no part of the token. */
JaString
ja_authenticate_strip_scheme(JaString credential)
{
	static const char scheme[] = "Bearer ";
	const size_t length = sizeof(scheme) - 1;

	if (credential.length < length || pg_strncasecmp(credential.data, scheme, length) != 0)
		return credential;
	credential.data += length;
	credential.length -= length;
	while (credential.length > 0 && credential.data[0] == ' ')
	{
		credential.data++;
		credential.length--;
	}
	return credential;
}

static bool
is_white_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * A token as people and files hand it over: white space around it and a
 * leading "Bearer " are no part of it.
 */
JaString
ja_authenticate_trim(JaString credential)
{
	while (credential.length > 0 && is_white_space(credential.data[0]))
	{
		credential.data++;
		credential.length--;
	}
	credential = ja_authenticate_strip_scheme(credential);
	while (credential.length > 0 && is_white_space(credential.data[credential.length - 1]))
		credential.length--;
	return credential;
}

/*
 * Verifies the token by the clock, makes it the transaction's, and returns
 * who it stands for; see JaIdentity for how long.  Raises 28J00 to 28J02.
 */
const JaIdentity *
ja_authenticate(JaString token)
{
	const JaVerified *verified;
	char	   *value;

	ja_check(ja_verify_identity(token, ja_claims_moment(), &verified));
	/* No code of others runs here, so that what was verified stays valid. */
	value = pnstrdup(token.data, token.length);
	ja_token_setting_set_locally(value);
	pfree(value);
	return ja_identity_take(verified);
}

/*
 * Sets the token's role as the local role.  Raises 42501 if it names none
 * that counts, one that policies do not bind, or one that the session user is no
 * member of.
 */
void
ja_authenticate_assume_role(const JaIdentity *identity)
{
	char	   *role;
	HeapTuple	tuple;
	Form_pg_authid form;
	bool		is_powerful;
	Oid			oid;

	if (identity->role.data == NULL || identity->role.length >= NAMEDATALEN)
		ja_raise(JA_ROLE_MISSING);
	role = pnstrdup(identity->role.data, identity->role.length);
	tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(role));
	if (!HeapTupleIsValid(tuple))
		ja_raise(JA_ROLE_MISSING);
	form = (Form_pg_authid) GETSTRUCT(tuple);
	is_powerful = ja_role_escapes_policies(form);
	oid = form->oid;
	ReleaseSysCache(tuple);
	if (is_powerful)
		ja_raise(JA_ROLE_POWERFUL);
	if (!JA_MAY_SET_ROLE(GetSessionUserId(), oid))
		ja_raise(JA_ROLE_FORBIDDEN);
	(void) set_config_option("role", role, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
							 true, 0, false);
}
