/*-------------------------------------------------------------------------
 *
 * handle.c
 *	  Handles: opaque strings that we hand out and recognise again.
 *
 * A handle is a prefix that tells its kind, which a challenge lacks, and base64url
 * of version (1 byte), key number (4), a body that only its kind understands, and
 * an HMAC-SHA256 over the kind's label and all of those (32).  Nothing that redeems a handle
 * is stored: a row holds what the body names, and the key makes the handle
 * again.
 *
 * An attacker controls the text.  Nothing in the body is believed, and no table
 * but that of keys is read, before the MAC has been found right, so a made-up
 * handle costs one hash.  Labels keep a handle of one kind from being taken for
 * another, even under one key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "port/pg_bswap.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "jose/signature.h"
#include "keyring/change.h"
#include "keyring/handle.h"
#include "keyring/key_change.h"
#include "keyring/stored_key.h"

#define VERSION 1

/* Longest label, with its NUL, which the MAC covers. */
#define MAX_LABEL 32

typedef struct Kind
{
	const char *prefix;
	const char *label;
	JaKeyUse	use;			/* of the keys that make its MACs */
	size_t		body_size;
} Kind;

static const Kind kinds[] = {
	[JA_HANDLE_REFRESH_TOKEN] = {"jar_", "jwt_auth refresh token", JA_USE_REFRESH, 40},
	[JA_HANDLE_ONE_TIME_TOKEN] = {"jat_", "jwt_auth one-time token", JA_USE_HANDLE, 33},
	[JA_HANDLE_FLOW] = {"jaf_", "jwt_auth flow", JA_USE_HANDLE, 16},
	[JA_HANDLE_CHALLENGE] = {"", "jwt_auth WebAuthn challenge", JA_USE_HANDLE, 57},
	[JA_HANDLE_TICKET] = {"jam_", "jwt_auth second-factor ticket", JA_USE_HANDLE, 141},
	[JA_HANDLE_LINK_TICKET] = {"jal_", "jwt_auth link ticket", JA_USE_HANDLE, 64},
	[JA_HANDLE_API_TOKEN] = {"jap_", "jwt_auth API token", JA_USE_REFRESH, 32},
};

/* A handle being read or written: what the MAC covers, then the MAC. */
typedef struct Wire
{
	uint8		bytes[MAX_LABEL + JA_HANDLE_HEADER_SIZE + JA_HANDLE_MAX_BODY + JA_HANDLE_MAC_SIZE];
	uint8	   *header;			/* version, then key number */
	uint8	   *body;
	uint8	   *mac;
} Wire;

/*
 * Lays out the parts of a wire, which lie side by side, and puts the label.  What is
 * not put is zero, and names no key: nothing is left there of another handle.
 */
static void
lay_out(const Kind *kind, Wire *wire)
{
	size_t		label_size = strlen(kind->label) + 1;

	Assert(label_size <= MAX_LABEL && kind->body_size <= JA_HANDLE_MAX_BODY);
	memset(wire->bytes, 0, sizeof(wire->bytes));
	memcpy(wire->bytes, kind->label, label_size);
	wire->header = wire->bytes + label_size;
	wire->body = wire->header + JA_HANDLE_HEADER_SIZE;
	wire->mac = wire->body + kind->body_size;
}

static JaStatus
make_handle_mac(JaKey *key, const Wire *wire, uint8 *mac)
{
	const JaString input = {(const char *) wire->bytes, wire->mac - wire->bytes};
	size_t		length;

	return ja_signature_make(key, key->algorithm, input, mac, &length);
}

/* Whether the text claims to be of the kind. */
bool
ja_handle_has_prefix(JaHandleKind kind, JaString text)
{
	size_t		length = strlen(kinds[kind].prefix);

	return text.length >= length && memcmp(text.data, kinds[kind].prefix, length) == 0;
}

/* Decodes the text; false for what is no handle of this kind and version. */
static bool
decode(JaHandleKind kind, JaString text, Wire *wire)
{
	size_t		prefix = strlen(kinds[kind].prefix);

	if (text.length != prefix + JA_HANDLE_RAW_LENGTH(kinds[kind].body_size) ||
		!ja_handle_has_prefix(kind, text))
		return false;
	return ja_base64url_decode(text.data + prefix, text.length - prefix, wire->header) &&
		wire->header[0] == VERSION;
}

/* Whether the MAC is that of the key, and the key still verifies. */
static bool
is_authentic(const JaStoredKey *key, const Wire *wire)
{
	uint8		mac[JA_MAX_SIGNATURE];

	switch (ja_stored_key_state(key, GetCurrentTimestamp()))
	{
		case JA_STATE_ACTIVE:
		case JA_STATE_RETIRING:
			ja_check(make_handle_mac(key->key, wire, mac));
			return ja_secret_equals(mac, JA_HANDLE_MAC_SIZE, wire->mac, JA_HANDLE_MAC_SIZE);
		case JA_STATE_NEXT:
		case JA_STATE_RETIRED:
		case JA_STATE_REVOKED:
			return false;
	}
	return false;
}

/* Whether a key that was asked for is none of ours any more. */
static bool
is_gone(JaStatus status)
{
	return status == JA_KEYRING_KID_UNKNOWN || status == JA_KEYRING_CANNOT_SIGN;
}

/*
 * Reads a handle: its key's number, and its body, for which the caller has
 * room.  False if form or MAC is wrong, or the key is none of ours any more;
 * both are then undefined.
 */
bool
ja_handle_read(JaHandleKind kind, JaString text, int32 *key_number, uint8 *body)
{
	const JaStoredKey *key;
	Wire		wire;
	uint32		number;
	JaStatus	status;

	lay_out(&kinds[kind], &wire);
	if (!decode(kind, text, &wire))
		return false;
	memcpy(&number, wire.header + 1, sizeof(number));
	*key_number = (int32) pg_ntoh32(number);
	status = ja_stored_key_numbered(kinds[kind].use, *key_number, &key);
	if (is_gone(status))
		return false;
	ja_check(status);
	memcpy(body, wire.body, kinds[kind].body_size);
	return is_authentic(key, &wire);
}

/* The number of the key that makes handles of the kind now; makes it on first need. */
int32
ja_handle_key_number(JaHandleKind kind)
{
	const JaStoredKey *key;

	ja_key_change_ensure(kinds[kind].use);
	ja_check(ja_stored_key_active(kinds[kind].use, &key));
	return key->number;
}

/*
 * Whether the key named still makes handles of the kind: it was neither revoked nor
 * erased.  Raises JA_KEYRING_SEALED and its kin where it is there and cannot be
 * opened, which is no reason to give up what it makes.
 */
bool
ja_handle_can_write(JaHandleKind kind, int32 key_number)
{
	const JaStoredKey *key;
	JaStatus	status = ja_stored_key_numbered(kinds[kind].use, key_number, &key);

	if (is_gone(status))
		return false;
	ja_check(status);
	return !key->is_revoked;
}

/*
 * Writes JA_HANDLE_LENGTH() characters, of a kind without prefix
 * JA_HANDLE_RAW_LENGTH(), with the MAC of the key named.  Raises 40001 if that was
 * revoked since the caller chose it.
 */
void
ja_handle_write(JaHandleKind kind, int32 key_number, const uint8 *body, char *text)
{
	const JaStoredKey *key;
	Wire		wire;
	uint8		mac[JA_MAX_SIGNATURE];
	uint32		number = pg_hton32((uint32) key_number);
	size_t		prefix = strlen(kinds[kind].prefix);

	lay_out(&kinds[kind], &wire);
	wire.header[0] = VERSION;
	memcpy(wire.header + 1, &number, sizeof(number));
	memcpy(wire.body, body, kinds[kind].body_size);
	ja_check(ja_stored_key_numbered(kinds[kind].use, key_number, &key));
	if (key->is_revoked)
		ja_change_raise_stale();
	ja_check(make_handle_mac(key->key, &wire, mac));
	memcpy(wire.mac, mac, JA_HANDLE_MAC_SIZE);
	memcpy(text, kinds[kind].prefix, prefix);
	ja_base64url_encode(wire.header, wire.mac + JA_HANDLE_MAC_SIZE - wire.header, text + prefix);
}

/*
 * Writes the JA_CODE_DIGITS digits, and a NUL, that belong to an input: a MAC of
 * their own label, modulo a power of ten, which is as good as even.  The key must
 * be one that ja_handle_can_write().
 */
void
ja_handle_write_code(int32 key_number, JaString input, char *code)
{
	static const char label[] = "jwt_auth one-time code";
	const JaStoredKey *key;
	StringInfoData labelled;
	uint8		mac[JA_MAX_SIGNATURE];
	size_t		length;
	uint64		number;

	ja_check(ja_stored_key_numbered(JA_USE_HANDLE, key_number, &key));
	initStringInfo(&labelled);
	appendBinaryStringInfo(&labelled, label, sizeof(label));
	appendBinaryStringInfo(&labelled, input.data, (int) input.length);
	ja_check(ja_signature_make(key->key, key->key->algorithm,
							   (JaString) {labelled.data, labelled.len}, mac, &length));
	memcpy(&number, mac, sizeof(number));
	snprintf(code, JA_CODE_DIGITS + 1, "%08u", (uint32) (pg_ntoh64(number) % 100000000));
}
