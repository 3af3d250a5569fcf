/*-------------------------------------------------------------------------
 *
 * enrollment.h
 *	  Users who must enroll a second factor before they get a session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ENROLLMENT_H
#define JA_ENROLLMENT_H

#include "session/session.h"

extern bool ja_enrollment_is_due(const JaUser *user);
extern Jsonb *ja_enrollment_ask(const JaUser *user, JaProof proof, int64 ttl_seconds);

#endif							/* JA_ENROLLMENT_H */
