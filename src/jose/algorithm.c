/*-------------------------------------------------------------------------
 *
 * algorithm.c
 *	  The signature algorithms, one table row each.
 *
 * The order matters where a key leaves its algorithm open: signing takes the
 * first row that the key permits.  Digests are fetched once per backend and
 * live as long as it does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/err.h>

#include "jose/algorithm.h"
#include "jose/signature.h"

static const JaAlgorithm algorithms[] = {
	{"HS256", &ja_family_hmac, JA_OCT, NULL, JA_SHA256, 32},
	{"HS384", &ja_family_hmac, JA_OCT, NULL, JA_SHA384, 48},
	{"HS512", &ja_family_hmac, JA_OCT, NULL, JA_SHA512, 64},
	{"RS256", &ja_family_rsa, JA_RSA, NULL, JA_SHA256, 32},
	{"RS384", &ja_family_rsa, JA_RSA, NULL, JA_SHA384, 48},
	{"RS512", &ja_family_rsa, JA_RSA, NULL, JA_SHA512, 64},
	{"PS256", &ja_family_rsa_pss, JA_RSA, NULL, JA_SHA256, 32},
	{"PS384", &ja_family_rsa_pss, JA_RSA, NULL, JA_SHA384, 48},
	{"PS512", &ja_family_rsa_pss, JA_RSA, NULL, JA_SHA512, 64},
	{"ES256", &ja_family_ecdsa, JA_EC, "P-256", JA_SHA256, 32},
	{"ES384", &ja_family_ecdsa, JA_EC, "P-384", JA_SHA384, 48},
	{"ES512", &ja_family_ecdsa, JA_EC, "P-521", JA_SHA512, 64},
	{"ES256K", &ja_family_ecdsa, JA_EC, "secp256k1", JA_SHA256, 32},
	{"EdDSA", &ja_family_pure, JA_OKP, NULL, JA_NO_DIGEST, 0},
	{"Ed25519", &ja_family_pure, JA_OKP, "Ed25519", JA_NO_DIGEST, 0},
	{"Ed448", &ja_family_pure, JA_OKP, "Ed448", JA_NO_DIGEST, 0},
	{"ML-DSA-44", &ja_family_pure, JA_AKP, "ML-DSA-44", JA_NO_DIGEST, 0},
	{"ML-DSA-65", &ja_family_pure, JA_AKP, "ML-DSA-65", JA_NO_DIGEST, 0},
	{"ML-DSA-87", &ja_family_pure, JA_AKP, "ML-DSA-87", JA_NO_DIGEST, 0},
};

static const char *const digest_names[] = {
	[JA_SHA256] = "SHA256",
	[JA_SHA384] = "SHA384",
	[JA_SHA512] = "SHA512",
};

/* The row with exactly this name (RFC 7515 4.1.1: case matters), or NULL. */
const JaAlgorithm *
ja_algorithm_find(JaString name)
{
	for (size_t i = 0; i < lengthof(algorithms); i++)
	{
		if (ja_string_is(name, algorithms[i].name))
			return &algorithms[i];
	}
	return NULL;
}

/* The row at the index, or NULL behind the last; for going through all. */
const JaAlgorithm *
ja_algorithm_at(size_t index)
{
	return index < lengthof(algorithms) ? &algorithms[index] : NULL;
}

/* ML-DSA is there from OpenSSL 3.5 on; everything else always is. */
JaStatus
ja_algorithm_available(const JaAlgorithm *algorithm)
{
	EVP_PKEY_CTX *context;

	if (algorithm->kind != JA_AKP)
		return JA_OK;
	ERR_clear_error();
	context = EVP_PKEY_CTX_new_from_name(NULL, algorithm->curve, NULL);
	if (context == NULL)
	{
		ERR_clear_error();
		return JA_KEY_ALGORITHM_UNAVAILABLE;
	}
	EVP_PKEY_CTX_free(context);
	return JA_OK;
}

/* OpenSSL's name of the digest. */
const char *
ja_digest_name(JaDigest digest)
{
	return digest_names[digest];
}

/* The digest, fetched once per backend; NULL if OpenSSL has it not. */
const EVP_MD *
ja_digest(JaDigest digest)
{
	static EVP_MD *fetched[lengthof(digest_names)];

	if (fetched[digest] == NULL)
		fetched[digest] = EVP_MD_fetch(NULL, digest_names[digest], NULL);
	return fetched[digest];
}

/* Hashes into out, which has room for the digest's size. */
JaStatus
ja_digest_compute(JaDigest digest, const void *data, size_t length, uint8 *out)
{
	static EVP_MD_CTX *context = NULL;
	const EVP_MD *md = ja_digest(digest);

	if (context == NULL)
		context = EVP_MD_CTX_new();
	if (md == NULL || context == NULL ||
		EVP_DigestInit_ex2(context, md, NULL) != 1 ||
		EVP_DigestUpdate(context, data, length) != 1 ||
		EVP_DigestFinal_ex(context, out, NULL) != 1)
		return JA_CRYPTO;
	return JA_OK;
}
