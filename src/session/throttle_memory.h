/*-------------------------------------------------------------------------
 *
 * throttle_memory.h
 *	  Failed logins whose transactions rolled back, in backend memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_THROTTLE_MEMORY_H
#define JA_THROTTLE_MEMORY_H

#include "datatype/timestamp.h"

#include "keyring/name_hash.h"

extern int	ja_throttle_memory_lost(const uint8 *name_hash, TimestampTz forget_before,
									TimestampTz *last_failure);
extern void ja_throttle_memory_add(const uint8 *name_hash, TimestampTz now);
extern void ja_throttle_memory_clear(const uint8 *name_hash);

#endif							/* JA_THROTTLE_MEMORY_H */
