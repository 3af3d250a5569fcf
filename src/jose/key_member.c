/*-------------------------------------------------------------------------
 *
 * key_member.c
 *	  Members of a JWK that hold octets or numbers (RFC 7518 section 6).
 *
 * Decoded octets go into buffers of the caller, who wipes private ones.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "jose/base64url.h"
#include "jose/key_member.h"

/*
 * Decodes a base64url member.  Fails with JA_KEY_MEMBER if it is missing, not
 * a string, empty, malformed or longer than the room.
 */
JaStatus
ja_member_octets(const JsonbContainer *jwk, const char *name,
				 uint8 *out, size_t room, size_t *length)
{
	JaString	text;
	size_t		decoded;

	if (ja_json_string(jwk, name, &text) != JA_PRESENT)
		return JA_KEY_MEMBER;
	decoded = JA_BASE64URL_DECODED(text.length);
	if (decoded == 0 || decoded > room || !ja_base64url_decode(text.data, text.length, out))
		return JA_KEY_MEMBER;
	*length = decoded;
	return JA_OK;
}

/* The same for a member that must have exactly this length. */
JaStatus
ja_member_exact(const JsonbContainer *jwk, const char *name, uint8 *out, size_t length)
{
	size_t		decoded;
	JaStatus	status = ja_member_octets(jwk, name, out, length, &decoded);

	if (status != JA_OK)
		return status;
	return decoded == length ? JA_OK : JA_KEY_MEMBER;
}

bool
ja_member_exists(const JsonbContainer *jwk, const char *name)
{
	JsonbValue	value;

	return ja_json_member(jwk, name, &value);
}

/* Adds octets as base64url. */
void
ja_member_add_octets(JaJsonState *jwk, const char *name,
					 const uint8 *octets, size_t length)
{
	char	   *text = palloc(JA_BASE64URL_ENCODED(length) + 1);

	ja_json_add_string(jwk, name, text, ja_base64url_encode(octets, length, text));
}

/* OpenSSL wipes only what lies in its secure heap, which few configure. */
void
ja_member_wipe_parameters(OSSL_PARAM *parameters)
{
	if (parameters == NULL)
		return;
	for (OSSL_PARAM *parameter = parameters; parameter->key != NULL; parameter++)
		OPENSSL_cleanse(parameter->data, parameter->data_size);
	OSSL_PARAM_free(parameters);
}

/*
 * Builds a key from the collected parameters.  Fails with JA_KEY_INVALID if
 * OpenSSL finds that they form no key.  The builder stays the caller's.
 */
JaStatus
ja_member_build_key(const char *openssl_type, bool with_private,
					OSSL_PARAM_BLD *builder, EVP_PKEY **pkey)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, openssl_type, NULL);
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY   *built = NULL;
	JaStatus	status = JA_KEY_INVALID;

	if (context == NULL || parameters == NULL)
		status = JA_CRYPTO;
	else if (EVP_PKEY_fromdata_init(context) == 1 &&
			 EVP_PKEY_fromdata(context, &built,
							   with_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
							   parameters) == 1)
	{
		*pkey = built;
		status = JA_OK;
	}
	ja_member_wipe_parameters(parameters);
	EVP_PKEY_CTX_free(context);
	return status;
}
