/*-------------------------------------------------------------------------
 *
 * identity.h
 *	  Who the running transaction acts for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_IDENTITY_H
#define JA_IDENTITY_H

#include "access/xact.h"

#include "base/settings.h"
#include "identity/token_setting.h"
#include "token/verified.h"

/*
 * What the token says.  There is one, which the next verification overwrites.  So
 * a pointer to it, or into it, is valid only until code of others can run: copy
 * what must stay before an SQL statement, a hook or the return to the executor.
 */
typedef struct JaIdentity
{
	Jsonb	   *claims;
	bool		is_local_issuer;	/* the token was issued by this database */
	bool		has_user;
	pg_uuid_t	user;
	bool		has_session;
	pg_uuid_t	session;
	JaAssurance session_assurance;	/* if has_session, and it was looked at */
	JaString	issuer;			/* data NULL: none */
	JaString	role;			/* data NULL: none, or not ours to use */
	JaString	scope_claim;	/* data NULL: scope, or else scp */
	bool		is_anonymous;	/* an anonymous user of ours */
	JaString	actor;			/* who acts as the user, by a token of ours;
								 * length 0: not told; data NULL: the user */
} JaIdentity;

/* A user of ours who the transaction acts for; a copy, which the caller owns. */
typedef struct JaSubject
{
	pg_uuid_t	user;
	bool		has_session;	/* the token belongs to a session */
	pg_uuid_t	session;
} JaSubject;

/* What was found when the token was last verified; it holds for the statement. */
typedef struct JaJudgement
{
	const JaIdentity *identity; /* NULL: no token */
	uint64		epoch;			/* of ja_settings_epoch; 0: nothing holds */
	TimestampTz statement;		/* its start */
} JaJudgement;

extern JaJudgement ja_identity_judgement;

extern void ja_identity_initialize(void);
extern void ja_identity_verify(void);
extern const JaIdentity *ja_identity_take(const JaVerified *verified);
extern JaSubject ja_identity_require_user(void);
extern bool ja_identity_anonymous_user(pg_uuid_t *user);
extern void ja_identity_refuse_actor(void);
extern void ja_identity_refuse_delegate(void);
extern JaSubject ja_identity_require_person(void);
extern void ja_identity_require_own_way_in(void);
extern JaSubject ja_identity_require_writer(const char *function);

/*
 * Whether what was found at the epoch, with a verification of then, holds in the
 * statement.  No hook tells of a new statement, which is known by its start.
 */
static inline bool
ja_identity_holds(uint64 epoch, TimestampTz statement)
{
	return epoch == ja_settings_epoch && ja_identity_judgement.statement == statement;
}

/*
 * The identity, or NULL without a token; raises 28J00 to 28J02 for a token
 * that is not good.  It is verified once per statement, so that the rows of one
 * statement see one identity, and costs two comparisons otherwise.
 */
static inline const JaIdentity *
ja_identity_current(void)
{
	if (unlikely(!ja_identity_holds(ja_identity_judgement.epoch,
									GetCurrentStatementStartTimestamp())))
		ja_identity_verify();
	return ja_identity_judgement.identity;
}

#endif							/* JA_IDENTITY_H */
