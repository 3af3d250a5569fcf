/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  What a background worker does in a database, and its transactions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_WORKER_H
#define JA_WORKER_H

#include "datatype/timestamp.h"

/* Names by which the server finds the library and its entries. */
#define JA_WORKER_LIBRARY "jwt_auth"
#define JA_WORKER_FUNCTION "jwt_auth_worker_main"
#define JA_LAUNCHER_FUNCTION "jwt_auth_launcher_main"

/* One visit to a database. */
typedef struct JaWorkerRun
{
	TimestampTz started_at;
	bool		may_write;		/* neither a standby nor a subscriber */
	bool		has_more;		/* something is left to do */
} JaWorkerRun;

extern PGDLLEXPORT void jwt_auth_worker_main(Datum argument);

/* The name of the database, for messages. */
extern char ja_worker_database[];

extern bool ja_worker_begin(const char *activity);
extern void ja_worker_commit(void);
extern int	ja_worker_elapsed_ms(const JaWorkerRun *run);

extern void ja_worker_rotate(JaWorkerRun *run);
extern void ja_worker_publish(JaWorkerRun *run);
extern void ja_worker_purge(JaWorkerRun *run);
extern void ja_worker_fetch(JaWorkerRun *run);

#endif							/* JA_WORKER_H */
