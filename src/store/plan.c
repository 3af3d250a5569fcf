/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  Saved SQL statements on the extension's tables, run as their owner.
 *
 * This is the one place that runs SQL.  Statements are constants in which
 * every name and operator is qualified, so that the caller's search_path
 * plays no part; values are bound.  They run as the owner of the tables, who
 * is looked up, in a security context that forbids SET ROLE; whatever flags
 * were set stay set.  Plans are kept for the life of the backend, and
 * PostgreSQL revalidates them.
 *
 * An error resets user, security context and settings with the
 * (sub)transaction, and SPI's memory with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "base/error.h"
#include "store/plan.h"
#include "store/subscription.h"

#define EXPLAIN_SETTING "auto_explain.log_min_duration"

/* Whether auto_explain is loaded and turned on, which an operator may. */
static bool
plans_are_explained(void)
{
	const char *value;

	if (ExecutorStart_hook == NULL)
		return false;
	value = GetConfigOption(EXPLAIN_SETTING, true, false);
	return value != NULL && strcmp(value, "-1") != 0;
}

static void
set_hidden(const char *setting, const char *value)
{
	(void) set_config_option(setting, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/*
 * Keeps plans from being printed, which any session can ask for and read, and from
 * being explained: they hold the values that are bound, such as a new key.  Returns
 * the level of settings to bring back, or 0.
 */
int
ja_plan_hide(void)
{
	bool		are_printed = Debug_print_parse || Debug_print_rewritten || Debug_print_plan;
	bool		are_explained = plans_are_explained();
	int			level;

	if (!are_printed && !are_explained)
		return 0;
	level = NewGUCNestLevel();
	if (are_printed)
	{
		set_hidden("debug_print_parse", "off");
		set_hidden("debug_print_rewritten", "off");
		set_hidden("debug_print_plan", "off");
	}
	if (are_explained)
		set_hidden(EXPLAIN_SETTING, "-1");
	return level;
}

/* Switches to the tables' owner and connects to SPI. */
void
ja_plan_begin(JaPlanScope *scope)
{
	Oid			owner = ja_relation_owner(JA_KEYS);

	scope->context = CurrentMemoryContext;
	scope->setting_level = ja_plan_hide();
	GetUserIdAndSecContext(&scope->caller, &scope->security_context);
	SetUserIdAndSecContext(owner,
						   scope->security_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	ja_error_context_push(&scope->callback, ja_hide_statement);
}

/* The same, but what is allocated then outlives the scope, as answers must. */
void
ja_plan_begin_in_caller_context(JaPlanScope *scope)
{
	ja_plan_begin(scope);
	MemoryContextSwitchTo(scope->context);
}

/*
 * Results of statements are gone after this.  Of settings, only those that
 * ja_plan_hide() changed come back: what was set for the transaction within the
 * scope, such as the headers of the answer, stays.
 */
void
ja_plan_end(JaPlanScope *scope)
{
	ja_error_context_pop(&scope->callback);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	SetUserIdAndSecContext(scope->caller, scope->security_context);
	if (scope->setting_level > 0)
		AtEOXact_GUC(true, scope->setting_level);
}

/* Raises where the values are not of the types that the plan was made for. */
static void
check_types(SPIPlanPtr plan, JaValues values)
{
	bool		agree = SPI_getargcount(plan) == values.count;

	for (int i = 0; agree && i < values.count; i++)
		agree = SPI_getargtypeid(plan, i) == values.items[i].type;
	if (!agree)
		elog(ERROR, "values are not of the statement's types");
}

static SPIPlanPtr
prepare(const char *sql, JaValues values)
{
	Oid			types[JA_PLAN_MAX_ARGUMENTS];
	SPIPlanPtr	prepared;

	for (int i = 0; i < values.count; i++)
		types[i] = values.items[i].type;
	prepared = SPI_prepare(sql, values.count, types);
	if (prepared == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (SPI_keepplan(prepared) != 0)
		elog(ERROR, "SPI_keepplan failed");
	return prepared;
}

static uint64
run(JaPlan *plan, JaValues values, Snapshot snapshot, Snapshot crosscheck)
{
	Datum		datums[JA_PLAN_MAX_ARGUMENTS];
	char		nulls[JA_PLAN_MAX_ARGUMENTS];
	MemoryContext context = CurrentMemoryContext;
	int			result;

	if (values.count > JA_PLAN_MAX_ARGUMENTS)
		elog(ERROR, "statement takes too many values");
	if (plan->plan == NULL)
		plan->plan = prepare(plan->sql, values);
	check_types(plan->plan, values);
	for (int i = 0; i < values.count; i++)
	{
		datums[i] = values.items[i].datum;
		nulls[i] = values.items[i].is_null ? 'n' : ' ';
	}
	result = SPI_execute_snapshot(plan->plan, datums, nulls, snapshot, crosscheck,
								  false, true, 0);
	/* SPI leaves its own context current, which ends with the scope. */
	MemoryContextSwitchTo(context);
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

/*
 * Runs a statement that writes or locks rows, or must see what an earlier one
 * wrote; returns the number of rows.  Its results stay until the next one.
 */
uint64
ja_plan_run(JaPlan *plan, JaValues values)
{
	return run(plan, values, InvalidSnapshot, InvalidSnapshot);
}

/*
 * The same for a statement that must not miss a row because the transaction's
 * snapshot is older: under REPEATABLE READ and SERIALIZABLE, such a row raises
 * 40001, as it does for PostgreSQL's own foreign keys.
 */
uint64
ja_plan_run_on_latest(JaPlan *plan, JaValues values)
{
	if (!IsolationUsesXactSnapshot())
		return ja_plan_run(plan, values);
	CommandCounterIncrement();
	return run(plan, values, GetLatestSnapshot(), GetTransactionSnapshot());
}

/*
 * The same for rows that the caller keeps others from changing, by a lock of
 * its own: they are read and written as they are now, whatever the
 * transaction's snapshot shows.
 */
uint64
ja_plan_run_as_of_now(JaPlan *plan, JaValues values)
{
	if (!IsolationUsesXactSnapshot())
		return ja_plan_run(plan, values);
	CommandCounterIncrement();
	return run(plan, values, GetLatestSnapshot(), InvalidSnapshot);
}

/*
 * Whether the running statement is one of ours, and not one that somebody
 * wrote.  PostgreSQL sets this flag for its own foreign keys only.
 */
bool
ja_plan_is_running(void)
{
	Oid			user;
	int			security_context;

	GetUserIdAndSecContext(&user, &security_context);
	return (security_context & SECURITY_NOFORCE_RLS) != 0;
}

/* What was to be written is not there: a trigger must have returned NULL. */
static void
raise_unwritten(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("a row of extension \"jwt_auth\" was not written"),
			 errhint("A trigger on one of its tables prevents rows from being written. Drop that trigger."),
			 errhidestmt(true)));
	pg_unreachable();
}

/* Runs a statement that writes one row; raises 27000 if that is not written. */
void
ja_plan_write_one(JaPlan *plan, JaValues values)
{
	if (ja_plan_run(plan, values) != 1)
		raise_unwritten();
}

/*
 * A column, counted from 1, of a row of the last statement's result; raises
 * 27000 if there is no such row.
 */
Datum
ja_plan_result(uint64 row, int column, bool *is_null)
{
	if (SPI_tuptable == NULL || row >= SPI_tuptable->numvals)
		raise_unwritten();
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, is_null);
}

/* A text column of the result; data NULL for NULL. */
JaString
ja_plan_string(uint64 row, int column)
{
	bool		is_null;
	Datum		value = ja_plan_result(row, column, &is_null);

	return ja_value_read_text(value, is_null);
}

/*
 * Raises 25006 in a read-only transaction, as every one on a standby is, and 55000
 * where a subscription writes the tables.
 */
void
ja_plan_refuse_read_only(const char *function)
{
	if (XactReadOnly)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s() in a read-only transaction", function),
				 errhint("Call it in a read-write transaction on the primary server."),
				 errhidestmt(true)));
	if (ja_subscription_fills_tables())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot execute %s() where a subscription writes the tables of jwt_auth", function),
				 errhint("Call it on the publisher, or drop the subscription if this server takes over."),
				 errhidestmt(true)));
}
