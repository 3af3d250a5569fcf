/*-------------------------------------------------------------------------
 *
 * password_argon2.c
 *	  Argon2 (RFC 9106) in the PHC string form, through libargon2.
 *
 * Read are Argon2id, Argon2i and Argon2d, of version 1.3 and of version 1.0,
 * which is also meant where the text names none.  Optional key identifiers
 * and associated data are refused.  The lanes are computed one after the
 * other: a thread of the library's would take the server's signals.
 *
 * libargon2 wipes its memory before it frees it, unless told otherwise.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <argon2.h>

#include "password/password_method.h"

#define MIN_SALT 8
#define MIN_DIGEST 16
#define MAX_DIGEST 64

/* "v=19$m=65536,t=3,p=4$"; fails with JA_PASSWORD_HASH_FORM. */
static JaStatus
parse_parameters(JaString *rest, JaParsedHash *hash)
{
	hash->version = ARGON2_VERSION_10;
	if (ja_password_take(rest, "v=") &&
		!ja_password_take_number_before(rest, &hash->version, "$"))
		return JA_PASSWORD_HASH_FORM;
	if (!ja_password_take(rest, "m=") ||
		!ja_password_take_number_before(rest, &hash->memory_kib, ",t=") ||
		!ja_password_take_number_before(rest, &hash->iterations, ",p=") ||
		!ja_password_take_number_before(rest, &hash->lanes, "$"))
		return JA_PASSWORD_HASH_FORM;
	return JA_OK;
}

/* RFC 9106 section 3.1, and our bounds. */
static JaStatus
check_parameters(const JaParsedHash *hash)
{
	if (hash->version != ARGON2_VERSION_10 && hash->version != ARGON2_VERSION_13)
		return JA_PASSWORD_HASH_FORM;
	if (hash->memory_kib > JA_ARGON2_MAX_MEMORY_KIB ||
		hash->iterations > JA_ARGON2_MAX_ITERATIONS ||
		hash->lanes > JA_ARGON2_MAX_LANES ||
		hash->memory_kib * hash->iterations > JA_ARGON2_MAX_WORK_KIB)
		return JA_PASSWORD_HASH_COST;
	if (hash->iterations < ARGON2_MIN_TIME || hash->lanes < ARGON2_MIN_LANES ||
		hash->memory_kib < ARGON2_MIN_MEMORY * hash->lanes)
		return JA_PASSWORD_HASH_FORM;
	return JA_OK;
}

static JaStatus
argon2_parse(JaString rest, JaParsedHash *hash)
{
	JaStatus	status = parse_parameters(&rest, hash);
	JaString	salt;

	if (status != JA_OK)
		return status;
	status = check_parameters(hash);
	if (status != JA_OK)
		return status;
	if (!ja_password_take_field(&rest, &salt) ||
		!ja_password_decode(salt, hash->salt, sizeof(hash->salt), &hash->salt_length) ||
		!ja_password_decode(rest, hash->digest, MAX_DIGEST, &hash->digest_length) ||
		hash->salt_length < MIN_SALT || hash->digest_length < MIN_DIGEST)
		return JA_PASSWORD_HASH_FORM;
	return JA_OK;
}

static JaStatus
argon2_compute(const JaParsedHash *hash, JaString password, uint8 *digest)
{
	argon2_context context = {
		.outlen = (uint32) hash->digest_length,
		.pwd = (uint8 *) password.data,
		.pwdlen = (uint32) password.length,
		.salt = (uint8 *) hash->salt,
		.saltlen = (uint32) hash->salt_length,
		.t_cost = hash->iterations,
		.m_cost = hash->memory_kib,
		.lanes = hash->lanes,
		.threads = 1,
		.version = hash->version,
		.flags = ARGON2_DEFAULT_FLAGS
	};

	context.out = digest;
	switch (argon2_ctx(&context, (argon2_type) hash->method->variant))
	{
		case ARGON2_OK:
			return JA_OK;
		case ARGON2_MEMORY_ALLOCATION_ERROR:
			return JA_MEMORY;
		default:
			return JA_CRYPTO;
	}
}

const JaPasswordFamily ja_password_family_argon2 = {argon2_parse, argon2_compute};
