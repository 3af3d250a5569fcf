/*-------------------------------------------------------------------------
 *
 * inspection.h
 *	  What is set up wrongly or weakly: kinds of findings, and how they are found.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_INSPECTION_H
#define JA_INSPECTION_H

#include "utils/tuplestore.h"

#include "store/plan.h"

typedef enum JaSeverity
{
	JA_SEVERITY_ERROR,			/* something is open, or does not work */
	JA_SEVERITY_WARNING,		/* weaker than it should be */
	JA_SEVERITY_NOTICE,			/* what production should have */

	JA_SEVERITIES
} JaSeverity;

typedef struct JaInspection
{
	JaSeverity	severity;
	const char *finding;		/* NULL ends a list */
	const char *remedy;
	JaPlan		objects;		/* one text column: each row is an object that
								 * has it */
} JaInspection;

/* Lists by topic. */
extern JaInspection ja_inspect_setup[];
extern JaInspection ja_inspect_settings[];
extern JaInspection ja_inspect_roles[];
extern JaInspection ja_inspect_tables[];

/* The same of jwt_auth.oauth_jwks_file, whose kids are the value of each. */
extern JaInspection ja_inspect_connection_keys[];

extern const JaInspection ja_inspect_connection_file;
extern JaStatus ja_inspect_connection_kids(ArrayType **kids);

extern void ja_inspect(Tuplestorestate *rows, TupleDesc row_type);

#endif							/* JA_INSPECTION_H */
