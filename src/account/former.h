/*-------------------------------------------------------------------------
 *
 * former.h
 *	  What a user was called before a change, as the rows of undo tokens have it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_FORMER_H
#define JA_FORMER_H

#include "account/identifier.h"

/* One of what the user was called. */
typedef struct JaFormer
{
	JaString	value;
	JaCanonical canonical;		/* as it was stored */
} JaFormer;

static inline JaString
ja_former_canonical(const JaFormer *former)
{
	return ja_canonical_string(&former->canonical);
}

extern Jsonb *ja_former_write(const JaIdentifier *identifiers, int count);
extern int	ja_former_read(const Jsonb *data, JaFormer **former);

#endif							/* JA_FORMER_H */
