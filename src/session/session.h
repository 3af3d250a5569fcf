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
#include "token/assurance.h"

/* A session as far as its tokens need it. */
typedef struct JaSession
{
	pg_uuid_t	id;
	pg_uuid_t	user;
	TimestampTz expires_at;		/* the absolute end */
	bool		is_revoked;
	JaAssurance assurance;
	ArrayType  *amr;			/* how the user was authenticated; NULL: not
								 * told */
	JaString	actor;			/* who acts as the user; data NULL: the user */
} JaSession;

/* What the name of an identity provider follows in JaProof.method. */
#define JA_METHOD_EXTERNAL "external:"

/* What a user proved. */
typedef struct JaProof
{
	int			level;
	ArrayType  *amr;			/* names of RFC 8176; NULL: not told */
	bool		has_factor;		/* the level rests on a factor */
	pg_uuid_t	factor;
	TimestampTz proved_at;		/* 0: now */
	const char *method;			/* how a session begins; NULL: it does not */
	bool		has_link;		/* an identity waits to be linked with it */
	pg_uuid_t	link;
} JaProof;

extern JaProof ja_session_proof(int level, const char *amr, const char *method);
extern ArrayType *ja_session_join_methods(ArrayType *first, ArrayType *second);
extern void ja_session_begin(const JaUser *user, JaProof proof, int64 ttl_seconds,
							 JaSession *session, JaRefreshToken *token);
extern bool ja_session_find(const pg_uuid_t *id, JaSession *session);
extern JaString ja_session_sign(const Jsonb *claims, int64 ttl_seconds, TimestampTz now);
extern Jsonb *ja_session_claims(const JaUser *user, const JaSession *session, TimestampTz now);
extern int64 ja_session_token_ttl(const JaSession *session, TimestampTz now);
extern Jsonb *ja_session_answer(const JaUser *user, const JaSession *session,
								const JaRefreshToken *token);

#endif							/* JA_SESSION_H */
