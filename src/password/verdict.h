/*-------------------------------------------------------------------------
 *
 * verdict.h
 *	  Why a new password is refused, for people and for forms.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_VERDICT_H
#define JA_VERDICT_H

#include "jose/json.h"
#include "password/strength.h"

/* Bits of JaVerdict.reasons, in the order in which people are told. */
typedef enum JaReason
{
	JA_REASON_SHORT,
	JA_REASON_CHARACTER,
	JA_REASON_BLOCKED,
	JA_REASON_WEAK,
	JA_REASON_REFUSED,			/* by the operator's function */

	JA_REASON_COUNT
} JaReason;

typedef struct JaVerdict
{
	uint32		reasons;		/* 0: accepted */
	JaStrength	strength;		/* only if that was asked for */
	char	   *refusal;		/* what the operator's function said, or NULL */
} JaVerdict;

extern void ja_verdict_add(JaVerdict *verdict, JaReason reason);
extern void ja_verdict_raise(const JaVerdict *verdict);
extern const char *ja_verdict_description(const JaVerdict *verdict);
extern void ja_verdict_write_reasons(const JaVerdict *verdict, JaJsonState *object);
extern void ja_verdict_write_patterns(const JaVerdict *verdict, JaJsonState *object);

#endif							/* JA_VERDICT_H */
