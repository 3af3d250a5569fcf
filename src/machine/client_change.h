/*-------------------------------------------------------------------------
 *
 * client_change.h
 *	  Creating and deleting clients, and replacing their secrets.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CLIENT_CHANGE_H
#define JA_CLIENT_CHANGE_H

#include "utils/uuid.h"

#include "jose/json.h"

extern Jsonb *ja_client_change_create(JaString name, const Jsonb *options);
extern Jsonb *ja_client_change_rotate(const pg_uuid_t *id);
extern void ja_client_change_delete(const pg_uuid_t *id);

#endif							/* JA_CLIENT_CHANGE_H */
