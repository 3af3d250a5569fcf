/*-------------------------------------------------------------------------
 *
 * credential.c
 *	  Reads a credential as browsers write it: PublicKeyCredential.toJSON()
 *	  (WebAuthn Level 3 section 5.1).
 *
 * An attacker controls all of it.  Each member has a limit.  Members that
 * repeat what is signed or attested, such as "publicKey", are not looked at, nor
 * are results of client extensions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "jose/algorithm.h"
#include "jose/base64url.h"
#include "webauthn/authenticator_data.h"
#include "webauthn/credential.h"

/* Longest members, in bytes. */
#define MAX_CLIENT_DATA		16384
#define MAX_AUTHENTICATOR	65536

/* Most transports, and the longest, in bytes. */
#define MAX_TRANSPORTS	16
#define MAX_TRANSPORT	32

/* Reads what a registration or an assertion alone has. */
typedef bool (*ReadRest) (const JsonbContainer *response, JaCredential *credential);

/* Decodes base64url of 1 to longest bytes. */
static bool
decode_member(JaString text, size_t longest, JaString *bytes)
{
	size_t		length = JA_BASE64URL_DECODED(text.length);
	uint8	   *decoded;

	if (length == 0 || length > longest)
		return false;
	decoded = palloc(length);
	if (!ja_base64url_decode(text.data, text.length, decoded))
		return false;
	*bytes = (JaString) {(const char *) decoded, length};
	return true;
}

static bool
take_bytes(const JsonbContainer *object, const char *name, size_t longest, JaString *bytes)
{
	JaString	text;

	return ja_json_string(object, name, &text) == JA_PRESENT && decode_member(text, longest, bytes);
}

/* Reads type and id, which stands there twice, and finds the response. */
static bool
read_outside(const JsonbContainer *json, JaCredential *credential, const JsonbContainer **response)
{
	JsonbValue	value;
	JaString	text;

	if (ja_json_string(json, "type", &text) != JA_PRESENT || !ja_string_is(text, "public-key"))
		return false;
	if (ja_json_string(json, "id", &credential->id) != JA_PRESENT ||
		ja_json_string(json, "rawId", &text) != JA_PRESENT ||
		!ja_string_equals(credential->id, text) ||
		!decode_member(credential->id, JA_MAX_CREDENTIAL_ID, &credential->id_bytes))
		return false;
	if (!ja_json_member(json, "response", &value) || value.type != jbvBinary ||
		!ja_json_is_object(value.val.binary.data))
		return false;
	*response = value.val.binary.data;
	return true;
}

/* Reads "transports", which may be missing: short strings. */
static bool
read_transports(const JsonbContainer *response, JaCredential *credential)
{
	JsonbValue	value;
	JsonbContainer *array;

	if (!ja_json_member(response, "transports", &value))
		return true;
	array = ja_json_array(&value);
	if (array == NULL || JsonContainerSize(array) > MAX_TRANSPORTS)
		return false;
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type != jbvString || element->val.string.len == 0 ||
			element->val.string.len > MAX_TRANSPORT)
			return false;
	}
	credential->transports = array;
	return true;
}

/* Reads "userHandle", which may be missing or null. */
static bool
read_user_handle(const JsonbContainer *response, JaCredential *credential)
{
	JsonbValue	value;
	JaString	bytes;

	if (!ja_json_member(response, "userHandle", &value) || value.type == jbvNull)
		return true;
	return ja_json_string(response, "userHandle", &credential->user_handle) == JA_PRESENT &&
		decode_member(credential->user_handle, JA_MAX_USER_HANDLE, &bytes);
}

/* Reads what only an assertion has: its signature, and whose it is. */
static bool
read_assertion_rest(const JsonbContainer *response, JaCredential *credential)
{
	return take_bytes(response, "signature", JA_MAX_SIGNATURE, &credential->signature) &&
		read_user_handle(response, credential);
}

/* Reads a credential whose response holds a member of the authenticator's, and the rest. */
static JaStatus
read_browser_credential(const JsonbContainer *json, const char *authenticator, ReadRest read_rest,
						JaCredential *credential)
{
	JaCredential read = {0};
	const JsonbContainer *response;
	JaStatus	status;

	if (!read_outside(json, &read, &response) ||
		!take_bytes(response, "clientDataJSON", MAX_CLIENT_DATA, &read.client_data) ||
		!take_bytes(response, authenticator, MAX_AUTHENTICATOR, &read.authenticator) ||
		!read_rest(response, &read))
		return JA_PASSKEY_FORM;
	status = ja_client_data_read(read.client_data, &read.client);
	if (status != JA_OK)
		return status;
	*credential = read;
	return JA_OK;
}

/*
 * Reads what navigator.credentials.create() gave, and the client data in it.  Fails
 * with JA_PASSKEY_FORM or as ja_client_data_read().
 */
JaStatus
ja_credential_read_registration(const JsonbContainer *json, JaCredential *credential)
{
	return read_browser_credential(json, "attestationObject", read_transports, credential);
}

/* The same for what navigator.credentials.get() gave. */
JaStatus
ja_credential_read_assertion(const JsonbContainer *json, JaCredential *credential)
{
	return read_browser_credential(json, "authenticatorData", read_assertion_rest, credential);
}
