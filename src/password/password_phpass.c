/*-------------------------------------------------------------------------
 *
 * password_phpass.c
 *	  The portable hashes of phpass, as WordPress and phpBB have them ($P$, $H$:
 *	  MD5), and Drupal ($S$: SHA-512).
 *
 * One character is the base 2 logarithm of the iterations, eight are the salt.
 * Each iteration hashes the digest before it and the password, so that a password
 * which is too long for the iterations matches nothing: a computation can't be
 * interrupted.  The digest stays text; that of Drupal is cut.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "password/password_method.h"

#define SALT 8
#define MIN_LOG2_ITERATIONS 7
#define MAX_ENCODED 88

/* What an iteration hashes beside the password, roughly. */
#define OTHER_BYTES 128

static const char alphabet[] =
"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool
is_encoded(JaString text)
{
	for (size_t i = 0; i < text.length; i++)
	{
		if (text.data[i] == '\0' || strchr(alphabet, text.data[i]) == NULL)
			return false;
	}
	return true;
}

/* The method's variant is the length of the digest's text. */
static JaStatus
phpass_parse(JaString rest, JaParsedHash *hash)
{
	size_t		length = (size_t) hash->method->variant;

	if (rest.length != 1 + SALT + length || !is_encoded(rest))
		return JA_PASSWORD_HASH_FORM;
	hash->function = hash->method->function();
	hash->iterations = (uint32) (strchr(alphabet, rest.data[0]) - alphabet);
	if (hash->iterations < MIN_LOG2_ITERATIONS)
		return JA_PASSWORD_HASH_FORM;
	if (hash->iterations > JA_PHPASS_MAX_LOG2_ITERATIONS)
		return JA_PASSWORD_HASH_COST;
	memcpy(hash->salt, rest.data + 1, SALT);
	hash->salt_length = SALT;
	memcpy(hash->digest, rest.data + 1 + SALT, length);
	hash->digest_length = length;
	return JA_OK;
}

/* Six bits a character, the least significant ones first. */
static void
encode(const uint8 *bytes, size_t length, char *text)
{
	for (size_t i = 0; i < length; i += 3)
	{
		uint32		group = bytes[i];

		if (i + 1 < length)
			group |= (uint32) bytes[i + 1] << 8;
		if (i + 2 < length)
			group |= (uint32) bytes[i + 2] << 16;
		for (int j = 0; j < 4; j++)
			*text++ = alphabet[group >> 6 * j & 63];
	}
}

static bool
hash_both(EVP_MD_CTX *context, const EVP_MD *function, const uint8 *first, size_t length,
		  JaString password, uint8 *digest)
{
	return EVP_DigestInit_ex(context, function, NULL) == 1 &&
		EVP_DigestUpdate(context, first, length) == 1 &&
		EVP_DigestUpdate(context, password.data, password.length) == 1 &&
		EVP_DigestFinal_ex(context, digest, NULL) == 1;
}

static bool
iterate(const JaParsedHash *hash, JaString password, uint8 *bytes)
{
	size_t		size = EVP_MD_get_size(hash->function);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool		done;

	done = context != NULL &&
		hash_both(context, hash->function, hash->salt, hash->salt_length, password, bytes);
	for (uint32 i = 0; done && i < UINT32_C(1) << hash->iterations; i++)
		done = hash_both(context, hash->function, bytes, size, password, bytes);
	EVP_MD_CTX_free(context);
	return done;
}

/* Digests are text, so that none is made of NULs. */
static JaStatus
phpass_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	size_t		affordable = (JA_PHPASS_MAX_WORK >> hash->iterations) - OTHER_BYTES;
	bool		is_affordable = password.length <= affordable;
	uint8		bytes[EVP_MAX_MD_SIZE];
	char		text[MAX_ENCODED];
	bool		done;

	password.length = Min(password.length, affordable);
	ERR_clear_error();
	done = iterate(hash, password, bytes);
	ERR_clear_error();
	if (done)
	{
		encode(bytes, EVP_MD_get_size(hash->function), text);
		memcpy(digest, text, hash->digest_length);
		if (!is_affordable)
			memset(digest, 0, hash->digest_length);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(text, sizeof(text));
	return done ? JA_OK : JA_CRYPTO;
}

const JaPasswordFamily ja_password_family_phpass = {phpass_parse, phpass_compute};
