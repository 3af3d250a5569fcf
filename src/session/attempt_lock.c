/*-------------------------------------------------------------------------
 *
 * attempt_lock.c
 *	  The lock on what somebody attempts.
 *
 * No SQL function can take it.  Someone may hold it in an idle transaction, so
 * it is awaited for two seconds only.  A prepared transaction would keep it when
 * its session is gone, so that one cannot be prepared.  Nor can one that holds the row
 * of a user or a session, by which it would keep others from banning that user.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/wait_event.h"

#include "session/attempt_lock.h"

/*
 * The classes of our advisory locks: one for an attempt, one for the report that
 * its subject is busy.  Those of SQL functions are 1 and 2.
 */
#define LOCK_CLASS 0x4A41
#define REPORT_LOCK_CLASS 0x4A42

#define LOCK_WAIT_MILLISECONDS 2000
#define LOCK_POLL_MILLISECONDS 20

/* Whether the running transaction took a lock, or a row that others wait for. */
static bool has_locked = false;

static void
watch_transaction(XactEvent event, void *argument pg_attribute_unused())
{
	if (event == XACT_EVENT_PRE_PREPARE && has_locked)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has attempted a login, or gone on with or ended a session"),
				 errhint("Commit logins, refreshes, logouts and password changes, whatever they return."),
				 errhidestmt(true)));
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		has_locked = false;
}

/* Keeps the running transaction, which takes a row that others wait for, from being prepared. */
void
ja_attempt_lock_forbid_prepare(void)
{
	has_locked = true;
}

/* Registers the callback; once per backend. */
void
ja_attempt_lock_initialize(void)
{
	RegisterXactCallback(watch_transaction, NULL);
}

static void
fill_tag(const uint8 *subject, uint16 lock_class, LOCKTAG *tag)
{
	uint32		halves[2];

	memcpy(halves, subject, sizeof(halves));
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, halves[0], halves[1], lock_class);
}

/* Takes a lock on the subject if it is free, until the transaction ends. */
static bool
try_lock(const uint8 *subject, uint16 lock_class)
{
	LOCKTAG		tag;

	fill_tag(subject, lock_class, &tag);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	has_locked = true;
	return true;
}

/* Takes the lock if it is free, until the transaction ends. */
bool
ja_attempt_lock_try(const uint8 *subject)
{
	return try_lock(subject, LOCK_CLASS);
}

/*
 * Whether an attempt on a busy subject is the only one that may report it, until
 * its transaction ends.
 */
bool
ja_attempt_lock_may_report(const uint8 *subject)
{
	return try_lock(subject, REPORT_LOCK_CLASS);
}

static void
release(const uint8 *subject)
{
	LOCKTAG		tag;

	fill_tag(subject, LOCK_CLASS, &tag);
	LockRelease(&tag, ExclusiveLock, false);
}

/*
 * Waits until no other transaction has the lock, and does not keep it; false if
 * that took too long.
 */
bool
ja_attempt_lock_settle(const uint8 *subject)
{
	const bool	had_locked = has_locked;

	if (!ja_attempt_lock_wait(subject))
		return false;
	release(subject);
	has_locked = had_locked;
	return true;
}

/* Takes the lock; false if it was not to be had in time. */
bool
ja_attempt_lock_wait(const uint8 *subject)
{
	instr_time	start;
	instr_time	waited;

	INSTR_TIME_SET_CURRENT(start);
	do
	{
		if (ja_attempt_lock_try(subject))
			return true;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOCK_POLL_MILLISECONDS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		INSTR_TIME_SET_CURRENT(waited);
		INSTR_TIME_SUBTRACT(waited, start);
	} while (INSTR_TIME_GET_MILLISEC(waited) < LOCK_WAIT_MILLISECONDS);
	return false;
}
