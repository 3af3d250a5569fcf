/*-------------------------------------------------------------------------
 *
 * blocklist.c
 *	  Passwords that nobody may choose, as the operator loaded them.
 *
 * The table holds SHA-1 hashes, as the lists of passwords from breaches do that
 * people can load.  They are made of passwords as they were typed, which is why
 * that form is looked up, too, where it is not the normal one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "base/secret.h"
#include "password/blocklist.h"
#include "store/scan.h"

#define SHA1_SIZE 20

static JaStatus
look_up(JaString form, bool *has)
{
	uint8		digest[SHA1_SIZE];
	JaScan		scan;

	if (EVP_Digest(form.data, form.length, digest, NULL, EVP_sha1(), NULL) != 1)
		return JA_CRYPTO;
	*has = ja_scan_find(&scan, JA_BLOCKED_PASSWORDS, JA_BLOCKED_PASSWORDS_PKEY,
						JA_WHERE(ja_equal(Anum_blocked_passwords_sha1,
										  ja_bytes_of(digest, sizeof(digest)))));
	if (*has)
		ja_scan_end(&scan);
	OPENSSL_cleanse(digest, sizeof(digest));
	return JA_OK;
}

/* Whether there is any row, so that SHA-1 is needed at all. */
static bool
is_loaded(void)
{
	JaScan		scan;

	if (!ja_scan_find(&scan, JA_BLOCKED_PASSWORDS, JA_BLOCKED_PASSWORDS_PKEY, JA_ALL_ROWS))
		return false;
	ja_scan_end(&scan);
	return true;
}

/*
 * Whether the list has the password, as of now.  Fails with JA_CRYPTO, as it does
 * where OpenSSL is configured without SHA-1, unless the list is empty.
 */
JaStatus
ja_blocklist_has(const JaPassword *password, bool *has)
{
	JaStatus	status;

	*has = false;
	if (!is_loaded())
		return JA_OK;
	status = look_up(password->normal, has);
	if (status != JA_OK || *has || ja_string_equals(password->typed, password->normal))
		return status;
	return look_up(password->typed, has);
}
