/*-------------------------------------------------------------------------
 *
 * client_row.h
 *	  Clients as the table jwt_auth.clients has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CLIENT_ROW_H
#define JA_CLIENT_ROW_H

#include "store/value.h"

/* What the sub of a client's tokens has before its id. */
#define JA_CLIENT_SUBJECT "client:"

/* Bytes of a secret's hash. */
#define JA_CLIENT_HASH_SIZE 32

/* What a client shows, and what its tokens name. */
typedef struct JaClientCredential
{
	pg_uuid_t	id;
	JaString	hash;			/* of a secret; data NULL: none */
} JaClientCredential;

typedef struct JaClientRow
{
	pg_uuid_t	id;
	char	   *role;			/* NULL: none */
	JaString	scope;
	Jsonb	   *jwks;			/* NULL: it has a secret */
	JaClientCredential current;
	bool		has_former;
	JaClientCredential former;
} JaClientRow;

extern bool ja_client_find(const pg_uuid_t *id, JaClientRow *client);
extern void ja_client_insert(const JaClientRow *client, JaString name);
extern bool ja_client_replace_secret(const pg_uuid_t *id, const JaClientCredential *secret);
extern bool ja_client_delete(const pg_uuid_t *id);

#endif							/* JA_CLIENT_ROW_H */
