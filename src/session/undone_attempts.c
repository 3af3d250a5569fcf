/*-------------------------------------------------------------------------
 *
 * undone_attempts.c
 *	  Denied attempts of the running transaction, should it roll back.
 *
 * A denied attempt is counted in a table, which the transaction may undo: by a
 * rollback, to a savepoint too, an error, a cancel, or the end of its session.
 * Then the attempt is counted in memory instead, before the lock on its subject
 * is released, so that no other attempt on it comes in between; and the server
 * log says so, since an application that lets its clients do that is not set
 * up as it should be.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "base/secret.h"
#include "session/undone_attempts.h"
#include "shared/counters.h"

/*
 * Where there are more, the first ones count as undone already, and twice if the
 * transaction commits: nobody fails so often in one for a good reason.
 */
#define MAX_WATCHED 64

typedef struct WatchedAttempt
{
	int			share;			/* of the memory */
	uint8		subject[JA_SUBJECT_SIZE];
	TimestampTz at;
	TimestampTz forget_before;
	int			nest_level;		/* of the subtransaction that counted it */
} WatchedAttempt;

static WatchedAttempt watched[MAX_WATCHED];
static int	watched_count = 0;

static void
count_undone(const WatchedAttempt *attempt)
{
	ja_attempts_add(attempt->share, attempt->subject, attempt->at, attempt->forget_before);
	ja_count(JA_COUNT_ATTEMPTS_UNDONE);
}

/* Neither the statement nor its context, which may hold a password. */
static void
log_undone(int attempts)
{
	ereport(LOG_SERVER_ONLY,
			(errmsg_plural("jwt_auth: a rollback undid %d denied attempt to log in",
						   "jwt_auth: a rollback undid %d denied attempts to log in",
						   attempts, attempts),
			 errhint("They still count, but are not audited. Applications must commit the transaction of jwt_login, whatever it returns."),
			 errhidestmt(true),
			 errhidecontext(true)));
}

/* The attempts of the level and of all inside it are undone. */
static void
undo_from_level(int nest_level)
{
	int			kept = 0;
	int			undone;

	for (int i = 0; i < watched_count; i++)
	{
		if (watched[i].nest_level < nest_level)
			watched[kept++] = watched[i];
		else
			count_undone(&watched[i]);
	}
	undone = watched_count - kept;
	watched_count = kept;
	if (undone > 0)
		log_undone(undone);
}

/* What a subtransaction counted is its parent's to keep or undo. */
static void
hand_to_parent(int nest_level)
{
	for (int i = 0; i < watched_count; i++)
		watched[i].nest_level = Min(watched[i].nest_level, nest_level - 1);
}

static void
note_transaction_end(XactEvent event, void *argument pg_attribute_unused())
{
	if (event == XACT_EVENT_COMMIT)
		watched_count = 0;
	else if (event == XACT_EVENT_ABORT)
		undo_from_level(0);
}

static void
note_subtransaction_end(SubXactEvent event, SubTransactionId id pg_attribute_unused(),
						SubTransactionId parent pg_attribute_unused(),
						void *argument pg_attribute_unused())
{
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		hand_to_parent(GetCurrentTransactionNestLevel());
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		undo_from_level(GetCurrentTransactionNestLevel());
}

/* Registers the callbacks; once per backend. */
void
ja_undone_attempts_initialize(void)
{
	RegisterXactCallback(note_transaction_end, NULL);
	RegisterSubXactCallback(note_subtransaction_end, NULL);
}

static void
drop_watched(int index)
{
	watched_count--;
	memmove(&watched[index], &watched[index + 1],
			(watched_count - index) * sizeof(WatchedAttempt));
}

/*
 * Watches over a denied attempt that the running transaction counts, whose
 * subject it has locked until it ends.
 */
void
ja_undone_attempts_watch(int share, const uint8 *subject, TimestampTz now,
						 TimestampTz forget_before)
{
	WatchedAttempt *attempt;

	if (watched_count == MAX_WATCHED)
	{
		count_undone(&watched[0]);
		drop_watched(0);
	}
	attempt = &watched[watched_count++];
	attempt->share = share;
	memcpy(attempt->subject, subject, JA_SUBJECT_SIZE);
	attempt->at = now;
	attempt->forget_before = forget_before;
	attempt->nest_level = GetCurrentTransactionNestLevel();
}

/* Forgets the attempts on a subject, undone or not. */
void
ja_undone_attempts_forget(int share, const uint8 *subject)
{
	for (int i = watched_count - 1; i >= 0; i--)
	{
		if (ja_secret_equals(watched[i].subject, JA_SUBJECT_SIZE, subject, JA_SUBJECT_SIZE))
			drop_watched(i);
	}
	ja_attempts_forget(share, subject);
}
