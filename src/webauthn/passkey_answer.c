/*-------------------------------------------------------------------------
 *
 * passkey_answer.c
 *	  Writes what a verified registration or assertion says, as jsonb.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "jose/jwk.h"
#include "webauthn/passkey.h"

/* Adds what both ceremonies tell. */
static void
add_common(JaJsonState *answer, const JaCredential *credential, uint8 flags)
{
	JaString	origin = credential->client.origin;

	ja_json_add_bool(answer, "verified", true);
	ja_json_add_string(answer, "id", credential->id.data, credential->id.length);
	ja_json_add_string(answer, "origin", origin.data, origin.length);
	ja_json_add_bool(answer, "user_present", (flags & JA_FLAG_USER_PRESENT) != 0);
	ja_json_add_bool(answer, "user_verified", (flags & JA_FLAG_USER_VERIFIED) != 0);
	ja_json_add_bool(answer, "backup_eligible", (flags & JA_FLAG_BACKUP_ELIGIBLE) != 0);
	ja_json_add_bool(answer, "backed_up", (flags & JA_FLAG_BACKED_UP) != 0);
}

/* Writes what to store of a new credential.  Fails with JA_KEY_... */
JaStatus
ja_registration_write(const JaRegistration *registration, Jsonb **answer)
{
	const JaAuthenticatorData *data = &registration->attestation.data;
	JaJsonState state = {0};
	Jsonb	   *jwk;
	pg_uuid_t	aaguid;
	JaStatus	status = ja_jwk_write(registration->key, false, &jwk);

	if (status != JA_OK)
		return status;
	memcpy(aaguid.data, data->aaguid, UUID_LEN);
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_common(&state, &registration->credential, data->flags);
	ja_json_add_container(&state, "public_key", &jwk->root);
	ja_json_add_integer(&state, "counter", data->counter);
	ja_json_add_uuid(&state, "aaguid", &aaguid);
	if (registration->credential.transports != NULL)
		ja_json_add_container(&state, "transports", registration->credential.transports);
	ja_json_add_string(&state, "attestation_format", registration->attestation.format.data,
					   registration->attestation.format.length);
	*answer = ja_json_end_object(&state);
	return JA_OK;
}

/* Writes what a verified assertion says. */
Jsonb *
ja_assertion_write(const JaAssertion *assertion)
{
	JaJsonState state = {0};

	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	add_common(&state, &assertion->credential, assertion->data.flags);
	ja_json_add_integer(&state, "counter", assertion->counter);
	ja_json_add_bool(&state, "counter_regressed", assertion->has_regressed);
	if (assertion->credential.user_handle.data != NULL)
		ja_json_add_string(&state, "user_handle", assertion->credential.user_handle.data,
						   assertion->credential.user_handle.length);
	return ja_json_end_object(&state);
}
