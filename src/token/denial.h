/*-------------------------------------------------------------------------
 *
 * denial.h
 *	  Denial of single tokens, and of those of deleted users.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_DENIAL_H
#define JA_DENIAL_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "jose/json.h"

extern bool ja_denial_add(JaString issuer, JaString jti, TimestampTz until);
extern bool ja_denial_add_once(JaString issuer, JaString jti, TimestampTz until);
extern void ja_denial_add_all_users(void);
extern void ja_denial_add_user(const pg_uuid_t *user);
extern bool ja_denial_exists(JaString issuer, JaString jti, bool *is_final);
extern bool ja_denial_exists_for_user(const pg_uuid_t *user, bool *is_final);

#endif							/* JA_DENIAL_H */
