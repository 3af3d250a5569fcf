/*-------------------------------------------------------------------------
 *
 * login_role.h
 *	  The roles that a token may connect as.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_LOGIN_ROLE_H
#define JA_LOGIN_ROLE_H

#include "base/status.h"

extern JaStatus ja_login_role_check(const char *name);

#endif							/* JA_LOGIN_ROLE_H */
