/*-------------------------------------------------------------------------
 *
 * pgjwt.h
 *	  Tokens verified as pgjwt does, where pgjwt is right.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PGJWT_H
#define JA_PGJWT_H

#include "datatype/timestamp.h"

#include "jose/algorithm.h"

/* Longest token that is read or made, in bytes. */
#define JA_PGJWT_MAX_TOKEN	(1024 * 1024)

/* What a token holds, verified or not; data NULL where it is not JSON. */
typedef struct JaPgjwtParts
{
	JaString	header;
	JaString	payload;
} JaPgjwtParts;

extern JaStatus ja_pgjwt_verify(JaString token, JaString secret, const JaAlgorithm *algorithm,
								TimestampTz now, JaPgjwtParts *parts);

#endif							/* JA_PGJWT_H */
