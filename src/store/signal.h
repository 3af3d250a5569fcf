/*-------------------------------------------------------------------------
 *
 * signal.h
 *	  Tells every backend, on standbys too, that keys or revocations changed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SIGNAL_H
#define JA_SIGNAL_H

typedef enum JaSignal
{
	JA_SIGNAL_KEYS,
	JA_SIGNAL_REVOCATIONS,

	JA_SIGNAL_COUNT
} JaSignal;

/* How often each has been signalled to this backend; read only. */
extern uint64 ja_signal_counters[JA_SIGNAL_COUNT];

extern void ja_signal_initialize(void);
extern void ja_signal_send(JaSignal signal);
extern void ja_signal_watch(void);

#endif							/* JA_SIGNAL_H */
