/*-------------------------------------------------------------------------
 *
 * external_identity.h
 *	  Identities at providers as the table jwt_auth.identities has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_EXTERNAL_IDENTITY_H
#define JA_EXTERNAL_IDENTITY_H

#include "federation/id_token.h"

extern bool ja_external_identity_wait_turn(const JaIdToken *token);
extern bool ja_external_identity_find(const JaIdToken *token, pg_uuid_t *user);
extern void ja_external_identity_insert(const JaIdToken *token, const pg_uuid_t *user);
extern Jsonb *ja_external_identity_show(const pg_uuid_t *user);
extern uint64 ja_external_identity_count(const pg_uuid_t *user);
extern bool ja_external_identity_is(const pg_uuid_t *user, JaString provider, JaString subject);
extern bool ja_external_identity_has_other(const pg_uuid_t *user, JaString provider,
										   JaString subject);
extern void ja_external_identity_delete(const pg_uuid_t *user, JaString provider,
										JaString subject);

#endif							/* JA_EXTERNAL_IDENTITY_H */
