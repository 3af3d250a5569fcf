/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  What a background worker does in a database, and its transactions.
 *
 * It is short-lived: it ends before DROP DATABASE gives up.  After its first
 * transaction it acts as the owner of the extension's tables, in a context that
 * forbids SET ROLE: code of that owner, such as a trigger that is deferred to the
 * commit, gets no rights of the superuser as whom the server connects workers.
 *
 * Each step has transactions of its own, and one that fails does not stop the others.
 * Its error is logged once, without detail, which may show values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "connection/publication.h"
#include "identity/token_setting.h"
#include "shared/connection_board.h"
#include "shared/counters.h"
#include "shared/worker_board.h"
#include "store/plan.h"
#include "store/subscription.h"
#include "worker/worker.h"

typedef struct Step
{
	JaWorkerStep number;
	const char *name;			/* completes "could not ..." */
	bool		writes;
	void		(*take) (JaWorkerRun *run);
} Step;

static const Step steps[] = {
	{JA_WORKER_ROTATE, "rotate the signing key", true, ja_worker_rotate},
	{JA_WORKER_PUBLISH, "publish keys for connections", false, ja_worker_publish},
	{JA_WORKER_PURGE, "purge what has expired", true, ja_worker_purge},
	{JA_WORKER_FETCH, "fetch keys", true, ja_worker_fetch},
};

char		ja_worker_database[NAMEDATALEN];

/* As whom transactions act, once that is known. */
static Oid	owner = InvalidOid;

/*
 * Sets what a role or database may have set otherwise, and for good: who waits for a
 * lock gives up before it stands in anybody's way, and soonest where two wait for each
 * other, so that the other one goes on.  What makes short statements long would take the
 * time of a visit from what comes last.  Some majors lack some of the settings.
 */
static void
settle_settings(void)
{
	static const char *const settings[][2] = {
		{"application_name", "jwt_auth worker"},
		{"search_path", "pg_catalog, pg_temp"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_deferrable", "off"},
		{"session_replication_role", "origin"},
		{"lock_timeout", "1s"},
		{"deadlock_timeout", "20ms"},
		{"statement_timeout", "0"},
		{"transaction_timeout", "0"},
		{"exit_on_error", "off"},
		{"jit", "off"},
		{"max_parallel_workers_per_gather", "0"},
		{JA_TOKEN_SETTING, ""},
	};

	for (size_t i = 0; i < lengthof(settings); i++)
	{
		if (GetConfigOption(settings[i][0], true, false) != NULL)
			SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
	}
}

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (OidIsValid(owner))
		SetUserIdAndSecContext(owner, SECURITY_LOCAL_USERID_CHANGE);
}

/* No transaction begins in such a context, and an abort leaves it, too. */
static void
commit_transaction(void)
{
	CommitTransactionCommand();
	SetUserIdAndSecContext(GetSessionUserId(), 0);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * Begins a transaction; false, and there is none, where the extension is not
 * installed.  Until the end it is neither dropped nor are two of its tables locked
 * in another order than DROP EXTENSION has.
 */
bool
ja_worker_begin(const char *activity)
{
	Oid			extension;

	pgstat_report_activity(STATE_RUNNING, activity);
	begin_transaction();
	extension = get_extension_oid("jwt_auth", true);
	if (OidIsValid(extension))
	{
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
		extension = get_extension_oid("jwt_auth", true);
	}
	if (OidIsValid(extension))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		return true;
	}
	commit_transaction();
	return false;
}

void
ja_worker_commit(void)
{
	PopActiveSnapshot();
	commit_transaction();
	pgstat_report_stat(true);
	CHECK_FOR_INTERRUPTS();
}

int
ja_worker_elapsed_ms(const JaWorkerRun *run)
{
	return (int) TimestampDifferenceMilliseconds(run->started_at, GetCurrentTimestamp());
}

static void
connect_to(Oid database)
{
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	settle_settings();
	StartTransactionCommand();
	strlcpy(ja_worker_database, get_database_name(database), NAMEDATALEN);
	CommitTransactionCommand();
}

/*
 * Whether the extension is there; then it acts as the owner.  What a subscription
 * brings is looked after where it comes from: to purge it here would end sessions
 * whose refreshes do not arrive.
 */
static bool
begin_run(JaWorkerRun *run)
{
	Oid			found;

	if (!ja_worker_begin("looking for the extension"))
	{
		ja_connection_board_withdraw();
		return false;
	}
	found = ja_relation_owner(JA_KEYS);
	run->may_write = !RecoveryInProgress() && !ja_subscription_fills_tables();
	ja_worker_commit();
	owner = found;
	return run->may_write || ja_publication_is_configured();
}

/* Tells of the current error, unless it has been, and goes on outside of a transaction. */
static void
recover(JaWorkerStep step, const char *name, MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	AbortOutOfAnyTransaction();
	MemoryContextSwitchTo(context);
	ja_count(JA_COUNT_WORKER_FAILURES);
	if (step == JA_WORKER_PUBLISH)
		ja_connection_board_want();
	if (ja_worker_board_failed(step, error->sqlerrcode))
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("jwt_auth worker could not %s in database \"%s\": %s", name, ja_worker_database,
						error->message),
				 error->hint != NULL ? errhint("%s", error->hint) : 0));
	FreeErrorData(error);
	pgstat_report_activity(STATE_IDLE, NULL);
}

static void
take_step(const Step *step, JaWorkerRun *run)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		step->take(run);
		ja_worker_board_succeeded(step->number);
	}
	PG_CATCH();
	{
		recover(step->number, step->name, context);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
}

static bool
try_to_begin(JaWorkerRun *run)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool is_needed = false;

	PG_TRY();
	{
		is_needed = begin_run(run);
		ja_worker_board_succeeded(JA_WORKER_BEGIN);
	}
	PG_CATCH();
	{
		recover(JA_WORKER_BEGIN, "begin", context);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return is_needed;
}

/* The worker's process; the argument is the OID of its database. */
void
jwt_auth_worker_main(Datum argument)
{
	JaWorkerRun run = {.started_at = GetCurrentTimestamp()};
	JaWorkerOutcome outcome = {.is_over = true};

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	connect_to(DatumGetObjectId(argument));
	MemoryContextSwitchTo(TopMemoryContext);
	outcome.is_needed = try_to_begin(&run);
	ja_count(JA_COUNT_WORKER_VISITS);
	for (size_t i = 0; outcome.is_needed && i < lengthof(steps); i++)
	{
		if (run.may_write || !steps[i].writes)
			take_step(&steps[i], &run);
	}
	outcome.has_more = run.has_more;
	ja_worker_board_report(&outcome);
	proc_exit(0);
}
