/*-------------------------------------------------------------------------
 *
 * id_token_claims.h
 *	  What is believed of an ID token: the address, and the level and time of
 *	  authentication.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ID_TOKEN_CLAIMS_H
#define JA_ID_TOKEN_CLAIMS_H

#include "federation/id_token.h"

extern int	ja_id_token_level(const JsonbContainer *claims, const JaProviderOptions *options);
extern TimestampTz ja_id_token_auth_time(const JsonbContainer *claims, TimestampTz latest);
extern void ja_id_token_email(const JsonbContainer *claims, const JaProvider *provider,
							  JaIdToken *token);

#endif							/* JA_ID_TOKEN_CLAIMS_H */
