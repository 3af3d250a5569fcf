/*-------------------------------------------------------------------------
 *
 * ceremony.c
 *	  The checks that registrations and assertions have in common (WebAuthn
 *	  Level 3 sections 7.1 and 7.2).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/encoding.h"
#include "webauthn/ceremony.h"
#include "webauthn/cose_key.h"

/* Offered where the relying party names none; doc/passkeys.md says so. */
static const char *const default_algorithms[] = {"ES256", "EdDSA", "RS256"};

/* Whether an array of strings, which may be missing, has exactly this one. */
static bool
holds(const JsonbContainer *strings, JaString string)
{
	return strings != NULL && ja_json_array_find(strings, string) >= 0;
}

/*
 * A page of another site may hold ours only if that is expected, and only if it
 * is known, where the browser names it.  A browser that names it says that it is
 * another (section 5.8.1).
 */
static JaStatus
check_embedding(const JaCeremony *ceremony, const JaClientData *client)
{
	if (client->is_cross_origin && !ceremony->may_be_cross_origin)
		return JA_PASSKEY_CROSS_ORIGIN;
	if (client->top_origin.data == NULL)
		return JA_OK;
	return client->is_cross_origin && holds(ceremony->top_origins, client->top_origin) ?
		JA_OK : JA_PASSKEY_CROSS_ORIGIN;
}

/* Checks type, challenge and origin, byte by byte.  Fails with JA_PASSKEY_... */
JaStatus
ja_ceremony_check_client(const JaCeremony *ceremony, const JaClientData *client)
{
	if (!ja_string_is(client->type, ceremony->kind == JA_REGISTRATION ?
					  "webauthn.create" : "webauthn.get"))
		return JA_PASSKEY_TYPE;
	if (!ja_string_equals(client->challenge, ceremony->challenge))
		return JA_PASSKEY_CHALLENGE;
	if (!holds(ceremony->origins, client->origin))
		return JA_PASSKEY_ORIGIN;
	return check_embedding(ceremony, client);
}

/* Whether the hash is that of the relying party's id, in UTF-8. */
static JaStatus
check_rp_id(const JaCeremony *ceremony, const uint8 *hash)
{
	uint8		expected[JA_RP_ID_HASH_SIZE];
	size_t		length;
	char	   *utf8 = palloc(JA_ENCODING_ROOM(ceremony->rp_id.length));
	JaStatus	status;

	if (!ja_encoding_from_server(ceremony->rp_id.data, ceremony->rp_id.length, utf8, &length))
		return JA_EXPECTED_VALUE;
	status = ja_digest_compute(JA_SHA256, utf8, length, expected);
	if (status != JA_OK)
		return status;
	return memcmp(expected, hash, sizeof(expected)) == 0 ? JA_OK : JA_PASSKEY_RP_ID;
}

/* Checks whom the authenticator answered, and its flags.  Fails with JA_PASSKEY_... */
JaStatus
ja_ceremony_check_authenticator(const JaCeremony *ceremony, const JaAuthenticatorData *data)
{
	JaStatus	status = check_rp_id(ceremony, data->rp_id_hash);

	if (status != JA_OK)
		return status;
	if (!(data->flags & JA_FLAG_USER_PRESENT))
		return JA_PASSKEY_USER_PRESENT;
	if (!(data->flags & JA_FLAG_USER_VERIFIED) && !ceremony->may_be_unverified)
		return JA_PASSKEY_USER_VERIFIED;
	if ((data->flags & JA_FLAG_BACKED_UP) && !(data->flags & JA_FLAG_BACKUP_ELIGIBLE))
		return JA_PASSKEY_BACKED_UP;
	return JA_OK;
}

/* Checks that the algorithm was offered.  Fails with JA_PASSKEY_ALGORITHM. */
JaStatus
ja_ceremony_check_algorithm(const JaCeremony *ceremony, const JaAlgorithm *algorithm)
{
	if (ceremony->algorithms != NULL)
		return holds(ceremony->algorithms, (JaString) {algorithm->name, strlen(algorithm->name)}) ?
			JA_OK : JA_PASSKEY_ALGORITHM;
	for (size_t i = 0; i < lengthof(default_algorithms); i++)
	{
		if (strcmp(default_algorithms[i], algorithm->name) == 0)
			return JA_OK;
	}
	return JA_PASSKEY_ALGORITHM;
}

/* Adds the default algorithms to options, as PublicKeyCredentialParameters (section 5.3). */
void
ja_ceremony_add_algorithms(JaJsonState *options)
{
	ja_json_add_key(options, "pubKeyCredParams");
	ja_json_push(options, WJB_BEGIN_ARRAY, NULL);
	for (size_t i = 0; i < lengthof(default_algorithms); i++)
	{
		ja_json_push(options, WJB_BEGIN_OBJECT, NULL);
		ja_json_add_string(options, "type", "public-key", strlen("public-key"));
		ja_json_add_integer(options, "alg", ja_cose_number(default_algorithms[i]));
		ja_json_push(options, WJB_END_OBJECT, NULL);
	}
	ja_json_push(options, WJB_END_ARRAY, NULL);
}
