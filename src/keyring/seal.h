/*-------------------------------------------------------------------------
 *
 * seal.h
 *	  Sealing of private keys and secrets before they are stored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SEAL_H
#define JA_SEAL_H

#include "jose/json.h"
#include "keyring/master_key.h"

/* What a ciphertext is tied to: the row that it is stored in. */
typedef struct JaSealLabel
{
	JaString	table;
	JaString	kid;			/* or the issuer */
	JaString	alg;
	JaString	use;
} JaSealLabel;

/* A value as it is stored: sealed, or in the clear where name is NULL. */
typedef struct JaStored
{
	bytea	   *bytes;
	JaString	sealed_by;		/* data NULL: in the clear */
} JaStored;

extern JaStatus ja_seal_store(const JaSealLabel *label, const void *plain, size_t length,
							  JaStored *stored);
extern JaStatus ja_seal_open(const JaSealLabel *label, const JaStored *stored,
							 uint8 **plain, size_t *length);

#endif							/* JA_SEAL_H */
