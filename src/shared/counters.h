/*-------------------------------------------------------------------------
 *
 * counters.h
 *	  What happened in each database since the server started.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_COUNTERS_H
#define JA_COUNTERS_H

#include "datatype/timestamp.h"
#include "port/atomics.h"

/* counters.c names them for the view. */
typedef enum JaCounter
{
	JA_COUNT_TOKENS_REMEMBERED,
	JA_COUNT_TOKENS_SHARED,
	JA_COUNT_TOKENS_NEW,
	JA_COUNT_DENIED_MALFORMED,
	JA_COUNT_DENIED_KEY,
	JA_COUNT_DENIED_SIGNATURE,
	JA_COUNT_DENIED_ISSUER,
	JA_COUNT_DENIED_AUDIENCE,
	JA_COUNT_DENIED_TIME,
	JA_COUNT_DENIED_EXPIRED,
	JA_COUNT_DENIED_SESSION_UNKNOWN,
	JA_COUNT_DENIED_REVOKED,
	JA_COUNT_DENIED_USE,
	JA_COUNT_LOGINS,
	JA_COUNT_ATTEMPTS_DENIED,
	JA_COUNT_ATTEMPTS_THROTTLED,
	JA_COUNT_ATTEMPTS_UNDONE,
	JA_COUNT_REFRESHES,
	JA_COUNT_REFRESHES_REPEATED,
	JA_COUNT_REFRESHES_DENIED,
	JA_COUNT_REFRESHES_REPLAYED,
	JA_COUNT_MESSAGES,
	JA_COUNT_PASSWORD_HASHES,
	JA_COUNT_PASSWORD_HASH_MICROSECONDS,
	JA_COUNT_PASSWORD_HASH_WAITS,
	JA_COUNT_PASSWORD_HASH_WAIT_MICROSECONDS,
	JA_COUNT_PASSWORD_HASHES_REFUSED,
	JA_COUNT_WORKER_VISITS,
	JA_COUNT_WORKER_FAILURES,
	JA_COUNT_ROWS_PURGED,
	JA_COUNT_KEY_FETCHES,
	JA_COUNT_KEY_FETCHES_FAILED,
	JA_COUNTERS
} JaCounter;

/* The counters of a database, or of all that have no place of their own. */
typedef struct JaDatabaseCounters
{
	Oid			database;		/* InvalidOid: the latter */
	TimestampTz since;
	uint64		values[JA_COUNTERS];
} JaDatabaseCounters;

extern Size ja_counters_size(void);
extern void ja_counters_attach(void *memory, bool is_new);

/* This backend's counters, which nobody else writes; NULL: not yet claimed. */
extern pg_atomic_uint64 *ja_counters_own;

extern bool ja_counters_claim(void);
extern const char *ja_counter_name(JaCounter counter);
extern int	ja_counters_read(JaDatabaseCounters **databases);
extern void ja_counters_reset(void);

/* Adds to a counter; costs some nanoseconds, and nothing is shared otherwise. */
static inline void
ja_count_many(JaCounter counter, uint64 number)
{
	pg_atomic_uint64 *own;

	if (unlikely(ja_counters_own == NULL) && !ja_counters_claim())
		return;
	own = &ja_counters_own[counter];
	pg_atomic_write_u64(own, pg_atomic_read_u64(own) + number);
}

static inline void
ja_count(JaCounter counter)
{
	ja_count_many(counter, 1);
}

#endif							/* JA_COUNTERS_H */
