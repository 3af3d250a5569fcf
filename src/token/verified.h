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
 * What follows from the bytes of a token and the keys alone.  Strings point
 * into the claims, but for the audience.
 */
typedef struct JaVerified
{
	Jsonb	   *claims;
	JaTokenType type;
	JaTimes		times;
	bool		is_own;			/* signed with our own keys */
	bool		role_counts;	/* its role may be used */
	JaString	issuer;			/* data NULL: none */
	bool		has_audience;	/* there is a claim "aud" */
	JaString	audience;		/* of its issuer, unless it is our own */
	bool		key_has_end;
	TimestampTz key_end;		/* if key_has_end */
	JaRevocable revocable;

	JaSignatureSource source;	/* of the last use */
	bool		may_be_kept;	/* no row of the running transaction is in it */
	uint64		keys_counter;	/* of JA_SIGNAL_KEYS before it was read */
	uint64		revocations_counter;	/* when last found not revoked; 0:
										 * never */
	TimestampTz session_end;	/* as found then; DT_NOEND without session */
} JaVerified;

#endif							/* JA_VERIFIED_H */
