/*-------------------------------------------------------------------------
 *
 * invalidation.c
 *	  Tells every backend, on standbys too, that keys or revocations changed.
 *
 * It is PostgreSQL's own invalidation of the cache entry of a relation that
 * nothing queries.  It is transactional, is seen by every backend at its
 * next transaction and by the sender at its next command, is undone with a
 * savepoint, and travels in WAL.  The callback only counts: whoever caches
 * something keeps the counter that was valid before it read the tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/inval.h"

#include "store/invalidation.h"
#include "store/relation.h"

/* They begin at one, so that zero stands for what was never read. */
uint64		ja_invalidation_counters[JA_INVALIDATION_COUNT] = {1, 1};

static const JaRelation relations[JA_INVALIDATION_COUNT] = {
	[JA_INVALIDATION_KEYS] = JA_KEY_INVALIDATION,
	[JA_INVALIDATION_REVOCATIONS] = JA_REVOCATION_INVALIDATION,
};

/* What the callback compares with; InvalidOid: nothing is cached yet. */
static Oid	watched[JA_INVALIDATION_COUNT];

/*
 * Counts.  A dropped relation looks like an invalidated one, so that OIDs are
 * forgotten with each of ours; looking them up again is cheap.
 */
static void
note_invalidation(Datum argument pg_attribute_unused(), Oid relation)
{
	if (relation == InvalidOid || ja_relation_is_known(relation))
		ja_relation_forget();
	for (int i = 0; i < JA_INVALIDATION_COUNT; i++)
	{
		if (relation == InvalidOid || relation == watched[i])
			ja_invalidation_counters[i]++;
	}
}

/* Registers the callback; once per backend. */
void
ja_invalidation_initialize(void)
{
	CacheRegisterRelcacheCallback(note_invalidation, (Datum) 0);
}

/*
 * Makes sure that invalidations are noticed from now on, and that nothing counts
 * which was cached under another extension's relations.  To be called before
 * a counter is read that will be kept with something cached.
 */
void
ja_invalidation_watch(void)
{
	for (int i = 0; i < JA_INVALIDATION_COUNT; i++)
	{
		Oid			relation = ja_relation_oid(relations[i]);

		if (watched[i] == relation)
			continue;
		watched[i] = relation;
		ja_invalidation_counters[i]++;
	}
}

/*
 * Invalidates caches when the running transaction commits, which it then does
 * durably: a client's synchronous_commit = off must not lose a revocation.
 */
void
ja_invalidate(JaInvalidation what)
{
	ForceSyncCommit();
	CacheInvalidateRelcacheByRelid(ja_relation_oid(relations[what]));
}
