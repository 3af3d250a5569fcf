/*-------------------------------------------------------------------------
 *
 * throttle.h
 *	  Waits after failed logins.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_THROTTLE_H
#define JA_THROTTLE_H

#include "keyring/name_hash.h"

typedef struct JaThrottle
{
	uint8		name_hash[JA_NAME_HASH_SIZE];
	int			retry_after_seconds;	/* 0: go ahead */
	int			undone;			/* failures that memory counts */
	bool		has_row;		/* the table counts failures */
	bool		is_busy;		/* another attempt did not end in time */
	bool		starts_wait;	/* set by a failure after which one waits */
} JaThrottle;

extern void ja_throttle_initialize(void);
extern void ja_throttle_enter(const void *canonical_name, size_t length, JaThrottle *throttle);
extern bool ja_throttle_may_report(const JaThrottle *throttle);
extern void ja_throttle_failed(JaThrottle *throttle);
extern void ja_throttle_succeeded(JaThrottle *throttle);
extern int64 ja_throttle_purge(int64 max_rows);
extern void ja_throttle_clear(const void *canonical_name, size_t length);

#endif							/* JA_THROTTLE_H */
