/*-------------------------------------------------------------------------
 *
 * password.h
 *	  Passwords and their hashes: prepare, hash, verify, compare costs.
 *
 * New hashes are Argon2id of the password in NFKC.  Hashes that were imported
 * from elsewhere are verified against the password as it was typed, in UTF-8
 * but not normalised, since that is what they were made of.  A text does not
 * tell where it came from, so that is kept beside it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSWORD_H
#define JA_PASSWORD_H

#include "base/status.h"
#include "base/unicode.h"

/* Longest password in bytes: as it comes, as UTF-8, and normalised. */
#define JA_PASSWORD_MAX_BYTES JA_UNICODE_MAX_BYTES

/* Longest text of a hash that is looked at, in bytes. */
#define JA_PASSWORD_MAX_HASH 320

/* Room for the text of a new hash, with NUL. */
#define JA_PASSWORD_HASH_ROOM 128

/*
 * Most work that a hash may ask for, checked before any is done.  Nothing
 * can interrupt it: a hash at one of these bounds takes a core up to two
 * seconds, with the longest password, too.
 */
#define JA_ARGON2_MAX_MEMORY_KIB (256 * 1024)
#define JA_ARGON2_MAX_ITERATIONS 64
#define JA_ARGON2_MAX_LANES 16
#define JA_ARGON2_MAX_WORK_KIB (2 * 1024 * 1024)	/* memory by iterations */
#define JA_BCRYPT_MAX_COST 15
#define JA_SHA_CRYPT_MAX_ROUNDS 1000000
#define JA_YESCRYPT_MAX_MEMORY_KIB (256 * 1024)
#define JA_SHA_CRYPT_MAX_WORK 160000000 /* rounds by bytes of the password and
										 * 64 */
#define JA_PBKDF2_MAX_ITERATIONS 5000000	/* by blocks of the digest; of
											 * SHA-512, each counts twice */
#define JA_SCRYPT_MAX_MEMORY_KIB (256 * 1024)
#define JA_SCRYPT_MAX_WORK_KIB (512 * 1024) /* memory by parallelism */
#define JA_PHPASS_MAX_LOG2_ITERATIONS 20
#define JA_PHPASS_MAX_WORK 400000000	/* as that of SHA-crypt */

/* What new hashes cost. */
typedef struct JaPasswordPolicy
{
	uint32		memory_kib;
	uint32		iterations;
} JaPasswordPolicy;

/* The text of a hash as it is stored. */
typedef struct JaPasswordHash
{
	JaString	text;
	bool		is_imported;	/* made elsewhere, of the password as typed */
} JaPasswordHash;

/* A password; wiped with the memory context that it lives in. */
typedef struct JaPassword
{
	int			characters;		/* of the normal form */
	bool		is_assigned;	/* Unicode assigns all of its characters */
	JaString	typed;			/* UTF-8 as it came; NUL-terminated */
	JaString	normal;			/* UTF-8 in NFKC; NUL-terminated */
	char		typed_bytes[JA_UNICODE_CONVERSION_ROOM];
	char		normal_bytes[JA_UNICODE_ROOM];
} JaPassword;

extern JaStatus ja_password_prepare(JaString text, JaPassword **password);
extern JaStatus ja_password_check_new(const JaPassword *password, int min_characters);
extern void ja_password_forget(JaPassword *password);

extern JaStatus ja_password_hash(const JaPassword *password, const JaPasswordPolicy *policy,
								 char *hash);
extern JaStatus ja_password_verify(const JaPassword *password, const JaPasswordHash *hash,
								   bool *matches);
extern JaStatus ja_password_check_format(JaString hash);
extern bool ja_password_needs_rehash(const JaPassword *password, const JaPasswordHash *hash,
									 const JaPasswordPolicy *policy);

extern JaStatus ja_password_dummy_verify(const JaPassword *password, const JaPasswordHash *hash);
extern JaStatus ja_password_dummy_hash(const JaPassword *password,
									   const JaPasswordPolicy *policy);

#endif							/* JA_PASSWORD_H */
