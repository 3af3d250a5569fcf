/*-------------------------------------------------------------------------
 *
 * mfa.h
 *	  The second proof: asked for after the first, and verified.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_MFA_H
#define JA_MFA_H

#include "account/factor_change.h"
#include "session/session.h"

extern Jsonb *ja_mfa_challenge(const JaUser *user, JaProof proof, int64 ttl_seconds);
extern Jsonb *ja_mfa_challenge_recovery(const JaUser *user, const pg_uuid_t *proposal);
extern Jsonb *ja_mfa_step_up(const JaActor *actor);
extern Jsonb *ja_mfa_verify(JaString token, JaString method, const JsonbContainer *response);

#endif							/* JA_MFA_H */
