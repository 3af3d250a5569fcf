/*-------------------------------------------------------------------------
 *
 * seal.c
 *	  Sealing of private keys and secrets with AES-256-GCM.
 *
 * A sealed value is a random nonce of 12 bytes, the ciphertext, and a tag of
 * 16 bytes.  Its associated data are table, kid, alg and use, each with its
 * length, so that a ciphertext can't be moved to another row.  Someone who
 * can write the tables controls the stored bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/secret.h"
#include "keyring/seal.h"

#define NONCE_SIZE	12
#define TAG_SIZE	16

/* Adds one field of the label to the associated data. */
static bool
add_field(EVP_CIPHER_CTX *context, JaString field)
{
	uint8		length[4];
	int			ignored;

	length[0] = (uint8) (field.length >> 24);
	length[1] = (uint8) (field.length >> 16);
	length[2] = (uint8) (field.length >> 8);
	length[3] = (uint8) field.length;
	return EVP_CipherUpdate(context, NULL, &ignored, length, sizeof(length)) == 1 &&
		(field.length == 0 ||
		 EVP_CipherUpdate(context, NULL, &ignored,
						  (const unsigned char *) field.data, (int) field.length) == 1);
}

static bool
start(EVP_CIPHER_CTX *context, const uint8 *key, const uint8 *nonce,
	  const JaSealLabel *label, bool encrypt)
{
	return context != NULL &&
		EVP_CipherInit_ex2(context, EVP_aes_256_gcm(), key, nonce, encrypt, NULL) == 1 &&
		add_field(context, label->table) && add_field(context, label->kid) &&
		add_field(context, label->alg) && add_field(context, label->use);
}

/* Encrypts into nonce, ciphertext and tag. */
static JaStatus
encrypt(const JaMasterKey *key, const JaSealLabel *label,
		const void *plain, size_t length, uint8 *sealed)
{
	EVP_CIPHER_CTX *context;
	uint8	   *ciphertext = sealed + NONCE_SIZE;
	int			written;
	int			rest;
	bool		done;

	if (ja_secret_random(sealed, NONCE_SIZE) != JA_OK)
		return JA_CRYPTO;
	context = EVP_CIPHER_CTX_new();
	done = start(context, key->key, sealed, label, true) &&
		EVP_CipherUpdate(context, ciphertext, &written, plain, (int) length) == 1 &&
		EVP_CipherFinal_ex(context, ciphertext + written, &rest) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, ciphertext + length) == 1;
	EVP_CIPHER_CTX_free(context);
	return done ? JA_OK : JA_CRYPTO;
}

static JaStatus
decrypt(const JaMasterKey *key, const JaSealLabel *label,
		const uint8 *sealed, size_t length, uint8 *plain)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	const uint8 *ciphertext = sealed + NONCE_SIZE;
	int			written;
	int			rest;
	bool		done;

	done = start(context, key->key, sealed, label, false) &&
		EVP_CipherUpdate(context, plain, &written, ciphertext, (int) length) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE,
							(void *) (ciphertext + length)) == 1 &&
		EVP_CipherFinal_ex(context, plain + written, &rest) == 1;
	EVP_CIPHER_CTX_free(context);
	return done ? JA_OK : JA_KEYRING_SEAL_BROKEN;
}

static void
store_clear(const void *plain, size_t length, JaStored *stored)
{
	stored->bytes = palloc(VARHDRSZ + length);
	SET_VARSIZE(stored->bytes, VARHDRSZ + length);
	memcpy(VARDATA(stored->bytes), plain, length);
	stored->sealed_by = (JaString) {NULL, 0};
}

/*
 * Prepares a value for storing: sealed where a master key file is set, else in
 * the clear.  The result is in the current memory context.  Fails with
 * JA_MASTER_KEY_... or JA_CRYPTO.
 */
JaStatus
ja_seal_store(const JaSealLabel *label, const void *plain, size_t length, JaStored *stored)
{
	size_t		size = NONCE_SIZE + length + TAG_SIZE;
	JaMasterKey key;
	JaStatus	status;

	if (!ja_master_key_is_configured())
	{
		store_clear(plain, length, stored);
		return JA_OK;
	}
	stored->bytes = palloc(VARHDRSZ + size);
	SET_VARSIZE(stored->bytes, VARHDRSZ + size);
	status = ja_master_key_first(&key);
	if (status != JA_OK)
		return status;
	ERR_clear_error();
	status = encrypt(&key, label, plain, length, (uint8 *) VARDATA(stored->bytes));
	OPENSSL_cleanse(key.key, sizeof(key.key));
	if (status != JA_OK)
		return status;
	stored->sealed_by.data = pstrdup(key.name);
	stored->sealed_by.length = strlen(key.name);
	return JA_OK;
}

/*
 * Opens a stored value into the current memory context, which wipes it in the
 * end.  Fails with JA_KEYRING_SEALED, JA_KEYRING_SEAL_BROKEN or
 * JA_MASTER_KEY_....
 */
JaStatus
ja_seal_open(const JaSealLabel *label, const JaStored *stored,
			 uint8 **plain, size_t *length)
{
	const uint8 *bytes = (const uint8 *) VARDATA_ANY(stored->bytes);
	size_t		size = VARSIZE_ANY_EXHDR(stored->bytes);
	bool		sealed = stored->sealed_by.data != NULL;
	JaMasterKey key;
	JaStatus	status;

	if (sealed && size < NONCE_SIZE + TAG_SIZE)
		return JA_KEYRING_SEAL_BROKEN;
	*length = sealed ? size - NONCE_SIZE - TAG_SIZE : size;
	*plain = palloc0(*length + 1);
	ja_secret_wipe_on_reset(CurrentMemoryContext, *plain, *length);
	if (!sealed)
	{
		memcpy(*plain, bytes, size);
		return JA_OK;
	}
	status = ja_master_key_named(stored->sealed_by, &key);
	if (status != JA_OK)
		return status;
	ERR_clear_error();
	status = decrypt(&key, label, bytes, *length, *plain);
	OPENSSL_cleanse(key.key, sizeof(key.key));
	ERR_clear_error();
	return status;
}
