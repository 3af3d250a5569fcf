/*-------------------------------------------------------------------------
 *
 * password_scrypt.c
 *	  scrypt (RFC 7914), in the forms of four projects:
 *
 *	  Django		scrypt$N$salt$r$p$base64
 *	  Werkzeug		scrypt:N:r:p$salt$hexadecimal
 *	  PHC, passlib	$scrypt$ln=16,r=8,p=1$base64$base64
 *	  better-auth	salt:digest, both hexadecimal, with N = 16384, r = 16, p = 1
 *
 * All but the third use the salt as the text that it is.  The memory is
 * 128 N r bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/err.h>

#include "password/password_method.h"
#include "port/pg_bitutils.h"

#define MIN_DIGEST 16
#define MAX_DIGEST 64
#define MAX_LOG2_N 24
#define MAX_BLOCK_SIZE 32
#define MAX_LANES 16

#define BETTER_AUTH_SALT 32
#define BETTER_AUTH_DIGEST 64

/*
 * iterations is the base 2 logarithm of N, which the block size limits, too (RFC
 * 7914 section 2).
 */
JaStatus
ja_password_scrypt_check(const JaParsedHash *hash)
{
	uint64		memory_kib;

	if (hash->iterations == 0 || hash->block_size == 0 || hash->lanes == 0 ||
		hash->salt_length == 0 || hash->iterations / 16 >= hash->block_size)
		return JA_PASSWORD_HASH_FORM;
	if (hash->iterations > MAX_LOG2_N || hash->block_size > MAX_BLOCK_SIZE ||
		hash->lanes > MAX_LANES)
		return JA_PASSWORD_HASH_COST;
	memory_kib = (UINT64CONST(1) << hash->iterations) * hash->block_size / 8;
	if (memory_kib > JA_SCRYPT_MAX_MEMORY_KIB ||
		memory_kib * hash->lanes > JA_SCRYPT_MAX_WORK_KIB)
		return JA_PASSWORD_HASH_COST;
	return JA_OK;
}

JaStatus
ja_password_scrypt_derive(const JaParsedHash *hash, JaString password, uint8 *out, size_t length)
{
	uint64		memory = 2 * (uint64) JA_SCRYPT_MAX_MEMORY_KIB * 1024;
	int			done;

	ERR_clear_error();
	done = EVP_PBE_scrypt(password.data, password.length, hash->salt, hash->salt_length,
						  UINT64CONST(1) << hash->iterations, hash->block_size, hash->lanes,
						  memory, out, length);
	ERR_clear_error();
	return done == 1 ? JA_OK : JA_CRYPTO;
}

static JaStatus
scrypt_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	return ja_password_scrypt_derive(hash, password, digest, hash->digest_length);
}

/* Takes N, a power of two. */
static bool
take_n(JaString *rest, JaParsedHash *hash)
{
	uint32		n;

	if (!ja_password_take_number(rest, &n) || n < 2)
		return false;
	hash->iterations = pg_leftmost_one_pos32(n);
	if (n == PG_UINT32_MAX)
		hash->iterations = MAX_LOG2_N + 1;
	return n == PG_UINT32_MAX || (n & (n - 1)) == 0;
}

/* Reads a digest, which comes last, and checks the hash. */
static JaStatus
parse_scrypt_digest(JaString rest, JaPasswordDecode decode, JaParsedHash *hash)
{
	if (!decode(rest, hash->digest, MAX_DIGEST, &hash->digest_length) ||
		hash->digest_length < MIN_DIGEST)
		return JA_PASSWORD_HASH_FORM;
	return ja_password_scrypt_check(hash);
}

static JaStatus
parse_django_scrypt(JaString rest, JaParsedHash *hash)
{
	if (!take_n(&rest, hash) || !ja_password_take(&rest, "$") ||
		!ja_password_take_salt(&rest, hash) ||
		!ja_password_take_number_before(&rest, &hash->block_size, "$") ||
		!ja_password_take_number_before(&rest, &hash->lanes, "$"))
		return JA_PASSWORD_HASH_FORM;
	return parse_scrypt_digest(rest, ja_password_decode_padded, hash);
}

static JaStatus
parse_werkzeug_scrypt(JaString rest, JaParsedHash *hash)
{
	if (!take_n(&rest, hash) || !ja_password_take(&rest, ":") ||
		!ja_password_take_number_before(&rest, &hash->block_size, ":") ||
		!ja_password_take_number_before(&rest, &hash->lanes, "$") ||
		!ja_password_take_salt(&rest, hash))
		return JA_PASSWORD_HASH_FORM;
	return parse_scrypt_digest(rest, ja_password_decode_hex, hash);
}

static JaStatus
parse_phc_scrypt(JaString rest, JaParsedHash *hash)
{
	JaString	salt;

	if (!ja_password_take(&rest, "ln=") ||
		!ja_password_take_number_before(&rest, &hash->iterations, ",r=") ||
		!ja_password_take_number_before(&rest, &hash->block_size, ",p=") ||
		!ja_password_take_number_before(&rest, &hash->lanes, "$") ||
		!ja_password_take_field(&rest, &salt) ||
		!ja_password_decode(salt, hash->salt, JA_PASSWORD_MAX_SALT, &hash->salt_length))
		return JA_PASSWORD_HASH_FORM;
	return parse_scrypt_digest(rest, ja_password_decode, hash);
}

/* There is no prefix: the shape alone tells the kind. */
static JaStatus
better_auth_parse(JaString text, JaParsedHash *hash)
{
	JaString	salt;
	uint8		bytes[BETTER_AUTH_SALT / 2];
	size_t		length;

	if (!ja_password_take_until(&text, ':', &salt) || salt.length != BETTER_AUTH_SALT ||
		!ja_password_decode_hex(salt, bytes, sizeof(bytes), &length) ||
		!ja_password_keep_salt(salt, hash) ||
		!ja_password_decode_hex(text, hash->digest, MAX_DIGEST, &hash->digest_length) ||
		hash->digest_length != BETTER_AUTH_DIGEST)
		return JA_PASSWORD_HASH_KIND;
	hash->iterations = 14;
	hash->block_size = 16;
	hash->lanes = 1;
	return JA_OK;
}

const JaPasswordFamily ja_password_family_scrypt_better_auth = {better_auth_parse, scrypt_compute};
const JaPasswordFamily ja_password_family_scrypt_django = {parse_django_scrypt, scrypt_compute};
const JaPasswordFamily ja_password_family_scrypt_phc = {parse_phc_scrypt, scrypt_compute};
const JaPasswordFamily ja_password_family_scrypt_werkzeug = {parse_werkzeug_scrypt, scrypt_compute};
