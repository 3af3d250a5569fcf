/*-------------------------------------------------------------------------
 *
 * libcrypto.c
 *	  Bare libcrypto on the same tokens and keys: the floor to compare with.
 *
 * usage: libcrypto ALG DIRECTORY VERIFY_CALLS SIGN_CALLS
 *
 * Everything that a caller can prepare is prepared outside the timed loops:
 * keys are parsed, digests fetched, contexts initialised, signatures decoded
 * from base64url and, for ECDSA, turned into DER. A timed call hashes the
 * signing input and does the one operation.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tokens.h"

#define MAX_SIGNATURE 1024

typedef enum Family
{
	FAMILY_HMAC,
	FAMILY_RSA,
	FAMILY_PSS,
	FAMILY_ECDSA,
	FAMILY_EDDSA
} Family;

typedef struct Algorithm
{
	const char *name;
	Family		family;
	const char *digest;			/* NULL where the signature hashes itself */
	int			coordinate_bytes;
} Algorithm;

static const Algorithm algorithms[] = {
	{"HS256", FAMILY_HMAC, "SHA256", 0},
	{"HS384", FAMILY_HMAC, "SHA384", 0},
	{"HS512", FAMILY_HMAC, "SHA512", 0},
	{"RS256", FAMILY_RSA, "SHA256", 0},
	{"PS256", FAMILY_PSS, "SHA256", 0},
	{"ES256", FAMILY_ECDSA, "SHA256", 32},
	{"ES384", FAMILY_ECDSA, "SHA384", 48},
	{"ES512", FAMILY_ECDSA, "SHA512", 66},
	{"ES256K", FAMILY_ECDSA, "SHA256", 32},
	{"EdDSA", FAMILY_EDDSA, NULL, 0},
};

typedef struct Message
{
	const unsigned char *input; /* header "." payload */
	size_t		input_length;
	unsigned char signature[MAX_SIGNATURE];
	size_t		signature_length;
} Message;

/* Contexts that one algorithm needs; the others stay NULL. */
typedef struct Prepared
{
	const Algorithm *algorithm;
	EVP_MAC_CTX *mac;
	EVP_MD	   *digest;
	EVP_MD_CTX *hash;
	EVP_PKEY_CTX *verify;
	EVP_PKEY_CTX *sign;
	EVP_MD_CTX *whole_verify;
	EVP_MD_CTX *whole_sign;
} Prepared;

typedef int (*Operation) (Prepared *prepared, Message *message);

static const Algorithm *
find_algorithm(const char *name)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	fail("looking up the algorithm", name);
}

static size_t
decode_base64url(const char *text, unsigned char *out)
{
	char		padded[MAX_SIGNATURE * 2];
	size_t		length = strlen(text);
	size_t		padding = (4 - length % 4) % 4;

	if (length + padding >= sizeof(padded) || length / 4 * 3 >= MAX_SIGNATURE)
		fail("decoding a signature", "-");
	for (size_t i = 0; i < length; i++)
		padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
	memset(padded + length, '=', padding);
	if (EVP_DecodeBlock(out, (unsigned char *) padded,
						(int) (length + padding)) < 0)
		fail("decoding a signature", "-");
	return (length + padding) / 4 * 3 - padding;
}

/* Turns r || s in place into the DER that libcrypto expects. */
static void
encode_der(Message *message, int coordinate_bytes)
{
	ECDSA_SIG  *signature = ECDSA_SIG_new();
	unsigned char *out = message->signature;

	ECDSA_SIG_set0(signature,
				   BN_bin2bn(message->signature, coordinate_bytes, NULL),
				   BN_bin2bn(message->signature + coordinate_bytes,
							 coordinate_bytes, NULL));
	message->signature_length = (size_t) i2d_ECDSA_SIG(signature, &out);
	ECDSA_SIG_free(signature);
}

static Message *
split_tokens(Tokens tokens, const Algorithm *algorithm)
{
	Message    *messages = calloc((size_t) tokens.count, sizeof(Message));

	for (int i = 0; i < tokens.count; i++)
	{
		const char *token = tokens.token[i];
		const char *dot = strrchr(token, '.');

		if (dot == NULL)
			fail("splitting a token", algorithm->name);
		messages[i].input = (const unsigned char *) token;
		messages[i].input_length = (size_t) (dot - token);
		messages[i].signature_length =
			decode_base64url(dot + 1, messages[i].signature);
		if (algorithm->family == FAMILY_ECDSA)
			encode_der(&messages[i], algorithm->coordinate_bytes);
	}
	return messages;
}

static int
hmac(Prepared *prepared, Message *message, unsigned char *out, size_t *length)
{
	return EVP_MAC_init(prepared->mac, NULL, 0, NULL) == 1 &&
		EVP_MAC_update(prepared->mac, message->input,
					   message->input_length) == 1 &&
		EVP_MAC_final(prepared->mac, out, length, EVP_MAX_MD_SIZE) == 1;
}

static int
hmac_verify(Prepared *prepared, Message *message)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	size_t		length;

	return hmac(prepared, message, mac, &length) &&
		length == message->signature_length &&
		CRYPTO_memcmp(mac, message->signature, length) == 0;
}

static int
hmac_sign(Prepared *prepared, Message *message)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	size_t		length;

	return hmac(prepared, message, mac, &length);
}

static int
digest_input(Prepared *prepared, Message *message, unsigned char *out,
			 unsigned int *length)
{
	return EVP_DigestInit_ex2(prepared->hash, prepared->digest, NULL) == 1 &&
		EVP_DigestUpdate(prepared->hash, message->input,
						 message->input_length) == 1 &&
		EVP_DigestFinal_ex(prepared->hash, out, length) == 1;
}

static int
digest_verify(Prepared *prepared, Message *message)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length;

	return digest_input(prepared, message, digest, &length) &&
		EVP_PKEY_verify(prepared->verify, message->signature,
						message->signature_length, digest, length) == 1;
}

static int
digest_sign(Prepared *prepared, Message *message)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length;
	unsigned char signature[MAX_SIGNATURE];
	size_t		signature_length = sizeof(signature);

	return digest_input(prepared, message, digest, &length) &&
		EVP_PKEY_sign(prepared->sign, signature, &signature_length,
					  digest, length) == 1;
}

static int
whole_verify(Prepared *prepared, Message *message)
{
	return EVP_DigestVerify(prepared->whole_verify, message->signature,
							message->signature_length, message->input,
							message->input_length) == 1;
}

static int
whole_sign(Prepared *prepared, Message *message)
{
	unsigned char signature[MAX_SIGNATURE];
	size_t		length = sizeof(signature);

	return EVP_DigestSign(prepared->whole_sign, signature, &length,
						  message->input, message->input_length) == 1;
}

static const struct
{
	Operation	verify;
	Operation	sign;
}			operations[] = {
	[FAMILY_HMAC] = {hmac_verify, hmac_sign},
	[FAMILY_RSA] = {digest_verify, digest_sign},
	[FAMILY_PSS] = {digest_verify, digest_sign},
	[FAMILY_ECDSA] = {digest_verify, digest_sign},
	[FAMILY_EDDSA] = {whole_verify, whole_sign},
};

static void
prepare_hmac(Prepared *prepared, const char *directory)
{
	const Algorithm *algorithm = prepared->algorithm;
	size_t		length;
	unsigned char *secret = read_secret(directory, algorithm->name, &length);
	OSSL_PARAM	parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
										 (char *) algorithm->digest, 0),
		OSSL_PARAM_construct_end()
	};

	prepared->mac = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
	if (EVP_MAC_init(prepared->mac, secret, length, parameters) != 1)
		fail("EVP_MAC_init", algorithm->name);
}

static int
set_parameters(EVP_PKEY_CTX *context, Prepared *prepared)
{
	switch (prepared->algorithm->family)
	{
		case FAMILY_RSA:
			if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) <= 0)
				return 0;
			break;
		case FAMILY_PSS:
			if (EVP_PKEY_CTX_set_rsa_padding(context,
											 RSA_PKCS1_PSS_PADDING) <= 0 ||
				EVP_PKEY_CTX_set_rsa_pss_saltlen(context,
												 RSA_PSS_SALTLEN_DIGEST) <= 0)
				return 0;
			break;
		case FAMILY_HMAC:
		case FAMILY_ECDSA:
		case FAMILY_EDDSA:
			break;
	}
	return EVP_PKEY_CTX_set_signature_md(context, prepared->digest) > 0;
}

static void
prepare_key(Prepared *prepared, const char *directory)
{
	const Algorithm *algorithm = prepared->algorithm;
	size_t		length;
	char	   *pem = read_file(directory, algorithm->name, "pem", &length);
	BIO		   *bio = BIO_new_mem_buf(pem, (int) length);
	EVP_PKEY   *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	if (key == NULL)
		fail("PEM_read_bio_PrivateKey", algorithm->name);
	if (algorithm->family == FAMILY_EDDSA)
	{
		prepared->whole_verify = EVP_MD_CTX_new();
		prepared->whole_sign = EVP_MD_CTX_new();
		if (EVP_DigestVerifyInit(prepared->whole_verify, NULL, NULL, NULL,
								 key) != 1 ||
			EVP_DigestSignInit(prepared->whole_sign, NULL, NULL, NULL,
							   key) != 1)
			fail("EVP_DigestVerifyInit", algorithm->name);
		return;
	}
	prepared->digest = EVP_MD_fetch(NULL, algorithm->digest, NULL);
	prepared->hash = EVP_MD_CTX_new();
	prepared->verify = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	prepared->sign = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (EVP_PKEY_verify_init(prepared->verify) != 1 ||
		EVP_PKEY_sign_init(prepared->sign) != 1 ||
		!set_parameters(prepared->verify, prepared) ||
		!set_parameters(prepared->sign, prepared))
		fail("EVP_PKEY_verify_init", algorithm->name);
}

/* A tenth of the calls warms up, then all are timed. */
static double
measure(Operation operation, Prepared *prepared, Message *messages, int count,
		int calls)
{
	double		start = 0;

	for (int i = -calls / 10; i < calls; i++)
	{
		if (i == 0)
			start = now_microseconds();
		if (!operation(prepared, &messages[abs(i) % count]))
			fail("an operation", prepared->algorithm->name);
	}
	return (now_microseconds() - start) / calls;
}

int
main(int argc, char **argv)
{
	Prepared	prepared = {0};
	Tokens		tokens;
	Message    *messages;
	int			verify_calls;
	int			sign_calls;

	if (argc != 5)
		fail("usage: libcrypto ALG DIRECTORY VERIFY_CALLS SIGN_CALLS", "-");
	verify_calls = atoi(argv[3]);
	sign_calls = atoi(argv[4]);
	prepared.algorithm = find_algorithm(argv[1]);
	tokens = read_tokens(argv[2], argv[1], verify_calls);
	messages = split_tokens(tokens, prepared.algorithm);
	if (prepared.algorithm->family == FAMILY_HMAC)
		prepare_hmac(&prepared, argv[2]);
	else
		prepare_key(&prepared, argv[2]);

	print_sample("verify", argv[1], "libcrypto",
				 measure(operations[prepared.algorithm->family].verify,
						 &prepared, messages, tokens.count, verify_calls));
	print_sample("sign", argv[1], "libcrypto",
				 measure(operations[prepared.algorithm->family].sign,
						 &prepared, messages, tokens.count, sign_calls));
	return 0;
}
