/*-------------------------------------------------------------------------
 *
 * key.h
 *	  A key ready for use, and the kinds of keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEY_H
#define JA_KEY_H

#include <openssl/evp.h>

#include "jose/algorithm.h"

/* Longest "kid" that is accepted, in bytes. */
#define JA_MAX_KID	255

/* Longest HMAC secret, in bytes. */
#define JA_MAX_SECRET	8192

/* RSA moduli, in bits, and the longest exponent. */
#define JA_MIN_RSA_BITS 2048
#define JA_MAX_RSA_BITS 16384
#define JA_MAX_RSA_EXPONENT_BITS	64

/* Most algorithms that one key permits: RS256 to PS512. */
#define JA_MAX_PREPARED 6

/* Bytes of the hash that stands for a public key and its algorithm. */
#define JA_KEY_HASH_SIZE 32

/* What "use" and "key_ops" permit. */
#define JA_MAY_SIGN		0x01
#define JA_MAY_VERIFY	0x02

struct JaKeyType;

/* The contexts of one key for one algorithm, made on first use. */
typedef struct JaPrepared
{
	const JaAlgorithm *algorithm;
	EVP_MAC_CTX *mac;
	EVP_PKEY_CTX *sign;
	EVP_PKEY_CTX *verify;
	EVP_MD_CTX *pure;
	bool		has_hash;
	uint8		hash[JA_KEY_HASH_SIZE]; /* if has_hash */
} JaPrepared;

typedef struct JaKey
{
	const struct JaKeyType *type;
	const JaAlgorithm *algorithm;	/* the one it is for; NULL: what fits */
	const struct JaCurve *curve;	/* NULL: oct and RSA */
	bool		is_private;		/* oct: always */
	bool		is_trusted;		/* its halves were checked before it was
								 * stored */
	int			operations;		/* JA_MAY_... */
	bool		has_use;		/* the JWK said "use": "sig" */
	bool		has_operations; /* the JWK had "key_ops" */
	JaString	kid;			/* data NULL: none */
	EVP_PKEY   *pkey;			/* NULL: oct */
	uint8	   *secret;			/* oct */
	size_t		secret_length;
	JaPrepared	prepared[JA_MAX_PREPARED];
	JaString	header;			/* encoded header of its JWTs; data NULL: not
								 * yet known */
	const char *header_type;	/* "typ" in that header, a constant */
	MemoryContext context;		/* owns the key */
	MemoryContextCallback cleanup;
} JaKey;

/* A curve or parameter set, by its name in a JWK. */
typedef struct JaCurve
{
	const char *name;			/* "crv", or "alg" of an AKP key */
	const char *openssl_name;
	size_t		coordinate_size;	/* bytes of x; of the whole public key for
									 * AKP */
	size_t		private_size;	/* bytes of "d"; of the seed for AKP */
	size_t		signature_size; /* bytes */
} JaCurve;

/* How keys of one "kty" are read, written and made. */
typedef struct JaKeyType
{
	const char *name;			/* "kty" */
	JaKeyKind	kind;
	const char *const *openssl_names;	/* NULL-terminated */
	const char *const *required;	/* members of the thumbprint in order (RFC
									 * 7638 section 3.2), NULL-terminated */

	/* Fills the key from the JWK's members. */
	JaStatus	(*read) (JaKey *key, const JsonbContainer *jwk);

	/* Takes over a key that OpenSSL has read; fills what is derived. */
	JaStatus	(*adopt) (JaKey *key);

	/* Adds the members of its public or private half. */
	JaStatus	(*write) (const JaKey *key, bool with_private, JaJsonState *jwk);

	/* Makes a new key for the algorithm. */
	JaStatus	(*generate) (JaKey *key, const JaAlgorithm *algorithm);
} JaKeyType;

extern const JaKeyType ja_key_type_oct;
extern const JaKeyType ja_key_type_rsa;
extern const JaKeyType ja_key_type_ec;
extern const JaKeyType ja_key_type_okp;
extern const JaKeyType ja_key_type_akp;

extern JaKey *ja_key_create(const JaKeyType *type);
extern const JaKeyType *ja_key_type_find(JaString name);
extern const JaKeyType *ja_key_type_of_kind(JaKeyKind kind);
extern bool ja_key_type_holds(const JaKeyType *type, const EVP_PKEY *pkey);
extern void ja_key_set_kid(JaKey *key, JaString kid);
extern bool ja_key_permits(const JaKey *key, const JaAlgorithm *algorithm);
extern const JaAlgorithm *ja_key_signing_algorithm(const JaKey *key);
extern JaStatus ja_key_bind(JaKey *key, const JaAlgorithm *algorithm);
extern JaStatus ja_key_check_pair(JaKey *key);

#endif							/* JA_KEY_H */
