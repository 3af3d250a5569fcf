/*-------------------------------------------------------------------------
 *
 * key_cache.h
 *	  Keys that callers hand in, read once per backend.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEY_CACHE_H
#define JA_KEY_CACHE_H

#include "jose/keyset.h"

/* Most key sets that are kept, and most bytes of jsonb that they came from. */
#define JA_CACHED_KEYSETS		16
#define JA_CACHED_KEYSET_BYTES	JA_MAX_KEYSET_SIZE

extern JaStatus ja_key_cache_get(const Jsonb *json, JaKeySet **set);

#endif							/* JA_KEY_CACHE_H */
