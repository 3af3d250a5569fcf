/*-------------------------------------------------------------------------
 *
 * login.h
 *	  Login with name and password, and the start of a session for a user who was
 *	  authenticated otherwise.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_LOGIN_H
#define JA_LOGIN_H

#include "utils/array.h"

#include "session/session.h"

extern void ja_login_require_keys(void);
extern Jsonb *ja_login_begin(const JaUser *user, JaProof proof, const char *how,
							 int64 ttl_seconds);
extern Jsonb *ja_login_begin_session(const JaUser *user, JaProof proof, const char *how,
									 int64 ttl_seconds);
extern Jsonb *ja_login(JaString username, JaString password, int64 ttl_seconds);
extern Jsonb *ja_login_refuse_disabled(const JaUser *user);
extern Jsonb *ja_login_start_session(const pg_uuid_t *user, ArrayType *amr, int64 ttl_seconds);

#endif							/* JA_LOGIN_H */
