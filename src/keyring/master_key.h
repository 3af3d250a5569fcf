/*-------------------------------------------------------------------------
 *
 * master_key.h
 *	  The file with the keys that seal private keys and secrets.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_MASTER_KEY_H
#define JA_MASTER_KEY_H

#include "jose/json.h"

#define JA_MASTER_KEY_SIZE	32
#define JA_MASTER_KEY_NAME	63

typedef struct JaMasterKey
{
	char		name[JA_MASTER_KEY_NAME + 1];
	uint8		key[JA_MASTER_KEY_SIZE];
} JaMasterKey;

extern bool ja_master_key_is_configured(void);
extern JaStatus ja_master_key_first(JaMasterKey *key);
extern JaStatus ja_master_key_named(JaString name, JaMasterKey *key);

#endif							/* JA_MASTER_KEY_H */
