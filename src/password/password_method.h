/*-------------------------------------------------------------------------
 *
 * password_method.h
 *	  What the kinds of password hash have in common; for password*.c only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSWORD_METHOD_H
#define JA_PASSWORD_METHOD_H

#include <openssl/evp.h>

#include "password/password.h"

/* Longest salt and digest; those of crypt(3) stay text. */
#define JA_PASSWORD_MAX_SALT 64
#define JA_PASSWORD_MAX_DIGEST 96

/* Most bytes that a base64 text of a hash may stand for. */
#define JA_PASSWORD_MAX_DECODED 160

/* The key by which Firebase makes digests of one project differ. */
#define JA_PASSWORD_MAX_SIGNER_KEY 64

typedef struct JaPasswordMethod JaPasswordMethod;

/*
 * A hash taken apart, its cost within the bounds of password.h.  For crypt(3)
 * the setting is the text without the digest, and the digest stays text.
 */
typedef struct JaParsedHash
{
	const JaPasswordMethod *method;
	const EVP_MD *function;		/* the hash function of PBKDF2 and others */
	uint32		memory_kib;		/* Argon2 */
	uint32		iterations;		/* or rounds, or the base 2 logarithm */
	uint32		lanes;			/* Argon2, and scrypt's parallelism */
	uint32		block_size;		/* scrypt */
	uint32		version;		/* Argon2 */
	uint8		salt[JA_PASSWORD_MAX_SALT];
	size_t		salt_length;
	uint8		digest[JA_PASSWORD_MAX_DIGEST];
	size_t		digest_length;
	uint8		signer_key[JA_PASSWORD_MAX_SIGNER_KEY]; /* Firebase */
	char		setting[JA_PASSWORD_MAX_HASH + 1];	/* crypt(3) */
} JaParsedHash;

typedef struct JaPasswordFamily
{
	/*
	 * Reads what follows the prefix, or all where that is part of a number,
	 * and checks cost and lengths.  Fails with JA_PASSWORD_HASH_FORM or
	 * JA_PASSWORD_HASH_COST, without a prefix also with
	 * JA_PASSWORD_HASH_KIND.
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
	const EVP_MD *(*function) (void);	/* NULL: the family knows */
	bool		keeps_prefix;	/* it is part of what is to be read */
	bool		is_of_normal_form;	/* made of the password in NFKC */
};

/* Variants of bcrypt: of the password, or of a hash of it. */
enum
{
	JA_BCRYPT_PLAIN,
	JA_BCRYPT_SHA256,
	JA_BCRYPT_WORDPRESS
};

extern const JaPasswordFamily ja_password_family_argon2;
extern const JaPasswordFamily ja_password_family_aspnet;
extern const JaPasswordFamily ja_password_family_bcrypt;
extern const JaPasswordFamily ja_password_family_firebase;
extern const JaPasswordFamily ja_password_family_pbkdf2_django;
extern const JaPasswordFamily ja_password_family_pbkdf2_phc;
extern const JaPasswordFamily ja_password_family_pbkdf2_werkzeug;
extern const JaPasswordFamily ja_password_family_phpass;
extern const JaPasswordFamily ja_password_family_salted;
extern const JaPasswordFamily ja_password_family_scram;
extern const JaPasswordFamily ja_password_family_scrypt_better_auth;
extern const JaPasswordFamily ja_password_family_scrypt_django;
extern const JaPasswordFamily ja_password_family_scrypt_phc;
extern const JaPasswordFamily ja_password_family_scrypt_werkzeug;
extern const JaPasswordFamily ja_password_family_sha_crypt;
extern const JaPasswordFamily ja_password_family_yescrypt;

extern JaStatus ja_password_parse(JaString text, JaParsedHash *hash);
extern const JaPasswordMethod *ja_password_own_method(void);

/* Reading a hash from its start; each step advances rest on success. */
extern bool ja_password_take(JaString *rest, const char *literal);
extern bool ja_password_take_number(JaString *rest, uint32 *number);
extern bool ja_password_take_number_before(JaString *rest, uint32 *number, const char *literal);
extern bool ja_password_take_field(JaString *rest, JaString *field);
extern bool ja_password_take_until(JaString *rest, char end, JaString *field);

/* A salt that is used as the text that it is. */
extern bool ja_password_keep_salt(JaString text, JaParsedHash *hash);
extern bool ja_password_take_salt(JaString *rest, JaParsedHash *hash);

/* Base64 without padding (RFC 4648 section 4), as the PHC form has it. */
typedef bool (*JaPasswordDecode) (JaString text, uint8 *out, size_t max, size_t *length);

extern bool ja_password_decode(JaString base64, uint8 *out, size_t max, size_t *length);
extern bool ja_password_decode_padded(JaString base64, uint8 *out, size_t max, size_t *length);
extern bool ja_password_decode_hex(JaString hex, uint8 *out, size_t max, size_t *length);
extern char *ja_password_encode(const uint8 *bytes, size_t length, char *out);

/* Shared by families; each fails as JaPasswordFamily says. */
extern JaStatus ja_password_pbkdf2_check(const JaParsedHash *hash);
extern JaStatus ja_password_pbkdf2_compute(const JaParsedHash *hash, JaString password,
										   uint8 *digest);
extern JaStatus ja_password_scrypt_check(const JaParsedHash *hash);
extern JaStatus ja_password_scrypt_derive(const JaParsedHash *hash, JaString password,
										  uint8 *out, size_t length);

#endif							/* JA_PASSWORD_METHOD_H */
