/*-------------------------------------------------------------------------
 *
 * key_rsa.h
 *	  What only RSA keys have.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEY_RSA_H
#define JA_KEY_RSA_H

#include "jose/key.h"

extern bool ja_key_rsa_has_factors(const JaKey *key);

#endif							/* JA_KEY_RSA_H */
