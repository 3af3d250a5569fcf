/*-------------------------------------------------------------------------
 *
 * password_pbkdf2.c
 *	  PBKDF2 with HMAC-SHA-256 (RFC 8018 section 5.2), as Django writes it:
 *	  pbkdf2_sha256$iterations$salt$base64.
 *
 * The salt is used as the text that it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "password/password_method.h"

#define DIGEST_SIZE 32

/* Printable ASCII; the dollar sign ended the field. */
static bool
is_salt(JaString text)
{
	for (size_t i = 0; i < text.length; i++)
	{
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	}
	return text.length > 0 && text.length <= JA_PASSWORD_MAX_SALT;
}

static JaStatus
pbkdf2_parse(JaString rest, JaParsedHash *hash)
{
	JaString	salt;

	if (!ja_password_take_number(&rest, &hash->iterations) ||
		!ja_password_take(&rest, "$") ||
		!ja_password_take_field(&rest, &salt) || !is_salt(salt))
		return JA_PASSWORD_HASH_FORM;
	if (hash->iterations > JA_PBKDF2_MAX_ITERATIONS)
		return JA_PASSWORD_HASH_COST;
	memcpy(hash->salt, salt.data, salt.length);
	hash->salt_length = salt.length;

	/* 32 bytes are 43 characters and one of padding. */
	if (rest.length == 0 || rest.data[rest.length - 1] != '=')
		return JA_PASSWORD_HASH_FORM;
	rest.length--;
	if (!ja_password_decode(rest, hash->digest, DIGEST_SIZE, &hash->digest_length) ||
		hash->digest_length != DIGEST_SIZE || hash->iterations == 0)
		return JA_PASSWORD_HASH_FORM;
	return JA_OK;
}

static JaStatus
pbkdf2_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	int			done;

	ERR_clear_error();
	done = PKCS5_PBKDF2_HMAC(password.data, (int) password.length,
							 hash->salt, (int) hash->salt_length,
							 (int) hash->iterations, EVP_sha256(),
							 DIGEST_SIZE, digest);
	ERR_clear_error();
	return done == 1 ? JA_OK : JA_CRYPTO;
}

const JaPasswordFamily ja_password_family_pbkdf2 = {
	pbkdf2_parse, pbkdf2_compute
};
