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
	bool		is_disabled;	/* by an admin, or banned at present */
	bool		is_banned;
	bool		is_anonymous;	/* a session is all that the user has */
	int64		credentials_version;
	int			code_failures;	/* in a row */
	int			factor_failures;	/* in a row */
	JaString	mfa_enrollment; /* data NULL: as jwt_auth.mfa_enrollment says */
	bool		has_max_sessions;	/* of the user's own */
	int			max_sessions;	/* 0: any number */
} JaUser;

extern bool ja_user_find_by_id(const pg_uuid_t *id, JaUser *user);
extern bool ja_user_find_standing(const pg_uuid_t *id, JaUser *user);
extern bool ja_user_wait_turn(const pg_uuid_t *id);
extern void ja_user_settle(const pg_uuid_t *id);
extern bool ja_user_lock_by_id(const pg_uuid_t *id, JaUser *user);
extern const char *ja_user_why_disabled(const JaUser *user);
extern void ja_user_raise_version(const pg_uuid_t *id);

#endif							/* JA_USER_H */
