/*-------------------------------------------------------------------------
 *
 * revoke.h
 *	  Revocation of tokens (RFC 7009).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_REVOKE_H
#define JA_REVOKE_H

#include "jose/json.h"

extern void ja_revoke_token(JaString text);

#endif							/* JA_REVOKE_H */
