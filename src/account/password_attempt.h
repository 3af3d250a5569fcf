/*-------------------------------------------------------------------------
 *
 * password_attempt.h
 *	  An attempt to authenticate by password, in a login or a change of password.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSWORD_ATTEMPT_H
#define JA_PASSWORD_ATTEMPT_H

#include "session/throttle.h"
#include "session/user.h"

typedef struct JaPasswordAttempt
{
	JaString	name;			/* canonical, or as given where it has no such
								 * form */
	JaPassword *password;
	JaThrottle	throttle;
	bool		is_known;
	JaUser		user;			/* if is_known */
	bool		has_stand_in;
	JaPasswordHash stand_in;	/* if has_stand_in */
} JaPasswordAttempt;

extern Jsonb *ja_password_attempt_authenticate(JaPasswordAttempt *attempt, const char *event);

#endif							/* JA_PASSWORD_ATTEMPT_H */
