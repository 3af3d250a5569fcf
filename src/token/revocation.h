/*-------------------------------------------------------------------------
 *
 * revocation.h
 *	  Whether a token that is right was revoked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_REVOCATION_H
#define JA_REVOCATION_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "token/assurance.h"

/* What of a token can be revoked. */
typedef struct JaRevocable
{
	JaString	issuer;			/* iss; length 0: none */
	JaString	jti;			/* data NULL: none */
	bool		has_session;	/* own tokens only */
	pg_uuid_t	session;
	bool		has_user;		/* own tokens whose sub is a UUID */
	pg_uuid_t	user;
	TimestampTz issued_at;		/* DT_NOBEGIN: it does not tell */
	bool		has_client;		/* own tokens whose sub is a client's */
	pg_uuid_t	client;
	pg_uuid_t	credential;		/* what the client showed */
} JaRevocable;

/* What the tables say of a token. */
typedef struct JaRevocationAnswer
{
	bool		is_final;		/* may be kept until revocations change */
	TimestampTz session_end;	/* DT_NOEND: no session */
	JaAssurance session_assurance;	/* if there is a session */
} JaRevocationAnswer;

extern JaStatus ja_revocation_read(const JsonbContainer *claims, bool is_local_issuer,
								   JaRevocable *revocable);
extern JaStatus ja_revocation_check(const JaRevocable *revocable, TimestampTz now,
									JaRevocationAnswer *answer);

#endif							/* JA_REVOCATION_H */
