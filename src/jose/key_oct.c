/*-------------------------------------------------------------------------
 *
 * key_oct.c
 *	  HMAC secrets: JWKs of type "oct" (RFC 7518 section 6.4).
 *
 * A secret below 32 bytes fits no algorithm and is refused (RFC 7518 section
 * 3.2).  The key's reset callback wipes it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/secret.h"
#include "jose/base64url.h"
#include "jose/key_member.h"
#include "jose/key_oct.h"

#define MIN_SECRET 32

static const char *const openssl_names[] = {NULL};
static const char *const required[] = {"k", "kty", NULL};

static JaStatus
check_length(size_t length)
{
	if (length < MIN_SECRET)
		return JA_KEY_SECRET_SHORT;
	return length > JA_MAX_SECRET ? JA_KEY_SECRET_LONG : JA_OK;
}

/* Gives the key room for the secret, which its reset callback wipes. */
static void
allocate_secret(JaKey *key, size_t length)
{
	key->is_private = true;
	key->secret = palloc(length);
	key->secret_length = length;
}

/* Copies a secret into the key.  Fails if its length is out of range. */
JaStatus
ja_key_oct_set(JaKey *key, const uint8 *secret, size_t length)
{
	JaStatus	status = check_length(length);

	if (status != JA_OK)
		return status;
	allocate_secret(key, length);
	memcpy(key->secret, secret, length);
	return JA_OK;
}

static JaStatus
oct_read(JaKey *key, const JsonbContainer *jwk)
{
	JaString	text;
	JaStatus	status;

	if (ja_json_string(jwk, "k", &text) != JA_PRESENT || text.length % 4 == 1)
		return JA_KEY_MEMBER;
	status = check_length(JA_BASE64URL_DECODED(text.length));
	if (status != JA_OK)
		return status;
	allocate_secret(key, JA_BASE64URL_DECODED(text.length));
	return ja_base64url_decode(text.data, text.length, key->secret) ? JA_OK : JA_KEY_MEMBER;
}

static JaStatus
oct_adopt(JaKey *key pg_attribute_unused())
{
	return JA_PEM_KIND;
}

static JaStatus
oct_write(const JaKey *key, bool with_private, JaJsonState *jwk)
{
	if (!with_private)
		return JA_KEY_NO_PUBLIC;
	ja_member_add_octets(jwk, "k", key->secret, key->secret_length);
	return JA_OK;
}

/* A new secret has as many bytes as the hash (RFC 7518 section 3.2). */
static JaStatus
oct_generate(JaKey *key, const JaAlgorithm *algorithm)
{
	allocate_secret(key, algorithm->digest_size);
	return ja_secret_random(key->secret, key->secret_length);
}

const JaKeyType ja_key_type_oct = {
	"oct", JA_OCT, openssl_names, required, oct_read, oct_adopt, oct_write, oct_generate
};
