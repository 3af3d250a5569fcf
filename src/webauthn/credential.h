/*-------------------------------------------------------------------------
 *
 * credential.h
 *	  A credential as browsers write it: PublicKeyCredential.toJSON()
 *	  (WebAuthn Level 3 section 5.1).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CREDENTIAL_H
#define JA_CREDENTIAL_H

#include "webauthn/client_data.h"

/* Longest user handle, in bytes (WebAuthn section 4). */
#define JA_MAX_USER_HANDLE	64

/* Texts point into the jsonb; bytes are in the current memory context. */
typedef struct JaCredential
{
	JaString	id;				/* as base64url */
	JaString	id_bytes;
	JaString	client_data;	/* bytes of clientDataJSON */
	JaClientData client;		/* what they say */
	JaString	authenticator;	/* bytes of attestationObject, or of
								 * authenticatorData */
	JaString	signature;		/* bytes; assertions only */
	JaString	user_handle;	/* as base64url; data NULL: none */
	const JsonbContainer *transports;	/* an array of strings; NULL: none */
} JaCredential;

extern JaStatus ja_credential_read_registration(const JsonbContainer *json,
												JaCredential *credential);
extern JaStatus ja_credential_read_assertion(const JsonbContainer *json,
											 JaCredential *credential);

#endif							/* JA_CREDENTIAL_H */
