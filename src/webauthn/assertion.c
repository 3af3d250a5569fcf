/*-------------------------------------------------------------------------
 *
 * assertion.c
 *	  Verifies an assertion, the use of a credential (WebAuthn Level 3 section
 *	  7.2).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "jose/signature.h"
#include "webauthn/cose_key.h"
#include "webauthn/passkey.h"

#define CLIENT_DATA_HASH_SIZE 32

/* Reads all of it, before anything is judged. */
static JaStatus
read_assertion(const JsonbContainer *json, JaAssertion *read)
{
	JaStatus	status = ja_credential_read_assertion(json, &read->credential);

	if (status != JA_OK)
		return status;
	status = ja_authenticator_data_read(read->credential.authenticator, &read->data);
	if (status != JA_OK)
		return status;
	return (read->data.flags & JA_FLAG_CREDENTIAL) ? JA_PASSKEY_AUTHENTICATOR_DATA : JA_OK;
}

/* Whether it is of the credential and the user that are expected, if any are. */
static JaStatus
check_owner(const JaCeremony *ceremony, const JaCredential *credential)
{
	if (ceremony->credential_id.data != NULL &&
		!ja_string_equals(ceremony->credential_id, credential->id))
		return JA_PASSKEY_ID;
	if (ceremony->user_handle.data != NULL && credential->user_handle.data != NULL &&
		!ja_string_equals(ceremony->user_handle, credential->user_handle))
		return JA_PASSKEY_USER_HANDLE;
	return JA_OK;
}

/* Checks the signature over authenticator data and hash of the client data. */
static JaStatus
check_signature(const JaCredential *credential, JaKey *key)
{
	size_t		length = credential->authenticator.length + CLIENT_DATA_HASH_SIZE;
	char	   *input = palloc(length);
	JaStatus	status;

	memcpy(input, credential->authenticator.data, credential->authenticator.length);
	status = ja_digest_compute(JA_SHA256, credential->client_data.data,
							   credential->client_data.length,
							   (uint8 *) input + credential->authenticator.length);
	if (status != JA_OK)
		return status;
	status = ja_signature_check_der(key, ja_key_signing_algorithm(key),
									(JaString) {input, length},
									(const uint8 *) credential->signature.data,
									credential->signature.length);
	return status == JA_TOKEN_SIGNATURE ? JA_PASSKEY_SIGNATURE : status;
}

/*
 * A counter that does not rise is a sign of a copy (section 6.1.1).  One copy is
 * too many of a key that cannot leave its device; of a key that is synced, it is
 * for whoever keeps it to judge.  Authenticators that do not count say zero.
 */
static JaStatus
check_counter(const JaCeremony *ceremony, JaAssertion *assertion)
{
	int64		counter = assertion->data.counter;

	assertion->has_regressed = (counter != 0 || ceremony->counter != 0) &&
		counter <= ceremony->counter;
	assertion->counter = Max(counter, ceremony->counter);
	return assertion->has_regressed && !(assertion->data.flags & JA_FLAG_BACKUP_ELIGIBLE) ?
		JA_PASSKEY_COUNTER : JA_OK;
}

/* Whether a credential may be synced never changes (section 6.1.3). */
static JaStatus
check_backup_eligible(const JaCeremony *ceremony, const JaAuthenticatorData *data)
{
	bool		is_eligible = (data->flags & JA_FLAG_BACKUP_ELIGIBLE) != 0;

	return ceremony->knows_backup_eligible && ceremony->is_backup_eligible != is_eligible ?
		JA_PASSKEY_BACKUP_ELIGIBLE : JA_OK;
}

static JaStatus
check_assertion(const JaCeremony *ceremony, JaKey *key, JaAssertion *read)
{
	JaStatus	status = check_owner(ceremony, &read->credential);

	if (status != JA_OK)
		return status;
	status = ja_ceremony_check_client(ceremony, &read->credential.client);
	if (status != JA_OK)
		return status;
	status = ja_ceremony_check_authenticator(ceremony, &read->data);
	if (status != JA_OK)
		return status;
	status = check_backup_eligible(ceremony, &read->data);
	if (status != JA_OK)
		return status;
	status = check_signature(&read->credential, key);
	if (status != JA_OK)
		return status;
	return check_counter(ceremony, read);
}

/* Whether the key is one to verify with, and of a kind that authenticators have. */
static JaStatus
check_key(const JaCeremony *ceremony, const JaKey *key)
{
	const JaAlgorithm *algorithm = ja_key_signing_algorithm(key);

	if (!(key->operations & JA_MAY_VERIFY))
		return JA_KEY_OPERATION;
	if (algorithm == NULL || !ja_cose_has_algorithm(algorithm))
		return JA_EXPECTED_KEY;
	return ceremony->algorithms != NULL ?
		ja_ceremony_check_algorithm(ceremony, algorithm) : JA_OK;
}

/*
 * Verifies an assertion with the public key of the credential.  Fails with
 * JA_PASSKEY_..., JA_EXPECTED_KEY or JA_KEY_OPERATION for another kind of key,
 * JA_CRYPTO or JA_MEMORY, or with JA_EXPECTED_VALUE for an id of the relying
 * party that is no UTF-8.
 */
JaStatus
ja_assertion_verify(const JsonbContainer *json, JaKey *key,
					const JaCeremony *ceremony, JaAssertion *assertion)
{
	JaAssertion read = {0};
	JaStatus	status = check_key(ceremony, key);

	if (status != JA_OK)
		return status;
	status = read_assertion(json, &read);
	if (status != JA_OK)
		return status;
	status = check_assertion(ceremony, key, &read);
	if (status != JA_OK)
		return status;
	*assertion = read;
	return JA_OK;
}
