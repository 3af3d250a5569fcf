/*-------------------------------------------------------------------------
 *
 * table_memo.h
 *	  Whether a table that revokes has any row that does.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TABLE_MEMO_H
#define JA_TABLE_MEMO_H

#include "store/scan.h"

/* A table, what makes a row count, and what is remembered of it. */
typedef struct JaTableMemo
{
	JaRelation	table;
	JaRelation	index;
	AttrNumber	column;			/* not NULL in rows that count; 0: all count */
	uint64		counter;		/* of JA_INVALIDATION_REVOCATIONS when it was
								 * read; 0: never */
	bool		has_rows;
} JaTableMemo;

extern bool ja_table_memo_has_rows(JaTableMemo *memo);

#endif							/* JA_TABLE_MEMO_H */
