/*-------------------------------------------------------------------------
 *
 * passkeys.c
 *	  Passkeys in software, with the browser around them.
 *
 * usage: passkeys DIRECTORY DOMAIN
 *
 * Reads lines and answers each with a credential as JSON, as toJSON() makes it:
 *
 *	  register NUMBER CHALLENGE
 *	  answer NUMBER CHALLENGE HANDLE
 *
 * The key of a passkey is for ES256, is made when the passkey is registered, and
 * stays in the directory, as NUMBER.pem.  Passkeys verify their user, and do not
 * count.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "tokens.h"

#define COORDINATE 32
#define ID_SIZE 16

/* User present, user verified; and with a new credential. */
#define FLAGS 0x05
#define WITH_CREDENTIAL 0x40

typedef struct Bytes
{
	unsigned char data[2048];
	size_t		length;
} Bytes;

static const char *directory;
static const char *domain;

static void
add(Bytes *bytes, const void *data, size_t length)
{
	if (bytes->length + length > sizeof(bytes->data))
		fail("making a credential", "-");
	memcpy(bytes->data + bytes->length, data, length);
	bytes->length += length;
}

/* A string literal, whose NUL is not added. */
#define ADD(bytes, literal) add(bytes, literal, sizeof(literal) - 1)

static void
print_base64url(const char *name, const void *data, size_t length)
{
	char		text[4096];
	int			end = EVP_EncodeBlock((unsigned char *) text, data, (int) length);

	while (end > 0 && text[end - 1] == '=')
		end--;
	printf("\"%s\":\"", name);
	for (int i = 0; i < end; i++)
		putchar(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
	putchar('"');
}

/* The id of a passkey follows from its number. */
static void
make_id(const char *number, unsigned char *id)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *) number, strlen(number), digest);
	memcpy(id, digest, ID_SIZE);
}

static EVP_PKEY *
make_key(const char *number)
{
	EVP_PKEY   *key = EVP_EC_gen("P-256");
	char		path[1024];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s.pem", directory, number);
	file = fopen(path, "w");
	if (key == NULL || file == NULL ||
		PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1 || fclose(file) != 0)
		fail("making a key", number);
	return key;
}

static EVP_PKEY *
read_key(const char *number)
{
	size_t		length;
	char	   *pem = read_file(directory, number, "pem", &length);
	BIO		   *bio = BIO_new_mem_buf(pem, (int) length);
	EVP_PKEY   *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	if (key == NULL)
		fail("reading a key", number);
	BIO_free(bio);
	free(pem);
	return key;
}

/* The public key in COSE: EC2, ES256, P-256. */
static void
add_cose_key(Bytes *bytes, EVP_PKEY *key)
{
	unsigned char point[1 + 2 * COORDINATE];
	size_t		length;

	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
										&length) != 1 || length != sizeof(point))
		fail("reading a public key", "-");
	ADD(bytes, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20");
	add(bytes, point + 1, COORDINATE);
	ADD(bytes, "\x22\x58\x20");
	add(bytes, point + 1 + COORDINATE, COORDINATE);
}

static void
add_authenticator_data(Bytes *bytes, unsigned char flags)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *) domain, strlen(domain), digest);
	add(bytes, digest, sizeof(digest));
	add(bytes, &flags, 1);
	ADD(bytes, "\0\0\0\0");
}

static void
add_client_data(Bytes *bytes, const char *type, const char *challenge)
{
	char		text[1024];
	int			length = snprintf(text, sizeof(text),
								  "{\"type\":\"webauthn.%s\",\"challenge\":\"%s\","
								  "\"origin\":\"https://%s\",\"crossOrigin\":false}",
								  type, challenge, domain);

	add(bytes, text, (size_t) length);
}

/* All of the credential up to what the authenticator responds. */
static void
begin_credential(const unsigned char *id, const Bytes *client)
{
	printf("{\"type\":\"public-key\",\"clientExtensionResults\":{},");
	print_base64url("id", id, ID_SIZE);
	putchar(',');
	print_base64url("rawId", id, ID_SIZE);
	printf(",\"response\":{");
	print_base64url("clientDataJSON", client->data, client->length);
	putchar(',');
}

static void
register_passkey(const char *number, const char *challenge)
{
	EVP_PKEY   *key = make_key(number);
	unsigned char id[ID_SIZE];
	Bytes		client = {.length = 0};
	Bytes		data = {.length = 0};
	Bytes		object = {.length = 0};
	unsigned char length;

	make_id(number, id);
	add_client_data(&client, "create", challenge);
	add_authenticator_data(&data, FLAGS | WITH_CREDENTIAL);
	ADD(&data, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10");
	add(&data, id, ID_SIZE);
	add_cose_key(&data, key);
	length = (unsigned char) data.length;
	ADD(&object, "\xa3\x63" "fmt\x64" "none\x67" "attStmt\xa0\x68" "authData\x58");
	add(&object, &length, 1);
	add(&object, data.data, data.length);
	begin_credential(id, &client);
	print_base64url("attestationObject", object.data, object.length);
	printf(",\"transports\":[\"internal\"]}}\n");
	EVP_PKEY_free(key);
}

/* Signs the authenticator data and the hash of what the client says. */
static void
sign(EVP_PKEY *key, const Bytes *data, const Bytes *client, Bytes *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	Bytes		input = *data;
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256(client->data, client->length, digest);
	add(&input, digest, sizeof(digest));
	signature->length = sizeof(signature->data);
	if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(context, signature->data, &signature->length, input.data,
					   input.length) != 1)
		fail("signing", "-");
	EVP_MD_CTX_free(context);
}

static void
answer_challenge(const char *number, const char *challenge, const char *handle)
{
	EVP_PKEY   *key = read_key(number);
	unsigned char id[ID_SIZE];
	Bytes		client = {.length = 0};
	Bytes		data = {.length = 0};
	Bytes		signature = {.length = 0};

	make_id(number, id);
	add_client_data(&client, "get", challenge);
	add_authenticator_data(&data, FLAGS);
	sign(key, &data, &client, &signature);
	begin_credential(id, &client);
	print_base64url("authenticatorData", data.data, data.length);
	putchar(',');
	print_base64url("signature", signature.data, signature.length);
	printf(",\"userHandle\":\"%s\"}}\n", handle);
	EVP_PKEY_free(key);
}

int
main(int argc, char **argv)
{
	char		what[16];
	char		number[16];
	char		challenge[256];
	char		handle[64];

	if (argc != 3)
		fail("usage: passkeys DIRECTORY DOMAIN", "-");
	directory = argv[1];
	domain = argv[2];
	while (scanf("%15s %15s %255s", what, number, challenge) == 3)
	{
		if (strcmp(what, "register") == 0)
			register_passkey(number, challenge);
		else if (strcmp(what, "answer") == 0 && scanf("%63s", handle) == 1)
			answer_challenge(number, challenge, handle);
		else
			fail("reading a line", what);
	}
	return 0;
}
