/*-------------------------------------------------------------------------
 *
 * token.c
 *	  Fuzz target for whole tokens, as they come over the wire.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "token/verify.h"

/*
 * Verifies twice: with and without the header that the set remembers of the
 * first time, which may not make a difference.
 */
static void
verify(JaString token, JaKeySet *set)
{
	static const JaExpectation expected = {{"joe", 3}, {NULL, 0}};
	Jsonb	   *claims = NULL;
	JaStatus	first;

	set->header_length = 0;
	first = ja_verify_with_keys(token, set, &expected, &claims);
	FUZZ_EXPECT((first == JA_OK) == (claims != NULL));
	FUZZ_EXPECT(ja_verify_with_keys(token, set, &expected, &claims) == first);
}

/* Reads the segments without verifying anything, as jwt_decode() does. */
static void
decode(JaString token)
{
	JaCompact	compact;
	Jsonb	   *json;
	uint8	   *bytes;
	size_t		length;

	if (ja_jws_split(token, &compact) != JA_OK)
		return;
	(void) ja_jws_decode_json(compact.header, NULL, 0, &json);
	(void) ja_jws_decode_json(compact.payload, NULL, 0, &json);
	(void) ja_jws_decode_bytes(compact.signature, &bytes, &length);
}

void
fuzz_token(const uint8 *data, size_t size, const FuzzKeys *keys)
{
	JaString	token = {(const char *) data, size};

	decode(token);
	verify(token, keys->secrets);
	verify(token, keys->public_keys);
}
