/*-------------------------------------------------------------------------
 *
 * worker_board.h
 *	  What backends, the launcher and its worker tell each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_WORKER_BOARD_H
#define JA_WORKER_BOARD_H

#include "datatype/timestamp.h"

#include "base/string.h"

/* Whose keys can be fetched. */
typedef enum JaKeySource
{
	JA_SOURCE_ISSUER,
	JA_SOURCE_PROVIDER
} JaKeySource;

/* What a worker does in a database, in this order. */
typedef enum JaWorkerStep
{
	JA_WORKER_BEGIN,
	JA_WORKER_ROTATE,
	JA_WORKER_PUBLISH,
	JA_WORKER_PURGE,
	JA_WORKER_FETCH,

	JA_WORKER_STEPS
} JaWorkerStep;

/* What a worker found. */
typedef struct JaWorkerOutcome
{
	bool		is_over;		/* it came to its end */
	bool		is_needed;		/* there is something to look after */
	bool		has_more;		/* some of it is left to do now */
} JaWorkerOutcome;

extern Size ja_worker_board_size(void);
extern void ja_worker_board_attach(void *memory, bool is_new);

/* For backends. */
extern void ja_worker_board_want(JaKeySource source, JaString name);
extern void ja_worker_board_wake(void);

/* For the launcher. */
extern void ja_worker_board_open(void);
extern void ja_worker_board_begin(Oid database);
extern JaWorkerOutcome ja_worker_board_outcome(void);
extern bool ja_worker_board_has_wants(Oid database);
extern void ja_worker_board_drop_wants(Oid database, TimestampTz until);

/* For the worker. */
extern void ja_worker_board_report(const JaWorkerOutcome *outcome);
extern bool ja_worker_board_is_wanted(JaKeySource source, JaString name);
extern void ja_worker_board_close_want(JaKeySource source, JaString name,
									   TimestampTz tried_at);
extern bool ja_worker_board_failed(JaWorkerStep step, int code);
extern void ja_worker_board_succeeded(JaWorkerStep step);

#endif							/* JA_WORKER_BOARD_H */
