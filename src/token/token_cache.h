/*-------------------------------------------------------------------------
 *
 * token_cache.h
 *	  Verified tokens that the backend remembers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TOKEN_CACHE_H
#define JA_TOKEN_CACHE_H

#include "token/verified.h"

/* If the remembered tokens would take more bytes, they are all forgotten. */
#define JA_TOKEN_CACHE_BYTES (1024 * 1024)

extern JaVerified *ja_token_cache_find(JaString token);
extern const JaVerified *ja_token_cache_keep(JaString token, const JaVerified *verified);
extern void ja_token_cache_drop(JaVerified *verified);

#endif							/* JA_TOKEN_CACHE_H */
