/*-------------------------------------------------------------------------
 *
 * password_prepare.c
 *	  A password in the two forms that hashes are made of.
 *
 * A client controls the text.  Both forms live in one block of memory that
 * is wiped with its context, so that no error leaves a copy behind; what is
 * in the argument that they were read from is the caller's to mind.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/secret.h"
#include "password/password.h"

static bool
all_assigned(JaString text)
{
	int32		character;

	for (size_t i = 0; i < text.length;)
	{
		i += ja_unicode_next(text.data + i, text.length - i, &character);
		if (utf8proc_category(character) == UTF8PROC_CATEGORY_CN)
			return false;
	}
	return true;
}

/*
 * Reads a password in the database encoding.  The result is allocated in the
 * current memory context, which wipes it in the end; it must not be freed
 * before.  Fails with JA_PASSWORD_CHARACTER (a NUL, or no UTF-8) or
 * JA_PASSWORD_LONG, which depend on the text alone.
 */
JaStatus
ja_password_prepare(JaString text, JaPassword **password)
{
	JaPassword *prepared = palloc0(sizeof(JaPassword));
	JaUnicode	result;

	ja_secret_wipe_on_reset(CurrentMemoryContext, prepared, sizeof(JaPassword));
	prepared->typed.data = prepared->typed_bytes;
	prepared->normal.data = prepared->normal_bytes;
	result = ja_unicode_from_server(text, prepared->typed_bytes, &prepared->typed.length);
	if (result == JA_UNICODE_OK)
		result = ja_unicode_normalize(prepared->typed, JA_UNICODE_NFKC,
									  prepared->normal_bytes, &prepared->normal.length);
	if (result != JA_UNICODE_OK)
	{
		ja_password_forget(prepared);
		return ja_unicode_status(result, JA_PASSWORD_LONG, JA_PASSWORD_CHARACTER);
	}
	prepared->characters = ja_unicode_characters(prepared->normal.data, prepared->normal.length);
	prepared->is_assigned = all_assigned(prepared->typed);
	*password = prepared;
	return JA_OK;
}

/*
 * Whether the password may be set: long enough, and of characters whose
 * normal form no later version of Unicode can change.  Fails with
 * JA_PASSWORD_SHORT or JA_PASSWORD_CHARACTER.
 */
JaStatus
ja_password_check_new(const JaPassword *password, int min_characters)
{
	if (password->characters < Max(min_characters, 1))
		return JA_PASSWORD_SHORT;
	return password->is_assigned ? JA_OK : JA_PASSWORD_CHARACTER;
}

/* Wipes the password now; it must not be used any more. */
void
ja_password_forget(JaPassword *password)
{
	OPENSSL_cleanse(password, sizeof(JaPassword));
}
