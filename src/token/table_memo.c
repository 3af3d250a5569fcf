/*-------------------------------------------------------------------------
 *
 * table_memo.c
 *	  Whether a table that revokes has any row that does.
 *
 * Mostly it has none, which is worth remembering until revocations change:
 * whoever writes such a row invalidates them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "store/invalidation.h"
#include "token/table_memo.h"

static bool
look(const JaTableMemo *memo)
{
	JaScan		scan;
	bool		found = false;

	ja_scan_start(&scan, memo->table, memo->index, JA_ALL_ROWS);
	while (!found && ja_scan_next(&scan))
		found = memo->column == 0 || !ja_scan_is_null(&scan, memo->column);
	ja_scan_end(&scan);
	return found;
}

/*
 * Whether the table has such a row.  The counter is read before the table: an
 * invalidation that comes in between, and which the table's snapshot may not show,
 * makes the next call look again.  A look that an error ends says nothing.
 */
bool
ja_table_memo_has_rows(JaTableMemo *memo)
{
	uint64		counter;

	ja_invalidation_watch();
	counter = ja_invalidation_counters[JA_INVALIDATION_REVOCATIONS];
	if (memo->counter != counter)
	{
		memo->has_rows = look(memo);
		memo->counter = counter;
	}
	return memo->has_rows;
}
