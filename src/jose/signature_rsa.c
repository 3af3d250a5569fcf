/*-------------------------------------------------------------------------
 *
 * signature_rsa.c
 *	  RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 7518 sections 3.3 and 3.5).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/rsa.h>

#include "jose/signature.h"

static size_t
rsa_size(const JaKey *key, const JaAlgorithm *algorithm pg_attribute_unused())
{
	return EVP_PKEY_get_size(key->pkey);
}

/* PSS has the hash of the message as MGF1 hash, and its size as salt length. */
static JaStatus
set_padding(EVP_PKEY_CTX *context, const JaAlgorithm *algorithm)
{
	if (algorithm->family == &ja_family_rsa)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 ?
			JA_OK : JA_CRYPTO;
	if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1 ||
		EVP_PKEY_CTX_set_rsa_mgf1_md(context, ja_digest(algorithm->digest)) != 1 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1)
		return JA_CRYPTO;
	return JA_OK;
}

static JaStatus
prepare_rsa_context(JaKey *key, JaPrepared *prepared, EVP_PKEY_CTX **context, bool for_signing)
{
	JaStatus	status;

	if (*context != NULL)
		return JA_OK;
	status = ja_signature_context(key, context, prepared->algorithm, for_signing);
	if (status != JA_OK)
		return status;
	status = set_padding(*context, prepared->algorithm);
	if (status != JA_OK)
	{
		EVP_PKEY_CTX_free(*context);
		*context = NULL;
	}
	return status;
}

static JaStatus
rsa_check(JaKey *key, JaPrepared *prepared, const void *input, size_t length,
		  const uint8 *signature)
{
	const JaAlgorithm *algorithm = prepared->algorithm;
	uint8		digest[EVP_MAX_MD_SIZE];
	JaStatus	status = prepare_rsa_context(key, prepared, &prepared->verify, false);

	if (status == JA_OK)
		status = ja_digest_compute(algorithm->digest, input, length, digest);
	if (status != JA_OK)
		return status;
	return EVP_PKEY_verify(prepared->verify, signature, rsa_size(key, algorithm),
						   digest, algorithm->digest_size) == 1 ?
		JA_OK : JA_TOKEN_SIGNATURE;
}

static JaStatus
rsa_make(JaKey *key, JaPrepared *prepared, const void *input, size_t length, uint8 *signature)
{
	const JaAlgorithm *algorithm = prepared->algorithm;
	uint8		digest[EVP_MAX_MD_SIZE];
	size_t		size = JA_MAX_SIGNATURE;
	JaStatus	status = prepare_rsa_context(key, prepared, &prepared->sign, true);

	if (status == JA_OK)
		status = ja_digest_compute(algorithm->digest, input, length, digest);
	if (status != JA_OK)
		return status;
	return EVP_PKEY_sign(prepared->sign, signature, &size,
						 digest, algorithm->digest_size) == 1 ?
		JA_OK : JA_CRYPTO;
}

const JaFamily ja_family_rsa = {rsa_size, rsa_check, rsa_make};
const JaFamily ja_family_rsa_pss = {rsa_size, rsa_check, rsa_make};
