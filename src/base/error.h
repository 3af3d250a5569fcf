/*-------------------------------------------------------------------------
 *
 * error.h
 *	  The one place that turns a status into an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ERROR_H
#define JA_ERROR_H

#include "base/status.h"

extern void ja_raise(JaStatus status) pg_attribute_noreturn();
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
