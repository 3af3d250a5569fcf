/*-------------------------------------------------------------------------
 *
 * signal.c
 *	  Tells every backend, on standbys too, that keys or revocations changed.
 *
 * A signal is PostgreSQL's own invalidation of the cache entry of a relation
 * that nothing queries.  It is transactional, is seen by every backend at its
 * next transaction and by the sender at its next command, is undone with a
 * savepoint, and travels in WAL.  The callback only counts: whoever caches
 * something keeps the counter that was valid before it read the tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/inval.h"

#include "store/relation.h"
#include "store/signal.h"

/* They begin at one, so that zero stands for what was never read. */
uint64		ja_signal_counters[JA_SIGNAL_COUNT] = {1, 1};

static const JaRelation relations[JA_SIGNAL_COUNT] = {
	[JA_SIGNAL_KEYS] = JA_KEY_SIGNAL,
	[JA_SIGNAL_REVOCATIONS] = JA_REVOCATION_SIGNAL,
};

/* What the callback compares with; InvalidOid: nothing is cached yet. */
static Oid	watched[JA_SIGNAL_COUNT];

/*
 * Counts.  A dropped relation looks like an invalidated one, so that OIDs are
 * forgotten with each of ours; looking them up again is cheap.
 */
static void
note_invalidation(Datum argument pg_attribute_unused(), Oid relation)
{
	if (relation == InvalidOid || ja_relation_is_known(relation))
		ja_relation_forget();
	for (int i = 0; i < JA_SIGNAL_COUNT; i++)
	{
		if (relation == InvalidOid || relation == watched[i])
			ja_signal_counters[i]++;
	}
}

/* Registers the callback; once per backend. */
void
ja_signal_initialize(void)
{
	CacheRegisterRelcacheCallback(note_invalidation, (Datum) 0);
}

/*
 * Makes sure that signals are noticed from now on, and that nothing counts
 * which was cached under another extension's relations.  To be called before
 * a counter is read that will be kept with something cached.
 */
void
ja_signal_watch(void)
{
	for (int i = 0; i < JA_SIGNAL_COUNT; i++)
	{
		Oid			relation = ja_relation_oid(relations[i]);

		if (watched[i] == relation)
			continue;
		watched[i] = relation;
		ja_signal_counters[i]++;
	}
}

/*
 * Sends a signal when the running transaction commits, which it then does
 * durably: a client's synchronous_commit = off must not lose a revocation.
 */
void
ja_signal_send(JaSignal signal)
{
	ForceSyncCommit();
	CacheInvalidateRelcacheByRelid(ja_relation_oid(relations[signal]));
}
