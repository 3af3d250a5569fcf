/*-------------------------------------------------------------------------
 *
 * hash_slots.c
 *	  How many password hashes the server computes at a time.
 *
 * A password hash keeps a processor busy for some 20 ms, and anyone may ask
 * for one with a wrong password.  With a slot for each of some processors, a
 * flood of them leaves the others to verification, policies and refreshes,
 * which never wait for a slot.
 *
 * Only a few may wait for a slot, since each keeps a connection that others need:
 * behind a pooler, a flood that waits would stop all traffic.
 *
 * A slot is held for one computation, in which nothing reads an interrupt or
 * waits for the client.  So it is given back by the call that took it; should
 * memory run out or the backend exit in between, then by the end of the
 * (sub)transaction or by the exit.  A backend that is killed takes the shared
 * memory with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/spin.h"
#include "utils/wait_event.h"

#include "base/error.h"
#include "base/settings.h"
#include "shared/counters.h"
#include "shared/hash_slots.h"

#define WAIT_MILLISECONDS 2000

/* So that a pool of ten connections has some left beside one slot. */
#define WAITING_PER_SLOT 6

/* A signal may go to a backend that gives up, so none relies on it. */
#define POLL_MILLISECONDS 100

typedef struct HashSlots
{
	slock_t		lock;
	int			taken;
	int			waiting;
	ConditionVariable released;
} HashSlots;

static HashSlots *slots = NULL; /* NULL: there is no limit */
static bool is_holder = false;
static bool is_waiting = false;
static instr_time taken_at;

/* Half the processors, at least one. */
int
ja_hash_slots_default(void)
{
	long		processors = sysconf(_SC_NPROCESSORS_ONLN);

	return (int) Min(Max(processors / 2, 1), JA_MAX_HASH_SLOTS);
}

Size
ja_hash_slots_size(void)
{
	return sizeof(HashSlots);
}

void
ja_hash_slots_attach(void *memory, bool is_new)
{
	slots = memory;
	if (!is_new)
		return;
	SpinLockInit(&slots->lock);
	ConditionVariableInit(&slots->released);
}

static uint64
microseconds_since(instr_time start)
{
	instr_time	elapsed;

	INSTR_TIME_SET_CURRENT(elapsed);
	INSTR_TIME_SUBTRACT(elapsed, start);
	return INSTR_TIME_GET_MICROSEC(elapsed);
}

/* Counts this backend, unless so many are counted; *is_counted says whether it is. */
static bool
try_count(int *count, int max, bool *is_counted)
{
	SpinLockAcquire(&slots->lock);
	if (*count < max)
	{
		(*count)++;
		*is_counted = true;
	}
	SpinLockRelease(&slots->lock);
	return *is_counted;
}

/* Takes back what try_count() did; false if that was nothing. */
static bool
stop_counting(int *count, bool *is_counted)
{
	if (!*is_counted)
		return false;
	SpinLockAcquire(&slots->lock);
	(*count)--;
	*is_counted = false;
	SpinLockRelease(&slots->lock);
	return true;
}

static bool
try_take(void)
{
	return try_count(&slots->taken, ja_settings.max_password_hashes, &is_holder);
}

/* How many may wait at a time. */
static int
max_waiting(void)
{
	int			max = ja_settings.max_waiting_password_hashes;

	return max < 0 ? WAITING_PER_SLOT * ja_settings.max_password_hashes : max;
}

static void
stop_waiting(void)
{
	(void) stop_counting(&slots->waiting, &is_waiting);
}

static void
give_back(void)
{
	stop_waiting();
	if (stop_counting(&slots->taken, &is_holder))
		ConditionVariableSignal(&slots->released);
}

static void
give_back_at_exit(int code pg_attribute_unused(), Datum argument pg_attribute_unused())
{
	give_back();
}

static void
give_back_at_abort(XactEvent event, void *argument pg_attribute_unused())
{
	if (event == XACT_EVENT_ABORT)
		give_back();
}

static void
give_back_at_subabort(SubXactEvent event, SubTransactionId id pg_attribute_unused(),
					  SubTransactionId parent pg_attribute_unused(),
					  void *argument pg_attribute_unused())
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		give_back();
}

/* Makes sure that a slot, or a place in the queue, is given back whichever way it is left. */
static void
watch_holder(void)
{
	static bool is_watched = false;

	if (is_watched)
		return;
	before_shmem_exit(give_back_at_exit, (Datum) 0);
	RegisterXactCallback(give_back_at_abort, NULL);
	RegisterSubXactCallback(give_back_at_subabort, NULL);
	is_watched = true;
}

/*
 * Waits until a slot is free; false if none was in time, or too many wait.  A
 * statement that ends while it waits has a password.
 */
static bool
wait_for_slot(void)
{
	ErrorContextCallback hidden;
	instr_time	start;
	bool		is_taken;

	if (!try_count(&slots->waiting, max_waiting(), &is_waiting))
		return false;
	ja_error_context_push(&hidden, ja_hide_statement);
	INSTR_TIME_SET_CURRENT(start);
	ConditionVariablePrepareToSleep(&slots->released);
	while (!(is_taken = try_take()) &&
		   microseconds_since(start) < WAIT_MILLISECONDS * UINT64CONST(1000))
		(void) ConditionVariableTimedSleep(&slots->released, POLL_MILLISECONDS,
										   PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	ja_error_context_pop(&hidden);
	stop_waiting();
	ja_count(JA_COUNT_PASSWORD_HASH_WAITS);
	ja_count_many(JA_COUNT_PASSWORD_HASH_WAIT_MICROSECONDS, microseconds_since(start));
	return is_taken;
}

/*
 * Takes a slot for one computation of a password hash; without shared memory,
 * always.  Waits for at most two seconds unless too many do, and returns false if
 * there was none.
 * Raises what an interrupt asks for while it waits.
 */
bool
ja_hash_slot_take(void)
{
	if (slots != NULL)
	{
		watch_holder();
		if (!try_take() && !wait_for_slot())
		{
			ja_count(JA_COUNT_PASSWORD_HASHES_REFUSED);
			return false;
		}
	}
	INSTR_TIME_SET_CURRENT(taken_at);
	return true;
}

/* Gives the slot back that the last call took. */
void
ja_hash_slot_release(void)
{
	ja_count(JA_COUNT_PASSWORD_HASHES);
	ja_count_many(JA_COUNT_PASSWORD_HASH_MICROSECONDS, microseconds_since(taken_at));
	if (slots != NULL)
		give_back();
}
