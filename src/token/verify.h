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
#include "token/claims.h"

extern JaStatus ja_verify_with_keys(JaString token, JaKeySet *keys,
									const JaExpectation *expected, Jsonb **claims);
extern JaStatus ja_verify_size(JaString token);

#endif							/* JA_VERIFY_H */
