/*-------------------------------------------------------------------------
 *
 * refresh_token.c
 *	  Refresh tokens: handles that name a session, a generation of its tokens,
 *	  and that generation's nonce.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "keyring/handle.h"
#include "session/refresh_token.h"

/* Session id (16 bytes), generation (8), nonce (16). */
#define BODY_SIZE	40

StaticAssertDecl(BODY_SIZE <= JA_HANDLE_MAX_BODY, "size of a refresh token's body");
StaticAssertDecl(JA_HANDLE_LENGTH(BODY_SIZE) == JA_REFRESH_TOKEN_LENGTH,
				 "length of refresh tokens");

/* Whether the text claims to be a refresh token. */
bool
ja_refresh_token_is_one(JaString text)
{
	return ja_handle_has_prefix(JA_HANDLE_REFRESH_TOKEN, text);
}

/*
 * Reads a token; false if its form or MAC is wrong, or its key is not or no
 * longer one of ours.
 */
bool
ja_refresh_token_read(JaString text, JaRefreshToken *token)
{
	uint8		body[BODY_SIZE];
	uint64		generation;

	if (!ja_handle_read(JA_HANDLE_REFRESH_TOKEN, text, &token->key_number, body))
		return false;
	memcpy(&token->session, body, UUID_LEN);
	memcpy(&generation, body + 16, sizeof(generation));
	memcpy(&token->nonce, body + 24, UUID_LEN);
	token->generation = (int64) pg_ntoh64(generation);
	return true;
}

/*
 * Writes JA_REFRESH_TOKEN_LENGTH characters with the MAC of the key named.
 * Raises 40001 if that was revoked since the caller chose it.
 */
void
ja_refresh_token_write(const JaRefreshToken *token, char *text)
{
	uint8		body[BODY_SIZE];
	uint64		generation = pg_hton64((uint64) token->generation);

	memcpy(body, &token->session, UUID_LEN);
	memcpy(body + 16, &generation, sizeof(generation));
	memcpy(body + 24, &token->nonce, UUID_LEN);
	ja_handle_write(JA_HANDLE_REFRESH_TOKEN, token->key_number, body, text);
}
