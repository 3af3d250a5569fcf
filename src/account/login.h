/*-------------------------------------------------------------------------
 *
 * login.h
 *	  Login with name and password, and the start of a session for a user whom the
 *	  application has authenticated.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_LOGIN_H
#define JA_LOGIN_H

#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/string.h"

extern Jsonb *ja_login(JaString username, JaString password, int64 ttl_seconds);
extern Jsonb *ja_login_start_session(const pg_uuid_t *user, ArrayType *amr, int64 ttl_seconds);

#endif							/* JA_LOGIN_H */
