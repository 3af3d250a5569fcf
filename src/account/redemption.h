/*-------------------------------------------------------------------------
 *
 * redemption.h
 *	  Redeeming of one-time tokens, by link or by code.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_REDEMPTION_H
#define JA_REDEMPTION_H

#include "account/one_time_token.h"
#include "session/throttle.h"
#include "store/plan.h"

typedef struct JaRedemption
{
	JaOneTimeToken token;
	JaUser		user;			/* whose token it is, if it has a user */
	bool		is_by_code;
	JaThrottle	throttle;		/* if is_by_code */
	JaPlanScope scope;			/* from ja_redemption_begin() on */
} JaRedemption;

extern Jsonb *ja_redemption_deny(void);
extern Jsonb *ja_redemption_begin(JaPurpose purpose, JaString token, JaString flow,
								  JaRedemption *redemption);
extern Jsonb *ja_redemption_check(JaPurpose purpose, JaString token, JaString flow,
								  JaRedemption *redemption);
extern bool ja_redemption_wait_turn(JaString canonical);
extern Jsonb *ja_redemption_consume(JaRedemption *redemption);
extern Jsonb *ja_redemption_end(JaRedemption *redemption, Jsonb *answer);

#endif							/* JA_REDEMPTION_H */
