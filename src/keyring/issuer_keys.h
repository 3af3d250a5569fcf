/*-------------------------------------------------------------------------
 *
 * issuer_keys.h
 *	  JWK Sets that others publish, before they are stored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ISSUER_KEYS_H
#define JA_ISSUER_KEYS_H

#include "jose/keyset.h"

extern JaKeySet *ja_issuer_keys_read(const Jsonb *jwks);
extern Jsonb *ja_issuer_keys_write(const JaKeySet *set, bool with_secrets);

#endif							/* JA_ISSUER_KEYS_H */
