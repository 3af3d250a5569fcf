/*-------------------------------------------------------------------------
 *
 * api_token_row.h
 *	  API tokens as the table jwt_auth.api_tokens has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_API_TOKEN_ROW_H
#define JA_API_TOKEN_ROW_H

#include "session/session.h"

/* How the session of an API token began. */
#define JA_METHOD_API_TOKEN "api_token"

typedef struct JaApiToken
{
	pg_uuid_t	session;
	pg_uuid_t	nonce;
	JaString	name;
	JaString	scope;
	TimestampTz last_used_at;	/* 0: never */
} JaApiToken;

extern JaString ja_api_token_write(const JaApiToken *token, int32 key_number);
extern bool ja_api_token_read(JaString text, JaApiToken *token);
extern bool ja_api_token_find(const pg_uuid_t *session, JaApiToken *token);
extern void ja_api_token_insert(const JaApiToken *token, const JaSession *session, TimestampTz now);
extern uint64 ja_api_token_count(const pg_uuid_t *user);
extern void ja_api_token_note_use(const JaApiToken *token);
extern Jsonb *ja_api_token_show(const pg_uuid_t *user);

#endif							/* JA_API_TOKEN_ROW_H */
