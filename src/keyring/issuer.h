/*-------------------------------------------------------------------------
 *
 * issuer.h
 *	  Trusted issuers and their keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ISSUER_H
#define JA_ISSUER_H

#include "utils/array.h"

#include "jose/keyset.h"
#include "keyring/issuer_options.h"
#include "keyring/row_cache.h"

/* Longest name of an issuer and longest audience, in bytes. */
#define JA_MAX_ISSUER	1024

typedef struct JaIssuer
{
	JaCachedRow row;
	JaString	name;
	bool		is_anonymous;	/* its tokens carry no iss, and none names it */
	JaString	audience;		/* data NULL: its tokens carry no aud */
	JaIssuerOptions options;
	int			role_count;
	char	  **roles;
	JaKeySet   *keys;
} JaIssuer;

/* What jwt_trust_issuer() is given; NULL or data NULL for SQL NULL. */
typedef struct JaIssuerTrust
{
	JaString	name;
	Jsonb	   *jwks;
	JaString	audience;
	ArrayType  *roles;
	Jsonb	   *options;
} JaIssuerTrust;

extern JaStatus ja_issuer_find(JaString name, const JaIssuer **issuer);
extern JaStatus ja_issuer_find_anonymous(const JaIssuer **issuer);
extern bool ja_issuer_allows_role(const JaIssuer *issuer, JaString role);
extern void ja_issuer_trust(const JaIssuerTrust *trust);
extern void ja_issuer_store_keys(JaString name, const Jsonb *jwks, TimestampTz former);
extern void ja_issuer_distrust(JaString name);

#endif							/* JA_ISSUER_H */
