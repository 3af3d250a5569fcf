/*-------------------------------------------------------------------------
 *
 * signature.h
 *	  Making and checking signatures, by family of algorithms.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SIGNATURE_H
#define JA_SIGNATURE_H

#include "jose/key.h"

/*
 * One family's operations on a key prepared for one algorithm.  check()
 * returns JA_TOKEN_SIGNATURE for any signature that is not right, and gets
 * one of exactly signature_size() bytes.
 */
typedef struct JaFamily
{
	size_t		(*signature_size) (const JaKey *key, const JaAlgorithm *algorithm);
	JaStatus	(*check) (JaKey *key, JaPrepared *prepared, const void *input, size_t length,
						  const uint8 *signature);
	JaStatus	(*make) (JaKey *key, JaPrepared *prepared, const void *input, size_t length,
						 uint8 *signature);
} JaFamily;

extern const JaFamily ja_family_hmac;
extern const JaFamily ja_family_rsa;
extern const JaFamily ja_family_rsa_pss;
extern const JaFamily ja_family_ecdsa;
extern const JaFamily ja_family_pure;

extern JaStatus ja_ecdsa_check_der(JaKey *key, JaPrepared *prepared, const void *input,
								   size_t length, const uint8 *der, size_t der_length);

extern JaStatus ja_signature_key_hash(JaKey *key, const JaAlgorithm *algorithm,
									  const uint8 **hash);
extern size_t ja_signature_size(const JaKey *key, const JaAlgorithm *algorithm);
extern JaStatus ja_signature_check(JaKey *key, const JaAlgorithm *algorithm,
								   JaString input, const uint8 *signature,
								   size_t signature_length);
extern JaStatus ja_signature_check_der(JaKey *key, const JaAlgorithm *algorithm,
									   JaString input, const uint8 *signature,
									   size_t signature_length);
extern JaStatus ja_signature_make(JaKey *key, const JaAlgorithm *algorithm,
								  JaString input, uint8 *signature,
								  size_t *signature_length);

extern JaStatus ja_signature_context(JaKey *key, EVP_PKEY_CTX **context,
									 const JaAlgorithm *algorithm, bool for_signing);

#endif							/* JA_SIGNATURE_H */
