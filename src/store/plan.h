/*-------------------------------------------------------------------------
 *
 * plan.h
 *	  Saved SQL statements on the extension's tables, run as their owner.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PLAN_H
#define JA_PLAN_H

#include "executor/spi.h"

#include "store/relation.h"
#include "store/value.h"

/* No statement takes more values. */
#define JA_PLAN_MAX_ARGUMENTS 16

/*
 * A statement and, once it was used, its plan; a static of its user.  The
 * values of the first use say how many it takes, and of which types.
 */
typedef struct JaPlan
{
	const char *sql;			/* a constant, every name qualified */
	SPIPlanPtr	plan;
} JaPlan;

/* Held from ja_plan_begin() to ja_plan_end(); an error ends it as well. */
typedef struct JaPlanScope
{
	Oid			caller;
	int			security_context;
	MemoryContext context;		/* the caller's */
	int			setting_level;	/* of settings to bring back; 0: none */
	ErrorContextCallback callback;	/* hides the caller's statement in the log */
} JaPlanScope;

extern int	ja_plan_hide(void);
extern void ja_plan_begin(JaPlanScope *scope);
extern void ja_plan_begin_in_caller_context(JaPlanScope *scope);
extern void ja_plan_end(JaPlanScope *scope);
extern uint64 ja_plan_run(JaPlan *plan, JaValues values);
extern uint64 ja_plan_run_on_latest(JaPlan *plan, JaValues values);
extern uint64 ja_plan_run_as_of_now(JaPlan *plan, JaValues values);
extern void ja_plan_write_one(JaPlan *plan, JaValues values);
extern bool ja_plan_is_running(void);
extern Datum ja_plan_result(uint64 row, int column, bool *is_null);
extern JaString ja_plan_string(uint64 row, int column);
extern void ja_plan_refuse_read_only(const char *function);

#endif							/* JA_PLAN_H */
