/*-------------------------------------------------------------------------
 *
 * identifier_form.h
 *	  What a person is called: usernames, e-mail addresses, phone numbers, and
 *	  the one form in which each is compared.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_IDENTIFIER_FORM_H
#define JA_IDENTIFIER_FORM_H

#include "account/name.h"

typedef enum JaIdentifierKind
{
	JA_IDENTIFIER_USERNAME,
	JA_IDENTIFIER_EMAIL,
	JA_IDENTIFIER_PHONE
} JaIdentifierKind;

/* A canonical form; bytes, since the database encoding may lack some. */
typedef struct JaCanonical
{
	JaIdentifierKind kind;
	size_t		length;
	char		bytes[JA_NAME_ROOM];
} JaCanonical;

static inline JaString
ja_canonical_string(const JaCanonical *canonical)
{
	return (JaString) {canonical->bytes, canonical->length};
}

extern JaStatus ja_identifier_form(JaString text, JaCanonical *canonical);
extern JaStatus ja_identifier_form_of_kind(JaIdentifierKind kind, JaString text,
										   JaCanonical *canonical);
extern JaStatus ja_identifier_form_of_new(JaString text, JaCanonical *canonical);
extern JaStatus ja_identifier_form_of_address(JaString text, JaCanonical *canonical);
extern const char *ja_identifier_kind_name(JaIdentifierKind kind);
extern bool ja_identifier_find_kind(JaString name, JaIdentifierKind *kind);

#endif							/* JA_IDENTIFIER_FORM_H */
