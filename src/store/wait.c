/*-------------------------------------------------------------------------
 *
 * wait.c
 *	  Waiting for rows that other transactions hold, for some seconds only.
 *
 * A login holds its user's row until its transaction ends, as a denial holds
 * its token's, and a client that does not end it must not keep others waiting
 * without a word, such as an admin who disables the user.  So the wait ends with
 * 55P03, and the error says what to do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/proc.h"
#include "utils/guc.h"

#include "base/error.h"
#include "store/wait.h"

#define WAIT_MILLISECONDS 5000

static void
explain_timeout(void *argument pg_attribute_unused())
{
	if (geterrcode() != ERRCODE_LOCK_NOT_AVAILABLE)
		return;
	errmsg("another transaction holds a row that this call needs");
	errhint("A login or another change has not been committed. Try again, or end that transaction: SELECT pid, state, xact_start FROM pg_stat_activity ORDER BY xact_start.");
}

/*
 * Limits each wait for a lock, unless lock_timeout limits it more, and raises
 * 55P03 at its end.
 */
void
ja_wait_begin(JaWait *wait)
{
	wait->setting_level = NewGUCNestLevel();
	if (LockTimeout == 0 || LockTimeout > WAIT_MILLISECONDS)
		(void) set_config_option("lock_timeout", CppAsString2(WAIT_MILLISECONDS),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	ja_error_context_push(&wait->callback, explain_timeout);
}

/* Brings lock_timeout back; what triggers set for the transaction stays. */
void
ja_wait_end(JaWait *wait)
{
	ja_error_context_pop(&wait->callback);
	AtEOXact_GUC(true, wait->setting_level);
}
