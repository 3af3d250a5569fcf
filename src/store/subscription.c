/*-------------------------------------------------------------------------
 *
 * subscription.c
 *	  Whether rows of the tables come from another server.
 *
 * A row that is written here as well stops a subscription as soon as the same
 * key arrives, and with it all log-outs and revocations that follow.  Anyone who
 * has a token could do so on purpose, by denying it on both servers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "utils/acl.h"
#include "utils/catcache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "store/relation.h"
#include "store/subscription.h"

/* Those that say whether a token is accepted. */
static const JaRelation verified_with[] = {
	JA_KEYS,
	JA_ISSUERS,
	JA_USERS,
	JA_SESSIONS,
	JA_CLIENTS,
	JA_REVOKED_TOKENS,
	JA_DELETED_USERS
};

/*
 * Whether a subscription can write the table.  From PostgreSQL 16 on, roles that may not
 * do so may subscribe to it as well, and would only keep everybody else from writing:
 * those without a right, and those whom policies bind, as the server then applies nothing.
 */
static bool
may_write(Oid subscription, JaRelation table)
{
	HeapTuple	tuple = SearchSysCache1(SUBSCRIPTIONOID, ObjectIdGetDatum(subscription));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return false;
	owner = ((Form_pg_subscription) GETSTRUCT(tuple))->subowner;
	ReleaseSysCache(tuple);
	return JA_MAY_SET_ROLE(owner, ja_relation_owner(table)) ||
		(has_bypassrls_privilege(owner) &&
		 pg_class_aclcheck(ja_relation_oid(table), owner,
						   ACL_INSERT | ACL_UPDATE | ACL_DELETE) == ACLCHECK_OK);
}

static bool
is_filled(JaRelation table)
{
	CatCList   *subscriptions = SearchSysCacheList1(SUBSCRIPTIONRELMAP,
													ObjectIdGetDatum(ja_relation_oid(table)));
	bool		found = false;

	for (int i = 0; i < subscriptions->n_members && !found; i++)
	{
		HeapTuple	tuple = &subscriptions->members[i]->tuple;

		found = may_write(((Form_pg_subscription_rel) GETSTRUCT(tuple))->srsubid, table);
	}
	ReleaseSysCacheList(subscriptions);
	return found;
}

/*
 * Whether a subscription of this database, enabled or not, writes a table that tokens
 * are verified with.  The catalog's cache answers, so that it costs next to nothing.
 */
bool
ja_subscription_fills_tables(void)
{
	bool		found = false;

	for (size_t i = 0; i < lengthof(verified_with) && !found; i++)
		found = is_filled(verified_with[i]);
	return found;
}
