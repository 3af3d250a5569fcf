/*-------------------------------------------------------------------------
 *
 * tokens.c
 *	  What the measuring programs share: files in, one sample out.
 *
 * Memory lives until the program ends.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "tokens.h"

void
fail(const char *what, const char *alg)
{
	fprintf(stderr, "%s: %s failed\n", alg, what);
	exit(1);
}

static void *
allocate(size_t size)
{
	void	   *memory = malloc(size);

	if (memory == NULL)
		fail("malloc", "-");
	return memory;
}

char *
read_file(const char *directory, const char *alg, const char *suffix,
		  size_t *length)
{
	char		path[4096];
	FILE	   *file;
	long		size;
	char	   *content;

	snprintf(path, sizeof(path), "%s/%s.%s", directory, alg, suffix);
	file = fopen(path, "rb");
	if (file == NULL || fseek(file, 0, SEEK_END) != 0 ||
		(size = ftell(file)) < 0)
		fail(path, alg);
	rewind(file);
	content = allocate((size_t) size + 1);
	if (fread(content, 1, (size_t) size, file) != (size_t) size)
		fail(path, alg);
	fclose(file);
	content[size] = '\0';
	*length = (size_t) size;
	return content;
}

Tokens
read_tokens(const char *directory, const char *alg, int limit)
{
	size_t		length;
	char	   *content = read_file(directory, alg, "tokens", &length);
	char	   *position = NULL;
	char	   *line;
	Tokens		tokens = {0, allocate(sizeof(char *) * (size_t) limit)};

	for (line = strtok_r(content, "\n", &position);
		 line != NULL && tokens.count < limit;
		 line = strtok_r(NULL, "\n", &position))
		tokens.token[tokens.count++] = line;
	if (tokens.count == 0)
		fail("reading tokens", alg);
	return tokens;
}

unsigned char *
read_secret(const char *directory, const char *alg, size_t *length)
{
	size_t		hex_length;
	char	   *hex = read_file(directory, alg, "secret", &hex_length);
	unsigned char *secret;
	long		secret_length;

	hex[strcspn(hex, "\n")] = '\0';
	secret = OPENSSL_hexstr2buf(hex, &secret_length);
	if (secret == NULL)
		fail("reading the secret", alg);
	*length = (size_t) secret_length;
	return secret;
}

double
now_microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec * 1e6 + (double) now.tv_nsec / 1e3;
}

void
print_sample(const char *operation, const char *alg, const char *program,
			 double microseconds)
{
	printf("%s/%s/%s\t%.4f\n", operation, alg, program, microseconds);
}
