/*-------------------------------------------------------------------------
 *
 * passkey.h
 *	  Verifies registrations and assertions (WebAuthn Level 3 sections 7.1 and
 *	  7.2).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSKEY_H
#define JA_PASSKEY_H

#include "jose/key.h"
#include "webauthn/ceremony.h"
#include "webauthn/credential.h"

/* A new credential, in the current memory context. */
typedef struct JaRegistration
{
	JaCredential credential;
	JaAttestation attestation;
	JaKey	   *key;			/* with its algorithm */
} JaRegistration;

typedef struct JaAssertion
{
	JaCredential credential;
	JaAuthenticatorData data;
	int64		counter;		/* to store: never less than what is stored */
	bool		has_regressed;	/* the counter of a synced credential */
} JaAssertion;

/* Whether a status says what is wrong with a passkey, and nothing else. */
static inline bool
ja_passkey_is_refused(JaStatus status)
{
	return status >= JA_PASSKEY_FORM && status <= JA_PASSKEY_COUNTER;
}

extern JaStatus ja_registration_verify(const JsonbContainer *json, const JaCeremony *ceremony,
									   JaRegistration *registration);
extern JaStatus ja_assertion_verify(const JsonbContainer *json, JaKey *key,
									const JaCeremony *ceremony, JaAssertion *assertion);
extern JaStatus ja_registration_write(const JaRegistration *registration, Jsonb **answer);
extern Jsonb *ja_assertion_write(const JaAssertion *assertion);

#endif							/* JA_PASSKEY_H */
