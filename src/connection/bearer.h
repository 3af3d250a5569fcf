/*-------------------------------------------------------------------------
 *
 * bearer.h
 *	  What a token must be to open a connection.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_BEARER_H
#define JA_BEARER_H

#include "jose/json.h"

/* What the line of pg_hba.conf and the client ask for. */
typedef struct JaBearerRule
{
	JaString	issuer;			/* or the address of its discovery document */
	JaString	scope;			/* a list; empty: none is needed */
	JaString	role;			/* that the token must name; data NULL: any */
	Oid			database;		/* InvalidOid: there is none of that name */
} JaBearerRule;

extern JaStatus ja_bearer_verify(JaString token, const JaBearerRule *rule, JaString *subject);

#endif							/* JA_BEARER_H */
