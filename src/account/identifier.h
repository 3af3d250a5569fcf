/*-------------------------------------------------------------------------
 *
 * identifier.h
 *	  Identifiers as the table jwt_auth.identifiers has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_IDENTIFIER_H
#define JA_IDENTIFIER_H

#include "account/identifier_form.h"
#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* An identifier of a user; in the memory context of whoever read it. */
typedef struct JaIdentifier
{
	JaIdentifierKind kind;
	JaString	value;			/* as it was given */
	JaString	canonical;
	bool		is_verified;
} JaIdentifier;

extern bool ja_identifier_find(JaString canonical, pg_uuid_t *user, JaIdentifier *identifier);
extern JaString ja_identifier_recipient(JaString value, JaIdentifierKind kind, JaString canonical);
extern int	ja_identifier_list(const pg_uuid_t *user, JaIdentifier **identifiers);
extern const JaIdentifier *ja_identifier_primary(const pg_uuid_t *user);
extern JaStrings ja_identifier_names(const pg_uuid_t *user);
extern void ja_identifier_insert(const pg_uuid_t *user, JaString value,
								 const JaCanonical *canonical, TimestampTz now);
extern void ja_identifier_replace_username(const pg_uuid_t *user, JaString value,
										   const JaCanonical *canonical, TimestampTz now);

#endif							/* JA_IDENTIFIER_H */
