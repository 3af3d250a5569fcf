/*-------------------------------------------------------------------------
 *
 * undo.h
 *	  Changes of identifiers: told to the former addresses, and undone by them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_UNDO_H
#define JA_UNDO_H

#include "account/identifier.h"
#include "session/user.h"

/* A change of what a user is called. */
typedef struct JaIdentifierChange
{
	const JaIdentifier *added;	/* NULL: none */
	const JaIdentifier *removed;	/* NULL: none */
	const JaIdentifier *former; /* all that there were before */
	int			former_count;
} JaIdentifierChange;

extern int	ja_undo_wait_seconds(const pg_uuid_t *user);
extern void ja_undo_offer(const JaUser *user, const JaIdentifierChange *change);
extern Jsonb *ja_undo_redeem(JaString token);

#endif							/* JA_UNDO_H */
