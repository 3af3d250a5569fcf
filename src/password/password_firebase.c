/*-------------------------------------------------------------------------
 *
 * password_firebase.c
 *	  Firebase's scrypt: a key is derived from the password, and encrypts the
 *	  project's signer key with AES-256 in counter mode; that is the digest.
 *
 * An export holds salt and digest of each user, and the parameters of the
 * project beside them.  The form that GoTrue gave them is read:
 * $fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=...$salt$digest, where n is the memory
 * cost, r are the rounds, ss is the salt separator and sk the signer key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "password/password_method.h"

#define KEY_SIZE 32
#define MIN_DIGEST 16

static bool
take_parameters(JaString *rest, JaParsedHash *hash)
{
	return ja_password_take(rest, "v=1,n=") &&
		ja_password_take_number_before(rest, &hash->iterations, ",r=") &&
		ja_password_take_number_before(rest, &hash->block_size, ",p=") &&
		ja_password_take_number(rest, &hash->lanes);
}

/* The separator follows the salt, and both are salt to scrypt. */
static bool
keep_salt(JaString salt, JaString separator, JaParsedHash *hash)
{
	size_t		length;

	if (!ja_password_decode_padded(salt, hash->salt, JA_PASSWORD_MAX_SALT,
								   &hash->salt_length) ||
		!ja_password_decode_padded(separator, hash->salt + hash->salt_length,
								   JA_PASSWORD_MAX_SALT - hash->salt_length, &length))
		return false;
	hash->salt_length += length;
	return true;
}

static JaStatus
firebase_parse(JaString rest, JaParsedHash *hash)
{
	JaString	separator;
	JaString	signer_key;
	JaString	salt;
	size_t		key_length;

	if (!take_parameters(&rest, hash) || !ja_password_take(&rest, ",ss=") ||
		!ja_password_take_until(&rest, ',', &separator) || !ja_password_take(&rest, "sk=") ||
		!ja_password_take_field(&rest, &signer_key) || !ja_password_take_field(&rest, &salt) ||
		salt.length == 0 || !keep_salt(salt, separator, hash) ||
		!ja_password_decode_padded(signer_key, hash->signer_key, sizeof(hash->signer_key),
								   &key_length) ||
		!ja_password_decode_padded(rest, hash->digest, sizeof(hash->signer_key),
								   &hash->digest_length) ||
		hash->digest_length != key_length || key_length < MIN_DIGEST)
		return JA_PASSWORD_HASH_FORM;
	return ja_password_scrypt_check(hash);
}

static JaStatus
encrypt_signer_key(const JaParsedHash *hash, const uint8 *key, uint8 *digest)
{
	static const uint8 zeros[16] = {0};
	EVP_CIPHER_CTX *context;
	int			length;
	bool		done;

	ERR_clear_error();
	context = EVP_CIPHER_CTX_new();
	done = context != NULL &&
		EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), NULL, key, zeros) == 1 &&
		EVP_EncryptUpdate(context, digest, &length, hash->signer_key,
						  (int) hash->digest_length) == 1;
	EVP_CIPHER_CTX_free(context);
	ERR_clear_error();
	return done ? JA_OK : JA_CRYPTO;
}

static JaStatus
firebase_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	uint8		key[KEY_SIZE];
	JaStatus	status = ja_password_scrypt_derive(hash, password, key, sizeof(key));

	if (status == JA_OK)
		status = encrypt_signer_key(hash, key, digest);
	OPENSSL_cleanse(key, sizeof(key));
	return status;
}

const JaPasswordFamily ja_password_family_firebase = {firebase_parse, firebase_compute};
