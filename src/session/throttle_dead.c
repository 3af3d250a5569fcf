/*-------------------------------------------------------------------------
 *
 * throttle_dead.c
 *	  Rows of the throttle whose time is over, and their removal.
 *
 * A row is removed with its subject's lock, like any change of it; one whose lock
 * is taken stays for another time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "session/attempt_lock.h"
#include "session/throttle.h"
#include "store/plan.h"
#include "store/scan.h"

/* Looked at for a batch of a purge: each takes a place in PostgreSQL's table of locks. */
#define PURGE_CANDIDATES 500

static JaPlan delete_dead = {
	.sql = "DELETE FROM jwt_auth.login_throttle WHERE name_hash OPERATOR(pg_catalog.=)"
	" ANY (ARRAY(SELECT t.name_hash FROM jwt_auth.login_throttle AS t"
	" WHERE t.name_hash OPERATOR(pg_catalog.=) $1 AND t.last_failure_at OPERATOR(pg_catalog.<) $2"
	" FOR UPDATE SKIP LOCKED))"
};

/* Rows whose last failure is older are dead. */
TimestampTz
ja_throttle_dead_before(TimestampTz now)
{
	return now - (int64) JA_THROTTLE_LIFE_SECONDS * USECS_PER_SEC;
}

/* Subjects whose last failure was before the time, the earliest first. */
static int
find_dead(TimestampTz dead, int candidates, uint8 (*subjects)[JA_SUBJECT_SIZE])
{
	JaScan		scan;
	int			count = 0;

	ja_scan_start(&scan, JA_LOGIN_THROTTLE, JA_LOGIN_THROTTLE_LAST_FAILURE,
				  JA_WHERE(ja_less(Anum_login_throttle_last_failure_at, ja_time(dead))));
	while (count < candidates && ja_scan_next(&scan))
	{
		bool		is_null;
		Datum		value = ja_scan_get(&scan, Anum_login_throttle_name_hash, &is_null);

		memcpy(subjects[count++], VARDATA_ANY(DatumGetByteaPP(value)), JA_SUBJECT_SIZE);
	}
	ja_scan_end(&scan);
	return count;
}

/*
 * Deletes up to a number of dead rows, each with its subject's lock, and none
 * whose lock is taken, or that an operator has locked; within a scope of
 * ja_plan_begin().
 */
int64
ja_throttle_delete_dead(TimestampTz dead, int candidates, int64 max_rows)
{
	uint8		(*subjects)[JA_SUBJECT_SIZE] = palloc(candidates * sizeof(*subjects));
	int			count = find_dead(dead, candidates, subjects);
	int64		deleted = 0;

	for (int i = 0; i < count && deleted < max_rows; i++)
	{
		if (ja_attempt_lock_try(subjects[i]))
			deleted += (int64)
				ja_plan_run_as_of_now(&delete_dead,
									  JA_VALUES(ja_bytes_of(subjects[i], JA_SUBJECT_SIZE),
												ja_time(dead)));
	}
	pfree(subjects);
	return deleted;
}

/* Deletes dead rows, some hundreds at most; within a scope of ja_plan_begin(). */
int64
ja_throttle_purge(int64 max_rows)
{
	return ja_throttle_delete_dead(ja_throttle_dead_before(GetCurrentTimestamp()),
								   PURGE_CANDIDATES, max_rows);
}
