/*-------------------------------------------------------------------------
 *
 * external_link.h
 *	  Linking of identities to users.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_EXTERNAL_LINK_H
#define JA_EXTERNAL_LINK_H

#include "account/actor.h"
#include "account/identifier.h"
#include "federation/id_token.h"

extern Jsonb *ja_external_ask(const JaIdToken *token, const pg_uuid_t *owner);
extern Jsonb *ja_external_link_verified(const JaIdToken *token, const pg_uuid_t *owner);
extern Jsonb *ja_external_link(const JaActor *owner, JaIdTokenRequest *request, JaString ticket);
extern Jsonb *ja_external_unlink(const JaActor *owner, JaString provider, JaString subject);

#endif							/* JA_EXTERNAL_LINK_H */
