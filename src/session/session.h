/*-------------------------------------------------------------------------
 *
 * session.h
 *	  Sessions: begun by a login, continued by refreshes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SESSION_H
#define JA_SESSION_H

#include "datatype/timestamp.h"
#include "utils/array.h"

#include "session/answer.h"
#include "session/refresh_token.h"
#include "session/user.h"

/* A session as far as its tokens need it. */
typedef struct JaSession
{
	pg_uuid_t	id;
	pg_uuid_t	user;
	TimestampTz expires_at;		/* the absolute end */
	bool		is_revoked;
	ArrayType  *amr;			/* how the user was authenticated; NULL: not
								 * told */
} JaSession;

extern void ja_session_begin(const JaUser *user, ArrayType *amr, int64 ttl_seconds,
							 JaSession *session, JaRefreshToken *token);
extern bool ja_session_find(const pg_uuid_t *id, JaSession *session);
extern Jsonb *ja_session_answer(const JaUser *user, const JaSession *session,
								const JaRefreshToken *token);

#endif							/* JA_SESSION_H */
