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
#include "access/skey.h"
#include "datatype/timestamp.h"
#include "utils/rel.h"

#include "jose/json.h"
#include "store/relation.h"

#define JA_SCAN_MAX_KEYS 3

typedef struct JaScan
{
	Relation	table;
	SysScanDesc scan;
	Snapshot	snapshot;		/* what decides which rows are there */
	HeapTuple	row;			/* the current one; NULL at the end */
	int			key_count;
	ScanKeyData keys[JA_SCAN_MAX_KEYS];
} JaScan;

extern void ja_scan_key_text(JaScan *scan, AttrNumber column, StrategyNumber strategy,
							 JaString value);
extern void ja_scan_key_bytes(JaScan *scan, AttrNumber column, bytea *value);
extern void ja_scan_key_uuid(JaScan *scan, AttrNumber column, const void *value);
extern void ja_scan_key_integer(JaScan *scan, AttrNumber column, int32 value);
extern void ja_scan_key_bigint_from(JaScan *scan, AttrNumber column, int64 value);
extern void ja_scan_key_time(JaScan *scan, AttrNumber column, StrategyNumber strategy,
							 TimestampTz value);
extern void ja_scan_key_null(JaScan *scan, AttrNumber column);
extern void ja_scan_start(JaScan *scan, JaRelation table, JaRelation index);
extern bool ja_scan_next(JaScan *scan);
extern void ja_scan_end(JaScan *scan);
extern Datum ja_scan_get(const JaScan *scan, AttrNumber column, bool *is_null);
extern JaString ja_scan_string(const JaScan *scan, AttrNumber column);
extern bool ja_scan_row_is_uncommitted(const JaScan *scan);

#endif							/* JA_SCAN_H */
