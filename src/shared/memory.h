/*-------------------------------------------------------------------------
 *
 * memory.h
 *	  The memory that all backends of a server share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_MEMORY_H
#define JA_MEMORY_H

#include "storage/lwlock.h"

/* The one lightweight lock, for what is too long for a spinlock. */
extern LWLock *ja_shared_lock(void);

extern void ja_shared_memory_initialize(void);

#endif							/* JA_MEMORY_H */
