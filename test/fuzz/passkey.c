/*-------------------------------------------------------------------------
 *
 * passkey.c
 *	  Fuzz targets for what authenticators and browsers write: attestation
 *	  objects, authenticator data, COSE keys and client data.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "webauthn/authenticator_data.h"
#include "webauthn/client_data.h"
#include "webauthn/cose_key.h"

static bool
is_inside(JaString part, JaString whole)
{
	return part.data >= whole.data && part.data + part.length <= whole.data + whole.length;
}

/* A key that is read is public, and one of ours. */
static void
check_cose(JaString bytes)
{
	JaKey	   *key;

	if (ja_cose_key_read(bytes, &key) != JA_OK)
		return;
	FUZZ_EXPECT(!key->is_private && ja_cose_has_algorithm(key->algorithm));
	fuzz_check_key(key);
}

static void
check_data(const JaAuthenticatorData *data, JaString whole)
{
	if (!(data->flags & JA_FLAG_CREDENTIAL))
		return;
	FUZZ_EXPECT(data->credential_id.length > 0 &&
				data->credential_id.length <= JA_MAX_CREDENTIAL_ID);
	FUZZ_EXPECT(is_inside(data->credential_id, whole) && is_inside(data->public_key, whole));
	check_cose(data->public_key);
}

void
fuzz_attestation(const uint8 *data, size_t size, const FuzzKeys *keys pg_attribute_unused())
{
	JaString	bytes = {(const char *) data, size};
	JaAttestation attestation;
	JaAuthenticatorData authenticator;

	if (ja_attestation_read(bytes, &attestation) == JA_OK)
	{
		FUZZ_EXPECT(is_inside(attestation.format, bytes));
		check_data(&attestation.data, bytes);
	}
	if (ja_authenticator_data_read(bytes, &authenticator) == JA_OK)
		check_data(&authenticator, bytes);
}

void
fuzz_cose(const uint8 *data, size_t size, const FuzzKeys *keys pg_attribute_unused())
{
	check_cose((JaString) {(const char *) data, size});
}

void
fuzz_client(const uint8 *data, size_t size, const FuzzKeys *keys pg_attribute_unused())
{
	JaClientData client;

	if (ja_client_data_read((JaString) {(const char *) data, size}, &client) == JA_OK)
		FUZZ_EXPECT(client.type.data != NULL && client.challenge.data != NULL &&
					client.origin.data != NULL);
}
