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
extern void ja_log_refusal(JaStatus status);
extern bool ja_behind_postgrest(void);

/* Raises unless the status is JA_OK. */
static inline void
ja_check(JaStatus status)
{
	if (unlikely(status != JA_OK))
		ja_raise(status);
}

#endif							/* JA_ERROR_H */
