/*-------------------------------------------------------------------------
 *
 * cose_key.h
 *	  Public keys as authenticators write them (RFC 9052 section 7, RFC 9053).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_COSE_KEY_H
#define JA_COSE_KEY_H

#include "jose/key.h"

extern JaStatus ja_cose_key_read(JaString bytes, JaKey **key);
extern int64 ja_cose_number(const char *name);
extern bool ja_cose_has_algorithm(const JaAlgorithm *algorithm);

#endif							/* JA_COSE_KEY_H */
