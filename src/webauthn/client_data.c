/*-------------------------------------------------------------------------
 *
 * client_data.c
 *	  Reads clientDataJSON (WebAuthn Level 3 section 5.8.1).
 *
 * An attacker controls every byte.  It is JSON as tokens have it: valid UTF-8
 * without a byte order mark, no member twice.  Members that are unknown here
 * are allowed, since browsers add some at will to keep verifiers honest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "webauthn/client_data.h"

/* Reads "crossOrigin", which may be missing. */
static bool
read_cross_origin(const JsonbContainer *json, bool *is_cross_origin)
{
	JsonbValue	value;

	*is_cross_origin = false;
	if (!ja_json_member(json, "crossOrigin", &value))
		return true;
	if (value.type != jbvBool)
		return false;
	*is_cross_origin = value.val.boolean;
	return true;
}

/*
 * Reads client data; strings are in the database's encoding, in the current
 * memory context.  Fails with JA_PASSKEY_CLIENT_DATA.
 */
JaStatus
ja_client_data_read(JaString bytes, JaClientData *client)
{
	JaClientData read = {0};
	Jsonb	   *json;

	if (ja_json_parse_object((const uint8 *) bytes.data, bytes.length, NULL, 0, &json) != JA_OK)
		return JA_PASSKEY_CLIENT_DATA;
	if (ja_json_string(&json->root, "type", &read.type) != JA_PRESENT ||
		ja_json_string(&json->root, "challenge", &read.challenge) != JA_PRESENT ||
		ja_json_string(&json->root, "origin", &read.origin) != JA_PRESENT ||
		ja_json_string(&json->root, "topOrigin", &read.top_origin) == JA_MISTYPED ||
		!read_cross_origin(&json->root, &read.is_cross_origin))
		return JA_PASSKEY_CLIENT_DATA;
	*client = read;
	return JA_OK;
}
