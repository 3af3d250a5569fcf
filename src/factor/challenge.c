/*-------------------------------------------------------------------------
 *
 * challenge.c
 *	  Challenges that passkeys answer (WebAuthn Level 3 section 13.4.3), and nonces
 *	  that identity providers repeat (OpenID Connect Core section 15.5.2).
 *
 * A challenge is a handle that says what it is for: purpose (1 byte), session or
 * ticket (16), user handle (16), time (8), nonce (16).  No row waits for its answer, so that
 * anybody may ask for any number of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bswap.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/secret.h"
#include "factor/challenge.h"
#include "keyring/handle.h"

/* Places in the body. */
#define AT_OWNER		1
#define AT_USER_HANDLE	(AT_OWNER + UUID_LEN)
#define AT_TIME			(AT_USER_HANDLE + UUID_LEN)
#define AT_NONCE		(AT_TIME + (int) sizeof(int64))
#define NONCE_SIZE		16
#define BODY_SIZE		(AT_NONCE + NONCE_SIZE)

StaticAssertDecl(BODY_SIZE <= JA_HANDLE_MAX_BODY, "size of a challenge's body");

static int64
seconds_of(JaChallengePurpose purpose)
{
	return purpose == JA_CHALLENGE_EXTERNAL ? JA_NONCE_SECONDS : JA_CHALLENGE_SECONDS;
}

/* Makes a challenge, for a session or ticket and a new passkey unless these are NULL. */
JaString
ja_challenge_make(JaChallengePurpose purpose, const pg_uuid_t *owner,
				  const pg_uuid_t *user_handle)
{
	uint64		time = pg_hton64((uint64) GetCurrentTimestamp());
	uint8		body[BODY_SIZE] = {0};
	size_t		length = JA_HANDLE_RAW_LENGTH(BODY_SIZE);
	char	   *text = palloc0(length + 1);

	body[0] = (uint8) purpose;
	if (owner != NULL)
		memcpy(body + AT_OWNER, owner, UUID_LEN);
	if (user_handle != NULL)
		memcpy(body + AT_USER_HANDLE, user_handle, UUID_LEN);
	memcpy(body + AT_TIME, &time, sizeof(time));
	ja_check(ja_secret_random(body + AT_NONCE, NONCE_SIZE));
	ja_handle_write(JA_HANDLE_CHALLENGE, ja_handle_key_number(JA_HANDLE_CHALLENGE), body, text);
	return (JaString) {text, length};
}

/*
 * Reads a challenge of the purpose; false if it is none of ours, or has expired.
 * One from the future was made by a server whose clock is ahead.
 */
bool
ja_challenge_read(JaString text, JaChallengePurpose purpose, JaChallenge *challenge)
{
	const int64 lifetime = seconds_of(purpose) * USECS_PER_SEC;
	TimestampTz now = GetCurrentTimestamp();
	uint8		body[BODY_SIZE];
	int32		key_number;
	uint64		time;
	TimestampTz made_at;

	if (!ja_handle_read(JA_HANDLE_CHALLENGE, text, &key_number, body) ||
		body[0] != (uint8) purpose)
		return false;
	memcpy(&challenge->owner, body + AT_OWNER, UUID_LEN);
	memcpy(&challenge->user_handle, body + AT_USER_HANDLE, UUID_LEN);
	memcpy(&time, body + AT_TIME, sizeof(time));
	made_at = (TimestampTz) pg_ntoh64(time);
	challenge->expires_at = made_at + lifetime;
	return now < challenge->expires_at && made_at < now + lifetime;
}
