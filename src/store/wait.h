/*-------------------------------------------------------------------------
 *
 * wait.h
 *	  Waiting for rows that other transactions hold, for some seconds only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_WAIT_H
#define JA_WAIT_H

/* Held from ja_wait_begin() to ja_wait_end(); an error ends it as well. */
typedef struct JaWait
{
	ErrorContextCallback callback;
	int			setting_level;
} JaWait;

extern void ja_wait_begin(JaWait *wait);
extern void ja_wait_end(JaWait *wait);

#endif							/* JA_WAIT_H */
