/*-------------------------------------------------------------------------
 *
 * account.c
 *	  Fuzz targets for the names and passwords that people type, and for the
 *	  texts of imported password hashes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "account/identifier_form.h"
#include "password/password.h"
#include "fuzz.h"

/* What SQL would hand over as text: valid in the database's encoding. */
static bool
is_text(JaString text)
{
	return memchr(text.data, '\0', text.length) == NULL &&
		pg_encoding_verifymbstr(GetDatabaseEncoding(), text.data,
								(int) text.length) == (int) text.length;
}

/* The form of a form is itself; a form is UTF-8, whatever the database is. */
static void
check_name(JaString name)
{
	char		form[JA_NAME_ROOM];
	char		again[JA_NAME_ROOM];
	size_t		length;
	size_t		again_length;

	if (ja_name_canonical(name, form, &length) != JA_OK)
		return;
	FUZZ_EXPECT(length > 0 && length < sizeof(form) && form[length] == '\0');
	FUZZ_EXPECT(pg_encoding_verifymbstr(PG_UTF8, form, (int) length) == (int) length);
	if (GetDatabaseEncoding() != PG_UTF8)
		return;
	FUZZ_EXPECT(ja_name_canonical((JaString) {form, length}, again, &again_length) == JA_OK);
	FUZZ_EXPECT(again_length == length && memcmp(again, form, length) == 0);
}

/* The same for all that a user can be called. */
static void
check_identifier(JaString name)
{
	JaCanonical form;
	JaCanonical again;

	if (ja_identifier_form(name, &form) != JA_OK)
		return;
	FUZZ_EXPECT(form.length > 0 && form.length < sizeof(form.bytes));
	FUZZ_EXPECT((form.kind == JA_IDENTIFIER_EMAIL) ==
				(memchr(form.bytes, '@', form.length) != NULL));
	(void) ja_identifier_form_of_kind(form.kind, name, &again);
	if (GetDatabaseEncoding() != PG_UTF8)
		return;
	FUZZ_EXPECT(ja_identifier_form((JaString) {form.bytes, form.length}, &again) == JA_OK);
	FUZZ_EXPECT(again.kind == form.kind && again.length == form.length &&
				memcmp(again.bytes, form.bytes, form.length) == 0);
}

static void
check_password(JaString text)
{
	JaPassword *password;

	if (ja_password_prepare(text, &password) != JA_OK)
		return;
	FUZZ_EXPECT(password->normal.length < sizeof(password->normal_bytes));
	FUZZ_EXPECT(password->normal.data[password->normal.length] == '\0');
	FUZZ_EXPECT(password->typed.data[password->typed.length] == '\0');
	(void) ja_password_check_new(password, 8);
	ja_password_forget(password);
}

void
fuzz_name(const uint8 *data, size_t size, const FuzzKeys *keys pg_attribute_unused())
{
	JaString	text = {(const char *) data, size};

	if (!is_text(text))
		return;
	check_name(text);
	check_identifier(text);
	check_password(text);
}

/* Whether a hash is accepted depends on its text alone. */
void
fuzz_hash(const uint8 *data, size_t size, const FuzzKeys *keys pg_attribute_unused())
{
	JaString	hash = {(const char *) data, size};
	char	   *copy = pnstrdup((const char *) data, size);

	FUZZ_EXPECT(ja_password_check_format(hash) ==
				ja_password_check_format((JaString) {copy, size}));
}
