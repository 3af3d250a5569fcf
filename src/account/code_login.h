/*-------------------------------------------------------------------------
 *
 * code_login.h
 *	  Login without a password, by a link or a code that was sent.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_CODE_LOGIN_H
#define JA_CODE_LOGIN_H

#include "utils/jsonb.h"

#include "base/string.h"

extern Jsonb *ja_code_login(JaString token, JaString flow);

#endif							/* JA_CODE_LOGIN_H */
