/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *	  What a fuzz target is, and what it may use.
 *
 * A target gets bytes and hands them to one parser.  It runs in a memory
 * context that is reset after each input.  The parsers under test return
 * status codes, so an error that leaves a target ends the run as a crash.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "base/compat.h"
#include "jose/keyset.h"
#include "token/claims.h"

/* Key sets that stay the same from input to input. */
typedef struct FuzzKeys
{
	JaKeySet   *secrets;		/* the first is for HS256 and has no kid */
	JaKeySet   *public_keys;
} FuzzKeys;

typedef struct FuzzTarget
{
	const char *name;
	void		(*run) (const uint8 *data, size_t size, const FuzzKeys *keys);
} FuzzTarget;

extern void fuzz_attestation(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_base64url(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_client(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_cose(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_der(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_hash(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_json(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_jwk(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_name(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_pem(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_refresh(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_signed(const uint8 *data, size_t size, const FuzzKeys *keys);
extern void fuzz_token(const uint8 *data, size_t size, const FuzzKeys *keys);

extern Jsonb *fuzz_jsonb_in(const uint8 *data, size_t size);
extern bool fuzz_jsonb_equals(const Jsonb *a, const Jsonb *b);
extern bool fuzz_next_line(JaString *rest, JaString *line);
extern void fuzz_check_key(JaKey *key);
extern void fuzz_forget_header(void);
extern JaStatus fuzz_verify(JaString token, JaKeySet *set, const JaExpectation *expected);
JA_NORETURN extern void fuzz_fail(const char *file, int line, const char *what);

/* Ends the run as a crash unless what the target relies on holds. */
#define FUZZ_EXPECT(condition) \
	((condition) ? (void) 0 : fuzz_fail(__FILE__, __LINE__, #condition))

#endif							/* FUZZ_H */
