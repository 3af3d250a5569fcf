/*-------------------------------------------------------------------------
 *
 * password_scram.c
 *	  SCRAM-SHA-256 (RFC 5802, RFC 7677) in the form of pg_authid:
 *	  SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey.
 *
 * As PostgreSQL does it, the password is prepared by SASLprep (RFC 4013), and
 * taken as it is where that is not possible.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#include "common/saslprep.h"

#include "password/password_method.h"

#define KEY_SIZE 32
#define MIN_SALT 8

/* Two keys: the stored one, then the server's. */
static JaStatus
scram_parse(JaString rest, JaParsedHash *hash)
{
	JaString	salt;
	JaString	stored;
	size_t		stored_length;
	size_t		server_length;

	hash->function = EVP_sha256();
	if (!ja_password_take_number_before(&rest, &hash->iterations, ":") ||
		!ja_password_take_field(&rest, &salt) ||
		!ja_password_take_until(&rest, ':', &stored) ||
		!ja_password_decode_padded(salt, hash->salt, JA_PASSWORD_MAX_SALT,
								   &hash->salt_length) ||
		!ja_password_decode_padded(stored, hash->digest, KEY_SIZE, &stored_length) ||
		!ja_password_decode_padded(rest, hash->digest + KEY_SIZE, KEY_SIZE, &server_length) ||
		hash->salt_length < MIN_SALT || stored_length != KEY_SIZE ||
		server_length != KEY_SIZE)
		return JA_PASSWORD_HASH_FORM;
	hash->digest_length = KEY_SIZE;
	if (ja_password_pbkdf2_check(hash) != JA_OK)
		return ja_password_pbkdf2_check(hash);
	hash->digest_length = 2 * KEY_SIZE;
	return JA_OK;
}

static bool
make_mac(const uint8 *key, const char *label, uint8 *mac)
{
	return HMAC(EVP_sha256(), key, KEY_SIZE, (const uint8 *) label, strlen(label),
				mac, NULL) != NULL;
}

/* StoredKey and ServerKey of a salted password. */
static JaStatus
make_keys(const uint8 *salted, uint8 *digest)
{
	uint8		client_key[KEY_SIZE];
	bool		done;

	ERR_clear_error();
	done = make_mac(salted, "Client Key", client_key) &&
		EVP_Digest(client_key, KEY_SIZE, digest, NULL, EVP_sha256(), NULL) == 1 &&
		make_mac(salted, "Server Key", digest + KEY_SIZE);
	ERR_clear_error();
	OPENSSL_cleanse(client_key, sizeof(client_key));
	return done ? JA_OK : JA_CRYPTO;
}

static JaStatus
compute_prepared(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	JaParsedHash derived = *hash;
	uint8		salted[KEY_SIZE];
	JaStatus	status;

	derived.digest_length = KEY_SIZE;
	status = ja_password_pbkdf2_compute(&derived, password, salted);
	if (status == JA_OK)
		status = make_keys(salted, digest);
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(&derived, sizeof(derived));
	return status;
}

static JaStatus
scram_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	char	   *prepared = NULL;
	JaStatus	status;

	if (pg_saslprep(password.data, &prepared) != SASLPREP_SUCCESS)
		return compute_prepared(hash, password, digest);
	status = compute_prepared(hash, (JaString) {prepared, strlen(prepared)}, digest);
	OPENSSL_cleanse(prepared, strlen(prepared));
	pfree(prepared);
	return status;
}

const JaPasswordFamily ja_password_family_scram = {scram_parse, scram_compute};
