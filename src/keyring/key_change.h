/*-------------------------------------------------------------------------
 *
 * key_change.h
 *	  Making, rotating, retiring and revoking of stored keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_KEY_CHANGE_H
#define JA_KEY_CHANGE_H

#include "jose/key.h"
#include "keyring/key_use.h"

extern JaString ja_key_change_create(const JaAlgorithm *algorithm, JaString kid);
extern JaString ja_key_change_rotate(const JaAlgorithm *algorithm);
extern void ja_key_change_publish(void);
extern void ja_key_change_retire(JaString kid);
extern void ja_key_change_revoke(JaString kid);
extern JaString ja_key_change_import(const JsonbContainer *jwk);
extern int32 ja_key_change_rotate_secret(JaKeyUse use);
extern void ja_key_change_ensure(JaKeyUse use);
extern void ja_key_change_reset(void);

#endif							/* JA_KEY_CHANGE_H */
