/*-------------------------------------------------------------------------
 *
 * signed.c
 *	  Fuzz target for headers and claims behind a signature that is right.
 *
 * The input is a header in the first line, and the payload behind it; the
 * target signs both, so that mutations get past the check.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "jose/base64url.h"

static JaString
encode(JaString bytes)
{
	char	   *text = palloc(JA_BASE64URL_ENCODED(bytes.length));
	size_t		length = ja_base64url_encode((const uint8 *) bytes.data, bytes.length, text);

	return (JaString) {text, length};
}

static JaString
sign(JaString header, JaString payload, JaKey *key)
{
	static const JaString hs256 = {"HS256", 5};
	StringInfoData token;

	initStringInfo(&token);
	FUZZ_EXPECT(ja_jws_sign(key, ja_algorithm_find(hs256), encode(header),
							payload, &token) == JA_OK);
	return (JaString) {token.data, token.len};
}

/* Any other last character is refused, whatever the rest holds. */
static void
check_forgery(JaString token, JaKeySet *set, const JaExpectation *expected)
{
	char	   *forged = pnstrdup(token.data, token.length);
	char	   *last = &forged[token.length - 1];

	*last = *last == 'A' ? 'E' : 'A';
	FUZZ_EXPECT(fuzz_verify((JaString) {forged, token.length}, set, expected) != JA_OK);
}

/* What the audience decides, beside what all expectations share. */
static void
check_audience(JaString token, JaKeySet *set, JaStatus without)
{
	static const JaExpectation expected = {{NULL, 0}, {"a", 1}};
	JaStatus	with = fuzz_verify(token, set, &expected);

	FUZZ_EXPECT(with == without || with == JA_TOKEN_AUDIENCE);
}

void
fuzz_signed(const uint8 *data, size_t size, const FuzzKeys *keys)
{
	static const JaExpectation anything = {{NULL, 0}, {NULL, 0}};
	JaKeySet   *set = keys->secrets;
	JaString	payload = {(const char *) data, size};
	JaString	header;
	JaString	token;
	JaStatus	status;

	if (!fuzz_next_line(&payload, &header))
		return;
	token = sign(header, payload, set->keys[0]);
	status = fuzz_verify(token, set, &anything);
	FUZZ_EXPECT(status != JA_TOKEN_SEGMENTS && status != JA_TOKEN_BASE64URL);
	check_audience(token, set, status);
	check_forgery(token, set, &anything);
}
