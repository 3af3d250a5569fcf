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

#include <openssl/crypto.h>

#include "base/error.h"
#include "jose/signature.h"
#include "keyring/key_change.h"
#include "keyring/name_hash.h"
#include "keyring/stored_key.h"

/*
 * Writes JA_NAME_HASH_SIZE bytes; makes the key on first need.  The name is
 * wiped, as people also type a password there.
 */
void
ja_name_hash_make(const char *purpose, const void *name, size_t length, uint8 *hash)
{
	const JaStoredKey *key;
	size_t		purpose_length = strlen(purpose) + 1;
	size_t		input_length = purpose_length + length;
	char	   *input = palloc(input_length);
	uint8		mac[JA_MAX_SIGNATURE];
	size_t		size;

	ja_key_change_ensure(JA_USE_HASH);
	ja_check(ja_stored_key_active(JA_USE_HASH, &key));
	memcpy(input, purpose, purpose_length);
	memcpy(input + purpose_length, name, length);
	ja_check(ja_signature_make(key->key, key->key->algorithm,
							   (JaString) {input, input_length}, mac, &size));
	Assert(size == JA_NAME_HASH_SIZE);
	memcpy(hash, mac, JA_NAME_HASH_SIZE);
	OPENSSL_cleanse(input, input_length);
	pfree(input);
}
