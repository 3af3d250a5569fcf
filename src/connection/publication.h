/*-------------------------------------------------------------------------
 *
 * publication.h
 *	  What a database publishes for those who open connections with its tokens.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PUBLICATION_H
#define JA_PUBLICATION_H

#include "jose/keyset.h"

/* What tokens of a database are verified with. */
typedef struct JaPublished
{
	JaString	issuer;
	JaString	audience;		/* data NULL: unknown */
	JaKeySet   *keys;
	bool		is_cut;			/* keys were left out that do not fit */
} JaPublished;

extern bool ja_publication_is_configured(void);
extern void ja_publication_want_at_commit(void);
extern void ja_publication_publish(void);
extern JaStatus ja_publication_read(Oid database, JaPublished *published);

#endif							/* JA_PUBLICATION_H */
