/*-------------------------------------------------------------------------
 *
 * launcher.c
 *	  The process that starts a worker in one database after another.
 *
 * It is connected to no database, and loads no library but this one.  There is one
 * worker at a time.  Between two workers in a database there is a pause, so that
 * nobody who wants to drop or copy it finds it occupied for long.  On a standby workers
 * have nothing to do but to publish keys for connections; where none are published, it
 * waits until that is promoted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/settings.h"
#include "connection/publication.h"
#include "shared/connection_board.h"
#include "shared/worker_board.h"
#include "worker/launcher.h"
#include "worker/served.h"
#include "worker/worker.h"

#define LAUNCHER_NAME "jwt_auth launcher"
#define WORKER_NAME "jwt_auth worker"

/* How soon a launcher that has ended is started again. */
#define RESTART_SECONDS 5

/* The shortest time from the end of a worker to the next one in its database. */
#define PAUSE_MS 1000

/*
 * How long a worker may take.  One that takes longer is ended: an owner who keeps
 * everybody out of a database, as a transaction that renames it does, must not keep
 * the launcher from the others.
 */
#define VISIT_SECONDS 15

/* How often a database is visited that nobody named, and that has no extension. */
#define UNNEEDED_NAPTIMES 10

/*
 * A database in which workers keep dying is visited seldom: 2^n naptimes.  One whose
 * keys cannot be published is, for them, after 2^n pauses.
 */
#define MAX_DOUBLINGS 6

typedef struct Visited
{
	Oid			database;		/* the key */
	NameData	name;
	bool		is_listed;		/* in this round */
	bool		is_named;		/* in the setting */
	TimestampTz ended_at;		/* 0: not yet visited */
	TimestampTz next_at;
	int			deaths;			/* of its last workers, in a row */
	int			unpublished;	/* last visits, in a row, that left keys to be
								 * published */
} Visited;

static HTAB *visited = NULL;
static bool is_told_of_slots = false;

static int64
naptime_ms(void)
{
	return ja_settings.worker_naptime_seconds * INT64CONST(1000);
}

static void
initialize_visited(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(Visited)};

	visited = hash_create("databases of jwt_auth workers", 16, &control, HASH_ELEM | HASH_BLOBS);
}

/* Takes note of the databases that are served, and forgets the others. */
static void
list_visited(const List *databases)
{
	HASH_SEQ_STATUS status;
	Visited    *entry;
	ListCell   *cell;
	bool		is_known;

	hash_seq_init(&status, visited);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->is_listed = false;
	foreach(cell, databases)
	{
		const JaServed *served = lfirst(cell);

		entry = hash_search(visited, &served->database, HASH_ENTER, &is_known);
		if (!is_known)
			*entry = (Visited) {.database = served->database};
		entry->name = served->name;
		entry->is_listed = true;
		entry->is_named = served->is_named;
	}
	hash_seq_init(&status, visited);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!entry->is_listed)
			hash_search(visited, &entry->database, HASH_REMOVE, NULL);
	}
}

/* Has everything visited soon, since the settings may have changed. */
static void
visit_all_soon(void)
{
	HASH_SEQ_STATUS status;
	Visited    *entry;

	hash_seq_init(&status, visited);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->next_at = 0;
}

static TimestampTz
after_pauses(const Visited *entry, int count)
{
	return TimestampTzPlusMilliseconds(entry->ended_at, count * PAUSE_MS);
}

/*
 * When the database is to be visited; not before the pause is over.  A clock that was
 * set back does not make it wait.
 */
static TimestampTz
due_at(const Visited *entry)
{
	TimestampTz due;

	if (entry->ended_at == 0 || entry->ended_at > GetCurrentTimestamp())
		return 0;
	due = Max(entry->next_at, after_pauses(entry, 1));
	if (entry->deaths == 0 && ja_worker_board_has_wants(entry->database))
		due = after_pauses(entry, 1);
	if (entry->deaths == 0 && ja_connection_board_is_wanted(entry->database))
		due = Min(due, after_pauses(entry, 1 << Min(entry->unpublished, MAX_DOUBLINGS)));
	return due;
}

/* Registers a worker; false where the server has no slot for it, which is told once. */
static bool
start_worker(Oid database, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = {
		.bgw_name = WORKER_NAME,
		.bgw_type = WORKER_NAME,
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_ConsistentState,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_library_name = JA_WORKER_LIBRARY,
		.bgw_function_name = JA_WORKER_FUNCTION,
		.bgw_main_arg = ObjectIdGetDatum(database),
		.bgw_notify_pid = MyProcPid
	};
	bool		is_registered = RegisterDynamicBackgroundWorker(&worker, handle);

	if (!is_registered && !is_told_of_slots)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker can be started for \"jwt_auth.worker_databases\""),
				 errhint("Increase max_worker_processes, of which the launcher and its worker take two.")));
	is_told_of_slots = !is_registered;
	return is_registered;
}

/* Ends the launcher, and its worker, so that the next one finds none. */
static void
stop(BackgroundWorkerHandle *worker)
{
	if (worker != NULL)
		TerminateBackgroundWorker(worker);
	proc_exit(1);
}

static void
rest(BackgroundWorkerHandle *worker, long timeout_ms)
{
	int			events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout_ms >= 0 ? WL_TIMEOUT : 0);

	(void) WaitLatch(MyLatch, events, timeout_ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ShutdownRequestPending)
		stop(worker);
}

static void
end_late_worker(const Visited *entry, BackgroundWorkerHandle *worker)
{
	TerminateBackgroundWorker(worker);
	ereport(WARNING,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("jwt_auth worker took longer than %d seconds in database \"%s\", and was ended",
					VISIT_SECONDS, NameStr(entry->name)),
			 errhint("See whether somebody keeps the database or the tables of jwt_auth locked.")));
}

/* Waits until the worker has ended, which it is told to when its time is over. */
static void
await_end(const Visited *entry, BackgroundWorkerHandle *worker)
{
	long		left_ms = VISIT_SECONDS * 1000;
	instr_time	start;
	instr_time	elapsed;
	pid_t		pid;

	INSTR_TIME_SET_CURRENT(start);
	while (GetBackgroundWorkerPid(worker, &pid) != BGWH_STOPPED)
	{
		rest(worker, left_ms);
		if (left_ms < 0)
			continue;
		INSTR_TIME_SET_CURRENT(elapsed);
		INSTR_TIME_SUBTRACT(elapsed, start);
		left_ms = VISIT_SECONDS * 1000 - (long) INSTR_TIME_GET_MILLISEC(elapsed);
		if (left_ms <= 0)
		{
			end_late_worker(entry, worker);
			left_ms = -1;
		}
	}
}

/* When to come again, by how the last visit ended. */
static TimestampTz
next_visit(const Visited *entry, const JaWorkerOutcome *outcome)
{
	int64		naptime = naptime_ms();

	if (outcome->has_more)
		naptime = PAUSE_MS;
	else if (!outcome->is_over)
		naptime <<= Min(entry->deaths, MAX_DOUBLINGS);
	else if (!outcome->is_needed && !entry->is_named)
		naptime *= UNNEEDED_NAPTIMES;
	return TimestampTzPlusMilliseconds(entry->ended_at, naptime);
}

static void
visit(Visited *entry)
{
	TimestampTz began_at = GetCurrentTimestamp();
	BackgroundWorkerHandle *worker;
	JaWorkerOutcome outcome = {0};

	ja_worker_board_begin(entry->database);
	ja_connection_board_drop_want(entry->database);
	if (start_worker(entry->database, &worker))
	{
		await_end(entry, worker);
		pfree(worker);
		outcome = ja_worker_board_outcome();
		entry->deaths = outcome.is_over ? 0 : entry->deaths + 1;
	}
	else
		outcome.has_more = true;	/* until a slot is free */
	if (!outcome.has_more)
		ja_worker_board_drop_wants(entry->database, began_at);
	entry->ended_at = GetCurrentTimestamp();
	entry->next_at = next_visit(entry, &outcome);
	entry->unpublished = ja_connection_board_is_wanted(entry->database) ? entry->unpublished + 1 : 0;
}

static void
visit_due(void)
{
	HASH_SEQ_STATUS status;
	Visited    *entry;

	hash_seq_init(&status, visited);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (due_at(entry) <= GetCurrentTimestamp())
			visit(entry);
	}
}

/*
 * How long nothing will be due.  It is asked after all visits, during which keys may
 * have become wanted in a database that had its turn; what is wanted from now on sets
 * the latch.
 */
static long
time_to_rest(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz earliest = TimestampTzPlusMilliseconds(now, naptime_ms());
	HASH_SEQ_STATUS status;
	Visited    *entry;

	hash_seq_init(&status, visited);
	while ((entry = hash_seq_search(&status)) != NULL)
		earliest = Min(earliest, due_at(entry));
	return TimestampDifferenceMilliseconds(now, earliest);
}

static void
reload_settings(void)
{
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	ja_served_tell_again();
	is_told_of_slots = false;
	visit_all_soon();
}

/* Keys stay published only of databases that are served. */
static void
keep_published(const List *databases)
{
	List	   *served = NIL;
	ListCell   *cell;

	foreach(cell, databases)
		served = lappend_oid(served, ((const JaServed *) lfirst(cell))->database);
	ja_connection_board_keep(served);
}

/* One round through the databases; returns how long to rest. */
static long
go_round(MemoryContext context)
{
	long		rest_ms = (long) naptime_ms();
	bool		publishes;

	if (ConfigReloadPending)
		reload_settings();
	publishes = ja_publication_is_configured();
	if (publishes || !RecoveryInProgress())
	{
		MemoryContext former = MemoryContextSwitchTo(context);
		List	   *databases = ja_served_databases();

		list_visited(databases);
		keep_published(publishes ? databases : NIL);
		visit_due();
		rest_ms = time_to_rest();
		MemoryContextSwitchTo(former);
		MemoryContextReset(context);
	}
	/* While it waited for a worker, the latch was reset. */
	return ConfigReloadPending ? 0 : rest_ms;
}

/* The launcher's process. */
void
jwt_auth_launcher_main(Datum argument pg_attribute_unused())
{
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname(LAUNCHER_NAME);
	context = AllocSetContextCreate(TopMemoryContext, LAUNCHER_NAME, ALLOCSET_SMALL_SIZES);
	initialize_visited();
	ja_worker_board_open();
	for (;;)
		rest(NULL, go_round(context));
}

/*
 * Registers the launcher where the library is preloaded and databases are named;
 * who names none pays for none.
 */
void
ja_launcher_initialize(void)
{
	BackgroundWorker launcher = {
		.bgw_name = LAUNCHER_NAME,
		.bgw_type = LAUNCHER_NAME,
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_ConsistentState,
		.bgw_restart_time = RESTART_SECONDS,
		.bgw_library_name = JA_WORKER_LIBRARY,
		.bgw_function_name = JA_LAUNCHER_FUNCTION
	};

	if (process_shared_preload_libraries_in_progress &&
		ja_settings_text(ja_settings.worker_databases).data != NULL)
		RegisterBackgroundWorker(&launcher);
}
