/*-------------------------------------------------------------------------
 *
 * verified.h
 *	  A token whose signature is right, and what follows from it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_VERIFIED_H
#define JA_VERIFIED_H

#include "datatype/timestamp.h"

#include "token/claims.h"
#include "token/revocation.h"

/* Where the backend knows from that a signature is right. */
typedef enum JaSignatureSource
{
	JA_SIGNATURE_CHECKED,
	JA_SIGNATURE_SHARED,		/* another backend checked it */
	JA_SIGNATURE_REMEMBERED		/* it stands in this backend's cache */
} JaSignatureSource;

/*
 * What follows from the bytes of a token, the keys and what is known of its
 * issuer.  Strings point into the claims, or else belong to the same memory
 * context.
 */
typedef struct JaVerified
{
	Jsonb	   *claims;
	JaTokenType type;
	JaTimes		times;
	bool		is_local_issuer;	/* issued by this database */
	JaString	issuer;			/* its iss, or else the name of the issuer
								 * whose tokens carry none; data NULL: none */
	JaString	role;			/* the one that counts; data NULL: none */
	bool		names_role;		/* it names one where its issuer may do so */
	bool		has_audience;	/* there is a claim "aud", and it is not null */

	/* Of tokens of other issuers: */
	const char *audience_claim; /* stands in for "aud", a constant; NULL: none
								 * does */
	bool		fits_audience;	/* it is for an audience of its issuer */
	bool		checks_use;		/* the issuer's token_use values are listed */
	bool		fits_use;		/* and this one is among them */
	JaString	scope_claim;	/* data NULL: scope, or else scp */

	bool		key_has_end;
	TimestampTz key_end;		/* if key_has_end */
	JaRevocable revocable;

	JaSignatureSource source;	/* of the last use */
	bool		may_be_kept;	/* no row of the running transaction is in it */
	uint64		keys_counter;	/* of JA_INVALIDATION_KEYS before it was read */
	uint64		revocations_counter;	/* when last found not revoked; 0:
										 * never */
	TimestampTz session_end;	/* as found then; DT_NOEND without session */
	JaAssurance session_assurance;	/* as found then, if there is a session */
} JaVerified;

extern JaStatus ja_verified_check_audience(const JaVerified *verified, JaString audience);
extern JaStatus ja_verified_check_identity(const JaVerified *verified);

#endif							/* JA_VERIFIED_H */
