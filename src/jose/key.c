/*-------------------------------------------------------------------------
 *
 * key.c
 *	  A key ready for use: who owns it, which algorithms it permits.
 *
 * A key lives in the memory context that was current when it was created.
 * Its reset callback is registered while all OpenSSL pointers are still
 * NULL; from then on an error anywhere frees them and wipes the secret.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "base/secret.h"
#include "jose/key.h"
#include "jose/signature.h"

static const JaKeyType *const key_types[] = {
	&ja_key_type_oct,
	&ja_key_type_rsa,
	&ja_key_type_ec,
	&ja_key_type_okp,
	&ja_key_type_akp,
};

static void
free_key(void *argument)
{
	JaKey	   *key = argument;

	for (int i = 0; i < JA_MAX_PREPARED; i++)
	{
		EVP_MAC_CTX_free(key->prepared[i].mac);
		EVP_PKEY_CTX_free(key->prepared[i].sign);
		EVP_PKEY_CTX_free(key->prepared[i].verify);
		EVP_MD_CTX_free(key->prepared[i].pure);
	}
	EVP_PKEY_free(key->pkey);
	if (key->secret != NULL)
		OPENSSL_cleanse(key->secret, key->secret_length);
}

/*
 * Creates an empty key in the current memory context, which owns it.
 */
JaKey *
ja_key_create(const JaKeyType *type)
{
	JaKey	   *key = palloc0(sizeof(JaKey));

	key->type = type;
	key->context = CurrentMemoryContext;
	key->operations = JA_MAY_SIGN | JA_MAY_VERIFY;
	key->cleanup.func = free_key;
	key->cleanup.arg = key;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &key->cleanup);
	return key;
}

/* The type with exactly this "kty", or NULL. */
const JaKeyType *
ja_key_type_find(JaString name)
{
	for (size_t i = 0; i < lengthof(key_types); i++)
	{
		if (ja_string_is(name, key_types[i]->name))
			return key_types[i];
	}
	return NULL;
}

const JaKeyType *
ja_key_type_of_kind(JaKeyKind kind)
{
	Assert(key_types[kind]->kind == kind);
	return key_types[kind];
}

/* Whether a key that OpenSSL has read is of this type. */
bool
ja_key_type_holds(const JaKeyType *type, const EVP_PKEY *pkey)
{
	for (const char *const *name = type->openssl_names; *name != NULL; name++)
	{
		if (EVP_PKEY_is_a(pkey, *name))
			return true;
	}
	return false;
}

/* Copies the kid into the current memory context. */
void
ja_key_set_kid(JaKey *key, JaString kid)
{
	key->kid.data = pnstrdup(kid.data, kid.length);
	key->kid.length = kid.length;
}

/* Whether type, curve and length of the key are those of the algorithm. */
static bool
fits(const JaKey *key, const JaAlgorithm *algorithm)
{
	if (key->type->kind != algorithm->kind)
		return false;
	if (algorithm->curve != NULL && strcmp(algorithm->curve, key->curve->name) != 0)
		return false;
	return algorithm->kind != JA_OCT || key->secret_length >= algorithm->digest_size;
}

/* A key decides its algorithm; without one it permits those that fit. */
bool
ja_key_permits(const JaKey *key, const JaAlgorithm *algorithm)
{
	if (key->algorithm != NULL)
		return key->algorithm == algorithm;
	return fits(key, algorithm);
}

/* The algorithm to sign with: its own, or the first that it permits. */
const JaAlgorithm *
ja_key_signing_algorithm(const JaKey *key)
{
	const JaAlgorithm *algorithm = key->algorithm;

	for (size_t i = 0; algorithm == NULL; i++)
	{
		const JaAlgorithm *row = ja_algorithm_at(i);

		if (row == NULL)
			return NULL;
		if (fits(key, row))
			algorithm = row;
	}
	return algorithm;
}

/*
 * Binds the key to one algorithm.  Fails with JA_KEY_SECRET_SHORT or
 * JA_KEY_ALGORITHM_MISMATCH.
 */
JaStatus
ja_key_bind(JaKey *key, const JaAlgorithm *algorithm)
{
	if (!fits(key, algorithm))
		return key->type->kind == JA_OCT && algorithm->kind == JA_OCT ?
			JA_KEY_SECRET_SHORT : JA_KEY_ALGORITHM_MISMATCH;
	key->algorithm = algorithm;
	return JA_OK;
}

/*
 * Signs and verifies once, which fails for a private half that is not the
 * public one's, whatever the type.
 */
JaStatus
ja_key_check_pair(JaKey *key)
{
	static const char text[] = "jwt_auth pairwise consistency test";
	const JaString probe = {text, sizeof(text)};
	const JaAlgorithm *algorithm = ja_key_signing_algorithm(key);
	uint8		signature[JA_MAX_SIGNATURE];
	size_t		length;

	if (algorithm == NULL ||
		ja_signature_make(key, algorithm, probe, signature, &length) != JA_OK ||
		ja_signature_check(key, algorithm, probe, signature, length) != JA_OK)
		return JA_KEY_PAIR;
	return JA_OK;
}
