/*-------------------------------------------------------------------------
 *
 * jwk.c
 *	  JSON Web Keys (RFC 7517): jsonb to key and back.
 *
 * The whole key is checked when it is read: type, curve, length, numbers,
 * what "use", "key_ops" and "alg" allow, and that a private half belongs to
 * its public one.  Whoever holds a JaKey need not ask again.  Keys are made
 * in the current memory context, which owns them also when reading fails.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "jose/base64url.h"
#include "jose/jwk.h"
#include "jose/key_member.h"

/* Most values of "key_ops"; eight are registered (RFC 7517 section 8.3.2). */
#define MAX_OPERATIONS 64

/* Finds a member that should be a string; data NULL where it is null or missing. */
static JaStatus
find_optional(const JsonbContainer *jwk, const char *name, JaString *string)
{
	JsonbValue	value;

	*string = (JaString) {NULL, 0};
	if (!ja_json_member(jwk, name, &value) || value.type == jbvNull)
		return JA_OK;
	if (value.type != jbvString)
		return JA_KEY_MEMBER;
	*string = ja_json_text(&value);
	return JA_OK;
}

/* RFC 7517 section 4.2: only "sig" is for signatures. */
static JaStatus
read_use(JaKey *key, const JsonbContainer *jwk)
{
	JaString	use;
	JaStatus	status = find_optional(jwk, "use", &use);

	if (status != JA_OK || use.data == NULL)
		return status;
	key->has_use = true;
	return ja_string_is(use, "sig") ? JA_OK : JA_KEY_USE;
}

/*
 * Collects what the array "key_ops" allows (RFC 7517 section 4.3), which holds
 * no value twice.  Values other than sign and verify are for other things, and
 * allow nothing here.
 */
static JaStatus
read_operations(JaKey *key, const JsonbContainer *jwk)
{
	JsonbValue	value;
	JsonbContainer *array;

	if (!ja_json_member(jwk, "key_ops", &value) || value.type == jbvNull)
		return JA_OK;
	array = ja_json_array(&value);
	if (array == NULL || JsonContainerSize(array) > MAX_OPERATIONS)
		return JA_KEY_MEMBER;
	key->has_operations = true;
	key->operations = 0;
	for (uint32 i = 0; i < JsonContainerSize(array); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);
		JaString	name;

		if (element->type != jbvString)
			return JA_KEY_MEMBER;
		name = ja_json_text(element);
		if (ja_json_array_find(array, name) < (int) i)
			return JA_KEY_MEMBER;
		if (ja_string_is(name, "sign"))
			key->operations |= JA_MAY_SIGN;
		else if (ja_string_is(name, "verify"))
			key->operations |= JA_MAY_VERIFY;
	}
	return key->operations != 0 ? JA_OK : JA_KEY_OPERATION;
}

/* A kid is 1 to JA_MAX_KID bytes. */
JaStatus
ja_jwk_check_kid(JaString kid)
{
	return kid.length >= 1 && kid.length <= JA_MAX_KID ? JA_OK : JA_KEY_KID;
}

static JaStatus
read_kid(JaKey *key, const JsonbContainer *jwk)
{
	JaString	kid;
	JaPresence	presence = ja_json_string(jwk, "kid", &kid);

	if (presence == JA_ABSENT)
		return JA_OK;
	if (presence == JA_MISTYPED || ja_jwk_check_kid(kid) != JA_OK)
		return JA_KEY_KID;
	ja_key_set_kid(key, kid);
	return JA_OK;
}

/* The algorithm of a member "alg"; NULL without one. */
static JaStatus
read_algorithm(const JsonbContainer *jwk, const JaAlgorithm **algorithm)
{
	JaString	name;
	JaStatus	status = find_optional(jwk, "alg", &name);

	*algorithm = NULL;
	if (status != JA_OK || name.data == NULL)
		return status;
	*algorithm = ja_algorithm_find(name);
	return *algorithm != NULL ? JA_OK : JA_KEY_ALGORITHM_UNKNOWN;
}

/*
 * Reads the members into a key of the type.  Whether the key is for signatures
 * is read before its numbers, which need not fit any rule of ours if it is not.
 */
static JaStatus
read_jwk_members(JaKey *key, const JsonbContainer *jwk)
{
	const JaAlgorithm *algorithm;
	JaStatus	status = read_use(key, jwk);

	if (status != JA_OK)
		return status;
	status = read_operations(key, jwk);
	if (status != JA_OK)
		return status;
	status = read_algorithm(jwk, &algorithm);
	if (status != JA_OK)
		return status;
	status = read_kid(key, jwk);
	if (status != JA_OK)
		return status;
	status = key->type->read(key, jwk);
	if (status != JA_OK)
		return status;
	if (algorithm != NULL)
	{
		status = ja_key_bind(key, algorithm);
		if (status != JA_OK)
			return status;
	}
	if (key->is_private && key->pkey != NULL && !key->is_trusted)
		return ja_key_check_pair(key);
	return JA_OK;
}

static JaStatus
read_jwk(const JsonbContainer *jwk, bool is_trusted, JaKey **key)
{
	const JaKeyType *type;
	JaKey	   *read;
	JaString	kty;
	JaStatus	status;

	if (!ja_json_is_object(jwk) || ja_json_string(jwk, "kty", &kty) != JA_PRESENT)
		return JA_KEY_NOT_OBJECT;
	type = ja_key_type_find(kty);
	if (type == NULL)
		return JA_KEY_TYPE;
	read = ja_key_create(type);
	read->is_trusted = is_trusted;
	ERR_clear_error();
	status = read_jwk_members(read, jwk);
	ERR_clear_error();
	if (status != JA_OK)
		return status;
	*key = read;
	return JA_OK;
}

/* Reads a JWK.  Fails with JA_KEY_..., JA_CRYPTO or JA_MEMORY. */
JaStatus
ja_jwk_read(const JsonbContainer *jwk, JaKey **key)
{
	return read_jwk(jwk, false, key);
}

/*
 * The same for a JWK of our own, whose halves need not be compared again:
 * for RSA that takes as long as dozens of signatures.
 */
JaStatus
ja_jwk_read_trusted(const JsonbContainer *jwk, JaKey **key)
{
	return read_jwk(jwk, true, key);
}

static void
write_operations(const JaKey *key, bool with_private, JaJsonState *jwk)
{
	int			operations = key->operations;
	JsonbValue	value;

	/* The public half of a signing key verifies. */
	if (!with_private)
		operations = JA_MAY_VERIFY;
	value.type = jbvString;
	value.val.string.val = "key_ops";
	value.val.string.len = 7;
	ja_json_push(jwk, WJB_KEY, &value);
	ja_json_push(jwk, WJB_BEGIN_ARRAY, NULL);
	if (operations & JA_MAY_SIGN)
	{
		value.val.string.val = "sign";
		value.val.string.len = 4;
		ja_json_push(jwk, WJB_ELEM, &value);
	}
	if (operations & JA_MAY_VERIFY)
	{
		value.val.string.val = "verify";
		value.val.string.len = 6;
		ja_json_push(jwk, WJB_ELEM, &value);
	}
	ja_json_push(jwk, WJB_END_ARRAY, NULL);
}

/* Writes kty, kid, alg, use and key_ops as far as the key has them. */
static void
write_parameters(const JaKey *key, bool with_private, JaJsonState *jwk)
{
	ja_json_add_string(jwk, "kty", key->type->name, strlen(key->type->name));
	if (key->kid.data != NULL)
		ja_json_add_string(jwk, "kid", key->kid.data, key->kid.length);
	if (key->algorithm != NULL)
		ja_json_add_string(jwk, "alg", key->algorithm->name, strlen(key->algorithm->name));
	if (key->has_use)
		ja_json_add_string(jwk, "use", "sig", 3);
	if (key->has_operations)
		write_operations(key, with_private, jwk);
}

/*
 * Writes the key as JWK, its private members only if asked for.  Fails with
 * JA_KEY_NO_PUBLIC for the public half of a secret, and JA_KEY_NOT_PRIVATE.
 */
JaStatus
ja_jwk_write(const JaKey *key, bool with_private, Jsonb **jwk)
{
	JaJsonState state = {0};
	JaStatus	status;

	if (with_private && !key->is_private)
		return JA_KEY_NOT_PRIVATE;
	ja_json_push(&state, WJB_BEGIN_OBJECT, NULL);
	write_parameters(key, with_private, &state);
	status = key->type->write(key, with_private, &state);
	if (status != JA_OK)
		return status;
	*jwk = ja_json_end_object(&state);
	return JA_OK;
}

/* Appends the required members in their order, without white space. */
static JaStatus
write_required(const JsonbContainer *jwk, const char *const *required, StringInfo out)
{
	char		separator = '{';

	for (; *required != NULL; required++)
	{
		JaString	value;

		if (ja_json_string(jwk, *required, &value) != JA_PRESENT)
			return JA_KEY_MEMBER;
		appendStringInfoChar(out, separator);
		ja_json_write_string(out, *required, strlen(*required));
		appendStringInfoChar(out, ':');
		ja_json_write_string(out, value.data, value.length);
		separator = ',';
	}
	appendStringInfoChar(out, '}');
	return JA_OK;
}

/*
 * The SHA-256 thumbprint of the required members (RFC 7638), as
 * JA_THUMBPRINT_LENGTH characters.
 */
JaStatus
ja_jwk_thumbprint(const JaKey *key, char *thumbprint)
{
	uint8		digest[32];
	StringInfoData json;
	Jsonb	   *jwk;
	JaStatus	status = ja_jwk_write(key, key->type->kind == JA_OCT, &jwk);

	if (status != JA_OK)
		return status;
	initStringInfo(&json);
	status = write_required(&jwk->root, key->type->required, &json);
	if (status == JA_OK)
		status = ja_digest_compute(JA_SHA256, json.data, json.len, digest);
	if (status == JA_OK)
		ja_base64url_encode(digest, sizeof(digest), thumbprint);
	OPENSSL_cleanse(json.data, json.len);
	OPENSSL_cleanse(jwk, VARSIZE(jwk));
	return status;
}
