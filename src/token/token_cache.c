/*-------------------------------------------------------------------------
 *
 * token_cache.c
 *	  Verified tokens that the backend remembers.
 *
 * Only tokens whose signature was right get here, found again by all their
 * bytes.  Whether an entry still counts is the business of whoever asks for
 * it.  Their number is bounded, and the one that was used least recently goes
 * first; their memory is bounded as a whole.
 *
 * The table is indexed by a seeded hash of the token's end, which in a right
 * token is its signature.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/ilist.h"
#include "utils/memutils.h"

#include "base/secret.h"
#include "base/settings.h"
#include "token/token_cache.h"

/* How much of the token's end is hashed: 96 bits of its signature. */
#define HASHED_BYTES 16

/*
 * How much of the token's end is compared in constant time: a signature of
 * HMAC, ECDSA with 256 bits or Ed25519, and 516 bits of any other.
 */
#define GUARDED_BYTES 86

/* How much the context asks the system for at a time. */
#define MAX_BLOCK_BYTES (64 * 1024)

/* The table has room for so many, and never grows. */
#define MAX_ENTRIES 2048

/* A larger entry is not worth its room. */
#define MAX_ENTRY_BYTES (64 * 1024)

typedef struct Entry
{
	dlist_node	node;			/* the head was used last */
	uint64		hash;
	size_t		size;			/* bytes of the whole entry */
	size_t		token_length;
	JaVerified	verified;
	char		bytes[FLEXIBLE_ARRAY_MEMBER];	/* claims, strings, token */
} Entry;

typedef struct Slot
{
	uint64		hash;
	Entry	   *entry;
	char		status;
} Slot;

#define SH_PREFIX slots
#define SH_ELEMENT_TYPE Slot
#define SH_KEY_TYPE uint64
#define SH_KEY hash
#define SH_HASH_KEY(table, key) ((uint32) (key))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static MemoryContext context = NULL;
static slots_hash *table = NULL;
static dlist_head recent = DLIST_STATIC_INIT(recent);
static uint64 seed;

/* Makes an empty table in an empty context. */
static void
make_table(void)
{
	table = NULL;
	dlist_init(&recent);
	table = slots_create(context, MAX_ENTRIES, NULL);
}

static bool
initialize_token_cache(void)
{
	if (context == NULL)
	{
		if (ja_secret_random(&seed, sizeof(seed)) != JA_OK)
			return false;
		context = AllocSetContextCreate(CacheMemoryContext, "jwt_auth verified tokens",
										ALLOCSET_SMALL_MINSIZE, ALLOCSET_SMALL_INITSIZE,
										MAX_BLOCK_BYTES);
	}
	if (table == NULL)
		make_table();
	return true;
}

static uint64
hash_of(JaString token)
{
	size_t		hashed = Min(token.length, HASHED_BYTES);

	return hash_bytes_extended((const unsigned char *) token.data + token.length - hashed,
							   (int) hashed, seed);
}

static Entry *
entry_of(JaVerified *verified)
{
	return (Entry *) ((char *) verified - offsetof(Entry, verified));
}

static const char *
token_of(const Entry *entry)
{
	return (const char *) entry + entry->size - entry->token_length;
}

/*
 * Whether the entry is of this token.  The end, which nobody can guess, is
 * compared in constant time, and the rest only if that is right.
 */
static bool
is_entry_of(const Entry *entry, JaString token)
{
	const char *kept = token_of(entry);
	size_t		end = Min(token.length, GUARDED_BYTES);
	size_t		rest = token.length - end;

	return entry->token_length == token.length &&
		ja_secret_equals(kept + rest, end, token.data + rest, end) &&
		memcmp(kept, token.data, rest) == 0;
}

static void
drop_entry(Entry *entry)
{
	slots_delete(table, entry->hash);
	dlist_delete(&entry->node);
	pfree(entry);
}

/* Forgets an entry, and frees it with all that it points to. */
void
ja_token_cache_drop(JaVerified *verified)
{
	drop_entry(entry_of(verified));
}

/*
 * The entry of exactly this token, or NULL.  The cache owns it; it is valid
 * until the next entry is kept or dropped, and so not while code of others
 * runs.
 */
JaVerified *
ja_token_cache_find(JaString token)
{
	Slot	   *slot;
	Entry	   *entry;

	if (table == NULL)
		return NULL;
	slot = slots_lookup(table, hash_of(token));
	if (slot == NULL)
		return NULL;
	entry = slot->entry;
	if (!is_entry_of(entry, token))
		return NULL;
	dlist_move_head(&recent, &entry->node);
	return &entry->verified;
}

/*
 * Makes room for an entry of the size; false if it can't be kept.  Freed
 * chunks serve only entries of about their size, so that the context may fill
 * with what nobody uses; then all is forgotten.
 */
static bool
make_token_room(size_t size)
{
	size_t		most = Min(ja_settings.token_cache_size, MAX_ENTRIES);

	if (size > MAX_ENTRY_BYTES || most == 0)
		return false;
	while (table->members >= most)
		drop_entry(dlist_tail_element(Entry, node, &recent));
	if (MemoryContextMemAllocated(context, true) + size > JA_TOKEN_CACHE_BYTES)
	{
		table = NULL;
		MemoryContextReset(context);
		make_table();
	}
	return true;
}

static bool
is_in_claims(JaString string, const JaVerified *verified)
{
	const char *claims = (const char *) verified->claims;

	return string.data >= claims && string.data < claims + VARSIZE(verified->claims);
}

/* Bytes for those strings that are not in the claims. */
static size_t
size_of_strings(const JaVerified *verified)
{
	const JaString strings[] = {verified->issuer, verified->role, verified->scope_claim};
	size_t		size = 0;

	for (size_t i = 0; i < lengthof(strings); i++)
		size += is_in_claims(strings[i], verified) ? 0 : strings[i].length;
	return size;
}

/*
 * Makes a string point into the new claims if it is in the old ones, or else
 * copies it to where the room is; returns where the rest of that begins.
 */
static char *
move_string(JaString *string, const JaVerified *from, const JaVerified *to, char *room)
{
	if (string->data == NULL)
		return room;
	if (is_in_claims(*string, from))
	{
		string->data = (const char *) to->claims +
			(string->data - (const char *) from->claims);
		return room;
	}
	memcpy(room, string->data, string->length);
	string->data = room;
	return room + string->length;
}

static void
fill_entry(Entry *entry, JaString token, const JaVerified *verified)
{
	size_t		claims = VARSIZE(verified->claims);
	JaVerified *copy = &entry->verified;
	char	   *room = entry->bytes + claims;

	*copy = *verified;
	copy->claims = (Jsonb *) entry->bytes;
	memcpy(entry->bytes, verified->claims, claims);
	room = move_string(&copy->issuer, verified, copy, room);
	room = move_string(&copy->role, verified, copy, room);
	room = move_string(&copy->scope_claim, verified, copy, room);
	(void) move_string(&copy->revocable.jti, verified, copy, room);
	if (verified->issuer.data != NULL)
		copy->revocable.issuer = copy->issuer;
	entry->token_length = token.length;
	memcpy((char *) token_of(entry), token.data, token.length);
}

/*
 * Remembers a copy of a token and of all that verified points to.  Returns the
 * entry, which the cache owns as above, or verified itself if it is not kept.
 */
const JaVerified *
ja_token_cache_keep(JaString token, const JaVerified *verified)
{
	size_t		size = offsetof(Entry, bytes) + VARSIZE(verified->claims) +
	size_of_strings(verified) + token.length;
	Entry	   *entry;
	Slot	   *slot;
	bool		found;

	if (!verified->may_be_kept || !initialize_token_cache() || !make_token_room(size))
		return verified;
	entry = MemoryContextAlloc(context, size);
	entry->size = size;
	entry->hash = hash_of(token);
	fill_entry(entry, token, verified);
	slot = slots_insert(table, entry->hash, &found);
	if (found)
	{
		Entry	   *former = slot->entry;

		dlist_delete(&former->node);
		pfree(former);
	}
	slot->entry = entry;
	dlist_push_head(&recent, &entry->node);
	return &entry->verified;
}
