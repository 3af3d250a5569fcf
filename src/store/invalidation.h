/*-------------------------------------------------------------------------
 *
 * invalidation.h
 *	  Tells every backend, on standbys too, that keys or revocations changed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_INVALIDATION_H
#define JA_INVALIDATION_H

typedef enum JaInvalidation
{
	JA_INVALIDATION_KEYS,
	JA_INVALIDATION_REVOCATIONS,

	JA_INVALIDATION_COUNT
} JaInvalidation;

/* How often each has reached this backend; read only. */
extern uint64 ja_invalidation_counters[JA_INVALIDATION_COUNT];

extern void ja_invalidation_initialize(void);
extern void ja_invalidate(JaInvalidation what);
extern void ja_invalidation_watch(void);

#endif							/* JA_INVALIDATION_H */
