/*-------------------------------------------------------------------------
 *
 * password_salted.c
 *	  The salted hashes of LDAP servers: {SSHA}, {SSHA256} and {SSHA512}, the
 *	  base64 of a digest of password and salt, and the salt.
 *
 * They are computed in no time: until the next login, whoever has the hash may
 * guess the password fast.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/err.h>

#include "password/password_method.h"

#define MIN_SALT 4
#define MAX_SALT 32

static JaStatus
salted_parse(JaString rest, JaParsedHash *hash)
{
	uint8		bytes[EVP_MAX_MD_SIZE + MAX_SALT];
	size_t		length;

	hash->function = hash->method->function();
	hash->digest_length = EVP_MD_get_size(hash->function);
	if (!ja_password_decode_padded(rest, bytes, sizeof(bytes), &length) ||
		length < hash->digest_length + MIN_SALT || length > hash->digest_length + MAX_SALT)
		return JA_PASSWORD_HASH_FORM;
	hash->salt_length = length - hash->digest_length;
	memcpy(hash->digest, bytes, hash->digest_length);
	memcpy(hash->salt, bytes + hash->digest_length, hash->salt_length);
	return JA_OK;
}

static JaStatus
salted_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	EVP_MD_CTX *context;
	bool		done;

	ERR_clear_error();
	context = EVP_MD_CTX_new();
	done = context != NULL &&
		EVP_DigestInit_ex(context, hash->function, NULL) == 1 &&
		EVP_DigestUpdate(context, password.data, password.length) == 1 &&
		EVP_DigestUpdate(context, hash->salt, hash->salt_length) == 1 &&
		EVP_DigestFinal_ex(context, digest, NULL) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return done ? JA_OK : JA_CRYPTO;
}

const JaPasswordFamily ja_password_family_salted = {salted_parse, salted_compute};
