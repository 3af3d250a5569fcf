/*-------------------------------------------------------------------------
 *
 * jwks.h
 *	  Our public keys as JWK Set.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_JWKS_H
#define JA_JWKS_H

#include "utils/jsonb.h"

extern Jsonb *ja_jwks_make(void);

#endif							/* JA_JWKS_H */
