/*-------------------------------------------------------------------------
 *
 * ceremony.h
 *	  What the relying party expects of a registration or an assertion, and
 *	  the checks that both have in common (WebAuthn Level 3 sections 7.1, 7.2).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CEREMONY_H
#define JA_CEREMONY_H

#include "jose/algorithm.h"
#include "webauthn/authenticator_data.h"
#include "webauthn/client_data.h"

typedef enum JaCeremonyKind
{
	JA_REGISTRATION,
	JA_ASSERTION
} JaCeremonyKind;

/* Texts and arrays point into the jsonb. */
typedef struct JaCeremony
{
	JaCeremonyKind kind;
	JaString	challenge;		/* as base64url */
	JaString	rp_id;
	const JsonbContainer *origins;	/* arrays of strings; NULL: none */
	const JsonbContainer *top_origins;
	const JsonbContainer *algorithms;	/* names; NULL: the default ones */
	bool		may_be_cross_origin;
	bool		may_be_unverified;	/* the user */

	/* Assertions only: what is stored of the credential. */
	JaString	credential_id;	/* as base64url; data NULL: any */
	JaString	user_handle;	/* as base64url; data NULL: any */
	int64		counter;
	bool		knows_backup_eligible;
	bool		is_backup_eligible;
} JaCeremony;

extern JaStatus ja_ceremony_read(const JsonbContainer *expected, JaCeremonyKind kind,
								 JaCeremony *ceremony);
extern JaStatus ja_ceremony_check_client(const JaCeremony *ceremony, const JaClientData *client);
extern JaStatus ja_ceremony_check_authenticator(const JaCeremony *ceremony,
												const JaAuthenticatorData *data);
extern JaStatus ja_ceremony_check_algorithm(const JaCeremony *ceremony,
											const JaAlgorithm *algorithm);
extern void ja_ceremony_add_algorithms(JaJsonState *options);

#endif							/* JA_CEREMONY_H */
