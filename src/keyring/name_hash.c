/*-------------------------------------------------------------------------
 *
 * name_hash.c
 *	  Keyed hashes of names, which tell nothing to who reads the tables.
 *
 * People type passwords into the field for names.  A plain hash of a name
 * could be guessed; this one needs the key, which is a stored key of its own
 * use and is sealed like all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/error.h"
#include "jose/signature.h"
#include "keyring/key_change.h"
#include "keyring/name_hash.h"
#include "keyring/stored_key.h"

/* Writes JA_NAME_HASH_SIZE bytes; makes the key on first need. */
void
ja_name_hash_make(const char *purpose, const void *name, size_t length, uint8 *hash)
{
	const JaStoredKey *key;
	StringInfoData input;
	uint8		mac[JA_MAX_SIGNATURE];
	size_t		size;

	ja_key_change_ensure(JA_USE_HASH);
	ja_check(ja_stored_key_active(JA_USE_HASH, &key));
	initStringInfo(&input);
	appendBinaryStringInfo(&input, purpose, (int) strlen(purpose) + 1);
	appendBinaryStringInfo(&input, name, (int) length);
	ja_check(ja_signature_make(key->key, key->key->algorithm,
							   (JaString) {input.data, input.len}, mac, &size));
	Assert(size == JA_NAME_HASH_SIZE);
	memcpy(hash, mac, JA_NAME_HASH_SIZE);
	pfree(input.data);
}
