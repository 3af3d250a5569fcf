/*-------------------------------------------------------------------------
 *
 * edwards.h
 *	  Whether a public key of EdDSA is a point that may be used.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_EDWARDS_H
#define JA_EDWARDS_H

#include "base/status.h"

typedef struct JaEdwards JaEdwards;

extern const JaEdwards ja_edwards_25519;
extern const JaEdwards ja_edwards_448;

extern JaStatus ja_edwards_check(const JaEdwards *curve, const uint8 *key, size_t length);

#endif							/* JA_EDWARDS_H */
