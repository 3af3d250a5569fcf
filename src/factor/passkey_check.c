/*-------------------------------------------------------------------------
 *
 * passkey_check.c
 *	  Uses of passkeys that are stored, and whether they are right (WebAuthn Level 3
 *	  section 7.2).
 *
 * An attacker controls the credential.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/error.h"
#include "factor/passkey_check.h"
#include "factor/relying_party.h"
#include "jose/base64url.h"
#include "jose/jwk.h"
#include "store/audit.h"

/* Whether a passkey that is known answers a challenge of this purpose. */
bool
ja_passkey_check_read(JaPasskeyCheck *check, JaChallengePurpose purpose)
{
	if (ja_credential_read_assertion(check->json, &check->credential) != JA_OK)
		return false;
	check->challenge_text = check->credential.client.challenge;
	if (!ja_challenge_read(check->challenge_text, purpose, &check->challenge))
		return false;
	return ja_passkey_check_reload(check);
}

/* Reads the passkey again, which has changed unless its user's row was locked. */
bool
ja_passkey_check_reload(JaPasskeyCheck *check)
{
	return ja_passkey_find(check->credential.id_bytes, &check->passkey);
}

/*
 * Verifies the assertion against what is stored; a user handle must be that of the
 * passkey's user if one was sent.  The caller sees to it that the challenge is spent.
 */
JaStatus
ja_passkey_check_verify(JaPasskeyCheck *check)
{
	const JaPasskey *passkey = &check->passkey;
	JaCeremony	ceremony = ja_relying_party_ceremony(JA_ASSERTION, check->challenge_text);
	char		handle[JA_BASE64URL_ENCODED(UUID_LEN)];
	JaKey	   *key;

	ja_check(ja_jwk_read(&passkey->public_key->root, &key));
	ceremony.user_handle = (JaString) {
		handle, ja_base64url_encode(passkey->user_handle.data, UUID_LEN, handle)
	};
	ceremony.counter = passkey->counter;
	ceremony.knows_backup_eligible = true;
	ceremony.is_backup_eligible = passkey->is_backup_eligible;
	return ja_assertion_verify(check->json, key, &ceremony, &check->assertion);
}

/*
 * Notes that the passkey was used, and returns what that proves; within a scope of
 * ja_plan_begin().
 */
JaProof
ja_passkey_check_accept(const JaPasskeyCheck *check)
{
	const JaAssertion *assertion = &check->assertion;

	ja_passkey_note_use(&check->passkey.id, assertion);
	if (assertion->has_regressed)
		ja_audit_write(&(JaAuditEvent)
					   {
						   .event = "passkey_counter_fell", .user = &check->passkey.user
					   });
	return ja_passkey_proof(&check->passkey.id, assertion->data.flags);
}
