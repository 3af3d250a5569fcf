/*-------------------------------------------------------------------------
 *
 * issuer.h
 *	  Trusted issuers and their keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ISSUER_H
#define JA_ISSUER_H

#include "jose/keyset.h"
#include "keyring/row_cache.h"

/* Longest name of an issuer and longest audience, in bytes. */
#define JA_MAX_ISSUER	1024

typedef struct JaIssuer
{
	JaCachedRow row;
	JaString	name;
	JaString	audience;
	int			role_count;
	char	  **roles;
	JaKeySet   *keys;
} JaIssuer;

extern JaStatus ja_issuer_find(JaString name, const JaIssuer **issuer);
extern bool ja_issuer_allows_role(const JaIssuer *issuer, JaString role);
extern void ja_issuer_trust(JaString name, const Jsonb *jwks, JaString audience, Datum roles);
extern void ja_issuer_distrust(JaString name);

#endif							/* JA_ISSUER_H */
