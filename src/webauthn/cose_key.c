/*-------------------------------------------------------------------------
 *
 * cose_key.c
 *	  Reads the public key of a credential (RFC 9052 section 7, RFC 9053,
 *	  WebAuthn Level 3 sections 5.8.5 and 6.5.1.1).
 *
 * The map is written as a JWK, which jwk.c checks as any other: lengths, point
 * on its curve, size of an RSA modulus.  What is not in the table is refused:
 * an unknown algorithm, a curve that is not the algorithm's, a parameter that
 * WebAuthn does not provide for, and one that comes twice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "jose/jwk.h"
#include "jose/key_member.h"
#include "webauthn/cbor.h"
#include "webauthn/cose_key.h"

/* Labels (RFC 9052 section 7.1); those of a key type follow from -1 downwards. */
#define LABEL_KTY 1
#define LABEL_ALG 3
#define LABEL_CRV (-1)

/* Labels of a key type: -1 to -3. */
#define MAX_PARAMETERS 3

typedef struct CoseType
{
	int64		kty;
	const char *name;			/* "kty" of the JWK */
	bool		has_curve;		/* -1 is the curve */
	const char *members[MAX_PARAMETERS];	/* of the JWK, for -1, -2, -3 */
	int			count;			/* of parameters, with the curve */
} CoseType;

static const CoseType okp = {1, "OKP", true, {NULL, "x"}, 2};
static const CoseType ec2 = {2, "EC", true, {NULL, "x", "y"}, 3};
static const CoseType rsa = {3, "RSA", false, {"n", "e"}, 2};
static const CoseType akp = {7, "AKP", false, {"pub"}, 1};

typedef struct CoseAlgorithm
{
	int64		number;			/* IANA, COSE Algorithms */
	const char *name;			/* "alg" of the JWK */
	const CoseType *type;
	int64		crv;			/* IANA, COSE Elliptic Curves */
	const char *curve;			/* "crv" of the JWK */
} CoseAlgorithm;

static const CoseAlgorithm algorithms[] = {
	{-7, "ES256", &ec2, 1, "P-256"},
	{-35, "ES384", &ec2, 2, "P-384"},
	{-36, "ES512", &ec2, 3, "P-521"},
	{-47, "ES256K", &ec2, 8, "secp256k1"},
	{-8, "EdDSA", &okp, 6, "Ed25519"},
	{-19, "Ed25519", &okp, 6, "Ed25519"},
	{-53, "Ed448", &okp, 7, "Ed448"},
	{-257, "RS256", &rsa, 0, NULL},
	{-258, "RS384", &rsa, 0, NULL},
	{-259, "RS512", &rsa, 0, NULL},
	{-37, "PS256", &rsa, 0, NULL},
	{-38, "PS384", &rsa, 0, NULL},
	{-39, "PS512", &rsa, 0, NULL},
	{-48, "ML-DSA-44", &akp, 0, NULL},
	{-49, "ML-DSA-65", &akp, 0, NULL},
	{-50, "ML-DSA-87", &akp, 0, NULL},
};

/* A map by its labels. */
typedef struct CoseKey
{
	bool		has_kty;
	bool		has_alg;
	int64		kty;
	int64		alg;
	int			count;			/* of parameters */
	bool		has[MAX_PARAMETERS];
	JaCborItem	parameters[MAX_PARAMETERS];
} CoseKey;

/* Keeps a parameter whose label was not there yet. */
static bool
keep_parameter(CoseKey *key, int64 label, const JaCborItem *value)
{
	if (label == LABEL_KTY && !key->has_kty)
	{
		key->has_kty = true;
		return ja_cbor_integer(value, &key->kty);
	}
	if (label == LABEL_ALG && !key->has_alg)
	{
		key->has_alg = true;
		return ja_cbor_integer(value, &key->alg);
	}
	if (label < -MAX_PARAMETERS || label > LABEL_CRV || key->has[-1 - label])
		return false;
	key->has[-1 - label] = true;
	key->parameters[-1 - label] = *value;
	key->count++;
	return true;
}

/* Reads a map of integers to scalars, which is all that there is. */
static bool
read_map(JaString bytes, CoseKey *key)
{
	JaCbor		rest = {(const uint8 *) bytes.data, (const uint8 *) bytes.data + bytes.length};
	uint64		pairs;

	if (!ja_cbor_read_map(&rest, &pairs))
		return false;
	for (; pairs > 0; pairs--)
	{
		JaCborItem	item;
		JaCborItem	value;
		int64		label;

		if (!ja_cbor_read(&rest, &item) || !ja_cbor_integer(&item, &label) ||
			!ja_cbor_read(&rest, &value) || !keep_parameter(key, label, &value))
			return false;
	}
	return key->has_kty && key->has_alg && rest.next == rest.end;
}

static const CoseAlgorithm *
find_algorithm(int64 number)
{
	for (size_t i = 0; i < lengthof(algorithms); i++)
	{
		if (algorithms[i].number == number)
			return &algorithms[i];
	}
	return NULL;
}

/* Whether the parameters are those of the algorithm, and of the right kinds. */
static bool
fits_algorithm(const CoseKey *key, const CoseAlgorithm *algorithm)
{
	const CoseType *type = algorithm->type;

	if (key->kty != type->kty || key->count != type->count)
		return false;
	for (int i = 0; i < type->count; i++)
	{
		int64		curve;

		if (!key->has[i])
			return false;
		if (type->members[i] != NULL && key->parameters[i].kind != JA_CBOR_BYTES)
			return false;
		if (type->members[i] == NULL &&
			!(ja_cbor_integer(&key->parameters[i], &curve) && curve == algorithm->crv))
			return false;
	}
	return true;
}

static Jsonb *
write_jwk(const CoseKey *key, const CoseAlgorithm *algorithm)
{
	const CoseType *type = algorithm->type;
	JaJsonState jwk = {0};

	ja_json_push(&jwk, WJB_BEGIN_OBJECT, NULL);
	ja_json_add_string(&jwk, "kty", type->name, strlen(type->name));
	ja_json_add_string(&jwk, "alg", algorithm->name, strlen(algorithm->name));
	if (type->has_curve)
		ja_json_add_string(&jwk, "crv", algorithm->curve, strlen(algorithm->curve));
	for (int i = 0; i < type->count; i++)
	{
		if (type->members[i] != NULL)
			ja_member_add_octets(&jwk, type->members[i],
								 (const uint8 *) key->parameters[i].string.data,
								 key->parameters[i].string.length);
	}
	return ja_json_end_object(&jwk);
}

/*
 * Reads a key in the current memory context, which owns it.  Fails with
 * JA_PASSKEY_ALGORITHM for one that is unknown or not available, else with
 * JA_PASSKEY_KEY, JA_CRYPTO or JA_MEMORY.
 */
JaStatus
ja_cose_key_read(JaString bytes, JaKey **key)
{
	CoseKey		map = {0};
	const CoseAlgorithm *algorithm;
	JaString	name;
	JaStatus	status;

	if (!read_map(bytes, &map))
		return JA_PASSKEY_KEY;
	algorithm = find_algorithm(map.alg);
	if (algorithm == NULL)
		return JA_PASSKEY_ALGORITHM;
	name = (JaString) {algorithm->name, strlen(algorithm->name)};
	if (ja_algorithm_available(ja_algorithm_find(name)) != JA_OK)
		return JA_PASSKEY_ALGORITHM;
	if (!fits_algorithm(&map, algorithm))
		return JA_PASSKEY_KEY;
	status = ja_jwk_read(&write_jwk(&map, algorithm)->root, key);
	if (status == JA_OK || status == JA_CRYPTO || status == JA_MEMORY)
		return status;
	return JA_PASSKEY_KEY;
}

/* The number of the algorithm of this name in COSE; 0 if authenticators know none. */
int64
ja_cose_number(const char *name)
{
	for (size_t i = 0; i < lengthof(algorithms); i++)
	{
		if (strcmp(algorithms[i].name, name) == 0)
			return algorithms[i].number;
	}
	return 0;
}

/* Whether authenticators can have keys for the algorithm. */
bool
ja_cose_has_algorithm(const JaAlgorithm *algorithm)
{
	return ja_cose_number(algorithm->name) != 0;
}
