/*-------------------------------------------------------------------------
 *
 * key_ec.c
 *	  Elliptic curve keys (RFC 7518 section 6.2, RFC 8812 section 3.1).
 *
 * OpenSSL refuses a point that is not on its curve while it builds the key.
 * Coordinates and private numbers have the full size of the curve (RFC 7518
 * sections 6.2.1.2 and 6.2.2.1).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>

#include "jose/key.h"
#include "jose/key_member.h"

#define MAX_COORDINATE 66

static const JaCurve curves[] = {
	{"P-256", "prime256v1", 32, 32, 64},
	{"P-384", "secp384r1", 48, 48, 96},
	{"P-521", "secp521r1", 66, 66, 132},
	{"secp256k1", "secp256k1", 32, 32, 64},
};

static const char *const openssl_names[] = {"EC", NULL};
static const char *const required[] = {"crv", "kty", "x", "y", NULL};

static const JaCurve *
find_curve(JaString name)
{
	for (size_t i = 0; i < lengthof(curves); i++)
	{
		if (ja_string_is(name, curves[i].name))
			return &curves[i];
	}
	return NULL;
}

/* Reads the point in uncompressed form: 04, x, y (SEC 1 section 2.3.3). */
static JaStatus
read_point(const JaCurve *curve, const JsonbContainer *jwk, uint8 *point)
{
	JaStatus	status;

	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	status = ja_member_exact(jwk, "x", point + 1, curve->coordinate_size);
	if (status != JA_OK)
		return status;
	return ja_member_exact(jwk, "y", point + 1 + curve->coordinate_size,
						   curve->coordinate_size);
}

static JaStatus
read_ec_private(const JaCurve *curve, const JsonbContainer *jwk, BIGNUM **d)
{
	uint8		octets[MAX_COORDINATE];
	JaStatus	status = ja_member_exact(jwk, "d", octets, curve->private_size);

	if (status == JA_OK)
	{
		*d = BN_bin2bn(octets, (int) curve->private_size, NULL);
		if (*d == NULL)
			status = JA_MEMORY;
	}
	OPENSSL_cleanse(octets, sizeof(octets));
	return status;
}

static JaStatus
build_ec(const JaCurve *curve, const uint8 *point, const BIGNUM *d, EVP_PKEY **pkey)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	JaStatus	status = JA_KEY_INVALID;

	if (builder != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
										curve->openssl_name, 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point,
										 1 + 2 * curve->coordinate_size) == 1 &&
		(d == NULL || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1))
		status = ja_member_build_key("EC", d != NULL, builder, pkey);
	OSSL_PARAM_BLD_free(builder);
	return status;
}

static JaStatus
ec_read(JaKey *key, const JsonbContainer *jwk)
{
	uint8		point[1 + 2 * MAX_COORDINATE];
	BIGNUM	   *d = NULL;
	JaString	name;
	JaStatus	status;

	if (ja_json_string(jwk, "crv", &name) != JA_PRESENT)
		return JA_KEY_MEMBER;
	key->curve = find_curve(name);
	if (key->curve == NULL)
		return JA_KEY_CURVE;
	key->is_private = ja_member_exists(jwk, "d");
	status = read_point(key->curve, jwk, point);
	if (status == JA_OK && key->is_private)
		status = read_ec_private(key->curve, jwk, &d);
	if (status == JA_OK)
		status = build_ec(key->curve, point, d, &key->pkey);
	BN_clear_free(d);
	return status;
}

static JaStatus
ec_adopt(JaKey *key)
{
	char		group[64];
	size_t		length;

	if (EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), &length) != 1)
		return JA_KEY_CURVE;
	for (size_t i = 0; i < lengthof(curves); i++)
	{
		if (strcmp(group, curves[i].openssl_name) == 0)
			key->curve = &curves[i];
	}
	return key->curve != NULL ? JA_OK : JA_KEY_CURVE;
}

/* Adds one number, padded to the full size. */
static JaStatus
write_coordinate(const JaKey *key, const char *member, const char *parameter, size_t size,
				 JaJsonState *jwk)
{
	uint8		octets[MAX_COORDINATE];
	BIGNUM	   *value = NULL;
	bool		written;

	if (EVP_PKEY_get_bn_param(key->pkey, parameter, &value) != 1)
		return JA_KEY_INVALID;
	written = BN_bn2binpad(value, octets, (int) size) == (int) size;
	BN_clear_free(value);
	if (!written)
		return JA_KEY_INVALID;
	ja_member_add_octets(jwk, member, octets, size);
	OPENSSL_cleanse(octets, sizeof(octets));
	return JA_OK;
}

static JaStatus
ec_write(const JaKey *key, bool with_private, JaJsonState *jwk)
{
	const JaCurve *curve = key->curve;
	JaStatus	status;

	ja_json_add_string(jwk, "crv", curve->name, strlen(curve->name));
	status = write_coordinate(key, "x", OSSL_PKEY_PARAM_EC_PUB_X, curve->coordinate_size, jwk);
	if (status != JA_OK)
		return status;
	status = write_coordinate(key, "y", OSSL_PKEY_PARAM_EC_PUB_Y, curve->coordinate_size, jwk);
	if (status != JA_OK || !with_private)
		return status;
	return write_coordinate(key, "d", OSSL_PKEY_PARAM_PRIV_KEY, curve->private_size, jwk);
}

static JaStatus
ec_generate(JaKey *key, const JaAlgorithm *algorithm)
{
	JaString	name = {algorithm->curve, strlen(algorithm->curve)};

	key->curve = find_curve(name);
	key->is_private = true;
	key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", key->curve->openssl_name);
	return key->pkey != NULL ? JA_OK : JA_CRYPTO;
}

const JaKeyType ja_key_type_ec = {
	"EC", JA_EC, openssl_names, required, ec_read, ec_adopt, ec_write, ec_generate
};
