/*-------------------------------------------------------------------------
 *
 * signature.c
 *	  Making and checking signatures with contexts that are prepared once.
 *
 * The length of a signature follows from key and algorithm, and is checked
 * here before a family sees it: OpenSSL 3.0 accepts a PSS signature whose
 * leading zero was stripped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "jose/signature.h"

/* Cheaper than clearing a queue that is nearly always empty. */
static inline void
clear_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

/* The key's place for the algorithm; claims a free one on first use. */
static JaPrepared *
prepared_for(JaKey *key, const JaAlgorithm *algorithm)
{
	for (int i = 0; i < JA_MAX_PREPARED; i++)
	{
		JaPrepared *prepared = &key->prepared[i];

		if (prepared->algorithm == NULL)
			prepared->algorithm = algorithm;
		if (prepared->algorithm == algorithm)
			return prepared;
	}
	return NULL;
}

/*
 * Makes *context, unless it is there: a public-key context initialised for
 * signing or verifying a digest.  The key owns it.
 */
JaStatus
ja_signature_context(JaKey *key, EVP_PKEY_CTX **context,
					 const JaAlgorithm *algorithm, bool for_signing)
{
	EVP_PKEY_CTX *fresh;

	if (*context != NULL)
		return JA_OK;
	fresh = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	if (fresh == NULL)
		return JA_CRYPTO;
	if ((for_signing ? EVP_PKEY_sign_init(fresh) : EVP_PKEY_verify_init(fresh)) != 1 ||
		EVP_PKEY_CTX_set_signature_md(fresh, ja_digest(algorithm->digest)) != 1)
	{
		EVP_PKEY_CTX_free(fresh);
		return JA_CRYPTO;
	}
	*context = fresh;
	return JA_OK;
}

/* Bytes of each signature that the key makes with the algorithm. */
size_t
ja_signature_size(const JaKey *key, const JaAlgorithm *algorithm)
{
	return algorithm->family->signature_size(key, algorithm);
}

/* Hashes the algorithm's name with its NUL, and the SubjectPublicKeyInfo. */
static JaStatus
hash_key(const EVP_PKEY *pkey, const JaAlgorithm *algorithm, uint8 *hash)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int			length = i2d_PUBKEY((EVP_PKEY *) pkey, &der);
	bool		is_done = context != NULL && length > 0 &&
	EVP_DigestInit_ex2(context, ja_digest(JA_SHA256), NULL) == 1 &&
	EVP_DigestUpdate(context, algorithm->name, strlen(algorithm->name) + 1) == 1 &&
	EVP_DigestUpdate(context, der, length) == 1 &&
	EVP_DigestFinal_ex(context, hash, NULL) == 1;

	EVP_MD_CTX_free(context);
	OPENSSL_free(der);
	return is_done ? JA_OK : JA_CRYPTO;
}

/*
 * The SHA-256 hash that stands for the algorithm and the public key, of
 * JA_KEY_HASH_SIZE bytes; the key owns it.  Fails with JA_CRYPTO, always for a
 * secret, which must not be recognised by a fast hash.
 */
JaStatus
ja_signature_key_hash(JaKey *key, const JaAlgorithm *algorithm, const uint8 **hash)
{
	JaPrepared *prepared = prepared_for(key, algorithm);

	if (key->pkey == NULL || prepared == NULL)
		return JA_CRYPTO;
	clear_errors();
	if (!prepared->has_hash)
		prepared->has_hash = hash_key(key->pkey, algorithm, prepared->hash) == JA_OK;
	clear_errors();
	*hash = prepared->hash;
	return prepared->has_hash ? JA_OK : JA_CRYPTO;
}

/*
 * Checks a signature.  The algorithm must be one that the key permits.
 * Fails with JA_TOKEN_SIGNATURE, or JA_CRYPTO when OpenSSL itself fails.
 */
JaStatus
ja_signature_check(JaKey *key, const JaAlgorithm *algorithm,
				   JaString input, const uint8 *signature,
				   size_t signature_length)
{
	JaPrepared *prepared;
	JaStatus	status;

	if (signature_length != ja_signature_size(key, algorithm))
		return JA_TOKEN_SIGNATURE;
	prepared = prepared_for(key, algorithm);
	if (prepared == NULL)
		return JA_CRYPTO;
	clear_errors();
	status = algorithm->family->check(key, prepared, input.data, input.length, signature);
	clear_errors();
	return status;
}

/*
 * The same for a signature as WebAuthn has it, and X.509: that of ECDSA is in
 * DER (WebAuthn Level 3 section 6.5.5), any other as in a JWS.
 */
JaStatus
ja_signature_check_der(JaKey *key, const JaAlgorithm *algorithm,
					   JaString input, const uint8 *signature,
					   size_t signature_length)
{
	JaPrepared *prepared;
	JaStatus	status;

	if (algorithm->family != &ja_family_ecdsa)
		return ja_signature_check(key, algorithm, input, signature, signature_length);
	prepared = prepared_for(key, algorithm);
	if (prepared == NULL)
		return JA_CRYPTO;
	clear_errors();
	status = ja_ecdsa_check_der(key, prepared, input.data, input.length,
								signature, signature_length);
	clear_errors();
	return status;
}

/*
 * Signs.  The buffer has room for JA_MAX_SIGNATURE bytes; the key must be
 * private, and permit the algorithm.  Fails with JA_CRYPTO.
 */
JaStatus
ja_signature_make(JaKey *key, const JaAlgorithm *algorithm,
				  JaString input, uint8 *signature,
				  size_t *signature_length)
{
	JaPrepared *prepared = prepared_for(key, algorithm);
	JaStatus	status;

	if (prepared == NULL)
		return JA_CRYPTO;
	clear_errors();
	status = algorithm->family->make(key, prepared, input.data, input.length, signature);
	clear_errors();
	if (status != JA_OK)
		return status;
	*signature_length = ja_signature_size(key, algorithm);
	return JA_OK;
}
