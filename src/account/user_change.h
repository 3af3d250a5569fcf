/*-------------------------------------------------------------------------
 *
 * user_change.h
 *	  Creation and change of users, for admins.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_USER_CHANGE_H
#define JA_USER_CHANGE_H

#include "account/identifier_form.h"
#include "session/user.h"

/* What an admin gives; members with data or a pointer of NULL are absent. */
typedef struct JaUserChange
{
	const pg_uuid_t *id;		/* of a new user; NULL: generated */
	JaString	username;
	JaString	email;
	JaString	phone;
	JaString	password;
	JaString	password_hash;	/* to import, in place of a password */
	const char *role;
	Jsonb	   *claims;
	JaString	mfa_enrollment; /* to change; empty: as the setting says */
	bool		sets_max_sessions;
	int			max_sessions;	/* negative: as the setting says */
	bool		is_anonymous;	/* to create */
} JaUserChange;

extern pg_uuid_t ja_user_create(const JaUserChange *change);
extern bool ja_user_create_proven(JaString address, const JaCanonical *canonical,
								  const JaUserChange *change, pg_uuid_t *id);
extern void ja_user_create_nameless(const JaUserChange *change, pg_uuid_t *id);
extern void ja_user_change_update(const pg_uuid_t *id, const JaUserChange *change);
extern void ja_user_change_password(const pg_uuid_t *id, JaString password);
extern void ja_user_change_end_sessions(const pg_uuid_t *id);
extern void ja_user_change_disable(const pg_uuid_t *id);
extern void ja_user_change_enable(const pg_uuid_t *id);
extern void ja_user_change_unlock(const pg_uuid_t *id);
extern void ja_user_change_delete(const pg_uuid_t *id);

#endif							/* JA_USER_CHANGE_H */
