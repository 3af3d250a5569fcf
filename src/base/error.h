/*-------------------------------------------------------------------------
 *
 * error.h
 *	  The one place that turns a status into an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ERROR_H
#define JA_ERROR_H

#include "base/compat.h"
#include "base/status.h"

JA_NORETURN extern void ja_raise(JaStatus status);
JA_NORETURN extern void ja_raise_insufficient(int level, int64 max_age_seconds);
extern void ja_log_refusal(JaStatus status);
extern bool ja_behind_postgrest(void);
extern void ja_hide_statement(void *argument);

/* Has the function called for each error that is raised until ja_error_context_pop(). */
static inline void
ja_error_context_push(ErrorContextCallback *callback, void (*function) (void *argument))
{
	callback->callback = function;
	callback->arg = NULL;
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

/* Raises where another one, which is gone or will be, was pushed since and is there still. */
static inline void
ja_error_context_pop(const ErrorContextCallback *callback)
{
	bool		is_last = error_context_stack == callback;

	error_context_stack = callback->previous;
	if (unlikely(!is_last))
		elog(ERROR, "error contexts are not nested");
}

/* Raises unless the status is JA_OK. */
static inline void
ja_check(JaStatus status)
{
	if (unlikely(status != JA_OK))
		ja_raise(status);
}

#endif							/* JA_ERROR_H */
