/*-------------------------------------------------------------------------
 *
 * running.c
 *	  Since when the oldest transaction of the database runs.
 *
 * What a running statement may still look up must not be removed, although it
 * is out of date by the clock: our look-ups see what is there now, so that no
 * snapshot keeps a row for them.  The times are those of pg_stat_activity, read
 * where no role is kept from seeing them.
 *
 * A prepared transaction runs nothing any more, and what runs on a standby is
 * not known here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/backend_status.h"

#include "base/compat.h"
#include "store/running.h"

/*
 * Since when a backend may run its transaction, at the earliest; DT_NOEND if
 * it has none.  One that does not track its activities may run it for as long
 * as it lives.  The time of the transaction is noted later than that of its
 * first statement, which is the same.
 */
static TimestampTz
transaction_start(const PgBackendStatus *backend)
{
	if (backend->st_state == STATE_DISABLED)
		return backend->st_proc_start_timestamp;
	if (backend->st_xact_start_timestamp != 0)
		return backend->st_xact_start_timestamp;
	if (backend->st_state == STATE_RUNNING || backend->st_state == STATE_FASTPATH)
		return backend->st_activity_start_timestamp;
	return DT_NOEND;
}

/*
 * Since when the oldest transaction of this database runs, the caller's
 * included.  One that begins while this looks may be missed.
 */
TimestampTz
ja_running_since(void)
{
	TimestampTz oldest = DT_NOEND;
	int			count;

	/* What this transaction has seen of others before may be old. */
	pgstat_clear_backend_activity_snapshot();
	count = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= count; i++)
	{
		const LocalPgBackendStatus *backend = JA_BACKEND_STATUS(i);

		if (backend != NULL && backend->backendStatus.st_databaseid == MyDatabaseId)
			oldest = Min(oldest, transaction_start(&backend->backendStatus));
	}
	return oldest;
}
