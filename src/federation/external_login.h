/*-------------------------------------------------------------------------
 *
 * external_login.h
 *	  Login with an identity provider.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_EXTERNAL_LOGIN_H
#define JA_EXTERNAL_LOGIN_H

#include "federation/id_token.h"
#include "session/user.h"

extern Jsonb *ja_external_nonce(const pg_uuid_t *session);
extern Jsonb *ja_external_login(const JaIdTokenRequest *request);
extern Jsonb *ja_external_begin(const JaIdToken *token, const JaUser *user,
								const pg_uuid_t *proposal);

#endif							/* JA_EXTERNAL_LOGIN_H */
