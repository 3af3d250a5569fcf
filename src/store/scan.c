/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  Direct index scans on the extension's tables.
 *
 * Rows are read with a fresh catalog snapshot, never that of the statement or
 * transaction: what fills or rechecks a cache must see all that committed
 * before the signal that voided it.  No SPI, no privileges and no row-level
 * security are involved.
 *
 * Such a look takes no part in what SERIALIZABLE promises for the caller's
 * transaction, since it sees what committed meanwhile.  It therefore leaves no
 * predicate locks, which would make transactions of different users fail: the
 * index is scanned with a snapshot that takes none, and each row is then judged
 * by the real one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "store/scan.h"

static ScanKey
next_key(JaScan *scan)
{
	Assert(scan->key_count < JA_SCAN_MAX_KEYS);
	return &scan->keys[scan->key_count++];
}

/*
 * Adds "column = value", or < or > by the strategy, on a column of collation
 * "C".
 */
void
ja_scan_key_text(JaScan *scan, AttrNumber column, StrategyNumber strategy, JaString value)
{
	static const RegProcedure functions[] = {
		[BTLessStrategyNumber] = F_TEXT_LT,
		[BTEqualStrategyNumber] = F_TEXTEQ,
		[BTGreaterStrategyNumber] = F_TEXT_GT
	};

	ScanKeyEntryInitialize(next_key(scan), 0, column, strategy,
						   TEXTOID, C_COLLATION_OID, functions[strategy],
						   PointerGetDatum(cstring_to_text_with_len(value.data,
																	(int) value.length)));
}

/* Adds "column = value"; the value must live as long as the scan. */
void
ja_scan_key_bytes(JaScan *scan, AttrNumber column, bytea *value)
{
	ScanKeyInit(next_key(scan), column, BTEqualStrategyNumber, F_BYTEAEQ,
				PointerGetDatum(value));
}

/* Adds "column = value"; the value must live as long as the scan. */
void
ja_scan_key_uuid(JaScan *scan, AttrNumber column, const void *value)
{
	ScanKeyInit(next_key(scan), column, BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum((pg_uuid_t *) value));
}

void
ja_scan_key_integer(JaScan *scan, AttrNumber column, int32 value)
{
	ScanKeyInit(next_key(scan), column, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(value));
}

/* Adds "column >= value". */
void
ja_scan_key_bigint_from(JaScan *scan, AttrNumber column, int64 value)
{
	ScanKeyInit(next_key(scan), column, BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(value));
}

/* Adds "column < value" or "column > value", by the strategy. */
void
ja_scan_key_time(JaScan *scan, AttrNumber column, StrategyNumber strategy, TimestampTz value)
{
	ScanKeyEntryInitialize(next_key(scan), 0, column, strategy, TIMESTAMPTZOID, InvalidOid,
						   strategy == BTLessStrategyNumber ? F_TIMESTAMPTZ_LT : F_TIMESTAMPTZ_GT,
						   TimestampTzGetDatum(value));
}

/* Adds "column IS NULL". */
void
ja_scan_key_null(JaScan *scan, AttrNumber column)
{
	ScanKeyEntryInitialize(next_key(scan), SK_ISNULL | SK_SEARCHNULL, column,
						   InvalidStrategy, InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
}

/*
 * Starts the scan, whose keys have been added; key_count must have been zero
 * before the first.
 */
void
ja_scan_start(JaScan *scan, JaRelation table, JaRelation index)
{
	scan->table = table_open(ja_relation_oid(table), AccessShareLock);
	scan->snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(scan->table)));
	scan->scan = systable_beginscan(scan->table, ja_relation_oid(index), true,
									IsolationIsSerializable() ? SnapshotAny : scan->snapshot,
									scan->key_count, scan->keys);
	scan->row = NULL;
}

/* Whether the snapshot sees the current row; the scan itself may see more. */
static bool
row_is_visible(const JaScan *scan)
{
	return !IsolationIsSerializable() ||
		table_tuple_satisfies_snapshot(scan->table, scan->scan->slot, scan->snapshot);
}

/* Moves to the next row; false at the end. */
bool
ja_scan_next(JaScan *scan)
{
	do
		scan->row = systable_getnext(scan->scan);
	while (HeapTupleIsValid(scan->row) && !row_is_visible(scan));
	return HeapTupleIsValid(scan->row);
}

/* Ends the scan; values of its rows are no longer good. */
void
ja_scan_end(JaScan *scan)
{
	systable_endscan(scan->scan);
	UnregisterSnapshot(scan->snapshot);
	table_close(scan->table, AccessShareLock);
}

/* A column of the current row. */
Datum
ja_scan_get(const JaScan *scan, AttrNumber column, bool *is_null)
{
	return heap_getattr(scan->row, column, RelationGetDescr(scan->table), is_null);
}

/* A text column, NUL-terminated in the current context; data NULL for NULL. */
JaString
ja_scan_string(const JaScan *scan, AttrNumber column)
{
	JaString	string = {NULL, 0};
	bool		is_null;
	Datum		value = ja_scan_get(scan, column, &is_null);

	if (!is_null)
	{
		string.data = TextDatumGetCString(value);
		string.length = strlen(string.data);
	}
	return string;
}

/*
 * Whether the running transaction wrote the current row, so that an answer
 * which rests on it must not outlive the transaction.
 */
bool
ja_scan_row_is_uncommitted(const JaScan *scan)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(scan->row->t_data));
}
