/*-------------------------------------------------------------------------
 *
 * connection_board.c
 *	  The public keys of databases, for those who open a connection to one.
 *
 * While a connection is authenticated no table can be read, so that the worker
 * of a database publishes here what its tokens are verified with.  Each database
 * has an entry of its own, which only its worker writes and the launcher removes:
 * no key of one opens a connection to another.
 *
 * All is read and written under the lock, so that nobody sees half of it.  What is
 * here can be out of date, and says of when it is; its readers decide how old it
 * may be.  It is public: there is no private key, no secret and no claim in it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/settings.h"
#include "shared/connection_board.h"
#include "shared/memory.h"
#include "shared/worker_board.h"

#define MAX_DATABASES 64

typedef struct Published
{
	Oid			database;		/* InvalidOid: the entry is free */
	bool		is_wanted;		/* its keys have changed since */
	JaPublication publication;
} Published;

static Published *entries = NULL;	/* NULL: nothing is published */

/*
 * The size of all entries where a worker was to publish when the server started;
 * it does not change with the setting, as the memory is laid out anew after a crash.
 */
Size
ja_connection_board_size(void)
{
	static int	count = -1;

	if (count < 0)
		count = ja_settings_text(ja_settings.worker_databases).data != NULL ? MAX_DATABASES : 0;
	return mul_size(sizeof(Published), count);
}

void
ja_connection_board_attach(void *memory, bool is_new pg_attribute_unused())
{
	entries = ja_connection_board_size() > 0 ? memory : NULL;
}

bool
ja_connection_board_exists(void)
{
	return entries != NULL;
}

/* The entry of the database, or with InvalidOid a free one; or NULL.  Under the lock. */
static Published *
find_entry(Oid database)
{
	for (int i = 0; i < MAX_DATABASES; i++)
	{
		if (entries[i].database == database)
			return &entries[i];
	}
	return NULL;
}

static bool
set_wanted(Oid database, bool is_wanted)
{
	Published  *entry;

	if (entries == NULL)
		return false;
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	entry = find_entry(database);
	if (entry != NULL)
		entry->is_wanted = is_wanted;
	LWLockRelease(ja_shared_lock());
	return entry != NULL;
}

/* Has this database's keys published anew, soon, where they are published. */
void
ja_connection_board_want(void)
{
	if (set_wanted(MyDatabaseId, true))
		ja_worker_board_wake();
}

void
ja_connection_board_drop_want(Oid database)
{
	set_wanted(database, false);
}

bool
ja_connection_board_is_wanted(Oid database)
{
	Published  *entry;
	bool		is_wanted;

	if (entries == NULL)
		return false;
	LWLockAcquire(ja_shared_lock(), LW_SHARED);
	entry = find_entry(database);
	is_wanted = entry != NULL && entry->is_wanted;
	LWLockRelease(ja_shared_lock());
	return is_wanted;
}

/* Copies what a database publishes; false if that is nothing. */
bool
ja_connection_board_read(Oid database, JaPublication *copy)
{
	Published  *entry;

	if (entries == NULL || !OidIsValid(database))
		return false;
	LWLockAcquire(ja_shared_lock(), LW_SHARED);
	entry = find_entry(database);
	if (entry != NULL)
		*copy = entry->publication;
	LWLockRelease(ja_shared_lock());
	return entry != NULL;
}

/*
 * Publishes for this database, in place of what it published before; false if there
 * are too many databases.  None is displaced by another.
 */
bool
ja_connection_board_put(const JaPublication *publication)
{
	Published  *entry;

	if (entries == NULL)
		return false;
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	entry = find_entry(MyDatabaseId);
	if (entry == NULL)
		entry = find_entry(InvalidOid);
	if (entry != NULL)
	{
		entry->database = MyDatabaseId;
		entry->publication = *publication;
	}
	LWLockRelease(ja_shared_lock());
	return entry != NULL;
}

static void
clear_entry(Published *entry)
{
	if (entry != NULL)
		*entry = (Published) {.database = InvalidOid};
}

/* Removes what this database publishes. */
void
ja_connection_board_withdraw(void)
{
	if (entries == NULL)
		return;
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	clear_entry(find_entry(MyDatabaseId));
	LWLockRelease(ja_shared_lock());
}

/* Removes what is not of these databases: they were dropped, or are named no more. */
void
ja_connection_board_keep(const List *databases)
{
	if (entries == NULL)
		return;
	LWLockAcquire(ja_shared_lock(), LW_EXCLUSIVE);
	for (int i = 0; i < MAX_DATABASES; i++)
	{
		if (!list_member_oid(databases, entries[i].database))
			clear_entry(&entries[i]);
	}
	LWLockRelease(ja_shared_lock());
}
