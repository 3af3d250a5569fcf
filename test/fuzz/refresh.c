/*-------------------------------------------------------------------------
 *
 * refresh.c
 *	  Fuzz target for refresh tokens, as they come over the wire and behind a
 *	  MAC that is right.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "session/refresh_token.h"
#include "fuzz.h"

/* The key that setup has made. */
#define KEY_NUMBER 1

/* Bytes of an input from which a token is made: its members, and a change. */
#define MADE_FROM (UUID_LEN + sizeof(int64) + UUID_LEN + 2)

static bool
reads(const char *text, JaRefreshToken *token)
{
	return ja_refresh_token_read((JaString) {text, JA_REFRESH_TOKEN_LENGTH}, token);
}

/* What is read is written to the same characters: there is one form of each. */
static void
check_text(JaString text)
{
	JaRefreshToken token;
	char		again[JA_REFRESH_TOKEN_LENGTH];

	if (!ja_refresh_token_read(text, &token))
		return;
	FUZZ_EXPECT(ja_refresh_token_is_one(text));
	ja_refresh_token_write(&token, again);
	FUZZ_EXPECT(text.length == sizeof(again) && memcmp(text.data, again, sizeof(again)) == 0);
}

/* A token is read to what was written, and never after a change. */
static void
check_made(const uint8 *data)
{
	JaRefreshToken token = {.key_number = KEY_NUMBER};
	JaRefreshToken again;
	char		text[JA_REFRESH_TOKEN_LENGTH];
	uint8		change = data[MADE_FROM - 1];

	memcpy(&token.session, data, UUID_LEN);
	memcpy(&token.generation, data + UUID_LEN, sizeof(int64));
	memcpy(&token.nonce, data + UUID_LEN + sizeof(int64), UUID_LEN);
	ja_refresh_token_write(&token, text);
	FUZZ_EXPECT(reads(text, &again));
	FUZZ_EXPECT(again.key_number == token.key_number &&
				again.generation == token.generation &&
				memcmp(&again.session, &token.session, UUID_LEN) == 0 &&
				memcmp(&again.nonce, &token.nonce, UUID_LEN) == 0);
	text[data[MADE_FROM - 2] % sizeof(text)] ^= change;
	FUZZ_EXPECT(reads(text, &again) == (change == 0));
}

void
fuzz_refresh(const uint8 *data, size_t size, const FuzzKeys *keys pg_attribute_unused())
{
	check_text((JaString) {(const char *) data, size});
	if (size >= MADE_FROM)
		check_made(data);
}
