/*-------------------------------------------------------------------------
 *
 * password_aspnet.c
 *	  Hashes of ASP.NET Identity: PBKDF2 in a structure of bytes, as base64.
 *
 * Version 2 is a zero byte, 16 bytes of salt and 32 of digest, made with
 * HMAC-SHA-1 and 1000 iterations.  Version 3 is a byte of one, then the hash
 * function, the iterations and the length of the salt, each in four bytes with
 * the most significant one first, then salt and digest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "password/password_method.h"

#define V2_SALT 16
#define V2_DIGEST 32
#define V2_ITERATIONS 1000
#define V3_HEADER 13
#define V3_MIN_SALT 8

static uint32
read_integer(const uint8 *bytes)
{
	uint32		value;

	memcpy(&value, bytes, sizeof(value));
	return pg_ntoh32(value);
}

static void
keep(const uint8 *salt, size_t salt_length, size_t digest_length, JaParsedHash *hash)
{
	memcpy(hash->salt, salt, salt_length);
	hash->salt_length = salt_length;
	memcpy(hash->digest, salt + salt_length, digest_length);
	hash->digest_length = digest_length;
}

static JaStatus
parse_v2(const uint8 *bytes, size_t length, JaParsedHash *hash)
{
	if (length != 1 + V2_SALT + V2_DIGEST)
		return JA_PASSWORD_HASH_FORM;
	hash->function = EVP_sha1();
	hash->iterations = V2_ITERATIONS;
	keep(bytes + 1, V2_SALT, V2_DIGEST, hash);
	return JA_OK;
}

static JaStatus
parse_v3(const uint8 *bytes, size_t length, JaParsedHash *hash)
{
	const EVP_MD *const functions[] = {EVP_sha1(), EVP_sha256(), EVP_sha512()};
	uint32		function;
	uint32		salt_length;

	if (length < V3_HEADER)
		return JA_PASSWORD_HASH_FORM;
	function = read_integer(bytes + 1);
	hash->iterations = read_integer(bytes + 5);
	salt_length = read_integer(bytes + 9);
	if (function >= lengthof(functions) || salt_length < V3_MIN_SALT ||
		salt_length > JA_PASSWORD_MAX_SALT || salt_length > length - V3_HEADER ||
		length - V3_HEADER - salt_length > JA_PASSWORD_MAX_DIGEST)
		return JA_PASSWORD_HASH_FORM;
	hash->function = functions[function];
	keep(bytes + V3_HEADER, salt_length, length - V3_HEADER - salt_length, hash);
	return JA_OK;
}

static JaStatus
aspnet_parse(JaString text, JaParsedHash *hash)
{
	uint8		bytes[JA_PASSWORD_MAX_DECODED];
	size_t		length;
	JaStatus	status;

	if (!ja_password_decode_padded(text, bytes, sizeof(bytes), &length) || length == 0 ||
		bytes[0] > 1)
		return JA_PASSWORD_HASH_FORM;
	status = bytes[0] == 0 ? parse_v2(bytes, length, hash) : parse_v3(bytes, length, hash);
	if (status != JA_OK)
		return status;
	return ja_password_pbkdf2_check(hash);
}

const JaPasswordFamily ja_password_family_aspnet = {aspnet_parse, ja_password_pbkdf2_compute};
