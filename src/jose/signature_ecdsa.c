/*-------------------------------------------------------------------------
 *
 * signature_ecdsa.c
 *	  ECDSA with the signature as r and s side by side (RFC 7518 section 3.4,
 *	  RFC 8812 section 3).
 *
 * OpenSSL wants DER, so r and s are converted on each use.  It refuses r and
 * s that are zero or not below the order of the curve.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/bn.h>
#include <openssl/ec.h>

#include "jose/signature.h"

/* SEQUENCE of two INTEGERs of 66 bytes with their signs and lengths. */
#define MAX_DER_SIGNATURE 160

static size_t
ecdsa_size(const JaKey *key, const JaAlgorithm *algorithm pg_attribute_unused())
{
	return key->curve->signature_size;
}

/* Writes r and s as DER; returns its length, 0 on failure. */
static size_t
write_der(const uint8 *signature, size_t half, uint8 *der)
{
	ECDSA_SIG  *pair = ECDSA_SIG_new();
	BIGNUM	   *r = BN_bin2bn(signature, (int) half, NULL);
	BIGNUM	   *s = BN_bin2bn(signature + half, (int) half, NULL);
	int			length = 0;

	if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1)
	{
		BN_free(r);
		BN_free(s);
	}
	else
		length = i2d_ECDSA_SIG(pair, &der);
	ECDSA_SIG_free(pair);
	return length > 0 ? length : 0;
}

/* Reads r and s from DER into halves of the curve's size. */
static bool
read_der(const uint8 *der, size_t length, size_t half, uint8 *signature)
{
	ECDSA_SIG  *pair = d2i_ECDSA_SIG(NULL, &der, (long) length);
	bool		read;

	read = pair != NULL &&
		BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, (int) half) == (int) half &&
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, (int) half) == (int) half;
	ECDSA_SIG_free(pair);
	return read;
}

/*
 * Checks a signature in DER, of any length: OpenSSL takes no other encoding of r
 * and s than theirs, and nothing behind it.
 */
JaStatus
ja_ecdsa_check_der(JaKey *key, JaPrepared *prepared, const void *input, size_t length,
				   const uint8 *der, size_t der_length)
{
	const JaAlgorithm *algorithm = prepared->algorithm;
	uint8		digest[EVP_MAX_MD_SIZE];
	JaStatus	status = ja_signature_context(key, &prepared->verify, algorithm, false);

	if (status == JA_OK)
		status = ja_digest_compute(algorithm->digest, input, length, digest);
	if (status != JA_OK)
		return status;
	return EVP_PKEY_verify(prepared->verify, der, der_length,
						   digest, algorithm->digest_size) == 1 ?
		JA_OK : JA_TOKEN_SIGNATURE;
}

static JaStatus
ecdsa_check(JaKey *key, JaPrepared *prepared, const void *input, size_t length,
			const uint8 *signature)
{
	uint8		der[MAX_DER_SIGNATURE];
	size_t		der_length = write_der(signature, key->curve->signature_size / 2, der);

	if (der_length == 0)
		return JA_CRYPTO;
	return ja_ecdsa_check_der(key, prepared, input, length, der, der_length);
}

static JaStatus
ecdsa_make(JaKey *key, JaPrepared *prepared, const void *input, size_t length, uint8 *signature)
{
	const JaAlgorithm *algorithm = prepared->algorithm;
	uint8		digest[EVP_MAX_MD_SIZE];
	uint8		der[MAX_DER_SIGNATURE];
	size_t		der_length = sizeof(der);
	JaStatus	status = ja_signature_context(key, &prepared->sign, algorithm, true);

	if (status == JA_OK)
		status = ja_digest_compute(algorithm->digest, input, length, digest);
	if (status != JA_OK)
		return status;
	if (EVP_PKEY_sign(prepared->sign, der, &der_length, digest, algorithm->digest_size) != 1 ||
		!read_der(der, der_length, key->curve->signature_size / 2, signature))
		return JA_CRYPTO;
	return JA_OK;
}

const JaFamily ja_family_ecdsa = {ecdsa_size, ecdsa_check, ecdsa_make};
