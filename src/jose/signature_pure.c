/*-------------------------------------------------------------------------
 *
 * signature_pure.c
 *	  Algorithms that take the whole message instead of a digest: EdDSA
 *	  (RFC 8037, RFC 9864) and ML-DSA (FIPS 204).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "jose/signature.h"

static size_t
pure_size(const JaKey *key, const JaAlgorithm *algorithm pg_attribute_unused())
{
	return key->curve->signature_size;
}

/* The context of the key; each use starts it anew. */
static EVP_MD_CTX *
context_of(JaPrepared *prepared)
{
	if (prepared->pure == NULL)
		prepared->pure = EVP_MD_CTX_new();
	return prepared->pure;
}

static JaStatus
pure_check(JaKey *key, JaPrepared *prepared, const void *input, size_t length,
		   const uint8 *signature)
{
	EVP_MD_CTX *context = context_of(prepared);

	if (context == NULL ||
		EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) != 1)
		return JA_CRYPTO;
	return EVP_DigestVerify(context, signature, key->curve->signature_size,
							input, length) == 1 ? JA_OK : JA_TOKEN_SIGNATURE;
}

static JaStatus
pure_make(JaKey *key, JaPrepared *prepared, const void *input, size_t length, uint8 *signature)
{
	EVP_MD_CTX *context = context_of(prepared);
	size_t		size = JA_MAX_SIGNATURE;

	if (context == NULL ||
		EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) != 1 ||
		EVP_DigestSign(context, signature, &size, input, length) != 1 ||
		size != key->curve->signature_size)
		return JA_CRYPTO;
	return JA_OK;
}

const JaFamily ja_family_pure = {pure_size, pure_check, pure_make};
