/*-------------------------------------------------------------------------
 *
 * password_change.h
 *	  A user's own change of password.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PASSWORD_CHANGE_H
#define JA_PASSWORD_CHANGE_H

#include "utils/uuid.h"

#include "jose/json.h"
#include "password/new_password.h"

extern Jsonb *ja_password_change_hash(JaStrings names, JaString new_password,
									  JaNewPassword *hashed);
extern Jsonb *ja_password_change(const pg_uuid_t *user, const pg_uuid_t *session,
								 JaString old_password, JaString new_password);

#endif							/* JA_PASSWORD_CHANGE_H */
