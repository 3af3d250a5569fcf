/*-------------------------------------------------------------------------
 *
 * upkeep.c
 *	  What an operator would have to schedule: purging, rotating of the signing key by
 *	  its age, and publishing of keys for connections.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "utils/timestamp.h"

#include "account/purge.h"
#include "base/settings.h"
#include "connection/publication.h"
#include "keyring/change.h"
#include "keyring/key_change.h"
#include "shared/counters.h"
#include "store/audit.h"
#include "worker/worker.h"

/* Rows of a transaction, and how long a visit goes on purging. */
#define BATCH_ROWS 2000
#define PURGE_MS 1500

/* How long a key is published before it signs, at most. */
#define PUBLISHED_SECONDS SECS_PER_DAY

/*
 * Whether the active key is older than $1; and where it is: whether there is a next
 * key, and whether one was published before $2.
 */
static JaPlan judge_keys = {
	.sql = "SELECT EXISTS (SELECT FROM jwt_auth.keys"
	" WHERE use OPERATOR(pg_catalog.=) 'sig' AND " IS_ACTIVE
	" AND activated_at OPERATOR(pg_catalog.<=) $1),"
	" EXISTS (SELECT FROM jwt_auth.keys WHERE use OPERATOR(pg_catalog.=) 'sig' AND " IS_NEXT "),"
	" EXISTS (SELECT FROM jwt_auth.keys WHERE use OPERATOR(pg_catalog.=) 'sig' AND " IS_NEXT
	" AND created_at OPERATOR(pg_catalog.<=) $2)"
};

typedef struct KeyAge
{
	bool		is_due;
	bool		has_next;
	bool		was_published;
} KeyAge;

static KeyAge
judge_key_age(int64 rotate_after_seconds)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		published = Min(rotate_after_seconds, PUBLISHED_SECONDS);
	JaPlanScope scope;
	KeyAge		age;
	bool		is_null;

	ja_plan_begin(&scope);
	ja_plan_run(&judge_keys, JA_VALUES(ja_time(now - rotate_after_seconds * USECS_PER_SEC),
									   ja_time(now - published * USECS_PER_SEC)));
	age.is_due = DatumGetBool(ja_plan_result(0, 1, &is_null));
	age.has_next = DatumGetBool(ja_plan_result(0, 2, &is_null));
	age.was_published = DatumGetBool(ja_plan_result(0, 3, &is_null));
	ja_plan_end(&scope);
	return age;
}

static void
rotate_now(void)
{
	JaString	kid = ja_key_change_rotate(NULL);

	ja_audit_write(&(JaAuditEvent) {.event = "key_rotated",.kid = kid});
	ereport(LOG,
			(errmsg("jwt_auth worker rotated the signing key in database \"%s\"",
					ja_worker_database)));
}

/*
 * Rotates the signing key once it is older than jwt_auth.rotate_after.  Verifiers
 * get a day to learn of the next key, which is published first where there is none.
 */
void
ja_worker_rotate(JaWorkerRun *run pg_attribute_unused())
{
	KeyAge		age;

	if (ja_settings.rotate_after_seconds == 0 || !ja_worker_begin("rotating the signing key"))
		return;
	age = judge_key_age(ja_settings.rotate_after_seconds);
	if (age.is_due && age.was_published)
		rotate_now();
	else if (age.is_due && !age.has_next)
		ja_key_change_publish();
	ja_worker_commit();
}

/* Publishes what connections are verified with; only this is done on standbys, too. */
void
ja_worker_publish(JaWorkerRun *run pg_attribute_unused())
{
	if (!ja_publication_is_configured() || !ja_worker_begin("publishing keys for connections"))
		return;
	ja_publication_publish();
	ja_worker_commit();
}

/* Purges in batches until nothing is left, or it takes too long for one visit. */
void
ja_worker_purge(JaWorkerRun *run)
{
	int64		removed;

	do
	{
		if (!ja_worker_begin("purging what has expired"))
			return;
		removed = ja_purge(BATCH_ROWS);
		ja_worker_commit();
		ja_count_many(JA_COUNT_ROWS_PURGED, (uint64) removed);
	} while (removed > 0 && ja_worker_elapsed_ms(run) < PURGE_MS);
	run->has_more |= removed > 0;
}
