/*-------------------------------------------------------------------------
 *
 * login.h
 *	  Login with name and password, and the check that it shares with a
 *	  change of password.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_LOGIN_H
#define JA_LOGIN_H

#include "utils/array.h"

#include "session/throttle.h"
#include "session/user.h"

/* An attempt to prove a password. */
typedef struct JaAttempt
{
	JaString	name;			/* canonical, or as given where it has no such
								 * form */
	JaPassword *password;
	JaThrottle	throttle;
	bool		is_known;
	JaUser		user;			/* if is_known */
	bool		has_stand_in;
	JaPasswordHash stand_in;	/* if has_stand_in */
} JaAttempt;

extern Jsonb *ja_login(JaString username, JaString password, int64 ttl_seconds);
extern Jsonb *ja_login_start_session(const pg_uuid_t *user, ArrayType *amr, int64 ttl_seconds);
extern Jsonb *ja_login_prove(JaAttempt *attempt, const char *event);

#endif							/* JA_LOGIN_H */
