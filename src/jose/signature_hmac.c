/*-------------------------------------------------------------------------
 *
 * signature_hmac.c
 *	  HMAC with SHA-2 (RFC 7518 section 3.2).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/secret.h"
#include "jose/signature.h"

static size_t
hmac_size(const JaKey *key pg_attribute_unused(), const JaAlgorithm *algorithm)
{
	return algorithm->digest_size;
}

/* Makes a context that holds the key, and so can be restarted cheaply. */
static EVP_MAC_CTX *
create_keyed_context(const JaKey *key, JaDigest digest)
{
	static EVP_MAC *hmac = NULL;
	OSSL_PARAM	parameters[2];
	EVP_MAC_CTX *context;

	if (hmac == NULL)
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (hmac == NULL)
		return NULL;
	context = EVP_MAC_CTX_new(hmac);
	parameters[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
													 (char *) ja_digest_name(digest), 0);
	parameters[1] = OSSL_PARAM_construct_end();
	if (context != NULL &&
		EVP_MAC_init(context, key->secret, key->secret_length, parameters) != 1)
	{
		EVP_MAC_CTX_free(context);
		return NULL;
	}
	return context;
}

static JaStatus
hmac_make(JaKey *key, JaPrepared *prepared, const void *input, size_t length, uint8 *signature)
{
	size_t		size;

	if (prepared->mac == NULL)
		prepared->mac = create_keyed_context(key, prepared->algorithm->digest);
	if (prepared->mac == NULL ||
		EVP_MAC_init(prepared->mac, NULL, 0, NULL) != 1 ||
		EVP_MAC_update(prepared->mac, input, length) != 1 ||
		EVP_MAC_final(prepared->mac, signature, &size, EVP_MAX_MD_SIZE) != 1 ||
		size != prepared->algorithm->digest_size)
		return JA_CRYPTO;
	return JA_OK;
}

static JaStatus
hmac_check(JaKey *key, JaPrepared *prepared, const void *input, size_t length,
		   const uint8 *signature)
{
	uint8		expected[EVP_MAX_MD_SIZE];
	size_t		size = prepared->algorithm->digest_size;
	JaStatus	status = hmac_make(key, prepared, input, length, expected);

	if (status == JA_OK && !ja_secret_equals(expected, size, signature, size))
		status = JA_TOKEN_SIGNATURE;
	OPENSSL_cleanse(expected, sizeof(expected));
	return status;
}

const JaFamily ja_family_hmac = {hmac_size, hmac_check, hmac_make};
