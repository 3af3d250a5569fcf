/*-------------------------------------------------------------------------
 *
 * client_secret.c
 *	  Secrets of clients.
 *
 * A secret has 256 random bits, so that nobody guesses it, and is shown once.  What
 * is kept is a keyed hash of client and secret, so that a row is of no use to another
 * client.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "lib/stringinfo.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "jose/base64url.h"
#include "keyring/name_hash.h"
#include "machine/client_secret.h"

#define HASH_PURPOSE "jwt_auth client secret"

#define PREFIX_LENGTH 4

#define SECRET_SIZE 32
#define SECRET_LENGTH (PREFIX_LENGTH + JA_BASE64URL_ENCODED(SECRET_SIZE))

static const char secret_prefix[PREFIX_LENGTH] = {'j', 'c', 's', '_'};

StaticAssertDecl(JA_CLIENT_HASH_SIZE == JA_NAME_HASH_SIZE, "size of a secret's hash");

/* Hashes a secret for its client, in the current memory context. */
static JaString
hash_client_secret(const pg_uuid_t *client, JaString secret)
{
	uint8	   *hash = palloc(JA_CLIENT_HASH_SIZE);
	uint8		input[UUID_LEN + SECRET_LENGTH];

	memcpy(input, client->data, UUID_LEN);
	memcpy(input + UUID_LEN, secret.data, SECRET_LENGTH);
	ja_name_hash_make(HASH_PURPOSE, input, sizeof(input), hash);
	OPENSSL_cleanse(input, sizeof(input));
	return (JaString) {(const char *) hash, JA_CLIENT_HASH_SIZE};
}

/* Makes a secret for a client, and what is kept of it; returns its text. */
JaString
ja_client_secret_make(const pg_uuid_t *client, JaClientCredential *secret)
{
	uint8		bytes[SECRET_SIZE];
	char	   *text = palloc(SECRET_LENGTH);

	ja_check(ja_secret_random(bytes, sizeof(bytes)));
	ja_check(ja_secret_random(&secret->id, sizeof(secret->id)));
	memcpy(text, secret_prefix, sizeof(secret_prefix));
	ja_base64url_encode(bytes, sizeof(bytes), text + PREFIX_LENGTH);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	secret->hash = hash_client_secret(client, (JaString) {text, SECRET_LENGTH});
	return (JaString) {text, SECRET_LENGTH};
}

static bool
is_secret(const JaClientCredential *credential, JaString hash)
{
	return credential->hash.data != NULL &&
		ja_secret_equals(credential->hash.data, credential->hash.length, hash.data, hash.length);
}

/* Which of its two secrets a client shows; NULL: neither. */
const pg_uuid_t *
ja_client_secret_match(const JaClientRow *client, JaString shown)
{
	JaString	hash;

	if (shown.length != SECRET_LENGTH)
		return NULL;
	hash = hash_client_secret(&client->id, shown);
	if (is_secret(&client->current, hash))
		return &client->current.id;
	return client->has_former && is_secret(&client->former, hash) ? &client->former.id : NULL;
}
