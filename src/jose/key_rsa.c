/*-------------------------------------------------------------------------
 *
 * key_rsa.c
 *	  RSA keys (RFC 7518 section 6.3).
 *
 * OpenSSL 3.0 takes any modulus and exponent, also e = 1, with which every
 * signature is right; the numbers are checked here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include "jose/key_member.h"
#include "jose/key_rsa.h"
#include "jose/rsa_pss.h"

#define GENERATED_BITS 2048

typedef struct Number
{
	const char *member;
	const char *parameter;
} Number;

/* Places in the list of numbers, and of their values. */
enum
{
	N, E, D, P, Q, DP, DQ, QI
};

/* The public half is the first two, the least private half the first three. */
static const Number numbers[] = {
	[N] = {"n", OSSL_PKEY_PARAM_RSA_N},
	[E] = {"e", OSSL_PKEY_PARAM_RSA_E},
	[D] = {"d", OSSL_PKEY_PARAM_RSA_D},
	[P] = {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
	[Q] = {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
	[DP] = {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
	[DQ] = {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
	[QI] = {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

#define PUBLIC_NUMBERS	2
#define PRIVATE_NUMBERS 3

static const char *const openssl_names[] = {"RSA", "RSA-PSS", NULL};
static const char *const required[] = {"e", "kty", "n", NULL};

/* Reads one member into values[]; the caller clears them all. */
static JaStatus
read_number(const JsonbContainer *jwk, const char *member, BIGNUM **value)
{
	uint8		octets[JA_MAX_RSA_BITS / 8 + 1];
	size_t		length;
	JaStatus	status = ja_member_octets(jwk, member, octets, sizeof(octets), &length);

	if (status != JA_OK)
		return status;
	*value = BN_bin2bn(octets, (int) length, NULL);
	OPENSSL_cleanse(octets, length);
	return *value != NULL ? JA_OK : JA_MEMORY;
}

/*
 * How many of the numbers a JWK must hold: either all of the CRT members or
 * none (RFC 7518 section 6.3.2).
 */
static size_t
count_numbers(const JsonbContainer *jwk)
{
	if (!ja_member_exists(jwk, "d"))
		return PUBLIC_NUMBERS;
	for (size_t i = PRIVATE_NUMBERS; i < lengthof(numbers); i++)
	{
		if (ja_member_exists(jwk, numbers[i].member))
			return lengthof(numbers);
	}
	return PRIVATE_NUMBERS;
}

static JaStatus
check_public(const BIGNUM *n, const BIGNUM *e)
{
	int			bits = BN_num_bits(n);

	if (bits < JA_MIN_RSA_BITS || bits > JA_MAX_RSA_BITS)
		return JA_KEY_RSA_SIZE;
	if (!BN_is_odd(n))
		return JA_KEY_INVALID;
	if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > JA_MAX_RSA_EXPONENT_BITS)
		return JA_KEY_RSA_EXPONENT;
	return JA_OK;
}

static JaStatus
build(BIGNUM *const *values, size_t count, EVP_PKEY **pkey)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	JaStatus	status = builder != NULL ? JA_OK : JA_MEMORY;

	for (size_t i = 0; i < count && status == JA_OK; i++)
	{
		if (OSSL_PARAM_BLD_push_BN(builder, numbers[i].parameter, values[i]) != 1)
			status = JA_KEY_INVALID;
	}
	if (status == JA_OK)
		status = ja_member_build_key("RSA", count > PUBLIC_NUMBERS, builder, pkey);
	OSSL_PARAM_BLD_free(builder);
	return status;
}

/* Whether a * b = 1 modulo m. */
static bool
is_inverse(const BIGNUM *a, const BIGNUM *b, const BIGNUM *m, BIGNUM *scratch, BN_CTX *context)
{
	return BN_mod_mul(scratch, a, b, m, context) == 1 && BN_is_one(scratch);
}

/*
 * Whether the exponents fit one prime: e * d = 1 and e * d_prime = 1, modulo
 * prime - 1.
 */
static bool
exponents_fit(BIGNUM *const *values, const BIGNUM *prime, const BIGNUM *d_prime,
			  BIGNUM *scratch, BN_CTX *context)
{
	BIGNUM	   *order = BN_dup(prime);
	bool		fit;

	fit = order != NULL && BN_sub_word(order, 1) == 1 && !BN_is_zero(order) &&
		BN_cmp(d_prime, order) < 0 &&
		is_inverse(values[E], values[D], order, scratch, context) &&
		is_inverse(values[E], d_prime, order, scratch, context);
	BN_clear_free(order);
	return fit;
}

/*
 * Checks that the members of a private key belong together.  A signature
 * would not show it: OpenSSL mends a wrong CRT member with d, and never looks
 * at d otherwise.  That the primes are primes is not checked, since that
 * takes long; without it a signature does not verify.
 */
static JaStatus
check_private(BIGNUM *const *values)
{
	BN_CTX	   *context = BN_CTX_secure_new();
	BIGNUM	   *scratch = BN_new();
	bool		right;

	right = context != NULL && scratch != NULL &&
		BN_mul(scratch, values[P], values[Q], context) == 1 &&
		BN_cmp(scratch, values[N]) == 0 &&
		BN_num_bits(values[P]) > 1 && BN_num_bits(values[Q]) > 1 &&
		exponents_fit(values, values[P], values[DP], scratch, context) &&
		exponents_fit(values, values[Q], values[DQ], scratch, context) &&
		BN_cmp(values[QI], values[P]) < 0 &&
		is_inverse(values[QI], values[Q], values[P], scratch, context);
	BN_clear_free(scratch);
	BN_CTX_free(context);
	return right ? JA_OK : JA_KEY_PAIR;
}

static JaStatus
rsa_read(JaKey *key, const JsonbContainer *jwk)
{
	BIGNUM	   *values[lengthof(numbers)] = {NULL};
	size_t		count = count_numbers(jwk);
	JaStatus	status = JA_OK;

	if (ja_member_exists(jwk, "oth"))
		return JA_KEY_RSA_MULTIPRIME;
	for (size_t i = 0; i < count && status == JA_OK; i++)
		status = read_number(jwk, numbers[i].member, &values[i]);
	if (status == JA_OK)
		status = check_public(values[N], values[E]);
	if (status == JA_OK)
		status = build(values, count, &key->pkey);
	if (status == JA_OK && count == lengthof(numbers) && !key->is_trusted)
		status = check_private(values);
	for (size_t i = 0; i < count; i++)
		BN_clear_free(values[i]);
	key->is_private = count > PUBLIC_NUMBERS;
	return status;
}

/* Takes the numbers of a key that OpenSSL has read; the caller clears them. */
static bool
get_numbers(const JaKey *key, size_t count, BIGNUM **values)
{
	for (size_t i = 0; i < count; i++)
	{
		if (EVP_PKEY_get_bn_param(key->pkey, numbers[i].parameter, &values[i]) != 1)
			return false;
	}
	return true;
}

/* Puts a plain RSA key of the same numbers in the place of one for RSASSA-PSS. */
static JaStatus
replace_by_plain(JaKey *key, BIGNUM *const *values, size_t count)
{
	EVP_PKEY   *plain;
	JaStatus	status = build(values, count, &plain);

	if (status != JA_OK)
		return status;
	EVP_PKEY_free(key->pkey);
	key->pkey = plain;
	return JA_OK;
}

static JaStatus
rsa_adopt(JaKey *key)
{
	BIGNUM	   *values[lengthof(numbers)] = {NULL};
	size_t		count = key->is_private ? lengthof(numbers) : PUBLIC_NUMBERS;
	BIGNUM	   *third = NULL;
	JaStatus	status = JA_KEY_INVALID;

	if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_FACTOR3, &third) == 1)
	{
		BN_clear_free(third);
		return JA_KEY_RSA_MULTIPRIME;
	}
	if (get_numbers(key, count, values))
		status = check_public(values[N], values[E]);
	if (status == JA_OK && key->is_private)
		status = check_private(values);
	if (status == JA_OK && ja_rsa_pss_is(key->pkey))
		status = replace_by_plain(key, values, count);
	for (size_t i = 0; i < count; i++)
		BN_clear_free(values[i]);
	return status;
}

/* Adds one number in its shortest form (RFC 7518 section 2). */
static JaStatus
write_number(const JaKey *key, const Number *number, JaJsonState *jwk)
{
	uint8		octets[JA_MAX_RSA_BITS / 8];
	BIGNUM	   *value = NULL;
	int			length;

	if (EVP_PKEY_get_bn_param(key->pkey, number->parameter, &value) != 1)
		return JA_KEY_INVALID;
	length = BN_num_bytes(value);
	if (length <= (int) sizeof(octets))
		BN_bn2bin(value, octets);
	BN_clear_free(value);
	if (length > (int) sizeof(octets))
		return JA_KEY_INVALID;
	ja_member_add_octets(jwk, number->member, octets, length);
	OPENSSL_cleanse(octets, length);
	return JA_OK;
}

/* Whether a private key came with its primes and the rest of its CRT form. */
bool
ja_key_rsa_has_factors(const JaKey *key)
{
	BIGNUM	   *value = NULL;
	bool		found;

	found = EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &value) == 1;
	BN_clear_free(value);
	return found;
}

static JaStatus
rsa_write(const JaKey *key, bool with_private, JaJsonState *jwk)
{
	size_t		count = PUBLIC_NUMBERS;

	if (with_private)
		count = ja_key_rsa_has_factors(key) ? lengthof(numbers) : PRIVATE_NUMBERS;
	for (size_t i = 0; i < count; i++)
	{
		JaStatus	status = write_number(key, &numbers[i], jwk);

		if (status != JA_OK)
			return status;
	}
	return JA_OK;
}

static JaStatus
rsa_generate(JaKey *key, const JaAlgorithm *algorithm pg_attribute_unused())
{
	key->is_private = true;
	key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) GENERATED_BITS);
	return key->pkey != NULL ? JA_OK : JA_CRYPTO;
}

const JaKeyType ja_key_type_rsa = {
	"RSA", JA_RSA, openssl_names, required, rsa_read, rsa_adopt, rsa_write, rsa_generate
};
