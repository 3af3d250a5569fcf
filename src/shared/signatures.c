/*-------------------------------------------------------------------------
 *
 * signatures.c
 *	  Signatures that some backend found right, so that no other backend has
 *	  to check them again.
 *
 * An entry is the SHA-256 digest of a salt, a key and a token, and says that
 * the token's signature is right under that public key and its algorithm.
 * That is a fact of arithmetic: no rollback, rotation, revocation or crash
 * changes it, whichever database it came from.  Which keys may verify a token,
 * and all that is said about its claims, each backend decides by its own
 * tables; it never believes an entry of a key that it does not have itself.
 *
 * The table is set-associative: a digest belongs to one set, and the least
 * useful entry of that set gives way to a new one.  Nothing gets in without a
 * right signature, and since the salt is generated at each start, a client that
 * can have many tokens signed cannot aim them at one set.  HMAC keys are left
 * out: checking an HMAC costs less than the digest.
 *
 * Reading takes no lock.  A reader may see an entry that is half written; all
 * 256 bits are compared, so that it matches nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/atomics.h"
#include "storage/s_lock.h"
#include "storage/spin.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/settings.h"
#include "shared/signatures.h"

#define WAYS 15
#define SALT_SIZE 32
#define WORDS JA_VERIFIED_DIGEST_WORDS

/* A free entry holds zeros, which expired long ago. */
typedef struct Set
{
	slock_t		lock;			/* of writers */
	volatile uint32 expires[WAYS];	/* seconds since 1970 */
	volatile uint32 used[WAYS]; /* seconds since 1970 */
	volatile uint64 digests[WAYS][WORDS];
} Set;

typedef struct Header
{
	uint8		salt[SALT_SIZE];
} Header;

/* A set begins with a cache line. */
#define HEADER_SIZE TYPEALIGN(64, sizeof(Header))
#define SET_SIZE TYPEALIGN(64, sizeof(Set))

static Header *header = NULL;	/* NULL: nothing is shared */
static EVP_MD_CTX *hashing = NULL;

static Size
set_count(void)
{
	return (ja_settings.shared_tokens + WAYS - 1) / WAYS;
}

Size
ja_signatures_size(void)
{
	return set_count() == 0 ? 0 : add_size(HEADER_SIZE, mul_size(set_count(), SET_SIZE));
}

static Set *
set_at(Size number)
{
	return (Set *) ((char *) header + HEADER_SIZE + number * SET_SIZE);
}

/* Generates the salt; raises without a source of randomness. */
void
ja_signatures_attach(void *memory, bool is_new)
{
	if (set_count() == 0)
		return;
	header = memory;
	if (!is_new)
		return;
	ja_check(ja_secret_random(header->salt, SALT_SIZE));
	for (Size i = 0; i < set_count(); i++)
		SpinLockInit(&set_at(i)->lock);
}

static bool
hash_token(const uint8 *key_hash, JaString token, JaVerifiedDigest *digest)
{
	if (hashing == NULL)
		hashing = EVP_MD_CTX_new();
	return hashing != NULL &&
		EVP_DigestInit_ex2(hashing, ja_digest(JA_SHA256), NULL) == 1 &&
		EVP_DigestUpdate(hashing, header->salt, SALT_SIZE) == 1 &&
		EVP_DigestUpdate(hashing, key_hash, JA_KEY_HASH_SIZE) == 1 &&
		EVP_DigestUpdate(hashing, token.data, token.length) == 1 &&
		EVP_DigestFinal_ex(hashing, (uint8 *) digest->words, NULL) == 1;
}

/*
 * Makes the digest of a token and the key that it names; false if it has none
 * because nothing is shared, or the key is a secret.
 */
bool
ja_signatures_digest(JaKey *key, const JaAlgorithm *algorithm, JaString token,
					 JaVerifiedDigest *digest)
{
	const uint8 *key_hash;

	return header != NULL &&
		ja_signature_key_hash(key, algorithm, &key_hash) == JA_OK &&
		hash_token(key_hash, token, digest);
}

static Set *
set_of(const JaVerifiedDigest *digest)
{
	return set_at(digest->words[0] % set_count());
}

/* The digest's place in its set, or -1.  Any number of writers may be at work. */
static int
find_way(Set *set, const JaVerifiedDigest *digest)
{
	for (int way = 0; way < WAYS; way++)
	{
		JaVerifiedDigest found;

		if (set->digests[way][0] != digest->words[0])
			continue;
		for (size_t i = 0; i < WORDS; i++)
			found.words[i] = set->digests[way][i];
		if (ja_secret_equals(&found, sizeof(found), digest, sizeof(*digest)))
			return way;
	}
	return -1;
}

/* Seconds since 1970. */
static uint32
current_second(void)
{
	return (uint32) (GetCurrentTimestamp() / USECS_PER_SEC +
					 (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY);
}

/*
 * Whether the signature is known to be right.  Writes only where the second
 * is another one, so that backends which ask for the same token don't take the
 * cache line from each other.
 */
bool
ja_signatures_contain(const JaVerifiedDigest *digest)
{
	Set		   *set = set_of(digest);
	int			way = find_way(set, digest);
	uint32		now;

	if (way < 0)
		return false;
	now = current_second();
	if (set->used[way] != now)
		set->used[way] = now;
	return true;
}

/* Any that expired, else the one that was used least recently. */
static int
choose_victim(const Set *set, uint32 now)
{
	int			chosen = 0;

	for (int way = 0; way < WAYS; way++)
	{
		if (set->expires[way] < now)
			return way;
		if (set->used[way] < set->used[chosen])
			chosen = way;
	}
	return chosen;
}

/* The first word is the last to be written, and zero until then. */
static void
write_entry(Set *set, int way, const JaVerifiedDigest *digest, uint32 expires, uint32 now)
{
	set->digests[way][0] = 0;
	pg_write_barrier();
	for (size_t i = 1; i < WORDS; i++)
		set->digests[way][i] = digest->words[i];
	set->expires[way] = expires;
	set->used[way] = now;
	pg_write_barrier();
	set->digests[way][0] = digest->words[0];
}

/*
 * Remembers that a signature is right, until the time (in seconds since 1970)
 * or until another one needs the place.
 */
void
ja_signatures_add(const JaVerifiedDigest *digest, uint32 expires)
{
	Set		   *set = set_of(digest);
	uint32		now = current_second();

	if (expires < now)
		return;
	SpinLockAcquire(&set->lock);
	if (find_way(set, digest) < 0)
		write_entry(set, choose_victim(set, now), digest, expires, now);
	SpinLockRelease(&set->lock);
}
