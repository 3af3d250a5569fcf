/*-------------------------------------------------------------------------
 *
 * api_token.h
 *	  API tokens of users: created, revoked, and exchanged for access tokens.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_API_TOKEN_H
#define JA_API_TOKEN_H

#include "account/actor.h"
#include "machine/api_token_row.h"

/* Longest life of an API token. */
#define JA_API_TOKEN_MAX_SECONDS (366 * SECS_PER_DAY)

/* What a user asks for, in a session. */
typedef struct JaNewApiToken
{
	const JaActor *owner;
	JaString	name;
	JaString	scope;
	int64		ttl_seconds;
} JaNewApiToken;

extern Jsonb *ja_api_token_create(const JaNewApiToken *new);
extern void ja_api_token_revoke(const pg_uuid_t *user, const pg_uuid_t *id);
extern Jsonb *ja_api_token_login(JaString text);

#endif							/* JA_API_TOKEN_H */
