/*-------------------------------------------------------------------------
 *
 * key_oct.h
 *	  HMAC secrets that arrive as bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEY_OCT_H
#define JA_KEY_OCT_H

#include "jose/key.h"

extern JaStatus ja_key_oct_set(JaKey *key, const uint8 *secret, size_t length);

#endif							/* JA_KEY_OCT_H */
