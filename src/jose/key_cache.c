/*-------------------------------------------------------------------------
 *
 * key_cache.c
 *	  Keys that callers hand in, read once per backend.
 *
 * Reading a key costs more than dozens of verifications, so that key sets
 * are kept, found again by the bytes of their jsonb.  Only sets that could
 * be read are kept.  Each entry owns a memory context with the bytes, the
 * keys and their OpenSSL objects; what is evicted is wiped and freed with it.
 *
 * Another role in the same session may have handed in a secret, so the bytes
 * are compared in constant time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "base/secret.h"
#include "jose/key_cache.h"

typedef struct Entry
{
	MemoryContext context;		/* NULL: the entry is free */
	uint64		hash;
	Jsonb	   *json;
	size_t		size;			/* bytes of the jsonb */
	uint64		last_use;
	JaKeySet   *set;
} Entry;

static Entry entries[JA_CACHED_KEYSETS];
static size_t cached_bytes = 0;
static uint64 clock_hand = 0;

static Entry *
find_entry(const Jsonb *json, size_t size, uint64 hash)
{
	for (int i = 0; i < JA_CACHED_KEYSETS; i++)
	{
		Entry	   *entry = &entries[i];

		if (entry->context != NULL && entry->hash == hash &&
			ja_secret_equals(entry->json, entry->size, json, size))
			return entry;
	}
	return NULL;
}

static void
evict(Entry *entry)
{
	MemoryContext context = entry->context;

	cached_bytes -= entry->size;
	entry->context = NULL;
	MemoryContextDelete(context);
}

/* The entry that was used least recently; free ones come first. */
static Entry *
oldest_entry(bool only_used)
{
	Entry	   *oldest = NULL;

	for (int i = 0; i < JA_CACHED_KEYSETS; i++)
	{
		if (entries[i].context == NULL && only_used)
			continue;
		if (entries[i].context == NULL)
			return &entries[i];
		if (oldest == NULL || entries[i].last_use < oldest->last_use)
			oldest = &entries[i];
	}
	return oldest;
}

/* Frees entries until the bytes fit and one is free; returns that. */
static Entry *
make_key_room(size_t size)
{
	Entry	   *entry;

	while (cached_bytes + size > JA_CACHED_KEYSET_BYTES &&
		   (entry = oldest_entry(true)) != NULL)
		evict(entry);
	entry = oldest_entry(false);
	if (entry->context != NULL)
		evict(entry);
	return entry;
}

/* Copies the jsonb into the context, which wipes it in the end. */
static Jsonb *
copy_json(MemoryContext context, const Jsonb *json, size_t size)
{
	Jsonb	   *copy = palloc0(size);

	ja_secret_wipe_on_reset(context, copy, size);
	memcpy(copy, json, size);
	return copy;
}

/* Reads the set in a context of its own, and keeps it if it can be read. */
static JaStatus
read_and_keep(const Jsonb *json, size_t size, uint64 hash, JaKeySet **set)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "jwt_auth caller's keys",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Jsonb	   *copy = copy_json(context, json, size);
	JaStatus	status = ja_keyset_read(&copy->root, set);
	Entry	   *entry;

	MemoryContextSwitchTo(caller);
	if (status != JA_OK)
	{
		MemoryContextDelete(context);
		return status;
	}
	entry = make_key_room(size);
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->context = context;
	entry->hash = hash;
	entry->json = copy;
	entry->size = size;
	entry->last_use = ++clock_hand;
	entry->set = *set;
	cached_bytes += size;
	return JA_OK;
}

/*
 * The key set of a JWK or JWK Set.  The cache owns it and may evict it in the
 * next call: no pointer to it or its keys may be kept while code of others
 * runs.  Fails with JA_KEY_....
 */
JaStatus
ja_key_cache_get(const Jsonb *json, JaKeySet **set)
{
	size_t		size = VARSIZE(json);
	uint64		hash = hash_bytes_extended((const unsigned char *) json, (int) size, 0);
	Entry	   *entry = find_entry(json, size, hash);

	if (entry != NULL)
	{
		entry->last_use = ++clock_hand;
		*set = entry->set;
		return JA_OK;
	}
	if (size > JA_MAX_KEYSET_SIZE)
		return JA_KEY_SET_SIZE;
	return read_and_keep(json, size, hash, set);
}
