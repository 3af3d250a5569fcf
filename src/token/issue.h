/*-------------------------------------------------------------------------
 *
 * issue.h
 *	  Signing claims as a token.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ISSUE_H
#define JA_ISSUE_H

#include "jose/jws.h"

extern JaStatus ja_issue_with_key(const Jsonb *claims, JaKey *key, const char *type,
								  StringInfo token);

#endif							/* JA_ISSUE_H */
