/*-------------------------------------------------------------------------
 *
 * hook.h
 *	  The operator's own functions: claims of tokens, validation of passwords, rules
 *	  of sign-up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_HOOK_H
#define JA_HOOK_H

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/status.h"
#include "jose/json.h"

/* Settings that name a function. */
#define JA_HOOKS 3

extern bool ja_hook_name_is_right(const char *name);
extern Jsonb *ja_hook_claims(const pg_uuid_t *user, Jsonb *claims);
extern JaString ja_hook_reason(JaString text);
extern char *ja_hook_judge_password(JaString username, JaString password);
extern Jsonb *ja_hook_judge_sign_up(const char *kind, JaString address, Jsonb *data);
extern JaStatus ja_hook_judge(int hook, const char **setting);

#endif							/* JA_HOOK_H */
