/*-------------------------------------------------------------------------
 *
 * inspection.c
 *	  SQL function that says what is set up wrongly or weakly.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"

#include "inspect/inspection.h"

PG_FUNCTION_INFO_V1(jwt_check);

/*
 * jwt_check() → SETOF (severity text, finding text, object text, remedy text)
 */
Datum
jwt_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	ja_inspect(result->setResult, result->setDesc);
	return (Datum) 0;
}
