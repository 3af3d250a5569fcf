/*-------------------------------------------------------------------------
 *
 * rsa_pss.c
 *	  RSA keys for RSASSA-PSS alone (RFC 4055 section 1.2 and 3.1).
 *
 * Such a key may bind the hash, the hash of MGF1 and the least length of the
 * salt.  A JWK has no place for that, so it is judged once, when the key is
 * read: the algorithm must be the one that the parameters permit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/core_names.h>
#include <openssl/x509.h>

#include "jose/rsa_pss.h"
#include "jose/signature.h"

/* Room for OpenSSL's name of a digest. */
#define MAX_DIGEST_NAME 64

/* What a key binds.  OpenSSL leaves out a digest that is the default, SHA-1. */
typedef struct Parameters
{
	bool		are_present;
	char		digest[MAX_DIGEST_NAME];
	char		mgf1_digest[MAX_DIGEST_NAME];
	int			salt_length;
} Parameters;

/* Whether OpenSSL has read the key as one for RSASSA-PSS alone. */
bool
ja_rsa_pss_is(const EVP_PKEY *pkey)
{
	return EVP_PKEY_is_a(pkey, "RSA-PSS");
}

/* Reads what the key binds; OpenSSL tells the salt's length if anything is. */
static bool
get_parameters(const EVP_PKEY *pkey, Parameters *found)
{
	OSSL_PARAM	wanted[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_RSA_DIGEST,
										 found->digest, sizeof(found->digest)),
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_RSA_MGF1_DIGEST,
										 found->mgf1_digest, sizeof(found->mgf1_digest)),
		OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &found->salt_length),
		OSSL_PARAM_construct_end()
	};

	if (EVP_PKEY_get_params(pkey, wanted) != 1)
		return false;
	found->are_present = OSSL_PARAM_modified(&wanted[0]) ||
		OSSL_PARAM_modified(&wanted[1]) || OSSL_PARAM_modified(&wanted[2]);
	return true;
}

/*
 * Whether the trailer is the only one there is (RFC 4055 section 3.1): OpenSSL
 * reads a key with another one, does not tell, and does not write it.
 */
static bool
has_usual_trailer(const EVP_PKEY *pkey)
{
	return i2d_PUBKEY(pkey, NULL) > 0;
}

static bool
permits(const Parameters *parameters, JaDigest digest, size_t digest_size)
{
	const EVP_MD *md = ja_digest(digest);

	return md != NULL &&
		EVP_MD_is_a(md, parameters->digest) &&
		EVP_MD_is_a(md, parameters->mgf1_digest) &&
		parameters->salt_length >= 0 && (size_t) parameters->salt_length <= digest_size;
}

/*
 * Whether the key may be used with the algorithm, whose salt is as long as its
 * hash (RFC 7518 section 3.5).  Fails with JA_KEY_PSS_... that names the one to
 * use, or with JA_KEY_PSS_PARAMETERS if there is none.
 */
JaStatus
ja_rsa_pss_check(const EVP_PKEY *pkey, const JaAlgorithm *algorithm)
{
	static const struct
	{
		JaDigest	digest;
		size_t		size;
		JaStatus	advice;
	}			choices[] = {
		{JA_SHA256, 32, JA_KEY_PSS_SHA256},
		{JA_SHA384, 48, JA_KEY_PSS_SHA384},
		{JA_SHA512, 64, JA_KEY_PSS_SHA512},
	};
	bool		is_pss = algorithm->family == &ja_family_rsa_pss;
	Parameters	parameters = {0};

	if (!get_parameters(pkey, &parameters))
		return JA_CRYPTO;
	if (!has_usual_trailer(pkey))
		return JA_KEY_PSS_PARAMETERS;
	if (!parameters.are_present)
		return is_pss ? JA_OK : JA_KEY_PSS_ANY;
	for (size_t i = 0; i < lengthof(choices); i++)
	{
		if (permits(&parameters, choices[i].digest, choices[i].size))
			return is_pss && algorithm->digest == choices[i].digest ?
				JA_OK : choices[i].advice;
	}
	return JA_KEY_PSS_PARAMETERS;
}
