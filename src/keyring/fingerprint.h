/*-------------------------------------------------------------------------
 *
 * fingerprint.h
 *	  What a key is recognised by when it is imported again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_FINGERPRINT_H
#define JA_FINGERPRINT_H

#include "jose/jwk.h"

extern JaStatus ja_fingerprint_make(const JaKey *key, char *fingerprint);

#endif							/* JA_FINGERPRINT_H */
