/*-------------------------------------------------------------------------
 *
 * libjwt.c
 *	  Verifies the same tokens with libjwt, as its callers do.
 *
 * usage: libjwt ALG DIRECTORY VERIFY_CALLS
 *
 * libjwt takes the key as bytes with every call, so that a PEM is parsed each
 * time. The claims are parsed, and their times checked.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jwt.h>

#include "tokens.h"

static void
verify(const char *token, const char *alg, const unsigned char *key,
	   size_t key_length)
{
	jwt_t	   *jwt = NULL;
	time_t		now = time(NULL);

	if (jwt_decode(&jwt, token, key, (int) key_length) != 0)
		fail("jwt_decode", alg);
	if (jwt_get_grant_int(jwt, "iat") > now ||
		jwt_get_grant_int(jwt, "exp") <= now)
		fail("checking the times", alg);
	jwt_free(jwt);
}

int
main(int argc, char **argv)
{
	Tokens		tokens;
	unsigned char *key;
	size_t		key_length;
	int			calls;
	double		start = 0;

	if (argc != 4)
		fail("usage: libjwt ALG DIRECTORY VERIFY_CALLS", "-");
	calls = atoi(argv[3]);
	tokens = read_tokens(argv[2], argv[1], calls);
	if (strncmp(argv[1], "HS", 2) == 0)
		key = read_secret(argv[2], argv[1], &key_length);
	else
		key = (unsigned char *) read_file(argv[2], argv[1], "public.pem",
										  &key_length);

	for (int i = -calls / 10; i < calls; i++)
	{
		if (i == 0)
			start = now_microseconds();
		verify(tokens.token[abs(i) % tokens.count], argv[1], key, key_length);
	}
	print_sample("verify", argv[1], "libjwt",
				 (now_microseconds() - start) / calls);
	return 0;
}
