/*-------------------------------------------------------------------------
 *
 * base64url.c
 *	  Fuzz target for base64url: bytes and texts are one to one.
 *
 * Buffers come from malloc with their exact sizes, so that the address
 * sanitizer sees a single byte too many.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "jose/base64url.h"

/* What decodes is the one text of its bytes. */
static void
check_text(const char *text, size_t length)
{
	size_t		size = JA_BASE64URL_DECODED(length);
	uint8	   *bytes = malloc(size);
	char	   *again = malloc(length);

	if (ja_base64url_decode(text, length, bytes))
	{
		FUZZ_EXPECT(JA_BASE64URL_ENCODED(size) == length);
		FUZZ_EXPECT(ja_base64url_encode(bytes, size, again) == length);
		FUZZ_EXPECT(memcmp(again, text, length) == 0);
	}
	free(again);
	free(bytes);
}

/* Every string of bytes has a text, and comes back from it. */
static void
check_bytes(const uint8 *bytes, size_t size)
{
	size_t		length = JA_BASE64URL_ENCODED(size);
	char	   *text = malloc(length);
	uint8	   *again = malloc(size);

	FUZZ_EXPECT(JA_BASE64URL_DECODED(length) == size);
	FUZZ_EXPECT(ja_base64url_encode(bytes, size, text) == length);
	FUZZ_EXPECT(ja_base64url_decode(text, length, again));
	FUZZ_EXPECT(memcmp(again, bytes, size) == 0);
	free(again);
	free(text);
}

void
fuzz_base64url(const uint8 *data, size_t size,
			   const FuzzKeys *keys pg_attribute_unused())
{
	check_text((const char *) data, size);
	check_bytes(data, size);
}
