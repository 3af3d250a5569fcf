/*-------------------------------------------------------------------------
 *
 * counters.c
 *	  What happened in each database since the server started.
 *
 * Each backend counts in a slot of its own, without a lock; it says of which
 * database, and adds its counts to those of the database when it ends.  Who
 * reads adds up totals and slots.  A reset changes neither: it remembers what
 * the sum was.
 *
 * Counts are of what happened, not of what committed.  They are lost when the
 * server stops or crashes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "shared/counters.h"
#include "shared/memory.h"

/* Databases with totals of their own; the first place is that of all others. */
#define MAX_DATABASES 128
#define OTHERS 0

/* Slots don't share cache lines. */
#define SLOT_ALIGNMENT 128

typedef struct Total
{
	JaDatabaseCounters counters;
	uint64		baseline[JA_COUNTERS];	/* the sums at the last reset */
	int			backends;		/* slots that refer to it */
	uint64		claimed;		/* number of the last claim */
	bool		is_used;
} Total;

typedef struct Totals
{
	uint64		claims;
	Total		databases[MAX_DATABASES];
} Totals;

/* Only its backend changes the counters, and only under the lock the place. */
typedef struct Slot
{
	pg_atomic_uint64 values[JA_COUNTERS];
	int			place;			/* in the totals, if is_claimed */
	bool		is_claimed;
} Slot;

#define TOTALS_SIZE TYPEALIGN(SLOT_ALIGNMENT, sizeof(Totals))
#define SLOT_SIZE TYPEALIGN(SLOT_ALIGNMENT, sizeof(Slot))

static const char *const names[JA_COUNTERS] = {
	[JA_COUNT_TOKENS_REMEMBERED] = "tokens_remembered",
	[JA_COUNT_TOKENS_SHARED] = "tokens_shared",
	[JA_COUNT_TOKENS_NEW] = "tokens_new",
	[JA_COUNT_DENIED_MALFORMED] = "tokens_denied_malformed",
	[JA_COUNT_DENIED_KEY] = "tokens_denied_key",
	[JA_COUNT_DENIED_SIGNATURE] = "tokens_denied_signature",
	[JA_COUNT_DENIED_ISSUER] = "tokens_denied_issuer",
	[JA_COUNT_DENIED_AUDIENCE] = "tokens_denied_audience",
	[JA_COUNT_DENIED_TIME] = "tokens_denied_time",
	[JA_COUNT_DENIED_EXPIRED] = "tokens_denied_expired",
	[JA_COUNT_DENIED_SESSION_UNKNOWN] = "tokens_denied_session_unknown",
	[JA_COUNT_DENIED_REVOKED] = "tokens_denied_revoked",
	[JA_COUNT_DENIED_USE] = "tokens_denied_use",
	[JA_COUNT_LOGINS] = "logins",
	[JA_COUNT_ATTEMPTS_DENIED] = "attempts_denied",
	[JA_COUNT_ATTEMPTS_THROTTLED] = "attempts_throttled",
	[JA_COUNT_ATTEMPTS_UNDONE] = "attempts_undone",
	[JA_COUNT_REFRESHES] = "refreshes",
	[JA_COUNT_REFRESHES_REPEATED] = "refreshes_repeated",
	[JA_COUNT_REFRESHES_DENIED] = "refreshes_denied",
	[JA_COUNT_REFRESHES_REPLAYED] = "refreshes_replayed",
	[JA_COUNT_MESSAGES] = "messages",
	[JA_COUNT_PASSWORD_HASHES] = "password_hashes",
	[JA_COUNT_PASSWORD_HASH_MICROSECONDS] = "password_hash_microseconds",
	[JA_COUNT_PASSWORD_HASH_WAITS] = "password_hash_waits",
	[JA_COUNT_PASSWORD_HASH_WAIT_MICROSECONDS] = "password_hash_wait_microseconds",
	[JA_COUNT_PASSWORD_HASHES_REFUSED] = "password_hashes_refused",
	[JA_COUNT_WORKER_VISITS] = "worker_visits",
	[JA_COUNT_WORKER_FAILURES] = "worker_failures",
	[JA_COUNT_ROWS_PURGED] = "worker_rows_purged",
	[JA_COUNT_KEY_FETCHES] = "worker_key_fetches",
	[JA_COUNT_KEY_FETCHES_FAILED] = "worker_key_fetches_failed",
};

pg_atomic_uint64 *ja_counters_own = NULL;

static Totals *totals = NULL;	/* NULL: nothing is shared */
static bool is_over = false;	/* this backend has added its counts */

Size
ja_counters_size(void)
{
	return add_size(TOTALS_SIZE, mul_size(MaxBackends, SLOT_SIZE));
}

static Slot *
slot_at(int number)
{
	return (Slot *) ((char *) totals + TOTALS_SIZE + number * SLOT_SIZE);
}

static void
begin_total(Total *total, Oid database)
{
	memset(total, 0, sizeof(Total));
	total->is_used = true;
	total->counters.database = database;
	total->counters.since = GetCurrentTimestamp();
}

void
ja_counters_attach(void *memory, bool is_new)
{
	totals = memory;
	if (!is_new)
		return;
	begin_total(&totals->databases[OTHERS], InvalidOid);
	for (int i = 0; i < MaxBackends; i++)
	{
		for (int counter = 0; counter < JA_COUNTERS; counter++)
			pg_atomic_init_u64(&slot_at(i)->values[counter], 0);
	}
}

const char *
ja_counter_name(JaCounter counter)
{
	return names[counter];
}

/* Adds a slot to its database, and frees it; under the lock. */
static void
fold_slot(Slot *slot)
{
	Total	   *total = &totals->databases[slot->place];

	if (!slot->is_claimed)
		return;
	for (int counter = 0; counter < JA_COUNTERS; counter++)
	{
		total->counters.values[counter] += pg_atomic_read_u64(&slot->values[counter]);
		pg_atomic_write_u64(&slot->values[counter], 0);
	}
	total->backends--;
	slot->is_claimed = false;
}

/* After the end of a connection has aborted its transaction, which counts, too. */
static void
fold_own(int code pg_attribute_unused(), Datum argument)
{
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	fold_slot(slot_at(DatumGetInt32(argument)));
	LWLockRelease(ja_shared_lock());
	ja_counters_own = NULL;
	is_over = true;
}

/* Frees the place of a database whose counts go to all others; or returns NULL. */
static Total *
free_place(void)
{
	Total	   *others = &totals->databases[OTHERS];
	Total	   *oldest = NULL;

	for (int i = OTHERS + 1; i < MAX_DATABASES; i++)
	{
		Total	   *total = &totals->databases[i];

		if (total->is_used && total->backends == 0 &&
			(oldest == NULL || total->claimed < oldest->claimed))
			oldest = total;
	}
	for (int counter = 0; oldest != NULL && counter < JA_COUNTERS; counter++)
		others->counters.values[counter] +=
			oldest->counters.values[counter] - oldest->baseline[counter];
	return oldest;
}

/* The place of a database, which may be that of all others; under the lock. */
static int
place_of(Oid database)
{
	Total	   *unused = NULL;

	for (int i = OTHERS; i < MAX_DATABASES; i++)
	{
		Total	   *total = &totals->databases[i];

		if (total->is_used && total->counters.database == database)
			return i;
		if (!total->is_used && unused == NULL)
			unused = total;
	}
	if (unused == NULL)
		unused = free_place();
	if (unused == NULL)
		return OTHERS;
	begin_total(unused, database);
	return (int) (unused - totals->databases);
}

/*
 * Claims this backend's slot; false if there is none.  What a former owner may
 * have left there is added first.
 */
bool
ja_counters_claim(void)
{
	int			number = JA_BACKEND_SLOT;
	Slot	   *slot;
	Total	   *total;

	if (totals == NULL || is_over || number < 0 || number >= MaxBackends)
		return false;
	on_shmem_exit(fold_own, Int32GetDatum(number));
	slot = slot_at(number);
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	fold_slot(slot);
	slot->place = place_of(MyDatabaseId);
	slot->is_claimed = true;
	total = &totals->databases[slot->place];
	total->backends++;
	total->claimed = ++totals->claims;
	LWLockRelease(ja_shared_lock());
	ja_counters_own = slot->values;
	return true;
}

/* Copies the totals, and returns their number; under the lock. */
static int
copy_totals(JaDatabaseCounters *databases, int *index_of_place)
{
	int			count = 0;

	for (int i = 0; i < MAX_DATABASES; i++)
	{
		const Total *total = &totals->databases[i];

		if (!total->is_used)
			continue;
		index_of_place[i] = count;
		databases[count] = total->counters;
		for (int counter = 0; counter < JA_COUNTERS; counter++)
			databases[count].values[counter] -= total->baseline[counter];
		count++;
	}
	return count;
}

/* Adds what the slots of living backends hold; under the lock. */
static void
add_slots(JaDatabaseCounters *databases, const int *index_of_place)
{
	for (int i = 0; i < MaxBackends; i++)
	{
		Slot	   *slot = slot_at(i);

		for (int counter = 0; slot->is_claimed && counter < JA_COUNTERS; counter++)
			databases[index_of_place[slot->place]].values[counter] +=
				pg_atomic_read_u64(&slot->values[counter]);
	}
}

/*
 * Reads the counters of all databases into the current memory context, and
 * returns their number; 0 without shared memory.
 */
int
ja_counters_read(JaDatabaseCounters **databases)
{
	int			index_of_place[MAX_DATABASES];
	int			count;

	if (totals == NULL)
		return 0;
	*databases = palloc(MAX_DATABASES * sizeof(JaDatabaseCounters));
	LWLockAcquire(ja_shared_lock(), LW_SHARED);
	count = copy_totals(*databases, index_of_place);
	add_slots(*databases, index_of_place);
	LWLockRelease(ja_shared_lock());
	return count;
}

/* Remembers the sums of a place, so that its counters begin anew; under the lock. */
static void
reset_total(Total *total)
{
	int			place = (int) (total - totals->databases);

	memcpy(total->baseline, total->counters.values, sizeof(total->baseline));
	for (int i = 0; i < MaxBackends; i++)
	{
		Slot	   *slot = slot_at(i);

		for (int counter = 0; counter < JA_COUNTERS; counter++)
		{
			if (slot->is_claimed && slot->place == place)
				total->baseline[counter] += pg_atomic_read_u64(&slot->values[counter]);
		}
	}
	total->counters.since = GetCurrentTimestamp();
}

/* Lets the counters of the current database begin anew. */
void
ja_counters_reset(void)
{
	if (totals == NULL)
		return;
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	reset_total(&totals->databases[place_of(MyDatabaseId)]);
	LWLockRelease(ja_shared_lock());
}
