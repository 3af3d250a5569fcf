/*-------------------------------------------------------------------------
 *
 * accessor.c
 *	  Answers about the identity, which call sites remember.
 *
 * Policies call the accessors for each row, so that a call site remembers its
 * answer while the identity stays, and a row costs two comparisons.
 *
 * The identity may change while a query runs, and what was answered before must
 * not change with it: the executor holds answers in rows, in arrays that it
 * fills, and as keys of an index scan, which it evaluates once.  So no answer
 * points into the identity.  An answer is either
 * - by value;
 * - a value that is lent: the call site keeps it, unchanged, for as long as it
 *   is there itself, that is as long as the query is.  There is at most one;
 * - or a copy in the current memory context, as any function's result.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/primnodes.h"
#include "utils/datum.h"

#include "api/accessor.h"
#include "api/arguments.h"

/*
 * Only constants are surely the same in each call: an external parameter may
 * change between uses of one expression, as in PL/pgSQL.
 */
static bool
arguments_are_constant(FunctionCallInfo fcinfo)
{
	FuncExpr   *call = (FuncExpr *) fcinfo->flinfo->fn_expr;
	ListCell   *cell;

	if (call == NULL || !IsA(call, FuncExpr) || list_length(call->args) != fcinfo->nargs)
		return false;
	foreach(cell, call->args)
	{
		if (!IsA(lfirst(cell), Const))
			return false;
	}
	return true;
}

/* The call site, with room for what it will remember. */
static JaCallSite *
call_site(FunctionCallInfo fcinfo)
{
	JaCallSite *site = fcinfo->flinfo->fn_extra;

	if (site != NULL)
		return site;
	site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(JaCallSite));
	site->is_constant = fcinfo->nargs == 0 || arguments_are_constant(fcinfo);
	fcinfo->flinfo->fn_extra = site;
	return site;
}

/*
 * Makes the value the one that the call site lends, unless it lends another
 * already: were each identity's lent, a loop through many would fill the
 * memory.  Tells whether the site lends this value.
 */
static bool
lend(FunctionCallInfo fcinfo, JaCallSite *site, const JaAccessor *accessor, Datum value)
{
	MemoryContext caller;

	if (site->lends)
		return datumIsEqual(site->lent, value, accessor->by_value, accessor->length);
	caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	site->lent = datumCopy(value, accessor->by_value, accessor->length);
	site->lends = true;
	MemoryContextSwitchTo(caller);
	return true;
}

/*
 * Computes the value.  The call site keeps it for its next call, if that will
 * have the same arguments, and if it owns what the value points to.
 */
Datum
ja_accessor_answer_anew(FunctionCallInfo fcinfo, const void *argument, const JaAccessor *accessor)
{
	JaCallSite *site = call_site(fcinfo);
	const JaIdentity *identity = ja_identity_current();
	Datum		value = (Datum) 0;

	site->epoch = 0;
	fcinfo->isnull = true;
	if (identity != NULL)
		value = accessor->compute(identity, argument, &fcinfo->isnull);
	if (!site->is_constant)
		return value;
	if (!fcinfo->isnull && !accessor->by_value)
	{
		if (!lend(fcinfo, site, accessor, value))
			return value;
		value = site->lent;
	}
	site->answer = value;
	site->is_null = fcinfo->isnull;
	site->epoch = ja_identity_judgement.epoch;
	return value;
}

/* The same for the one argument of the call, a text; NULL for NULL. */
Datum
ja_accessor_answer_text_anew(FunctionCallInfo fcinfo, const JaAccessor *accessor)
{
	JaString	argument = ja_argument_text(fcinfo, 0);

	if (argument.data != NULL)
		return ja_accessor_answer_anew(fcinfo, &argument, accessor);
	(void) ja_identity_current();
	PG_RETURN_NULL();
}
