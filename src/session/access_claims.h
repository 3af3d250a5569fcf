/*-------------------------------------------------------------------------
 *
 * access_claims.h
 *	  Claims of a user's access tokens.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ACCESS_CLAIMS_H
#define JA_ACCESS_CLAIMS_H

#include "utils/array.h"

#include "session/user.h"
#include "token/assurance.h"

extern JaStatus ja_access_claims_check(const Jsonb *claims);
extern Jsonb *ja_access_claims_make(const JaUser *user, const pg_uuid_t *session,
									const JaAssurance *assurance, ArrayType *amr,
									JaString actor);

#endif							/* JA_ACCESS_CLAIMS_H */
