/*-------------------------------------------------------------------------
 *
 * revoke.h
 *	  Revocation of tokens (RFC 7009).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_REVOKE_H
#define JA_REVOKE_H

#include "token/claims.h"

extern Jsonb *ja_revoke_consume(JaString text, const JaExpectation *expected);
extern void ja_revoke_token(JaString text);

#endif							/* JA_REVOKE_H */
