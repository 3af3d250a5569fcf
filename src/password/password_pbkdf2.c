/*-------------------------------------------------------------------------
 *
 * password_pbkdf2.c
 *	  PBKDF2 (RFC 8018 section 5.2) with HMAC, in the forms of three projects:
 *
 *	  Django	pbkdf2_sha256$iterations$salt$base64
 *	  passlib	$pbkdf2-sha256$iterations$base64$base64, where "i=" may stand
 *				before the number, and a dot for the plus sign
 *	  Werkzeug	pbkdf2:sha256:iterations$salt$hexadecimal
 *
 * Django and Werkzeug use the salt as the text that it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/err.h>

#include "password/password_method.h"

#define MIN_DIGEST 16
#define MAX_DIGEST 64

/* Longest digest of a function that is as fast as SHA-256; SHA-512 takes twice. */
#define CHEAP_DIGEST 32

/* Checks lengths and cost of a hash that was taken apart. */
JaStatus
ja_password_pbkdf2_check(const JaParsedHash *hash)
{
	size_t		size = EVP_MD_get_size(hash->function);
	size_t		blocks = (hash->digest_length + size - 1) / size;
	size_t		weight = size > CHEAP_DIGEST ? 2 : 1;

	if (hash->iterations == 0 || hash->salt_length == 0 ||
		hash->digest_length < MIN_DIGEST || hash->digest_length > MAX_DIGEST)
		return JA_PASSWORD_HASH_FORM;
	if (hash->iterations > JA_PBKDF2_MAX_ITERATIONS / (blocks * weight))
		return JA_PASSWORD_HASH_COST;
	return JA_OK;
}

JaStatus
ja_password_pbkdf2_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	int			done;

	ERR_clear_error();
	done = PKCS5_PBKDF2_HMAC(password.data, (int) password.length,
							 hash->salt, (int) hash->salt_length,
							 (int) hash->iterations, hash->function,
							 (int) hash->digest_length, digest);
	ERR_clear_error();
	return done == 1 ? JA_OK : JA_CRYPTO;
}

/* Reads iterations, a salt of text, and a digest of the function's length. */
static JaStatus
parse_pbkdf2(JaString rest, JaPasswordDecode decode, JaParsedHash *hash)
{
	hash->function = hash->method->function();
	if (!ja_password_take_number_before(&rest, &hash->iterations, "$") ||
		!ja_password_take_salt(&rest, hash) ||
		!decode(rest, hash->digest, MAX_DIGEST, &hash->digest_length) ||
		hash->digest_length != (size_t) EVP_MD_get_size(hash->function))
		return JA_PASSWORD_HASH_FORM;
	return ja_password_pbkdf2_check(hash);
}

static JaStatus
parse_django_pbkdf2(JaString rest, JaParsedHash *hash)
{
	return parse_pbkdf2(rest, ja_password_decode_padded, hash);
}

static JaStatus
parse_werkzeug_pbkdf2(JaString rest, JaParsedHash *hash)
{
	return parse_pbkdf2(rest, ja_password_decode_hex, hash);
}

/* Base64 in which a dot may stand for the plus sign, as passlib writes it. */
static bool
decode_dotted(JaString base64, uint8 *out, size_t max, size_t *length)
{
	char		plain[JA_PASSWORD_MAX_HASH];

	if (base64.length > sizeof(plain))
		return false;
	for (size_t i = 0; i < base64.length; i++)
		plain[i] = (char) (base64.data[i] == '.' ? '+' : base64.data[i]);
	return ja_password_decode((JaString) {plain, base64.length}, out, max, length);
}

static JaStatus
parse_phc_pbkdf2(JaString rest, JaParsedHash *hash)
{
	JaString	salt;

	hash->function = hash->method->function();
	(void) ja_password_take(&rest, "i=");
	if (!ja_password_take_number_before(&rest, &hash->iterations, "$") ||
		!ja_password_take_field(&rest, &salt) ||
		!decode_dotted(salt, hash->salt, JA_PASSWORD_MAX_SALT, &hash->salt_length) ||
		!decode_dotted(rest, hash->digest, MAX_DIGEST, &hash->digest_length))
		return JA_PASSWORD_HASH_FORM;
	return ja_password_pbkdf2_check(hash);
}

const JaPasswordFamily ja_password_family_pbkdf2_django = {parse_django_pbkdf2, ja_password_pbkdf2_compute};
const JaPasswordFamily ja_password_family_pbkdf2_phc = {parse_phc_pbkdf2, ja_password_pbkdf2_compute};
const JaPasswordFamily ja_password_family_pbkdf2_werkzeug = {parse_werkzeug_pbkdf2, ja_password_pbkdf2_compute};
