/*-------------------------------------------------------------------------
 *
 * signature_check.h
 *	  The check of a token's signature, unless some backend has done it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SIGNATURE_CHECK_H
#define JA_SIGNATURE_CHECK_H

#include "token/verified.h"

extern JaStatus ja_signature_check_shared(const JaCompact *token, JaKey *key,
										  const JaAlgorithm *algorithm, JaVerified *verified);

#endif							/* JA_SIGNATURE_CHECK_H */
