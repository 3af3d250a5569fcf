/*-------------------------------------------------------------------------
 *
 * attempts.h
 *	  Denied attempts that a rollback undid.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ATTEMPTS_H
#define JA_ATTEMPTS_H

#include "datatype/timestamp.h"

/*
 * What an attempt was made on: a keyed hash of what it was (such as a
 * password) and whose (such as a name).
 */
#define JA_SUBJECT_SIZE 32

/* Parts of the memory, none of which takes the place of another. */
#define JA_ATTEMPT_SHARES 4

/* Attempts that were undone, and the time of the last one. */
typedef struct JaUndone
{
	int			attempts;
	TimestampTz last;			/* if there are any */
} JaUndone;

extern Size ja_attempts_size(void);
extern void ja_attempts_attach(void *memory, bool is_new);

extern JaUndone ja_attempts_find(int share, const uint8 *subject, TimestampTz forget_before);
extern void ja_attempts_add(int share, const uint8 *subject, TimestampTz at,
							TimestampTz forget_before);
extern void ja_attempts_forget(int share, const uint8 *subject);

#endif							/* JA_ATTEMPTS_H */
