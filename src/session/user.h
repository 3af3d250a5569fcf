/*-------------------------------------------------------------------------
 *
 * user.h
 *	  Users as the table jwt_auth.users has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_USER_H
#define JA_USER_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "password/password.h"

typedef struct JaUser
{
	pg_uuid_t	id;
	JaPasswordHash hash;		/* text.data NULL: no password */
	char	   *role;			/* NULL: none */
	Jsonb	   *claims;
	bool		is_disabled;
	int64		credentials_version;
	int			code_failures;	/* in a row */
} JaUser;

extern bool ja_user_find_by_id(const pg_uuid_t *id, JaUser *user);
extern bool ja_user_wait_turn(const pg_uuid_t *id);
extern void ja_user_settle(const pg_uuid_t *id);
extern bool ja_user_lock_by_id(const pg_uuid_t *id, JaUser *user);

#endif							/* JA_USER_H */
