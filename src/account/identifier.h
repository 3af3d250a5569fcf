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
#include "utils/jsonb.h"
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
extern bool ja_identifier_attach(const pg_uuid_t *user, JaString value,
								 const JaCanonical *canonical);
extern void ja_identifier_detach(const pg_uuid_t *user, const JaIdentifier *identifier);
extern bool ja_identifier_is_last(JaString canonical, const JaIdentifier *identifiers, int count,
								  bool has_password);
extern bool ja_identifier_has_verified(const pg_uuid_t *user);
extern bool ja_identifier_has_way_in(const pg_uuid_t *user, bool has_password);
extern int	ja_identifier_list(const pg_uuid_t *user, JaIdentifier **identifiers);
extern const JaIdentifier *ja_identifier_primary(const pg_uuid_t *user);
extern Jsonb *ja_identifier_show(const pg_uuid_t *user);
extern JaStrings ja_identifier_names(const pg_uuid_t *user);
extern void ja_identifier_insert(const pg_uuid_t *user, JaString value,
								 const JaCanonical *canonical, TimestampTz now);
extern bool ja_identifier_replace_username(const pg_uuid_t *user, JaString value,
										   const JaCanonical *canonical);

#endif							/* JA_IDENTIFIER_H */
