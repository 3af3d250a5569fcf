/*-------------------------------------------------------------------------
 *
 * identifier_change.h
 *	  What users change themselves about how they are called.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_IDENTIFIER_CHANGE_H
#define JA_IDENTIFIER_CHANGE_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/string.h"

/* Who changes identifiers: a user, by a session. */
typedef struct JaIdentifierOwner
{
	pg_uuid_t	user;
	pg_uuid_t	session;
} JaIdentifierOwner;

extern Jsonb *ja_identifier_add(const JaIdentifierOwner *owner, JaString text);
extern Jsonb *ja_identifier_confirm(const JaIdentifierOwner *owner, JaString token, JaString flow);
extern Jsonb *ja_identifier_remove(const JaIdentifierOwner *owner, JaString text);

#endif							/* JA_IDENTIFIER_CHANGE_H */
