/*-------------------------------------------------------------------------
 *
 * throttle.c
 *	  Waits after failed attempts, such as logins, and between messages.
 *
 * What is attempted has a subject: a keyed hash of the kind's label and of whose
 * it is, such as the canonical name that somebody tries passwords for.  Known
 * and unknown ones are throttled alike.  No kind counts for another, or clears
 * it.  From a number of failures on, each further attempt must wait.  An attempt
 * during the wait is neither checked, nor counted, nor written.
 *
 * Attempts on one subject are serialised by attempt_lock.c.  Whoever changes a
 * subject's row has its lock: to wait for the row would be to wait without
 * limit.  The lock also makes the row safe to read and write as it is now,
 * whatever the transaction's snapshot shows: under an older one, failures would
 * be missed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "base/time.h"
#include "keyring/name_hash.h"
#include "session/attempt_lock.h"
#include "session/throttle.h"
#include "session/undone_attempts.h"
#include "store/plan.h"
#include "store/scan.h"

/* Dead rows that a failure looks at, and deletes. */
#define DEAD_CANDIDATES 8
#define DEAD_DELETED	2

#define MAX_WAIT_SECONDS (15 * 60)

#define MAX_MESSAGES	5
#define MESSAGE_SECONDS 60

#define MAX_REQUESTS	10
#define MAX_NOTICES		5

StaticAssertDecl(JA_SUBJECT_SIZE == JA_NAME_HASH_SIZE, "size of a subject");

static JaPlan count_failure = {
	.sql = "INSERT INTO jwt_auth.login_throttle AS t (name_hash, failures, last_failure_at)"
	" VALUES ($1, 1, $2) ON CONFLICT (name_hash) DO UPDATE SET"
	" failures = CASE WHEN t.last_failure_at OPERATOR(pg_catalog.<) $3 THEN 1"
	" ELSE pg_catalog.int4pl(t.failures, 1) END,"
	" last_failure_at = EXCLUDED.last_failure_at RETURNING failures"
};

static JaPlan delete_subject = {
	.sql = "DELETE FROM jwt_auth.login_throttle WHERE name_hash OPERATOR(pg_catalog.=) $1"
};

/*
 * From jwt_auth.login_max_failures on, one second, and then twice as long each
 * time, up to 15 minutes.
 */
static int
wait_after_failures(int64 failures)
{
	int64		beyond = failures - ja_settings.login_max_failures;

	if (beyond < 0)
		return 0;
	return beyond >= 10 ? MAX_WAIT_SECONDS : Min(1 << beyond, MAX_WAIT_SECONDS);
}

/* Messages to an address: one a minute, and an hour without any after the fifth. */
static int
wait_after_messages(int64 messages)
{
	if (messages == 0)
		return 0;
	return messages < MAX_MESSAGES ? MESSAGE_SECONDS : JA_THROTTLE_LIFE_SECONDS;
}

/* Names and addresses that a user asks for: an hour without any after the tenth. */
static int
wait_after_requests(int64 requests)
{
	return requests < MAX_REQUESTS ? 0 : JA_THROTTLE_LIFE_SECONDS;
}

/* Notices of new clients, and reports of denials: an hour without any after the fifth. */
static int
wait_after_notices(int64 notices)
{
	return notices < MAX_NOTICES ? 0 : JA_THROTTLE_LIFE_SECONDS;
}

typedef struct Kind
{
	const char *label;			/* never changes, or rows would be lost */
	int			(*wait_seconds) (int64 failures);
	int			share;			/* of the memory for what a rollback undid */
	bool		counts_undone;	/* false: that did not happen */
} Kind;

/*
 * A subject's hash covers the label with its NUL, and then the bytes of whose
 * attempt it is.  So no bytes make two kinds meet, unless two labels are equal.
 */
static const Kind kinds[] = {
	[JA_ATTEMPT_PASSWORD] = {"jwt_auth throttle", wait_after_failures, 0, true},
	[JA_ATTEMPT_CODE] = {"jwt_auth throttle of codes", wait_after_failures, 1, true},
	[JA_ATTEMPT_SEND] = {"jwt_auth throttle of messages", wait_after_messages, 2, false},
	[JA_ATTEMPT_SEND_PROOF] = {"jwt_auth throttle of addresses to prove", wait_after_messages, 2, false},
	[JA_ATTEMPT_REQUEST] = {"jwt_auth throttle of requests", wait_after_requests, 2, true},
	[JA_ATTEMPT_FACTOR] = {"jwt_auth throttle of factors", wait_after_failures, 3, true},
	[JA_ATTEMPT_NOTICE] = {"jwt_auth throttle of notices", wait_after_notices, 2, false},
	[JA_ATTEMPT_SESSION] = {"jwt_auth throttle of sessions", wait_after_notices, 2, false},
};

static void
make_subject(JaAttemptKind kind, JaString whose, uint8 *subject)
{
	ja_name_hash_make(kinds[kind].label, whose.data, whose.length, subject);
}

/* Registers the callbacks; once per backend. */
void
ja_throttle_initialize(void)
{
	ja_attempt_lock_initialize();
	ja_undone_attempts_initialize();
}

/*
 * Whether an attempt on a busy subject is the only one that may report it, until
 * its transaction ends.
 */
bool
ja_throttle_may_report(const JaThrottle *throttle)
{
	return ja_attempt_lock_may_report(throttle->subject);
}

/* What the audit log shows of whose attempt it is, if that is nobody's it knows. */
bytea *
ja_throttle_name_hash(const JaThrottle *throttle)
{
	return ja_value_make_bytes(throttle->subject, JA_SUBJECT_SIZE);
}

/* Failures that the table counts, as of now; 0 if it has no row. */
static int
counted_failures(const uint8 *subject, TimestampTz *last_failure)
{
	JaScan		scan;
	JaValue		wanted = ja_bytes_of(subject, JA_SUBJECT_SIZE);
	int			failures;

	if (!ja_scan_find(&scan, JA_LOGIN_THROTTLE, JA_LOGIN_THROTTLE_PKEY,
					  JA_WHERE(ja_equal(Anum_login_throttle_name_hash, wanted))))
		return 0;
	failures = ja_scan_integer(&scan, Anum_login_throttle_failures);
	*last_failure = ja_scan_time(&scan, Anum_login_throttle_last_failure_at);
	ja_scan_end(&scan);
	return failures;
}

/* Seconds, rounded up, until a wait that began with the last failure is over. */
static int
remaining_seconds(int wait_seconds, TimestampTz last_failure, TimestampTz now)
{
	TimestampTz end = ja_seconds_from(last_failure, wait_seconds);

	if (wait_seconds == 0 || now >= end)
		return 0;
	return (int) ((end - now + USECS_PER_SEC - 1) / USECS_PER_SEC);
}

/* Nothing that lies in the future counts: a clock set back prolongs no wait. */
static void
drop_future(JaUndone *failures, TimestampTz now)
{
	if (failures->last > now)
		*failures = (JaUndone) {0, 0};
}

/*
 * Begins an attempt of a kind: takes its lock, and says how long it must wait.
 * The table counts failures, and memory those that rollbacks undid:
 * both count, or who commits some and undoes others would have twice as many.
 */
void
ja_throttle_enter(JaAttemptKind kind, JaString whose, JaThrottle *throttle)
{
	TimestampTz now;
	TimestampTz dead;
	JaUndone	counted = {0, 0};
	JaUndone	undone;

	throttle->kind = kind;
	make_subject(kind, whose, throttle->subject);
	throttle->starts_wait = false;
	throttle->has_row = false;
	throttle->retry_after_seconds = 1;
	throttle->is_busy = !ja_attempt_lock_wait(throttle->subject);
	if (throttle->is_busy)
		return;
	now = GetCurrentTimestamp();
	dead = ja_throttle_dead_before(now);
	counted.attempts = counted_failures(throttle->subject, &counted.last);
	throttle->has_row = counted.attempts > 0;
	if (counted.last < dead)
		counted.attempts = 0;
	undone = ja_attempts_find(kinds[kind].share, throttle->subject, dead);
	drop_future(&counted, now);
	drop_future(&undone, now);
	throttle->undone = undone.attempts;
	throttle->retry_after_seconds =
		remaining_seconds(kinds[kind].wait_seconds((int64) counted.attempts + undone.attempts),
						  Max(counted.last, undone.last), now);
}

/*
 * Counts a failure, and removes dead rows, so that the table can't grow by
 * more than is being guessed.
 */
void
ja_throttle_failed(JaThrottle *throttle)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz dead = ja_throttle_dead_before(now);
	JaPlanScope scope;
	bool		is_null;
	int			failures;

	/* First, since writing may fail. */
	if (kinds[throttle->kind].counts_undone)
		ja_undone_attempts_watch(kinds[throttle->kind].share, throttle->subject, now, dead);
	ForceSyncCommit();
	ja_plan_begin(&scope);
	ja_plan_run_as_of_now(&count_failure,
						  JA_VALUES(ja_bytes_of(throttle->subject, JA_SUBJECT_SIZE),
									ja_time(now), ja_time(dead)));
	failures = DatumGetInt32(ja_plan_result(0, 1, &is_null));
	/* Reading other rows would let SERIALIZABLE undo the count. */
	if (!IsolationIsSerializable())
		ja_throttle_delete_dead(dead, DEAD_CANDIDATES, DEAD_DELETED);
	ja_plan_end(&scope);
	throttle->starts_wait = kinds[throttle->kind].wait_seconds((int64) failures + throttle->undone) > 0;
}

static void
delete_row(const uint8 *subject)
{
	JaPlanScope scope;

	ja_plan_begin(&scope);
	ja_plan_run_as_of_now(&delete_subject, JA_VALUES(ja_bytes_of(subject, JA_SUBJECT_SIZE)));
	ja_plan_end(&scope);
}

/* Forgets the failures; for kinds whose success says that they were mistakes. */
void
ja_throttle_succeeded(JaThrottle *throttle)
{
	if (throttle->has_row)
		delete_row(throttle->subject);
	ja_undone_attempts_forget(kinds[throttle->kind].share, throttle->subject);
}

/*
 * Forgets the failures because an admin says so; raises JA_ACCOUNT_BUSY while
 * an attempt on the subject does not end.
 */
void
ja_throttle_clear(JaAttemptKind kind, JaString whose)
{
	uint8		subject[JA_SUBJECT_SIZE];

	make_subject(kind, whose, subject);
	if (!ja_attempt_lock_wait(subject))
		ja_raise(JA_ACCOUNT_BUSY);
	delete_row(subject);
	ja_undone_attempts_forget(kinds[kind].share, subject);
}
