/*-------------------------------------------------------------------------
 *
 * issue.h
 *	  Signing claims as a token.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_ISSUE_H
#define JA_ISSUE_H

#include "datatype/timestamp.h"

#include "jose/jws.h"

/* Values of "typ". */
#define JA_TYPE_NAME_JWT	"JWT"
#define JA_TYPE_NAME_ACCESS_TOKEN	"at+jwt"

extern JaStatus ja_issue_with_key(const JsonbContainer *claims, JaKey *key, const char *type,
								  StringInfo token);
extern JaStatus ja_issue_stored(const JsonbContainer *claims, int64 ttl_seconds, JaString kid,
								TimestampTz now, StringInfo token);
extern JaStatus ja_issue_access_token(const JsonbContainer *claims, int64 ttl_seconds,
									  TimestampTz now, StringInfo token);

#endif							/* JA_ISSUE_H */
