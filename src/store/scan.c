/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  Direct index scans on the extension's tables.
 *
 * Rows are read with a fresh catalog snapshot, never that of the statement or
 * transaction: what fills or rechecks a cache must see all that committed
 * before the invalidation that voided it.  No SPI, no privileges and no row-level
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
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "store/scan.h"

/* How values of the types that stand in conditions compare. */
static const struct
{
	Oid			type;
	StrategyNumber strategy;
	RegProcedure function;
}			comparisons[] = {
	{UUIDOID, BTEqualStrategyNumber, F_UUID_EQ},
	{TEXTOID, BTEqualStrategyNumber, F_TEXTEQ},
	{TEXTOID, BTLessStrategyNumber, F_TEXT_LT},
	{TEXTOID, BTGreaterStrategyNumber, F_TEXT_GT},
	{BYTEAOID, BTEqualStrategyNumber, F_BYTEAEQ},
	{INT4OID, BTEqualStrategyNumber, F_INT4EQ},
	{INT8OID, BTGreaterEqualStrategyNumber, F_INT8GE},
	{TIMESTAMPTZOID, BTLessStrategyNumber, F_TIMESTAMPTZ_LT},
	{TIMESTAMPTZOID, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT},
};

static RegProcedure
find_comparison(Oid type, StrategyNumber strategy)
{
	for (size_t i = 0; i < lengthof(comparisons); i++)
	{
		if (comparisons[i].type == type && comparisons[i].strategy == strategy)
			return comparisons[i].function;
	}
	elog(ERROR, "no scan compares values of type %u by strategy %d", type, strategy);
}

/* Texts compare by collation "C", as all columns do that have an index. */
static void
fill_key(ScanKey key, const JaScanKey *condition)
{
	const JaValue *value = &condition->value;

	if (condition->strategy == InvalidStrategy)
		ScanKeyEntryInitialize(key, SK_ISNULL | SK_SEARCHNULL, condition->column,
							   InvalidStrategy, InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
	else
		ScanKeyEntryInitialize(key, value->is_null ? SK_ISNULL : 0, condition->column,
							   condition->strategy, value->type, C_COLLATION_OID,
							   find_comparison(value->type, condition->strategy),
							   value->datum);
}

/*
 * Begins a scan by the index, whatever the client has set ignore_system_indexes
 * to, which any client may: a scan of the heap finds no NULL and keeps no order.
 */
static SysScanDesc
begin_by_index(Relation table, Oid index, Snapshot snapshot, int key_count, ScanKey keys)
{
	const bool	ignores_indexes = IgnoreSystemIndexes;
	SysScanDesc scan;

	IgnoreSystemIndexes = false;
	scan = systable_beginscan(table, index, true, snapshot, key_count, keys);
	IgnoreSystemIndexes = ignores_indexes;
	return scan;
}

/* Starts a scan; what the values refer to must live as long. */
void
ja_scan_start(JaScan *scan, JaRelation table, JaRelation index, JaScanKeys keys)
{
	ScanKeyData filled[JA_SCAN_MAX_KEYS];

	Assert(keys.count <= JA_SCAN_MAX_KEYS);
	for (int i = 0; i < keys.count; i++)
		fill_key(&filled[i], &keys.items[i]);
	scan->table = table_open(ja_relation_oid(table), AccessShareLock);
	scan->snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(scan->table)));
	scan->scan = begin_by_index(scan->table, ja_relation_oid(index),
								IsolationIsSerializable() ? SnapshotAny : scan->snapshot,
								keys.count, filled);
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

/*
 * Starts a scan and moves to its first row.  Returns false, and has ended the
 * scan, if there is none.
 */
bool
ja_scan_find(JaScan *scan, JaRelation table, JaRelation index, JaScanKeys keys)
{
	ja_scan_start(scan, table, index, keys);
	if (ja_scan_next(scan))
		return true;
	ja_scan_end(scan);
	return false;
}

/* Reads the first row; false if there is none. */
bool
ja_scan_read(const JaRowType *type, JaRelation index, JaScanKeys keys, void *row)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, type->table, index, keys))
		return false;
	type->read(&scan, row);
	ja_scan_end(&scan);
	return true;
}

/* Reads all rows into an array, in the order of the index. */
void *
ja_scan_read_all(const JaRowType *type, JaRelation index, JaScanKeys keys, int *count)
{
	JaScan		scan;
	int			room = 4;
	char	   *rows = palloc(room * type->size);

	*count = 0;
	ja_scan_start(&scan, type->table, index, keys);
	while (ja_scan_next(&scan))
	{
		if (*count == room)
			rows = repalloc(rows, (room *= 2) * type->size);
		type->read(&scan, rows + (*count)++ * type->size);
	}
	ja_scan_end(&scan);
	return rows;
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

/* A column of the current row, valid until the scan moves on. */
Datum
ja_scan_get(const JaScan *scan, AttrNumber column, bool *is_null)
{
	return heap_getattr(scan->row, column, RelationGetDescr(scan->table), is_null);
}

bool
ja_scan_is_null(const JaScan *scan, AttrNumber column)
{
	bool		is_null;

	(void) ja_scan_get(scan, column, &is_null);
	return is_null;
}

/* The same as ja_scan_get(); (Datum) 0 for NULL. */
static Datum
get(const JaScan *scan, AttrNumber column)
{
	bool		is_null;
	Datum		value = ja_scan_get(scan, column, &is_null);

	return is_null ? (Datum) 0 : value;
}

/* A boolean column that is not NULL. */
bool
ja_scan_bool(const JaScan *scan, AttrNumber column)
{
	return DatumGetBool(get(scan, column));
}

/* An integer column; 0 for NULL. */
int32
ja_scan_integer(const JaScan *scan, AttrNumber column)
{
	return DatumGetInt32(get(scan, column));
}

/* A bigint column that is not NULL. */
int64
ja_scan_bigint(const JaScan *scan, AttrNumber column)
{
	return DatumGetInt64(get(scan, column));
}

/* A timestamptz column; 0 for NULL. */
TimestampTz
ja_scan_time(const JaScan *scan, AttrNumber column)
{
	return DatumGetTimestampTz(get(scan, column));
}

/* A uuid column that is not NULL. */
pg_uuid_t
ja_scan_uuid(const JaScan *scan, AttrNumber column)
{
	bool		is_null;
	Datum		value = ja_scan_get(scan, column, &is_null);

	if (is_null)
		elog(ERROR, "column %d of a row is unexpectedly NULL", column);
	return *DatumGetUUIDP(value);
}

/* A text column, NUL-terminated in the current context; data NULL for NULL. */
JaString
ja_scan_string(const JaScan *scan, AttrNumber column)
{
	bool		is_null;
	Datum		value = ja_scan_get(scan, column, &is_null);

	return ja_value_read_text(value, is_null);
}

/* A bytea column, copied into the current context; NULL for NULL. */
bytea *
ja_scan_bytes(const JaScan *scan, AttrNumber column)
{
	bool		is_null;
	Datum		value = ja_scan_get(scan, column, &is_null);

	return is_null ? NULL : DatumGetByteaPCopy(value);
}

/* The same as a string; data NULL for NULL. */
JaString
ja_scan_octets(const JaScan *scan, AttrNumber column)
{
	bytea	   *bytes = ja_scan_bytes(scan, column);

	return bytes == NULL ? (JaString) {NULL, 0} :
		(JaString) {VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ};
}

/* The same as ja_scan_bytes() for a jsonb column. */
Jsonb *
ja_scan_jsonb(const JaScan *scan, AttrNumber column)
{
	return (Jsonb *) ja_scan_bytes(scan, column);
}

/* The same for an array. */
ArrayType *
ja_scan_array(const JaScan *scan, AttrNumber column)
{
	return (ArrayType *) ja_scan_bytes(scan, column);
}
