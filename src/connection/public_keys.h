/*-------------------------------------------------------------------------
 *
 * public_keys.h
 *	  The file with the public keys of tokens that open connections.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PUBLIC_KEYS_H
#define JA_PUBLIC_KEYS_H

#include "jose/keyset.h"

extern bool ja_public_keys_are_configured(void);
extern bool ja_public_keys_may_hold(const JaKey *key);
extern JaStatus ja_public_keys_read(JaKeySet **keys);

#endif							/* JA_PUBLIC_KEYS_H */
