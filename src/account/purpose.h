/*-------------------------------------------------------------------------
 *
 * purpose.h
 *	  What one-time tokens are for, and what that means for them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PURPOSE_H
#define JA_PURPOSE_H

#include "base/string.h"

/* What a token is for.  The numbers stand in links and never change. */
typedef enum JaPurpose
{
	JA_PURPOSE_RECOVERY = 1,
	JA_PURPOSE_SIGN_UP,
	JA_PURPOSE_LOGIN,
	JA_PURPOSE_INVITATION,
	JA_PURPOSE_IDENTIFIER,
	JA_PURPOSE_UNDO,
	JA_PURPOSE_LINK				/* nobody is sent one */
} JaPurpose;

/* Whose the recipient must be when a token is redeemed. */
typedef enum JaPurposeOwner
{
	JA_OWNER_USER,				/* the token's user, verified */
	JA_OWNER_NOBODY,
	JA_OWNER_ANYBODY
} JaPurposeOwner;

typedef struct JaPurposeRow
{
	const char *name;
	bool		has_user;
	JaPurposeOwner owner;
	bool		is_asked_for;	/* by whoever has the flow, for whom a code is */
	bool		begins_session; /* redeeming it does */
	bool		outlives_changes;
	bool		spares_others;	/* redeeming it consumes no other purpose's */
} JaPurposeRow;

extern const JaPurposeRow *ja_purpose_row(JaPurpose purpose);
extern bool ja_purpose_find(JaString name, JaPurpose *purpose);

#endif							/* JA_PURPOSE_H */
