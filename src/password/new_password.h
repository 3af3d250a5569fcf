/*-------------------------------------------------------------------------
 *
 * new_password.h
 *	  Setting of passwords: validated, hashed, stored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_NEW_PASSWORD_H
#define JA_NEW_PASSWORD_H

#include "password/verdict.h"
#include "utils/uuid.h"

/* A new hash, NUL-terminated. */
typedef struct JaNewPassword
{
	char		hash[JA_PASSWORD_HASH_ROOM];
} JaNewPassword;

extern JaStatus ja_new_password_rate(JaStrings words, JaString password, JaVerdict *verdict);
extern JaStatus ja_new_password_validate(JaStrings names, JaString password,
										 JaPassword **prepared, JaVerdict *verdict);
extern JaStatus ja_new_password_hash(const JaPassword *password, JaNewPassword *hashed);
extern void ja_new_password_store(const pg_uuid_t *user, const JaNewPassword *hashed);
extern void ja_new_password_rehash(const pg_uuid_t *user, const JaNewPassword *hashed);
extern JaPasswordPolicy ja_new_password_policy(void);

#endif							/* JA_NEW_PASSWORD_H */
