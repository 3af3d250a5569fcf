/*-------------------------------------------------------------------------
 *
 * pending_user.h
 *	  Users who wait until their address is proven.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PENDING_USER_H
#define JA_PENDING_USER_H

#include "account/redemption.h"

/* What waits in the row of a one-time token; texts are the caller's. */
typedef struct JaPendingUser
{
	JaString	identifier;		/* as it was given */
	JaString	password_hash;	/* data NULL: none */
	const char *role;			/* NULL: none */
	Jsonb	   *claims;
	bool		is_proven;		/* the link was shown without its flow */
	bool		is_upgrade;		/* an anonymous user becomes this one */
	pg_uuid_t	anonymous;		/* which one */
} JaPendingUser;

extern Jsonb *ja_pending_user_write(const JaPendingUser *pending);
extern void ja_pending_user_read(const JaOneTimeToken *token, JaPendingUser *pending);
extern Jsonb *ja_pending_user_set_password(JaPendingUser *pending, JaString password);
extern Jsonb *ja_pending_user_admit(JaRedemption *redemption, const JaPendingUser *pending,
									const char *event);

#endif							/* JA_PENDING_USER_H */
