/*-------------------------------------------------------------------------
 *
 * throttle.c
 *	  Waits after failed logins.
 *
 * Known and unknown names are throttled alike, each by a keyed hash of its
 * canonical form.  From a number of failures on, each further attempt must
 * wait, for one second and then twice as long each time, up to 15 minutes.
 * An attempt during the wait is neither hashed, nor counted, nor written.
 *
 * Attempts on one name are serialised by attempt_lock.c.  Whoever changes a
 * name's row has its lock: to wait for the row would be to wait without limit.
 * The lock also makes the row safe to read and write as it is now, whatever the
 * transaction's snapshot shows: under an older one, failures would be missed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/error.h"
#include "base/settings.h"
#include "session/attempt_lock.h"
#include "session/throttle.h"
#include "session/undone_attempts.h"
#include "store/plan.h"
#include "store/scan.h"

/* Dead rows that a failure looks at, and deletes. */
#define DEAD_CANDIDATES 8
#define DEAD_DELETED	2

/* The same for a batch of a purge: each takes a place in PostgreSQL's table of locks. */
#define PURGE_CANDIDATES 500

#define MAX_WAIT_SECONDS (15 * 60)
#define LIFE_SECONDS	(60 * 60)

static JaPlan count_failure = {
	.sql = "INSERT INTO jwt_auth.login_throttle AS t (name_hash, failures, last_failure_at)"
	" VALUES ($1, 1, $2) ON CONFLICT (name_hash) DO UPDATE SET"
	" failures = CASE WHEN t.last_failure_at OPERATOR(pg_catalog.<) $3 THEN 1"
	" ELSE pg_catalog.int4pl(t.failures, 1) END,"
	" last_failure_at = EXCLUDED.last_failure_at RETURNING failures"
};

static JaPlan delete_dead = {
	.sql = "DELETE FROM jwt_auth.login_throttle WHERE name_hash OPERATOR(pg_catalog.=) $1"
	" AND last_failure_at OPERATOR(pg_catalog.<) $2"
};

static JaPlan delete_name = {
	.sql = "DELETE FROM jwt_auth.login_throttle WHERE name_hash OPERATOR(pg_catalog.=) $1"
};

/* Registers the callbacks; once per backend. */
void
ja_throttle_initialize(void)
{
	ja_attempt_lock_initialize();
	ja_undone_attempts_initialize();
}

/*
 * Whether an attempt on a busy name is the only one that may report it, until
 * its transaction ends.
 */
bool
ja_throttle_may_report(const JaThrottle *throttle)
{
	return ja_attempt_lock_may_report(throttle->name_hash);
}

/* Failures that the table counts, as of now; 0 if it has no row. */
static int
counted_failures(const uint8 *name_hash, TimestampTz *last_failure)
{
	JaScan		scan;
	JaValue		wanted = ja_bytes_of(name_hash, JA_NAME_HASH_SIZE);
	int			failures;

	if (!ja_scan_find(&scan, JA_LOGIN_THROTTLE, JA_LOGIN_THROTTLE_PKEY,
					  JA_WHERE(ja_equal(Anum_login_throttle_name_hash, wanted))))
		return 0;
	failures = ja_scan_integer(&scan, Anum_login_throttle_failures);
	*last_failure = ja_scan_time(&scan, Anum_login_throttle_last_failure_at);
	ja_scan_end(&scan);
	return failures;
}

static int
wait_seconds(int64 failures)
{
	int64		beyond = failures - ja_settings.login_max_failures;

	if (beyond < 0)
		return 0;
	return beyond >= 10 ? MAX_WAIT_SECONDS : Min(1 << beyond, MAX_WAIT_SECONDS);
}

/* Seconds, rounded up, until the wait after the last failure is over. */
static int
remaining_seconds(int64 failures, TimestampTz last_failure, TimestampTz now)
{
	TimestampTz end = last_failure + (int64) wait_seconds(failures) * USECS_PER_SEC;

	if (wait_seconds(failures) == 0 || now >= end)
		return 0;
	return (int) ((end - now + USECS_PER_SEC - 1) / USECS_PER_SEC);
}

/* Rows whose last failure is older are dead. */
static TimestampTz
dead_before(TimestampTz now)
{
	return now - (int64) LIFE_SECONDS * USECS_PER_SEC;
}

/* Nothing that lies in the future counts: a clock set back prolongs no wait. */
static void
drop_future(JaUndone *failures, TimestampTz now)
{
	if (failures->last > now)
		*failures = (JaUndone) {0, 0};
}

/*
 * Begins an attempt on a name: takes its lock, and says how long it must
 * wait.  The table counts failures, and memory those that rollbacks undid:
 * both count, or who commits some and undoes others would have twice as many.
 */
void
ja_throttle_enter(const void *canonical_name, size_t length, JaThrottle *throttle)
{
	TimestampTz now;
	TimestampTz dead;
	JaUndone	counted = {0, 0};
	JaUndone	undone;

	ja_name_hash_make(JA_NAME_HASH_THROTTLE, canonical_name, length, throttle->name_hash);
	throttle->starts_wait = false;
	throttle->has_row = false;
	throttle->retry_after_seconds = 1;
	throttle->is_busy = !ja_attempt_lock_wait(throttle->name_hash);
	if (throttle->is_busy)
		return;
	now = GetCurrentTimestamp();
	dead = dead_before(now);
	counted.attempts = counted_failures(throttle->name_hash, &counted.last);
	throttle->has_row = counted.attempts > 0;
	if (counted.last < dead)
		counted.attempts = 0;
	undone = ja_attempts_find(throttle->name_hash, dead);
	drop_future(&counted, now);
	drop_future(&undone, now);
	throttle->undone = undone.attempts;
	throttle->retry_after_seconds =
		remaining_seconds((int64) counted.attempts + undone.attempts,
						  Max(counted.last, undone.last), now);
}

/* Names whose last failure was before the time, the earliest first. */
static int
find_dead(TimestampTz dead, int candidates, uint8 (*hashes)[JA_NAME_HASH_SIZE])
{
	JaScan		scan;
	int			count = 0;

	ja_scan_start(&scan, JA_LOGIN_THROTTLE, JA_LOGIN_THROTTLE_LAST_FAILURE,
				  JA_WHERE(ja_less(Anum_login_throttle_last_failure_at, ja_time(dead))));
	while (count < candidates && ja_scan_next(&scan))
	{
		bool		is_null;
		Datum		value = ja_scan_get(&scan, Anum_login_throttle_name_hash, &is_null);

		memcpy(hashes[count++], VARDATA_ANY(DatumGetByteaPP(value)), JA_NAME_HASH_SIZE);
	}
	ja_scan_end(&scan);
	return count;
}

/*
 * Deletes up to a number of dead rows, each with its name's lock, and none
 * whose lock is taken; within a scope of ja_plan_begin().
 */
static int64
delete_some_dead(TimestampTz dead, int candidates, int64 max_rows)
{
	uint8		(*hashes)[JA_NAME_HASH_SIZE] = palloc(candidates * sizeof(*hashes));
	int			count = find_dead(dead, candidates, hashes);
	int64		deleted = 0;

	for (int i = 0; i < count && deleted < max_rows; i++)
	{
		if (ja_attempt_lock_try(hashes[i]))
			deleted += (int64)
				ja_plan_run_as_of_now(&delete_dead,
									  JA_VALUES(ja_bytes_of(hashes[i], JA_NAME_HASH_SIZE),
												ja_time(dead)));
	}
	pfree(hashes);
	return deleted;
}

/* Deletes dead rows, some hundreds at most; within a scope of ja_plan_begin(). */
int64
ja_throttle_purge(int64 max_rows)
{
	return delete_some_dead(dead_before(GetCurrentTimestamp()), PURGE_CANDIDATES, max_rows);
}

/*
 * Counts a failure, and removes dead rows, so that the table can't grow by
 * more than is being guessed.
 */
void
ja_throttle_failed(JaThrottle *throttle)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz dead = dead_before(now);
	JaPlanScope scope;
	bool		is_null;
	int			failures;

	/* First, since writing may fail. */
	ja_undone_attempts_watch(throttle->name_hash, now, dead);
	ForceSyncCommit();
	ja_plan_begin(&scope);
	ja_plan_run_as_of_now(&count_failure,
						  JA_VALUES(ja_bytes_of(throttle->name_hash, JA_NAME_HASH_SIZE),
									ja_time(now), ja_time(dead)));
	failures = DatumGetInt32(ja_plan_result(0, 1, &is_null));
	/* Reading other names' rows would let SERIALIZABLE undo the count. */
	if (!IsolationIsSerializable())
		delete_some_dead(dead, DEAD_CANDIDATES, DEAD_DELETED);
	ja_plan_end(&scope);
	throttle->starts_wait = wait_seconds((int64) failures + throttle->undone) > 0;
}

static void
delete_row(const uint8 *name_hash)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	ja_plan_run_as_of_now(&delete_name, JA_VALUES(ja_bytes_of(name_hash, JA_NAME_HASH_SIZE)));
	ja_plan_end(&scope);
}

/* Forgets the failures of a name whose user logged in. */
void
ja_throttle_succeeded(JaThrottle *throttle)
{
	if (throttle->has_row)
		delete_row(throttle->name_hash);
	ja_undone_attempts_forget(throttle->name_hash);
}

/*
 * Forgets the failures of a name because an admin says so; raises
 * JA_ACCOUNT_BUSY while an attempt on it does not end.
 */
void
ja_throttle_clear(const void *canonical_name, size_t length)
{
	uint8		name_hash[JA_NAME_HASH_SIZE];

	ja_name_hash_make(JA_NAME_HASH_THROTTLE, canonical_name, length, name_hash);
	if (!ja_attempt_lock_wait(name_hash))
		ja_raise(JA_ACCOUNT_BUSY);
	delete_row(name_hash);
	ja_undone_attempts_forget(name_hash);
}
