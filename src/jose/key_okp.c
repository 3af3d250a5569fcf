/*-------------------------------------------------------------------------
 *
 * key_okp.c
 *	  Ed25519 and Ed448 keys: JWKs of type "OKP" (RFC 8037).
 *
 * Public keys are checked beyond what OpenSSL does (edwards.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "jose/edwards.h"
#include "jose/key.h"
#include "jose/key_member.h"

#define MAX_OKP_KEY 57

static const JaCurve curves[] = {
	{"Ed25519", "ED25519", 32, 32, 64},
	{"Ed448", "ED448", 57, 57, 114},
};

static const char *const openssl_names[] = {"ED25519", "ED448", NULL};
static const char *const required[] = {"crv", "kty", "x", NULL};

static JaStatus
check_okp_public(const JaKey *key)
{
	uint8		x[MAX_OKP_KEY];
	size_t		length = sizeof(x);

	if (EVP_PKEY_get_raw_public_key(key->pkey, x, &length) != 1 ||
		length != key->curve->coordinate_size)
		return JA_KEY_INVALID;
	return ja_edwards_check(key->curve == &curves[0] ? &ja_edwards_25519 : &ja_edwards_448,
							x, length);
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
read_okp_private(JaKey *key, const JsonbContainer *jwk, const uint8 *x)
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

	if (status != JA_OK)
		return status;
	status = ja_member_exact(jwk, "x", x, key->curve->coordinate_size);
	if (status != JA_OK)
		return status;
	key->is_private = ja_member_exists(jwk, "d");
	if (key->is_private)
		status = read_okp_private(key, jwk, x);
	else
	{
		key->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, key->curve->openssl_name, NULL,
												   x, key->curve->coordinate_size);
		status = key->pkey != NULL ? JA_OK : JA_KEY_INVALID;
	}
	if (status != JA_OK)
		return status;
	return check_okp_public(key);
}

static JaStatus
okp_adopt(JaKey *key)
{
	for (size_t i = 0; i < lengthof(curves); i++)
	{
		if (EVP_PKEY_is_a(key->pkey, curves[i].openssl_name))
			key->curve = &curves[i];
	}
	return key->curve != NULL ? check_okp_public(key) : JA_KEY_CURVE;
}

static JaStatus
okp_write(const JaKey *key, bool with_private, JaJsonState *jwk)
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
