/*-------------------------------------------------------------------------
 *
 * tally.h
 *	  Counts the verdicts on tokens.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TALLY_H
#define JA_TALLY_H

#include "token/verified.h"

extern void ja_tally_accepted(JaSignatureSource source);
extern void ja_tally_denied(JaStatus status);

#endif							/* JA_TALLY_H */
