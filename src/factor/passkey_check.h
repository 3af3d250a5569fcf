/*-------------------------------------------------------------------------
 *
 * passkey_check.h
 *	  Uses of passkeys that are stored, and whether they are right.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSKEY_CHECK_H
#define JA_PASSKEY_CHECK_H

#include "factor/challenge.h"
#include "factor/passkey_row.h"

/* What somebody sent, and what was found of it. */
typedef struct JaPasskeyCheck
{
	const JsonbContainer *json;
	JaCredential credential;
	JaString	challenge_text;
	JaChallenge challenge;
	JaPasskey	passkey;		/* as of now */
	JaAssertion assertion;		/* once it was verified */
} JaPasskeyCheck;

extern bool ja_passkey_check_read(JaPasskeyCheck *check, JaChallengePurpose purpose);
extern bool ja_passkey_check_reload(JaPasskeyCheck *check);
extern JaStatus ja_passkey_check_verify(JaPasskeyCheck *check);
extern JaProof ja_passkey_check_accept(const JaPasskeyCheck *check);

#endif							/* JA_PASSKEY_CHECK_H */
