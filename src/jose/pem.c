/*-------------------------------------------------------------------------
 *
 * pem.c
 *	  Keys as PEM text (RFC 7468): PKCS#8, SPKI, PKCS#1, SEC1 and X.509 in,
 *	  PKCS#8 and SPKI out.
 *
 * The caller controls the text.  The first block that holds a key or a
 * certificate counts; parameters before it are passed over.  Encrypted keys
 * are refused, so that OpenSSL never asks for a password at a terminal.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "jose/key_rsa.h"
#include "jose/pem.h"
#include "jose/pem_text.h"
#include "jose/rsa_pss.h"

/* Longest PEM text that is written: RSA with 16384 bits has 13 kB. */
#define MAX_WRITTEN 32768

/* Most blocks that are looked at. */
#define MAX_BLOCKS 8

typedef EVP_PKEY *(*DerReader) (const uint8 *der, long length);

typedef struct PemKind
{
	const char *label;
	DerReader	read;			/* NULL: passed over */
	bool		is_private;
} PemKind;

static EVP_PKEY *
read_private(const uint8 *der, long length)
{
	return d2i_AutoPrivateKey_ex(NULL, &der, length, NULL, NULL);
}

static EVP_PKEY *
read_public(const uint8 *der, long length)
{
	return d2i_PUBKEY_ex(NULL, &der, length, NULL, NULL);
}

static EVP_PKEY *
read_rsa_public(const uint8 *der, long length)
{
	return d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, length);
}

static EVP_PKEY *
read_certificate(const uint8 *der, long length)
{
	X509	   *certificate = d2i_X509(NULL, &der, length);
	EVP_PKEY   *pkey = NULL;

	if (certificate != NULL)
		pkey = X509_get_pubkey(certificate);
	X509_free(certificate);
	return pkey;
}

static const PemKind kinds[] = {
	{PEM_STRING_PKCS8INF, read_private, true},
	{PEM_STRING_RSA, read_private, true},
	{PEM_STRING_ECPRIVATEKEY, read_private, true},
	{PEM_STRING_PUBLIC, read_public, false},
	{PEM_STRING_RSA_PUBLIC, read_rsa_public, false},
	{PEM_STRING_X509, read_certificate, false},
	{PEM_STRING_X509_OLD, read_certificate, false},
	{PEM_STRING_ECPARAMETERS, NULL, false},
};

static const PemKind *
find_kind(const char *label)
{
	for (size_t i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(kinds[i].label, label) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* One block as OpenSSL hands it out; freed, and wiped, by free_block(). */
typedef struct Block
{
	char	   *label;
	char	   *headers;
	unsigned char *der;
	long		length;
} Block;

static void
free_block(Block *block)
{
	OPENSSL_free(block->label);
	OPENSSL_free(block->headers);
	OPENSSL_clear_free(block->der, block->length > 0 ? block->length : 0);
}

/* Reads one block.  *kind is NULL after one that is to be passed over. */
static JaStatus
read_block(BIO *text, const PemKind **kind, EVP_PKEY **pkey)
{
	Block		block = {0};
	JaStatus	status = JA_OK;

	if (PEM_read_bio(text, &block.label, &block.headers, &block.der, &block.length) != 1)
		return JA_PEM_SYNTAX;
	*kind = find_kind(block.label);
	if (strcmp(block.label, PEM_STRING_PKCS8) == 0 || block.headers[0] != '\0')
		status = JA_PEM_ENCRYPTED;
	else if (*kind == NULL)
		status = JA_PEM_KIND;
	else if ((*kind)->read == NULL)
		*kind = NULL;
	else
	{
		*pkey = (*kind)->read(block.der, block.length);
		if (*pkey == NULL)
			status = JA_PEM_SYNTAX;
	}
	free_block(&block);
	return status;
}

static JaStatus
read_first_key(JaString pem, const PemKind **kind, EVP_PKEY **pkey)
{
	BIO		   *text = BIO_new_mem_buf(pem.data, (int) pem.length);
	JaStatus	status = text != NULL ? JA_OK : JA_MEMORY;

	for (int i = 0; status == JA_OK && *kind == NULL; i++)
		status = i < MAX_BLOCKS ? read_block(text, kind, pkey) : JA_PEM_SYNTAX;
	BIO_free(text);
	return status;
}

/*
 * The same for a text whose lines have lost their ends.  What it is laid out in
 * holds the key, and is wiped.
 */
static JaStatus
read_first_key_of_blocks(JaString pem, const PemKind **kind, EVP_PKEY **pkey)
{
	JaString	lines = ja_pem_text_lay_out(pem);
	JaStatus	status = JA_PEM_SYNTAX;

	if (lines.data == NULL)
		return status;
	ERR_clear_error();
	*kind = NULL;
	status = read_first_key(lines, kind, pkey);
	/* Header lines don't survive that. */
	if (status == JA_PEM_SYNTAX && ja_pem_text_is_encrypted(pem))
		status = JA_PEM_ENCRYPTED;
	OPENSSL_cleanse((char *) lines.data, lines.length);
	pfree((char *) lines.data);
	return status;
}

/* Reads the first key of the text, which must be one for the algorithm. */
static JaStatus
read_key_for(JaString pem, const JaAlgorithm *algorithm, JaKey *key)
{
	const PemKind *kind = NULL;
	JaStatus	status = read_first_key(pem, &kind, &key->pkey);

	if (status == JA_PEM_SYNTAX && key->pkey == NULL)
		status = read_first_key_of_blocks(pem, &kind, &key->pkey);
	if (status != JA_OK)
		return status;
	if (!ja_key_type_holds(key->type, key->pkey))
		return JA_KEY_ALGORITHM_MISMATCH;
	if (ja_rsa_pss_is(key->pkey))
	{
		status = ja_rsa_pss_check(key->pkey, algorithm);
		if (status != JA_OK)
			return status;
	}
	key->is_private = kind->is_private;
	status = key->type->adopt(key);
	if (status != JA_OK)
		return status;
	status = ja_key_bind(key, algorithm);
	if (status != JA_OK)
		return status;
	return key->is_private ? ja_key_check_pair(key) : JA_OK;
}

/*
 * Reads the first key of the text as a key for the algorithm.  Fails with
 * JA_PEM_..., JA_KEY_..., in particular JA_KEY_ALGORITHM_MISMATCH.
 */
JaStatus
ja_pem_read(JaString pem, const JaAlgorithm *algorithm, JaKey **key)
{
	JaKey	   *read;
	JaStatus	status;

	if (algorithm->kind == JA_OCT)
		return JA_KEY_ALGORITHM_MISMATCH;
	if (pem.length > JA_MAX_PEM)
		return JA_PEM_SYNTAX;
	read = ja_key_create(ja_key_type_of_kind(algorithm->kind));
	ERR_clear_error();
	status = read_key_for(pem, algorithm, read);
	ERR_clear_error();
	if (status != JA_OK)
		return status;
	*key = read;
	return JA_OK;
}

static bool
write_to(BIO *text, const JaKey *key)
{
	if (key->is_private)
		return PEM_write_bio_PKCS8PrivateKey(text, key->pkey, NULL, NULL, 0, NULL, NULL) == 1;
	return PEM_write_bio_PUBKEY(text, key->pkey) == 1;
}

/*
 * Appends the key as PEM: PKCS#8 if it is private, else SPKI.  Fails with
 * JA_KEY_NO_PEM for a secret, JA_KEY_NO_FACTORS for an RSA key that came
 * without its primes, or JA_CRYPTO.
 */
JaStatus
ja_pem_write(const JaKey *key, StringInfo out)
{
	char		copy[MAX_WRITTEN];
	BIO		   *text;
	char	   *data;
	long		length = 0;

	if (key->type->kind == JA_OCT)
		return JA_KEY_NO_PEM;
	if (key->type->kind == JA_RSA && key->is_private && !ja_key_rsa_has_factors(key))
		return JA_KEY_NO_FACTORS;
	text = BIO_new(BIO_s_secmem());
	if (text != NULL && write_to(text, key))
		length = BIO_get_mem_data(text, &data);
	if (length > 0 && length <= (long) sizeof(copy))
		memcpy(copy, data, length);
	if (length > 0)
		OPENSSL_cleanse(data, length);
	BIO_free(text);
	if (length <= 0 || length > (long) sizeof(copy))
		return JA_CRYPTO;
	appendBinaryStringInfo(out, copy, (int) length);
	OPENSSL_cleanse(copy, length);
	return JA_OK;
}
