/*-------------------------------------------------------------------------
 *
 * assurance.h
 *	  The level and time of a user's authentication.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ASSURANCE_H
#define JA_ASSURANCE_H

#include "datatype/timestamp.h"

#include "store/scan.h"

/*
 * Levels count kinds of proof: what the user knows, a mailbox or phone, a
 * device.  One of them is level 1, two are level 2.
 */
#define JA_AAL1 1
#define JA_AAL2 2

typedef struct JaAssurance
{
	int			level;
	TimestampTz proved_at;		/* when the user last proved it */
} JaAssurance;

extern JaAssurance ja_assurance_read(const JaScan *session);
extern bool ja_assurance_find(const JsonbContainer *claims, const JaAssurance *session,
							  TimestampTz now, JaAssurance *assurance);
extern int	ja_assurance_level(const JaAssurance *assurance, TimestampTz now);
extern void ja_assurance_add(JaJsonState *state, const JaAssurance *assurance);

#endif							/* JA_ASSURANCE_H */
