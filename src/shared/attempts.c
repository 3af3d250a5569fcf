/*-------------------------------------------------------------------------
 *
 * attempts.c
 *	  Denied attempts that a rollback undid.
 *
 * A caller that controls its transactions can undo what a table counts.  What
 * was undone is counted here instead: for all backends in shared memory, so
 * that a new connection does not forget it, or else for this one.
 *
 * The table is set-associative: a subject belongs to one set, and nobody can
 * choose which, since it is a keyed hash.  Someone who tries many names fills
 * the sets with subjects of one attempt each; those give way to each other,
 * and not a subject that was tried more often.  What is attempted has a share of
 * its own: attempts that cost little, such as codes, displace no password's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/spin.h"

#include "base/secret.h"
#include "base/settings.h"
#include "shared/attempts.h"

#define WAYS 16

/* Sets of a backend that works alone. */
#define OWN_SETS 16

typedef struct Attempt
{
	uint8		subject[JA_SUBJECT_SIZE];
	Oid			database;
	JaUndone	undone;			/* no attempts: the entry is free */
} Attempt;

typedef struct AttemptSet
{
	slock_t		lock;
	Attempt		ways[WAYS];
} AttemptSet;

static AttemptSet own_sets[OWN_SETS];
static AttemptSet *sets = own_sets;
static Size set_count = OWN_SETS;

static Size
shared_set_count(void)
{
	return (ja_settings.shared_attempts + WAYS - 1) / WAYS;
}

Size
ja_attempts_size(void)
{
	return mul_size(shared_set_count(), sizeof(AttemptSet));
}

void
ja_attempts_attach(void *memory, bool is_new)
{
	sets = memory;
	set_count = shared_set_count();
	if (!is_new)
		return;
	for (Size i = 0; i < set_count; i++)
		SpinLockInit(&sets[i].lock);
}

/* Finds a subject's set, and locks one that is shared. */
static AttemptSet *
lock_set(int share, const uint8 *subject)
{
	uint64		number;
	AttemptSet *set;

	memcpy(&number, subject, sizeof(number));
	set = &sets[number % (set_count / JA_ATTEMPT_SHARES) * JA_ATTEMPT_SHARES + share];
	if (sets != own_sets)
		SpinLockAcquire(&set->lock);
	return set;
}

static void
unlock_set(AttemptSet *set)
{
	if (sets != own_sets)
		SpinLockRelease(&set->lock);
}

/* The subject's entry in its set, or NULL; under the lock. */
static Attempt *
find_attempt(AttemptSet *set, const uint8 *subject)
{
	for (int way = 0; way < WAYS; way++)
	{
		Attempt    *attempt = &set->ways[way];

		if (attempt->undone.attempts > 0 && attempt->database == MyDatabaseId &&
			ja_secret_equals(attempt->subject, JA_SUBJECT_SIZE, subject, JA_SUBJECT_SIZE))
			return attempt;
	}
	return NULL;
}

/* Attempts that still count. */
static int
live_attempts(const Attempt *attempt, TimestampTz forget_before)
{
	return attempt->undone.last < forget_before ? 0 : attempt->undone.attempts;
}

/* The entry that was tried least often, and of these the oldest; under the lock. */
static Attempt *
find_least_tried(AttemptSet *set, TimestampTz forget_before)
{
	Attempt    *least = &set->ways[0];

	for (int way = 1; way < WAYS; way++)
	{
		Attempt    *attempt = &set->ways[way];
		int			more = live_attempts(attempt, forget_before) - live_attempts(least, forget_before);

		if (more < 0 || (more == 0 && attempt->undone.last < least->undone.last))
			least = attempt;
	}
	return least;
}

/* What was undone of the subject, unless the last is older than the time. */
JaUndone
ja_attempts_find(int share, const uint8 *subject, TimestampTz forget_before)
{
	JaUndone	undone = {0, 0};
	AttemptSet *set = lock_set(share, subject);
	Attempt    *attempt = find_attempt(set, subject);

	if (attempt != NULL && live_attempts(attempt, forget_before) > 0)
		undone = attempt->undone;
	unlock_set(set);
	return undone;
}

/* Counts an attempt that was undone.  Neither allocates nor raises. */
void
ja_attempts_add(int share, const uint8 *subject, TimestampTz at,
				TimestampTz forget_before)
{
	AttemptSet *set = lock_set(share, subject);
	Attempt    *attempt = find_attempt(set, subject);
	int			former = 0;

	if (attempt != NULL)
		former = live_attempts(attempt, forget_before);
	else
		attempt = find_least_tried(set, forget_before);
	memcpy(attempt->subject, subject, JA_SUBJECT_SIZE);
	attempt->database = MyDatabaseId;
	attempt->undone = (JaUndone) {Min(former, PG_INT32_MAX - 1) + 1, at};
	unlock_set(set);
}

/* Forgets a subject, in all backends that share it. */
void
ja_attempts_forget(int share, const uint8 *subject)
{
	AttemptSet *set = lock_set(share, subject);
	Attempt    *attempt = find_attempt(set, subject);

	if (attempt != NULL)
		attempt->undone.attempts = 0;
	unlock_set(set);
}
