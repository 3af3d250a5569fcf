/*-------------------------------------------------------------------------
 *
 * edwards.c
 *	  Whether a public key of EdDSA is a point that may be used.
 *
 * OpenSSL 3.0 accepts keys of small order, for which signatures exist that
 * fit any message; y coordinates that are not below the field's prime, with
 * which one key has two names; and, until it verifies with them, keys that
 * are no point at all.  All three are refused here, with OpenSSL's numbers.
 *
 * A key is y, little-endian, with the sign of x in its top bit (RFC 8032
 * sections 5.1.2 and 5.2.2).  Keys are public, so that nothing here is wiped
 * or of constant time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/bn.h>

#include "jose/edwards.h"

#define MAX_KEY 57
#define MAX_SMALL_ORDER 5

struct JaEdwards
{
	const char *prime;			/* hexadecimal */
	const char *d;				/* hexadecimal, may be negative */
	int			one;			/* x^2 = (y^2 - 1) / (d y^2 + one) */
	const char *small_order[MAX_SMALL_ORDER];	/* their y, NULL-terminated */
};

/* RFC 8032 section 5.1; order 1, 2, 4, and 8 twice. */
const JaEdwards ja_edwards_25519 = {
	"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
	"52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3",
	1,
	{
		"1",
		"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
		"0",
		"05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
		"7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"
	}
};

/* RFC 8032 section 5.2; order 1, 2 and 4. */
const JaEdwards ja_edwards_448 = {
	"fffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"-98a9",
	-1,
	{
		"1",
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffe",
		"0",
		NULL
	}
};

static bool
has_small_order(const JaEdwards *curve, const BIGNUM *y)
{
	BIGNUM	   *small = NULL;
	bool		found = false;

	for (int i = 0; i < MAX_SMALL_ORDER && curve->small_order[i] != NULL && !found; i++)
		found = BN_hex2bn(&small, curve->small_order[i]) == 0 || BN_cmp(small, y) == 0;
	BN_free(small);
	return found;
}

/* The quotient of two numbers is a square if their product is one. */
static bool
has_x(const JaEdwards *curve, const BIGNUM *y, const BIGNUM *prime)
{
	BN_CTX	   *scratch = BN_CTX_new();
	BIGNUM	   *above = BN_new();
	BIGNUM	   *below = NULL;
	bool		found = false;

	if (scratch != NULL && above != NULL && BN_hex2bn(&below, curve->d) != 0 &&
		BN_mod_sqr(above, y, prime, scratch) == 1 &&
		BN_mod_mul(below, below, above, prime, scratch) == 1 &&
		BN_sub_word(above, 1) == 1 &&
		(curve->one > 0 ? BN_add_word(below, 1) : BN_sub_word(below, 1)) == 1 &&
		BN_mod_mul(above, above, below, prime, scratch) == 1)
	{
		int			symbol = BN_kronecker(above, prime, scratch);

		found = symbol == 0 || symbol == 1;
	}
	BN_free(above);
	BN_free(below);
	BN_CTX_free(scratch);
	return found;
}

/* Fails with JA_KEY_WEAK_POINT, or JA_KEY_INVALID for what is no point. */
JaStatus
ja_edwards_check(const JaEdwards *curve, const uint8 *key, size_t length)
{
	uint8		y_bytes[MAX_KEY];
	BIGNUM	   *prime = NULL;
	BIGNUM	   *y;
	JaStatus	status = JA_OK;

	Assert(length <= sizeof(y_bytes));
	memcpy(y_bytes, key, length);
	y_bytes[length - 1] &= 0x7F;
	y = BN_lebin2bn(y_bytes, (int) length, NULL);
	if (y == NULL || BN_hex2bn(&prime, curve->prime) == 0)
		status = JA_MEMORY;
	else if (BN_cmp(y, prime) >= 0 || has_small_order(curve, y))
		status = JA_KEY_WEAK_POINT;
	else if (!has_x(curve, y, prime))
		status = JA_KEY_INVALID;
	BN_free(y);
	BN_free(prime);
	return status;
}
