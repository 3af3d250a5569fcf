/*-------------------------------------------------------------------------
 *
 * key_akp.c
 *	  ML-DSA keys: JWKs of type "AKP", whose "alg" names the parameter set
 *	  and whose "priv" is the seed (ML-DSA for JOSE and COSE).
 *
 * OpenSSL has ML-DSA from 3.5 on; before, every such key is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "jose/key.h"
#include "jose/key_member.h"

#define SEED_SIZE 32
#define MAX_PUBLIC 2592

/* OpenSSL's name of the seed's parameter; older headers don't have it. */
#define PARAMETER_SEED "seed"

static const JaCurve parameter_sets[] = {
	{"ML-DSA-44", "ML-DSA-44", 1312, SEED_SIZE, 2420},
	{"ML-DSA-65", "ML-DSA-65", 1952, SEED_SIZE, 3309},
	{"ML-DSA-87", "ML-DSA-87", 2592, SEED_SIZE, 4627},
};

static const char *const openssl_names[] = {"ML-DSA-44", "ML-DSA-65", "ML-DSA-87", NULL};
static const char *const required[] = {"alg", "kty", "pub", NULL};

static JaStatus
set_parameter_set(JaKey *key, const JaAlgorithm *algorithm)
{
	for (size_t i = 0; i < lengthof(parameter_sets); i++)
	{
		if (strcmp(algorithm->name, parameter_sets[i].name) == 0)
			key->curve = &parameter_sets[i];
	}
	if (key->curve == NULL)
		return JA_KEY_ALGORITHM_MISMATCH;
	return ja_algorithm_available(algorithm);
}

static JaStatus
read_parameter_set(JaKey *key, const JsonbContainer *jwk)
{
	const JaAlgorithm *algorithm;
	JaString	name;

	if (ja_json_string(jwk, "alg", &name) != JA_PRESENT)
		return JA_KEY_MEMBER;
	algorithm = ja_algorithm_find(name);
	if (algorithm == NULL)
		return JA_KEY_ALGORITHM_UNKNOWN;
	return set_parameter_set(key, algorithm);
}

/* Builds the public key, or the pair from its seed. */
static JaStatus
build_akp(JaKey *key, const char *parameter, const uint8 *octets, size_t length)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	JaStatus	status = JA_MEMORY;

	if (builder != NULL &&
		OSSL_PARAM_BLD_push_octet_string(builder, parameter, octets, length) == 1)
		status = ja_member_build_key(key->curve->openssl_name, key->is_private,
									 builder, &key->pkey);
	OSSL_PARAM_BLD_free(builder);
	return status;
}

static JaStatus
check_akp_public(const JaKey *key, const uint8 *expected)
{
	uint8		own[MAX_PUBLIC];
	size_t		length;

	if (EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY,
										own, sizeof(own), &length) != 1 ||
		length != key->curve->coordinate_size)
		return JA_KEY_INVALID;
	return CRYPTO_memcmp(own, expected, length) == 0 ? JA_OK : JA_KEY_PAIR;
}

static JaStatus
akp_read(JaKey *key, const JsonbContainer *jwk)
{
	uint8		public[MAX_PUBLIC];
	uint8		seed[SEED_SIZE];
	JaStatus	status = read_parameter_set(key, jwk);

	if (status != JA_OK)
		return status;
	status = ja_member_exact(jwk, "pub", public, key->curve->coordinate_size);
	if (status != JA_OK)
		return status;
	key->is_private = ja_member_exists(jwk, "priv");
	if (!key->is_private)
		return build_akp(key, OSSL_PKEY_PARAM_PUB_KEY, public, key->curve->coordinate_size);
	status = ja_member_exact(jwk, "priv", seed, sizeof(seed));
	if (status == JA_OK)
		status = build_akp(key, PARAMETER_SEED, seed, sizeof(seed));
	OPENSSL_cleanse(seed, sizeof(seed));
	if (status != JA_OK)
		return status;
	return check_akp_public(key, public);
}

static JaStatus
akp_adopt(JaKey *key)
{
	for (size_t i = 0; i < lengthof(parameter_sets); i++)
	{
		if (EVP_PKEY_is_a(key->pkey, parameter_sets[i].openssl_name))
			key->curve = &parameter_sets[i];
	}
	return key->curve != NULL ? JA_OK : JA_PEM_KIND;
}

/* A private key that was read without its seed can't be written as a JWK. */
static JaStatus
akp_write(const JaKey *key, bool with_private, JaJsonState *jwk)
{
	uint8		octets[MAX_PUBLIC];
	size_t		length;

	if (EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY,
										octets, sizeof(octets), &length) != 1)
		return JA_KEY_INVALID;
	ja_member_add_octets(jwk, "pub", octets, length);
	if (!with_private)
		return JA_OK;
	if (EVP_PKEY_get_octet_string_param(key->pkey, PARAMETER_SEED,
										octets, sizeof(octets), &length) != 1)
		return JA_PEM_KIND;
	ja_member_add_octets(jwk, "priv", octets, length);
	OPENSSL_cleanse(octets, sizeof(octets));
	return JA_OK;
}

static JaStatus
akp_generate(JaKey *key, const JaAlgorithm *algorithm)
{
	JaStatus	status = set_parameter_set(key, algorithm);
	EVP_PKEY_CTX *context;

	if (status != JA_OK)
		return status;
	key->is_private = true;
	context = EVP_PKEY_CTX_new_from_name(NULL, key->curve->openssl_name, NULL);
	if (context == NULL || EVP_PKEY_keygen_init(context) != 1 ||
		EVP_PKEY_generate(context, &key->pkey) != 1)
		status = JA_CRYPTO;
	EVP_PKEY_CTX_free(context);
	return status;
}

const JaKeyType ja_key_type_akp = {
	"AKP", JA_AKP, openssl_names, required, akp_read, akp_adopt, akp_write, akp_generate
};
