/*-------------------------------------------------------------------------
 *
 * name_hash.h
 *	  Keyed hashes of names, which tell nothing to who reads the tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_NAME_HASH_H
#define JA_NAME_HASH_H

#include "base/status.h"

#define JA_NAME_HASH_SIZE 32

/* What a hash is for, so that one can't stand for another; throttle.c has more. */
#define JA_NAME_HASH_STAND_IN	"jwt_auth stand-in"

extern void ja_name_hash_make(const char *purpose, const void *name, size_t length, uint8 *hash);

#endif							/* JA_NAME_HASH_H */
