/*-------------------------------------------------------------------------
 *
 * sign_up_rule.h
 *	  Who may sign up, and with which role and claims.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SIGN_UP_RULE_H
#define JA_SIGN_UP_RULE_H

#include "account/identifier_form.h"
#include "account/pending_user.h"

/* The kind of a sign-up that tells nothing of the user. */
#define JA_SIGN_UP_ANONYMOUS "anonymous"

extern Jsonb *ja_sign_up_rule_apply(const char *kind, JaString address, Jsonb *data,
									JaPendingUser *pending);

#endif							/* JA_SIGN_UP_RULE_H */
