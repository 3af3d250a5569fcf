/*-------------------------------------------------------------------------
 *
 * password.c
 *	  Password hashes: make, verify, check, and do the same work in vain.
 *
 * An operator controls the texts of imported hashes, and with them the work
 * of each login: texts are read strictly, and costs are compared with the
 * bounds in password.h each time before they are used, since a row may have
 * been written behind our back.  A client controls the password.
 *
 * A hash is computed once per call, and digests are compared in constant
 * time.  Nothing here allocates from a memory context, and what the
 * libraries allocate they free before they return, so that no error can leak
 * it.  A computation can't be interrupted.  What computes one first takes one
 * of the server's slots for it: the wait for that can be interrupted, and no
 * secret is on the stack yet.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <argon2.h>

#include "base/secret.h"
#include "password/password_method.h"
#include "shared/hash_slots.h"

/* What new hashes have (RFC 9106 section 4). */
#define SALT_SIZE 16
#define DIGEST_SIZE 32

static void
apply_policy(const JaPasswordPolicy *policy, JaParsedHash *hash)
{
	memset(hash, 0, sizeof(*hash));
	hash->method = ja_password_own_method();
	hash->memory_kib = policy->memory_kib;
	hash->iterations = policy->iterations;
	hash->lanes = 1;
	hash->version = ARGON2_VERSION_13;
	hash->salt_length = SALT_SIZE;
	hash->digest_length = DIGEST_SIZE;
}

/*
 * Hashes a password of our own into JA_PASSWORD_HASH_ROOM bytes with NUL.
 * Fails with JA_PASSWORD_HASH_COST for a policy beyond the bounds, else with
 * JA_PASSWORD_BUSY, JA_CRYPTO or JA_MEMORY.
 */
JaStatus
ja_password_hash(const JaPassword *password, const JaPasswordPolicy *policy, char *hash)
{
	JaParsedHash made;
	uint8		digest[JA_PASSWORD_MAX_DIGEST];
	char		text[JA_PASSWORD_HASH_ROOM];
	char	   *end;
	JaStatus	status;

	if (policy->memory_kib > JA_ARGON2_MAX_MEMORY_KIB ||
		policy->iterations > JA_ARGON2_MAX_ITERATIONS ||
		policy->memory_kib * policy->iterations > JA_ARGON2_MAX_WORK_KIB)
		return JA_PASSWORD_HASH_COST;
	if (!ja_hash_slot_take())
		return JA_PASSWORD_BUSY;
	apply_policy(policy, &made);
	status = ja_secret_random(made.salt, made.salt_length);
	if (status == JA_OK)
		status = made.method->family->compute(&made, password->normal, digest);
	ja_hash_slot_release();
	if (status != JA_OK)
		return status;
	end = text + snprintf(text, sizeof(text), "%sv=%u$m=%u,t=%u,p=%u$", made.method->prefix,
						  made.version, made.memory_kib, made.iterations, made.lanes);
	end = ja_password_encode(made.salt, made.salt_length, end);
	*end++ = '$';
	end = ja_password_encode(digest, made.digest_length, end);
	memcpy(hash, text, end - text + 1);
	OPENSSL_cleanse(digest, sizeof(digest));
	OPENSSL_cleanse(text, sizeof(text));
	return JA_OK;
}

/* Computes what the password's digest would be. */
static JaStatus
compute(const JaPassword *password, bool is_imported, const JaParsedHash *hash, uint8 *digest)
{
	bool		is_of_typed = is_imported && !hash->method->is_of_normal_form;

	return hash->method->family->compute(hash,
										 is_of_typed ? password->typed : password->normal,
										 digest);
}

/*
 * Whether the password is the one of the hash.  Fails, before any work, with
 * JA_PASSWORD_HASH_... for a text that ja_password_check_format() refuses;
 * else with JA_PASSWORD_BUSY, JA_CRYPTO or JA_MEMORY.
 */
JaStatus
ja_password_verify(const JaPassword *password, const JaPasswordHash *hash, bool *matches)
{
	JaParsedHash stored;
	uint8		digest[JA_PASSWORD_MAX_DIGEST];
	JaStatus	status;

	if (!ja_hash_slot_take())
		return JA_PASSWORD_BUSY;
	status = ja_password_parse(hash->text, &stored);
	if (status == JA_OK)
		status = compute(password, hash->is_imported, &stored, digest);
	ja_hash_slot_release();
	if (status == JA_OK)
		*matches = ja_secret_equals(digest, stored.digest_length,
									stored.digest, stored.digest_length);
	OPENSSL_cleanse(digest, sizeof(digest));
	OPENSSL_cleanse(&stored, sizeof(stored));
	return status;
}

/*
 * Whether a hash can be imported and verified.  Fails with
 * JA_PASSWORD_HASH_KIND for other kinds, among them plain text, MD5 and DES,
 * JA_PASSWORD_HASH_FORM or JA_PASSWORD_HASH_COST.
 */
JaStatus
ja_password_check_format(JaString hash)
{
	JaParsedHash parsed;

	return ja_password_parse(hash, &parsed);
}

/* Whether all of the password was compared with the hash. */
static bool
counts_whole(const JaPassword *password, const JaParsedHash *hash)
{
	size_t		significant = hash->method->significant_bytes;

	return significant == 0 || password->typed.length <= significant;
}

/* Whether a hash costs what the policy asks for. */
static bool
follows_policy(const JaParsedHash *hash, const JaPasswordPolicy *policy)
{
	JaParsedHash wanted;

	apply_policy(policy, &wanted);
	return hash->method == wanted.method &&
		hash->memory_kib == wanted.memory_kib &&
		hash->iterations == wanted.iterations &&
		hash->lanes == wanted.lanes &&
		hash->version == wanted.version &&
		hash->salt_length == wanted.salt_length &&
		hash->digest_length == wanted.digest_length;
}

/*
 * Whether the hash of a password that was found right should give way to a new
 * one: unless it is what the policy would make, or some of what was typed did
 * not count, which may be mistyped, and would become part of the password.
 */
bool
ja_password_needs_rehash(const JaPassword *password, const JaPasswordHash *hash,
						 const JaPasswordPolicy *policy)
{
	JaParsedHash stored;

	return ja_password_parse(hash->text, &stored) == JA_OK && counts_whole(password, &stored) &&
		(hash->is_imported || !follows_policy(&stored, policy));
}

/*
 * Does the work of verifying a hash, for a name that has none, and forgets what
 * comes of it.  Fails as ja_password_verify() does.
 */
JaStatus
ja_password_dummy_verify(const JaPassword *password, const JaPasswordHash *hash)
{
	bool		matches;

	return ja_password_verify(password, hash, &matches);
}

/* The same for a hash that the policy would make. */
JaStatus
ja_password_dummy_hash(const JaPassword *password, const JaPasswordPolicy *policy)
{
	JaParsedHash hash;
	uint8		digest[JA_PASSWORD_MAX_DIGEST];
	JaStatus	status;

	if (!ja_hash_slot_take())
		return JA_PASSWORD_BUSY;
	apply_policy(policy, &hash);
	status = compute(password, false, &hash, digest);
	ja_hash_slot_release();
	OPENSSL_cleanse(digest, sizeof(digest));
	return status;
}
