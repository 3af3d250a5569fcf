/*-------------------------------------------------------------------------
 *
 * blocklist.h
 *	  Passwords that nobody may choose, as the operator loaded them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_BLOCKLIST_H
#define JA_BLOCKLIST_H

#include "password/password.h"

extern JaStatus ja_blocklist_has(const JaPassword *password, bool *has);

#endif							/* JA_BLOCKLIST_H */
