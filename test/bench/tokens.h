/*-------------------------------------------------------------------------
 *
 * tokens.h
 *	  What the measuring programs share: files in, one sample out.
 *
 * The driver lays the key and the tokens of each algorithm in one directory;
 * every program reads the same files, so that all work on the same bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BENCH_TOKENS_H
#define BENCH_TOKENS_H

#include <stddef.h>

typedef struct Tokens
{
	int			count;
	char	  **token;			/* NUL-terminated, without line end */
} Tokens;

/* Whole content of DIRECTORY/ALG.SUFFIX, NUL-terminated; exits on failure. */
extern char *read_file(const char *directory, const char *alg,
					   const char *suffix, size_t *length);

/* The first "limit" lines of DIRECTORY/ALG.tokens. */
extern Tokens read_tokens(const char *directory, const char *alg, int limit);

/* The bytes of a secret that is stored in hexadecimal. */
extern unsigned char *read_secret(const char *directory, const char *alg,
								  size_t *length);

extern double now_microseconds(void);

/* One line "OPERATION/ALG/PROGRAM <tab> microseconds per call". */
extern void print_sample(const char *operation, const char *alg,
						 const char *program, double microseconds);

extern void fail(const char *what, const char *alg)
			__attribute__((noreturn));

#endif							/* BENCH_TOKENS_H */
