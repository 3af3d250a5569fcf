/*-------------------------------------------------------------------------
 *
 * stored_key.h
 *	  Keys of the table jwt_auth.keys, ready for use.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_STORED_KEY_H
#define JA_STORED_KEY_H

#include "datatype/timestamp.h"

#include "jose/key.h"
#include "keyring/key_use.h"
#include "keyring/row_cache.h"

typedef enum JaKeyState
{
	JA_STATE_NEXT,
	JA_STATE_ACTIVE,
	JA_STATE_RETIRING,
	JA_STATE_RETIRED,
	JA_STATE_REVOKED
} JaKeyState;

typedef struct JaStoredKey
{
	JaCachedRow row;
	JaKey	   *key;			/* NULL: revoked, or a secret that was erased */
	int32		number;			/* of a key that makes handles */
	bool		is_next;		/* never activated, no verify_until */
	bool		is_revoked;
	bool		has_end;
	TimestampTz verify_until;	/* if has_end */
} JaStoredKey;

extern JaStatus ja_stored_key_verifying(JaString kid, const JaStoredKey **key);
extern JaStatus ja_stored_key_signing(JaString kid, const JaStoredKey **key);
extern JaStatus ja_stored_key_numbered(JaKeyUse use, int32 number, const JaStoredKey **key);
extern JaStatus ja_stored_key_active(JaKeyUse use, const JaStoredKey **key);
extern JaKeyState ja_stored_key_state(const JaStoredKey *key, TimestampTz now);
extern const char *ja_stored_key_state_name(JaKeyState state);

#endif							/* JA_STORED_KEY_H */
