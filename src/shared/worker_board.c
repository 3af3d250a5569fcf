/*-------------------------------------------------------------------------
 *
 * worker_board.c
 *	  What backends, the launcher and its worker tell each other.
 *
 * A backend that meets a token with an unknown key says whose keys are wanted,
 * and wakes the launcher.  It does so outside of its transaction, which may be
 * rolled back.  Anybody can make such tokens, so that the same keys are wanted
 * at most once a minute, however often they are asked for; of what there is no
 * room for, the oldest is forgotten.
 *
 * Only hashes of names are here, since names are long.  Two names that have the same
 * one are fetched with each other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/timestamp.h"

#include "shared/memory.h"
#include "shared/worker_board.h"

#define MAX_WANTS 64
#define MAX_DATABASES 64

/* How often the same keys are wanted at most, and the same failure is told. */
#define WANT_SECONDS 60
#define TELL_SECONDS SECS_PER_HOUR

typedef struct Want
{
	Oid			database;		/* InvalidOid: the entry is free */
	uint64		name;
	TimestampTz at;
	bool		is_open;
} Want;

/* How the steps ended in a database. */
typedef struct Health
{
	Oid			database;		/* InvalidOid: the entry is free */
	TimestampTz used_at;
	int			codes[JA_WORKER_STEPS]; /* SQLSTATE; 0: well */
	TimestampTz told_at[JA_WORKER_STEPS];
} Health;

typedef struct Board
{
	Latch	   *launcher;		/* NULL: there is none */
	Oid			database;		/* the worker's */
	JaWorkerOutcome outcome;
	Want		wants[MAX_WANTS];
	Health		databases[MAX_DATABASES];
} Board;

static Board *board = NULL;		/* NULL: nothing is shared */

Size
ja_worker_board_size(void)
{
	return sizeof(Board);
}

void
ja_worker_board_attach(void *memory, bool is_new pg_attribute_unused())
{
	board = memory;
}

static uint64
hash_name(JaKeySource source, JaString name)
{
	return hash_bytes_extended((const unsigned char *) name.data, (int) name.length,
							   (uint64) source);
}

/* The entry of this database's source; NULL if there is none.  Under the lock. */
static Want *
find_want(uint64 name)
{
	for (int i = 0; i < MAX_WANTS; i++)
	{
		Want	   *want = &board->wants[i];

		if (want->database == MyDatabaseId && want->name == name)
			return want;
	}
	return NULL;
}

/* Whether the same was wanted within the last minute; a clock may be set back. */
static bool
is_fresh(const Want *want, TimestampTz now)
{
	return want != NULL && want->at <= now &&
		want->at > now - WANT_SECONDS * USECS_PER_SEC;
}

/* A free entry, or else the oldest.  Under the lock. */
static Want *
replace_want(void)
{
	Want	   *oldest = &board->wants[0];

	for (int i = 0; i < MAX_WANTS; i++)
	{
		Want	   *want = &board->wants[i];

		if (want->database == InvalidOid)
			return want;
		if (want->at < oldest->at)
			oldest = want;
	}
	return oldest;
}

static bool
was_wanted(uint64 name, TimestampTz now)
{
	bool		is_known;

	LWLockAcquire(ja_shared_lock(), LW_SHARED);
	is_known = board->launcher == NULL || is_fresh(find_want(name), now);
	LWLockRelease(ja_shared_lock());
	return is_known;
}

/*
 * Asks for the keys of a source of this database, at most once a minute.  Where
 * no launcher is, nobody is asked.
 */
void
ja_worker_board_want(JaKeySource source, JaString name)
{
	TimestampTz now = GetCurrentTimestamp();
	uint64		hash = hash_name(source, name);
	Want	   *want;

	if (board == NULL || was_wanted(hash, now))
		return;
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	want = find_want(hash);
	if (board->launcher != NULL && !is_fresh(want, now))
	{
		if (want == NULL)
			want = replace_want();
		*want = (Want) {.database = MyDatabaseId,.name = hash,.at = now,.is_open = true};
		SetLatch(board->launcher);
	}
	LWLockRelease(ja_shared_lock());
}

static void
set_launcher(Latch *latch)
{
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	board->launcher = latch;
	LWLockRelease(ja_shared_lock());
}

static void
leave_board(int code pg_attribute_unused(), Datum argument pg_attribute_unused())
{
	set_launcher(NULL);
}

/* Makes this process the launcher. */
void
ja_worker_board_open(void)
{
	before_shmem_exit(leave_board, (Datum) 0);
	set_launcher(MyLatch);
}

/* Wakes the launcher, if there is one. */
void
ja_worker_board_wake(void)
{
	LWLockAcquire(ja_shared_lock(), LW_SHARED);
	if (board->launcher != NULL)
		SetLatch(board->launcher);
	LWLockRelease(ja_shared_lock());
}

/* Clears the outcome for the worker that will be started. */
void
ja_worker_board_begin(Oid database)
{
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	board->database = database;
	board->outcome = (JaWorkerOutcome) {0};
	LWLockRelease(ja_shared_lock());
}

JaWorkerOutcome
ja_worker_board_outcome(void)
{
	JaWorkerOutcome outcome;

	LWLockAcquire(ja_shared_lock(), LW_SHARED);
	outcome = board->outcome;
	LWLockRelease(ja_shared_lock());
	return outcome;
}

bool
ja_worker_board_has_wants(Oid database)
{
	bool		has_wants = false;

	LWLockAcquire(ja_shared_lock(), LW_SHARED);
	for (int i = 0; i < MAX_WANTS && !has_wants; i++)
		has_wants = board->wants[i].database == database && board->wants[i].is_open;
	LWLockRelease(ja_shared_lock());
	return has_wants;
}

/* Closes what is wanted in a database since then or earlier: nothing came of it. */
void
ja_worker_board_drop_wants(Oid database, TimestampTz until)
{
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	for (int i = 0; i < MAX_WANTS; i++)
	{
		if (board->wants[i].database == database && board->wants[i].at <= until)
			board->wants[i].is_open = false;
	}
	LWLockRelease(ja_shared_lock());
}

/* Tells the launcher; not if it waits for the worker of another database by now. */
void
ja_worker_board_report(const JaWorkerOutcome *outcome)
{
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	if (board->database == MyDatabaseId)
		board->outcome = *outcome;
	LWLockRelease(ja_shared_lock());
}

bool
ja_worker_board_is_wanted(JaKeySource source, JaString name)
{
	Want	   *want;
	bool		is_wanted;

	LWLockAcquire(ja_shared_lock(), LW_SHARED);
	want = find_want(hash_name(source, name));
	is_wanted = want != NULL && want->is_open;
	LWLockRelease(ja_shared_lock());
	return is_wanted;
}

/*
 * Closes what is wanted of a source whose keys were last tried to fetch at a time: a
 * minute after that they can be wanted again, whenever they were wanted before.
 */
void
ja_worker_board_close_want(JaKeySource source, JaString name, TimestampTz tried_at)
{
	Want	   *want;

	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	want = find_want(hash_name(source, name));
	if (want != NULL)
	{
		want->is_open = false;
		want->at = tried_at;
	}
	LWLockRelease(ja_shared_lock());
}

/* The entry of this database, perhaps instead of another's.  Under the lock. */
static Health *
find_health(void)
{
	Health	   *found = &board->databases[0];

	for (int i = 0; i < MAX_DATABASES && found->database != MyDatabaseId; i++)
	{
		Health	   *health = &board->databases[i];

		if (health->database == MyDatabaseId || health->used_at < found->used_at)
			found = health;
	}
	if (found->database != MyDatabaseId)
		*found = (Health) {.database = MyDatabaseId};
	found->used_at = GetCurrentTimestamp();
	return found;
}

/*
 * Notes that a step failed in this database.  Returns whether that is to be told:
 * it did not fail likewise before, or an hour has gone by.
 */
bool
ja_worker_board_failed(JaWorkerStep step, int code)
{
	TimestampTz now = GetCurrentTimestamp();
	Health	   *health;
	bool		is_new;

	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	health = find_health();
	is_new = health->codes[step] != code || health->told_at[step] > now ||
		health->told_at[step] <= now - TELL_SECONDS * USECS_PER_SEC;
	health->codes[step] = code;
	if (is_new)
		health->told_at[step] = now;
	LWLockRelease(ja_shared_lock());
	return is_new;
}

void
ja_worker_board_succeeded(JaWorkerStep step)
{
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	find_health()->codes[step] = 0;
	LWLockRelease(ja_shared_lock());
}
