/*-------------------------------------------------------------------------
 *
 * cjose.c
 *	  Verifies the same tokens with cjose, as its callers do.
 *
 * usage: cjose ALG DIRECTORY VERIFY_CALLS
 *
 * The JWK is imported once. cjose does JWS only: the payload is decoded and
 * fetched, its JSON is not parsed.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include <cjose/cjose.h>

#include "tokens.h"

static void
verify(const char *token, const char *alg, const cjose_jwk_t *key)
{
	cjose_err	error;
	uint8_t    *payload;
	size_t		length;
	cjose_jws_t *jws = cjose_jws_import(token, strlen(token), &error);

	if (jws == NULL)
		fail("cjose_jws_import", alg);
	if (!cjose_jws_verify(jws, key, &error) ||
		!cjose_jws_get_plaintext(jws, &payload, &length, &error))
		fail("cjose_jws_verify", alg);
	cjose_jws_release(jws);
}

int
main(int argc, char **argv)
{
	Tokens		tokens;
	char	   *json;
	size_t		length;
	cjose_jwk_t *key;
	cjose_err	error;
	int			calls;
	double		start = 0;

	if (argc != 4)
		fail("usage: cjose ALG DIRECTORY VERIFY_CALLS", "-");
	calls = atoi(argv[3]);
	tokens = read_tokens(argv[2], argv[1], calls);
	json = read_file(argv[2], argv[1], "public.jwk", &length);
	key = cjose_jwk_import(json, length, &error);
	if (key == NULL)
		fail("cjose_jwk_import", argv[1]);

	for (int i = -calls / 10; i < calls; i++)
	{
		if (i == 0)
			start = now_microseconds();
		verify(tokens.token[abs(i) % tokens.count], argv[1], key);
	}
	print_sample("verify", argv[1], "cjose",
				 (now_microseconds() - start) / calls);
	return 0;
}
