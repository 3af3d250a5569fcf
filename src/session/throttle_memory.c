/*-------------------------------------------------------------------------
 *
 * throttle_memory.c
 *	  Failed logins whose transactions rolled back, in backend memory.
 *
 * A caller that controls its transactions can undo what the table counts.  So
 * each failure is noted here, too, with the transaction that wrote it: those
 * that committed are the table's to count, and those that did not are counted
 * here until an hour has passed.  A fixed number of names is remembered; the
 * one with the oldest failure gives way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "storage/procarray.h"

#include "session/throttle_memory.h"

#define MAX_NAMES 256

/* Failures of one name that are not yet known to have committed or not. */
#define MAX_PENDING 8

typedef struct Pending
{
	TransactionId transaction;
	int			failures;
} Pending;

typedef struct Entry
{
	uint8		name_hash[JA_NAME_HASH_SIZE];
	TimestampTz last_failure;	/* 0: the entry is free */
	int			lost;			/* failures that rolled back */
	int			pending_count;
	Pending		pending[MAX_PENDING];
} Entry;

static Entry entries[MAX_NAMES];

static Entry *
find(const uint8 *name_hash)
{
	for (int i = 0; i < MAX_NAMES; i++)
	{
		if (entries[i].last_failure != 0 &&
			memcmp(entries[i].name_hash, name_hash, JA_NAME_HASH_SIZE) == 0)
			return &entries[i];
	}
	return NULL;
}

static Entry *
find_oldest(void)
{
	Entry	   *oldest = &entries[0];

	for (int i = 1; i < MAX_NAMES; i++)
	{
		if (entries[i].last_failure < oldest->last_failure)
			oldest = &entries[i];
	}
	return oldest;
}

/* Moves failures that rolled back to the count, and drops those that didn't. */
static void
settle(Entry *entry)
{
	int			kept = 0;

	for (int i = 0; i < entry->pending_count; i++)
	{
		Pending		pending = entry->pending[i];

		if (TransactionIdIsCurrentTransactionId(pending.transaction))
			entry->pending[kept++] = pending;
		else if (!TransactionIdDidCommit(pending.transaction) &&
				 !TransactionIdIsInProgress(pending.transaction))
			entry->lost += pending.failures;
	}
	entry->pending_count = kept;
}

/*
 * How many failures of the name were rolled back, unless the last is older
 * than the given time.
 */
int
ja_throttle_memory_lost(const uint8 *name_hash, TimestampTz forget_before,
						TimestampTz *last_failure)
{
	Entry	   *entry = find(name_hash);

	if (entry == NULL)
		return 0;
	if (entry->last_failure < forget_before)
	{
		entry->last_failure = 0;
		return 0;
	}
	settle(entry);
	*last_failure = entry->last_failure;
	return entry->lost;
}

/* Notes a failure that the running transaction writes to the table. */
void
ja_throttle_memory_add(const uint8 *name_hash, TimestampTz now)
{
	TransactionId transaction = GetCurrentTransactionId();
	Entry	   *entry = find(name_hash);

	if (entry == NULL)
	{
		entry = find_oldest();
		memset(entry, 0, sizeof(Entry));
		memcpy(entry->name_hash, name_hash, JA_NAME_HASH_SIZE);
	}
	settle(entry);
	entry->last_failure = now;
	if (entry->pending_count > 0 &&
		entry->pending[entry->pending_count - 1].transaction == transaction)
		entry->pending[entry->pending_count - 1].failures++;
	else if (entry->pending_count < MAX_PENDING)
		entry->pending[entry->pending_count++] = (Pending) {transaction, 1};
	else
		entry->lost++;
}

/* Forgets the name, since its user logged in. */
void
ja_throttle_memory_clear(const uint8 *name_hash)
{
	Entry	   *entry = find(name_hash);

	if (entry != NULL)
		entry->last_failure = 0;
}
