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

/* What the token says; strings point into the claims. */
typedef struct JaIdentity
{
	Jsonb	   *claims;
	bool		is_own;			/* of a token that we made */
	bool		has_user;
	pg_uuid_t	user;
	bool		has_session;
	pg_uuid_t	session;
	JaString	issuer;			/* data NULL: none */
	JaString	role;			/* data NULL: none, or not ours to use */
} JaIdentity;

/* When the identity was last judged; it holds for the statement. */
typedef struct JaIdentityVersion
{
	uint64		number;			/* of the identity; 0: never judged */
	uint64		token_changes;
	uint64		settings_changes;
	uint64		transactions;
	TimestampTz statement;
} JaIdentityVersion;

extern JaIdentityVersion ja_identity_version;
extern uint64 ja_identity_transactions;
extern const JaIdentity *ja_identity_judged;	/* NULL: no token */

extern void ja_identity_initialize(void);
extern void ja_identity_judge(void);
extern const JaIdentity *ja_identity_take(const JaVerified *verified);
extern const JaIdentity *ja_identity_require_user(void);

/*
 * The identity, or NULL without a token; raises 28J00 to 28J02 for a token
 * that is not good.  It is judged once per statement, so that the rows of one
 * statement see one identity, and costs a comparison otherwise.
 */
static inline const JaIdentity *
ja_identity_current(void)
{
	if (unlikely(ja_identity_version.token_changes != ja_token_setting_changes ||
				 ja_identity_version.settings_changes != ja_settings_changes ||
				 ja_identity_version.statement != GetCurrentStatementStartTimestamp() ||
				 ja_identity_version.transactions != ja_identity_transactions))
		ja_identity_judge();
	return ja_identity_judged;
}

#endif							/* JA_IDENTITY_H */
