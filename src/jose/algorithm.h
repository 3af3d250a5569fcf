/*-------------------------------------------------------------------------
 *
 * algorithm.h
 *	  The signature algorithms, one table row each (RFC 7518 section 3.1,
 *	  RFC 8037, RFC 8812, RFC 9864, and ML-DSA for JOSE).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ALGORITHM_H
#define JA_ALGORITHM_H

#include <openssl/evp.h>

#include "jose/json.h"

/* Longest signature: ML-DSA-87 (FIPS 204); RSA with 16384 bits has 2048. */
#define JA_MAX_SIGNATURE	4627

/* Longest name in the table, without the NUL. */
#define JA_MAX_ALGORITHM_NAME	9

typedef enum JaKeyKind
{
	JA_OCT,
	JA_RSA,
	JA_EC,
	JA_OKP,
	JA_AKP
} JaKeyKind;

typedef enum JaDigest
{
	JA_SHA256,
	JA_SHA384,
	JA_SHA512,
	JA_NO_DIGEST
} JaDigest;

struct JaFamily;

typedef struct JaAlgorithm
{
	const char *name;			/* value of "alg" */
	const struct JaFamily *family;
	JaKeyKind	kind;
	const char *curve;			/* the one curve or parameter set it is for,
								 * NULL: any of its kind */
	JaDigest	digest;
	size_t		digest_size;	/* bytes; 0: none */
} JaAlgorithm;

extern const JaAlgorithm *ja_algorithm_find(JaString name);
extern const JaAlgorithm *ja_algorithm_at(size_t index);
extern JaStatus ja_algorithm_available(const JaAlgorithm *algorithm);
extern const char *ja_digest_name(JaDigest digest);
extern const EVP_MD *ja_digest(JaDigest digest);
extern JaStatus ja_digest_compute(JaDigest digest, const void *data, size_t length, uint8 *out);

#endif							/* JA_ALGORITHM_H */
