/*-------------------------------------------------------------------------
 *
 * anonymous.h
 *	  Users whom nobody knows, and what becomes of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ANONYMOUS_H
#define JA_ANONYMOUS_H

#include "account/pending_user.h"

extern Jsonb *ja_anonymous_sign_up(Jsonb *data);
extern Jsonb *ja_anonymous_lock(const pg_uuid_t *id, int64 version, JaUser *user);
extern bool ja_anonymous_become(const JaOneTimeToken *token, const JaPendingUser *pending,
								JaUser *user);

#endif							/* JA_ANONYMOUS_H */
