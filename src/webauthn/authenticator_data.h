/*-------------------------------------------------------------------------
 *
 * authenticator_data.h
 *	  What an authenticator says of itself: authenticator data, and the
 *	  attestation object around it (WebAuthn Level 3 sections 6.1 and 6.5).
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_AUTHENTICATOR_DATA_H
#define JA_AUTHENTICATOR_DATA_H

#include "base/status.h"
#include "base/string.h"

/* Longest credential id, in bytes (WebAuthn section 4). */
#define JA_MAX_CREDENTIAL_ID 1023

/* Flags (section 6.1). */
#define JA_FLAG_USER_PRESENT	0x01
#define JA_FLAG_USER_VERIFIED	0x04
#define JA_FLAG_BACKUP_ELIGIBLE 0x08
#define JA_FLAG_BACKED_UP		0x10
#define JA_FLAG_CREDENTIAL		0x40
#define JA_FLAG_EXTENSIONS		0x80

#define JA_RP_ID_HASH_SIZE	32
#define JA_AAGUID_SIZE		16

/* All of it points into the bytes that were read. */
typedef struct JaAuthenticatorData
{
	const uint8 *rp_id_hash;
	uint8		flags;
	uint32		counter;
	const uint8 *aaguid;		/* with JA_FLAG_CREDENTIAL, as the next two */
	JaString	credential_id;
	JaString	public_key;		/* a map of CBOR */
} JaAuthenticatorData;

typedef struct JaAttestation
{
	JaString	format;			/* printable ASCII */
	JaAuthenticatorData data;
} JaAttestation;

extern JaStatus ja_authenticator_data_read(JaString bytes, JaAuthenticatorData *data);
extern JaStatus ja_attestation_read(JaString bytes, JaAttestation *attestation);

#endif							/* JA_AUTHENTICATOR_DATA_H */
