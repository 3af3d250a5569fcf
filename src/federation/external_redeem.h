/*-------------------------------------------------------------------------
 *
 * external_redeem.h
 *	  Redeeming of ID tokens: verified, and once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_EXTERNAL_REDEEM_H
#define JA_EXTERNAL_REDEEM_H

#include "federation/id_token.h"

extern Jsonb *ja_external_read(const JaIdTokenRequest *request, JaIdToken *token);
extern Jsonb *ja_external_spend(const JaIdToken *token);
extern Jsonb *ja_external_deny(const JaIdToken *token, const pg_uuid_t *user,
							   const char *reason);

#endif							/* JA_EXTERNAL_REDEEM_H */
