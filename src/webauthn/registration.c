/*-------------------------------------------------------------------------
 *
 * registration.c
 *	  Verifies the registration of a credential (WebAuthn Level 3 section 7.1).
 *
 * Nothing but the challenge ties the new key to the person who registers it:
 * attestation is not believed, so a registration is worth what the identity of
 * whoever calls is worth.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "webauthn/cose_key.h"
#include "webauthn/passkey.h"

/* Reads all of it, before anything is judged. */
static JaStatus
read_registration(const JsonbContainer *json, JaRegistration *read)
{
	JaStatus	status = ja_credential_read_registration(json, &read->credential);

	if (status != JA_OK)
		return status;
	return ja_attestation_read(read->credential.authenticator, &read->attestation);
}

/* Reads the key, which must be of an algorithm that was offered. */
static JaStatus
read_key(const JaCeremony *ceremony, JaRegistration *read)
{
	JaStatus	status = ja_cose_key_read(read->attestation.data.public_key, &read->key);

	if (status != JA_OK)
		return status;
	return ja_ceremony_check_algorithm(ceremony, read->key->algorithm);
}

/*
 * Verifies a registration.  Fails with JA_PASSKEY_..., JA_CRYPTO or JA_MEMORY,
 * or with JA_EXPECTED_VALUE for an id of the relying party that is no UTF-8.
 */
JaStatus
ja_registration_verify(const JsonbContainer *json, const JaCeremony *ceremony,
					   JaRegistration *registration)
{
	JaRegistration read = {0};
	JaStatus	status = read_registration(json, &read);

	if (status != JA_OK)
		return status;
	status = ja_ceremony_check_client(ceremony, &read.credential.client);
	if (status != JA_OK)
		return status;
	status = ja_ceremony_check_authenticator(ceremony, &read.attestation.data);
	if (status != JA_OK)
		return status;
	if (!(read.attestation.data.flags & JA_FLAG_CREDENTIAL))
		return JA_PASSKEY_AUTHENTICATOR_DATA;
	if (!ja_string_equals(read.attestation.data.credential_id, read.credential.id_bytes))
		return JA_PASSKEY_ID;
	status = read_key(ceremony, &read);
	if (status != JA_OK)
		return status;
	*registration = read;
	return JA_OK;
}
