/*-------------------------------------------------------------------------
 *
 * secret.h
 *	  Bytes that must not leak: compare in constant time, wipe, generate.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SECRET_H
#define JA_SECRET_H

#include <openssl/crypto.h>

#include "base/status.h"

/* True if both are the same bytes; the time depends on the lengths only. */
static inline bool
ja_secret_equals(const void *a, size_t a_length, const void *b, size_t b_length)
{
	return a_length == b_length && CRYPTO_memcmp(a, b, a_length) == 0;
}

extern JaStatus ja_secret_random(void *out, size_t length);
extern void ja_secret_wipe_on_reset(MemoryContext context, void *data, size_t length);

#endif							/* JA_SECRET_H */
