/*-------------------------------------------------------------------------
 *
 * password_method.h
 *	  What the kinds of password hash have in common; for password*.c only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSWORD_METHOD_H
#define JA_PASSWORD_METHOD_H

#include "password/password.h"

/* Longest salt and digest; those of crypt(3) stay text. */
#define JA_PASSWORD_MAX_SALT 64
#define JA_PASSWORD_MAX_DIGEST 96

typedef struct JaPasswordMethod JaPasswordMethod;

/*
 * A hash taken apart, its cost within the bounds of password.h.  For crypt(3)
 * the setting is the text without the digest, and the digest stays text.
 */
typedef struct JaParsedHash
{
	const JaPasswordMethod *method;
	uint32		memory_kib;		/* Argon2 */
	uint32		iterations;		/* or rounds, or the base 2 logarithm */
	uint32		lanes;			/* Argon2 */
	uint32		version;		/* Argon2 */
	uint8		salt[JA_PASSWORD_MAX_SALT];
	size_t		salt_length;
	uint8		digest[JA_PASSWORD_MAX_DIGEST];
	size_t		digest_length;
	char		setting[JA_PASSWORD_MAX_HASH + 1];	/* crypt(3) */
} JaParsedHash;

typedef struct JaPasswordFamily
{
	/*
	 * Reads what follows the prefix, and checks cost and lengths.  Fails with
	 * JA_PASSWORD_HASH_FORM or JA_PASSWORD_HASH_COST.
	 */
	JaStatus	(*parse) (JaString rest, JaParsedHash *hash);

	/*
	 * Computes digest_length bytes from a password, which a NUL follows, with
	 * the hash's salt and cost.  For a password that the algorithm has no
	 * room for it does the same work, and writes a digest that no hash has.
	 * Fails with JA_CRYPTO or JA_MEMORY, and holds no foreign memory then.
	 */
	JaStatus	(*compute) (const JaParsedHash *hash, JaString password, uint8 *digest);
} JaPasswordFamily;

struct JaPasswordMethod
{
	const char *prefix;
	const JaPasswordFamily *family;
	int			variant;		/* the family's own */
	size_t		significant_bytes;	/* how much of a password counts; 0: all */
};

extern const JaPasswordFamily ja_password_family_argon2;
extern const JaPasswordFamily ja_password_family_bcrypt;
extern const JaPasswordFamily ja_password_family_pbkdf2;
extern const JaPasswordFamily ja_password_family_sha_crypt;
extern const JaPasswordFamily ja_password_family_yescrypt;

/* Reading a hash from its start; each step advances rest on success. */
extern bool ja_password_take(JaString *rest, const char *literal);
extern bool ja_password_take_number(JaString *rest, uint32 *number);
extern bool ja_password_take_field(JaString *rest, JaString *field);

/* Base64 without padding (RFC 4648 section 4), as the PHC form has it. */
extern bool ja_password_decode(JaString base64, uint8 *out, size_t max, size_t *length);
extern char *ja_password_encode(const uint8 *bytes, size_t length, char *out);

#endif							/* JA_PASSWORD_METHOD_H */
