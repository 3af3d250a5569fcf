/*-------------------------------------------------------------------------
 *
 * verify.h
 *	  Verification of a whole token.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_VERIFY_H
#define JA_VERIFY_H

#include "jose/keyset.h"
#include "token/verified.h"

extern JaStatus ja_verify_size(JaString token);
extern JaStatus ja_verify_with_keys(JaString token, JaKeySet *keys,
									const JaExpectation *expected, Jsonb **claims);
extern JaStatus ja_verify_stored(JaString token, const JaExpectation *expected,
								 JaMoment moment, const JaVerified **verified);
extern JaStatus ja_verify_identity(JaString token, JaMoment moment,
								   const JaVerified **verified);
extern JaStatus ja_verify_issued(JaString token, JaVerified *verified);

#endif							/* JA_VERIFY_H */
