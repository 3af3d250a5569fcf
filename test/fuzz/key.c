/*-------------------------------------------------------------------------
 *
 * key.c
 *	  What must hold of every key that was accepted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fuzz.h"
#include "jose/jwk.h"
#include "jose/pem.h"

static void
expect_same_key(const JaKey *a, const JaKey *b)
{
	char		a_thumbprint[JA_THUMBPRINT_LENGTH];
	char		b_thumbprint[JA_THUMBPRINT_LENGTH];

	FUZZ_EXPECT(ja_jwk_thumbprint(a, a_thumbprint) == JA_OK);
	FUZZ_EXPECT(ja_jwk_thumbprint(b, b_thumbprint) == JA_OK);
	FUZZ_EXPECT(memcmp(a_thumbprint, b_thumbprint, sizeof(a_thumbprint)) == 0);
}

/* Its JWK is the same key again. */
static void
check_jwk(const JaKey *key, bool with_private)
{
	Jsonb	   *jwk;
	JaKey	   *again;

	FUZZ_EXPECT(ja_jwk_write(key, with_private, &jwk) == JA_OK);
	FUZZ_EXPECT(ja_jwk_read(&jwk->root, &again) == JA_OK);
	FUZZ_EXPECT(again->is_private == with_private);
	FUZZ_EXPECT(again->algorithm == key->algorithm);
	FUZZ_EXPECT((again->kid.data == NULL) == (key->kid.data == NULL));
	FUZZ_EXPECT(key->kid.data == NULL || ja_string_equals(again->kid, key->kid));
	expect_same_key(key, again);
}

/* Its PEM, which only RSA without factors lacks, is the same key again. */
static void
check_pem(const JaKey *key)
{
	StringInfoData pem;
	JaKey	   *again;
	JaStatus	status;

	initStringInfo(&pem);
	status = ja_pem_write(key, &pem);
	if (status == JA_KEY_NO_FACTORS)
		return;
	FUZZ_EXPECT(status == JA_OK);
	FUZZ_EXPECT(ja_pem_read((JaString) {pem.data, pem.len},
							ja_key_signing_algorithm(key), &again) == JA_OK);
	FUZZ_EXPECT(again->is_private == key->is_private);
	expect_same_key(key, again);
}

void
fuzz_check_key(JaKey *key)
{
	Jsonb	   *jwk;

	FUZZ_EXPECT(ja_key_signing_algorithm(key) != NULL);
	if (key->is_private)
		check_jwk(key, true);
	else
		FUZZ_EXPECT(ja_jwk_write(key, true, &jwk) == JA_KEY_NOT_PRIVATE);
	if (key->type->kind == JA_OCT)
		FUZZ_EXPECT(ja_jwk_write(key, false, &jwk) == JA_KEY_NO_PUBLIC);
	else
	{
		check_jwk(key, false);
		check_pem(key);
	}
}
