/*-------------------------------------------------------------------------
 *
 * hook.h
 *	  The operator's own functions: claims of tokens, validation of passwords.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_HOOK_H
#define JA_HOOK_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "jose/json.h"

extern bool ja_hook_name_is_right(const char *name);
extern Jsonb *ja_hook_claims(const pg_uuid_t *user, Jsonb *claims);
extern char *ja_hook_judge_password(JaString username, JaString password);

#endif							/* JA_HOOK_H */
