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

/* The keys that open connections. */
typedef struct JaConnectionKids
{
	ArrayType  *kids;
	bool		is_cut;			/* keys were left out that do not fit */
} JaConnectionKids;

/* A list of what is wrong with them, as the values of each. */
extern JaInspection ja_inspect_connection_keys[];

extern bool ja_inspect_connections_are_configured(void);
extern JaStatus ja_inspect_connection_kids(JaConnectionKids *kids, JaInspection *unusable,
										   const char **setting);

extern void ja_inspect(Tuplestorestate *rows, TupleDesc row_type);

#endif							/* JA_INSPECTION_H */
