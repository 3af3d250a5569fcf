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

typedef struct JaRedemption
{
	JaOneTimeToken token;
	JaUser		user;			/* whose token it is */
	bool		is_by_code;
	JaThrottle	throttle;		/* if is_by_code */
} JaRedemption;

extern Jsonb *ja_redemption_check(JaPurpose purpose, JaString token, JaString flow,
								  JaRedemption *redemption);
extern Jsonb *ja_redemption_consume(JaRedemption *redemption);

#endif							/* JA_REDEMPTION_H */
