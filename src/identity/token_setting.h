/*-------------------------------------------------------------------------
 *
 * token_setting.h
 *	  The setting jwt_auth.token.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_TOKEN_SETTING_H
#define JA_TOKEN_SETTING_H

#include "jose/json.h"

#define JA_TOKEN_SETTING "jwt_auth.token"

extern void ja_token_setting_define(void);
extern JaString ja_token_setting_value(void);
extern void ja_token_setting_set_locally(const char *token);

#endif							/* JA_TOKEN_SETTING_H */
