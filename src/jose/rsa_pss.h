/*-------------------------------------------------------------------------
 *
 * rsa_pss.h
 *	  RSA keys for RSASSA-PSS alone (RFC 4055).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_RSA_PSS_H
#define JA_RSA_PSS_H

#include "jose/key.h"

extern bool ja_rsa_pss_is(const EVP_PKEY *pkey);
extern JaStatus ja_rsa_pss_check(const EVP_PKEY *pkey, const JaAlgorithm *algorithm);

#endif							/* JA_RSA_PSS_H */
