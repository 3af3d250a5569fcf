/*-------------------------------------------------------------------------
 *
 * fingerprint.c
 *	  What a key is recognised by when it is imported again.
 *
 * An asymmetric key has its thumbprint (RFC 7638).  A thumbprint of a secret
 * would let whoever reads the table guess the secret fast, if people chose
 * it; so a secret has a slow hash instead.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <argon2.h>

#include "jose/base64url.h"
#include "keyring/fingerprint.h"

#define HASH_ITERATIONS 3
#define HASH_MEMORY_KIB (64 * 1024)
#define HASH_SIZE		32

/* The same salt for all, since equal secrets must give equal hashes. */
static const char salt[] = "jwt_auth secret fingerprint";

static JaStatus
hash_secret(const JaKey *key, char *fingerprint)
{
	uint8		hash[HASH_SIZE];

	if (argon2id_hash_raw(HASH_ITERATIONS, HASH_MEMORY_KIB, 1,
						  key->secret, key->secret_length, salt, sizeof(salt) - 1,
						  hash, sizeof(hash)) != ARGON2_OK)
		return JA_MEMORY;
	ja_base64url_encode(hash, sizeof(hash), fingerprint);
	return JA_OK;
}

/* Writes JA_THUMBPRINT_LENGTH characters. */
JaStatus
ja_fingerprint_make(const JaKey *key, char *fingerprint)
{
	if (key->type->kind == JA_OCT)
		return hash_secret(key, fingerprint);
	return ja_jwk_thumbprint(key, fingerprint);
}
