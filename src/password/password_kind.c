/*-------------------------------------------------------------------------
 *
 * password_kind.c
 *	  The kinds of password hashes, told by how their texts begin.
 *
 * An operator controls the texts of imported hashes: each kind has one prefix, or
 * a wrapper that another system puts before a kind, and its family reads the rest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <argon2.h>

#include "password/password_method.h"

/* bcrypt passes over what follows. */
#define BCRYPT_SIGNIFICANT_BYTES 72

#define ARGON2(text, type) \
	{.prefix = (text), .family = &ja_password_family_argon2, .variant = (type)}
#define BCRYPT(text) \
	{.prefix = (text), .family = &ja_password_family_bcrypt, \
	 .significant_bytes = BCRYPT_SIGNIFICANT_BYTES}
#define PREHASHED(text, how) \
	{.prefix = (text), .family = &ja_password_family_bcrypt, .variant = (how)}
#define CRYPT(text, kind, digest) \
	{.prefix = (text), .family = &ja_password_family_##kind, .variant = (digest)}
#define HASHED(text, kind, hash) \
	{.prefix = (text), .family = &ja_password_family_##kind, .function = (hash)}
#define PHPASS(text, digest, hash) \
	{.prefix = (text), .family = &ja_password_family_phpass, .variant = (digest), .function = (hash)}
#define PLAIN(text, kind) \
	{.prefix = (text), .family = &ja_password_family_##kind}
#define WHOLE(text, kind) \
	{.prefix = (text), .family = &ja_password_family_##kind, .keeps_prefix = true}

/* The first whose prefix fits is taken. */
static const JaPasswordMethod methods[] = {
	ARGON2("$argon2id$", Argon2_id),
	ARGON2("$argon2i$", Argon2_i),
	ARGON2("$argon2d$", Argon2_d),
	BCRYPT("$2a$"),
	BCRYPT("$2b$"),
	BCRYPT("$2y$"),
	PREHASHED("bcrypt_sha256$$2a$", JA_BCRYPT_SHA256),
	PREHASHED("bcrypt_sha256$$2b$", JA_BCRYPT_SHA256),
	PREHASHED("$wp$2y$", JA_BCRYPT_WORDPRESS),
	CRYPT("$5$", sha_crypt, 43),
	CRYPT("$6$", sha_crypt, 86),
	PLAIN("$y$", yescrypt),
	HASHED("pbkdf2_sha1$", pbkdf2_django, EVP_sha1),
	HASHED("pbkdf2_sha256$", pbkdf2_django, EVP_sha256),
	HASHED("pbkdf2:sha1:", pbkdf2_werkzeug, EVP_sha1),
	HASHED("pbkdf2:sha256:", pbkdf2_werkzeug, EVP_sha256),
	HASHED("pbkdf2:sha512:", pbkdf2_werkzeug, EVP_sha512),
	HASHED("$pbkdf2$", pbkdf2_phc, EVP_sha1),
	HASHED("$pbkdf2-sha256$", pbkdf2_phc, EVP_sha256),
	HASHED("$pbkdf2-sha512$", pbkdf2_phc, EVP_sha512),
	PLAIN("SCRAM-SHA-256$", scram),
	PLAIN("scrypt$", scrypt_django),
	PLAIN("scrypt:", scrypt_werkzeug),
	PLAIN("$scrypt$", scrypt_phc),
	PLAIN("$fbscrypt$", firebase),
	PHPASS("$P$", 22, EVP_md5),
	PHPASS("$H$", 22, EVP_md5),
	PHPASS("$S$", 43, EVP_sha512),
	HASHED("{SSHA}", salted, EVP_sha1),
	HASHED("{SSHA256}", salted, EVP_sha256),
	HASHED("{SSHA512}", salted, EVP_sha512),
	/* These have no prefix: what is in base64, or the shape, tells them. */
	WHOLE("A", aspnet),
	{
		.prefix = "",.family = &ja_password_family_scrypt_better_auth,
		.is_of_normal_form = true
	}
};

/* What other systems put before a hash of crypt(3) or in PHC form. */
typedef struct Wrapper
{
	const char *prefix;
	const char *inner;			/* what must follow */
} Wrapper;

static const Wrapper wrappers[] = {
	{"{bcrypt}", "$2"},			/* Spring */
	{"{argon2}", "$argon2"},
	{"{argon2@SpringSecurity_v5_8}", "$argon2"},
	{"bcrypt$", "$2"},			/* Django */
	{"argon2", "$argon2"},
	{"{CRYPT}", "$"},			/* LDAP servers, Dovecot */
	{"{crypt}", "$"},
	{"{BLF-CRYPT}", "$2"},
	{"{SHA256-CRYPT}", "$5$"},
	{"{SHA512-CRYPT}", "$6$"},
	{"{ARGON2I}", "$argon2i$"},
	{"{ARGON2ID}", "$argon2id$"}
};

/* Takes a wrapper, if there is one. */
static void
take_wrapper(JaString *text)
{
	for (size_t i = 0; i < lengthof(wrappers); i++)
	{
		JaString	rest = *text;
		JaString	inner;

		if (!ja_password_take(&rest, wrappers[i].prefix))
			continue;
		inner = rest;
		if (!ja_password_take(&inner, wrappers[i].inner))
			continue;
		*text = rest;
		return;
	}
}

/* Finds the method, and leaves in text what it has to read. */
static const JaPasswordMethod *
take_method(JaString *text)
{
	for (size_t i = 0; i < lengthof(methods); i++)
	{
		JaString	rest = *text;

		if (!ja_password_take(&rest, methods[i].prefix))
			continue;
		if (!methods[i].keeps_prefix)
			*text = rest;
		return &methods[i];
	}
	return NULL;
}

/* Takes the text of a hash apart.  Fails with JA_PASSWORD_HASH_.... */
JaStatus
ja_password_parse(JaString text, JaParsedHash *hash)
{
	if (text.length > JA_PASSWORD_MAX_HASH)
		return JA_PASSWORD_HASH_FORM;
	memset(hash, 0, sizeof(*hash));
	take_wrapper(&text);
	hash->method = take_method(&text);
	if (hash->method == NULL)
		return JA_PASSWORD_HASH_KIND;
	return hash->method->family->parse(text, hash);
}

/* The kind of new hashes: Argon2id. */
const JaPasswordMethod *
ja_password_own_method(void)
{
	return &methods[0];
}
