/*-------------------------------------------------------------------------
 *
 * served.c
 *	  The databases that jwt_auth.worker_databases names.
 *
 * An operator writes the names, as they are, with commas between them and in double
 * quotes where they have any; "*" stands for all that accept connections, templates
 * left out.  What cannot be served is told once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "base/settings.h"
#include "worker/served.h"

/* What was told, in TopMemoryContext. */
static List *told = NIL;

/* The names that a value lists, which it is cut into; false if it is malformed. */
static bool
split_names(const char *value, List **names)
{
	return SplitGUCList(pstrdup(value == NULL ? "" : value), ',', names);
}

bool
ja_served_list_is_right(const char *value)
{
	List	   *names;

	return split_names(value, &names);
}

static bool
lists_name(const List *names, const char *name)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

static void
tell_once(const char *name, const char *why)
{
	char	   *message = psprintf("database \"%s\" of setting \"jwt_auth.worker_databases\" %s",
								   name, why);
	MemoryContext former;

	if (lists_name(told, message))
		return;
	former = MemoryContextSwitchTo(TopMemoryContext);
	told = lappend(told, pstrdup(message));
	MemoryContextSwitchTo(former);
	ereport(WARNING, (errmsg_internal("%s", message)));
}

/* Tells anew, since the setting may have changed. */
void
ja_served_tell_again(void)
{
	list_free_deep(told);
	told = NIL;
}

/* Whether one can connect: not where a DROP DATABASE was interrupted, either. */
static bool
accepts_connections(Form_pg_database database)
{
	return database->datallowconn && database->datconnlimit >= DATCONNLIMIT_UNLIMITED;
}

/* Whether it is to be looked after. */
static bool
is_served(Form_pg_database database, const List *names, bool is_named)
{
	if (is_named && !accepts_connections(database))
		tell_once(NameStr(database->datname), "does not accept connections");
	return accepts_connections(database) &&
		(is_named || (lists_name(names, "*") && !database->datistemplate));
}

static JaServed *
make_served(Form_pg_database database, bool is_named)
{
	JaServed   *served = palloc(sizeof(JaServed));

	*served = (JaServed) {.database = database->oid,.name = database->datname,.is_named = is_named};
	return served;
}

static void
tell_missing(const List *names, const List *found)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		const char *name = lfirst(cell);

		if (strcmp(name, "*") != 0 && !lists_name(found, name))
			tell_once(name, "does not exist");
	}
}

/* A JaServed of each database, in the current memory context. */
List *
ja_served_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *names;
	List	   *found = NIL;
	List	   *served = NIL;
	Relation	catalog;
	TableScanDesc scan;
	HeapTuple	row;

	if (!split_names(ja_settings.worker_databases, &names) || names == NIL)
		return NIL;
	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	catalog = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(catalog, 0, NULL);
	while (HeapTupleIsValid(row = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(row);

		bool		is_named = lists_name(names, NameStr(database->datname));

		found = lappend(found, pstrdup(NameStr(database->datname)));
		if (is_served(database, names, is_named))
			served = lappend(served, make_served(database, is_named));
	}
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	tell_missing(names, found);
	return served;
}
