/*-------------------------------------------------------------------------
 *
 * password_crypt.c
 *	  Hashes of crypt(3): bcrypt ($2a$, $2b$, $2y$), SHA-crypt ($5$, $6$) and
 *	  yescrypt ($y$).
 *
 * bcrypt looks at the first 72 bytes of a password only.  That is what made
 * an imported hash, so that a longer password matches it if those bytes do, and
 * then the hash is not replaced: the rest may be mistyped.  A NUL, which would end a password
 * early, never gets here.  The other two take 511 bytes in libcrypt, SHA-crypt
 * fewer where the rounds are many, and a longer password matches none of their
 * hashes: a computation can't be interrupted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <crypt.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#include "base/secret.h"
#include "password/password_method.h"

#define BCRYPT_MAX_PASSWORD 72
#define BCRYPT_MIN_COST 4
#define BCRYPT_SALT 22
#define BCRYPT_DIGEST 31

#define SHA_CRYPT_DEFAULT_ROUNDS 5000
#define SHA_CRYPT_MIN_ROUNDS 1000
#define SHA_CRYPT_MAX_SALT 16

/* What a round hashes beside the password, roughly. */
#define SHA_CRYPT_OTHER_BYTES 64

/* Longest text that bcrypt gets in place of a password, with NUL. */
#define PREHASH_ROOM (2 * EVP_MAX_MD_SIZE + 1)

#define YESCRYPT_MIN_LOG2_N 10
#define YESCRYPT_MAX_LOG2_N 20
#define YESCRYPT_MIN_R 8
#define YESCRYPT_MAX_R 32
#define YESCRYPT_MAX_SALT 86
#define YESCRYPT_DIGEST 43

static const char alphabet[] =
"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const char bcrypt_alphabet[] =
"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* The value of a character, or -1. */
static int
value_of(char character, const char *characters)
{
	const char *found = character != '\0' ? strchr(characters, character) : NULL;

	return found != NULL ? (int) (found - characters) : -1;
}

static bool
is_written_in(JaString text, const char *characters)
{
	for (size_t i = 0; i < text.length; i++)
	{
		if (value_of(text.data[i], characters) < 0)
			return false;
	}
	return true;
}

/*
 * True if the text encodes whole bytes, least significant bits first: no bit
 * of its last character may lie beyond them.
 */
static bool
encodes_bytes(JaString text)
{
	static const int limits[] = {64, 0, 4, 16};

	return text.length > 0 && is_written_in(text, alphabet) &&
		value_of(text.data[text.length - 1], alphabet) < limits[text.length % 4];
}

/* The last part of a prefix is crypt(3)'s own. */
static const char *
crypt_prefix(const JaPasswordMethod *method)
{
	const char *prefix = method->prefix;

	for (const char *at = prefix; *at != '\0'; at++)
	{
		if (at[0] == '$' && at[1] != '\0' && at[1] != '$')
			prefix = at;
	}
	return prefix;
}

/* Keeps the digest, which ends the whole text, and the setting before it. */
static void
keep_text(JaString rest, size_t digest_length, JaParsedHash *hash)
{
	size_t		setting_length = rest.length - digest_length;

	snprintf(hash->setting, sizeof(hash->setting), "%s%.*s", crypt_prefix(hash->method),
			 (int) setting_length, rest.data);
	memcpy(hash->digest, rest.data + setting_length, digest_length);
	hash->digest_length = digest_length;
}

/* Computes with the first limit bytes of the password. */
static JaStatus
compute_prefix(const JaParsedHash *hash, JaString password, size_t limit, uint8 *digest)
{
	struct crypt_data data;
	char		prefix[CRYPT_MAX_PASSPHRASE_SIZE];
	size_t		length = Min(password.length, limit);
	const char *output;
	JaStatus	status = JA_CRYPTO;

	memset(&data, 0, sizeof(data));
	memcpy(prefix, password.data, length);
	prefix[length] = '\0';
	output = crypt_r(prefix, hash->setting, &data);
	if (output != NULL && output[0] != '*' && strlen(output) > hash->digest_length)
	{
		memcpy(digest, output + strlen(output) - hash->digest_length, hash->digest_length);
		status = JA_OK;
	}
	OPENSSL_cleanse(prefix, sizeof(prefix));
	OPENSSL_cleanse(&data, sizeof(data));
	return status;
}

/*
 * Computes with the first limit bytes; a longer password matches nothing.
 * Digests are text, so that none is made of NULs.
 */
static JaStatus
compute_within(const JaParsedHash *hash, JaString password, size_t limit, uint8 *digest)
{
	JaStatus	status = compute_prefix(hash, password, limit, digest);

	if (status == JA_OK && password.length > limit)
		memset(digest, 0, hash->digest_length);
	return status;
}

static JaStatus
yescrypt_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	return compute_within(hash, password, CRYPT_MAX_PASSPHRASE_SIZE - 1, digest);
}

/* Each round hashes the password, so that its length counts as the rounds do. */
static JaStatus
sha_crypt_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	size_t		affordable = JA_SHA_CRYPT_MAX_WORK / hash->iterations - SHA_CRYPT_OTHER_BYTES;

	return compute_within(hash, password, Min(affordable, CRYPT_MAX_PASSPHRASE_SIZE - 1),
						  digest);
}

/* Django's bcrypt_sha256: bcrypt of the SHA-256 in hexadecimal digits. */
static bool
prehash_sha256(JaString password, char *text)
{
	static const char digits[] = "0123456789abcdef";
	uint8		hash[EVP_MAX_MD_SIZE];
	unsigned int length;

	if (EVP_Digest(password.data, password.length, hash, &length, EVP_sha256(), NULL) != 1)
		return false;
	for (unsigned int i = 0; i < length; i++)
	{
		*text++ = digits[hash[i] >> 4];
		*text++ = digits[hash[i] & 15];
	}
	*text = '\0';
	OPENSSL_cleanse(hash, sizeof(hash));
	return true;
}

/* WordPress: bcrypt of an HMAC-SHA-384 in base64. */
static bool
prehash_wordpress(JaString password, char *text)
{
	static const char key[] = "wp-sha384";
	uint8		hash[EVP_MAX_MD_SIZE];
	unsigned int length;

	if (HMAC(EVP_sha384(), key, (int) strlen(key), (const uint8 *) password.data,
			 password.length, hash, &length) == NULL)
		return false;
	(void) ja_password_encode(hash, length, text);
	OPENSSL_cleanse(hash, sizeof(hash));
	return true;
}

static bool (*const prehashes[]) (JaString password, char *text) =
{
	[JA_BCRYPT_SHA256] = prehash_sha256,
		[JA_BCRYPT_WORDPRESS] = prehash_wordpress
};

static JaStatus
bcrypt_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	int			variant = hash->method->variant;
	char		text[PREHASH_ROOM];
	JaStatus	status = JA_CRYPTO;

	if (variant == JA_BCRYPT_PLAIN)
		return compute_prefix(hash, password, BCRYPT_MAX_PASSWORD, digest);
	ERR_clear_error();
	if (prehashes[variant] (password, text))
		status = compute_prefix(hash, (JaString) {text, strlen(text)},
								BCRYPT_MAX_PASSWORD, digest);
	ERR_clear_error();
	OPENSSL_cleanse(text, sizeof(text));
	return status;
}

/*
 * "10$", salt and digest.  Some programs leave stray bits in the salt's last
 * character, which bcrypt passes over; the digest has none.
 */
static JaStatus
bcrypt_parse(JaString rest, JaParsedHash *hash)
{
	JaString	whole = rest;
	JaString	cost;

	if (!ja_password_take_field(&rest, &cost) || cost.length != 2 ||
		cost.data[0] < '0' || cost.data[0] > '9' ||
		cost.data[1] < '0' || cost.data[1] > '9' ||
		rest.length != BCRYPT_SALT + BCRYPT_DIGEST ||
		!is_written_in(rest, bcrypt_alphabet) ||
		(value_of(rest.data[rest.length - 1], bcrypt_alphabet) & 3) != 0)
		return JA_PASSWORD_HASH_FORM;
	hash->iterations = (cost.data[0] - '0') * 10 + (cost.data[1] - '0');
	if (hash->iterations > JA_BCRYPT_MAX_COST)
		return JA_PASSWORD_HASH_COST;
	if (hash->iterations < BCRYPT_MIN_COST)
		return JA_PASSWORD_HASH_FORM;
	keep_text(whole, BCRYPT_DIGEST, hash);
	return JA_OK;
}

/* "rounds=N$", or nothing for the default, then salt and digest. */
static JaStatus
sha_crypt_parse(JaString rest, JaParsedHash *hash)
{
	JaString	whole = rest;
	JaString	salt;

	hash->iterations = SHA_CRYPT_DEFAULT_ROUNDS;
	if (ja_password_take(&rest, "rounds=") &&
		!ja_password_take_number_before(&rest, &hash->iterations, "$"))
		return JA_PASSWORD_HASH_FORM;
	if (!ja_password_take_field(&rest, &salt) ||
		salt.length > SHA_CRYPT_MAX_SALT || !is_written_in(salt, alphabet) ||
		rest.length != (size_t) hash->method->variant || !encodes_bytes(rest) ||
		hash->iterations < SHA_CRYPT_MIN_ROUNDS)
		return JA_PASSWORD_HASH_FORM;
	if (hash->iterations > JA_SHA_CRYPT_MAX_ROUNDS)
		return JA_PASSWORD_HASH_COST;
	hash->salt_length = salt.length;
	keep_text(whole, rest.length, hash);
	return JA_OK;
}

/*
 * "j9T$", salt and digest: the standard flavor, the base 2 logarithm of N
 * minus 1, and r minus 1, each one character as long as they are below 48.
 * Other flavors and further parameters, which crypt(3) never makes, are
 * refused.  The memory is 128 N r bytes.
 */
static JaStatus
yescrypt_parse(JaString rest, JaParsedHash *hash)
{
	JaString	whole = rest;
	JaString	parameters;
	JaString	salt;
	int			log2_n;
	int			r;

	if (!ja_password_take_field(&rest, &parameters) ||
		!ja_password_take_field(&rest, &salt) ||
		parameters.length != 3 || parameters.data[0] != 'j' ||
		salt.length > YESCRYPT_MAX_SALT || !encodes_bytes(salt) ||
		rest.length != YESCRYPT_DIGEST || !encodes_bytes(rest))
		return JA_PASSWORD_HASH_FORM;
	log2_n = value_of(parameters.data[1], alphabet) + 1;
	r = value_of(parameters.data[2], alphabet) + 1;
	if (log2_n < YESCRYPT_MIN_LOG2_N || r < YESCRYPT_MIN_R)
		return JA_PASSWORD_HASH_FORM;
	if (log2_n > YESCRYPT_MAX_LOG2_N || r > YESCRYPT_MAX_R ||
		(1 << log2_n) / 8 * r > JA_YESCRYPT_MAX_MEMORY_KIB)
		return JA_PASSWORD_HASH_COST;
	keep_text(whole, rest.length, hash);
	return JA_OK;
}

const JaPasswordFamily ja_password_family_bcrypt = {bcrypt_parse, bcrypt_compute};
const JaPasswordFamily ja_password_family_sha_crypt = {sha_crypt_parse, sha_crypt_compute};
const JaPasswordFamily ja_password_family_yescrypt = {yescrypt_parse, yescrypt_compute};
