/*-------------------------------------------------------------------------
 *
 * identity_link.h
 *	  Identities at providers that become a user's once the user is logged in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_IDENTITY_LINK_H
#define JA_IDENTITY_LINK_H

#include "account/message.h"
#include "session/user.h"

/* What an issuer calls somebody, at a provider. */
typedef struct JaIdentityName
{
	JaString	provider;
	JaString	issuer;
	JaString	subject;
} JaIdentityName;

extern void ja_identity_link_note(const pg_uuid_t *user, const char *event, JaMessage message,
								  JaString provider);
extern pg_uuid_t ja_identity_link_propose(const JaUser *user, const JaIdentityName *identity);
extern bool ja_identity_link_wait_turn(const JaIdentityName *identity);
extern bool ja_identity_link_finish(const pg_uuid_t *user, const pg_uuid_t *proposal);

#endif							/* JA_IDENTITY_LINK_H */
