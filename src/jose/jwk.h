/*-------------------------------------------------------------------------
 *
 * jwk.h
 *	  JSON Web Keys (RFC 7517): jsonb to key and back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_JWK_H
#define JA_JWK_H

#include "jose/key.h"

/* Characters of a thumbprint: SHA-256 in base64url. */
#define JA_THUMBPRINT_LENGTH 43

extern JaStatus ja_jwk_read(const JsonbContainer *jwk, JaKey **key);
extern JaStatus ja_jwk_read_trusted(const JsonbContainer *jwk, JaKey **key);
extern JaStatus ja_jwk_write(const JaKey *key, bool with_private, Jsonb **jwk);
extern JaStatus ja_jwk_thumbprint(const JaKey *key, char *thumbprint);
extern JaStatus ja_jwk_check_kid(JaString kid);

#endif							/* JA_JWK_H */
