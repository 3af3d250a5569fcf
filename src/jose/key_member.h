/*-------------------------------------------------------------------------
 *
 * key_member.h
 *	  Members of a JWK that hold octets or numbers (RFC 7518 section 6).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEY_MEMBER_H
#define JA_KEY_MEMBER_H

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "jose/json.h"

/* Longest member, in bytes: an RSA modulus, or a public key of ML-DSA-87. */
#define JA_MAX_MEMBER	2592

extern JaStatus ja_member_octets(const JsonbContainer *jwk, const char *name,
								 uint8 *out, size_t room, size_t *length);
extern JaStatus ja_member_exact(const JsonbContainer *jwk, const char *name,
								uint8 *out, size_t length);
extern bool ja_member_exists(const JsonbContainer *jwk, const char *name);
extern void ja_member_add_octets(JaJsonState *jwk, const char *name,
								 const uint8 *octets, size_t length);
extern JaStatus ja_member_build_key(const char *openssl_type, bool with_private,
									OSSL_PARAM_BLD *builder, EVP_PKEY **pkey);
extern void ja_member_wipe_parameters(OSSL_PARAM *parameters);

#endif							/* JA_KEY_MEMBER_H */
