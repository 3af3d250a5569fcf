/*-------------------------------------------------------------------------
 *
 * login_role.c
 *	  The roles that a token may connect as.
 *
 * A role that policies do not bind, or that may become one, opens no
 * connection with a token, whoever signed it and whatever pg_ident.conf says.
 * Nor does one with REPLICATION, which reads all that is written.
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
#include "catalog/pg_authid.h"
#include "nodes/pg_list.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

#include "connection/login_role.h"

/* Whether policies do not bind the role; one that has been dropped has no power. */
static bool
bypasses_policies(Oid role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	Form_pg_authid form;
	bool		is_powerful;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_authid) GETSTRUCT(tuple);
	is_powerful = form->rolsuper || form->rolbypassrls;
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

/* Whether the role, or one that it is a member of, bypasses policies. */
static bool
may_bypass_policies(Oid role)
{
	List	   *roles = list_make1_oid(role);

	/* The list grows meanwhile. */
	for (int i = 0; i < list_length(roles); i++)
	{
		Oid			next = list_nth_oid(roles, i);

		if (bypasses_policies(next))
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
	Form_pg_authid form;
	bool		may_replicate;
	Oid			role;

	if (!HeapTupleIsValid(tuple))
		return JA_ROLE_MISSING;
	form = (Form_pg_authid) GETSTRUCT(tuple);
	may_replicate = form->rolreplication;
	role = form->oid;
	ReleaseSysCache(tuple);
	return may_replicate || may_bypass_policies(role) ? JA_CONNECTION_POWERFUL : JA_OK;
}
