/*-------------------------------------------------------------------------
 *
 * undone_attempts.h
 *	  Denied attempts of the running transaction, should it roll back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_UNDONE_ATTEMPTS_H
#define JA_UNDONE_ATTEMPTS_H

#include "shared/attempts.h"

extern void ja_undone_attempts_initialize(void);
extern void ja_undone_attempts_watch(int share, const uint8 *subject, TimestampTz now,
									 TimestampTz forget_before);
extern void ja_undone_attempts_forget(int share, const uint8 *subject);

#endif							/* JA_UNDONE_ATTEMPTS_H */
