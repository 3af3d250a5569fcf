/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  Direct index scans on the extension's tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SCAN_H
#define JA_SCAN_H

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "utils/rel.h"

#include "jose/json.h"
#include "store/relation.h"
#include "store/value.h"

/* No scan has more conditions. */
#define JA_SCAN_MAX_KEYS 3

/* A condition on a column of the index. */
typedef struct JaScanKey
{
	AttrNumber	column;			/* by its number in the table */
	StrategyNumber strategy;	/* InvalidStrategy: the column is NULL */
	JaValue		value;			/* no row compares so with a NULL */
} JaScanKey;

typedef struct JaScanKeys
{
	const JaScanKey *items;
	int			count;
} JaScanKeys;

/* Conditions that all hold, as JA_VALUES() has values. */
#define JA_WHERE(...) \
	((JaScanKeys) {(const JaScanKey[]) {__VA_ARGS__}, \
		(int) lengthof(((const JaScanKey[]) {__VA_ARGS__}))})

#define JA_ALL_ROWS ((JaScanKeys) {NULL, 0})

typedef struct JaScan
{
	Relation	table;
	SysScanDesc scan;
	Snapshot	snapshot;		/* what decides which rows are there */
	HeapTuple	row;			/* the current one; NULL at the end */
} JaScan;

/* What the rows of a table are read into: a structure of the reader's room. */
typedef struct JaRowType
{
	JaRelation	table;
	size_t		size;			/* of the structure */

	/* Fills it from the current row, in the current memory context. */
	void		(*read) (const JaScan *scan, void *row);
} JaRowType;

static inline JaScanKey
ja_equal(AttrNumber column, JaValue value)
{
	return (JaScanKey) {column, BTEqualStrategyNumber, value};
}

static inline JaScanKey
ja_less(AttrNumber column, JaValue value)
{
	return (JaScanKey) {column, BTLessStrategyNumber, value};
}

static inline JaScanKey
ja_greater(AttrNumber column, JaValue value)
{
	return (JaScanKey) {column, BTGreaterStrategyNumber, value};
}

static inline JaScanKey
ja_at_least(AttrNumber column, JaValue value)
{
	return (JaScanKey) {column, BTGreaterEqualStrategyNumber, value};
}

static inline JaScanKey
ja_is_null(AttrNumber column)
{
	return (JaScanKey) {.column = column, .strategy = InvalidStrategy};
}

extern void ja_scan_start(JaScan *scan, JaRelation table, JaRelation index, JaScanKeys keys);
extern bool ja_scan_next(JaScan *scan);
extern void ja_scan_end(JaScan *scan);
extern bool ja_scan_find(JaScan *scan, JaRelation table, JaRelation index, JaScanKeys keys);
extern bool ja_scan_read(const JaRowType *type, JaRelation index, JaScanKeys keys, void *row);
extern void *ja_scan_read_all(const JaRowType *type, JaRelation index, JaScanKeys keys,
							  int *count);
extern bool ja_scan_row_is_uncommitted(const JaScan *scan);
extern Datum ja_scan_get(const JaScan *scan, AttrNumber column, bool *is_null);
extern bool ja_scan_is_null(const JaScan *scan, AttrNumber column);
extern bool ja_scan_bool(const JaScan *scan, AttrNumber column);
extern int32 ja_scan_integer(const JaScan *scan, AttrNumber column);
extern int64 ja_scan_bigint(const JaScan *scan, AttrNumber column);
extern TimestampTz ja_scan_time(const JaScan *scan, AttrNumber column);
extern pg_uuid_t ja_scan_uuid(const JaScan *scan, AttrNumber column);
extern JaString ja_scan_string(const JaScan *scan, AttrNumber column);
extern bytea *ja_scan_bytes(const JaScan *scan, AttrNumber column);
extern JaString ja_scan_octets(const JaScan *scan, AttrNumber column);
extern Jsonb *ja_scan_jsonb(const JaScan *scan, AttrNumber column);
extern ArrayType *ja_scan_array(const JaScan *scan, AttrNumber column);

#endif							/* JA_SCAN_H */
