/*-------------------------------------------------------------------------
 *
 * served.h
 *	  The databases that jwt_auth.worker_databases names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SERVED_H
#define JA_SERVED_H

#include "nodes/pg_list.h"

/* A database that accepts connections. */
typedef struct JaServed
{
	Oid			database;
	NameData	name;
	bool		is_named;		/* and not just one of all */
} JaServed;

extern bool ja_served_list_is_right(const char *value);
extern List *ja_served_databases(void);
extern void ja_served_tell_again(void);

#endif							/* JA_SERVED_H */
