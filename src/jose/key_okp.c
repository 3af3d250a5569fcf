/*-------------------------------------------------------------------------
 *
 * key_okp.c
 *	  Ed25519 and Ed448 keys: JWKs of type "OKP" (RFC 8037).
 *
 * OpenSSL 3.0 accepts public keys of small order, for which signatures exist
 * that fit any message, and y coordinates that are not below the field's
 * prime, with which one key has two names; both are refused here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "jose/key.h"
#include "jose/key_member.h"

#define MAX_OKP_KEY 57

static const JaCurve curves[] = {
	{"Ed25519", "ED25519", 32, 32, 64},
	{"Ed448", "ED448", 57, 57, 114},
};

static const char *const openssl_names[] = {"ED25519", "ED448", NULL};
static const char *const required[] = {"crv", "kty", "x", NULL};

/* The primes of the fields, little-endian without their leading bytes. */
#define ED25519_PRIME_FIRST 0xED	/* 2^255 - 19 */
#define ED448_MIDDLE_BYTE	28	/* 2^448 - 2^224 - 1 */

/* The y coordinates of the points of order 8 of Ed25519, little-endian. */
static const uint8 ed25519_order_8[2][32] = {
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
		0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
	0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
		0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
	0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}
};

static bool
all_bytes_are(const uint8 *bytes, size_t length, uint8 value)
{
	for (size_t i = 0; i < length; i++)
	{
		if (bytes[i] != value)
			return false;
	}
	return true;
}

/* True for y = 0 and y = 1, whose points have order 4, 1 or 2. */
static bool
is_zero_or_one(const uint8 *y, size_t length)
{
	return y[0] <= 1 && all_bytes_are(y + 1, length - 1, 0);
}

/*
 * A key of Ed25519 is y with the sign of x in the top bit.  Refuses y >= p,
 * and y of p - 1, 0, 1 and of order 8, which are all the points of order up
 * to 8.
 */
static bool
ed25519_is_sound(const uint8 *x)
{
	uint8		y[32];

	memcpy(y, x, sizeof(y));
	y[31] &= 0x7F;
	if (y[31] == 0x7F && all_bytes_are(y + 1, 30, 0xFF) && y[0] >= ED25519_PRIME_FIRST - 1)
		return false;
	if (is_zero_or_one(y, sizeof(y)))
		return false;
	for (size_t i = 0; i < lengthof(ed25519_order_8); i++)
	{
		if (CRYPTO_memcmp(y, ed25519_order_8[i], sizeof(y)) == 0)
			return false;
	}
	return true;
}

/*
 * A key of Ed448 is y in 56 bytes and the sign of x in the top bit of byte
 * 57.  Refuses y >= p, and y of p - 1, 0 and 1, which are all the points of
 * order up to 4.
 */
static bool
ed448_is_sound(const uint8 *x)
{
	const size_t size = 56;

	if ((x[size] & 0x7F) != 0 || is_zero_or_one(x, size))
		return false;
	if (!all_bytes_are(x + ED448_MIDDLE_BYTE + 1, size - ED448_MIDDLE_BYTE - 1, 0xFF) ||
		x[ED448_MIDDLE_BYTE] < 0xFE)
		return true;
	if (x[ED448_MIDDLE_BYTE] == 0xFF)
		return false;
	return !(all_bytes_are(x + 1, ED448_MIDDLE_BYTE - 1, 0xFF) && x[0] >= 0xFE);
}

static JaStatus
check_public(const JaKey *key)
{
	uint8		x[MAX_OKP_KEY];
	size_t		length = sizeof(x);
	bool		sound;

	if (EVP_PKEY_get_raw_public_key(key->pkey, x, &length) != 1 ||
		length != key->curve->coordinate_size)
		return JA_KEY_INVALID;
	sound = key->curve == &curves[0] ? ed25519_is_sound(x) : ed448_is_sound(x);
	return sound ? JA_OK : JA_KEY_WEAK_POINT;
}

static JaStatus
read_curve(JaKey *key, const JsonbContainer *jwk)
{
	JaString	name;

	if (ja_json_string(jwk, "crv", &name) != JA_PRESENT)
		return JA_KEY_MEMBER;
	for (size_t i = 0; i < lengthof(curves); i++)
	{
		if (ja_string_is(name, curves[i].name))
			key->curve = &curves[i];
	}
	return key->curve != NULL ? JA_OK : JA_KEY_CURVE;
}

/* Makes the key of its private half, whose public half must be x. */
static JaStatus
read_private(JaKey *key, const JsonbContainer *jwk, const uint8 *x)
{
	const JaCurve *curve = key->curve;
	uint8		d[MAX_OKP_KEY];
	uint8		own_x[MAX_OKP_KEY];
	size_t		length = sizeof(own_x);
	JaStatus	status = ja_member_exact(jwk, "d", d, curve->private_size);

	if (status == JA_OK)
		key->pkey = EVP_PKEY_new_raw_private_key_ex(NULL, curve->openssl_name, NULL,
													d, curve->private_size);
	OPENSSL_cleanse(d, sizeof(d));
	if (status != JA_OK)
		return status;
	if (key->pkey == NULL ||
		EVP_PKEY_get_raw_public_key(key->pkey, own_x, &length) != 1)
		return JA_KEY_INVALID;
	return CRYPTO_memcmp(own_x, x, curve->coordinate_size) == 0 ? JA_OK : JA_KEY_PAIR;
}

static JaStatus
okp_read(JaKey *key, const JsonbContainer *jwk)
{
	uint8		x[MAX_OKP_KEY];
	JaStatus	status = read_curve(key, jwk);

	if (status == JA_OK)
		status = ja_member_exact(jwk, "x", x, key->curve->coordinate_size);
	if (status != JA_OK)
		return status;
	key->is_private = ja_member_exists(jwk, "d");
	if (key->is_private)
		status = read_private(key, jwk, x);
	else
	{
		key->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, key->curve->openssl_name, NULL,
												   x, key->curve->coordinate_size);
		status = key->pkey != NULL ? JA_OK : JA_KEY_INVALID;
	}
	return status == JA_OK ? check_public(key) : status;
}

static JaStatus
okp_adopt(JaKey *key)
{
	for (size_t i = 0; i < lengthof(curves); i++)
	{
		if (EVP_PKEY_is_a(key->pkey, curves[i].openssl_name))
			key->curve = &curves[i];
	}
	return key->curve != NULL ? check_public(key) : JA_KEY_CURVE;
}

static JaStatus
okp_write(const JaKey *key, bool with_private, JsonbParseState **jwk)
{
	uint8		octets[MAX_OKP_KEY];
	size_t		length = sizeof(octets);

	ja_json_add_string(jwk, "crv", key->curve->name, strlen(key->curve->name));
	if (EVP_PKEY_get_raw_public_key(key->pkey, octets, &length) != 1)
		return JA_KEY_INVALID;
	ja_member_add_octets(jwk, "x", octets, length);
	if (!with_private)
		return JA_OK;
	length = sizeof(octets);
	if (EVP_PKEY_get_raw_private_key(key->pkey, octets, &length) != 1)
		return JA_KEY_INVALID;
	ja_member_add_octets(jwk, "d", octets, length);
	OPENSSL_cleanse(octets, sizeof(octets));
	return JA_OK;
}

/* "EdDSA" alone means Ed25519, the curve that every verifier has. */
static JaStatus
okp_generate(JaKey *key, const JaAlgorithm *algorithm)
{
	key->curve = &curves[0];
	if (algorithm->curve != NULL && strcmp(algorithm->curve, curves[1].name) == 0)
		key->curve = &curves[1];
	key->is_private = true;
	key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, key->curve->openssl_name);
	return key->pkey != NULL ? JA_OK : JA_CRYPTO;
}

const JaKeyType ja_key_type_okp = {
	"OKP", JA_OKP, openssl_names, required, okp_read, okp_adopt, okp_write, okp_generate
};
