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
 * Verifies as the first token of a session, and again with its own header or
 * that of another remembered, which may not make a difference.
 */
JaStatus
fuzz_verify(JaString token, JaKeySet *set, const JaExpectation *expected)
{
	static const JaString other_header = {"eyJhbGciOiJIUzI1NiIsImtpZCI6ImsifQ", 34};
	Jsonb	   *claims = NULL;
	JaHeader	header;
	JaStatus	status;

	fuzz_forget_header();
	status = ja_verify_with_keys(token, set, expected, &claims);
	FUZZ_EXPECT((status == JA_OK) == (claims != NULL));
	FUZZ_EXPECT(ja_verify_with_keys(token, set, expected, &claims) == status);
	FUZZ_EXPECT(ja_jws_header(other_header, &header) == JA_OK);
	FUZZ_EXPECT(ja_verify_with_keys(token, set, expected, &claims) == status);
	return status;
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
	static const JaExpectation expected = {{"joe", 3}, {NULL, 0}};
	JaString	token = {(const char *) data, size};

	decode(token);
	(void) fuzz_verify(token, keys->secrets, &expected);
	(void) fuzz_verify(token, keys->public_keys, &expected);
}
