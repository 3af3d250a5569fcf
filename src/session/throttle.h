/*-------------------------------------------------------------------------
 *
 * throttle.h
 *	  Waits after failed attempts, such as logins, and between messages.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_THROTTLE_H
#define JA_THROTTLE_H

#include "base/string.h"
#include "shared/attempts.h"

/* How long a row lives, which does not tell its kind.  No wait is longer. */
#define JA_THROTTLE_LIFE_SECONDS (60 * 60)

/* What is attempted; no kind counts for another. */
typedef enum JaAttemptKind
{
	JA_ATTEMPT_PASSWORD,		/* whose: a canonical name, of a user or not */
	JA_ATTEMPT_CODE,			/* one-time codes; whose: a canonical address */
	JA_ATTEMPT_SEND,			/* messages; whose: a canonical address */
	JA_ATTEMPT_SEND_PROOF,		/* messages to prove an address, which
								 * strangers can ask for; whose: the same */
	JA_ATTEMPT_REQUEST,			/* of names and addresses to have; whose: the
								 * id of the user who asks */
	JA_ATTEMPT_FACTOR,			/* second factors; whose: the id of a user */
	JA_ATTEMPT_NOTICE,			/* of new clients; whose: the id of a user */
	JA_ATTEMPT_SESSION			/* one too many; whose: the id of a user */
} JaAttemptKind;

typedef struct JaThrottle
{
	JaAttemptKind kind;
	uint8		subject[JA_SUBJECT_SIZE];
	int			retry_after_seconds;	/* 0: go ahead */
	int			undone;			/* failures that memory counts */
	bool		has_row;		/* the table counts failures */
	bool		is_busy;		/* another attempt did not end in time */
	bool		starts_wait;	/* set by a failure after which one waits */
} JaThrottle;

extern void ja_throttle_initialize(void);
extern void ja_throttle_enter(JaAttemptKind kind, JaString whose, JaThrottle *throttle);
extern bool ja_throttle_may_report(const JaThrottle *throttle);
extern bytea *ja_throttle_name_hash(const JaThrottle *throttle);
extern void ja_throttle_failed(JaThrottle *throttle);
extern void ja_throttle_succeeded(JaThrottle *throttle);
extern void ja_throttle_clear(JaAttemptKind kind, JaString whose);

extern TimestampTz ja_throttle_dead_before(TimestampTz now);
extern int64 ja_throttle_delete_dead(TimestampTz dead, int candidates, int64 max_rows);
extern int64 ja_throttle_purge(int64 max_rows);

#endif							/* JA_THROTTLE_H */
