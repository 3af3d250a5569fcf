/*-------------------------------------------------------------------------
 *
 * authenticator_data.c
 *	  Reads authenticator data and attestation objects (WebAuthn Level 3
 *	  sections 6.1 and 6.5).
 *
 * An attacker controls every byte.  Nothing is copied.  An attestation
 * statement is read over as CBOR and never believed, whatever its format: it
 * could tell the maker of an authenticator, which nobody asks for here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "webauthn/authenticator_data.h"
#include "webauthn/cbor.h"

/* rpIdHash, flags and signCount. */
#define FIXED_SIZE (JA_RP_ID_HASH_SIZE + 1 + 4)

/* Longest name of a format (WebAuthn section 8.1). */
#define MAX_FORMAT 32

static const uint8 *
take(JaCbor *rest, size_t length)
{
	const uint8 *taken = rest->next;

	if (length > (size_t) (rest->end - rest->next))
		return NULL;
	rest->next += length;
	return taken;
}

/* Reads attested credential data (section 6.5.1). */
static bool
read_credential(JaCbor *rest, JaAuthenticatorData *data)
{
	const uint8 *length = NULL;

	data->aaguid = take(rest, JA_AAGUID_SIZE);
	if (data->aaguid != NULL)
		length = take(rest, 2);
	if (length == NULL)
		return false;
	data->credential_id.length = (size_t) length[0] << 8 | length[1];
	if (data->credential_id.length == 0 || data->credential_id.length > JA_MAX_CREDENTIAL_ID)
		return false;
	data->credential_id.data = (const char *) take(rest, data->credential_id.length);
	return data->credential_id.data != NULL && ja_cbor_take_map(rest, &data->public_key);
}

/*
 * Reads authenticator data, to its last byte.  Extensions are read over.  Fails
 * with JA_PASSKEY_AUTHENTICATOR_DATA.
 */
JaStatus
ja_authenticator_data_read(JaString bytes, JaAuthenticatorData *data)
{
	JaCbor		rest = {(const uint8 *) bytes.data, (const uint8 *) bytes.data + bytes.length};
	JaAuthenticatorData read = {0};
	const uint8 *fixed = take(&rest, FIXED_SIZE);
	const uint8 *counter;
	JaString	extensions;

	if (fixed == NULL)
		return JA_PASSKEY_AUTHENTICATOR_DATA;
	read.rp_id_hash = fixed;
	read.flags = fixed[JA_RP_ID_HASH_SIZE];
	counter = fixed + JA_RP_ID_HASH_SIZE + 1;
	read.counter = (uint32) counter[0] << 24 | (uint32) counter[1] << 16 |
		(uint32) counter[2] << 8 | counter[3];
	if ((read.flags & JA_FLAG_CREDENTIAL) && !read_credential(&rest, &read))
		return JA_PASSKEY_AUTHENTICATOR_DATA;
	if ((read.flags & JA_FLAG_EXTENSIONS) && !ja_cbor_take_map(&rest, &extensions))
		return JA_PASSKEY_AUTHENTICATOR_DATA;
	if (rest.next != rest.end)
		return JA_PASSKEY_AUTHENTICATOR_DATA;
	*data = read;
	return JA_OK;
}

/* Names of formats are printable ASCII without quotation marks and backslashes. */
static bool
is_format(JaString name)
{
	if (name.length == 0 || name.length > MAX_FORMAT)
		return false;
	for (size_t i = 0; i < name.length; i++)
	{
		if (name.data[i] < 0x21 || name.data[i] > 0x7e ||
			name.data[i] == '"' || name.data[i] == '\\')
			return false;
	}
	return true;
}

/* Reads one of the members "fmt", "attStmt" and "authData". */
static bool
read_member(JaCbor *rest, JaString *format, JaString *statement, JaString *data)
{
	JaCborItem	key;
	JaCborItem	value;

	if (!ja_cbor_read(rest, &key) || key.kind != JA_CBOR_TEXT)
		return false;
	if (ja_string_is(key.string, "attStmt"))
		return ja_cbor_take_map(rest, statement);
	if (!ja_cbor_read(rest, &value))
		return false;
	if (ja_string_is(key.string, "fmt") && value.kind == JA_CBOR_TEXT)
		*format = value.string;
	else if (ja_string_is(key.string, "authData") && value.kind == JA_CBOR_BYTES)
		*data = value.string;
	else
		return false;
	return true;
}

/*
 * Reads an attestation object, to its last byte: a map of three members, each of
 * them once.  Fails with JA_PASSKEY_ATTESTATION, or JA_PASSKEY_AUTHENTICATOR_DATA
 * for what is inside.
 */
JaStatus
ja_attestation_read(JaString bytes, JaAttestation *attestation)
{
	JaCbor		rest = {(const uint8 *) bytes.data, (const uint8 *) bytes.data + bytes.length};
	JaString	format = {NULL, 0};
	JaString	statement = {NULL, 0};
	JaString	data = {NULL, 0};
	uint64		pairs;
	JaStatus	status;

	if (!ja_cbor_read_map(&rest, &pairs) || pairs != 3)
		return JA_PASSKEY_ATTESTATION;
	for (int i = 0; i < 3; i++)
	{
		if (!read_member(&rest, &format, &statement, &data))
			return JA_PASSKEY_ATTESTATION;
	}
	if (format.data == NULL || statement.data == NULL || data.data == NULL ||
		rest.next != rest.end || !is_format(format))
		return JA_PASSKEY_ATTESTATION;
	status = ja_authenticator_data_read(data, &attestation->data);
	if (status != JA_OK)
		return status;
	attestation->format = format;
	return JA_OK;
}
