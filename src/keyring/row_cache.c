/*-------------------------------------------------------------------------
 *
 * row_cache.c
 *	  Rows of keys and issuers, parsed and kept until keys change.
 *
 * Parsing a key costs more than dozens of verifications, so that rows are kept
 * until keys or issuers change in any backend.  A row that the running
 * transaction wrote is used but not kept, since it may roll back.  Each row
 * owns a memory context, with which its secrets are wiped and its OpenSSL
 * objects freed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "keyring/row_cache.h"
#include "store/invalidation.h"

static void
forget_all(JaRowCache *cache)
{
	while (cache->count > 0)
	{
		MemoryContext context = cache->rows[--cache->count]->context;

		MemoryContextDelete(context);
	}
}

static const JaCachedRow *
find_cached_row(const JaRowCache *cache, const void *wanted)
{
	for (int i = 0; i < cache->count; i++)
	{
		if (cache->is_wanted(cache->rows[i], wanted))
			return cache->rows[i];
	}
	return NULL;
}

/* Takes the row over from the caller's context. */
static void
keep_row(JaRowCache *cache, JaCachedRow *row)
{
	if (cache->count == JA_ROW_CACHE_MAX)
		forget_all(cache);
	MemoryContextSetParent(row->context, CacheMemoryContext);
	cache->rows[cache->count++] = row;
}

/*
 * Reads a row.  Keys may change while it is read; what was read then is used
 * but not kept.
 */
static JaStatus
load_row(JaRowCache *cache, const void *wanted, const JaCachedRow **row)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "jwt_auth row",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	JaCachedRow *read = palloc0(cache->row_size);
	JaStatus	status;

	MemoryContextSetIdentifier(context, cache->name);
	read->context = context;
	status = cache->load(read, wanted);
	MemoryContextSwitchTo(caller);
	if (status != JA_OK)
	{
		MemoryContextDelete(context);
		return status;
	}
	if (!read->is_uncommitted && cache->keys_counter == ja_invalidation_counters[JA_INVALIDATION_KEYS])
		keep_row(cache, read);
	*row = read;
	return JA_OK;
}

/*
 * The wanted row.  It belongs to the cache, or else to the caller's memory
 * context, and is valid until the next call.  Fails as the cache's load does.
 */
JaStatus
ja_row_cache_get(JaRowCache *cache, const void *wanted, const JaCachedRow **row)
{
	const JaCachedRow *found;

	ja_invalidation_watch();
	if (cache->keys_counter != ja_invalidation_counters[JA_INVALIDATION_KEYS])
	{
		forget_all(cache);
		cache->keys_counter = ja_invalidation_counters[JA_INVALIDATION_KEYS];
	}
	found = find_cached_row(cache, wanted);
	if (found == NULL)
		return load_row(cache, wanted, row);
	*row = found;
	return JA_OK;
}
