/*-------------------------------------------------------------------------
 *
 * id_token.h
 *	  What an ID token says, once it is verified (OpenID Connect Core 3.1.3.7).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ID_TOKEN_H
#define JA_ID_TOKEN_H

#include "utils/uuid.h"

#include "account/identifier_form.h"
#include "federation/provider.h"

/* Digits of the SHA-256 of a nonce. */
#define JA_NONCE_DIGITS 64

/* What a client has shown; data NULL for what it has not. */
typedef struct JaIdTokenRequest
{
	JaString	provider;
	JaString	id_token;
	JaString	nonce;
	JaString	access_token;
	const pg_uuid_t *session;	/* that the nonce must be of; NULL: any */
	TimestampTz at;				/* when it was shown first; 0: now */
} JaIdTokenRequest;

/* In the memory context of whoever had it verified. */
typedef struct JaIdToken
{
	JaString	provider;
	TimestampTz provider_added_at;
	JaString	issuer;
	JaString	subject;
	Jsonb	   *claims;
	JaString	email;			/* data NULL: none that is the user's */
	JaCanonical canonical;		/* of that */
	int			level;			/* that the provider vouches for */
	TimestampTz proved_at;
	JaLinking	linking;
	JaProviderSignUp sign_up;

	JaString	signed_part;	/* of the token; it redeems once */
	TimestampTz signed_until;	/* when it is of no more use anyway */
	JaString	nonce;			/* our own; data NULL: none */
	TimestampTz nonce_until;
} JaIdToken;

extern JaStatus ja_id_token_verify(const JaIdTokenRequest *request, JaIdToken *token,
								   bool *is_authentic);
extern void ja_id_token_hash_nonce(JaString nonce, char digits[JA_NONCE_DIGITS]);

#endif							/* JA_ID_TOKEN_H */
