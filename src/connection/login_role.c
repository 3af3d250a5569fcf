/*-------------------------------------------------------------------------
 *
 * login_role.c
 *	  The roles that a token may connect as.
 *
 * A role that policies do not bind, or that may become one, opens no
 * connection with a token, whoever signed it and whatever pg_ident.conf says.
 *
 * This runs before a database is chosen.  Shared catalogs can be read, but
 * acl.c would remember memberships that lack those in the database's owner, so
 * the roles are followed here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_auth_members.h"
#include "nodes/pg_list.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

#include "connection/login_role.h"
#include "store/role.h"

/* Whether policies do not bind the role; one that has been dropped has no power. */
static bool
escapes_policies(Oid role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool		is_powerful;

	if (!HeapTupleIsValid(tuple))
		return false;
	is_powerful = ja_role_escapes_policies((Form_pg_authid) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);
	return is_powerful;
}

/* Adds the roles that the role is a direct member of, with whatever options. */
static List *
add_groups(List *roles, Oid member)
{
	CatCList   *groups = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(member));

	for (int i = 0; i < groups->n_members; i++)
	{
		HeapTuple	tuple = &groups->members[i]->tuple;

		roles = list_append_unique_oid(roles,
									   ((Form_pg_auth_members) GETSTRUCT(tuple))->roleid);
	}
	ReleaseSysCacheList(groups);
	return roles;
}

/* Whether policies do not bind the role, or one that it is a member of. */
static bool
may_escape_policies(Oid role)
{
	List	   *roles = list_make1_oid(role);

	/* The list grows meanwhile. */
	for (int i = 0; i < list_length(roles); i++)
	{
		Oid			next = list_nth_oid(roles, i);

		if (escapes_policies(next))
			return true;
		roles = add_groups(roles, next);
	}
	return false;
}

/*
 * Whether a token may connect as the role.  Fails with JA_CONNECTION_POWERFUL,
 * or JA_ROLE_MISSING if there is no such role.
 */
JaStatus
ja_login_role_check(const char *name)
{
	HeapTuple	tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(name));
	Oid			role;

	if (!HeapTupleIsValid(tuple))
		return JA_ROLE_MISSING;
	role = ((Form_pg_authid) GETSTRUCT(tuple))->oid;
	ReleaseSysCache(tuple);
	return may_escape_policies(role) ? JA_CONNECTION_POWERFUL : JA_OK;
}
