/*-------------------------------------------------------------------------
 *
 * client_secret.h
 *	  Secrets of clients.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CLIENT_SECRET_H
#define JA_CLIENT_SECRET_H

#include "machine/client_row.h"

extern JaString ja_client_secret_make(const pg_uuid_t *client, JaClientCredential *secret);
extern const pg_uuid_t *ja_client_secret_match(const JaClientRow *client, JaString shown);

#endif							/* JA_CLIENT_SECRET_H */
