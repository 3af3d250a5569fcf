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

#include "utils/catcache.h"
#include "utils/syscache.h"

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
 * Whether a subscription of this database, enabled or not, writes a table that tokens
 * are verified with.  The catalog's cache answers, so that it costs next to nothing.
 */
bool
ja_subscription_fills_tables(void)
{
	bool		found = false;

	for (size_t i = 0; i < lengthof(verified_with) && !found; i++)
	{
		CatCList   *subscriptions =
		SearchSysCacheList1(SUBSCRIPTIONRELMAP,
							ObjectIdGetDatum(ja_relation_oid(verified_with[i])));

		found = subscriptions->n_members > 0;
		ReleaseSysCacheList(subscriptions);
	}
	return found;
}
