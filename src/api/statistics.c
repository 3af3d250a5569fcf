/*-------------------------------------------------------------------------
 *
 * statistics.c
 *	  SQL functions that show and reset the counters.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "shared/counters.h"

PG_FUNCTION_INFO_V1(jwt_statistics);
PG_FUNCTION_INFO_V1(jwt_reset_statistics);

#define COLUMNS 4

static void
put_rows(ReturnSetInfo *result, const JaDatabaseCounters *counters)
{
	char	   *database = counters->database == InvalidOid ?
	NULL : get_database_name(counters->database);
	NameData	name;

	if (database != NULL)
		namestrcpy(&name, database);
	for (int counter = 0; counter < JA_COUNTERS; counter++)
	{
		Datum		values[COLUMNS] = {
			NameGetDatum(&name),
			CStringGetTextDatum(ja_counter_name(counter)),
			Int64GetDatum((int64) counters->values[counter]),
			TimestampTzGetDatum(counters->since)
		};
		bool		nulls[COLUMNS] = {database == NULL, false, false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/*
 * Adds the counters of databases that were dropped to those of all others,
 * which come first and are shown without a name.
 */
static int
merge_dropped(JaDatabaseCounters *databases, int count)
{
	int			kept = 1;

	for (int i = 1; i < count; i++)
	{
		if (get_database_name(databases[i].database) != NULL)
		{
			databases[kept++] = databases[i];
			continue;
		}
		for (int counter = 0; counter < JA_COUNTERS; counter++)
			databases[0].values[counter] += databases[i].values[counter];
	}
	return Min(kept, count);
}

/*
 * jwt_statistics() → SETOF (database name, name text, value bigint,
 *	   since timestamptz)
 */
Datum
jwt_statistics(PG_FUNCTION_ARGS)
{
	JaDatabaseCounters *databases = NULL;
	int			count = ja_counters_read(&databases);

	InitMaterializedSRF(fcinfo, 0);
	count = merge_dropped(databases, count);
	for (int i = 0; i < count; i++)
		put_rows((ReturnSetInfo *) fcinfo->resultinfo, &databases[i]);
	return (Datum) 0;
}

/*
 * jwt_reset_statistics() → void
 */
Datum
jwt_reset_statistics(PG_FUNCTION_ARGS)
{
	ja_counters_reset();
	PG_RETURN_VOID();
}
