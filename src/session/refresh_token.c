/*-------------------------------------------------------------------------
 *
 * refresh_token.c
 *	  Refresh tokens: "jar_" and base64url of version (1 byte), refresh-key
 *	  number (4), session id (16), generation (8), nonce (16), and an
 *	  HMAC-SHA256 over a constant label and all of those (32).
 *
 * An attacker controls the text.  The MAC is checked before any table but
 * that of keys is read, so that a made-up token costs us one hash.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bswap.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "jose/base64url.h"
#include "jose/signature.h"
#include "keyring/key_change.h"
#include "keyring/stored_key.h"
#include "session/refresh_token.h"

static const char prefix[] = "jar_";

#define PREFIX_LENGTH	(sizeof(prefix) - 1)

static const char label[] = "jwt_auth refresh token";

#define VERSION 1
#define BODY_SIZE	45
#define MAC_SIZE	32

/* What the MAC is made of, and then the MAC. */
typedef struct Wire
{
	char		label[sizeof(label)];
	uint8		body[BODY_SIZE];
	uint8		mac[MAC_SIZE];
} Wire;

StaticAssertDecl(PREFIX_LENGTH + JA_BASE64URL_ENCODED(BODY_SIZE + MAC_SIZE) ==
				 JA_REFRESH_TOKEN_LENGTH, "length of refresh tokens");

static void
pack(const JaRefreshToken *token, uint8 *body)
{
	uint32		number = pg_hton32((uint32) token->key_number);
	uint64		generation = pg_hton64((uint64) token->generation);

	body[0] = VERSION;
	memcpy(body + 1, &number, 4);
	memcpy(body + 5, &token->session, UUID_LEN);
	memcpy(body + 21, &generation, 8);
	memcpy(body + 29, &token->nonce, UUID_LEN);
}

static void
unpack(const uint8 *body, JaRefreshToken *token)
{
	uint32		number;
	uint64		generation;

	memcpy(&number, body + 1, 4);
	memcpy(&token->session, body + 5, UUID_LEN);
	memcpy(&generation, body + 21, 8);
	memcpy(&token->nonce, body + 29, UUID_LEN);
	token->key_number = (int32) pg_ntoh32(number);
	token->generation = (int64) pg_ntoh64(generation);
}

/* Makes the MAC of label and body, which lie side by side. */
static JaStatus
make_mac(JaKey *key, const Wire *wire, uint8 *mac)
{
	const JaString input = {wire->label, sizeof(wire->label) + sizeof(wire->body)};
	size_t		length;

	return ja_signature_make(key, key->algorithm, input, mac, &length);
}

/* Whether the text claims to be a refresh token. */
bool
ja_refresh_token_is_one(JaString text)
{
	return text.length >= PREFIX_LENGTH && memcmp(text.data, prefix, PREFIX_LENGTH) == 0;
}

/* Decodes the text; false for what is no token of this version. */
static bool
decode(JaString text, Wire *wire)
{
	if (text.length != JA_REFRESH_TOKEN_LENGTH || !ja_refresh_token_is_one(text))
		return false;
	memcpy(wire->label, label, sizeof(label));
	return ja_base64url_decode(text.data + PREFIX_LENGTH, text.length - PREFIX_LENGTH,
							   wire->body) && wire->body[0] == VERSION;
}

/*
 * Reads a token; false if its form or MAC is wrong, or its key is not or no
 * longer one of ours.
 */
bool
ja_refresh_token_read(JaString text, JaRefreshToken *token)
{
	const JaStoredKey *key;
	Wire		wire;
	uint8		mac[JA_MAX_SIGNATURE];
	JaStatus	status;

	if (!decode(text, &wire))
		return false;
	unpack(wire.body, token);
	status = ja_stored_key_refresh(token->key_number, &key);
	if (status == JA_KEYRING_KID_UNKNOWN || status == JA_KEYRING_CANNOT_SIGN)
		return false;
	ja_check(status);
	switch (ja_stored_key_state(key, GetCurrentTimestamp()))
	{
		case JA_STATE_ACTIVE:
		case JA_STATE_RETIRING:
			ja_check(make_mac(key->key, &wire, mac));
			return ja_secret_equals(mac, MAC_SIZE, wire.mac, MAC_SIZE);
		case JA_STATE_NEXT:
		case JA_STATE_RETIRED:
		case JA_STATE_REVOKED:
			return false;
	}
	return false;
}

/*
 * Writes JA_REFRESH_TOKEN_LENGTH characters with the MAC of the key named.
 * Raises 40001 if that was revoked since the caller chose it.
 */
void
ja_refresh_token_write(const JaRefreshToken *token, char *text)
{
	const JaStoredKey *key;
	Wire		wire;
	uint8		mac[JA_MAX_SIGNATURE];

	memcpy(wire.label, label, sizeof(label));
	pack(token, wire.body);
	ja_check(ja_stored_key_refresh(token->key_number, &key));
	if (key->is_revoked)
		ja_key_change_raise_stale();
	ja_check(make_mac(key->key, &wire, mac));
	memcpy(wire.mac, mac, MAC_SIZE);
	memcpy(text, prefix, PREFIX_LENGTH);
	ja_base64url_encode(wire.body, BODY_SIZE + MAC_SIZE, text + PREFIX_LENGTH);
}
