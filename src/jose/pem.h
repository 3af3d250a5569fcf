/*-------------------------------------------------------------------------
 *
 * pem.h
 *	  Keys as PEM text (RFC 7468).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_PEM_H
#define JA_PEM_H

#include "jose/key.h"

/* Longest PEM text that is read, in bytes. */
#define JA_MAX_PEM	65536

extern JaStatus ja_pem_read(JaString pem, const JaAlgorithm *algorithm, JaKey **key);
extern JaStatus ja_pem_write(const JaKey *key, StringInfo out);

#endif							/* JA_PEM_H */
