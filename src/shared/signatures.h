/*-------------------------------------------------------------------------
 *
 * signatures.h
 *	  Signatures that some backend found right.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SIGNATURES_H
#define JA_SIGNATURES_H

#include "jose/signature.h"

#define JA_VERIFIED_DIGEST_WORDS 4

/* What stands for "these bytes verify under this key with this algorithm". */
typedef struct JaVerifiedDigest
{
	uint64		words[JA_VERIFIED_DIGEST_WORDS];
} JaVerifiedDigest;

extern Size ja_signatures_size(void);
extern void ja_signatures_attach(void *memory, bool is_new);

extern bool ja_signatures_digest(JaKey *key, const JaAlgorithm *algorithm, JaString token,
								 JaVerifiedDigest *digest);
extern bool ja_signatures_contain(const JaVerifiedDigest *digest);
extern void ja_signatures_add(const JaVerifiedDigest *digest, uint32 expires);

#endif							/* JA_SIGNATURES_H */
