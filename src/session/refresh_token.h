/*-------------------------------------------------------------------------
 *
 * refresh_token.h
 *	  Refresh tokens: "jar_" and base64url of what names their row, and a MAC.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_REFRESH_TOKEN_H
#define JA_REFRESH_TOKEN_H

#include "utils/uuid.h"

#include "jose/key.h"

/* Characters of a refresh token, without a NUL. */
#define JA_REFRESH_TOKEN_LENGTH 107

typedef struct JaRefreshToken
{
	int32		key_number;
	pg_uuid_t	session;
	int64		generation;
	pg_uuid_t	nonce;
} JaRefreshToken;

extern bool ja_refresh_token_is_one(JaString text);
extern bool ja_refresh_token_read(JaString text, JaRefreshToken *token);
extern void ja_refresh_token_write(const JaRefreshToken *token, char *text);

#endif							/* JA_REFRESH_TOKEN_H */
